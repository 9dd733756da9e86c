// SPDX-License-Identifier: LGPL-2.1-or-later

// Changes of quotas: what someone has typed, the call for it, and its result as a sentence.

import { NONE, _, fill, limit, name, number, watermark } from "./text.js";
import { sourceText, used } from "./vm.js";

/** The kernel's maximum, 20 bits. */
export const MAX = 1048576;

/** A number in a field: {value} or {error}. empty: the value for an empty field, if that is allowed. */
export function parseNumber(text, empty = undefined) {
    const trimmed = text.trim();

    if (trimmed === "" && empty !== undefined)
        return { value: empty };
    if (!/^[0-9]+$/.test(trimmed))
        return { error: _("Enter a whole number.") };
    if (trimmed.replace(/^0+/, "").length > 7 || Number(trimmed) > MAX)
        return { error: fill(_("The maximum is $0."), number(MAX)) };
    return { value: Number(trimmed) };
}

/** What has a quota. vm: its properties; kind "vm", "slice" or "default". */
export function targetName({ kind, vm, slice }) {
    return kind === "vm" ? name(vm.name) : kind === "slice" ? name(slice) : _("the default quota");
}

function options({ runtime, dryRun, watermark: mark }) {
    const values = {};

    if (runtime)
        values.runtime = { t: "b", v: true };
    if (dryRun)
        values["dry-run"] = { t: "b", v: true };
    if (mark !== undefined)
        values.watermark = { t: "u", v: mark };
    return values;
}

/** The call that sets a quota: {path, interface, member, signature, args}. */
export function setCall(target, { quota, ...more }) {
    switch (target.kind) {
    case "vm":
        return { path: target.vm.path, interface: "org.pasidd1.VM", member: "SetQuota", signature: "ua{sv}", args: [quota, options(more)] };
    case "slice":
        return { path: "/org/pasidd1", interface: "org.pasidd1.Manager", member: "SetSliceQuota", signature: "sua{sv}", args: [target.slice, quota, options(more)] };
    default:
        return { path: "/org/pasidd1", interface: "org.pasidd1.Manager", member: "SetDefaultQuota", signature: "ua{sv}", args: [quota, options(more)] };
    }
}

/** The call that removes the override, or with runtime only that until the next boot. */
export function resetCall(target, more) {
    switch (target.kind) {
    case "vm":
        return { path: target.vm.path, interface: "org.pasidd1.VM", member: "ResetQuota", signature: "a{sv}", args: [options(more)] };
    case "slice":
        return { path: "/org/pasidd1", interface: "org.pasidd1.Manager", member: "ResetSliceQuota", signature: "sa{sv}", args: [target.slice, options(more)] };
    default:
        return { path: "/org/pasidd1", interface: "org.pasidd1.Manager", member: "ResetDefaultQuota", signature: "a{sv}", args: [options(more)] };
    }
}

function watermarkText(before, after, dryRun) {
    if (before === after)
        return "";
    return fill(dryRun ? _("The watermark would change from $0 to $1.") : _("The watermark has changed from $0 to $1."), watermark(before), watermark(after));
}

/** A VM that has more than its new quota keeps what it has. */
function exceedsText(vm, quota) {
    const count = used(vm);

    if (count <= quota)
        return "";
    return fill(vm.attached > vm.allocated
        ? _("It has attached $0 PASIDs, $1 more than the quota. It keeps them, and gets no more until it has detached enough.")
        : _("It holds $0 PASIDs, $1 more than the quota. It keeps them, and gets no more until it has freed enough."),
    number(count), number(count - quota));
}

/** Sentences about a change: previous and new quota, source of the new one. watermark: {before, after} if it was set. */
export function changeText(target, { previous, quota, source, dryRun, mark = null }) {
    const slice = target.kind === "slice";
    const sentences = [];

    if (previous === quota)
        sentences.push(fill(dryRun
            ? (slice ? _("The limit would stay $0 ($1).") : _("The quota would stay $0 ($1)."))
            : (slice ? _("The limit is $0 as before ($1).") : _("The quota is $0 as before ($1).")), limit(quota), sourceText(source)));
    else
        sentences.push(fill(dryRun
            ? (slice ? _("The limit would change from $0 to $1 ($2).") : _("The quota would change from $0 to $1 ($2)."))
            : (slice ? _("The limit has changed from $0 to $1 ($2).") : _("The quota has changed from $0 to $1 ($2).")), limit(previous), limit(quota), sourceText(source)));
    if (mark)
        sentences.push(watermarkText(mark.before, mark.after, dryRun));
    if (target.kind === "vm")
        sentences.push(exceedsText(target.vm, quota));
    return sentences.filter(Boolean).join(" ");
}

/** Without a limit, for a slice. */
export const NO_LIMIT = NONE;
