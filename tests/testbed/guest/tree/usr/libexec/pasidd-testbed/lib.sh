# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Shared functions of scenarios: assertions, VMs, clients, the bus. A failed assertion ends the scenario with a line
# that has the expected and the actual value.

set -Eeuo pipefail
trap 'echo "FAILED at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR

TESTBED=/usr/libexec/pasidd-testbed
CGROUP=/sys/fs/cgroup
SETS=/sys/class/vfio_pasid
PASID_MAX=1048575
# Under KASAN everything takes longer.
SLOW=1
if [[ $(</proc/cmdline) == *testbed.slow* ]]; then
    SLOW=6
fi

step() {
    printf -- '--- %s\n' "$*"
}

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# expect_equal WHAT GOT WANTED
expect_equal() {
    [[ $2 == "$3" ]] || fail "$1 is \"$2\", wanted \"$3\""
    printf '    %s = %s\n' "$1" "$2"
}

# expect_match WHAT TEXT REGEX (extended, anywhere)
expect_match() {
    grep -qE -- "$3" <<<"$2" || fail "$1 does not match \"$3\": $2"
    printf '    %s matches "%s"\n' "$1" "$3"
}

# expect_status STATUS COMMAND…: stores the output of the command in OUTPUT.
expect_status() {
    local wanted=$1 got=0
    shift
    printf '    $ %s\n' "$*"
    OUTPUT=$("$@" 2>&1) || got=$?
    [[ -z $OUTPUT ]] || sed 's/^/      /' <<<"$OUTPUT"
    ((got == wanted)) || fail "exit status $got instead of $wanted: $*"
}

run() {
    expect_status 0 "$@"
}

# wait_for SECONDS COMMAND…: waits until the command succeeds; three times as long, for busy hosts.
wait_for() {
    local limit=$(($1 * SLOW * 3)) begin=$SECONDS
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS - begin < limit)) || fail "not within $limit s: $*"
        sleep 0.1
    done
}

# daemon_stop: for tests of the kernel, whose quotas the daemon would restore. The daemon need not be running.
daemon_stop() {
    [[ ! -d /run/systemd/system ]] || systemctl stop pasidd.service
}

# --- devices

# device N: the address of passthrough device N, counted from 0.
device() {
    printf '0000:00:1%d.0' "$1"
}

# device_bind N [DRIVER]: the default driver is vfio-pci.
device_bind() {
    local dev driver=${2:-vfio-pci}
    dev=/sys/bus/pci/devices/$(device "$1")
    modprobe "$driver"
    echo "$driver" >"$dev/driver_override"
    [[ ! -e $dev/driver ]] || echo "${dev##*/}" >"$dev/driver/unbind"
    echo "${dev##*/}" >/sys/bus/pci/drivers_probe
    [[ -e $dev/driver ]] || fail "${dev##*/} does not bind to $driver"
}

# --- VMs

# vm_uuid NAME: the same for the same name.
vm_uuid() {
    local h
    h=$(printf '%s' "$1" | md5sum)
    printf '%s-%s-4%s-8%s-%s' "${h:0:8}" "${h:8:4}" "${h:13:3}" "${h:17:3}" "${h:20:12}"
}

# firmware: the path of a firmware that halts the CPU at once, all of it HLT (0xf4), with interrupts off as after a reset.
# No test needs code that runs in a VM. SeaBIOS would be emulated twice, and look for a disk again and again.
firmware() {
    local rom=/run/testbed-halt.rom new=/run/testbed-halt.rom.$BASHPID
    if [[ ! -e $rom ]]; then
        head -c 65536 /dev/zero | tr '\0' '\364' >"$new"
        chmod 0644 "$new"
        mv "$new" "$rom"
    fi
    echo "$rom"
}

# vm_define NAME DEVICE [MAX [WATERMARK]]: DEVICE can be "none"; without MAX the domain has no quota in its metadata.
vm_define() {
    local name=$1 dev=$2 max=${3-} watermark=${4-} metadata='' hostdev=''
    if [[ -n $max ]]; then
        metadata="<metadata><pasid:quota xmlns:pasid='urn:pasidd:domain:1' max='$max'"
        metadata+="${watermark:+ watermark='$watermark'}/></metadata>"
    fi
    if [[ $dev != none ]]; then
        hostdev="<hostdev mode='subsystem' type='pci' managed='yes'><source>"
        hostdev+="<address domain='0' bus='0' slot='0x1$dev' function='0'/></source></hostdev>"
    fi
    cat >"/run/testbed-$name.xml" <<END
<domain type='qemu'>
  <name>$name</name>
  <uuid>$(vm_uuid "$name")</uuid>
  $metadata
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type><loader type='rom'>$(firmware)</loader></os>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>$TESTBED/qemu-pasid-agent</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    $hostdev
  </devices>
</domain>
END
    virsh -q define "/run/testbed-$name.xml"
}

# vm_define_nested NAME MAX WATERMARK OS DEVICES [ARGUMENT…]: a VM whose guest can have PASIDs of 0000:00:08.0, attached to it by
# iommufd, with a virtual IOMMU. OS and DEVICES are more of its XML, and the arguments are QEMU's. libvirt has no words for
# PASIDs of an IOMMU; they are of the domain's QEMU arguments, as they would be elsewhere.
vm_define_nested() {
    local name=$1 max=$2 watermark=$3 os=$4 devices=$5 argument arguments=''
    shift 5
    for argument in -global intel-iommu.scalable-mode=on -global intel-iommu.fsts=on -global intel-iommu.fs1gp=off \
        -global intel-iommu.pasid-bits=15 "$@"; do
        arguments+="<qemu:arg value='$argument'/>"
    done
    cat >"/run/testbed-$name.xml" <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$name</name>
  <uuid>$(vm_uuid "$name")</uuid>
  <metadata>
    <pasid:quota xmlns:pasid='urn:pasidd:domain:1' max='$max' watermark='$watermark'/>
  </metadata>
  <memory unit='MiB'>128</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type>$os</os>
  <features><acpi/><apic/><ioapic driver='qemu'/></features>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu>
    <hostdev mode='subsystem' type='pci' managed='yes'>
      <driver iommufd='yes'/>
      <source><address domain='0' bus='0' slot='8' function='0'/></source>
      <address type='pci' domain='0' bus='0' slot='4' function='0'/>
    </hostdev>
    $devices
  </devices>
  <qemu:commandline>$arguments</qemu:commandline>
</domain>
END
    virsh -q define "/run/testbed-$name.xml"
}

xml_escape() {
    sed "s/&/\\&amp;/g; s/</\\&lt;/g; s/>/\\&gt;/g; s/'/\\&apos;/g; s/\"/\\&quot;/g" <<<"$1"
}

# vm_define_small NAME [MAX [UUID]]: no device and hardly any memory, for what is about libvirt and not about PASIDs. The
# name may be any that libvirt takes.
vm_define_small() {
    local metadata=''
    [[ -z ${2-} ]] || metadata="<metadata><pasid:quota xmlns:pasid='urn:pasidd:domain:1' max='$2'/></metadata>"
    virsh -q define /dev/stdin <<END
<domain type='qemu'>
  <name>$(xml_escape "$1")</name>
  <uuid>${3:-$(vm_uuid "$1")}</uuid>
  $metadata
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='isapc'>hvm</type><loader type='rom'>$(firmware)</loader></os>
  <on_poweroff>destroy</on_poweroff>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>$TESTBED/qemu-pasid-agent</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
END
}

# vm_start NAME DEVICE [MAX [WATERMARK]]: defines and starts the VM, and waits until pasidd reports it as running.
vm_start() {
    vm_define "$@"
    virsh -q start "$1"
    printf '    VM %s is up\n' "$1"
    wait_for 20 vm_known "$1"
}

vm_known() {
    [[ $(vm_get "$1" State) == running ]]
}

vm_gone() {
    ! busctl call org.pasidd1 /org/pasidd1 org.pasidd1.Manager GetVM s "$(vm_uuid "$1")"
}

# vm_path NAME: its object's path, escaped as sd_bus_path_encode(3) does it.
vm_path() {
    local uuid
    uuid=$(vm_uuid "$1")
    [[ $uuid != [0-9]* ]] || uuid=_3$uuid
    printf '/org/pasidd1/vm/%s' "${uuid//-/_2d}"
}

# vm_get NAME PROPERTY: the bare value.
vm_get() {
    local value
    value=$(busctl get-property org.pasidd1 "$(vm_path "$1")" org.pasidd1.VM "$2") || return
    value=${value#* }
    value=${value#\"}
    printf '%s' "${value%\"}"
}

manager_get() {
    local value
    value=$(busctl get-property org.pasidd1 /org/pasidd1 org.pasidd1.Manager "$1") || return
    value=${value#* }
    value=${value#\"}
    printf '%s' "${value%\"}"
}

vm_pid() {
    pgrep -f -- "-name guest=$1,"
}

# pid_cgroup PID: its cgroup in the kernel's format.
pid_cgroup() {
    sed -n 's/^0:://p' "/proc/$1/cgroup"
}

# vm_in_unit NAME UNIT: its QEMU runs in the cgroup of this unit. systemd-run moves itself there before it executes QEMU, so
# that a process with QEMU's arguments alone is not enough.
vm_in_unit() {
    local pid
    pid=$(vm_pid "$1") && [[ $(pid_cgroup "$pid")/ == */$2/* && $(readlink "/proc/$pid/exe") == */qemu-system-* ]]
}

# vm_scope NAME: its cgroup, as a directory.
vm_scope() {
    local cgroup
    cgroup=$(pid_cgroup "$(vm_pid "$1")")
    printf '%s%s' "$CGROUP" "${cgroup%%.scope*}.scope"
}

# vm_sets NAME: the numbers of the sets of its QEMU.
vm_sets() {
    local set pid
    pid=$(vm_pid "$1")
    for set in "$SETS"/set*; do
        [[ -e $set ]] || continue
        [[ $(<"$set/tgid") != "$pid" ]] || printf '%s\n' "${set##*/set}"
    done
}

# misc DIRECTORY FILE [RESOURCE]: the value of misc.FILE; the default resource is pasid.
misc() {
    awk -v resource="${3-pasid}" '$1 == resource { print $2 }' "$1/misc.$2"
}

# agent NAME COMMAND…: through the QEMU of a VM; stores the answer in OUTPUT and its status in AGENT_STATUS.
agent() {
    AGENT_STATUS=0
    printf '    %s> %s\n' "$1" "${*:2}"
    OUTPUT=$("$TESTBED/pasid-agentctl" "$@" 2>&1) || AGENT_STATUS=$?
    sed 's/^/      /' <<<"$OUTPUT"
}

# agent_allocates NAME N: exactly N succeed.
agent_allocates() {
    agent "$1" alloc "$2"
    expect_equal "allocations that succeeded" "$(grep -c '^alloc ok [0-9]' <<<"$OUTPUT")" "$2"
}

# agent_refused NAME ERRNO: the next allocation is refused.
agent_refused() {
    agent "$1" alloc
    expect_equal "answer" "$OUTPUT" "alloc failed $2"
}

# vm_is_up NAME: according to libvirt.
vm_is_up() {
    virsh -q list --name | grep -qxF -- "$1"
}

# hooks_note: installs hooks before and after pasidd's, which record each call in /run/testbed-hooks: 40 or 60, NAME,
# OPERATION, time.
hooks_note() {
    local n
    : >/run/testbed-hooks
    for n in 40 60; do
        cat >"/etc/libvirt/hooks/qemu.d/$n-testbed" <<END
#!/bin/bash
printf '%s\t%s\t%s\t%s\n' $n "\$1" "\$2" "\${EPOCHREALTIME/[.,]/}" >>/run/testbed-hooks
cat >/dev/null
END
        chmod 755 "/etc/libvirt/hooks/qemu.d/$n-testbed"
    done
}

# hooks_msec OPERATION…: what ours took for these operations, together.
hooks_msec() {
    awk -F '\t' -v operations=" $* " \
        'index(operations, " " $3 " ") { usec += $1 == 60 ? $4 : -$4 } END { print int(usec / 1000) }' /run/testbed-hooks
}

# hooks_count OPERATION: how often ours came through it.
hooks_count() {
    awk -F '\t' -v operation="$1" '$1 == 60 && $3 == operation' /run/testbed-hooks | wc -l
}

# expect_no_trace: of no VM is anything known, promised, held or remembered. Overrides may be.
expect_no_trace() {
    wait_for 20 no_vm_known
    expect_equal "promised" "$(manager_get Committed)" 0
    expect_equal "charged" "$(misc "$CGROUP" current)" 0
    expect_equal "sets" "$(find "$SETS" -maxdepth 1 -name 'set*' | wc -l)" 0
    expect_equal "reservations in /run" \
        "$(find /run/pasidd/state -type f -exec jq '.vms[] | select(.reserved or .running)' {} + 2>/dev/null)" ""
}

no_vm_known() {
    [[ $(busctl call org.pasidd1 /org/pasidd1 org.pasidd1.Manager ListVMs) == 'a(sso) 0' ]]
}

# timed COMMAND…: sets MSEC to the milliseconds that it took.
timed() {
    local begin=${EPOCHREALTIME/[.,]/}
    "$@"
    MSEC=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
}

# --- clients

# client_start UNIT DEVICE COMMAND…: a client as a service of its own that answers into /run/testbed-UNIT.out.
client_start() {
    local unit=$1 dev=$2
    shift 2
    : >"/run/testbed-$unit.out"
    systemd-run -q --unit="testbed-$unit" --collect -p StandardOutput="append:/run/testbed-$unit.out" \
        "${CLIENT_PROPERTIES[@]}" "$TESTBED/pasid-client" --device "$(device "$dev")" "$@" hold
    wait_for 20 grep -qx hold "/run/testbed-$unit.out"
}
CLIENT_PROPERTIES=()

# --- the daemon

pasidd_pid() {
    systemctl show -P MainPID pasidd.service
}

# pasidd_configure: more configuration, from stdin, in force at once.
pasidd_configure() {
    cat >/etc/pasidd/pasidd.conf.d/50-testbed.conf
    systemctl reload-or-restart pasidd.service
}

# pasidd_is running|stopped|masked|hung: brings the daemon into that state from any other. Stopped, the bus can start it.
pasidd_is() {
    # A hung one must stay so: without this systemd would put an end to it after a minute.
    if [[ ! -e /run/systemd/system/pasidd.service.d/watchdog.conf ]]; then
        mkdir -p /run/systemd/system/pasidd.service.d
        printf '[Service]\nWatchdogSec=0\n' >/run/systemd/system/pasidd.service.d/watchdog.conf
        systemctl daemon-reload
        systemctl restart pasidd.service
    fi
    [[ $(pasidd_pid) == 0 ]] || kill -CONT "$(pasidd_pid)"
    # Only where it is: each time systemd reads all its units again.
    [[ ! -L /run/systemd/system/pasidd.service ]] || systemctl unmask --runtime --quiet pasidd.service
    case $1 in
    running) systemctl start pasidd.service ;;
    stopped) systemctl stop pasidd.service ;;
    masked)
        systemctl mask --runtime --quiet pasidd.service
        systemctl stop pasidd.service
        ;;
    hung)
        systemctl start pasidd.service
        kill -STOP "$(pasidd_pid)"
        ;;
    esac
}

pasidd_status() {
    systemctl show -P StatusText pasidd.service
}

pasidd_journal() {
    journalctl -q -u pasidd.service --since "@$SCENARIO_BEGIN" -o cat
}

SCENARIO_BEGIN=${SCENARIO_BEGIN:-$(date +%s)}
