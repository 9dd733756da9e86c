# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A boot of the outer machine: QEMU from the root, started in a view of it. The guest's root is the merge of, from top
# to bottom, the testbed's guest files, the kernel's modules, the project's layer and the root.

# PCI slots of the passthrough devices: 0000:00:10.0 and so on, with one IOMMU group each.
BOOT_DEVICES=(10 11 12 13)
# The kernel that supports PASIDs of virtual machines, on a machine of the kind "nested", and devices that share
# address spaces, on one of the kind "sva".
BOOT_NESTED_KERNEL=7.3
# The device for both: 0000:00:08.0.
BOOT_NESTED_DEVICE=8
# Services that this kind of machine does not need, and that take time under emulation.
BOOT_MASKED=(libvirt-guests.service systemd-pstore.service remote-fs.target systemd-random-seed.service
    systemd-timesyncd.service systemd-update-utmp.service systemd-vconsole-setup.service getty@tty1.service
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer logrotate.timer man-db.timer)
QEMU_PID=

# boot_needs_newer KIND: whether this kind of machine needs a newer kernel than $opt_kernel.
boot_needs_newer() {
    [[ $1 == nested || $1 == sva ]] && [[ $opt_kernel != "$BOOT_NESTED_KERNEL" ]]
}

# boot_view: opens the view with all files that QEMU and the guest read.
boot_view() {
    local lower=$ROOT
    [[ -z ${VM-} ]] || lower=$VM:$lower
    [[ -z $USERLAND ]] || lower=$USERLAND/$opt_userland:$lower
    [[ ! -d $KERNEL/modules ]] || lower=$KERNEL/modules:$lower

    mkdir -p "$RUN/guest/usr/libexec/pasidd-testbed/scenarios"
    cp -a "$SOURCE/tests/testbed/guest/tree/." "$RUN/guest/"
    [[ ! -d $SOURCE/tests/testbed/scenarios ]] || cp -a "$SOURCE/tests/testbed/scenarios/." "$RUN/guest/usr/libexec/pasidd-testbed/scenarios/"
    cp -a "$SOURCE/tests/testbed/lib/kmsg.sh" "$RUN/guest/usr/libexec/pasidd-testbed/"
    chown -R 0:0 "$RUN/guest"
    [[ ! -d $KERNEL/selftests ]] || cp -a "$KERNEL/selftests" "$RUN/guest/usr/libexec/pasidd-testbed/"

    view_open "$ROOT"
    mkdir -p "$VIEW/testbed/root" "$RUN/io"
    mount -t overlay -o "ro,lowerdir=$RUN/guest:$lower" testbed "$VIEW/testbed/root"
    view_bind "$RUN/io" /testbed/run
    view_bind "$KERNEL" /testbed/kernel ro
    [[ -z $opt_share ]] || view_bind "$opt_share" /testbed/share
    initramfs_make /testbed
}

# boot_qemu_args MODE: sets QEMU_ARGS. MODE is command, shell or probe.
boot_qemu_args() {
    local mode=$1 cmdline memory=3G addr unit
    cmdline="console=ttyS0 loglevel=6 panic=-1 oops=panic printk.time=1 printk.devkmsg=on rcupdate.rcu_cpu_stall_timeout=120"
    cmdline+=" systemd.show_status=error systemd.firstboot=no systemd.getty_auto=no systemd.condition-needs-update=no"
    cmdline+=" net.ifnames=0"
    for unit in "${BOOT_MASKED[@]}"; do
        cmdline+=" systemd.mask=$unit"
    done

    QEMU_ARGS=(-nodefaults -no-user-config -display none -no-reboot
        -kernel /testbed/kernel/bzImage -initrd /testbed/initrd
        -chardev "file,id=console,path=/testbed/run/console" -serial chardev:console
        -device virtio-rng-pci
        -device virtio-serial-pci)

    case $opt_accel in
    kvm) QEMU_ARGS+=(-smp 2 -accel kvm -cpu host) ;;
    tcg) QEMU_ARGS+=(-smp 2 -accel tcg,thread=multi -cpu max) ;;
    icount) QEMU_ARGS+=(-smp 1 -accel tcg,thread=single -icount shift=0,sleep=off -cpu max) ;;
    esac
    # The kernel checks its timer by counting loops, which can fail on an emulated CPU on a busy host.
    [[ $opt_accel == kvm ]] || cmdline+=" no_timer_check"

    case $opt_iommu in
    pasid)
        QEMU_ARGS+=(-M q35,kernel-irqchip=split
            -device intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,fsts=on,pasid-bits=20)
        cmdline+=" intel_iommu=on,sm_on"
        ;;
    nested)
        # With second-stage page tables, for nested translation. A module simulates what the hardware lacks.
        QEMU_ARGS+=(-M q35,kernel-irqchip=split
            -device intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,pasid-bits=20
            -device "igb,addr=$BOOT_NESTED_DEVICE")
        cmdline+=" intel_iommu=on,sm_on modules_load=vtd-nesting"
        ;;
    sva)
        # With page tables of the first stage, which are those of processes, and ATS. The emulated VT-d walks four levels of
        # them, so the CPU must have no more. What the device lacks, the module makes up that the scenario loads.
        QEMU_ARGS+=(-M q35,kernel-irqchip=split
            -device intel-iommu,intremap=on,caching-mode=on,scalable-mode=on,fsts=on,pasid-bits=20,device-iotlb=on,svm=on
            -device "igb,addr=$BOOT_NESTED_DEVICE")
        cmdline+=" intel_iommu=on,sm_on no5lvl"
        ;;
    legacy)
        # An IOMMU that supports passthrough but no PASIDs.
        QEMU_ARGS+=(-M q35,kernel-irqchip=split -device intel-iommu,intremap=on,caching-mode=on)
        cmdline+=" intel_iommu=on,sm_off"
        ;;
    off)
        QEMU_ARGS+=(-M q35)
        cmdline+=" intel_iommu=off"
        ;;
    esac
    for addr in "${BOOT_DEVICES[@]}"; do
        QEMU_ARGS+=(-device "edu,addr=$addr")
    done

    unit=testbed.service
    case $mode in
    probe)
        cmdline+=" testbed.probe"
        ;;
    shell)
        unit=testbed-shell.service
        QEMU_ARGS+=(-chardev "stdio,id=tty,signal=off" -device virtconsole,chardev=tty)
        ;;
    command)
        QEMU_ARGS+=(-chardev "file,id=out,path=/testbed/run/out" -chardev "file,id=err,path=/testbed/run/err"
            -device "virtserialport,chardev=out,name=testbed.out" -device "virtserialport,chardev=err,name=testbed.err")
        ;;
    esac
    if [[ $mode != probe ]]; then
        QEMU_ARGS+=(-fsdev "local,id=root,path=/testbed/root,security_model=none,readonly=on,multidevs=remap"
            -device "virtio-9p-pci,fsdev=root,mount_tag=root"
            -fsdev "local,id=run,path=/testbed/run,security_model=none"
            -device "virtio-9p-pci,fsdev=run,mount_tag=run")
        if [[ -n $opt_share ]]; then
            QEMU_ARGS+=(-fsdev "local,id=share,path=/testbed/share,security_model=none,multidevs=remap"
                -device "virtio-9p-pci,fsdev=share,mount_tag=share")
            cmdline+=" testbed.share"
        fi
        cmdline+=" systemd.unit=$unit"
        [[ -z $opt_bare ]] || cmdline+=" testbed.bare"
    fi

    # Shadow memory and the debugging structures of a debug kernel; and everything takes its time on it.
    if [[ $opt_flavour == debug ]]; then
        memory=5G
        cmdline+=" testbed.slow systemd.default_timeout_start_sec=1200 systemd.default_device_timeout_sec=1200 systemd.service_watchdogs=0"
    fi
    QEMU_ARGS+=(-m "$memory" -append "$cmdline $opt_append")
}

boot_kill() {
    if [[ -n $QEMU_PID ]]; then
        kill -KILL "$QEMU_PID" 2>/dev/null || true
        # bash tells of a killed child when it is waited for.
        { wait "$QEMU_PID" || true; } 2>/dev/null
        QEMU_PID=
    fi
}

boot_console_tail() {
    # Removes the escape sequences of firmware and systemd.
    tail -n 25 "$RUN/io/console" 2>/dev/null | sed 's/\x1b\[[0-9;?!]*[a-zA-Z]//g; s/[\x01-\x08\x0b-\x1f]//g; s/^/    | /' >&2
    echo >&2
}

# boot_wait BOOT-SECONDS TOTAL-SECONDS: until QEMU ends, or the time is over; answers 124 then.
boot_wait() {
    local boot=$1 total=$2 begin=$SECONDS
    while kill -0 "$QEMU_PID" 2>/dev/null; do
        sleep 0.2
        if [[ ! -e $RUN/io/started ]] && ((SECONDS - begin > boot)); then
            say "the guest has not come up after $boot s"
            return "$EXIT_TIMEOUT"
        fi
        if ((SECONDS - begin > total)); then
            say "the guest was not done after $total s"
            return "$EXIT_TIMEOUT"
        fi
    done
}

# boot_command COMMAND…: boots and runs COMMAND; sets STATUS to its exit status or to the testbed's own.
boot_command() {
    local boot_limit=900 readers=() pid result=0
    [[ $opt_flavour != debug ]] || boot_limit=1800

    boot_view
    printf '%s\0' "$@" >"$RUN/io/command"
    printf '%s\n' "$RUN/io" >"$RUN/io/host-path"
    mkfifo "$RUN/io/out" "$RUN/io/err"
    cat "$RUN/io/out" &
    readers+=($!)
    cat "$RUN/io/err" >&2 &
    readers+=($!)
    boot_qemu_args command
    say "booting ($opt_flavour kernel $(cat "$KERNEL/release"), IOMMU $opt_iommu, $opt_accel); files: $RUN/io"
    (view_exec qemu-system-x86_64 "${QEMU_ARGS[@]}") </dev/null >"$RUN/io/qemu.log" 2>&1 &
    QEMU_PID=$!
    boot_wait "$boot_limit" "$opt_timeout" || result=$?
    boot_kill
    # If QEMU has not opened the ports, the readers still wait.
    if [[ ! -e $RUN/io/started ]]; then
        kill "${readers[@]}" 2>/dev/null || true
    fi
    for pid in "${readers[@]}"; do
        wait "$pid" || true
    done

    if ((result != 0)); then
        boot_console_tail
        say "the guest was ended; console: $RUN/io/console"
        STATUS=$result
    elif [[ -e $RUN/io/status ]]; then
        STATUS=$(<"$RUN/io/status")
    else
        boot_console_tail
        [[ ! -s $RUN/io/qemu.log ]] || sed 's/^/    | /' "$RUN/io/qemu.log" >&2
        say "the guest ended before the command did; console: $RUN/io/console"
        STATUS=$EXIT_TESTBED
    fi
    boot_scan
    boot_close
}

boot_shell() {
    boot_view
    printf 'TERM=%q ROWS=%q COLS=%q\n' "${TERM:-dumb}" "$(tput lines 2>/dev/null || echo 24)" \
        "$(tput cols 2>/dev/null || echo 80)" >"$RUN/io/terminal"
    boot_qemu_args shell
    say "booting ($opt_flavour kernel, IOMMU $opt_iommu, $opt_accel), the shell comes in about half a minute"
    STATUS=0
    view_run qemu-system-x86_64 "${QEMU_ARGS[@]}" || STATUS=$EXIT_TESTBED
    if [[ -e $RUN/io/status ]]; then
        STATUS=$(<"$RUN/io/status")
    else
        boot_console_tail
        STATUS=$EXIT_TESTBED
    fi
    boot_scan
    boot_close
}

boot_scan() {
    local bad
    if ! bad=$(kmsg_scan "$RUN/io/console" "$RUN/io/dmesg"); then
        printf '%s\n' "$bad" | sed 's/^/    | /' >&2
        say "the kernel's log has bad lines (above); whole: $RUN/io/dmesg and $RUN/io/console"
        ((STATUS == EXIT_TIMEOUT || STATUS == EXIT_TESTBED)) || STATUS=$EXIT_KERNEL_LOG
    fi
}

boot_close() {
    umount -l "$VIEW/testbed/root"
    view_close
    rm -rf --one-file-system "$RUN/guest"
}

# Checks that KVM boots a kernel: the existence of /dev/kvm is not sufficient.
boot_probe_kvm() {
    [[ -c /dev/kvm ]] || die "--kvm: this host has no /dev/kvm"
    cache_new_run
    boot_view
    opt_accel=kvm
    boot_qemu_args probe
    say "probing KVM"
    view_run timeout -k 1 30 qemu-system-x86_64 "${QEMU_ARGS[@]}" </dev/null >"$RUN/io/qemu.log" 2>&1 || true
    boot_close
    if ! grep -qF 'testbed: probe ok' "$RUN/io/console"; then
        say "KVM does not boot a kernel here, going on with TCG; see $RUN/io/console and $RUN/io/qemu.log"
        opt_accel=tcg
    fi
}
