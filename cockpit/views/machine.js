// SPDX-License-Identifier: LGPL-2.1-or-later

import { EventTable } from "./eventtable.js";
import { Plot } from "./plot.js";
import { UsageBar, alert, button, card, cell, definition, emptyState, label, nameNode, replace, warningLabels } from "../parts.js";
import { el, keyed, setText } from "../dom.js";
import { resetQuotaDialog, setQuotaDialog } from "../dialog.js";
import { tree } from "../lib/explain.js";
import { href, machinesAddress } from "../lib/route.js";
import { _, fill, name, number, plain, watermark } from "../lib/text.js";
import { isLibvirt, sourceText, stateText, usageText, used, viommuPasids, warnings } from "../lib/vm.js";

/** Redraws the plot, which goes on without changes. */
const PLOT_MS = 1000;
/** The sets and the reasons of the quota have no signal. They are read again at most this often. */
const READ_MS = 1000;

function treeNode(node) {
    const wins = node.winsQuota || node.winsWatermark;

    return el("li", { class: wins ? "tree-node tree-wins" : "tree-node", "data-kind": node.kind },
        el("span", { class: "tree-label" }, el("bdi", {}, plain(node.label) || name(""))),
        node.values && el("span", { class: "tree-values" }, " ", node.values),
        node.winsQuota && [" ", label("success", _("sets the quota"))],
        node.winsWatermark && [" ", label("success", _("sets the watermark"))],
        node.text && el("span", { class: "muted" }, " ", el("bdi", {}, plain(node.text))),
        node.children?.length > 0 && el("ul", {}, node.children.map(treeNode)));
}

function fact([term, text, data]) {
    return [term, [text, text && data && " ", data && el("bdi", {}, text ? "(" + plain(data) + ")" : plain(data))]];
}

export class Machine {
    wanted = { events: true, slices: false };

    constructor(daemon, { uuid }) {
        this.daemon = daemon;
        this.uuid = uuid;
        this.element = el("div");
        this.vm = null;
        this.keys = {};
        this.timers = {};
        this.build();
        this.update();
        this.plotTimer = window.setInterval(() => this.drawPlot(), PLOT_MS);
    }

    destroy() {
        window.clearInterval(this.plotTimer);
        for (const timer of Object.values(this.timers))
            window.clearTimeout(timer);
    }

    build() {
        const { daemon } = this;

        this.title = el("h1", { class: "machine-title" });
        this.labels = el("span", { class: "labels" });
        this.notices = el("div");
        this.bar = new UsageBar();
        this.facts = el("div");
        this.details = el("div");
        this.plot = new Plot();
        this.sets = el("div", { class: "sets" });
        this.explanation = el("div", { class: "explain" });
        this.events = new EventTable(daemon.users.names, { about: false, empty: _("No events of this machine") });
        this.open = button(_("Open in Virtual machines"), () => cockpit.jump(machinesAddress(this.vm.name)), { kind: "link", "data-action": "jump" });
        this.set = button(_("Set quota…"), () => setQuotaDialog(daemon, { kind: "vm", vm: { ...this.vm } }), { kind: "primary", "data-action": "set" });
        this.reset = button(_("Reset quota…"), () => resetQuotaDialog(daemon, { kind: "vm", vm: { ...this.vm } }), { "data-action": "reset" });
        this.body = el("div", { class: "grid" },
            el("div", { class: "column" },
                card(_("Quota"), this.bar.element, this.facts, el("div", { class: "card-buttons" }, this.set, this.reset)),
                card(_("Machine"), this.details, el("div", { class: "card-buttons" }, this.open))),
            el("div", { class: "column" },
                card(_("Usage since this page was opened"), this.plot.element),
                card(_("Why this quota"), this.explanation)),
            el("div", { class: "wide" }, card(_("PASID sets"), this.sets)),
            el("div", { class: "wide" }, card(_("Events"), this.events.element)));
        this.gone = el("div");
        this.element.append(
            el("nav", { class: "crumbs", "aria-label": _("Path") }, el("a", { href: href(["machines"]) }, _("Machines"))),
            el("div", { class: "machine-head" }, this.title, this.labels), this.notices, this.gone, this.body);
    }

    update() {
        const vm = this.daemon.world.findByUuid(this.uuid);
        const ended = !vm && this.vm;

        this.body.hidden = !vm;
        if (!vm) {
            if (this.goneKey !== Boolean(ended)) {
                this.goneKey = Boolean(ended);
                replace(this.gone, emptyState(ended ? _("This machine has ended") : _("No such machine"),
                    el("p", {}, fill(_("pasidd only knows machines that run or are about to start. The UUID is $0."), name(this.uuid))),
                    el("p", {}, el("a", { href: href(["machines"]) }, _("Show all machines")))));
            }
            replace(this.labels);
            replace(this.notices);
            // All is drawn again when it is back.
            this.keys = {};
            if (!ended)
                setText(this.title, name(this.uuid));
            return;
        }
        this.goneKey = null;
        replace(this.gone);
        this.updateVm(vm);
    }

    updateVm(vm) {
        const reasons = warnings(vm);

        if (this.vm?.name !== vm.name || !this.title.firstChild)
            replace(this.title, nameNode(vm.name));
        keyed(this.keys, "labels", reasons, () => replace(this.labels, warningLabels(vm)));
        this.bar.set(used(vm), vm.quota, {
            label: fill(_("Usage of $0"), name(vm.name)),
            text: usageText(vm),
            level: reasons.includes("over") ? "danger" : reasons.includes("high") ? "warning" : "",
        });
        // The third is the host's, and is not translated.
        const facts = [
            [_("Quota"), number(vm.quota)],
            [_("Source"), sourceText(vm.source), vm.origin],
            [_("Watermark"), watermark(vm.watermark)],
            [_("Allocated"), number(vm.allocated)],
            [_("Attached"), number(vm.attached)],
            [_("Peak"), number(vm.peak)],
            [_("Denied"), number(vm.denied)],
        ];
        const details = [
            [_("State"), stateText(vm.state)],
            [_("UUID"), "", vm.uuid],
            [_("Unit"), "", vm.unit || "-"],
            [_("Slice"), "", vm.slice || "-"],
            [_("Control group"), "", vm.cgroup || "-"],
            [_("Process"), vm.leader > 0 ? String(vm.leader) : "-"],
        ];

        keyed(this.keys, "facts", facts, () => replace(this.facts, definition(facts.map(fact))));
        keyed(this.keys, "details", [details, vm.metadata], () => replace(this.details, definition(details.map(fact)), vm.metadata.length > 0 && el("details", {},
            el("summary", {}, _("Metadata for rules")),
            definition(vm.metadata.map(([key, value]) => [plain(key), el("bdi", {}, plain(value))])))));
        this.open.hidden = !isLibvirt(vm) || !cockpit.manifests?.machines;
        keyed(this.keys, "notices", [vm.state, vm.inForce, vm.error, vm.quota, viommuPasids(vm)], () => this.drawNotices(vm));
        keyed(this.keys, "explain", [vm.path, vm.quota, vm.source, vm.origin, vm.watermark, vm.inForce, vm.name], () => this.readExplanation(vm.uuid));
        keyed(this.keys, "counts", [vm.path, vm.allocated, vm.attached, vm.peak, vm.denied, vm.quota], () => this.soon("sets", (now) => this.readSets(now)));
        keyed(this.keys, "sets", [vm.sets, vm.attachedSets], () => this.drawSets(vm));
        this.vm = vm;
        this.updateEvents();
        this.drawPlot();
    }

    drawNotices(vm) {
        const offered = viommuPasids(vm);

        replace(this.notices,
            vm.state === "running" && !vm.inForce && alert("danger", _("The quota is not in force"), [
                el("p", {}, plain(vm.error) || _("pasidd has not applied it yet.")),
                el("p", {}, _("The checks on the overview show what quotas depend on."))]),
            offered > vm.quota && alert("warning", _("The guest is offered more PASIDs than its quota"), [
                el("p", {}, fill(_("Its virtual IOMMU offers $0 PASIDs, its quota is $1. The guest does not learn which attach is denied."), number(offered), number(vm.quota)))]));
    }

    async readExplanation(uuid) {
        try {
            const { candidates, limits } = await this.daemon.explain(uuid);
            const vm = this.daemon.world.findByUuid(uuid);
            const root = vm && tree(vm, candidates, limits);

            if (root)
                keyed(this.keys, "tree", root, () => replace(this.explanation, el("ul", { class: "tree" }, treeNode(root)),
                    el("p", { class: "muted" }, _("The first source from the top that has a value sets it."))));
        } catch (error) {
            this.keys.explain = null;
            if (!this.explanation.firstChild)
                replace(this.explanation, el("p", {}, plain(error.message)));
        }
    }

    async readSets(vm) {
        try {
            await this.daemon.readVm(vm.path);
        } catch {
            // The VM has ended meanwhile, or the daemon: both are announced.
        }
    }

    /** Reads after a while, once for all calls until then, if the VM is still there and the page visible. */
    soon(name, read) {
        this.timers[name] ??= window.setTimeout(() => {
            const { state, client, world } = this.daemon;
            const vm = world.findByUuid(this.uuid);

            delete this.timers[name];
            if (vm && client && state === "ready")
                read(vm);
        }, READ_MS);
    }

    /** What others hold in the slices, and what is committed there, may have changed with the host's counts. */
    updateHost() {
        this.soon("explanation", (vm) => this.readExplanation(vm.uuid));
    }

    drawSets(vm) {
        const attached = new Map(vm.attachedSets.map(([id, count, peak]) => [id, { count, peak }]));
        const heads = [_("Set"), _("Process"), _("Allocated"), _("Attached"), _("Quota"), _("Watermark"), _("Peak"), _("Denied")];

        if (vm.sets.length === 0) {
            replace(this.sets, el("p", {}, _("This machine has no PASID set yet. It gets one when its first device with PASIDs is opened; until then the limit of its control group applies.")));
            return;
        }
        replace(this.sets, el("table", { class: "table", "aria-label": _("PASID sets") },
            el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))),
            el("tbody", {}, vm.sets.slice(0, 1000).map(([id, tgid, quota, mark, allocated, peak, denied]) => el("tr", { "data-set": id },
                el("th", { scope: "row", "data-label": heads[0] }, String(id)),
                cell(heads[1], String(tgid)),
                cell(heads[2], number(allocated)),
                cell(heads[3], attached.has(id) ? number(attached.get(id).count) : "-"),
                cell(heads[4], number(quota)),
                cell(heads[5], watermark(mark)),
                cell(heads[6], number(peak)),
                cell(heads[7], number(denied)))))));
    }

    drawPlot() {
        const vm = this.daemon.world.findByUuid(this.uuid);
        const history = this.daemon.world.histories.get(this.uuid);

        if (vm && history && this.daemon.state === "ready")
            this.plot.draw(history, vm, Date.now());
    }

    updateUsers() {
        this.events.redraw();
    }

    updateEvents() {
        const mine = this.daemon.events.filter((event) => event.uuid === this.uuid);

        for (const event of mine)
            this.daemon.users.want(event.details.uid);
        const loading = !this.daemon.fresh.events;
        const key = loading + " " + mine.at(-1)?.number;

        if (this.eventsKey === key)
            return;
        this.eventsKey = key;
        this.events.loading = loading;
        this.events.set(mine);
    }
}
