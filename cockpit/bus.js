// SPDX-License-Identifier: LGPL-2.1-or-later

// The daemon on D-Bus, by Cockpit's bridge. Reads as the user who is logged in; makes changes with administrative
// access, if Cockpit has it.
//
// Calls are made only while the page is visible: a hidden page has neither a subscription to usage nor a timer.

import { kindOf } from "./lib/problems.js";
import { MANAGER, VM, World } from "./lib/world.js";
import { append } from "./lib/events.js";

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

/**
 * Events: "state" when .state has another value: "connecting", "ready", "absent" (the daemon does not run; .error says
 * why), "lost" (Cockpit's connection) or "failed"; "change", with takeChanges() of the world as detail; "events";
 * "slices".
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
        /** Whether the view needs slices and events. */
        this.wanted = { slices: false, events: false };
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
        this.watcher = cockpit.dbus("org.freedesktop.DBus", { bus: "system" });
        // A channel to a name without an owner ends at once, so it cannot tell when the daemon is started.
        this.watcher.subscribe({ path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus", member: "NameOwnerChanged", arg0: NAME },
            (path, iface, signal, [name, , owner]) => {
                if (name === NAME && this.watcher)
                    this.ownerChanged(owner);
            });
        this.setState("connecting");
        this.connect();
    }

    /** A new channel to the daemon. Answers and signals of the one before are ignored from now on. */
    connect() {
        this.client?.close();
        const generation = ++this.generation;

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
        this.client?.close();
        this.client = null;
        this.watcher?.close();
        this.watcher = null;
    }

    closed(options) {
        const problem = options?.problem;
        const error = problem ? { problem, message: options.message } : null;

        if (problem === "not-found") {
            this.absent(error);
            return;
        }
        this.close();
        this.setState("lost", error);
    }

    /** Still watches for the daemon. */
    absent(error = null) {
        this.generation++;
        this.clearTimers();
        this.world.pause(Date.now());
        this.setState("absent", error);
    }

    ownerChanged(owner) {
        if (owner)
            this.connect();
        else
            this.absent();
    }

    /** With a signature, so that the bridge need not introspect the object. */
    call(path, iface, member, type = "", args = []) {
        return this.client.call(path, iface, member, args, { type, timeout: 30000 });
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
            this.notLive = null;
            try {
                await this.call(PATH, MANAGER, "Subscribe");
            } catch (error) {
                if (kindOf(error) !== "busy")
                    throw error;
                this.notLive = error;
            }
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
            this.close();
            this.setState("lost", error);
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

    async readHost() {
        const generation = this.generation;

        if (this.state !== "ready" || this.reading)
            return;
        this.reading = true;
        try {
            const [manager] = await this.call(PATH, PROPERTIES, "GetAll", "s", [MANAGER]);

            if (generation === this.generation) {
                this.world.setManager(manager);
                await this.readWanted();
                this.announce();
            }
        } catch (error) {
            // The owner's change is announced separately.
            if (generation === this.generation && !["absent", "busy"].includes(kindOf(error)))
                this.failed(error);
        } finally {
            this.reading = false;
        }
    }

    async readWanted() {
        if (this.wanted.slices)
            await this.readSlices();
        if (this.wanted.events)
            await this.readEvents();
    }

    async readSlices() {
        const [slices] = await this.call(PATH, MANAGER, "ListSlices");

        if (JSON.stringify(slices) !== JSON.stringify(this.slices)) {
            this.slices = slices;
            this.dispatchEvent(new Event("slices"));
        }
    }

    async readEvents() {
        const since = this.events.at(-1)?.number ?? 0;
        const [rows, missed] = await this.call(PATH, MANAGER, "ListEvents", "t", [since]);

        this.missed = this.missed || (missed && since > 0);
        if (rows.length === 0)
            return;
        this.events = append(this.events, rows);
        this.dispatchEvent(new Event("events"));
    }

    /** The view needs these from now on. */
    want(wanted) {
        this.wanted = { slices: false, events: false, ...wanted };
        if (this.state === "ready")
            this.readHost();
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
                this.readHost();
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
