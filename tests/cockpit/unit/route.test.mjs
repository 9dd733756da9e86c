// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { href, machinesAddress, parse } from "../../../cockpit/lib/route.js";

test("paths", () => {
    assert.deepEqual(parse([]), { view: "overview" });
    assert.deepEqual(parse(["machines"]), { view: "machines" });
    assert.deepEqual(parse(["machine", "u"]), { view: "machine", uuid: "u" });
    assert.deepEqual(parse(["machine"]), { view: "overview" });
    assert.deepEqual(parse(["constructor"]), { view: "overview" });
    assert.deepEqual(parse(["events", "x"]), { view: "overview" });
});

test("addresses are escaped", () => {
    assert.equal(href(["machine", "a/b?#"]), "#/machine/a%2Fb%3F%23");
    assert.equal(machinesAddress("a&b #"), "/machines#vm?name=a%26b%20%23&connection=system");
});
