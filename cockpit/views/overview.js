// SPDX-License-Identifier: LGPL-2.1-or-later

import { UsageBar, alert, button, card, command, definition, label, paragraphs, replace, runDoctor } from "../parts.js";
import { el, keyed, order, setAttributes, setText } from "../dom.js";
import { resetQuotaDialog, setQuotaDialog } from "../dialog.js";
import { findings, resultText, sortFindings } from "../lib/problems.js";
import { href } from "../lib/route.js";
import { _, fill, isNone, limit, name, ngettext, number, plain } from "../lib/text.js";
import { sourceText, urgency, usageText, warningText, warnings } from "../lib/vm.js";
import { sorted } from "../lib/rows.js";

/** More names would hide the rest of the page. */
const NAMES_MAX = 5;
const RESULT_LEVELS = { ok: "success", warn: "warning", fail: "danger", skip: "neutral" };

function level(value, maximum) {
    return value > maximum ? "danger" : value > 0.9 * maximum ? "warning" : "";
}

/** The list of what pasidctl's doctor has found; what is in order can be unfolded. */
export function findingsNode(rows) {
    const item = ({ check, result, found, remedy }) => el("li", { class: "finding", "data-check": check },
        label(RESULT_LEVELS[result] ?? "neutral", resultText(result)),
        el("div", {}, el("strong", {}, check), ": ", plain(found),
            remedy && el("p", { class: "remedy" }, _("To fix it:"), " ", command(plain(remedy)))));
    const wrong = sortFindings(rows.filter(({ result }) => result === "fail" || result === "warn"));
    const fine = rows.filter(({ result }) => result !== "fail" && result !== "warn");

    return [
        wrong.length > 0 ? el("ul", { class: "findings" }, wrong.map(item)) : el("p", {}, _("All checks have passed.")),
        fine.length > 0 && el("details", {},
            el("summary", {}, fill(ngettext("$0 check without a finding", "$0 checks without a finding", fine.length), fine.length)),
            el("ul", { class: "findings" }, fine.map(item))),
    ];
}

class Doctor {
    constructor() {
        this.body = el("div", { class: "doctor", "aria-live": "polite" });
        this.again = button(_("Check again"), () => this.run());
        this.element = card(_("Checks of this host"), this.body, el("div", { class: "card-buttons" }, this.again));
        this.run();
    }

    async run() {
        this.again.disabled = true;
        if (!this.body.firstChild)
            replace(this.body, el("p", {}, _("Checking…")));
        const { output, message, problem } = await runDoctor();
        const rows = findings(output);

        this.again.disabled = false;
        if (rows)
            replace(this.body, findingsNode(rows));
        else
            replace(this.body, problem === "not-found"
                ? el("p", {}, _("pasidctl is not installed. Install the package pasidctl to see what quotas depend on."))
                : [el("p", {}, _("“pasidctl doctor” failed:")), paragraphs(message)]);
    }
}

/** A machine that wants attention: what changes is its text. */
class Attention {
    constructor() {
        this.name = el("bdi");
        this.link = el("a", {}, this.name);
        this.text = el("span");
        this.element = el("li", {}, this.link, " ", this.text);
    }

    update(vm) {
        setAttributes(this.link, { href: href(["machine", vm.uuid]) });
        setText(this.name, name(vm.name));
        setText(this.text, fill("$0: $1", usageText(vm), warnings(vm).map(warningText).join(", ")));
    }
}

export class Overview {
    wanted = {};

    constructor(daemon) {
        this.daemon = daemon;
        this.state = el("div");
        this.bars = {};
        this.rows = new Map();
        this.list = el("ul", { class: "attention" });
        this.none = el("p");
        this.more = el("a", { href: href(["machines"]) });
        this.attention = el("div", {}, this.none, this.list, el("p", {}, this.more));
        this.machines = el("a", { href: href(["machines"]) });
        this.facts = el("div");
        this.keys = {};
        const bar = (key, title) => {
            this.bars[key] = new UsageBar();
            return el("div", { class: "measure", "data-measure": key }, el("h3", {}, title), this.bars[key].element);
        };

        this.defaultFacts = el("div");
        this.element = el("div", { class: "grid" },
            el("div", { class: "wide" }, this.state),
            el("div", { class: "column" },
                card(_("PASIDs of this host"), bar("allocated", _("Allocated")), bar("committed", _("Committed")), bar("attached", _("Attached")), this.facts),
                card(_("Default quota"), this.defaultFacts, el("div", { class: "card-buttons" },
                    button(_("Set default quota…"), () => setQuotaDialog(daemon, this.target()), { "data-action": "set-default" }),
                    button(_("Reset…"), () => resetQuotaDialog(daemon, this.target()), { "data-action": "reset-default" })))),
            el("div", { class: "column" },
                card(_("Machines that want attention"), this.attention),
                new Doctor().element));
        this.update();
    }

    target() {
        return { kind: "default", quota: this.daemon.world.manager.DefaultQuota ?? 0 };
    }

    update() {
        const manager = this.daemon.world.manager;
        const capacity = manager.Capacity ?? 0;

        this.updateState(manager);
        this.updateBars(manager, capacity);
        setText(this.machines, number(this.daemon.world.vms.size));
        keyed(this.keys, "facts", [capacity, manager.Admission, manager.OvercommitRatio, manager.Version], () => replace(this.facts, definition([
            [_("Capacity"), number(capacity)],
            [_("Machines"), this.machines],
            [_("Admission control"), el("bdi", {}, plain(manager.Admission))],
            [_("Overcommitment"), fill(_("up to $0 times the capacity"), number(manager.OvercommitRatio ?? 1))],
            [_("Version of pasidd"), plain(manager.Version)],
        ])));
        keyed(this.keys, "default", [manager.DefaultQuota, manager.DefaultQuotaSource], () => replace(this.defaultFacts, definition([
            [_("Quota"), number(manager.DefaultQuota ?? 0)],
            [_("Source"), sourceText(manager.DefaultQuotaSource ?? "")],
        ])));
        this.updateAttention();
    }

    updateState(manager) {
        const idle = manager.State === "idle";
        const over = !isNone(manager.Committed) && manager.Committed > manager.CommitLimit;

        keyed(this.keys, "state", [manager.State, manager.Status, over, manager.Committed, manager.CommitLimit], () => replace(this.state,
            idle
                ? alert("info", _("This host has no PASIDs"), [
                    el("p", {}, el("bdi", {}, plain(manager.Status))),
                    el("p", {}, _("pasidd waits, and limits nothing. If the host's IOMMU supports PASIDs, the checks below say how to turn them on."))])
                : alert("success", _("pasidd is running"), [el("p", {}, el("bdi", {}, plain(manager.Status)))]),
            !idle && over && alert("warning", _("More PASIDs are committed than may be"), [
                el("p", {}, fill(_("$0 are committed, at most $1 may be. Lower quotas, move machines to another host, or raise OvercommitRatio= in /etc/pasidd/pasidd.conf."),
                    number(manager.Committed), limit(manager.CommitLimit)))])));
    }

    updateBars(manager, capacity) {
        const allocated = manager.Allocated ?? 0, attached = manager.Attached ?? 0, committed = manager.Committed ?? 0;
        const maximum = manager.CommitLimit ?? capacity;
        const of = (value, total) => fill(_("$0 of $1"), number(value), limit(total));

        this.bars.allocated.set(allocated, capacity, { label: _("Allocated"), text: of(allocated, capacity), level: level(allocated, capacity) });
        this.bars.committed.set(committed, maximum, { label: _("Committed"), text: of(committed, maximum), level: level(committed, maximum) });
        this.bars.attached.set(attached, capacity, { label: _("Attached"), text: of(attached, capacity) });
    }

    updateAttention() {
        const wanting = sorted([...this.daemon.world.vms.values()].filter((vm) => urgency(vm) > 0), [(a, b) => urgency(b) - urgency(a)]);
        const shown = wanting.slice(0, NAMES_MAX);
        const more = wanting.length - shown.length;

        setText(this.none, wanting.length > 0 ? "" : this.daemon.world.vms.size === 0
            ? _("No machine is running.")
            : _("None: all quotas are in force, and no machine was denied PASIDs."));
        for (const path of this.rows.keys())
            if (!shown.some((vm) => vm.path === path))
                this.rows.delete(path);
        order(this.list, shown.map((vm) => {
            if (!this.rows.has(vm.path))
                this.rows.set(vm.path, new Attention());
            this.rows.get(vm.path).update(vm);
            return this.rows.get(vm.path).element;
        }));
        this.none.hidden = wanting.length > 0;
        this.list.hidden = wanting.length === 0;
        this.more.parentElement.hidden = more === 0;
        setText(this.more, more > 0 ? fill(ngettext("$0 more machine", "$0 more machines", more), number(more)) : "");
    }
}

