// SPDX-License-Identifier: LGPL-2.1-or-later

// One Chromium for cockpitenv.py: a command in JSON on each line of stdin, an answer on each line of stdout.
//
//   node browser.mjs NODE_MODULES CHROMIUM

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Playwright takes a string for an expression, even if it is that of a function. */
const functionOf = (expression) => (0, eval)("(" + expression + ")");

/** Longer than anything takes on a busy machine. */
const HANG_GUARD = 60000;

const browser = await chromium.launch({ executablePath: process.argv[3], args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
let context, page, frame, problems = [], sent = 0, received = 0;

async function newPage({ width = 1280, height = 900, dark = false, contrast = "no-preference", locale = "en-US" }) {
    await context?.close();
    problems = [];
    sent = received = 0;
    context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", forcedColors: contrast === "forced" ? "active" : "none", locale, timezoneId: "UTC" });
    context.setDefaultTimeout(HANG_GUARD);
    page = await context.newPage();
    frame = page;
    page.on("console", (message) => {
        if (["error", "warning"].includes(message.type()))
            problems.push(message.type() + ": " + message.text() + " (" + message.location().url + ")");
    });
    page.on("pageerror", (error) => problems.push("exception: " + (error.stack ?? error)));
    page.on("websocket", (socket) => {
        // Not the answers to cockpit-ws, which asks all the time whether the browser is still there.
        socket.on("framesent", ({ payload }) => {
            if (!String(payload).includes('"command":"pong"'))
                sent++;
        });
        socket.on("framereceived", () => { received++; });
    });
}

const commands = {
    open: async ({ url, ...options }) => {
        await newPage(options);
        await page.goto(url);
    },
    goto: ({ url }) => page.goto(url),
    /** Cockpit's shell shows the page in a frame. */
    frame: async ({ name }) => {
        await page.waitForSelector("iframe[name='" + name + "']", { state: "attached" });
        frame = page.frame({ name });
    },
    top: () => {
        frame = page;
    },
    click: ({ selector }) => frame.locator(selector).click(),
    fill: ({ selector, text }) => frame.locator(selector).fill(text),
    check: ({ selector }) => frame.locator(selector).check(),
    choose: ({ selector, value }) => frame.locator(selector).selectOption(value),
    press: ({ key }) => page.keyboard.press(key),
    hover: ({ selector }) => frame.locator(selector).hover(),
    /** Away from all tables. */
    unhover: () => page.mouse.move(0, 0),
    texts: ({ selector }) => frame.locator(selector).allInnerTexts(),
    count: ({ selector }) => frame.locator(selector).count(),
    visible: ({ selector }) => frame.locator(selector).first().isVisible(),
    attribute: ({ selector, name }) => frame.locator(selector).first().getAttribute(name),
    /** Waits until the function of the page returns a true value, and returns it. */
    wait: async ({ expression, argument }) => {
        const handle = await frame.waitForFunction(functionOf(expression), argument, { timeout: HANG_GUARD, polling: 50 });

        return handle.jsonValue();
    },
    evaluate: ({ expression, argument }) => frame.evaluate(functionOf(expression), argument),
    size: ({ width, height }) => page.setViewportSize({ width, height }),
    colors: ({ dark }) => page.emulateMedia({ colorScheme: dark ? "dark" : "light" }),
    picture: async ({ path, full = false }) => {
        await page.screenshot({ path, fullPage: full, animations: "disabled" });
    },
    axe: async () => {
        await frame.evaluate(axe);
        const { violations, passes } = await frame.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));

        return {
            passes: passes.length,
            violations: violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 5).map((n) => n.target.join(" ") + " " + n.failureSummary.replace(/\s+/g, " ")).join("; ")),
        };
    },
    problems: () => problems,
    frames: () => ({ sent, received }),
    memory: async () => {
        const session = await context.newCDPSession(page);

        await session.send("HeapProfiler.collectGarbage");
        const { usedSize } = await session.send("Runtime.getHeapUsage");

        return usedSize;
    },
    close: async () => {
        await context?.close();
        context = null;
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...args } = JSON.parse(line);
    let answer;

    try {
        answer = { result: (await commands[command](args)) ?? null };
    } catch (error) {
        answer = { error: String(error.message ?? error), problems };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
