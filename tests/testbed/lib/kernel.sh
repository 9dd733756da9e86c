# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The patched kernel, of the version $opt_kernel. The assembled tree and one build tree for each flavour persist in $CACHE/work
# and always appear as /k and /b, so that a rebuild after a small change takes seconds; an entry is a copy of what the boot
# needs:
#
#   bzImage  release  config  modules/usr/lib/modules/…  headers/include/…  selftests/…

# Out-of-tree modules that the tests load: mediated devices with an IOMMU-backed parent, and a PASID capability for devices.
# What only a newer kernel can do is in a directory with its version appended.
KERNEL_TEST_MODULE=tests/stress/modules

# Those that there is a series for; the first one is the default.
KERNELS=(6.12 7.3)

kernel_source_version() {
    # The view's dpkg would need a chroot for one line of text.
    awk -v package="linux-source-$opt_kernel" '/^Package: / { p = $2 } /^Version: / && p == package { print $2 }' \
        "$ROOT/var/lib/dpkg/status"
}

# kernel_name NAME: of what there is one for each kernel, in the cache.
kernel_name() {
    if [[ $opt_kernel == "${KERNELS[0]}" ]]; then echo "kernel-$1"; else echo "kernel-$opt_kernel-$1"; fi
}

# kernel_test_modules: the directories of those that this kernel gets.
kernel_test_modules() {
    local dir
    for dir in "$KERNEL_TEST_MODULE" "$KERNEL_TEST_MODULE-$opt_kernel"; do
        [[ ! -d $SOURCE/$dir ]] || echo "$dir"
    done
}

# kernel_configs FLAVOUR: the configuration fragments, later ones win.
kernel_configs() {
    local own=kernel/configs/testbed-$opt_kernel.config
    echo /src/kernel/configs/testbed.config
    [[ ! -e $SOURCE/$own ]] || echo "/src/$own"
    [[ $1 != debug ]] || echo /src/kernel/configs/debug.config
}

kernel_pristine_name() {
    echo "kernel-pristine-$(kernel_source_version)"
}

# The source as Debian has it, unpacked, for a view with /work.
kernel_pristine() {
    local work=$CACHE/work pristine tree
    pristine=$work/$(kernel_pristine_name)
    tree=$work/$(kernel_name tree)
    [[ ! -d $pristine ]] || return 0
    rm -rf --one-file-system "$tree" "$tree.overlaid" "$work/kernel-pristine-$opt_kernel".*
    mkdir "$pristine.new"
    view_run tar -C "/work/${pristine##*/}.new" --strip-components=1 -xf "/usr/src/linux-source-$opt_kernel.tar.xz"
    mv -T "$pristine.new" "$pristine"
}

# Refreshes the tree that is shown as /k. Only the files that the series touches are assembled anew and then compared by
# content with those of the tree, so that what did not change keeps its time, and make has nothing to do for it.
kernel_assemble() {
    local work=$CACHE/work pristine tree part=$CACHE/work/kernel-part
    tree=$work/$(kernel_name tree)
    pristine=$work/$(kernel_pristine_name)
    rm -rf --one-file-system "$part" "$part.new"
    mkdir -p "$part"

    kernel_pristine
    if [[ ! -e $tree.overlaid ]]; then
        rm -rf --one-file-system "$tree"
        # Links: rsync and the series replace files, nothing writes into them.
        cp -al "$pristine" "$tree"
        : >"$tree.overlaid"
    fi

    (cd "$pristine" && {
        echo MAINTAINERS
        "$SOURCE/kernel/tree" "--kernel=$opt_kernel" touched
    } | sort -u | xargs cp -a --parents -t "$part")
    view_run /src/kernel/tree "--kernel=$opt_kernel" assemble --source /work/kernel-part /work/kernel-part.new

    # What the series no longer touches goes back to what it was.
    (cd "$part.new" && find . -type f | sort) >"$tree.overlaid.new"
    comm -23 "$tree.overlaid" "$tree.overlaid.new" | while IFS= read -r file; do
        rm -f "$tree/$file"
        # A copy, not a link: its time has to be later than that of what was built from the patched one.
        [[ ! -e $pristine/$file ]] || cp "$pristine/$file" "$tree/$file"
    done
    sort -u "$tree.overlaid" "$tree.overlaid.new" >"$tree.overlaid.both"
    mv "$tree.overlaid.both" "$tree.overlaid"
    view_run rsync -rlp --checksum /work/kernel-part.new/ "/work/${tree##*/}/"
    mv "$tree.overlaid.new" "$tree.overlaid"
    rm -rf --one-file-system "$part" "$part.new"
}

# kernel_copy_module DIR: into the build tree, as kbuild writes beside the sources. What was built there before stays.
kernel_copy_module() {
    view_run rsync -r --checksum --delete --exclude='.*' --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' \
        --exclude=Module.symvers --exclude=modules.order "/src/$1/" "/b/test-${1##*/}/"
}

kernel_build() {
    local flavour=$1 out=$2 configs target targets=() instrumented tree build
    tree=$CACHE/work/$(kernel_name tree)
    build=$CACHE/work/$(kernel_name "build-$flavour")
    mkdir -p "$build"
    view_open "$ROOT"
    view_bind "$SOURCE" /src ro
    view_bind "$CACHE/work" /work
    kernel_assemble
    view_bind "$tree" /k ro
    view_bind "$build" /b
    view_bind "$out" /out

    mapfile -t configs < <(kernel_configs "$flavour")
    view_run cat "${configs[@]}" >"$VIEW/b/testbed.config"
    # The same time stamp and builder every time: a rebuild changes only what the source changed.
    local make=(nice -n 5 make -C /k O=/b "-j$(nproc)" KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=testbed
        KBUILD_BUILD_HOST=testbed KBUILD_BUILD_VERSION=1)
    # Coverage for the fuzzers, of the code under test only; on 7.3 also of iommufd's and VFIO's files named so.
    if [[ $flavour == debug ]]; then
        instrumented=(vfio_pasid_main vfio_pasid_netlink vfio_pasid_sysfs vfio_iommu_type1)
        [[ $opt_kernel == 6.12 ]] || instrumented+=(iommu-pasid device hw_pagetable device_cdev)
        for target in "${instrumented[@]}"; do
            make+=("KCOV_INSTRUMENT_$target.o=y")
        done
    fi
    view_run "${make[@]}" KCONFIG_ALLCONFIG=/b/testbed.config allnoconfig
    kernel_check_config "$flavour" "$VIEW/b/testbed.config" "$VIEW/b/.config"
    view_run "${make[@]}" bzImage modules
    view_run "${make[@]}" INSTALL_MOD_PATH=/out/modules/usr INSTALL_MOD_STRIP=1 modules_install
    view_run "${make[@]}" INSTALL_HDR_PATH=/out/headers headers_install
    if grep -q '^CONFIG_VFIO_MDEV=' "$VIEW/b/.config"; then
        for target in $(kernel_test_modules); do
            kernel_copy_module "$target"
            view_run "${make[@]}" "M=/b/test-${target##*/}" modules
            view_run "${make[@]}" "M=/b/test-${target##*/}" INSTALL_MOD_PATH=/out/modules/usr INSTALL_MOD_DIR=extra \
                modules_install
        done
    fi
    rm -f "$out"/modules/usr/lib/modules/*/build "$out"/modules/usr/lib/modules/*/source

    cp "$VIEW/b/arch/x86/boot/bzImage" "$out/bzImage"
    cp "$VIEW/b/.config" "$out/config"
    view_run "${make[@]}" --no-print-directory -s kernelrelease >"$out/release"

    # Every directory of selftests that the series has new files in.
    mkdir "$out/selftests"
    for target in "$SOURCE"/kernel/tools/testing/selftests/*; do
        target=${target##*/}
        ! grep -qF "/selftests/$target/" "$SOURCE/kernel/patches/$opt_kernel/series" || targets+=("$target")
    done
    if ((${#targets[@]})); then
        # Headers come from where they were installed above; the source tree stays untouched.
        view_run make -C /k/tools/testing/selftests O=/b/selftests KHDR_INCLUDES='-isystem /out/headers/include' \
            TARGETS="${targets[*]}" INSTALL_PATH=/out/selftests install
    fi
    view_close
}

# allnoconfig drops silently what has an unmet dependency; whoever asks for it in a fragment shall find that in the log, and
# without what is tested here there is no point in going on.
kernel_check_config() {
    local flavour=$1 want=$2 have=$3 line
    while IFS= read -r line; do
        # A later fragment overrides; what another option selects as built-in is there all the same.
        [[ $(grep -- "^${line%%=*}=" "$want" | tail -n 1) == "$line" ]] || continue
        if ! grep -qxF -e "$line" -e "${line/%=m/=y}" "$have"; then
            echo "testbed: the $flavour kernel did not take $line"
        fi
    done < <(grep '^CONFIG_' "$want")
    grep -q '^CONFIG_VFIO_PASID=[ym]$' "$have"
}

# kernel_prepare FLAVOUR: sets KERNEL.
kernel_prepare() {
    local flavour=$1 key
    if [[ -n ${PASIDD_TESTBED_KERNEL-} ]]; then
        [[ -e $PASIDD_TESTBED_KERNEL/bzImage ]] || die "PASIDD_TESTBED_KERNEL has no bzImage: $PASIDD_TESTBED_KERNEL"
        KERNEL=$PASIDD_TESTBED_KERNEL
        say "kernel: $KERNEL, as PASIDD_TESTBED_KERNEL asks"
        return 0
    fi
    [[ -x $SOURCE/kernel/tree ]] || die "kernel/tree is missing, nothing to build the kernel from"
    key=$(hash_text "$flavour" "$(kernel_source_version)" "$(kernel_key "$flavour")" \
        "$(hash_tree "$SOURCE" tests/testbed/lib/kernel.sh)")
    cache_entry "$(kernel_name "$flavour")" "$key" kernel_build "$flavour"
    KERNEL=$ENTRY
}

# Documents do not make a new kernel, nor do the other flavour's configuration and what is for another kernel alone.
kernel_key() {
    local paths other exclude=(-path kernel/Documentation -o -name '*.md' -o -name 'cover-letter-*' -o -name checkpatch.conf)
    [[ $1 == debug ]] || exclude+=(-o -name debug.config)
    for other in "${KERNELS[@]}"; do
        [[ $other == "$opt_kernel" ]] || exclude+=(-o -path "kernel/patches/$other" -o -name "*-$other.config")
    done
    # New files that are in no step of this kernel's series.
    while IFS= read -r other; do
        exclude+=(-o -path "kernel/$other")
    done < <(comm -23 <(cd "$SOURCE/kernel" && find drivers include tools -type f | sort) \
        <(grep -oE '[^[:space:]]+/[^[:space:]]+' "$SOURCE/kernel/patches/$opt_kernel/series" | sort))
    mapfile -t paths < <(cd "$SOURCE" && find kernel \( "${exclude[@]}" \) -prune -o \( -type f -o -type l \) -print |
        LC_ALL=C sort)
    mapfile -t -O "${#paths[@]}" paths < <(kernel_test_modules)
    hash_tree "$SOURCE" "${paths[@]}"
}
