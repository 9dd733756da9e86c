// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { PAGE_SIZE, compareText, keepOrder, pageOf, search, sorted } from "../../../cockpit/lib/rows.js";

const texts = (row) => [row.name, row.unit ?? ""];
const names = (rows) => rows.map((row) => row.name);

test("search: all words, each in any text, without case", () => {
    const rows = [{ name: "Web-1", unit: "a.scope" }, { name: "web-2", unit: "b.scope" }, { name: "\u00c4pfel" }];

    assert.deepEqual(names(search(rows, "WEB", texts)), ["Web-1", "web-2"]);
    assert.deepEqual(names(search(rows, " web  b.sc ", texts)), ["web-2"]);
    assert.deepEqual(names(search(rows, "a\u0308pfel", texts)), ["\u00c4pfel"]);
    assert.equal(search(rows, "  ", texts), rows);
    assert.deepEqual(search(rows, ".*", texts), []);
});

test("sorted: the second order decides on equals, and is not reversed", () => {
    const rows = [{ n: 1, name: "b" }, { n: 2, name: "c" }, { n: 1, name: "a" }];
    const orders = [(a, b) => a.n - b.n, (a, b) => compareText(a.name, b.name)];

    assert.deepEqual(names(sorted(rows, orders)), ["a", "b", "c"]);
    assert.deepEqual(names(sorted(rows, orders, true)), ["c", "a", "b"]);
    assert.deepEqual(names(rows), ["b", "c", "a"]);
});

test("pages: a page that is no longer there is the last one", () => {
    const rows = Array.from({ length: 2 * PAGE_SIZE + 1 }, (_, i) => i);

    assert.deepEqual(pageOf(rows, 7), { page: 2, pages: 3, first: 2 * PAGE_SIZE, rows: [2 * PAGE_SIZE] });
    assert.deepEqual(pageOf(rows, -1).first, 0);
    assert.deepEqual(pageOf([], 3), { page: 0, pages: 1, first: 0, rows: [] });
});

test("keepOrder: known rows stay where they are, gone ones go, new ones come last", () => {
    const rows = ["d", "c", "a"].map((name) => ({ name }));

    assert.deepEqual(names(keepOrder(["a", "b", "c"], rows, (row) => row.name)), ["a", "c", "d"]);
    assert.deepEqual(names(keepOrder([], rows, (row) => row.name)), ["d", "c", "a"]);
});
