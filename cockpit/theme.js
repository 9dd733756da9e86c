// SPDX-License-Identifier: LGPL-2.1-or-later

// Light and dark, as chosen in Cockpit's menu: the choice is in local storage, and Cockpit's shell sends an event to the
// pages in its frames when it changes.

const system = window.matchMedia("(prefers-color-scheme: dark)");

function apply(chosen) {
    const style = chosen || localStorage.getItem("shell:style") || "auto";

    document.documentElement.classList.toggle("dark", style === "dark" || (style === "auto" && system.matches));
}

export function followTheme() {
    window.addEventListener("storage", (event) => {
        if (event.key === "shell:style")
            apply();
    });
    window.addEventListener("cockpit-style", (event) => apply(event.detail?.style));
    system.addEventListener("change", () => apply());
    apply();
}
