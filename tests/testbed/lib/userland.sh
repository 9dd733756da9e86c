# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The project, built with meson in the root and installed as a package would: an entry has the layer of files that this adds
# to the root or changes in it ("whole"), and one of the testbed's clients alone ("clients"), for what brings the project
# itself along.

userland_build() {
    local out=$1 target args
    mkdir -p "$CACHE/work/userland-build"
    mkdir -p "$CACHE/work/userland-source"
    view_open "$ROOT"
    # Compares by contents: files of another checkout can be older than the build and still differ.
    view_bind "$SOURCE" /new ro
    view_bind "$CACHE/work/userland-source" /src
    view_run rsync -rlp --checksum --delete /new/ /src/
    view_bind "$CACHE/work/userland-build" /b

    args=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var --buildtype=debugoptimized --wrap-mode=nodownload
        -Dtests=disabled -Dtestbed-clients=true)
    if [[ -d $KERNEL/headers ]]; then
        view_bind "$KERNEL/headers" /headers ro
        args+=(-Dkernel-headers=/headers/include)
    fi
    # A build tree with other options or another meson is created again; otherwise it is reused.
    if [[ ! -d $VIEW/b/tree ]] || ! view_run meson setup --reconfigure "${args[@]}" /b/tree /src; then
        rm -rf "$VIEW/b/tree"
        view_run meson setup "${args[@]}" /b/tree /src
    fi
    view_run nice -n 5 meson compile -C /b/tree

    target=$VIEW/target
    view_overlay "$target" "$ROOT"
    view_run env DESTDIR=/target meson install -C /b/tree --no-rebuild --tags testbed
    mkdir "$out/clients" "$out/whole"
    cp -a "$target.upper/up/." "$out/clients/"
    view_run env DESTDIR=/target meson install -C /b/tree --no-rebuild
    mount -t proc proc "$target/proc"
    userland_postinst "$target"
    umount "$target/proc"
    cp -a "$target.upper/up/." "$out/whole/"
    umount "$target" "$target.upper"
    view_close
}

# The steps of the Debian maintainer scripts. tmpfiles run at every boot.
userland_postinst() {
    local target=$1 in=(env -i PATH=/usr/sbin:/usr/bin SYSTEMD_OFFLINE=1 chroot "$1")
    "${in[@]}" systemd-sysusers
    if [[ -e $target/usr/lib/systemd/system/pasidd.service ]]; then
        "${in[@]}" systemctl enable pasidd.service
    fi
    "${in[@]}" journalctl --update-catalog
}

# Sets USERLAND.
userland_prepare() {
    local headers=none
    [[ ! -d $KERNEL/headers ]] || headers=$(hash_tree "$KERNEL/headers/include/linux" vfio.h)
    cache_entry userland "$(hash_text "${ROOT##*/}" "$headers" "$(source_userland_key)" \
        "$(hash_tree "$SOURCE" tests/testbed/lib/userland.sh)")" userland_build
    USERLAND=$ENTRY
}
