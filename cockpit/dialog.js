// SPDX-License-Identifier: LGPL-2.1-or-later

// The dialogs that change a quota or a limit.

import { alert, button, replace } from "./parts.js";
import { el, newId } from "./dom.js";
import { NO_LIMIT, changeText, parseNumber, resetCall, setCall, targetName } from "./lib/changes.js";
import { changeProblem } from "./lib/problems.js";
import { _, fill, isNone } from "./lib/text.js";

/** A modal <dialog>: the browser keeps the focus in it, and returns it afterwards. */
function openDialog(title, ...children) {
    const id = newId();
    const dialog = el("dialog", { class: "dialog", "aria-labelledby": id, onclose: () => dialog.remove() },
        el("h1", { id, class: "dialog-title" }, title), children);

    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

function field(text, input, help) {
    const error = el("p", { class: "field-error", id: newId() });

    input.id = newId();
    input.setAttribute("aria-describedby", error.id);
    return {
        input,
        element: el("div", { class: "field" }, el("label", { for: input.id }, text), input, help && el("p", { class: "help" }, help), error),
        setError(message) {
            error.textContent = message ?? "";
            input.toggleAttribute("aria-invalid", Boolean(message));
            if (message) {
                input.setAttribute("aria-invalid", "true");
                input.focus();
            }
        },
    };
}

function radios(legend, options) {
    const group = newId();
    const inputs = options.map(([value, text, help], i) => {
        const input = el("input", { type: "radio", name: group, value, id: newId(), checked: i === 0 });

        return { input, row: el("div", { class: "radio" }, input, el("label", { for: input.id }, text), help && el("p", { class: "help" }, help)) };
    });

    return {
        element: el("fieldset", { class: "field" }, el("legend", {}, legend), inputs.map(({ row }) => row)),
        value: () => inputs.find(({ input }) => input.checked).input.value,
    };
}

/**
 * What both dialogs share: the result of a dry run or an error above the buttons, and no second call while one is under
 * way. perform(dryRun) returns the text of the result, or null if a field is wrong.
 */
function changeDialog(daemon, title, content, submitText, perform) {
    const result = el("div", { class: "dialog-result", "aria-live": "polite" });
    const check = button(_("Check only"), () => go(true), { "data-action": "check" });
    const submit = el("button", { type: "submit", class: "button button-primary", "data-action": "submit" }, submitText);
    const cancel = button(_("Cancel"), () => dialog.close(), { kind: "link" });
    const form = el("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); go(false); } },
        content, result, el("div", { class: "dialog-buttons" }, submit, check, cancel));
    const dialog = openDialog(title, form);
    let busy = false;

    async function go(dryRun) {
        if (busy)
            return;
        busy = true;
        form.setAttribute("aria-busy", "true");
        try {
            const text = await perform(dryRun);

            if (text === null)
                return;
            if (!dryRun) {
                dialog.close();
                daemon.dispatchEvent(new CustomEvent("done", { detail: text }));
                return;
            }
            replace(result, alert("info", _("Nothing was changed"), [el("p", { class: "would-change" }, text)]));
        } catch (error) {
            const problem = changeProblem(error, daemon.administrator);

            replace(result, alert("danger", problem.title, [el("p", {}, problem.text)], "alert"));
        } finally {
            busy = false;
            form.removeAttribute("aria-busy");
        }
    }

    return dialog;
}

const LASTING = () => [
    ["persistent", _("For good"), null],
    ["runtime", _("Until the host is restarted"), null],
];

/** target: {kind: "vm", vm}, {kind: "slice", slice, limit} or {kind: "default", quota}. */
export function setQuotaDialog(daemon, target) {
    const current = target.kind === "vm" ? target.vm.quota : target.kind === "slice" ? target.limit : target.quota;
    const slice = target.kind === "slice";
    const quota = field(slice ? _("Limit") : _("Quota"), el("input", {
        type: "text",
        inputmode: "numeric",
        autocomplete: "off",
        class: "control",
        "data-field": "quota",
        value: isNone(current) ? "" : current,
    }), slice ? _("Leave it empty for no limit.") : null);
    const mark = target.kind === "vm" && field(_("Watermark"), el("input", {
        type: "text",
        inputmode: "numeric",
        autocomplete: "off",
        class: "control",
        "data-field": "watermark",
        value: target.vm.watermark,
    }), _("A count that causes an event when it is reached; 0 turns it off."));
    const lasting = radios(_("How long"), LASTING());

    async function perform(dryRun) {
        const number = parseNumber(quota.input.value, slice ? NO_LIMIT : undefined);
        const watermark = mark ? parseNumber(mark.input.value) : {};

        quota.setError(null);
        mark?.setError?.(null);
        if (watermark.error)
            mark.setError(watermark.error);
        if (number.error)
            quota.setError(number.error);
        if (number.error || watermark.error)
            return null;

        // Not part of the call unless it was changed: an override with a watermark takes precedence over a rule's.
        const before = target.vm?.watermark, after = watermark.value;
        const marked = mark && after !== before;
        const [previous, source] = await daemon.change(setCall(target, {
            quota: number.value,
            runtime: lasting.value() === "runtime",
            dryRun,
            watermark: marked ? after : undefined,
        }));

        return changeText(target, {
            previous,
            quota: number.value,
            source: source ?? lasting.value(),
            dryRun,
            mark: marked ? { before, after } : null,
        });
    }

    const title = fill(slice ? _("Set the limit of $0") : _("Set the quota of $0"), targetName(target));
    const dialog = changeDialog(daemon, target.kind === "default" ? _("Set the default quota") : title,
        [quota.element, mark && mark.element, lasting.element], slice ? _("Set limit") : _("Set quota"), perform);

    quota.input.focus();
    quota.input.select();
    return dialog;
}

export function resetQuotaDialog(daemon, target) {
    const slice = target.kind === "slice";
    const current = target.kind === "vm" ? target.vm.quota : slice ? target.limit : target.quota;
    const which = radios(_("What to remove"), [
        ["both", _("All overrides"), null],
        ["runtime", _("Only the override until the host is restarted"), null],
    ]);

    async function perform(dryRun) {
        const [quota, source] = await daemon.change(resetCall(target, { runtime: which.value() === "runtime", dryRun }));

        return changeText(target, { previous: current, quota, source, dryRun });
    }

    const title = fill(slice ? _("Reset the limit of $0") : _("Reset the quota of $0"), targetName(target));

    return changeDialog(daemon, target.kind === "default" ? _("Reset the default quota") : title,
        [el("p", {}, _("Without the override, the next source in order of precedence applies.")), which.element],
        slice ? _("Reset limit") : _("Reset quota"), perform);
}

