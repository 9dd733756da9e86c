/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "adopt.h"
#include "log.h"
#include "overrides.h"
#include "quota.h"
#include "slice-limit.h"
#include "vm-policy.h"

static OverrideChange change_default(const World *w) {
        const State *persistent = w->state.persistent;

        return (OverrideChange) {
                .kind = OVERRIDE_DEFAULT,
                .key = "",
                .persistent =
                        override_setting(persistent->default_quota_set ? &persistent->default_quota : NULL),
        };
}

static OverrideChange change_slice(const World *w, const char *name) {
        return (OverrideChange) {
                .kind = OVERRIDE_SLICE,
                .key = name,
                .persistent = override_setting(slice_get_overrides(w, name).persistent),
        };
}

static OverrideChange change_vm(const VM *vm) {
        VMOverrides overrides;

        vm_get_overrides(vm, &overrides);
        return (OverrideChange) {
                .kind = OVERRIDE_VM,
                .key = vm->key,
                .name = vm->name,
                .runtime = overrides.runtime,
                .persistent = overrides.persistent,
        };
}

static OverrideChange make_change(const World *w, const LimitSubject *subject, uint64_t value) {
        uint32_t number = value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
        OverrideChange change = subject->slice ? change_slice(w, subject->slice)
                                : subject->vm  ? change_vm(subject->vm)
                                               : change_default(w);

        if (subject->slice && value == MISC_MAX)
                number = LIMIT_NONE;
        if (subject->file.kind == LIMIT_SET_WATERMARK) {
                change.runtime.watermark = number;
                change.runtime.watermark_set = true;
        } else {
                change.runtime.quota = number;
                change.runtime.quota_set = true;
        }

        return change;
}

typedef struct Outcome {
        const LimitSubject *subject;
        bool adopted;
} Outcome;

static void on_changed(OverrideResult result, const char *text, void *userdata) {
        Outcome *outcome = userdata;

        outcome->adopted = result == OVERRIDE_DONE;
        if (!outcome->adopted)
                log_warning("Cannot adopt the value of %s%s: %s", outcome->subject->owner_kind,
                        outcome->subject->owner, strempty(text));
}

/* Changes the runtime layer only, so there is no write to the disk, and the change is synchronous. */
bool adopt_value(Control *control, const LimitSubject *subject, uint64_t value) {
        OverrideChange change = make_change(&control->world, subject, value);
        const OverrideScope scope = { .kind = change.kind, .key = change.key };
        Outcome outcome = { .subject = subject };
        OverrideList *list;
        int r;

        /* The change in progress takes precedence. */
        if (overrides_block(control->overrides, &scope)) {
                on_changed(OVERRIDE_NOT_APPLIED, "a change of it is in progress", &outcome);
                return false;
        }

        r = override_change_to_list(&control->world.state, &change, &list);
        if (r < 0)
                on_changed(OVERRIDE_NOT_SAVED, strerror(-r), &outcome);
        else
                overrides_change(control->overrides, &list, NULL, on_changed, &outcome);
        return outcome.adopted;
}
