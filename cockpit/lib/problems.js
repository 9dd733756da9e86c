// SPDX-License-Identifier: LGPL-2.1-or-later

// What is wrong, for people: errors of D-Bus, of programs and of Cockpit's connection.

import { _, fill, plain } from "./text.js";

/** The daemon does not run, and D-Bus could not start it. */
const ABSENT = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.systemd1.NoSuchUnit",
    "org.freedesktop.systemd1.UnitMasked",
];
const ABSENT_PREFIXES = ["org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.DBus.Error.TimedOut", "org.freedesktop.systemd1."];

const DENIED = [
    "org.freedesktop.DBus.Error.AccessDenied",
    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    "org.freedesktop.DBus.Error.AuthFailed",
    "org.freedesktop.PolicyKit1.Error.NotAuthorized",
];

/** A call was refused before a change began, or the change was undone: by pasidd, or by D-Bus for an object that is gone. */
const UNCHANGED = [
    "org.freedesktop.DBus.Error.InvalidArgs",
    "org.freedesktop.DBus.Error.NotSupported",
    "org.freedesktop.DBus.Error.UnknownInterface",
    "org.freedesktop.DBus.Error.UnknownMethod",
    "org.freedesktop.DBus.Error.UnknownObject",
];
const UNCHANGED_PREFIX = "org.pasidd1.Error.";

/** The daemon may have got the call before it ended, or before the time was up. */
const UNANSWERED = ["org.freedesktop.DBus.Error.Disconnected", "org.freedesktop.DBus.Error.TimedOut"];

/** Problems of Cockpit's channels in which the connection to the host is gone. */
const LOST = ["disconnected", "terminated", "no-session", "timeout", "unknown-hostname", "no-host"];

/** Kind of an error from cockpit: "absent", "denied", "busy", "lost" or "failed". */
export function kindOf(error) {
    const name = error?.name ?? "";

    if (ABSENT.includes(name) || ABSENT_PREFIXES.some((prefix) => name.startsWith(prefix)) || error?.problem === "not-found")
        return "absent";
    if (DENIED.includes(name) || error?.problem === "access-denied" || error?.problem === "authentication-failed")
        return "denied";
    if (name === "org.freedesktop.DBus.Error.LimitsExceeded")
        return "busy";
    // On Debian 13, a failure of the bridge itself: the system bus has ended.
    if (LOST.includes(error?.problem) || name === "python.error")
        return "lost";
    return "failed";
}

function unknownResult(message) {
    return { title: _("No answer"), text: fill(_("It is not known whether the change was made. Look at the value before you try again. The error was: $0"), message) };
}

/** One error as a title and a text, for a refused or failed change. */
export function changeProblem(error, administrator) {
    const message = plain(error?.message ?? error?.problem ?? String(error));
    const name = error?.name ?? "";

    if (UNANSWERED.includes(name))
        return unknownResult(message);
    switch (kindOf(error)) {
    case "denied":
        return {
            title: _("Not permitted"),
            text: administrator
                ? fill(_("polkit does not permit this change: $0"), message)
                : fill(_("polkit does not permit this change without administrative access, which can be turned on at the top of Cockpit's window. The answer was: $0"), message),
        };
    case "busy":
        return { title: _("Too many requests"), text: fill(_("pasidd has too many requests of yours. Try again. The answer was: $0"), message) };
    case "absent":
        return { title: _("pasidd does not run"), text: message };
    case "lost":
        return { title: _("Connection lost"), text: _("It is not known whether the change was made. Reconnect and look.") };
    default:
        return UNCHANGED.includes(name) || name.startsWith(UNCHANGED_PREFIX)
            ? { title: _("The change failed, and nothing was changed"), text: message }
            : unknownResult(message);
    }
}

/** The findings of "pasidctl doctor --json", or null if the text is something else. */
export function findings(text) {
    let rows;

    try {
        rows = JSON.parse(text);
    } catch {
        return null;
    }
    if (!Array.isArray(rows))
        return null;
    return rows.filter((row) => row && typeof row.check === "string" && typeof row.result === "string")
        .map(({ check, result, found, remedy }) => ({ check, result, found: String(found ?? ""), remedy: String(remedy ?? "") }));
}

const RESULTS = ["fail", "warn", "skip", "ok"];

/** Failures first, then warnings. */
export function sortFindings(rows) {
    return [...rows].sort((a, b) => RESULTS.indexOf(a.result) - RESULTS.indexOf(b.result));
}

export function resultText(result) {
    return { ok: _("ok"), skip: _("skipped"), warn: _("warning"), fail: _("failure") }[result] ?? result;
}

/** Why the daemon does not run, as far as the findings tell. */
export function absence(rows) {
    const failed = (check) => rows?.find((row) => row.check === check && row.result === "fail");

    if (failed("kernel"))
        return {
            reason: "kernel",
            title: _("This kernel has no PASID quotas"),
            text: fill(_("pasidd needs a kernel with the PASID quota patches, and has ended. $0"), plain(failed("kernel").found)),
        };
    if (failed("configuration"))
        return {
            reason: "configuration",
            title: _("pasidd does not run: its configuration is not valid"),
            text: plain(failed("configuration").found),
        };
    return {
        reason: "stopped",
        title: _("pasidd does not run"),
        text: _("Quotas that were set before stay in force. New machines get no quota until pasidd runs again."),
    };
}
