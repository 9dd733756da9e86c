// SPDX-License-Identifier: LGPL-2.1-or-later

// The answer of Explain as a tree: the host, slices, the VM, and below it the possible sources of its quota.

import { _, fill, isNone, number, watermark } from "./text.js";
import { sourceText } from "./vm.js";

function withOrigin(text, origin) {
    return origin ? fill("$0 ($1)", text, origin) : text;
}

function limitNode([slice, , origin, limit, committed, allocated, inForce]) {
    const host = slice === "";
    const facts = [];

    if (isNone(limit))
        facts.push(_("no limit"));
    else
        facts.push(fill(host ? _("capacity $0") : _("limit $0"), number(limit)));
    if (!isNone(committed))
        facts.push(fill(_("$0 committed"), number(committed)));
    if (!isNone(allocated))
        facts.push(fill(_("$0 held"), number(allocated)));
    if (!inForce && !isNone(limit))
        facts.push(_("not in force"));
    return { kind: host ? "host" : "slice", label: host ? _("host") : slice, text: withOrigin(facts.join(", "), origin) };
}

/** Does the source have a value? */
function speaks(verdict) {
    return verdict !== "unset" && verdict !== "no-match";
}

function candidateNode([source, name, origin, quotaVerdict, quota, watermarkVerdict, mark, reason]) {
    const values = [];

    if (speaks(quotaVerdict))
        values.push(fill(_("quota $0"), number(quota)));
    if (speaks(watermarkVerdict))
        values.push(fill(_("watermark $0"), watermark(mark)));
    return {
        kind: "candidate",
        label: name ? sourceText(source) + " " + name : sourceText(source),
        values: values.join(", "),
        winsQuota: quotaVerdict === "wins",
        winsWatermark: watermarkVerdict === "wins",
        text: withOrigin(reason, origin),
    };
}

/** The outermost node. Each has children; there is one node in each level down to the VM. */
export function tree(vm, candidates, limits) {
    let node = {
        kind: "vm",
        label: vm.name,
        values: fill(_("quota $0"), number(vm.quota)) + ", " + fill(_("watermark $0"), watermark(vm.watermark)),
        text: vm.inForce ? _("in force") : vm.error || _("not in force"),
        children: candidates.map(candidateNode),
    };

    for (const row of [...limits].reverse())
        node = { ...limitNode(row), children: [node] };
    return node;
}
