// SPDX-License-Identifier: LGPL-2.1-or-later

import { Pager, cell, emptyState, label, nameNode } from "../parts.js";
import { el, order, replace } from "../dom.js";
import { typeText, whoText } from "../lib/events.js";
import { href } from "../lib/route.js";
import { _, isoTime, plain, when } from "../lib/text.js";

const LEVELS = { "quota-exceeded": "danger", overcommitted: "warning", "watermark-reached": "warning", "foreign-change": "warning", resync: "warning" };

/** A table of events, newest first. users: names by uid. */
export class EventTable {
    /** about: whether the machine has a column. */
    constructor(users, { about = true, empty }) {
        this.users = users;
        this.about = about;
        this.empty = empty;
        /** Whether it is not known yet if there are events. */
        this.loading = true;
        this.rows = new Map();
        this.events = [];
        this.pager = new Pager(() => this.set(this.events));
        this.body = el("tbody");
        const heads = [_("Time"), _("Event"), about && _("Machine"), _("What happened"), _("Who")].filter(Boolean);

        this.table = el("table", { class: "table", "aria-label": _("Events") }, el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col" }, text)))), this.body);
        this.none = el("div");
        this.element = el("div", {}, this.table, this.none, this.pager.element);
    }

    row(event) {
        const who = whoText(event, this.users);

        return el("tr", { "data-event": event.number },
            cell(_("Time"), el("time", { datetime: isoTime(event.usec) }, when(event.usec))),
            cell(_("Event"), label(LEVELS[event.type] ?? "neutral", typeText(event.type))),
            this.about && cell(_("Machine"), event.uuid ? el("a", { href: href(["machine", event.uuid]) }, nameNode(event.name)) : ""),
            cell(_("What happened"), el("bdi", {}, plain(event.text))),
            cell(_("Who"), who && el("bdi", {}, who)));
    }

    /** Names have become known. */
    redraw() {
        this.rows.clear();
        this.set(this.events);
    }

    /** Oldest first. */
    set(events) {
        this.events = events;
        const page = this.pager.take([...events].reverse());
        const numbers = new Set(page.map((event) => event.number));

        for (const number of this.rows.keys())
            if (!numbers.has(number))
                this.rows.delete(number);
        order(this.body, page.map((event) => {
            if (!this.rows.has(event.number))
                this.rows.set(event.number, this.row(event));
            return this.rows.get(event.number);
        }));
        this.table.hidden = events.length === 0;
        const text = events.length > 0 ? null : this.loading ? _("Loading…") : this.empty;

        if (this.noneText === text)
            return;
        this.noneText = text;
        replace(this.none, text && emptyState(text));
    }
}
