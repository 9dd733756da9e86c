/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "events.h"
#include "file-util.h"
#include "quota.h"
#include "sysfs.h"
#include "vm-foreign.h"
#include "vm-life.h"
#include "vm-quota.h"
#include "vm-write.h"

/* Two writers that both insist must not keep each other busy. */
#define REVERT_HOLDOFF_USEC   (UINT64_C(1000000))
#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

#define FOREIGN_WATERMARK "the watermark of a set"

static void foreign_change(VM *vm, const char *what, uint64_t value);

/* Has a line of misc.max another value than it should? */
static bool find_foreign_limit(const VM *vm, const char **ret_what, uint64_t *ret_value) {
        MiscResource resource;
        MiscValues limits;

        if (!vm_has_limit(vm) || cgroup_get_limits(vm->life->control->root, vm->cgroup, &limits) < 0 ||
                !world_limits_differ(vm->world, &limits, vm_limit_with(vm, vm->policy.quota), &resource))
                return false;

        *ret_what = misc_max_name(resource);
        *ret_value = limits.value[resource];
        return true;
}

/* Is there a limit or quota of another value? */
static bool find_foreign(VM *vm, const char **ret_what, uint64_t *ret_value) {
        const char *root = vm->life->control->root;
        uint32_t quota;
        Set *set;

        if (find_foreign_limit(vm, ret_what, ret_value))
                return true;

        TAILQ_FOREACH (set, &vm->sets, of_vm)
                if (sysfs_set_read_quota(root, set->kernel.id, &quota) >= 0 && quota != vm->policy.quota) {
                        *ret_what = "the quota of a set";
                        *ret_value = quota;
                        return true;
                } else if (sysfs_set_read_watermark(root, set->kernel.id, &quota) >= 0 &&
                           quota != vm->policy.watermark) {
                        *ret_what = FOREIGN_WATERMARK;
                        *ret_value = quota;
                        return true;
                }

        return false;
}

/*
 * It is dealt with as when the change had been heard of. What is left in place has been told of; and where the quota has
 * not been in force another value is no change but the failure that is known.
 */
static void look_for_foreign_changes(VM *vm) {
        const char *what;
        uint64_t value;

        if (vm->in_force && !vm->foreign && find_foreign(vm, &what, &value))
                foreign_change(vm, what, value);
}

void vm_reconcile(VM *vm, bool asked) {
        if (asked)
                vm->foreign = false;
        /* Where somebody asks for it, what is to be there wins; only what is to be adopted does not. */
        if (!asked || vm->world->config->foreign_change == FOREIGN_CHANGE_ADOPT)
                look_for_foreign_changes(vm);
        vm_apply(vm);
}

/* Somebody else has put right what he had changed. */
static void foreign_is_gone(VM *vm) {
        const char *what;
        uint64_t value;

        if (!vm->foreign || find_foreign(vm, &what, &value))
                return;

        vm->foreign = false;
        vm_apply(vm);
}

int vm_verify(VM *vm) {
        const char *root = vm->life->control->root;
        _cleanup_free_ char *error = NULL;
        MiscResource resource;
        MiscValues limits;
        uint32_t quota;
        Set *set;
        int r, ret = 0;

        look_for_foreign_changes(vm);

        if (vm_has_limit(vm)) {
                r = cgroup_get_limits(root, vm->cgroup, &limits);
                if (r < 0)
                        ret = vm_limit_error(vm, r, &error);
                else if (misc_values_differ(&limits, vm_limit_with(vm, vm->policy.quota), &resource)) {
                        ret = -ESTALE;
                        vm_explain_error(
                                &error, 0, "%s/%s has another value", vm->cgroup, misc_max_name(resource));
                }
        }

        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                r = sysfs_set_read_quota(root, set->kernel.id, &quota);
                if (r < 0 && !errno_is_gone(r))
                        ret = vm_explain_error(&error, r, "quota of set %" PRIu64, set->kernel.id);
                else if (r >= 0 && quota != vm->policy.quota) {
                        ret = -ESTALE;
                        vm_explain_error(
                                &error, 0, "set %" PRIu64 " has quota %" PRIu32, set->kernel.id, quota);
                }
        }

        vm_judge_force(vm, ret, TAKE_PTR(error));
        return vm->in_force ? 0 : ret < 0 ? ret : -EAGAIN;
}

static void revert(VM *vm);

static int on_revert_holdoff(sd_event_source *source, uint64_t usec, void *userdata) {
        VM *vm = userdata;

        vm->life->revert_holdoff = sd_event_source_disable_unref(vm->life->revert_holdoff);
        if (vm->life->revert_again) {
                vm->life->revert_again = false;
                revert(vm);
        }

        return 0;
}

static void revert(VM *vm) {
        int r;

        if (vm->life->revert_holdoff) {
                vm->life->revert_again = true;
                return;
        }

        r = sd_event_add_time_relative(vm->life->control->event, &vm->life->revert_holdoff, CLOCK_MONOTONIC,
                REVERT_HOLDOFF_USEC, REVERT_HOLDOFF_USEC / 10, on_revert_holdoff, vm);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(vm->life->revert_holdoff, "vm-revert-holdoff");

        vm_apply(vm);
}

static void adopt(VM *vm, const char *what, uint64_t value) {
        _cleanup_free_ char *error = NULL;
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        if (streq(what, FOREIGN_WATERMARK)) {
                overrides.runtime.watermark = value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
                overrides.runtime.watermark_set = true;
        } else {
                overrides.runtime.quota = value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
                overrides.runtime.quota_set = true;
        }

        if (vm_change_overrides(vm, &overrides, &policy, &error) != OVERRIDE_DONE)
                log_warning("Cannot adopt %s of VM %s: %s", what, vm->name, strempty(error));
}

static void leave(VM *vm, const char *what) {
        char *error;

        vm->foreign = true;
        if (asprintf(&error, "somebody else has changed %s", what) < 0)
                error = NULL;
        vm_set_force(vm, false, false, error);
}

static bool is_limit(const char *what) {
        return streq(what, misc_max_name(MISC_PASID)) || streq(what, misc_max_name(MISC_PASID_ATTACH));
}

static void foreign_change(VM *vm, const char *what, uint64_t value) {
        static const char *const doings[_FOREIGN_CHANGE_MAX] = {
                [FOREIGN_CHANGE_REVERT] = "reverting it",
                [FOREIGN_CHANGE_ADOPT] = "adopting it",
                [FOREIGN_CHANGE_REPORT] = "leaving it so",
        };
        ForeignChange action = vm->world->config->foreign_change;
        uint32_t policy = streq(what, FOREIGN_WATERMARK) ? vm->policy.watermark : vm->policy.quota;
        unsigned suppressed;

        /* Of a limit that VMs share nobody can say which of them another value is meant for. */
        if (action == FOREIGN_CHANGE_ADOPT && is_limit(what) && vm_cgroup_is_shared(vm))
                action = FOREIGN_CHANGE_REVERT;

        if (ratelimit_below(&vm->life->foreign_log, control_now(vm->life->control), FOREIGN_INTERVAL_USEC,
                    FOREIGN_BURST, &suppressed)) {
                const EventDetail details[] = {
                        { .name = "what", .type = 's', .text = what },
                        { .name = "value", .type = 't', .number = value },
                        { .name = "quota", .type = 'u', .number = policy },
                        { .name = "action", .type = 's', .text = foreign_change_to_string(action) },
                        { .name = "suppressed", .type = 't', .number = suppressed },
                };
                char text[MISC_VALUE_SIZE];

                events_add(vm->life->control, EVENT_FOREIGN_CHANGE,
                        &(EventFacts) { .level = LOG_WARNING,
                                .vm = vm,
                                .details = details,
                                .n_details = ELEMENTSOF(details) },
                        "Somebody else set %s of VM %s to %s instead of %" PRIu32
                        ", %s (%u more not logged).",
                        what, vm->name, misc_value_format(value, text), policy, doings[action], suppressed);
        }

        switch (action) {

        case FOREIGN_CHANGE_ADOPT:
                adopt(vm, what, value);
                return;

        case FOREIGN_CHANGE_REPORT:
                leave(vm, what);
                return;

        default:
                revert(vm);
        }
}

void vm_quota_written(VM *vm, Set *set) {
        uint32_t quota;

        /* The event may be about a value that was overwritten meanwhile: look at what is there now. */
        if (sysfs_set_read_quota(vm->life->control->root, set->kernel.id, &quota) < 0)
                return;
        if (quota == vm->policy.quota) {
                foreign_is_gone(vm);
                return;
        }

        foreign_change(vm, "the quota of a set", quota);
}

void vm_limit_written(VM *vm) {
        MiscResource resource;
        MiscValues limits;

        if (!vm_has_limit(vm) || cgroup_get_limits(vm->life->control->root, vm->cgroup, &limits) < 0)
                return;

        if (world_limits_differ(vm->world, &limits, vm_limit_with(vm, vm->policy.quota), &resource))
                foreign_change(vm, misc_max_name(resource), limits.value[resource]);
        else
                foreign_is_gone(vm);
}
