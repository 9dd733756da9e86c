// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { tree } from "../../../cockpit/lib/explain.js";

const vm = { name: "web", quota: 8, watermark: 0, inForce: true, error: "" };

test("host, slices, VM and sources, from outside to inside", () => {
    const root = tree(vm, [
        ["runtime", "", "/run", "unset", 0, "unset", 0, "Sets nothing"],
        ["rule", "databases", "a.conf:3", "wins", 8, "outranked", 5, "The first"],
        ["rule", "other", "a.conf:9", "no-match", 4, "no-match", 0, "Does not match"],
    ], [["", "kernel", "misc.capacity", 100, 20, 3, true], ["a.slice", "config", "", 50, 18446744073709551615, 4294967295, false]]);

    assert.deepEqual([root.kind, root.text], ["host", "capacity 100, 20 committed, 3 held (misc.capacity)"]);
    const [slice] = root.children;

    assert.deepEqual([slice.kind, slice.label, slice.text], ["slice", "a.slice", "limit 50, not in force"]);
    const [machine] = slice.children;

    assert.deepEqual([machine.label, machine.values, machine.text], ["web", "quota 8, watermark off", "in force"]);
    const [runtime, rule, other] = machine.children;

    assert.deepEqual([runtime.label, runtime.values, runtime.winsQuota], ["runtime override", "", false]);
    assert.deepEqual([rule.label, rule.values, rule.winsQuota, rule.winsWatermark], ["rule databases", "quota 8, watermark 5", true, false]);
    assert.equal(rule.text, "The first (a.conf:3)");
    assert.equal(other.values, "");
});

test("without limits the VM is the outermost; the reason why it is not in force", () => {
    const root = tree({ ...vm, inForce: false, error: "no cgroup" }, [], []);

    assert.deepEqual([root.kind, root.text, root.children], ["vm", "no cgroup", []]);
});
