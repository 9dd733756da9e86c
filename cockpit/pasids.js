// SPDX-License-Identifier: LGPL-2.1-or-later

// The page: the daemon's state, the views, and which of them is shown.

import { Daemon, run } from "./bus.js";
import { Users } from "./users.js";
import { alert, button, command, emptyState, paragraphs, replace, runDoctor } from "./parts.js";
import { el, setAttributes, setText } from "./dom.js";
import { targetName } from "./lib/changes.js";
import { absence, findings } from "./lib/problems.js";
import { VIEWS, href, parse } from "./lib/route.js";
import { _, plain } from "./lib/text.js";
import { followTheme } from "./theme.js";
import { Events } from "./views/events.js";
import { Machine } from "./views/machine.js";
import { Machines } from "./views/machines.js";
import { Overview, findingsNode } from "./views/overview.js";
import { Slices } from "./views/slices.js";

const VIEW_CLASSES = { overview: Overview, machines: Machines, machine: Machine, slices: Slices, events: Events };

class Page {
    constructor() {
        const titles = { overview: _("Overview"), machines: _("Machines"), slices: _("Slices"), events: _("Events") };

        this.daemon = new Daemon();
        this.daemon.users = new Users();
        this.links = VIEWS.map((view) => el("a", { href: href([view]), "data-view": view }, titles[view]));
        this.notice = el("div", { class: "notices", role: "status" });
        this.problem = el("div");
        // Each page needs a heading of the first level. A machine's page has its own.
        this.heading = el("h1", { class: "unseen" }, _("PASIDs"));
        this.content = el("div");
        this.main = el("main", { id: "main", tabindex: "-1" }, this.heading, this.notice, this.problem, this.content);
        this.view = null;
        document.title = _("PASIDs");
        document.documentElement.lang = cockpit.language?.replace("_", "-") || "en";
        document.documentElement.dir = cockpit.language_direction ?? "ltr";
        document.getElementById("page").append(
            el("nav", { class: "tabs", "aria-label": _("Views") }, el("ul", {}, this.links.map((link) => el("li", {}, link)))),
            this.main);

        // Cockpit's address, not that of the frame, says what is shown.
        document.addEventListener("click", (event) => this.clicked(event));
        cockpit.addEventListener("locationchanged", () => this.navigate());
        cockpit.addEventListener("visibilitychange", () => this.visibilityChanged());
        // The bridge, and with it the subscription, can last longer than the page.
        window.addEventListener("pagehide", () => this.daemon.close());
        this.daemon.addEventListener("state", () => this.stateChanged());
        this.daemon.addEventListener("change", (event) => this.view?.update(event.detail));
        this.daemon.addEventListener("events", () => this.view?.updateEvents?.());
        this.daemon.addEventListener("slices", () => this.view?.updateSlices?.());
        this.daemon.addEventListener("host", () => this.view?.updateHost?.());
        this.daemon.addEventListener("done", ({ detail }) => this.tell("success", { title: _("Changed"), ...detail }));
        this.daemon.addEventListener("refused", ({ detail }) => this.tell("danger", detail));
        this.daemon.users.addEventListener("names", () => this.view?.updateUsers?.());
        this.followPrivileges();
        this.navigate();
        this.stateChanged();
        if (!cockpit.hidden)
            this.daemon.open();
    }

    /** Administrative access can be turned on and off at the top of Cockpit's window. */
    followPrivileges() {
        const permission = cockpit.permission({ admin: true });
        const changed = () => {
            this.daemon.administrator = permission.allowed === true;
        };

        permission.addEventListener("changed", changed);
        changed();
    }

    clicked(event) {
        const link = event.target.closest?.("a[href^='#/']");

        if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
            return;
        event.preventDefault();
        cockpit.location.go(link.getAttribute("href").slice(2).split("/").map(decodeURIComponent));
    }

    visibilityChanged() {
        if (cockpit.hidden)
            this.daemon.close();
        else
            this.daemon.open();
    }

    navigate() {
        const route = parse(cockpit.location.path);
        const tab = route.view === "machine" ? "machines" : route.view;
        const first = this.route === undefined;

        for (const link of this.links)
            setAttributes(link, { "aria-current": link.dataset.view === tab ? "page" : null });
        if (!first && JSON.stringify(this.route) === JSON.stringify(route))
            return;
        this.route = route;
        replace(this.notice);
        this.dropView();
        this.showView();
        window.scrollTo(0, 0);
        if (!first)
            this.main.focus({ preventScroll: true });
    }

    dropView() {
        this.heading.hidden = false;
        this.view?.destroy?.();
        this.view = null;
        replace(this.content);
    }

    showView() {
        const ready = this.daemon.state === "ready" || (this.daemon.state === "connecting" && this.known);

        if (!ready || this.view)
            return;
        this.view = new VIEW_CLASSES[this.route.view](this.daemon, this.route);
        replace(this.content, this.view.element);
        this.heading.hidden = this.route.view === "machine";
        this.daemon.want(this.view.wanted);
    }

    /** What a change has done, or why it was not made. It stays until the next one, another view, or until it is closed. */
    tell(level, { title, target, text }) {
        const close = button(_("Close"), () => replace(this.notice), { kind: "link" });
        const subject = target.kind === "default" ? _("Default quota") : el("bdi", {}, targetName(target));

        replace(this.notice, alert(level, title, [el("p", { class: "changed" }, el("strong", {}, subject), ": ", text), close]));
    }

    stateChanged() {
        const { state, error, notLive } = this.daemon;

        setAttributes(document.documentElement, { "data-state": state });
        switch (state) {
        case "connecting":
            if (!this.known)
                replace(this.problem, emptyState(_("Connecting to pasidd…")));
            return;
        case "ready":
            this.known = true;
            replace(this.problem, notLive && alert("warning", _("Usage is not live"), [
                el("p", {}, _("pasidd has too many subscribers. The counts are those of the time when the page was opened.")),
                button(_("Read again"), () => this.daemon.open())]));
            this.showView();
            return;
        case "absent":
            this.known = false;
            this.dropView();
            this.showAbsence();
            return;
        case "lost":
            replace(this.problem, alert("danger", _("The connection to the host is lost"), [
                el("p", {}, _("What is shown is no longer up to date. Check that the host is up and reachable, then connect again.")),
                // Of a traceback of the bridge, the error.
                error?.message && el("p", { class: "muted" }, plain(error.message.trim().split("\n").at(-1))),
                button(_("Connect again"), () => this.daemon.open(), { "data-action": "reconnect" })], "alert"));
            return;
        default:
            replace(this.problem, alert("danger", _("pasidd does not answer as expected"), [
                paragraphs(error?.message ?? error?.problem ?? String(error)),
                el("p", {}, _("The journal can have the reason:"), " ", command("journalctl -u pasidd")),
                button(_("Try again"), () => this.daemon.open(), { "data-action": "reconnect" })], "alert"));
        }
    }

    /** Not known why at first: the checks tell, and take a moment. */
    async showAbsence() {
        const error = this.daemon.error?.message;
        const doctor = el("div", { class: "doctor" }, el("p", {}, _("Checking…")));
        const title = el("h2", { class: "alert-title" }), text = el("p"), failure = el("div", { "aria-live": "polite" });
        const remedy = el("div");
        const start = button(_("Start pasidd"), () => this.startDaemon(start, failure), { kind: "primary", "data-action": "start" });

        const draw = (rows) => {
            const { reason, title: heading, text: body } = absence(rows);

            box.dataset.reason = reason;
            setText(title, heading);
            setText(text, body);
            if (reason === "kernel")
                replace(remedy, el("p", {}, _("Install such a kernel and restart the host. The project's kernel/README.md says how it is built.")));
            else if (reason === "configuration")
                replace(remedy, el("p", {}, _("Correct the file, then start pasidd:"), " ", command("systemctl start pasidd")));
            else
                replace(remedy, el("p", {}, _("To start it, now and with the host:"), " ", command("systemctl enable --now pasidd")));
            start.hidden = reason === "kernel";
        };
        const box = el("div", { class: "alert alert-danger", role: "alert" }, title,
            el("div", { class: "alert-body" }, text, remedy, paragraphs(error, { class: "muted" }),
                el("div", { class: "card-buttons" }, start, button(_("Try again"), () => this.daemon.open(), { "data-action": "reconnect" })), failure));

        draw(null);
        replace(this.problem, box, doctor);
        const { output, problem, message } = await runDoctor();
        const rows = findings(output);

        if (this.daemon.state !== "absent")
            return;
        draw(rows);
        replace(doctor, rows ? findingsNode(rows) : problem === "not-found"
            ? el("p", {}, _("pasidctl is not installed either. Install the packages pasidd and pasidctl."))
            : paragraphs(message));
    }

    async startDaemon(start, failure) {
        start.disabled = true;
        const { status, message, problem } = await run(["systemctl", "start", "pasidd.service"], { superuser: "try" });

        start.disabled = false;
        if (status === 0)
            this.daemon.open();
        else
            replace(failure, alert("danger", problem === "access-denied" || !this.daemon.administrator ? _("Not permitted") : _("pasidd did not start"), [
                paragraphs(message),
                !this.daemon.administrator && el("p", {}, _("Turn on administrative access at the top of Cockpit's window, and try again."))]));
    }
}

followTheme();
// When cockpit.language and the translations are there.
cockpit.transport.wait(() => new Page());
