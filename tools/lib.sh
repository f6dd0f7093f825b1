# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts in tools/ share.  Sourced, not run.

set -eu
set -o pipefail

# What make was told on its command line is not for the builds in here.
unset ARCH CROSS_COMPILE MAKEFLAGS MAKELEVEL

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${VMOBJ_CACHE:-${HOME:?}/.cache/vmobj}

say()
{
	echo "${0##*/}: $*" >&2
}

die()
{
	say "$*"
	exit 1
}

# kernel_row NAME: set kind, arch, suite, package, scale and slower from
# tools/kernels.
kernel_row()
{
	local row
	row=$(awk -v n="$1" '$1 == n { $1 = ""; print }' "$top/tools/kernels")
	[ -n "$row" ] ||
		die "no kernel '$1'; known: $(awk '!/^#/ && NF { printf "%s ", $1 }' "$top/tools/kernels")"
	# shellcheck disable=SC2034 # used by the callers
	read -r kind arch suite package scale slower <<<"$row"
}

# with_progress TEXT LOG DIR COMMAND...: run COMMAND with its output in LOG and
# tell every 15 s how long it has been going and how many objects DIR has.
with_progress()
{
	local text=$1 log=$2 dir=$3 start=$SECONDS next=15 pid rc=0
	shift 3
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064 # this very process
	trap "kill $pid 2>/dev/null || :" INT TERM
	while kill -0 $pid 2>/dev/null; do
		sleep 1
		if [ $((SECONDS - start)) -ge $next ]; then
			say "$text: $((SECONDS - start)) s, $(find "$dir" -name '*.o' 2>/dev/null | wc -l) objects"
			next=$((next + 15))
		fi
	done
	wait $pid || rc=$?
	trap - INT TERM
	if [ $rc -ne 0 ]; then
		tail -n 40 "$log" >&2
		say "$text: failed after $((SECONDS - start)) s"
		return $rc
	fi
	say "$text: done in $((SECONDS - start)) s"
}
