// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { changeText, parseNumber, resetCall, setCall, targetName } from "../../../cockpit/lib/changes.js";

const vm = { path: "/vm", name: "web", allocated: 5, attached: 0, watermark: 0 };
const target = { kind: "vm", vm };
const slice = { kind: "slice", slice: "a.slice", limit: 10 };

test("numbers in fields", () => {
    assert.deepEqual(parseNumber(" 12 "), { value: 12 });
    assert.deepEqual(parseNumber("0"), { value: 0 });
    assert.deepEqual(parseNumber("0001048576"), { value: 1048576 });
    assert.deepEqual(parseNumber("", 7), { value: 7 });
    for (const text of ["", "-1", "1.5", "1e3", "0x10", "1 000", "\u0661", "Infinity"])
        assert.ok(parseNumber(text).error, text);
    assert.match(parseNumber("1048577").error, /1,048,576/);
    assert.match(parseNumber("9".repeat(400)).error, /maximum/);
});

test("calls that set a quota", () => {
    assert.deepEqual(setCall(target, { quota: 7, runtime: true, dryRun: true, watermark: 3 }), {
        path: "/vm",
        interface: "org.pasidd1.VM",
        member: "SetQuota",
        signature: "ua{sv}",
        args: [7, { runtime: { t: "b", v: true }, "dry-run": { t: "b", v: true }, watermark: { t: "u", v: 3 } }],
    });
    assert.deepEqual(setCall(slice, { quota: 7, runtime: false, dryRun: false }).args, ["a.slice", 7, {}]);
    assert.deepEqual(setCall({ kind: "default" }, { quota: 7, runtime: false, dryRun: false }).member, "SetDefaultQuota");
    assert.deepEqual(setCall(target, { quota: 7, watermark: 0 }).args[1], { watermark: { t: "u", v: 0 } });
});

test("calls that remove an override", () => {
    assert.deepEqual(resetCall(target, { runtime: true, dryRun: false }).args, [{ runtime: { t: "b", v: true } }]);
    assert.deepEqual(resetCall(slice, { runtime: false, dryRun: true }).args, ["a.slice", { "dry-run": { t: "b", v: true } }]);
    assert.deepEqual(resetCall({ kind: "default" }, {}).member, "ResetDefaultQuota");
});

test("a dry run would change, a change has changed", () => {
    const change = { previous: 4, quota: 8, source: "persistent" };

    assert.equal(changeText(target, { ...change, dryRun: true }), "The quota would change from 4 to 8 (persistent override).");
    assert.equal(changeText(target, { ...change, dryRun: false }), "The quota has changed from 4 to 8 (persistent override).");
    assert.equal(changeText(target, { ...change, previous: 8, dryRun: true }), "The quota would stay 8 (persistent override).");
    assert.equal(changeText(slice, { ...change, quota: 4294967295, dryRun: false }), "The limit has changed from 4 to none (persistent override).");
    assert.equal(changeText(target, { ...change, dryRun: true, mark: { before: 0, after: 5 } }),
        "The quota would change from 4 to 8 (persistent override). The watermark would change from off to 5.");
});

test("a VM that has more than its new quota", () => {
    const change = { previous: 8, quota: 3, source: "runtime", dryRun: false };

    assert.match(changeText(target, change), /holds 5 PASIDs, 2 more than the quota/);
    assert.match(changeText({ kind: "vm", vm: { ...vm, attached: 9 } }, change), /attached 9 PASIDs, 6 more/);
});

test("names in titles", () => {
    assert.equal(targetName({ kind: "vm", vm: { name: "a\u202eb" } }), "a\\u{202e}b");
    assert.equal(targetName(slice), "a.slice");
});
