// SPDX-License-Identifier: LGPL-2.1-or-later

// The daemon on D-Bus, by Cockpit's bridge. Reads as the user who is logged in; makes changes with administrative
// access, if Cockpit has it.
//
// Calls are made only while the page is visible: a hidden page has neither a subscription to usage nor a timer.

import { kindOf } from "./lib/problems.js";
import { MANAGER, VM, World } from "./lib/world.js";
import { take } from "./lib/events.js";

const NAME = "org.pasidd1";
const PATH = "/org/pasidd1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const OBJECTS = "org.freedesktop.DBus.ObjectManager";

/** Signals of this time are shown together. */
const COLLECT_MS = 250;
/** The manager's counts have no signals. They are read at most this often, after signals, */
const HOST_MS = 1000;
/** and as often as this without any. */
const IDLE_MS = 5000;

/** The error that a channel has ended with, or null. */
function problemOf(options) {
    return options?.problem ? { problem: options.problem, message: options.message } : null;
}

/**
 * Events: "state" when .state has another value: "connecting", "ready", "absent" (the daemon does not run; .error says
 * why), "lost" (Cockpit's connection) or "failed", or .notLive has; "change", with takeChanges() of the world as detail;
 * "events"; "slices"; "host" after each read of the manager's counts; "done" and "refused" after a change in a dialog.
 */
export class Daemon extends EventTarget {
    constructor() {
        super();
        this.world = new World();
        this.events = [];
        this.missed = false;
        this.slices = [];
        this.state = "connecting";
        this.error = null;
        /** Why usage is not live, if the daemon did not accept the subscription. */
        this.notLive = null;
        this.client = null;
        this.timers = new Map();
        this.generation = 0;
        /** Whether the view needs slices and events, */
        this.wanted = { slices: false, events: false };
        /** and whether they were read since then. */
        this.fresh = { slices: false, events: false };
    }

    setState(state, error = null) {
        if (this.state === state && this.error === error)
            return;
        this.state = state;
        this.error = error;
        this.dispatchEvent(new Event("state"));
    }

    // Timers by name: the first call decides when it is run.

    later(name, ms, run) {
        if (this.timers.has(name))
            return;
        this.timers.set(name, window.setTimeout(() => {
            this.timers.delete(name);
            run();
        }, ms));
    }

    clearTimers() {
        for (const timer of this.timers.values())
            window.clearTimeout(timer);
        this.timers.clear();
    }

    /** Begins, or begins again: after it was hidden, or when the user wants to. */
    open() {
        this.close();
        const watcher = this.watcher = cockpit.dbus("org.freedesktop.DBus", { bus: "system" });

        watcher.addEventListener("close", (event, options) => {
            if (watcher === this.watcher)
                this.lost(problemOf(options));
        });
        // A channel to a name without an owner ends at once, so it cannot tell when the daemon is started.
        watcher.subscribe({ path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus", member: "NameOwnerChanged", arg0: NAME },
            (path, iface, signal, [name, , owner]) => {
                if (name === NAME && watcher === this.watcher)
                    this.ownerChanged(owner);
            });
        this.setState("connecting");
        this.connect();
    }

    /** A new channel to the daemon. Answers and signals of the one before are ignored from now on. */
    connect() {
        // Before close(), which calls the handlers of the old channel's end.
        const generation = ++this.generation;

        this.client?.close();
        this.clearTimers();
        this.client = cockpit.dbus(NAME, { bus: "system" });
        this.client.addEventListener("close", (event, options) => {
            if (generation === this.generation)
                this.closed(options);
        });
        this.client.subscribe({ path_namespace: PATH }, (path, iface, signal, args) => {
            if (generation === this.generation)
                this.signal(path, iface, signal, args);
        });
        this.load(generation);
    }

    /** Ends all that happens by itself. What is known stays on the page. */
    close() {
        this.generation++;
        this.clearTimers();
        this.loading = null;
        this.world.pause(Date.now());
        const { client, watcher } = this;

        // Before close(), which calls the handlers of the channels' ends.
        this.client = this.watcher = null;
        // The bridge has one connection to the bus for all pages, so the end of a channel does not end the subscription.
        if (this.subscribed)
            client?.call(PATH, MANAGER, "Unsubscribe", [], { type: "" }).then(() => {}, () => {});
        this.subscribed = false;
        client?.close();
        watcher?.close();
    }

    closed(options) {
        const error = problemOf(options);

        if (error?.problem === "not-found")
            this.absent(error);
        else
            this.lost(error);
    }

    lost(error) {
        this.close();
        this.setState("lost", error);
    }

    /** Still watches for the daemon. */
    absent(error = null) {
        this.generation++;
        this.clearTimers();
        this.world.pause(Date.now());
        // A call would start the daemon.
        this.subscribed = false;
        this.forgetEvents();
        this.setState("absent", error);
    }

    ownerChanged(owner) {
        if (owner) {
            this.forgetEvents();
            this.connect();
        } else {
            this.absent();
        }
    }

    /** They were of another run of the daemon, which begins with an empty log. */
    forgetEvents() {
        this.events = [];
        this.missed = false;
        this.fresh = { slices: false, events: false };
        this.dispatchEvent(new Event("events"));
    }

    /** With a signature, so that the bridge need not introspect the object. */
    call(path, iface, member, type = "", args = []) {
        return this.client.call(path, iface, member, args, { type, timeout: 30000 });
    }

    /** Returns the error if the daemon has no place for another subscriber. */
    async subscribe() {
        this.subscribed = true;
        try {
            await this.call(PATH, MANAGER, "Subscribe");
        } catch (error) {
            if (kindOf(error) !== "busy")
                throw error;
            return error;
        }
        return null;
    }

    /** Subscribes and reads everything. In this order: what changes in between is announced. */
    async load(generation) {
        if (this.loading === generation) {
            this.loadAgain = true;
            return;
        }
        this.loading = generation;
        this.loadAgain = false;
        try {
            const notLive = await this.subscribe();

            if (generation !== this.generation)
                return;
            this.notLive = notLive;
            const [objects] = await this.call(PATH, OBJECTS, "GetManagedObjects");
            const [manager] = await this.call(PATH, PROPERTIES, "GetAll", "s", [MANAGER]);

            if (generation !== this.generation)
                return;
            this.world.setAll(objects, Date.now());
            this.world.setManager(manager);
            await this.readWanted();
            if (generation !== this.generation)
                return;
            this.setState("ready");
            this.announce();
            this.idle();
        } catch (error) {
            if (generation === this.generation)
                this.failed(error);
        } finally {
            if (this.loading === generation) {
                this.loading = null;
                if (this.loadAgain)
                    this.load(generation);
            }
        }
    }

    failed(error) {
        const kind = kindOf(error);

        if (kind === "absent") {
            this.absent(error);
            return;
        }
        if (kind === "lost") {
            this.lost(error);
            return;
        }
        this.clearTimers();
        this.setState("failed", error);
    }

    /** Reads what has no signals, after a while in which nothing was announced. */
    idle() {
        this.later("idle", IDLE_MS, () => {
            this.readHost();
            this.idle();
        });
    }

    hostSoon() {
        this.later("host", HOST_MS, () => this.readHost());
    }

    /** After a read that is under way, which may have begun before there was something new to read. */
    readNow() {
        if (this.reading)
            this.readAgain = true;
        else
            this.readHost();
    }

    async readHost() {
        const generation = this.generation;

        if (this.state !== "ready" || !this.client || this.reading)
            return;
        this.reading = true;
        try {
            await this.keepSubscribed(generation);
            const [manager] = await this.call(PATH, PROPERTIES, "GetAll", "s", [MANAGER]);

            if (generation === this.generation) {
                this.world.setManager(manager);
                await this.readWanted();
                this.announce();
                this.dispatchEvent(new Event("host"));
            }
        } catch (error) {
            // The owner's change is announced separately.
            if (generation === this.generation && !["absent", "busy"].includes(kindOf(error)))
                this.failed(error);
        } finally {
            this.reading = false;
            if (this.readAgain) {
                this.readAgain = false;
                this.readHost();
            }
        }
    }

    /** Another page of the session, on the same connection to the bus, ends the subscription when it is hidden. */
    async keepSubscribed(generation) {
        if (this.notLive)
            return;
        const notLive = await this.subscribe();

        if (!notLive || generation !== this.generation)
            return;
        this.notLive = notLive;
        this.dispatchEvent(new Event("state"));
    }

    async readWanted() {
        if (this.wanted.slices)
            await this.readSlices();
        if (this.wanted.events)
            await this.readEvents();
    }

    async readSlices() {
        const { generation, fresh } = this;
        const [slices] = await this.call(PATH, MANAGER, "ListSlices");

        if (generation !== this.generation)
            return;
        if (fresh.slices && JSON.stringify(slices) === JSON.stringify(this.slices))
            return;
        fresh.slices = true;
        this.slices = slices;
        this.dispatchEvent(new Event("slices"));
    }

    async readEvents() {
        const { generation, fresh } = this;
        const since = this.events.at(-1)?.number ?? 0;
        const [rows, missed] = await this.call(PATH, MANAGER, "ListEvents", "t", [since]);

        if (generation !== this.generation)
            return;
        const log = take(this, rows, missed);

        if (fresh.events && rows.length === 0 && log.missed === this.missed)
            return;
        fresh.events = true;
        Object.assign(this, log);
        this.dispatchEvent(new Event("events"));
    }

    /** The view needs these from now on. */
    want(wanted) {
        this.wanted = { slices: false, events: false, ...wanted };
        // What the view does not need gets old. A read under way can still be for the view before.
        this.fresh = { slices: this.fresh.slices && this.wanted.slices, events: this.fresh.events && this.wanted.events };
        if (this.state === "ready")
            this.readNow();
    }

    signal(path, iface, signal, args) {
        const now = Date.now();

        if (iface === PROPERTIES && signal === "PropertiesChanged") {
            const [changed, properties, invalidated] = args;

            if (changed === VM)
                this.world.update(path, properties, now);
            else if (changed === MANAGER)
                this.world.setManager(properties);
            if (invalidated.length > 0)
                this.later("all", HOST_MS, () => this.load(this.generation));
        } else if (iface === OBJECTS && signal === "InterfacesAdded" && args[1][VM]) {
            this.world.put(args[0], args[1][VM], now);
        } else if (iface === OBJECTS && signal === "InterfacesRemoved" && args[1].includes(VM)) {
            this.world.remove(args[0], now);
        }
        this.later("announce", COLLECT_MS, () => this.announce());
        this.hostSoon();
    }

    announce() {
        const changes = this.world.takeChanges();

        if (changes.manager || changes.changed.size + changes.added.size + changes.removed.size > 0)
            this.dispatchEvent(new CustomEvent("change", { detail: changes }));
    }

    /** Reads properties of one VM that have no signals: its sets. */
    async readVm(path) {
        const [properties] = await this.call(path, PROPERTIES, "GetAll", "s", [VM]);

        this.world.update(path, properties, Date.now());
        this.announce();
    }

    async explain(uuid) {
        const [, candidates, limits] = await this.call(PATH, MANAGER, "Explain", "s", [uuid]);

        return { candidates, limits };
    }

    /** A change, with administrative access if Cockpit has it. Returns the answer. */
    async change({ path, interface: iface, member, signature, args }) {
        const client = cockpit.dbus(NAME, { bus: "system", superuser: "try" });

        try {
            return await client.call(path, iface, member, args, { type: signature, timeout: 60000 });
        } finally {
            client.close();
            if (this.state === "ready")
                this.readNow();
        }
    }
}

/** Runs a program. Returns {status, output, message}. */
export function run(argv, options = {}) {
    return new Promise((resolve) => {
        cockpit.spawn(argv, { err: "message", environ: ["LC_ALL=C.UTF-8"], ...options })
            .then((output) => resolve({ status: 0, output, message: "" }),
                (error, output) => resolve({ status: error.exit_status ?? -1, output: output ?? "", message: error.message ?? "", problem: error.problem }));
    });
}
