// SPDX-License-Identifier: LGPL-2.1-or-later

// Rows of a table: what the filter leaves, their order, and the part of them that is on the page.

export const PAGE_SIZE = 100;

/** Folds a text for a search: neither case nor composition of characters matter. */
export function fold(text) {
    return text.normalize("NFKC").toLowerCase();
}

/** Rows that have all words of the search in one of their texts. */
export function search(rows, words, texts) {
    const wanted = fold(words).split(/\s+/).filter(Boolean);

    if (wanted.length === 0)
        return rows;
    return rows.filter((row) => {
        const all = texts(row).map(fold);

        return wanted.every((word) => all.some((text) => text.includes(word)));
    });
}

export function compareText(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A sorted copy. compares: functions (a, b) → number, the next one for rows that are equal to the one before. reverse
 * only concerns the first.
 */
export function sorted(rows, compares, reverse = false) {
    return [...rows].sort((a, b) => {
        for (const [i, compare] of compares.entries()) {
            const r = compare(a, b);

            if (r !== 0)
                return i === 0 && reverse ? -r : r;
        }
        return 0;
    });
}

/** The page that can be shown: {page, pages, first, rows}, also if there are fewer rows than when it was chosen. */
export function pageOf(rows, page, size = PAGE_SIZE) {
    const pages = Math.max(1, Math.ceil(rows.length / size));
    const shown = Math.min(Math.max(0, page), pages - 1);

    return { page: shown, pages, first: shown * size, rows: rows.slice(shown * size, (shown + 1) * size) };
}

/**
 * The order of rows while someone points at the table or has the focus in it: those that were there stay where they are,
 * so that nobody clicks on another row than intended; new ones come last.
 */
export function keepOrder(before, wanted, key) {
    const rows = new Map(wanted.map((row) => [key(row), row]));
    const kept = [];

    for (const id of before) {
        if (!rows.has(id))
            continue;
        kept.push(rows.get(id));
        rows.delete(id);
    }
    return [...kept, ...rows.values()];
}
