// SPDX-License-Identifier: LGPL-2.1-or-later

// The usage of a VM since the page was opened, in bounded memory, and the lines that draw it.

export const MAX_SAMPLES = 360;

function count({ allocated, attached }) {
    return Math.max(allocated, attached);
}

/**
 * Samples are {time, allocated, attached, quota}; a value holds until the next sample. A sample without values is a gap:
 * the page was hidden, or the daemon did not answer. If there are too many, of each two the one with the lower count is
 * dropped, but never a gap: peaks stay.
 */
export class History {
    constructor(max = MAX_SAMPLES) {
        this.max = max;
        this.samples = [];
        this.top = 0;
    }

    add(time, { allocated, attached, quota }) {
        const last = this.samples.at(-1);

        this.top = Math.max(this.top, allocated, attached);
        if (last && !last.gap && last.allocated === allocated && last.attached === attached && last.quota === quota)
            return;
        this.push({ time, allocated, attached, quota });
    }

    gap(time) {
        if (this.samples.length > 0 && !this.samples.at(-1).gap)
            this.push({ time, gap: true });
    }

    push(sample) {
        // A clock that was set back must not draw a line to the left.
        sample.time = Math.max(sample.time, this.samples.at(-1)?.time ?? sample.time);
        this.samples.push(sample);
        if (this.samples.length > this.max)
            this.thin();
    }

    thin() {
        const last = this.samples.length - 1;
        const kept = [];
        // Whether the last one that is kept is the first of a pair.
        let pair = false;

        for (const [i, sample] of this.samples.entries()) {
            const inside = !sample.gap && i > 0 && i < last;

            if (pair && inside) {
                if (count(sample) > count(kept.at(-1)))
                    kept[kept.length - 1] = sample;
                pair = false;
            } else {
                kept.push(sample);
                pair = inside;
            }
        }
        this.samples = kept.length <= this.max ? kept : kept.slice(-this.max);
    }

    /** The highest count, also of samples that were dropped. */
    peak() {
        return this.top;
    }
}

/** The end of an axis from 0 on: 1, 2 or 5 times a power of ten. */
export function axisEnd(highest) {
    if (highest <= 1)
        return 1;
    const power = 10 ** Math.floor(Math.log10(highest));

    return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= highest);
}

/** The seconds that the plot shows: at least a minute. */
export function span(history, now) {
    return Math.max(60, (now - (history.samples[0]?.time ?? now)) / 1000);
}

function round(n) {
    return Math.round(n * 10) / 10;
}

/** The attribute d of a path: steps, with an interruption at each gap. */
export function path(history, member, now, { width, height, end }) {
    const first = now - span(history, now) * 1000;
    const x = (time) => round((time - first) / (now - first) * width);
    const y = (value) => round(height - Math.min(value, end) / end * height);
    const commands = [];
    let drawing = false;

    for (const sample of history.samples) {
        if (drawing)
            commands.push("H" + x(sample.time));
        if (!sample.gap)
            commands.push(drawing ? "V" + y(sample[member]) : "M" + x(sample.time) + " " + y(sample[member]));
        drawing = !sample.gap;
    }
    if (drawing)
        commands.push("H" + x(now));
    return commands.join("");
}
