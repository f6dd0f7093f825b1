# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Packages of any Debian suite and architecture, fetched and unpacked in the
# cache.  This machine's own apt tells where the archive is and stays as it is:
# lists and settings for other suites live in $cache/apt.  Sourced after lib.sh.

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# archive_uri RELEASE: where this machine gets one of its own releases from
archive_uri()
{
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' |
		awk -v r="$1" '$2 == r && $3 == "main" { print $1; exit }'
}

# The suites that belong to one: a stable release has updates.
archive_sources()
{
	local suite=$1 uri security s
	uri=$(archive_uri "$codename")
	[ -n "$uri" ] || die "apt has no source for $codename main: is this Debian?"
	security=$(archive_uri "$codename-security")
	for s in "$suite" "$suite-updates"; do
		case $s in *-backports-updates) continue ;; esac
		echo "deb [signed-by=$keyring] $uri $s main"
	done
	case $suite in *-backports) return ;; esac
	[ -z "$security" ] ||
		echo "deb [signed-by=$keyring] $security $suite-security main"
}

# archive_open SUITE ARCH: what follows is about this suite.  Lists older than
# a day are renewed; if that fails the old ones do.
archive_open()
{
	local suite=$1 arch=$2
	archive=$cache/apt/$suite-$arch
	export APT_CONFIG=
	mkdir -p "$archive/lists/partial" "$archive/cache/archives/partial"
	exec 8>"$archive/lock"
	flock 8
	[ -n "$(find "$archive/stamp" -mmin -1440 2>/dev/null)" ] ||
		archive_update "$suite" "$arch"
	exec 8>&-
	APT_CONFIG=$archive/conf
}

archive_update()
{
	local suite=$1 arch=$2
	archive_sources "$suite" >"$archive/sources.list"
	: >"$archive/status"
	cat >"$archive/conf" <<-END
		Dir::Etc::SourceList "$archive/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$archive/lists";
		Dir::State::status "$archive/status";
		Dir::Cache "$archive/cache";
		APT::Architectures { "$(dpkg --print-architecture)"; "$arch"; };
		APT::Sandbox::User "root";
	END
	say "reading what $suite has for $arch"
	if APT_CONFIG=$archive/conf apt-get -q update >"$archive/log" 2>&1; then
		touch "$archive/stamp"
	elif [ -e "$archive/stamp" ]; then
		say "cannot reach the archive; going on with what is known of $suite"
	else
		cat "$archive/log" >&2
		die "cannot read what $suite has for $arch"
	fi
}

# archive_field PACKAGE FIELD, of the version that would be installed
archive_field()
{
	apt-cache --no-all-versions show "$1" 2>/dev/null |
		sed -n "s/^$2: //p" | grep . || die "$archive has no package $1"
}

# archive_depends PACKAGE PATTERN: the names among its dependencies that match
archive_depends()
{
	archive_field "$1" Depends | tr ',|' '\n\n' |
		sed 's/^ *//; s/[ :(].*//' | grep -E "$2"
}

# archive_fetch DIR PACKAGE...: download, and unpack into DIR
archive_fetch()
{
	local dir=$1 deb
	shift
	mkdir -p "$dir" "$dir.debs"
	(cd "$dir.debs" && apt-get -q download "$@") >"$archive/log" 2>&1 || {
		rm -f "$archive/stamp"		# they may be out of date
		tail -n 5 "$archive/log" >&2
		return 1
	}
	for deb in "$dir.debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir.debs"
}

# Build tools of a newer Debian run in a folder with that Debian's libc.

# root_make RELEASE ARCH [PACKAGE...]: such a folder, with compilers for ARCH, and
# more packages; prints it
root_make()
{
	local release=$1 arch=$2 tmp dir
	shift 2
	case $release in
	bookworm) set -- make gcc "$@" ;;
	*)	set -- make gcc-14 libelf1t64 pahole "$@" ;;
	esac
	[ "$arch" = "$(dpkg --print-architecture)" ] ||
		set -- "$@" "gcc-14-$(deb_triplet "$arch")"
	dir=$cache/root-$release-$(sha256sum <<<"$*" | cut -c1-12)
	if [ ! -d "$dir" ]; then
		mkdir -p "$cache"
		exec 7>"$dir.lock"
		flock 7
	fi
	if [ ! -d "$dir" ]; then
		say "making a folder with Debian $release to build in; this takes 2 to 4 minutes"
		tmp=$(mktemp -d "$cache/tmp.XXXXXX")
		root_fill "$tmp/root" "$release" "$@" >"$tmp/log" 2>&1 ||
			{ tail "$tmp/log" >&2; die "cannot make it"; }
		as_root mv "$tmp/root" "$dir"
		rm -rf "$tmp"
	fi
	echo "$dir"
}

root_fill()
{
	local dir=$1 release=$2
	shift 2
	as_root debootstrap --variant=minbase "$release" "$dir" \
		"$(archive_uri "$codename")" || return
	archive_sources "$release" | as_root tee "$dir/etc/apt/sources.list"
	root_run_as 0:0 "$dir" env DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -eux -c '
		apt-get -q update
		apt-get -q install -y --no-install-recommends "$@"
		apt-get clean' sh "$@"
}

# root_run DIR COMMAND...: run it in there, as this user.  It sees the cache and
# this tree; what is mounted for it is gone when it ends.
root_run()
{
	root_run_as "$(id -u):$(id -g)" "$@"
}

# root_run_as USER:GROUP DIR COMMAND...
root_run_as()
{
	local user=$1 dir=$2
	shift 2
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root unshare --mount sh -eu -c '
		dir=$1 user=$2 cache=$3 top=$4
		shift 4
		mount --bind /proc "$dir/proc"
		for d in "$cache" "$top"; do
			mkdir -p "$dir$d"
			mount --bind "$d" "$dir$d"
		done
		exec chroot --userspec="$user" "$dir" "$@"' \
		sh "$dir" "$user" "$cache" "$top" "$@"
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# The GNU name of an architecture of Debian's.
deb_triplet()
{
	case $1 in
	amd64)	echo x86-64-linux-gnu ;;
	arm64)	echo aarch64-linux-gnu ;;
	ppc64el) echo powerpc64le-linux-gnu ;;
	s390x)	echo s390x-linux-gnu ;;
	*)	die "no compiler known for $1" ;;
	esac
}
