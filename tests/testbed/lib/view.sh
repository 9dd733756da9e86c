# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A view is a writable root for one use: an overlay with its upper layer in a tmpfs. So the root in the cache never
# changes, and the cache can be on an overlay itself. The view is unmounted with the mount namespace.

# view_overlay DIR LOWER: mounts LOWER at DIR, writable; changes are under DIR.upper/up.
view_overlay() {
    local dir=$1 lower=$2
    mkdir -p "$dir" "$dir.upper"
    mount -t tmpfs -o mode=0755,size=4g testbed "$dir.upper"
    mkdir "$dir.upper/up" "$dir.upper/work"
    mount -t overlay -o "lowerdir=$lower,upperdir=$dir.upper/up,workdir=$dir.upper/work" testbed "$dir"
}

# view_open ROOT: sets VIEW to a fresh view of ROOT with /proc, /tmp and a few device nodes.
view_open() {
    local node
    VIEW=$(mktemp -d "$CACHE/work/view-XXXXXX")/root
    view_overlay "$VIEW" "$1"
    mount -t proc proc "$VIEW/proc"
    mount -t tmpfs -o mode=1777 testbed "$VIEW/tmp"
    mount -t tmpfs -o mode=0755 testbed "$VIEW/dev"
    for node in null zero full random urandom tty kvm; do
        [[ -c /dev/$node ]] || continue
        : >"$VIEW/dev/$node"
        mount --bind "/dev/$node" "$VIEW/dev/$node"
    done
    # Separate pseudo-terminals, for tests of terminal output.
    mkdir "$VIEW/dev/pts"
    mount -t devpts -o newinstance,mode=0620,ptmxmode=0666 testbed "$VIEW/dev/pts"
    ln -s pts/ptmx "$VIEW/dev/ptmx"
    mkdir -m 1777 "$VIEW/dev/shm"
    mount -t tmpfs -o mode=1777 testbed "$VIEW/dev/shm"
    ln -s /proc/self/fd "$VIEW/dev/fd"
    ln -s /proc/self/fd/0 "$VIEW/dev/stdin"
    ln -s /proc/self/fd/1 "$VIEW/dev/stdout"
    ln -s /proc/self/fd/2 "$VIEW/dev/stderr"
}

# view_bind SOURCE PATH [ro]: mounts the host's SOURCE at PATH in the view.
view_bind() {
    mkdir -p "$VIEW$2"
    mount --bind "$1" "$VIEW$2"
    [[ ${3-} != ro ]] || mount -o remount,bind,ro "$VIEW$2"
}

# view_network: the view reaches what this host reaches, even if there is a proxy with its own certificates in between.
view_network() {
    local file
    for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
        [[ ! -e $file ]] || cp -L --remove-destination "$file" "$VIEW$file"
    done
}

view_run() {
    (view_exec "$@")
}

# Replaces the shell. Processes in a view die with the testbed, even if it is killed.
view_exec() {
    exec setpriv --pdeathsig KILL \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" chroot "$VIEW" "$@"
}

# Lazily, because a killed child can still use it for a moment; the rest ends with the mount namespace.
view_close() {
    local dir=${VIEW%/root}
    umount -l "$VIEW" "$VIEW.upper"
    rm -rf --one-file-system "$dir" 2>/dev/null || true
}
