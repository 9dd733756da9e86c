// SPDX-License-Identifier: LGPL-2.1-or-later

// Paths of the page: what comes after "#/" in its address.

export const VIEWS = ["overview", "machines", "slices", "events"];

/** {view, uuid}. An unknown path is the overview. */
export function parse(path) {
    if (path[0] === "machine" && path[1])
        return { view: "machine", uuid: path[1] };
    if (path.length === 1 && VIEWS.includes(path[0]))
        return { view: path[0] };
    return { view: "overview" };
}

/** Only for the attribute href, so that a link can be opened in a new tab and copied. */
export function href(path) {
    return "#/" + path.map(encodeURIComponent).join("/");
}

/** The address of the VM in cockpit-machines. */
export function machinesAddress(name) {
    return "/machines#vm?name=" + encodeURIComponent(name) + "&connection=system";
}
