// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { isLibvirt, sourceText, urgency, usage, usageText, used, viommuPasids, vmNew, vmUpdate, warnings } from "../../../cockpit/lib/vm.js";

const vmOf = (values) => ({ ...vmNew("/p", {}), state: "running", inForce: true, quota: 10, ...values });

test("properties: missing and mistyped ones do not replace a value", () => {
    const vm = vmNew("/p", { Name: { t: "s", v: "web" }, Quota: { t: "s", v: "many" }, Later: { t: "s", v: "x" }, Sets: { t: "u", v: 1 }, constructor: { v: "x" } });

    assert.equal(vm.name, "web");
    assert.equal(vm.quota, 0);
    assert.deepEqual(vm.sets, []);
    assert.ok(!Object.hasOwn(vm, "Later"));
    assert.deepEqual(vmUpdate(vm, { Quota: undefined, Name: null }), []);
});

test("properties: only what differs is reported", () => {
    const vm = vmNew("/p", { Allocated: { t: "u", v: 1 }, Sets: { t: "a", v: [[1, 2]] } });

    assert.deepEqual(vmUpdate(vm, { Allocated: { t: "u", v: 1 }, Sets: { t: "a", v: [[1, 2]] } }), []);
    assert.deepEqual(vmUpdate(vm, { Allocated: { t: "u", v: 2 }, Sets: { t: "a", v: [[1, 3]] } }), ["allocated", "sets"]);
});

test("warnings are those of pasidctl", () => {
    assert.deepEqual(warnings(vmOf({ allocated: 8 })), []);
    assert.deepEqual(warnings(vmOf({ allocated: 9 })), ["high"]);
    assert.deepEqual(warnings(vmOf({ attached: 10 })), ["high"]);
    assert.deepEqual(warnings(vmOf({ attached: 11 })), ["over"]);
    assert.deepEqual(warnings(vmOf({ denied: 1 })), ["denied"]);
    assert.deepEqual(warnings(vmOf({ inForce: false })), ["not-in-force"]);
    assert.deepEqual(warnings(vmOf({ inForce: false, state: "reserved" })), []);
    assert.deepEqual(warnings(vmOf({ quota: 0 })), []);
    assert.deepEqual(warnings(vmOf({ quota: 0, allocated: 1 })), ["over"]);
});

test("urgency: a more serious reason weighs more than all lesser ones", () => {
    const urgencies = [{}, { allocated: 9 }, { denied: 5 }, { denied: 5, allocated: 9 }, { allocated: 11 }, { allocated: 11, denied: 1 }, { inForce: false }, { inForce: false, allocated: 11 }]
        .map((values) => urgency(vmOf(values)));

    assert.deepEqual(urgencies, [...urgencies].sort((a, b) => a - b));
    assert.equal(new Set(urgencies).size, urgencies.length);
    assert.equal(urgencies[0], 0);
});

test("usage is that of the larger count", () => {
    assert.equal(used(vmOf({ allocated: 2, attached: 5 })), 5);
    assert.equal(usage(vmOf({ allocated: 5 })), 50);
    assert.equal(usage(vmOf({ quota: 0 })), 0);
    assert.equal(usage(vmOf({ quota: 0, attached: 1 })), Infinity);
    assert.equal(usageText(vmOf({ allocated: 5 })), "5 of 10");
    assert.equal(usageText(vmOf({ allocated: 5, attached: 6 })), "5 allocated, 6 attached of 10");
});

test("words of a later version are shown as they are", () => {
    assert.equal(sourceText("default"), "default");
    assert.equal(sourceText("rule"), "rule");
    assert.equal(sourceText("toString"), "toString");
    assert.equal(sourceText("moon"), "moon");
});

test("metadata of the hook", () => {
    assert.equal(viommuPasids(vmOf({ metadata: [["iommufd", "yes"], ["viommu-pasids", "1024"]] })), 1024);
    assert.equal(viommuPasids(vmOf({ metadata: [["viommu-pasids", "many"]] })), 0);
    assert.equal(viommuPasids(vmOf({ metadata: [["my-viommu-pasids", "7"]] })), 0);
    assert.ok(isLibvirt(vmOf({ unit: "machine-qemu\\x2d1\\x2dweb.scope" })));
    assert.ok(!isLibvirt(vmOf({ unit: "vmm.service" })));
});
