# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Requirements of the host: root, mount namespaces and mmdebstrap.

# Re-executes the testbed in a new mount namespace, so that all its mounts end with it.
host_enter_namespace() {
    local propagation=private
    ((EUID == 0)) || die "root rights are needed (mounts, chroot, device nodes): run it with sudo"
    if [[ ${PASIDD_TESTBED_NAMESPACE-} != "$$" ]]; then
        # exec keeps the process id, which distinguishes the namespace of this run from an inherited one.
        # In a plain chroot, / is not a mount point and its propagation cannot be changed.
        mountpoint -q / || propagation=unchanged
        PASIDD_TESTBED_NAMESPACE=$$ exec unshare --mount --propagation "$propagation" -- "$TESTBED_DIR/run" "$@"
    fi
    unset PASIDD_TESTBED_NAMESPACE
}

host_apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update
    apt-get -qy --no-install-recommends install "$@"
}

# The host only needs the tools that build the root.
host_packages() {
    local missing=() tool lock
    # apt-get would not wait for an apt-get of another run.
    exec {lock}>"$CACHE/locks/host.lock"
    flock "$lock"
    for tool in mmdebstrap gpgv; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
    if ((${#missing[@]})); then
        host_install "${missing[@]}"
    fi
    exec {lock}>&-
}

host_install() {
    command -v apt-get >/dev/null || die "missing on this host, and there is no apt-get to install it: $*"
    step "host packages ($*)" "$CACHE/log/host-packages.log" host_apt_install "$@"
}

host_disk_space() {
    local need=$((10 * 1024 * 1024)) free
    free=$(df --output=avail -k "$CACHE" | tail -n 1)
    ((free >= need)) || say "warning: $((free / 1024 / 1024)) GB free in $CACHE; a first run needs about 10 GB"
}

# host_moves: how often this host, if it is a virtual machine with a VM generation ID, was restored or moved, as its kernel's log
# says. QEMU's emulated TSC is the host's, which is another one then: the guest's clock jumps by days, or stands still.
host_moves() {
    dmesg 2>/dev/null | grep -c 'due to virtual machine fork' || :
}
