// SPDX-License-Identifier: LGPL-2.1-or-later

// Elements. Texts become text nodes, so no name or message is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function setAttribute(element, key, value) {
    if (value === undefined || value === null || value === false)
        element.removeAttribute(key);
    else
        element.setAttribute(key, value === true ? "" : String(value));
}

function fillElement(element, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on"))
            element.addEventListener(key.slice(2), value);
        else
            setAttribute(element, key, value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/** el("a", {href: …, class: …, onclick: f}, child, [child, …], "text"). Without null, undefined and false. */
export function el(tag, attributes = {}, ...children) {
    return fillElement(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
    return fillElement(document.createElementNS(SVG, tag), attributes, children);
}

/** Changes a text only if it differs, so that screen readers and selections are not disturbed. */
export function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

export function setAttributes(element, attributes) {
    for (const [key, value] of Object.entries(attributes))
        if (element.getAttribute(key) !== (value === null ? null : String(value)))
            setAttribute(element, key, value);
}

export function replace(element, ...children) {
    element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** The same, but only if the content differs, so that a selection stays. */
export function replaceChanged(element, ...children) {
    const content = [...el(element.tagName, {}, ...children).childNodes];

    if (content.length !== element.childNodes.length || content.some((node, i) => !node.isEqualNode(element.childNodes[i])))
        element.replaceChildren(...content);
}

/**
 * Brings children into this order, with as few moves as possible for the usual case that it is right already. The focus
 * stays on an element that is moved.
 */
export function order(parent, children) {
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    const kept = new Set(children);

    for (const child of [...parent.childNodes])
        if (!kept.has(child))
            child.remove();
    let next = parent.firstChild;

    for (const child of children) {
        if (child === next)
            next = next.nextSibling;
        else
            parent.insertBefore(child, next);
    }
    if (focused && focused !== document.activeElement && parent.contains(focused))
        focused.focus({ preventScroll: true });
}

let ids = 0;

/** An id for aria-labelledby and similar attributes. */
export function newId() {
    ids++;
    return "pasids-" + ids;
}

/** Draws only if the values differ from those of the part that were drawn last, so that focus and selection stay. */
export function keyed(keys, part, values, draw) {
    const key = JSON.stringify(values);

    if (keys[part] === key)
        return;
    keys[part] = key;
    draw();
}
