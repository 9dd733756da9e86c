# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The Debian 13 root: compiler, QEMU and guest in one. One for Linux 7.3 with newer packages, by packages-7.3.list. And a
# smaller one of Debian 12, in which the project is only built. --with=NAME is one of either release with the packages of
# packages-NAME.list alone, for tests on this machine that need much that nothing else does.

ROOT_SUITES=(trixie bookworm)
ROOT_WITH=(cockpit)
# Increase to rebuild the root with the same package list.
ROOT_RECIPE=2

# root_own SUITE: the package list of kernel $opt_kernel, if there is one.
root_own() {
    local own=$SOURCE/tests/testbed/packages-$opt_kernel.list
    [[ $1 != trixie || -n $opt_with || ! -e $own ]] || echo "$own"
}

# root_boots SUITE: whether it is the guest's root, too.
root_boots() {
    [[ $1 == trixie && -z $opt_with ]]
}

# root_packages SUITE
root_packages() {
    local suite=$1 lists=("$SOURCE/tests/testbed/packages-build.list") own
    ! root_boots "$suite" || lists+=("$SOURCE/tests/testbed/packages.list")
    [[ -z $opt_with ]] || lists=("$SOURCE/tests/testbed/packages-$opt_with.list")
    own=$(root_own "$suite")
    if [[ -z $own ]]; then
        sed 's/#.*//' "${lists[@]}" | xargs
        return
    fi
    # Its own list says for a package that is in others, too, which suite it comes from.
    sed 's/#.*//; /^ *$/d' "$own" "${lists[@]}" | awk -F / '!seen[$1]++' | xargs
}

# root_sources SUITE
root_sources() {
    local suite=$1
    printf 'deb %s main\n' "$MIRROR $suite" "$MIRROR $suite-updates" "${MIRROR%/}-security $suite-security"
    # Packages of the QEMU in the guest and of the outer machine.
    ! root_boots "$suite" || printf 'deb %s main\n' "$MIRROR $suite-backports"
}

# Services of installed packages that must not start in the guest.
ROOT_DISABLED=(ssh.service dbus-broker.service)

# $1 in the hooks is mmdebstrap's.
# shellcheck disable=SC2016
root_build() {
    local suite=$1 dir=$2 packages hooks=()
    packages=$(root_packages "$suite")
    ! root_boots "$suite" || hooks+=(--customize-hook="chroot \"\$1\" systemctl disable ${ROOT_DISABLED[*]}")
    # mmdebstrap insists on making its target itself.
    rmdir "$dir"
    nice -n 5 mmdebstrap --mode=root --variant=apt --include="${packages// /,}" \
        --aptopt='Apt::Install-Recommends "false"' \
        --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash tester' \
        --customize-hook='rm -f "$1/etc/machine-id" && : >"$1/etc/machine-id"' \
        --customize-hook='echo testbed >"$1/etc/hostname"' \
        "${hooks[@]}" \
        "$suite" "$dir" - < <(root_sources "$suite")
}

# root_prepare [SUITE]: sets ROOT.
root_prepare() {
    local suite=${1:-trixie} kind=root
    [[ $suite == trixie ]] || kind=root_$suite
    [[ -z $(root_own "$suite") ]] || kind=root_$opt_kernel
    [[ -z $opt_with ]] || kind=${kind}_$opt_with
    cache_entry "$kind" "$(hash_text "$ROOT_RECIPE" "$(root_sources "$suite")" "$(root_packages "$suite")")" \
        root_build "$suite"
    ROOT=$ENTRY
}
