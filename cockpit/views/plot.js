// SPDX-License-Identifier: LGPL-2.1-or-later

import { el, newId, replace, setAttributes, setText, svg } from "../dom.js";
import { axisEnd, path, span } from "../lib/history.js";
import { _, fill, number } from "../lib/text.js";

const WIDTH = 600, HEIGHT = 160, LEFT = 64, TOP = 8, BOTTOM = 24;

/** The history of a VM as a plot: allocated and attached PASIDs and the quota. */
export class Plot {
    constructor() {
        const title = newId(), description = newId();

        this.title = svg("title", { id: title }, _("Usage since this page was opened"));
        this.description = svg("desc", { id: description });
        this.lines = {
            quota: svg("path", { class: "plot-quota" }),
            attached: svg("path", { class: "plot-attached" }),
            allocated: svg("path", { class: "plot-allocated" }),
        };
        this.ticks = svg("g", { class: "plot-ticks" });
        this.element = el("figure", { class: "plot" },
            svg("svg", { viewBox: "0 0 " + (LEFT + WIDTH + 8) + " " + (TOP + HEIGHT + BOTTOM), role: "img", "aria-labelledby": title + " " + description },
                this.title, this.description, this.ticks,
                svg("g", { transform: "translate(" + LEFT + " " + TOP + ")" }, Object.values(this.lines))),
            el("figcaption", { class: "legend" },
                el("span", { class: "key key-allocated" }, _("Allocated")),
                el("span", { class: "key key-attached" }, _("Attached")),
                el("span", { class: "key key-quota" }, _("Quota"))));
    }

    draw(history, vm, now) {
        const peak = history.peak();
        // A quota far above the usage would press the lines to the ground; it is drawn only if it is near.
        const near = vm.quota <= Math.max(4 * peak, 10);
        const end = axisEnd(near ? Math.max(vm.quota, peak) : peak * 1.2);
        const frame = { width: WIDTH, height: HEIGHT, end };

        for (const [member, line] of Object.entries(this.lines))
            setAttributes(line, { d: member === "quota" && !near ? "" : path(history, member, now, frame) });
        this.drawTicks(end, span(history, now));
        setText(this.description, fill(_("Now $0 allocated, $1 attached; the highest count was $2; the quota is $3."),
            number(vm.allocated), number(vm.attached), number(peak), number(vm.quota)));
    }

    drawTicks(end, seconds) {
        const minutes = Math.round(seconds / 60);
        const key = end + " " + minutes;

        if (this.ticksKey === key)
            return;
        this.ticksKey = key;
        const values = end === 1 ? [0, 1] : [0, end / 2, end];

        replace(this.ticks,
            values.flatMap((value) => {
                const y = TOP + HEIGHT - value / end * HEIGHT;

                return [
                    svg("line", { x1: LEFT, x2: LEFT + WIDTH, y1: y, y2: y }),
                    svg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, number(value)),
                ];
            }),
            svg("text", { x: LEFT, y: TOP + HEIGHT + 18 }, fill(_("$0 min ago"), number(minutes))),
            svg("text", { x: LEFT + WIDTH, y: TOP + HEIGHT + 18, "text-anchor": "end" }, _("now")));
    }
}
