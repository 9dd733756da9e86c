// SPDX-License-Identifier: LGPL-2.1-or-later

// Names of users, for "who did it". Each is looked up once.

import { run } from "./bus.js";

/** Event "names" when a name has become known. */
export class Users extends EventTarget {
    constructor() {
        super();
        this.names = new Map();
        this.asked = new Set();
    }

    want(uid) {
        if (!Number.isInteger(uid) || this.asked.has(uid) || this.asked.size >= 256)
            return;
        this.asked.add(uid);
        this.look(uid);
    }

    async look(uid) {
        const { output } = await run(["getent", "passwd", String(uid)]);
        const name = output.split(":")[0];

        if (!name)
            return;
        this.names.set(uid, name);
        this.dispatchEvent(new Event("names"));
    }
}
