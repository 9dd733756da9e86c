// SPDX-License-Identifier: LGPL-2.1-or-later

// Rows of ListEvents.

import { _, N_, fill, plain } from "./text.js";

const TYPES = {
    "quota-exceeded": N_("PASIDs denied"),
    "watermark-reached": N_("Watermark reached"),
    "quota-changed": N_("Quota changed"),
    "default-quota-changed": N_("Default quota changed"),
    "slice-quota-changed": N_("Limit of a slice changed"),
    "foreign-change": N_("Changed by another program"),
    overcommitted: N_("Overcommitted"),
    resync: N_("Events of the kernel lost"),
};

/** More are not kept: as many as the daemon keeps. */
export const MAX_EVENTS = 1024;

export const typeNames = Object.keys(TYPES);

export function typeText(type) {
    return Object.hasOwn(TYPES, type) ? _(TYPES[type]) : type;
}

export function eventNew([number, usec, type, uuid, name, text, details]) {
    const values = Object.fromEntries(Object.entries(details).map(([key, variant]) => [key, variant?.v]));

    return { number, usec, type, uuid, name, text, details: values };
}

/** Appends new events to known ones, without those that are there already. Oldest first. */
export function append(known, rows) {
    const last = known.at(-1)?.number ?? 0;
    const events = rows.map(eventNew).filter((event) => event.number > last);

    return [...known, ...events].slice(-MAX_EVENTS);
}

/**
 * Takes over the answer of ListEvents(number of the last known event): its rows, and whether events before them are
 * missing. Returns {events, missed}. Numbers that are not above the last known one are from the log of a later run of the
 * daemon, after the host's clock was set back: its events replace the known ones.
 */
export function take({ events, missed }, rows, missing) {
    const last = events.at(-1)?.number ?? 0;

    if (missing && rows.length > 0 && rows[0][0] <= last)
        return { events: append([], rows), missed: false };
    return { events: append(events, rows), missed: missed || (missing && last > 0) };
}

/** Who caused the event: {uid, pid, unit}, or null for the kernel and the daemon itself. */
export function who(event) {
    const { uid, pid, unit } = event.details;

    return typeof uid === "number" ? { uid, pid: pid ?? 0, unit: unit ?? "" } : null;
}

/** users: names by uid, where they are known. */
export function whoText(event, users = new Map()) {
    const caller = who(event);

    if (!caller)
        return "";
    const user = users.get(caller.uid) ?? fill(_("user $0"), caller.uid);

    return caller.unit ? fill(_("$0, by $1"), plain(user), plain(caller.unit)) : plain(user);
}

/** What a search looks at. */
export function searchTexts(event, users) {
    return [event.name, event.uuid, event.text, typeText(event.type), whoText(event, users)];
}
