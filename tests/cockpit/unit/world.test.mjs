// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { World } from "../../../cockpit/lib/world.js";

const vm = (uuid, values = {}) => ({ "org.pasidd1.VM": Object.fromEntries(Object.entries({ UUID: uuid, Name: uuid, Quota: 8, ...values }).map(([key, v]) => [key, { v }])) });

test("objects that are no longer in the answer are gone", () => {
    const world = new World();

    world.setAll({ "/a": vm("a"), "/b": vm("b"), "/c": { other: {} } }, 0);
    assert.deepEqual([...world.takeChanges().added], ["/a", "/b"]);
    world.setAll({ "/b": vm("b", { Quota: 9 }) }, 1);
    const changes = world.takeChanges();

    assert.deepEqual([...changes.removed], ["/a"]);
    assert.deepEqual([...changes.changed], ["/b"]);
    assert.equal(world.findByUuid("b").quota, 9);
    assert.equal(world.findByUuid("a"), null);
});

test("a VM that comes and goes between two updates is neither added nor changed", () => {
    const world = new World();

    world.put("/a", vm("a")["org.pasidd1.VM"], 0);
    world.update("/a", { Quota: { v: 3 } }, 1);
    world.remove("/a", 2);
    const { added, changed, removed } = world.takeChanges();

    assert.deepEqual([[...added], [...changed], [...removed]], [[], [], ["/a"]]);
});

test("signals of unknown objects are ignored", () => {
    const world = new World();

    world.update("/a", { Quota: { v: 3 } }, 0);
    world.remove("/a", 0);
    assert.equal(world.takeChanges().changed.size, 0);
});

test("the history goes on over a restart of the VM and of the page's view, with gaps", () => {
    const world = new World();

    world.setAll({ "/a": vm("a") }, 0);
    world.update("/a", { Allocated: { v: 3 } }, 1000);
    world.pause(2000);
    world.setAll({ "/a": vm("a", { Allocated: 3 }) }, 3000);
    world.remove("/a", 4000);
    world.put("/a2", vm("a")["org.pasidd1.VM"], 5000);
    assert.deepEqual(world.histories.get("a").samples.map((s) => s.gap ? "gap" : s.allocated), [0, 3, "gap", 3, "gap", 0]);
});

test("histories of VMs that are gone are bounded", () => {
    const world = new World();

    for (let i = 0; i < 10000; i++) {
        world.put("/" + i, vm("u" + i)["org.pasidd1.VM"], i);
        world.remove("/" + i, i);
    }
    assert.ok(world.histories.size <= 66);
});

test("properties of the manager", () => {
    const world = new World();

    world.setManager({ State: { v: "idle" } });
    assert.ok(world.takeChanges().manager);
    world.setManager({ State: { v: "idle" } });
    assert.ok(!world.takeChanges().manager);
});
