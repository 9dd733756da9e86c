# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The kernel as Debian's source has it, without the series, in the configuration of the testbed: what the patched one is
# compared with. An entry has what kernel.sh's has, but for headers and selftests.

kernel_stock_build() {
    local out=$1 build dir configs
    build=$CACHE/work/$(kernel_name build-stock)
    mkdir -p "$build"
    view_open "$ROOT"
    view_bind "$SOURCE" /src ro
    view_bind "$CACHE/work" /work
    kernel_pristine
    view_bind "$CACHE/work/$(kernel_pristine_name)" /k ro
    view_bind "$build" /b
    view_bind "$out" /out

    mapfile -t configs < <(kernel_configs normal)
    view_run cat "${configs[@]}" >"$VIEW/b/testbed.config"
    local make=(nice -n 5 make -C /k O=/b "-j$(nproc)" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=testbed
        KBUILD_BUILD_HOST=testbed KBUILD_BUILD_VERSION=1)
    view_run "${make[@]}" KCONFIG_ALLCONFIG=/b/testbed.config allnoconfig
    view_run "${make[@]}" bzImage modules
    view_run "${make[@]}" INSTALL_MOD_PATH=/out/modules/usr INSTALL_MOD_STRIP=1 modules_install
    for dir in $(kernel_test_modules); do
        kernel_copy_module "$dir"
        view_run "${make[@]}" "M=/b/test-${dir##*/}" modules
        view_run "${make[@]}" "M=/b/test-${dir##*/}" INSTALL_MOD_PATH=/out/modules/usr INSTALL_MOD_DIR=extra modules_install
    done
    rm -f "$out"/modules/usr/lib/modules/*/build "$out"/modules/usr/lib/modules/*/source
    cp "$VIEW/b/arch/x86/boot/bzImage" "$out/bzImage"
    cp "$VIEW/b/.config" "$out/config"
    view_run "${make[@]}" --no-print-directory -s kernelrelease >"$out/release"
    view_close
}

# kernel_stock_prepare: sets KERNEL.
kernel_stock_prepare() {
    local key
    local inputs=(tests/testbed/lib/kernel.sh tests/testbed/lib/kernel-stock.sh)
    mapfile -t -O "${#inputs[@]}" inputs < <(kernel_configs normal | sed 's|^/src/||')
    mapfile -t -O "${#inputs[@]}" inputs < <(kernel_test_modules)
    key=$(hash_text "$(kernel_source_version)" "${ROOT##*/}" "$(hash_tree "$SOURCE" "${inputs[@]}")")
    cache_entry "$(kernel_name stock)" "$key" kernel_stock_build
    KERNEL=$ENTRY
}
