// SPDX-License-Identifier: LGPL-2.1-or-later

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { fill, isNone, isoTime, limit, lines, name, number, plain, watermark, when } from "../../../cockpit/lib/text.js";

test("fill replaces each argument once, and leaves what an argument contains", () => {
    assert.equal(fill("$0 of $1", "$1", 2), "$1 of 2");
    assert.equal(fill("$2", 1), "$2");
    assert.equal(fill("$0", "$&"), "$&");
});

test("names: what cannot be seen is written out", () => {
    assert.equal(name("web"), "web");
    assert.equal(name("<b>&amp;"), "<b>&amp;");
    assert.equal(name("a\u202egnp"), "a\\u{202e}gnp");
    assert.equal(name("a\u2066b\u2069"), "a\\u{2066}b\\u{2069}");
    assert.equal(name("a\n\tb\u007f"), "a\\u{a}\\u{9}b\\u{7f}");
    assert.equal(name("a\u200bb\ufeff"), "a\\u{200b}b\\u{feff}");
    assert.equal(name("\u2028"), "\\u{2028}");
    assert.equal(name("\u{e0041}"), "\\u{e0041}");
    assert.equal(name("\ud800"), "\\u{d800}");
    assert.equal(name("\u05d0\u05d1"), "\u05d0\u05d1");
    assert.equal(name("\u4f60\u597d e\u0301 \u{1f600}"), "\u4f60\u597d e\u0301 \u{1f600}");
    assert.equal(name(" a  b c "), "\u2423a\u2423\u2423b c\u2423");
});

test("names: an empty one is a word, in a text it is nothing", () => {
    assert.equal(name(""), "(no name)");
    assert.equal(name(undefined), "(no name)");
    assert.equal(plain(""), "");
    assert.equal(plain(null), "");
    assert.equal(plain("a\u0000b"), "a\\u{0}b");
});

test("lines of a program's output", () => {
    assert.deepEqual(lines("a\n\tb  \r\n\n"), ["a", "b"]);
    assert.deepEqual(lines("a\u202eb\u0000"), ["a\\u{202e}b\\u{0}"]);
    assert.deepEqual(lines(""), []);
    assert.deepEqual(lines(undefined), []);
    assert.deepEqual(lines("x\n".repeat(10)).length, 10);
    assert.deepEqual(lines("x\n".repeat(1000)).slice(-2), ["x", "…"]);
    assert.deepEqual(lines("x\n".repeat(1000)).length, 10);
});

test("numbers", () => {
    assert.equal(number(1048576), "1,048,576");
    assert.equal(limit(4294967295), "none");
    assert.equal(limit(18446744073709551615), "none");
    assert.equal(limit(0), "0");
    assert.equal(watermark(0), "off");
    assert.equal(watermark(7), "7");
    assert.ok(isNone(4294967295) && !isNone(4294967294) && !isNone(2 ** 53));
});

test("times that cannot be are no exception", () => {
    assert.equal(when(8.64e21), "-");
    assert.equal(isoTime(8.64e21), "");
    assert.equal(isoTime(0), "1970-01-01T00:00:00.000Z");
    const noon = Date.UTC(2026, 5, 1, 12);

    assert.ok(!when(noon * 1000, noon).includes("2026"));
    assert.ok(when(noon * 1000, noon + 3 * 86400000).includes("2026"));
});
