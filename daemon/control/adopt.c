/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "adopt.h"
#include "default-quota.h"
#include "log.h"
#include "quota.h"
#include "slice-overrides.h"
#include "vm-policy.h"
#include "vm-quota.h"

static OverrideResult adopt_default(Control *control, uint32_t value, char **ret_error) {
        const State *persistent = control->world.state.persistent;
        uint32_t kept = persistent->default_quota;

        return default_quota_change(control,
                &(Defaults) { .runtime = &value, .persistent = persistent->default_quota_set ? &kept : NULL },
                ret_error);
}

static OverrideResult adopt_limit(Control *control, const char *name, uint64_t value, char **ret_error) {
        uint32_t limit = value == MISC_MAX ? LIMIT_NONE : value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
        SliceOverrides overrides = slice_get_overrides(&control->world, name);

        overrides.runtime = &limit;
        return slice_change_overrides(control, name, &overrides, ret_error);
}

static OverrideResult adopt_quota(VM *vm, LimitKind kind, uint32_t value, char **ret_error) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        if (kind == LIMIT_SET_WATERMARK) {
                overrides.runtime.watermark = value;
                overrides.runtime.watermark_set = true;
        } else {
                overrides.runtime.quota = value;
                overrides.runtime.quota_set = true;
        }

        return vm_change_overrides(vm, &overrides, &policy, ret_error);
}

bool adopt_value(Control *control, const LimitSubject *subject, uint64_t value) {
        uint32_t number = value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
        _cleanup_free_ char *error = NULL;
        OverrideResult result;

        if (subject->slice)
                result = adopt_limit(control, subject->slice, value, &error);
        else if (subject->vm)
                result = adopt_quota(subject->vm, subject->file.kind, number, &error);
        else
                result = adopt_default(control, number, &error);

        if (result != OVERRIDE_DONE)
                log_warning("Cannot adopt the value of %s%s: %s", subject->owner_kind, subject->owner,
                        strempty(error));
        return result == OVERRIDE_DONE;
}
