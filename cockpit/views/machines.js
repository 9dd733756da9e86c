// SPDX-License-Identifier: LGPL-2.1-or-later

import { Pager, UsageBar, cell, emptyState, label, nameNode, searchField, select } from "../parts.js";
import { el, order, replace, setAttributes, setText } from "../dom.js";
import { href } from "../lib/route.js";
import { compareText, keepOrder, search, sorted } from "../lib/rows.js";
import { _, fill, ngettext, name, number } from "../lib/text.js";
import { sourceText, stateText, urgency, usage, usageText, used, warningLevel, warningText, warnings } from "../lib/vm.js";

const byName = (a, b) => compareText(a.name, b.name) || compareText(a.uuid, b.uuid);

/** Columns: heading, and the order of rows that is useful first. */
const COLUMNS = () => [
    { key: "name", heading: _("Machine"), compare: byName },
    { key: "usage", heading: _("Usage"), compare: (a, b) => usage(b) - usage(a) || used(b) - used(a) },
    { key: "quota", heading: _("Quota"), compare: (a, b) => b.quota - a.quota, number: true },
    { key: "source", heading: _("Source"), compare: (a, b) => compareText(a.source, b.source) },
    { key: "denied", heading: _("Denied"), compare: (a, b) => b.denied - a.denied, number: true },
    { key: "attention", heading: _("Attention"), compare: (a, b) => urgency(b) - urgency(a) },
];

/** NaN for two machines with a quota of 0 and PASIDs. */
const safe = (compare) => (a, b) => compare(a, b) || 0;

class Row {
    constructor(vm, headings) {
        this.link = el("a", { href: href(["machine", vm.uuid]) });
        this.state = el("span", { class: "muted" });
        this.bar = new UsageBar();
        this.quota = cell(headings.quota);
        this.source = cell(headings.source);
        this.denied = cell(headings.denied);
        this.attention = cell(headings.attention);
        this.quota.className = this.denied.className = "number";
        this.element = el("tr", { "data-uuid": vm.uuid },
            el("th", { scope: "row", "data-label": headings.name }, this.link, this.state),
            cell(headings.usage, this.bar.element), this.quota, this.source, this.denied, this.attention);
        this.name = null;
        this.update(vm);
    }

    update(vm) {
        const reasons = warnings(vm);

        if (this.name !== vm.name) {
            this.name = vm.name;
            replace(this.link, nameNode(vm.name));
        }
        setText(this.state, vm.state === "running" ? "" : " " + stateText(vm.state));
        this.bar.set(used(vm), vm.quota, {
            label: fill(_("Usage of $0"), name(vm.name)),
            text: usageText(vm),
            level: reasons.includes("over") ? "danger" : reasons.includes("high") ? "warning" : "",
        });
        setText(this.quota, number(vm.quota));
        setText(this.source, sourceText(vm.source));
        setText(this.denied, number(vm.denied));
        if (this.reasons !== reasons.join()) {
            this.reasons = reasons.join();
            replace(this.attention, reasons.map((reason) => label(warningLevel(reason), warningText(reason))));
        }
    }
}

export class Machines {
    wanted = {};

    constructor(daemon, options = {}) {
        const columns = COLUMNS();
        const headings = Object.fromEntries(columns.map(({ key, heading }) => [key, heading]));

        this.daemon = daemon;
        this.columns = columns;
        this.headings = headings;
        this.words = options.search ?? "";
        this.show = "all";
        this.sort = "attention";
        this.reverse = false;
        this.rows = new Map();
        this.shown = [];

        const find = searchField(_("Search"), (words) => {
            this.words = words;
            this.pager.page = 0;
            this.draw(true);
        });
        const filter = select(_("Show"), [["all", _("All")], ["attention", _("Those that want attention")], ["override", _("Those with an override")]], (value) => {
            this.show = value;
            this.pager.page = 0;
            this.draw(true);
        }, { "data-filter": "show" });

        // The head of the table is not shown on a narrow screen.
        this.sortSelect = select(_("Sort by"), columns.map(({ key, heading }) => [key, heading]), (value) => this.sortBy(value, false));
        this.sortSelect.element.classList.add("narrow-only");
        this.pager = new Pager(() => this.draw(true));
        this.count = el("p", { class: "muted", role: "status" });
        this.body = el("tbody");
        this.heads = columns.map((column) => {
            const sortButton = el("button", { type: "button", class: "sort", onclick: () => this.sortBy(column.key, this.sort === column.key && !this.reverse) }, column.heading);

            return el("th", { scope: "col", "data-sort": column.key, class: column.number ? "number" : null }, sortButton);
        });
        this.table = el("table", { class: "table", "aria-label": _("Machines") }, el("thead", {}, el("tr", {}, this.heads)), this.body);
        this.empty = el("div");
        this.element = el("div", {},
            el("div", { class: "toolbar" }, find.element, filter.element, this.sortSelect.element),
            this.count, this.table, this.empty, this.pager.element);
        this.draw(true);
    }

    sortBy(key, reverse) {
        this.sort = key;
        this.reverse = reverse;
        this.draw(true);
    }

    /** Whether rows must stay where they are. */
    inUse() {
        return this.body.matches(":hover") || this.body.contains(document.activeElement);
    }

    select() {
        const all = [...this.daemon.world.vms.values()];
        const shown = this.show === "attention"
            ? all.filter((vm) => urgency(vm) > 0)
            : this.show === "override" ? all.filter((vm) => vm.source === "runtime" || vm.source === "persistent") : all;
        const found = search(shown, this.words, (vm) => [vm.name, vm.uuid, vm.unit, vm.slice, sourceText(vm.source)]);
        const { compare } = this.columns.find(({ key }) => key === this.sort);

        return sorted(found, [safe(compare), safe((a, b) => usage(b) - usage(a)), byName], this.reverse);
    }

    update(changes) {
        for (const path of changes?.changed ?? [])
            this.rows.get(path)?.update(this.daemon.world.vms.get(path));
        this.draw(false);
    }

    /** asked: by the user, who expects another order. */
    draw(asked) {
        let vms = this.select();

        if (!asked && this.inUse())
            vms = keepOrder(this.shown, vms, (vm) => vm.path);
        this.shown = vms.map((vm) => vm.path);

        const page = this.pager.take(vms);
        const paths = new Set(page.map((vm) => vm.path));

        for (const path of this.rows.keys())
            if (!paths.has(path))
                this.rows.delete(path);
        order(this.body, page.map((vm) => {
            if (!this.rows.has(vm.path))
                this.rows.set(vm.path, new Row(vm, this.headings));
            return this.rows.get(vm.path).element;
        }));
        for (const head of this.heads)
            setAttributes(head, { "aria-sort": head.dataset.sort !== this.sort ? null : this.isDescending() ? "descending" : "ascending" });
        this.sortSelect.input.value = this.sort;
        this.drawEmpty(vms.length);
    }

    /** Numbers begin with the largest, texts with "a". */
    isDescending() {
        return ["name", "source"].includes(this.sort) === this.reverse;
    }

    drawEmpty(n) {
        const total = this.daemon.world.vms.size;

        this.table.hidden = n === 0;
        setText(this.count, total === 0 ? "" : n === total
            ? fill(ngettext("$0 machine", "$0 machines", n), number(n))
            : fill(_("$0 of $1 machines"), number(n), number(total)));
        if (this.emptyKey === (n === 0 ? total : null))
            return;
        this.emptyKey = n === 0 ? total : null;
        if (n > 0)
            replace(this.empty);
        else if (total > 0)
            replace(this.empty, emptyState(_("No machine matches"), el("p", {}, _("Change the search or what is shown."))));
        else
            replace(this.empty, emptyState(_("No machine is running"),
                el("p", {}, _("pasidd shows machines that run or are about to start. Start a machine, for example with virsh or on Cockpit's page of virtual machines.")),
                el("p", {}, _("A machine that runs but is not shown here is not registered with systemd-machined and has no PASIDs."))));
    }
}
