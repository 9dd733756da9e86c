// SPDX-License-Identifier: LGPL-2.1-or-later

import { EventTable } from "./eventtable.js";
import { alert, searchField, select } from "../parts.js";
import { el, replace } from "../dom.js";
import { searchTexts, typeNames, typeText } from "../lib/events.js";
import { search } from "../lib/rows.js";
import { _ } from "../lib/text.js";

export class Events {
    wanted = { events: true };

    constructor(daemon) {
        this.daemon = daemon;
        this.words = "";
        this.type = "";
        this.notice = el("div");
        this.table = new EventTable(daemon.users.names, { empty: _("No events") });
        const find = searchField(_("Search"), (words) => {
            this.words = words;
            this.table.pager.page = 0;
            this.draw();
        });
        const type = select(_("Show"), [["", _("All events")], ...typeNames.map((name) => [name, typeText(name)])], (value) => {
            this.type = value;
            this.table.pager.page = 0;
            this.draw();
        }, { "data-filter": "show" });

        this.element = el("div", {}, el("div", { class: "toolbar" }, find.element, type.element), this.notice, this.table.element,
            el("p", { class: "muted" }, _("Since pasidd has started, and at most the last 1024. The journal has all of them: journalctl -u pasidd")));
        this.draw();
    }

    update() {
        // Events have a signal of their own.
    }

    updateUsers() {
        this.table.redraw();
    }

    draw() {
        const { events, fresh, missed, users } = this.daemon;
        const ofType = this.type ? events.filter((event) => event.type === this.type) : events;

        for (const event of events)
            users.want(event.details.uid);
        replace(this.notice, missed && alert("warning", _("Some events are missing"), [el("p", {}, _("There were more than pasidd keeps. The journal has them."))]));
        this.table.loading = !fresh.events;
        this.table.set(search(ofType, this.words, (event) => searchTexts(event, users.names)));
    }

    updateEvents() {
        this.draw();
    }
}
