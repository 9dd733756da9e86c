// SPDX-License-Identifier: LGPL-2.1-or-later

import { UsageBar, button, cell, emptyState, label } from "../parts.js";
import { el, replace } from "../dom.js";
import { resetQuotaDialog, setQuotaDialog } from "../dialog.js";
import { _, fill, isNone, limit, name, number, plain } from "../lib/text.js";
import { sourceText } from "../lib/vm.js";

export class Slices {
    wanted = { slices: true };

    constructor(daemon) {
        this.daemon = daemon;
        this.body = el("tbody");
        const heads = [_("Slice"), _("Held"), _("Limit"), _("Committed"), _("Peak"), _("Source"), _("State"), _("Actions")];

        this.heads = heads;
        this.table = el("table", { class: "table", "aria-label": _("Slices") }, el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))), this.body);
        this.empty = el("div");
        this.element = el("div", {},
            el("p", {}, _("The limit of a slice counts for all machines in and below it together.")), this.table, this.empty);
        this.draw();
    }

    update() {
        // Slices have a signal of their own.
    }

    row([slice, source, origin, maximum, committed, held, peak, inForce, error]) {
        const bar = new UsageBar();
        const over = !isNone(maximum) && committed > maximum;
        const target = { kind: "slice", slice, limit: maximum };

        bar.set(held, isNone(maximum) ? 0 : maximum, {
            label: fill(_("PASIDs held in $0"), name(slice)),
            text: isNone(maximum) ? number(held) : fill(_("$0 of $1"), number(held), number(maximum)),
        });
        if (isNone(maximum))
            bar.bar.remove();
        return el("tr", { "data-slice": slice },
            el("th", { scope: "row", "data-label": this.heads[0] }, el("bdi", {}, name(slice))),
            cell(this.heads[1], bar.element),
            cell(this.heads[2], limit(maximum)),
            cell(this.heads[3], limit(committed), over && " ", over && label("warning", _("Overcommitted"))),
            cell(this.heads[4], isNone(peak) ? "-" : number(peak)),
            cell(this.heads[5], sourceText(source), origin && el("p", { class: "muted" }, plain(origin))),
            cell(this.heads[6], isNone(maximum) ? _("no limit") : inForce ? _("in force")
                : [label("danger", _("Not in force")), el("p", { class: "muted" }, plain(error) || _("The slice does not exist."))]),
            cell(this.heads[7],
                button(_("Set…"), () => setQuotaDialog(this.daemon, target), { "data-action": "set", "aria-label": fill(_("Set the limit of $0"), name(slice)) }), " ",
                button(_("Reset…"), () => resetQuotaDialog(this.daemon, target), { "data-action": "reset", "aria-label": fill(_("Reset the limit of $0"), name(slice)) })));
    }

    draw() {
        // Slices are few. The button that has the focus keeps it.
        const focus = document.activeElement?.closest?.("tr[data-slice]")?.dataset.slice;
        const action = document.activeElement?.dataset?.action;
        const { slices } = this.daemon;

        replace(this.body, slices.map((row) => this.row(row)));
        if (focus !== undefined && action)
            [...this.body.rows].find((row) => row.dataset.slice === focus)?.querySelector('[data-action="' + action + '"]')?.focus();
        this.table.hidden = slices.length === 0;
        replace(this.empty, slices.length === 0 && emptyState(_("No slice"), el("p", {}, _("There is no slice with machines, and none has a limit."))));
    }

    updateSlices() {
        this.draw();
    }
}
