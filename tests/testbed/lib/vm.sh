# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What runs in the virtual machine that puts PASIDs to use inside the guest: a small kernel of the version $opt_kernel, without
# the series, and an initramfs with one program. An entry is a layer of the guest's root.

VM_SOURCE=tests/testbed/guest/vm

vm_build() {
    local out=$1 build layer=/out/usr/libexec/pasidd-testbed/vm line
    build=$CACHE/work/$(kernel_name build-vm)
    mkdir -p "$build"
    view_open "$ROOT"
    view_bind "$SOURCE" /src ro
    view_bind "$CACHE/work" /work
    kernel_pristine
    view_bind "$CACHE/work/$(kernel_pristine_name)" /k ro
    view_bind "$build" /b
    view_bind "$out" /out
    mkdir -p "$VIEW$layer"

    local make=(nice -n 5 make -C /k O=/b "-j$(nproc)" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=testbed
        KBUILD_BUILD_HOST=testbed KBUILD_BUILD_VERSION=1)
    view_run "${make[@]}" "KCONFIG_ALLCONFIG=/src/$VM_SOURCE/kernel.config" allnoconfig
    while IFS= read -r line; do
        grep -qxF -- "$line" "$VIEW/b/.config" || {
            echo "testbed: the kernel of the virtual machine did not take $line"
            return 1
        }
    done < <(grep '^CONFIG_' "$SOURCE/$VM_SOURCE/kernel.config")
    view_run "${make[@]}" vmlinux
    view_run strip -o "$layer/kernel" /b/vmlinux

    # Two headers as they are in the source: headers_install takes half as long as this kernel.
    mkdir -p "$VIEW/tmp/vm/dev" "$VIEW/tmp/vm/sys" "$VIEW/tmp/include/linux"
    cp "$VIEW"/k/include/uapi/linux/{iommufd,vfio}.h "$VIEW/tmp/include/linux/"
    view_run cc -static -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -D__user= "-D__counted_by(x)=" -isystem /tmp/include \
        -o /tmp/vm/init "/src/$VM_SOURCE/init.c"
    view_run strip /tmp/vm/init
    view_run mknod -m 600 /tmp/vm/dev/console c 5 1
    view_run sh -c "cd /tmp/vm && find . | cpio --quiet -o -H newc >$layer/initrd"
    view_close
}

# vm_prepare: sets VM, to nothing if the kernel is an older one.
vm_prepare() {
    VM=''
    [[ $opt_kernel == "$BOOT_NESTED_KERNEL" ]] || return 0
    cache_entry "$(kernel_name vm)" "$(hash_text "$(kernel_source_version)" "${ROOT##*/}" "$(hash_tree "$SOURCE" "$VM_SOURCE" \
        tests/testbed/lib/vm.sh tests/testbed/lib/kernel.sh)")" vm_build
    VM=$ENTRY
}
