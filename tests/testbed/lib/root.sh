# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The Debian 13 root: compiler, QEMU and guest in one.

ROOT_SUITE=trixie
# Raise to have it made anew although the package list is the same.
ROOT_RECIPE=1

root_packages() {
    sed 's/#.*//' "$SOURCE/tests/testbed/packages.list" | xargs
}

# $1 in the hooks is mmdebstrap's.
# shellcheck disable=SC2016
root_build() {
    local dir=$1 packages security=${MIRROR%/}-security
    packages=$(root_packages)
    # mmdebstrap insists on making its target itself.
    rmdir "$dir"
    nice -n 5 mmdebstrap --mode=root --variant=apt --include="${packages// /,}" \
        --aptopt='Apt::Install-Recommends "false"' \
        --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash tester' \
        --customize-hook='rm -f "$1/etc/machine-id" && : >"$1/etc/machine-id"' \
        --customize-hook='echo testbed >"$1/etc/hostname"' \
        "$ROOT_SUITE" "$dir" - <<END
deb $MIRROR $ROOT_SUITE main
deb $MIRROR $ROOT_SUITE-updates main
deb $security $ROOT_SUITE-security main
deb $MIRROR $ROOT_SUITE-backports main
END
}

# Sets ROOT.
root_prepare() {
    cache_entry root "$(hash_text "$ROOT_RECIPE" "$ROOT_SUITE" "$MIRROR" "$(root_packages)")" root_build
    ROOT=$ENTRY
}
