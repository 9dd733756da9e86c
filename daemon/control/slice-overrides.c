/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup.h"
#include "log.h"
#include "slice-limits.h"
#include "slice-overrides.h"
#include "state-store.h"

int slice_limits_refresh(Control *control) {
        int r;

        r = slice_limits_update(control);
        if (r >= 0 && control->world.kernel_present)
                r = slice_limits_watch(control);
        world_queue_changes(&control->world, 0);
        return r;
}

/* The old ones hold again. What cannot be written now is tried again, see state.h. */
static void undo_overrides(Control *control, const char *name, const SliceOverrides *old) {
        int r;

        r = state_store_undo_slice_limits(control->store, name, old->runtime, old->persistent);
        if (r < 0)
                log_error_errno(r, "Cannot take the change of slice %s back in a file: %m", name);
        r = slice_limits_refresh(control);
        if (r < 0)
                log_error_errno(r, "Cannot bring the list of slices back to what it was: %m");
        slice_limits_apply(control);
}

bool slice_limit_try(Control *control, const char *name, char **ret_error) {
        SliceLimit *slice = slice_limit_find(&control->world, name);

        if (slice)
                slice_apply(slice, true);
        if (!slice || limit_is_in_force(&slice->misc_max) || !cgroup_exists(control->root, slice->cgroup))
                return true;

        *ret_error = slice->misc_max.error ? strdup(slice->misc_max.error) : NULL;
        return false;
}

OverrideResult slice_change_overrides(
        Control *control, const char *name, const SliceOverrides *overrides, char **ret_error) {
        SliceOverrides old = slice_get_overrides(&control->world, name);
        uint32_t old_runtime = old.runtime ? *old.runtime : 0,
                 old_persistent = old.persistent ? *old.persistent : 0;
        _cleanup_free_ char *why = NULL;
        int r;

        /* The numbers move with the state. */
        old.runtime = old.runtime ? &old_runtime : NULL;
        old.persistent = old.persistent ? &old_persistent : NULL;

        r = state_store_set_slice_limits(control->store, name, overrides->runtime, overrides->persistent);
        if (r >= 0) {
                r = slice_limits_refresh(control);
                if (r < 0)
                        undo_overrides(control, name, &old);
        }
        if (r < 0) {
                if (asprintf(ret_error, "The override could not be saved: %s", strerror(-r)) < 0)
                        *ret_error = NULL;
                return OVERRIDE_NOT_SAVED;
        }

        if (slice_limit_try(control, name, &why)) {
                slice_limits_tell(control);
                return OVERRIDE_DONE;
        }

        undo_overrides(control, name, &old);
        if (asprintf(ret_error, "The kernel did not take the limit of %s: %s", name, strempty(why)) < 0)
                *ret_error = NULL;
        return OVERRIDE_NOT_APPLIED;
}
