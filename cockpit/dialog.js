// SPDX-License-Identifier: LGPL-2.1-or-later

// The dialogs that change a quota or a limit.

import { alert, button, replace } from "./parts.js";
import { el, newId, setAttributes } from "./dom.js";
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

/** The target with its current values: a dialog can be open for a while, and others make changes as well. */
function currentTarget(daemon, target) {
    if (target.kind === "vm")
        return { ...target, vm: { ...daemon.world.vms.get(target.vm.path) ?? target.vm } };
    if (target.kind === "slice")
        return { ...target, limit: daemon.slices.find(([name]) => name === target.slice)?.[3] ?? target.limit };
    return { ...target, quota: daemon.world.manager.DefaultQuota ?? target.quota };
}

function currentQuota(target) {
    return target.kind === "vm" ? target.vm.quota : target.kind === "slice" ? target.limit : target.quota;
}

/**
 * What both dialogs share: the result of a dry run or an error above the buttons, and no second call while one is under
 * way. perform(dryRun) returns the text of the result, or null if a field is wrong. The result of a change goes to the
 * page as event "done" or, if the dialog was closed meanwhile, "refused".
 */
function changeDialog(daemon, target, title, content, submitText, perform) {
    const result = el("div", { class: "dialog-result", "aria-live": "polite" });
    const check = button(_("Check only"), () => go(true), { "data-action": "check" });
    const submit = el("button", { type: "submit", class: "button button-primary", "data-action": "submit" }, submitText);
    const cancel = button(_("Cancel"), () => {
        if (!isChanging())
            dialog.close();
    }, { kind: "link", "data-action": "cancel" });
    const form = el("form", {
        novalidate: true,
        onsubmit: (event) => {
            event.preventDefault();
            go(false);
        },
        // What is shown belongs to the input before.
        oninput: () => {
            if (!isChanging())
                setState(null);
        },
    }, content, result, el("div", { class: "dialog-buttons" }, submit, check, cancel));
    const dialog = openDialog(title, form);
    // {dryRun} while it is under way. An answer to another one than this is not shown.
    let call = null;

    function isChanging() {
        return call !== null && !call.dryRun;
    }

    function setState(next, shown = null) {
        call = next;
        // Not by "disabled", which would take the focus away.
        for (const each of [check, submit])
            setAttributes(each, { "aria-disabled": call ? "true" : null });
        setAttributes(cancel, { "aria-disabled": isChanging() ? "true" : null });
        replace(result, call ? el("p", { class: "muted", "data-busy": true }, call.dryRun ? _("Checking…") : _("Changing…")) : shown);
    }

    async function go(dryRun) {
        if (call)
            return;
        const mine = { dryRun };
        const show = (shown) => {
            if (call === mine)
                setState(null, shown);
        };

        setState(mine);
        try {
            const text = await perform(dryRun);

            if (text === null) {
                show(null);
            } else if (dryRun) {
                show(alert("info", _("Nothing was changed"), [el("p", { class: "would-change" }, text)]));
            } else {
                dialog.close();
                daemon.dispatchEvent(new CustomEvent("done", { detail: { target, text } }));
            }
        } catch (error) {
            const problem = changeProblem(error, daemon.administrator);

            // A browser closes it at the second Escape in any case.
            if (!dryRun && !dialog.open)
                daemon.dispatchEvent(new CustomEvent("refused", { detail: { target, ...problem } }));
            else
                show(alert("danger", problem.title, [el("p", {}, problem.text)], "alert"));
        }
    }

    dialog.addEventListener("cancel", (event) => {
        if (isChanging())
            event.preventDefault();
    });
    return dialog;
}

const LASTING = () => [
    ["persistent", _("For good"), null],
    ["runtime", _("Until the host is restarted"), null],
];

/** target: {kind: "vm", vm}, {kind: "slice", slice, limit} or {kind: "default", quota}. */
export function setQuotaDialog(daemon, target) {
    const current = currentQuota(target);
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
        const marked = mark && watermark.value !== target.vm.watermark;
        const now = currentTarget(daemon, target);
        const [previous, source] = await daemon.change(setCall(target, {
            quota: number.value,
            runtime: lasting.value() === "runtime",
            dryRun,
            watermark: marked ? watermark.value : undefined,
        }));

        return changeText(now, {
            previous,
            quota: number.value,
            source: source ?? lasting.value(),
            dryRun,
            mark: marked ? { before: now.vm.watermark, after: watermark.value } : null,
        });
    }

    const title = fill(slice ? _("Set the limit of $0") : _("Set the quota of $0"), targetName(target));
    const dialog = changeDialog(daemon, target, target.kind === "default" ? _("Set the default quota") : title,
        [quota.element, mark && mark.element, lasting.element], slice ? _("Set limit") : _("Set quota"), perform);

    quota.input.focus();
    quota.input.select();
    return dialog;
}

export function resetQuotaDialog(daemon, target) {
    const slice = target.kind === "slice";
    const which = radios(_("What to remove"), [
        ["both", _("All overrides"), null],
        ["runtime", _("Only the override until the host is restarted"), null],
    ]);

    async function perform(dryRun) {
        // The answer does not have it.
        const now = currentTarget(daemon, target);
        const [quota, source] = await daemon.change(resetCall(target, { runtime: which.value() === "runtime", dryRun }));

        return changeText(now, { previous: currentQuota(now), quota, source, dryRun });
    }

    const title = fill(slice ? _("Reset the limit of $0") : _("Reset the quota of $0"), targetName(target));

    return changeDialog(daemon, target, target.kind === "default" ? _("Reset the default quota") : title,
        [el("p", {}, _("Without the override, the next source in order of precedence applies.")), which.element],
        slice ? _("Reset limit") : _("Reset quota"), perform);
}

