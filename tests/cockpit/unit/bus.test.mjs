// SPDX-License-Identifier: LGPL-2.1-or-later

// The connection, with a cockpit.dbus() that ends channels as Cockpit 287 and 337 do: from within close().

import { strict as assert } from "node:assert";
import { beforeEach, test } from "node:test";

const MANAGER = "org.pasidd1.Manager";
let clients, timers, answers;

/** A channel. Calls are answered by answers[member](...args), and can be held back by a promise. */
class Client {
    constructor(name) {
        this.name = name;
        this.calls = [];
        this.handlers = [];
        this.closed = false;
        clients.push(this);
    }

    addEventListener(type, handler) {
        assert.equal(type, "close");
        this.handlers.push(handler);
    }

    subscribe(match, handler) {
        this.signal = handler;
    }

    async call(path, iface, member, args) {
        this.calls.push(member);
        if (this.closed)
            throw { problem: "disconnected" };
        return (answers[member] ?? (() => []))(...args);
    }

    close(options) {
        if (this.closed)
            return;
        this.closed = true;
        for (const handler of this.handlers)
            handler({}, options ?? {});
    }
}

globalThis.cockpit = { gettext: (text) => text, ngettext: (one, many) => many, dbus: (name) => new Client(name) };
globalThis.window = {
    setTimeout: (run, ms) => {
        const timer = { run, ms };

        timers.add(timer);
        return timer;
    },
    clearTimeout: (timer) => timers.delete(timer),
};

const { Daemon } = await import("../../../cockpit/bus.js");

const event = (number) => [number, 1e15, "quota-changed", "u", "web", "text", {}];
const numbers = (daemon) => daemon.events.map(({ number }) => number);

/** All answers that are there have arrived. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The timers of this length. */
async function fire(ms) {
    for (const timer of [...timers].filter((one) => one.ms === ms)) {
        timers.delete(timer);
        timer.run();
    }
    await settle();
}

const watchers = () => clients.filter(({ name }) => name === "org.freedesktop.DBus");
const channels = () => clients.filter(({ name }) => name === "org.pasidd1");
const owner = (name) => watchers().at(-1).signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", ["org.pasidd1", "", name]);
const count = (client, member) => client.calls.filter((call) => call === member).length;

function hold(member, value) {
    let release;
    const held = new Promise((resolve) => { release = () => resolve(value); });

    answers[member] = () => held;
    return release;
}

async function opened(wanted = {}) {
    const daemon = new Daemon();

    daemon.open();
    await settle();
    assert.equal(daemon.state, "ready");
    daemon.want(wanted);
    await settle();
    return daemon;
}

beforeEach(() => {
    clients = [];
    timers = new Set();
    answers = {
        GetManagedObjects: () => [{ "/org/pasidd1": { [MANAGER]: { Capacity: { t: "u", v: 100 } } } }],
        GetAll: () => [{ Capacity: { t: "u", v: 100 } }],
        ListEvents: () => [[], false],
        ListSlices: () => [[]],
    };
});

test("a daemon that is started by the first call", async () => {
    const daemon = new Daemon();
    const release = hold("GetManagedObjects", [{}]);

    daemon.open();
    owner(":1.5");
    release();
    await settle();
    assert.equal(daemon.state, "ready");
    assert.equal(watchers()[0].closed, false);
    owner("");
    assert.equal(daemon.state, "absent");
    owner(":1.6");
    await settle();
    assert.equal(daemon.state, "ready");
});

test("a page that is hidden ends its subscription", async () => {
    const daemon = await opened();
    const [client] = channels();

    daemon.close();
    assert.equal(client.calls.at(-1), "Unsubscribe");
    assert.ok(client.closed);
    assert.equal(timers.size, 0);
});

test("without the daemon nothing is called, which would start it", async () => {
    const daemon = await opened();
    const [client] = channels();

    owner("");
    const calls = client.calls.length;

    daemon.close();
    assert.equal(client.calls.length, calls);
});

test("a page that is visible subscribes again, because another page can have ended the subscription", async () => {
    const daemon = await opened();
    const [client] = channels();
    const before = count(client, "Subscribe");

    await fire(5000);
    assert.ok(count(client, "Subscribe") > before);
    assert.equal(daemon.notLive, null);
    // No place any more: the page says so, and does not ask all the time.
    let states = 0;

    daemon.addEventListener("state", () => { states++; });
    answers.Subscribe = () => { throw { name: "org.freedesktop.DBus.Error.LimitsExceeded", message: "too many" }; };
    await fire(5000);
    assert.ok(daemon.notLive);
    assert.equal(states, 1);
    const asked = count(client, "Subscribe");

    await fire(5000);
    assert.equal(count(client, "Subscribe"), asked);
    assert.equal(daemon.state, "ready");
});

test("the connection to the host can end while the daemon does not run", async () => {
    const daemon = await opened();

    owner("");
    assert.equal(daemon.state, "absent");
    watchers()[0].close({ problem: "terminated", message: "gone" });
    assert.equal(daemon.state, "lost");
    assert.equal(daemon.error.message, "gone");
});

test("a connection that is lost is reported once", async () => {
    const daemon = await opened();
    const states = [];

    daemon.addEventListener("state", () => states.push(daemon.state));
    for (const client of clients)
        client.close({ problem: "terminated" });
    assert.deepEqual(states, ["lost"]);
});

test("the log of a daemon that was restarted begins anew", async () => {
    answers.ListEvents = (since) => [since < 7 ? [event(7)] : [], false];
    const daemon = await opened({ events: true });

    assert.deepEqual(numbers(daemon), [7]);
    answers.ListEvents = (since) => [[event(3)], since > 0];
    owner(":1.9");
    assert.deepEqual(numbers(daemon), []);
    await settle();
    assert.deepEqual(numbers(daemon), [3]);
    assert.equal(daemon.missed, false);
});

test("an answer of the daemon before is ignored", async () => {
    const daemon = await opened({ events: true });
    const release = hold("ListEvents", [[event(7)], false]);

    fire(5000);
    await settle();
    answers.ListEvents = () => [[event(9)], false];
    owner(":1.9");
    release();
    await settle();
    assert.deepEqual(numbers(daemon), [9]);
});

test("what a view needs is read after a read under way, and known as read only then", async () => {
    const daemon = await opened({ events: true });
    const release = hold("ListEvents", [[], false]);
    let told = 0;

    assert.deepEqual(daemon.fresh, { slices: false, events: true });
    daemon.addEventListener("slices", () => { told++; });
    // A read that is past the place where it would read slices.
    fire(5000);
    await settle();
    daemon.want({ slices: true });
    assert.deepEqual(daemon.fresh, { slices: false, events: false });
    release();
    await settle();
    // Also if there are none: the view waits for it.
    assert.deepEqual(daemon.fresh, { slices: true, events: false });
    assert.equal(told, 1);
});

test("a view can be changed while the page is hidden", async () => {
    const daemon = await opened();

    daemon.close();
    daemon.want({ events: true });
    await settle();
    assert.equal(daemon.state, "ready");
    daemon.open();
    await settle();
    assert.equal(daemon.fresh.events, true);
});
