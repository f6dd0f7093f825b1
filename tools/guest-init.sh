#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
#
# PID 1 of the test guest.  tools/guest packs it and reads what it says on
# $CHANNEL, the second serial port: the programs' output, and lines that begin with @@:
#
#   @@ start LIMIT NAME ARGS	a test begins, to be killed after LIMIT seconds
#   @@ end STATUS NAME		it is over
#   @@ ok NAME | @@ fail NAME: TEXT	the runner's own checks
#   @@k TEXT			a kernel message
#   @@ done			all that was asked for has been run
#   @@ tar, @@ tar-end		around /out as base64 of a .tar.gz
#   @@ exit STATUS		the last line

/bin/busybox mkdir -p /bin /proc /sys /dev /tmp /out
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts 2>/dev/null	# not on the debug kernel
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
echo /tmp/core.%p > /proc/sys/kernel/core_pattern
ulimit -c unlimited
hostname vmobj-guest

# MODE, CHANNEL, and what the tests want to know: VMOBJ_SEED, VMOBJ_SCALE, SLOWER, TESTS
. /etc/vmobj.conf
export VMOBJ_SEED VMOBJ_SCALE VMOBJ_OUT=/out

dbg=/sys/kernel/debug/vmobj
[ "$MODE" = shell ] && hush=1 || hush=7
dmesg -n $hush
stty -F "$CHANNEL" raw -echo 115200
exec 3>"$CHANNEL"

put()
{
	echo "@@ $*" >&3
}

# Run a command; its success or failure is a result called $1.
step()
{
	local what="$1" err
	shift
	if err=$("$@" 2>&1); then
		put ok "$what"
	else
		put fail "$what: $err"
		return 1
	fi
}

kernel_messages()
{
	dmesg -c > /tmp/.kmsg
	cat /tmp/.kmsg >> /out/dmesg
	sed 's/^/@@k /' /tmp/.kmsg >&3
	rm /tmp/.kmsg
}

module_load()
{
	[ -c /dev/vmobj ] || insmod /lib/vmobj/vmobj.ko
}

# All modules of a folder; they need each other.
insmod_all()
{
	local pass ko args
	for pass in 1 2 3 4; do
		for ko in "$1"/*.ko; do
			case "$ko" in
			*/null_blk.ko) args=nr_devices=0 ;;	# devices come by configfs
			*) args= ;;
			esac
			[ ! -f "$ko" ] || insmod "$ko" $args 2>/dev/null
		done
	done
	return 0
}

gauges_left()
{
	awk '$1 ~ /^(objects|families|maps|entries|pages|pages_swapped)$/ && $2 != 0 \
		{ printf "%s=%s ", $1, $2 }' $dbg/stats
}

# Nobody uses the module now: nothing may be left, nor mounted, and its checker must agree.
clean_after()
{
	local n=0 left check
	[ -d $dbg ] || return
	while left=$(gauges_left) && [ -n "$left" ] && [ $n -lt 50 ]; do
		usleep 100000
		n=$((n + 1))
	done
	if [ -n "$left" ]; then
		put fail "left over after $1: $left"
		cat $dbg/objects > "/out/$1.objects"
	fi
	left=$(awk '$2 ~ "^/tmp/" { print $2 }' /proc/mounts)
	[ -z "$left" ] || put fail "mounted after $1: $left"
	check=$(cat $dbg/check)
	if [ "$check" != ok ]; then
		put fail "invariants after $1: $(echo "$check" | head -n 1)"
		echo "$check" > "/out/$1.check"
	fi
}

# run_test LIMIT NAME ARGS...
run_test()
{
	local limit="$1" name="$2" status
	shift 2
	module_load || put fail "load before $name"
	put start "$limit" "$name" "$@"
	(cd /tests && exec setsid timeout -s KILL "$limit" "./$name" "$@") \
		</dev/null >&3 2>&3
	status=$?
	kill -9 -1 2>/dev/null		# whatever it left running
	put end $status "$name"
	clean_after "$name"
	kernel_messages
}

run_tests()
{
	local name limit args list n=0
	# The second one is of the kernel's own tests, if they are there.
	set -- /tests/tests.list /tests/kernel.list
	[ "$MODE" != pressure ] || set -- /tests/pressure.list
	[ -f "$1" ] || { put fail "no $1"; return; }
	for list in "$@"; do
		[ -f "$list" ] || continue
		while read -r name limit args; do
			case "$name" in '' | '#'*) continue ;; esac
			case " $TESTS " in *" $name "* | '  ') ;; *) continue ;; esac
			run_test $((limit * SLOWER)) "$name" $args
			n=$((n + 1))
		done < "$list"
	done
	[ $n -gt 0 ] || put fail "no test of $1 was run"
}

run_kunit()
{
	[ -f /lib/vmobj/vmobj_kunit.ko ] || return
	module_load
	kernel_messages
	put start $((300 * SLOWER)) kunit
	insmod /lib/vmobj/vmobj_kunit.ko >&3 2>&3
	set -- $?
	kernel_messages
	put end $1 kunit
	clean_after kunit
	[ $1 -ne 0 ] || step "kunit: rmmod" rmmod vmobj_kunit
}

check_reload()
{
	local i
	for i in 1 2 3; do
		step "reload $i: rmmod" rmmod vmobj
		step "reload $i: insmod" module_load
	done
	step "unload" rmmod vmobj
	[ ! -e /dev/vmobj ] || put fail "unload: /dev/vmobj is still there"
	[ ! -e $dbg ] || put fail "unload: $dbg is still there"
}

# Twice: what is new in one scan is reported only in the next.
leak_scan()
{
	echo scan > /sys/kernel/debug/kmemleak
	echo scan > /sys/kernel/debug/kmemleak
	dmesg -c >> /out/dmesg		# 'N new suspected leaks': judged below
}

# What was leaked before the module came is not the module's.
forget_old_leaks()
{
	[ -f /sys/kernel/debug/kmemleak ] || return 0
	leak_scan
	echo clear > /sys/kernel/debug/kmemleak
}

check_leaks()
{
	[ -f /sys/kernel/debug/kmemleak ] || return 0
	sleep 6				# what is younger than 5 s is not reported
	leak_scan
	# What the boot allocated is not the module's, whenever it is found out.
	awk '/^unreferenced/ { head = $0; next }
		head != "" { boot = /comm "swapper\/0", pid 0,/; if (!boot) print head; head = "" }
		!boot { print }' /sys/kernel/debug/kmemleak > /out/kmemleak
	if [ -s /out/kmemleak ]; then
		put fail "kmemleak: $(grep -c '^unreferenced' /out/kmemleak) leaked, see /out/kmemleak"
		head -n 40 /out/kmemleak >&3
	else
		put ok kmemleak
	fi
}

# Swap four times as large as the memory, compressed, and cgroups.
short_of_memory()
{
	local kib
	kib=$(awk '/^MemTotal/ { print 4 * $2 }' /proc/meminfo)
	insmod_all /lib/vmobj/block
	mkdir -p /sys/fs/cgroup
	echo "${kib}K" > /sys/block/zram0/disksize &&
		mkswap /dev/zram0 >/dev/null &&
		swapon /dev/zram0 &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
		echo +memory > /sys/fs/cgroup/cgroup.subtree_control
}

mode_check()
{
	[ "$MODE" = kunit ] || forget_old_leaks
	[ "$MODE" != pressure ] || step "swap and cgroups" short_of_memory || return
	step "insmod" module_load || return
	kernel_messages
	[ -n "$TESTS" ] || [ "$MODE" = pressure ] || run_kunit
	[ "$MODE" != kunit ] || return 0
	run_tests
	check_reload
	kernel_messages
	check_leaks
}

shell_hints()
{
	cat <<-'END'

	A guest with vmobj loaded.  Try:
	  /tests/demo                             fork, write, exit, with the object dumps
	  cat /sys/kernel/debug/vmobj/objects     who maps what, and the shadow chains
	  cat /sys/kernel/debug/vmobj/stats
	  cat /sys/kernel/debug/vmobj/check       'ok', or what is wrong
	  ls /tests                               the tests; each runs alone
	  rmmod vmobj; insmod /lib/vmobj/vmobj.ko
	What you leave in /out is copied out.  'exit' or ctrl-D ends the guest.

	END
}

status=0
dmesg -c > /out/dmesg			# the boot's, not ours
[ ! -f /lib/vmobj/brd.ko ] || insmod /lib/vmobj/brd.ko rd_nr=1 rd_size=65536
insmod_all /lib/vmobj/fs
case "$MODE" in
check | kunit | pressure)
	mode_check && put done
	;;
shell)
	module_load
	shell_hints
	setsid cttyhack sh
	;;
*)
	[ ! -f /lib/vmobj/vmobj.ko ] || module_load 2>&3
	kernel_messages
	(cd /tests && . /etc/vmobj.cmd) </dev/null >&3 2>&3
	status=$?
	kill -9 -1 2>/dev/null
	kernel_messages
	;;
esac

if [ -n "$(ls /out)" ]; then
	put tar
	tar -C /out -cz . | base64 >&3
	put tar-end
fi
put exit $status
exec 3>&-
reboot -f
