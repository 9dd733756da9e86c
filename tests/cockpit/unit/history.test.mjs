// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { History, axisEnd, path, span } from "../../../cockpit/lib/history.js";

const sample = (allocated, attached = 0, quota = 10) => ({ allocated, attached, quota });
const frame = { width: 60, height: 10, end: 10 };

test("only changes are kept", () => {
    const history = new History();

    history.add(0, sample(1));
    history.add(1000, sample(1));
    history.add(2000, sample(2));
    assert.deepEqual(history.samples.map(({ time }) => time), [0, 2000]);
    assert.equal(history.peak(), 2);
});

test("memory is bounded, and gaps, the first and the last sample are kept", () => {
    const history = new History(50);

    history.add(0, sample(1));
    history.gap(1);
    for (let i = 2; i < 10000; i++)
        history.add(i, sample(i));
    assert.ok(history.samples.length <= 50);
    assert.equal(history.samples[0].time, 0);
    assert.ok(history.samples.some(({ gap }) => gap));
    assert.equal(history.samples.at(-1).allocated, 9999);
});

test("a peak stays when samples are dropped", () => {
    for (const at of [100, 101, 102, 103]) {
        const history = new History(50);

        for (let i = 0; i < 5000; i++)
            history.add(i, sample(i === at ? 900 : i % 2));
        assert.equal(history.peak(), 900);
        assert.equal(history.samples.find(({ allocated }) => allocated === 900)?.time, at);
        assert.ok(history.samples.every(({ time }, i) => i === 0 || time >= history.samples[i - 1].time));
    }
});

test("the highest count is known even if its sample is gone", () => {
    const history = new History(4);

    history.add(0, sample(1));
    history.add(1, sample(70));
    for (let i = 2; i < 100; i += 2) {
        history.add(i, sample(i % 4));
        history.gap(i + 1);
    }
    assert.ok(!history.samples.some(({ allocated }) => allocated === 70));
    assert.equal(history.peak(), 70);
});

test("nothing but gaps does not grow either", () => {
    const history = new History(20);

    for (let i = 0; i < 1000; i += 2) {
        history.add(i, sample(i));
        history.gap(i + 1);
        history.gap(i + 1);
    }
    assert.ok(history.samples.length <= 20);
});

test("a clock that is set back draws no line to the left", () => {
    const history = new History();

    history.add(5000, sample(1));
    history.add(1000, sample(2));
    assert.deepEqual(history.samples.map(({ time }) => time), [5000, 5000]);
});

test("the path has steps, and an interruption at a gap", () => {
    const history = new History();

    history.add(0, sample(0));
    history.add(10000, sample(5));
    history.gap(20000);
    history.add(30000, sample(10));
    assert.equal(span(history, 60000), 60);
    assert.equal(path(history, "allocated", 60000, frame), "M0 10H10V5H20M30 0H60");
    assert.equal(path(new History(), "allocated", 60000, frame), "");
});

test("a value above the axis is drawn at its end", () => {
    const history = new History();

    history.add(0, sample(1000));
    assert.equal(path(history, "allocated", 60000, frame), "M0 0H60");
});

test("axes end at round numbers", () => {
    assert.deepEqual([0, 1, 2, 3, 7, 10, 11, 1048576].map(axisEnd), [1, 1, 2, 5, 10, 10, 20, 2000000]);
});
