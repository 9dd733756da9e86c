// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { readFileSync, readdirSync } from "node:fs";

const root = new URL("../../../cockpit/", import.meta.url);
const sources = ["", "lib/", "views/"].flatMap((folder) => readdirSync(new URL(folder, root)).filter((file) => file.endsWith(".js")).map((file) => folder + file));
const read = (file) => readFileSync(new URL(file, root), "utf8");

test("no text becomes HTML or code", () => {
    assert.ok(sources.length > 15);
    for (const file of sources)
        assert.doesNotMatch(read(file), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|new Function/, file);
});

test("what is imported is there", () => {
    for (const file of sources)
        for (const [, path] of read(file).matchAll(/from "(\.[^"]+)"/g))
            assert.ok(sources.includes(new URL(path, new URL(file, root)).href.slice(root.href.length)), file + " " + path);
});

test("the manifest is what Cockpit reads", () => {
    const manifest = JSON.parse(read("manifest.json"));

    assert.equal(manifest.menu.index.label, "PASIDs");
    assert.ok(Number(manifest.requires.cockpit) <= 287);
});

test("each module is installed", () => {
    const listed = new Set(read("meson.build").match(/[\w/]+\.js(?=')/g));

    assert.deepEqual([...listed].sort(), [...sources].sort());
});

test("each test of this directory is in meson.build", () => {
    const tests = readFileSync(new URL("../meson.build", import.meta.url), "utf8");

    for (const file of readdirSync(new URL(".", import.meta.url)))
        assert.ok(tests.includes("'" + file.split(".")[0] + "'"), file);
});
