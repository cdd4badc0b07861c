# shellcheck shell=bash
# common.sh: what the scripts beside it share; they source it from the top of the tree

set -euo pipefail

: "${PG_CONFIG:=pg_config}"
export PG_CONFIG
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin

# of the make that called, keep the variables given to it, not its jobs
case ${MAKEFLAGS:-} in
	*'-- '*) MAKEFLAGS="-- ${MAKEFLAGS#*-- }" ;;
	*) MAKEFLAGS= ;;
esac
export MAKEFLAGS
unset MFLAGS MAKELEVEL

# the user of the server: never root, which initdb refuses
server_user () {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif id -u postgres > /dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# run a command as that user
as_server_user () {
	if [ "$(id -u)" = 0 ]; then
		runuser -u "$(server_user)" -- "$@"
	else
		"$@"
	fi
}

# compile as the caller; install as whoever may write there
build_and_install () {
	local dir as_root=
	make --no-print-directory -j "$(nproc)" all
	for dir in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)/extension"; do
		[ -w "$dir" ] || as_root=sudo
	done
	$as_root make --no-print-directory -s install PG_CONFIG="$PG_CONFIG"
}
