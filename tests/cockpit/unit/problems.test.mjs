// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { absence, changeProblem, findings, kindOf, sortFindings } from "../../../cockpit/lib/problems.js";

test("kinds of errors", () => {
    assert.equal(kindOf({ name: "org.freedesktop.DBus.Error.ServiceUnknown" }), "absent");
    assert.equal(kindOf({ name: "org.freedesktop.DBus.Error.Spawn.ChildExited" }), "absent");
    assert.equal(kindOf({ problem: "not-found" }), "absent");
    assert.equal(kindOf({ name: "org.freedesktop.DBus.Error.AccessDenied" }), "denied");
    assert.equal(kindOf({ name: "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" }), "denied");
    assert.equal(kindOf({ name: "org.freedesktop.DBus.Error.LimitsExceeded" }), "busy");
    assert.equal(kindOf({ problem: "disconnected" }), "lost");
    assert.equal(kindOf({ name: "python.error", message: "Traceback" }), "lost");
    assert.equal(kindOf({ name: "org.pasidd1.Error.NotApplied" }), "failed");
    assert.equal(kindOf(null), "failed");
});

test("a refusal says how access is had, unless the user has it", () => {
    const error = { name: "org.freedesktop.DBus.Error.AccessDenied", message: "no" };

    assert.match(changeProblem(error, false).text, /polkit does not permit.*administrative access.*no$/);
    assert.match(changeProblem(error, true).text, /polkit does not permit.*no$/);
    assert.equal(changeProblem(error, true).title, "Not permitted");
    assert.match(changeProblem({ problem: "disconnected" }, true).text, /not known whether/);
    assert.equal(changeProblem({ name: "org.pasidd1.Error.NotApplied", message: "a\u202eb" }, true).text, "a\\u{202e}b");
});

test("only an answer of pasidd means that nothing was changed", () => {
    for (const name of ["org.pasidd1.Error.NotSaved", "org.pasidd1.Error.NotApplied", "org.freedesktop.DBus.Error.InvalidArgs", "org.freedesktop.DBus.Error.UnknownObject"])
        assert.match(changeProblem({ name, message: "no" }, true).title, /nothing was changed/, name);
    for (const name of ["NoReply", "Timeout", "TimedOut", "Disconnected", "NoMemory", "Failed"].map((last) => "org.freedesktop.DBus.Error." + last).concat("", "System.Error.EIO")) {
        const { title, text } = changeProblem({ name, message: "late" }, true);

        assert.doesNotMatch(title, /nothing was changed/, name);
        assert.match(text, /not known whether.*late$/, name);
    }
    // The call has not reached it.
    assert.equal(changeProblem({ name: "org.freedesktop.DBus.Error.ServiceUnknown", message: "none" }, true).title, "pasidd does not run");
});

test("findings: anything else than an array of them is none", () => {
    assert.equal(findings(""), null);
    assert.equal(findings("{}"), null);
    assert.deepEqual(findings('[1, null, {"check": "a"}]'), []);
    assert.deepEqual(findings('[{"check": "a", "result": "ok", "found": 1}]'), [{ check: "a", result: "ok", found: "1", remedy: "" }]);
});

test("findings: failures first, in their order", () => {
    const rows = [["a", "ok"], ["b", "warn"], ["c", "fail"], ["d", "skip"], ["e", "fail"]].map(([check, result]) => ({ check, result }));

    assert.deepEqual(sortFindings(rows).map(({ check }) => check).join(""), "cebda");
});

test("why the daemon does not run", () => {
    assert.equal(absence(null).reason, "stopped");
    assert.equal(absence([]).reason, "stopped");
    assert.equal(absence([{ check: "kernel", result: "ok" }]).reason, "stopped");
    assert.equal(absence([{ check: "configuration", result: "fail", found: "line 3" }]).reason, "configuration");
    const kernel = absence([{ check: "configuration", result: "fail", found: "" }, { check: "kernel", result: "fail", found: "6.1 has none" }]);

    assert.equal(kernel.reason, "kernel");
    assert.match(kernel.text, /6\.1 has none/);
});
