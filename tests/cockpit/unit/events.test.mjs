// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { MAX_EVENTS, append, searchTexts, take, typeNames, typeText, who, whoText } from "../../../cockpit/lib/events.js";

const row = (number, details = {}) => [number, 1e15, "quota-changed", "u", "web", "text", details];
const caller = { uid: { t: "u", v: 1000 }, pid: { t: "u", v: 7 }, unit: { t: "s", v: "a.scope" } };

test("events are not there twice, and not too many", () => {
    const some = append([], [row(1), row(2)]);

    assert.deepEqual(append(some, [row(2), row(3)]).map(({ number }) => number), [1, 2, 3]);
    const many = append(some, Array.from({ length: 2000 }, (_, i) => row(i + 3)));

    assert.equal(many.length, MAX_EVENTS);
    assert.equal(many.at(-1).number, 2002);
});

test("the answer of ListEvents", () => {
    const known = { events: append([], [row(5), row(9)]), missed: false };
    const numbers = ({ events, missed }) => [events.map(({ number }) => number), missed];

    assert.deepEqual(numbers(take({ events: [], missed: false }, [row(5)], false)), [[5], false]);
    assert.deepEqual(numbers(take(known, [row(10)], false)), [[5, 9, 10], false]);
    assert.deepEqual(numbers(take(known, [], false)), [[5, 9], false]);
    assert.deepEqual(numbers(take(known, [row(12)], true)), [[5, 9, 12], true]);
    assert.deepEqual(numbers(take({ ...known, missed: true }, [row(10)], false)), [[5, 9, 10], true]);
    // The clock was set back, and the daemon restarted.
    assert.deepEqual(numbers(take(known, [row(2), row(3)], true)), [[2, 3], false]);
});

test("who did it", () => {
    const [event, kernel] = append([], [row(1, caller), row(2)]);

    assert.deepEqual(who(event), { uid: 1000, pid: 7, unit: "a.scope" });
    assert.equal(who(kernel), null);
    assert.equal(whoText(event), "user 1000, by a.scope");
    assert.equal(whoText(event, new Map([[1000, "ann"]])), "ann, by a.scope");
    assert.equal(whoText(kernel), "");
    assert.ok(searchTexts(event, new Map([[1000, "ann"]])).join().includes("ann"));
});

test("types", () => {
    assert.equal(typeNames.length, 8);
    assert.equal(typeText("resync"), "Events of the kernel lost");
    assert.equal(typeText("later"), "later");
    assert.equal(typeText("constructor"), "constructor");
});
