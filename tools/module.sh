# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Building modules for the kernels of tools/kernels.  Sourced after lib.sh.

. "$top/tools/archive.sh"

# module_for KERNEL [PACKAGE...]: set $dir, the kernel's folder; $cross, the prefix
# of its compiler; and the array $module_make, to be called with M= and targets.
# The packages are what the build needs besides gcc.
module_for()
{
	local name=$1 release root
	shift
	kernel_row "$name"
	release=${suite%-backports}
	dir=$("$top/tools/kernel" "$name")
	cross=
	[ "$arch" = "$(dpkg --print-architecture)" ] || cross=$(deb_triplet "$arch")-
	module_make=(make -C "$dir/kdir" -j"$(nproc)" CROSS_COMPILE="$cross")
	# A kernel of a newer Debian has build tools that need its libc.
	if [ "$kind" != source ] && [ "$release" != "$codename" ]; then
		root=$(root_make "$release" "$arch" "$@")
		module_make=(root_run "$root" "${module_make[@]}")
	fi
}

# warnings LOG: print what is wrong in it, if anything
warnings()
{
	grep -E '(warning|error):' "$1" | grep -v 'pahole version differs'
}
