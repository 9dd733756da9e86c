// SPDX-License-Identifier: LGPL-2.1-or-later

// Parts that several views use.

import { el, newId, replace, setAttributes, setText } from "./dom.js";
import { _, fill, lines, name, number } from "./lib/text.js";
import { pageOf } from "./lib/rows.js";
import { warningLevel, warningText, warnings } from "./lib/vm.js";
import { run } from "./bus.js";

/** A name that someone else has chosen; <bdi> keeps its direction of writing from the text around it. */
export function nameNode(text) {
    return el("bdi", {}, name(text));
}

export function label(level, text) {
    return el("span", { class: "label label-" + level }, text);
}

export function warningLabels(vm) {
    return warnings(vm).map((reason) => label(warningLevel(reason), warningText(reason)));
}

/** A command for the terminal, which can be selected and copied. */
export function command(text) {
    return el("code", { class: "command" }, text);
}

/** level: "info", "warning", "danger", "success". Only what happens while the user waits is announced (role). */
export function alert(level, title, children = [], role = null) {
    return el("div", { class: "alert alert-" + level, role },
        el("h2", { class: "alert-title" }, title),
        children.length > 0 && el("div", { class: "alert-body" }, children));
}

export function card(title, ...children) {
    const id = newId();

    return el("section", { class: "card", "aria-labelledby": id }, el("h2", { id, class: "card-title" }, title), children);
}

export function button(text, onclick, { kind = "secondary", ...attributes } = {}) {
    return el("button", { type: "button", class: "button button-" + kind, onclick, ...attributes }, text);
}

/** Nothing to show: what is the case and what to do. */
export function emptyState(title, ...children) {
    return el("div", { class: "empty" }, el("h2", {}, title), children);
}

/** A bar with its numbers as text beside it. */
export class UsageBar {
    constructor() {
        this.fill = el("div", { class: "bar-fill" });
        this.bar = el("div", { class: "bar", role: "meter", "aria-valuemin": 0 }, this.fill);
        this.text = el("span", { class: "bar-text" });
        this.element = el("div", { class: "usage" }, this.bar, this.text);
    }

    /** level: "", "warning" or "danger". label: what is measured, for screen readers. */
    set(value, maximum, { label: what, text, level = "" }) {
        // A quota of 0 with PASIDs is full.
        const percent = maximum > 0 ? Math.min(100, value * 100 / maximum) : value > 0 ? 100 : 0;

        setAttributes(this.bar, {
            "aria-label": what,
            "aria-valuemax": Math.max(maximum, 1),
            "aria-valuenow": Math.min(value, Math.max(maximum, 1)),
            "aria-valuetext": text,
            class: level ? "bar bar-" + level : "bar",
        });
        // By CSSOM: Cockpit's content security policy forbids the attribute.
        this.fill.style.inlineSize = percent + "%";
        setText(this.text, text);
    }
}

/** Buttons for the pages of a table. onpage(page) is called by the buttons. */
export class Pager {
    constructor(onpage) {
        this.page = 0;
        this.status = el("span", { class: "pager-status" });
        this.previous = button(_("Previous"), () => this.go(-1, onpage));
        this.next = button(_("Next"), () => this.go(1, onpage));
        this.element = el("nav", { class: "pager", "aria-label": _("Pages of the table") }, this.status, this.previous, this.next);
    }

    go(step, onpage) {
        this.page += step;
        onpage();
    }

    /** The rows of the page. */
    take(rows) {
        const { page, pages, first, rows: shown } = pageOf(rows, this.page);

        this.page = page;
        this.element.hidden = pages === 1;
        setText(this.status, fill(_("$0 to $1 of $2"), number(first + 1), number(first + shown.length), number(rows.length)));
        this.previous.disabled = page === 0;
        this.next.disabled = page === pages - 1;
        return shown;
    }
}

/** A <select> with its label. options: [value, text]. */
export function select(text, options, onchange, attributes = {}) {
    const id = newId();
    const input = el("select", { id, class: "control", onchange: () => onchange(input.value), ...attributes },
        options.map(([value, shown]) => el("option", { value }, shown)));

    return { input, element: el("div", { class: "field" }, el("label", { for: id }, text), input) };
}

/** A search field. It waits for a pause in typing. */
export function searchField(text, onsearch) {
    const id = newId();
    let timer;
    const input = el("input", {
        id,
        type: "search",
        class: "control",
        autocomplete: "off",
        spellcheck: "false",
        oninput: () => {
            window.clearTimeout(timer);
            timer = window.setTimeout(() => onsearch(input.value), 150);
        },
    });

    return { input, element: el("div", { class: "field field-wide" }, el("label", { for: id }, text), input) };
}

/** The output of a program, or a message that can have several lines: a paragraph for each. */
export function paragraphs(text, attributes = {}) {
    return lines(text).map((line) => el("p", attributes, el("bdi", {}, line)));
}

/** Runs "pasidctl doctor" and shows what it found. onresult(findings) is called with null if it could not run. */
export async function runDoctor() {
    return run(["pasidctl", "doctor", "--json=short"], { superuser: "try" });
}

export function definition(rows) {
    return el("dl", { class: "facts" }, rows.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))));
}

/** Cells of a row of a table whose head is not shown on a narrow screen. */
export function cell(heading, ...children) {
    return el("td", { "data-label": heading }, children);
}

export { replace };
