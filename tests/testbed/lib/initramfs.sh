# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

# initramfs_make DIR-IN-VIEW: makes DIR/initrd from the guest's init and the root's busybox; a moment's work, so not cached.
initramfs_make() {
    mkdir -p "$VIEW/tmp/initramfs/bin"
    cp "$SOURCE/tests/testbed/guest/init" "$VIEW/tmp/initramfs/init"
    cp "$VIEW/usr/bin/busybox" "$VIEW/tmp/initramfs/bin/busybox"
    ln -s busybox "$VIEW/tmp/initramfs/bin/sh"
    view_run sh -c "cd /tmp/initramfs && find . | cpio --quiet -o -H newc >$1/initrd"
}
