// SPDX-License-Identifier: LGPL-2.1-or-later

// Texts for people: translation, numbers, dates, and names that someone else has chosen.

/** "No limit" and "no quota" on D-Bus: UINT32_MAX, and for 64 bits anything near UINT64_MAX, which a double cannot hold. */
export const NONE = 4294967295;
const NONE_64 = 2 ** 63;

// node, which runs the unit tests, has no cockpit object.
const base = globalThis.cockpit;

export function _(text) {
    return base ? base.gettext(text) : text;
}

export function ngettext(one, many, n) {
    return base ? base.ngettext(one, many, n) : n === 1 ? one : many;
}

/** Marks a text for translation that is translated later. */
export function N_(text) {
    return text;
}

/** Replaces $0, $1, … once: an argument that contains "$1" is left as it is. */
export function fill(text, ...values) {
    return text.replace(/\$(\d)/g, (match, i) => i < values.length ? String(values[i]) : match);
}

export function language() {
    const tag = (base?.language || "en").replace("_", "-");

    try {
        return Intl.getCanonicalLocales(tag)[0];
    } catch {
        return "en";
    }
}

let numbers;

export function number(n) {
    numbers ??= new Intl.NumberFormat(language());
    return numbers.format(n);
}

export function isNone(n) {
    return n === NONE || n >= NONE_64;
}

/** A limit, which can be "none". */
export function limit(n) {
    return isNone(n) ? _("none") : number(n);
}

/** A watermark, of which 0 is "off". */
export function watermark(n) {
    return n === 0 ? _("off") : number(n);
}

let times, days;

/** Time of an event: the hour for today's, the day as well for others. */
export function when(usec, now = Date.now()) {
    const date = new Date(usec / 1000);

    if (!Number.isFinite(date.getTime()))
        return "-";
    times ??= new Intl.DateTimeFormat(language(), { timeStyle: "medium" });
    days ??= new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium" });
    return (date.toDateString() === new Date(now).toDateString() ? times : days).format(date);
}

/** For the attribute datetime of <time>. */
export function isoTime(usec) {
    const date = new Date(usec / 1000);

    return Number.isFinite(date.getTime()) ? date.toISOString() : "";
}

// Control characters, separators of lines, and characters without a width: those that reorder text would change what
// the reader sees beside the name, and the others make two names look the same.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** A name from a tenant, a unit or a caller. What cannot be seen is written as \u{…}; an empty name as a word. */
export function name(text) {
    if (typeof text !== "string" || text === "")
        return _("(no name)");
    return text.replace(INVISIBLE, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}")
        .replace(/^ +| +$| {2,}/g, (blanks) => "\u2423".repeat(blanks.length));
}

/** The same for a text in which an empty string is normal. */
export function plain(text) {
    return typeof text === "string" && text !== "" ? name(text) : "";
}

/** More lines of a program's output are not shown. */
const LINES_MAX = 10;

/** The lines of a program's output, without blanks around them and without empty ones. */
export function lines(text, max = LINES_MAX) {
    const all = typeof text === "string" ? text.split(/[\r\n]+/).map((line) => line.replaceAll("\t", " ").trim()).filter(Boolean) : [];

    return (all.length > max ? [...all.slice(0, max - 1), "…"] : all).map(name);
}
