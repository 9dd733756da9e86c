// SPDX-License-Identifier: LGPL-2.1-or-later

// What the page knows of the daemon: the manager's properties, all VMs, and the history of each. No D-Bus here, only
// what comes from it.

import { History } from "./history.js";
import { vmNew, vmUpdate } from "./vm.js";

export const MANAGER = "org.pasidd1.Manager";
export const VM = "org.pasidd1.VM";

/** Members whose changes are in the history. */
const DRAWN = ["allocated", "attached", "quota"];

export class World {
    constructor() {
        this.manager = {};
        this.vms = new Map();
        this.histories = new Map();
        this.clearChanges();
    }

    clearChanges() {
        this.changed = new Set();
        this.added = new Set();
        this.removed = new Set();
        this.managerChanged = false;
    }

    /** The changes since the last call, by path: {changed, added, removed, manager}. */
    takeChanges() {
        const { changed, added, removed, managerChanged: manager } = this;

        this.clearChanges();
        return { changed, added, removed, manager };
    }

    setManager(properties) {
        for (const [name, variant] of Object.entries(properties))
            if (this.manager[name] !== variant.v) {
                this.manager[name] = variant.v;
                this.managerChanged = true;
            }
    }

    /** All objects, the answer of GetManagedObjects: VMs that are not in it are gone. */
    setAll(objects, now) {
        for (const path of this.vms.keys())
            if (!Object.hasOwn(objects, path) || !objects[path][VM])
                this.remove(path, now);
        for (const [path, interfaces] of Object.entries(objects)) {
            if (interfaces[MANAGER])
                this.setManager(interfaces[MANAGER]);
            if (interfaces[VM])
                this.put(path, interfaces[VM], now);
        }
    }

    /** A VM with all its properties. */
    put(path, properties, now) {
        const vm = this.vms.get(path);

        if (vm) {
            this.update(path, properties, now, true);
            return;
        }
        this.vms.set(path, vmNew(path, properties));
        this.removed.delete(path);
        this.added.add(path);
        this.record(path, now);
    }

    /** Changed properties of a VM. Those of an unknown one are ignored. resumed: after a gap in the history. */
    update(path, properties, now, resumed = false) {
        const vm = this.vms.get(path);

        if (!vm)
            return;
        const changed = vmUpdate(vm, properties);

        if (changed.length > 0)
            this.changed.add(path);
        if (resumed || changed.some((member) => DRAWN.includes(member)))
            this.record(path, now);
    }

    record(path, now) {
        const { uuid, ...vm } = this.vms.get(path);

        // By UUID: a VM that is started again has a new object, but it is the same VM for whoever looks at it.
        if (!this.histories.has(uuid))
            this.histories.set(uuid, new History());
        this.histories.get(uuid).add(now, vm);
    }

    remove(path, now) {
        const vm = this.vms.get(path);

        if (!vm)
            return;
        this.vms.delete(path);
        this.added.delete(path);
        this.changed.delete(path);
        this.removed.add(path);
        this.histories.get(vm.uuid)?.gap(now);
        this.forgetOldHistories();
    }

    /** Of VMs that are gone, only as many histories as there are VMs, and a few, are kept. */
    forgetOldHistories() {
        const max = 2 * this.vms.size + 64;

        if (this.histories.size <= max)
            return;
        const alive = new Set([...this.vms.values()].map((vm) => vm.uuid));

        for (const uuid of this.histories.keys()) {
            if (this.histories.size <= max)
                return;
            if (!alive.has(uuid))
                this.histories.delete(uuid);
        }
    }

    /** Nothing is known from now on. */
    pause(now) {
        for (const history of this.histories.values())
            history.gap(now);
    }

    findByUuid(uuid) {
        for (const vm of this.vms.values())
            if (vm.uuid === uuid)
                return vm;
        return null;
    }
}
