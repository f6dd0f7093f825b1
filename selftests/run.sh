#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# vmobj-selftest [NAME...]: run the tests on the module that is loaded.

dir=${VMOBJ_TESTS:-/usr/libexec/vmobj}
list=$dir/tests.list
[ -f "$list" ] || list=/usr/share/vmobj/tests.list

if [ ! -c /dev/vmobj ]; then
	echo "vmobj-selftest: there is no /dev/vmobj; try 'modprobe vmobj'" >&2
	exit 4
fi
[ "$(id -u)" -eq 0 ] ||
	echo "vmobj-selftest: not root: what needs debugfs is skipped" >&2

# t_module loads it again.
VMOBJ_KO=${VMOBJ_KO:-$(modinfo -n vmobj 2>/dev/null)}
[ -z "$VMOBJ_KO" ] || export VMOBJ_KO

passed=0 failed='' skipped=''
while read -r name limit args; do
	case $name in '' | '#'*) continue ;; esac
	case " $* " in *" $name "* | '  ') ;; *) continue ;; esac
	echo "# $name $args"
	# shellcheck disable=SC2086 # arguments are words
	timeout -s KILL "$limit" "$dir/$name" $args </dev/null
	case $? in
	0)	passed=$((passed + 1)) ;;
	4)	skipped="$skipped $name" ;;
	*)	failed="$failed $name" ;;
	esac
done <"$list"

[ -z "$skipped" ] || echo "skipped:$skipped"
[ -z "$failed" ] || echo "failed:$failed"
echo "$passed programs passed"
[ -z "$failed" ] && [ $passed -gt 0 ]
