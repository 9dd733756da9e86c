// SPDX-License-Identifier: LGPL-2.1-or-later

import { UsageBar, button, cell, emptyState, label } from "../parts.js";
import { el, order, replace, replaceChanged } from "../dom.js";
import { resetQuotaDialog, setQuotaDialog } from "../dialog.js";
import { _, fill, isNone, limit, name, number, plain } from "../lib/text.js";
import { sourceText } from "../lib/vm.js";

class Row {
    constructor(daemon, slice, heads) {
        const target = () => ({ kind: "slice", slice, limit: this.limit });

        this.slice = slice;
        this.bar = new UsageBar();
        this.cells = heads.slice(2, 7).map((head) => cell(head));
        this.element = el("tr", { "data-slice": slice },
            el("th", { scope: "row", "data-label": heads[0] }, el("bdi", {}, name(slice))),
            cell(heads[1], this.bar.element),
            this.cells,
            cell(heads[7],
                button(_("Set…"), () => setQuotaDialog(daemon, target()), { "data-action": "set", "aria-label": fill(_("Set the limit of $0"), name(slice)) }), " ",
                button(_("Reset…"), () => resetQuotaDialog(daemon, target()), { "data-action": "reset", "aria-label": fill(_("Reset the limit of $0"), name(slice)) })));
    }

    update([, source, origin, maximum, committed, held, peak, inForce, error]) {
        const without = isNone(maximum);
        const over = !without && committed > maximum;

        this.limit = maximum;
        this.bar.set(held, without ? 0 : maximum, {
            label: fill(_("PASIDs held in $0"), name(this.slice)),
            text: without ? number(held) : fill(_("$0 of $1"), number(held), number(maximum)),
        });
        this.bar.bar.hidden = without;
        for (const [i, content] of [
            [limit(maximum)],
            [limit(committed), over && " ", over && label("warning", _("Overcommitted"))],
            [isNone(peak) ? "-" : number(peak)],
            [sourceText(source), origin && el("p", { class: "muted" }, plain(origin))],
            without ? [_("no limit")] : inForce ? [_("in force")]
                : [label("danger", _("Not in force")), el("p", { class: "muted" }, plain(error) || _("The slice does not exist."))],
        ].entries())
            replaceChanged(this.cells[i], content);
    }
}

export class Slices {
    wanted = { slices: true };

    constructor(daemon) {
        this.daemon = daemon;
        this.rows = new Map();
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

    draw() {
        const { fresh, slices } = this.daemon;
        const names = new Set(slices.map(([slice]) => slice));

        for (const slice of this.rows.keys())
            if (!names.has(slice))
                this.rows.delete(slice);
        order(this.body, slices.map((values) => {
            const [slice] = values;

            if (!this.rows.has(slice))
                this.rows.set(slice, new Row(this.daemon, slice, this.heads));
            this.rows.get(slice).update(values);
            return this.rows.get(slice).element;
        }));
        this.table.hidden = slices.length === 0;
        const empty = slices.length > 0 ? "" : fresh.slices ? "none" : "loading";

        if (this.emptyKey === empty)
            return;
        this.emptyKey = empty;
        replace(this.empty, empty === "loading" && emptyState(_("Loading…")),
            empty === "none" && emptyState(_("No slice"), el("p", {}, _("There is no slice with machines, and none has a limit."))));
    }

    updateSlices() {
        this.draw();
    }
}
