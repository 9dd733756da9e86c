// SPDX-License-Identifier: LGPL-2.1-or-later

// A VM as the page shows it, from its properties on D-Bus; and what about it wants attention.

import { _, N_, fill, number } from "./text.js";

/** Usage in percent above which a VM wants attention, as for pasidctl. */
export const HIGH_PERCENT = 80;

/** The member for each property, with the value that stands for a missing or mistyped one. */
const MEMBERS = {
    UUID: ["uuid", ""],
    Name: ["name", ""],
    State: ["state", ""],
    Unit: ["unit", ""],
    Slice: ["slice", ""],
    ControlGroup: ["cgroup", ""],
    Leader: ["leader", 0],
    Quota: ["quota", 0],
    QuotaSource: ["source", ""],
    QuotaOrigin: ["origin", ""],
    Watermark: ["watermark", 0],
    QuotaInForce: ["inForce", false],
    QuotaError: ["error", ""],
    Metadata: ["metadata", []],
    Allocated: ["allocated", 0],
    Attached: ["attached", 0],
    Peak: ["peak", 0],
    Denied: ["denied", 0],
    Sets: ["sets", []],
    AttachedSets: ["attachedSets", []],
};

function sameKind(a, b) {
    return typeof a === typeof b && Array.isArray(a) === Array.isArray(b);
}

export function vmNew(path, properties) {
    const vm = { path };

    for (const [member, missing] of Object.values(MEMBERS))
        vm[member] = missing;
    vmUpdate(vm, properties);
    return vm;
}

/** Takes over changed properties, a{sv}. Returns the members that have another value now. */
export function vmUpdate(vm, properties) {
    const changed = [];

    for (const [property, variant] of Object.entries(properties)) {
        const [member, missing] = Object.hasOwn(MEMBERS, property) ? MEMBERS[property] : [];

        if (!member || !sameKind(variant?.v, missing) || vm[member] === variant.v)
            continue;
        if (Array.isArray(missing) && JSON.stringify(vm[member]) === JSON.stringify(variant.v))
            continue;
        vm[member] = variant.v;
        changed.push(member);
    }
    return changed;
}

/** The quota applies to allocated and attached PASIDs separately: what counts is the larger number. */
export function used(vm) {
    return Math.max(vm.allocated, vm.attached);
}

/** In percent of the quota. A quota of 0 is used up by one PASID. */
export function usage(vm) {
    if (vm.quota === 0)
        return used(vm) > 0 ? Infinity : 0;
    return used(vm) * 100 / vm.quota;
}

/** Reasons for attention, the most serious first. */
const REASONS = [
    ["not-in-force", "danger", N_("Quota not in force")],
    ["over", "danger", N_("Over quota")],
    ["denied", "danger", N_("PASIDs denied")],
    ["high", "warning", N_("Above 80 %")],
];

/** Names of the reasons why this VM wants attention. */
export function warnings(vm) {
    const found = new Set();

    if (vm.state === "running" && !vm.inForce)
        found.add("not-in-force");
    if (used(vm) > vm.quota)
        found.add("over");
    else if (used(vm) * 100 > vm.quota * HIGH_PERCENT)
        found.add("high");
    if (vm.denied > 0)
        found.add("denied");
    return REASONS.map(([reason]) => reason).filter((reason) => found.has(reason));
}

export function warningText(reason) {
    return _(REASONS.find(([known]) => known === reason)?.[2] ?? reason);
}

export function warningLevel(reason) {
    return REASONS.find(([known]) => known === reason)?.[1] ?? "warning";
}

/** For sorting: 0 if nothing is wrong, more if more serious. */
export function urgency(vm) {
    return warnings(vm).reduce((sum, reason) => sum + 2 ** (REASONS.length - 1 - REASONS.findIndex(([known]) => known === reason)), 0);
}

const SOURCES = {
    runtime: N_("runtime override"),
    persistent: N_("persistent override"),
    metadata: N_("domain metadata"),
    rule: N_("rule"),
    default: N_("default"),
    config: N_("configuration"),
    kernel: N_("kernel"),
    none: N_("none"),
};

/** A later version of the daemon can have other sources. */
export function sourceText(source) {
    return Object.hasOwn(SOURCES, source) ? _(SOURCES[source]) : source;
}

const STATES = { running: N_("running"), reserved: N_("about to start") };

export function stateText(state) {
    return Object.hasOwn(STATES, state) ? _(STATES[state]) : state;
}

/** "58 of 64", with both counts if the VM has both. */
export function usageText(vm) {
    if (vm.allocated > 0 && vm.attached > 0)
        return fill(_("$0 allocated, $1 attached of $2"), number(vm.allocated), number(vm.attached), number(vm.quota));
    return fill(_("$0 of $1"), number(used(vm)), number(vm.quota));
}

const VIOMMU_PASIDS = "viommu-pasids";

/** The number of PASIDs that the VM's virtual IOMMU offers, from the libvirt hook; 0 if unknown. */
export function viommuPasids(vm) {
    const row = vm.metadata.find(([key]) => key === VIOMMU_PASIDS);

    return row && /^\d{1,10}$/.test(row[1]) ? Number(row[1]) : 0;
}

/** Is it a domain of libvirt's QEMU driver, which has a page in cockpit-machines? */
export function isLibvirt(vm) {
    return vm.unit.startsWith("machine-qemu");
}
