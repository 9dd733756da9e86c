/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdarg.h>

#include "cgroup.h"
#include "change-list.h"
#include "events.h"
#include "file-util.h"
#include "limit-retry.h"
#include "messages.h"
#include "quota.h"
#include "set.h"
#include "slice-watch.h"
#include "state-store.h"
#include "sysfs.h"
#include "vm-life.h"
#include "vm-quota.h"

/* Two writers that both insist must not keep each other busy. */
#define REVERT_HOLDOFF_USEC   (UINT64_C(1000000))
#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

#define FOREIGN_WATERMARK "the watermark of a set"

static int explain(char **ret_error, int r, const char *format, ...) _printf_(3, 4);

/* The first thing that went wrong is told. */
static int explain(char **ret_error, int r, const char *format, ...) {
        _cleanup_free_ char *what = NULL;
        va_list ap;
        int k;

        if (*ret_error)
                return r;

        va_start(ap, format);
        k = vasprintf(&what, format, ap);
        va_end(ap);
        if (k < 0) {
                what = NULL;
                return r;
        }

        if (r < 0)
                k = asprintf(ret_error, "%s: %s", what, strerror(-r));
        else
                *ret_error = TAKE_PTR(what);
        if (k < 0)
                *ret_error = NULL;

        return r;
}

/* The limit holds for the unit's own cgroup; a lone set has none that is its own. */
static bool has_limit(const VM *vm) {
        return vm->kind != VM_KIND_SET && vm->cgroup && world_has_limits(vm->world);
}

/*
 * What the cgroup's limit is with this quota of the VM. Machines that share a
 * unit share its limit, which then is the sum: each of them is held to its own
 * quota by its sets.
 */
static uint64_t limit_with(const VM *vm, uint32_t quota) {
        uint64_t limit = quota;
        const VM *other;

        TAILQ_FOREACH (other, &vm->life->control->world.vms, entries)
                if (vm_shares_cgroup(vm, other))
                        limit += other->policy.quota;

        return limit;
}

static bool cgroup_is_shared(const VM *vm) {
        const VM *other;

        TAILQ_FOREACH (other, &vm->life->control->world.vms, entries)
                if (vm_shares_cgroup(vm, other))
                        return true;

        return false;
}

/* What a failure with misc.max means: 0 if nothing, else r. */
static int limit_error(const VM *vm, int r, char **ret_error) {
        uint64_t id;

        if (!errno_is_gone(r))
                return explain(ret_error, r, "%s/misc.max", vm->cgroup);

        if (cgroup_get_id(vm->life->control->root, vm->cgroup, &id) < 0) {
                log_debug("Cgroup %s is gone.", vm->cgroup);
                return 0;
        }

        /* VMs elsewhere are limited by their sets. */
        if (!slice_watch_covers(vm->life->control->slices, vm->cgroup))
                return 0;

        (void) explain(ret_error, 0, "the misc controller is not enabled for %s", vm->cgroup);
        return -EOPNOTSUPP;
}

/* Somebody may want to know what writing changed. */
static void note_set(
        const VM *vm, uint64_t id, const char *attribute, bool known, uint32_t before, uint32_t now) {
        char what[sizeof("set 18446744073709551615 watermark")];

        if (!known || before == now)
                return;

        snprintf(what, sizeof(what), "set %" PRIu64 " %s", id, attribute);
        change_list_note_number(vm->life->control->recording, vm, what, before, now);
}

static int write_set(const VM *vm, const Set *set, const PolicyResult *policy, char **ret_error) {
        const char *root = vm->life->control->root;
        bool recording = vm->life->control->recording, known;
        uint64_t id = set->kernel.id;
        uint32_t before = 0;
        int r;

        known = recording && sysfs_set_read_quota(root, id, &before) >= 0;
        r = sysfs_set_write_quota(root, id, policy->quota);
        if (r < 0 && !errno_is_gone(r))
                return explain(ret_error, r, "quota of set %" PRIu64, id);
        note_set(vm, id, "quota", known && r >= 0, before, policy->quota);

        known = recording && sysfs_set_read_watermark(root, id, &before) >= 0;
        r = sysfs_set_write_watermark(root, id, policy->watermark);
        if (r < 0 && !errno_is_gone(r))
                return explain(ret_error, r, "watermark of set %" PRIu64, id);
        note_set(vm, id, "watermark", known && r >= 0, before, policy->watermark);

        return 0;
}

static int write_limit(const VM *vm, const PolicyResult *policy, char **ret_error) {
        uint64_t limit = limit_with(vm, policy->quota);
        Control *control = vm->life->control;
        MiscValues before;
        int r;

        r = cgroup_set_limit(control->root, vm->cgroup, limit, &before);
        if (r < 0)
                return limit_error(vm, r, ret_error);

        change_list_note_limit(control->recording, vm, NULL, vm->cgroup, &before, limit);

        return 0;
}

/* Goes on after a failure: the more places have the quota, the better. Returns the first failure. */
static int write_all(const VM *vm, const PolicyResult *policy, char **ret_error) {
        Set *set;
        int r, ret = 0;

        if (has_limit(vm))
                ret = write_limit(vm, policy, ret_error);

        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                r = write_set(vm, set, policy, ret_error);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}

/* failed: it should be in force, and is not because of an error. error is taken over. */
static void set_force(VM *vm, bool in_force, bool failed, char *error) {
        LogContext context = vm_log_context(vm, NULL);

        if (vm->in_force == in_force && streq(strempty(vm->error), strempty(error))) {
                free(error);
                return;
        }

        context.quota = vm->policy.quota;
        context.quota_known = true;
        if (failed) {
                context.message_id = MESSAGE_QUOTA_NOT_APPLIED;
                log_context(vm->log_level == LOG_DEBUG ? LOG_DEBUG : LOG_WARNING, &context,
                        "Quota %" PRIu32 " of VM %s is not in force: %s.", vm->policy.quota, vm->name,
                        strempty(error));
        } else if (in_force && !vm->in_force)
                log_context(vm->log_level, &context, "Quota %" PRIu32 " of VM %s is in force.",
                        vm->policy.quota, vm->name);

        vm->in_force = in_force;
        free(vm->error);
        vm->error = error;
        vm_queue_changes(vm, VM_CHANGED_FORCE);
}

/* What is known after all was written or looked at. error is taken over. */
static void judge_force(VM *vm, int r, char *error) {
        vm->failed = r < 0;
        if (r < 0) {
                set_force(vm, false, true, error);
                limit_retry_failed(vm->life->control->retry, LIMIT_KIND_VM);
                return;
        }

        free(error);
        if (!world_has_limits(vm->world))
                set_force(vm, true, false, NULL); /* there is nothing to have */
        else if (vm->state == VM_RESERVED)
                set_force(vm, false, false, strdup("not running yet"));
        else if (vm->kind == VM_KIND_MACHINE && !vm->cgroup && vm->n_sets == 0)
                set_force(vm, false, false, strdup("its cgroup is not known yet"));
        else
                set_force(vm, true, false, NULL);
}

/* What came with the default, and goes with it, is told of once, for all of them. */
static bool follows_default(const PolicyResult *before, const PolicyResult *now) {
        return before->source == QUOTA_SOURCE_DEFAULT && now->source == QUOTA_SOURCE_DEFAULT;
}

static void quota_has_changed(VM *vm, uint32_t previous, bool in_ring) {
        const char *source = quota_source_to_string(vm->policy.source);
        const EventDetail details[] = {
                { .name = "previous", .type = 'u', .number = previous },
                { .name = "quota", .type = 'u', .number = vm->policy.quota },
                { .name = "source", .type = 's', .text = source },
        };
        LogContext context;

        if (in_ring) {
                events_add(vm->life->control, EVENT_QUOTA_CHANGED,
                        &(EventFacts) { .level = vm->log_level,
                                .vm = vm,
                                .details = details,
                                .n_details = ELEMENTSOF(details) },
                        "Quota of VM %s is %" PRIu32 " now (%s), it was %" PRIu32 ".", vm->name,
                        vm->policy.quota, source, previous);
                return;
        }

        context = vm_log_context(vm, MESSAGE_QUOTA_SET);
        context.quota = vm->policy.quota;
        context.quota_known = true;
        log_context(vm->log_level, &context, "Quota of VM %s is %" PRIu32 " (%s).", vm->name,
                vm->policy.quota, source);
}

static void take_policy(VM *vm, const PolicyResult *policy) {
        const PolicyResult before = vm->policy;
        bool in_ring = vm->policy_known && !follows_default(&before, policy);
        bool changed = vm->policy.quota != policy->quota || vm->policy.source != policy->source;

        DefaultSource default_source;

        (void) world_default_quota(vm->world, &default_source);

        /* A rule may have moved to another line, the default may be set elsewhere. */
        if (changed || vm->policy.rule != policy->rule ||
                (policy->source == QUOTA_SOURCE_DEFAULT && vm->default_source != default_source))
                vm_queue_changes(vm, VM_CHANGED_QUOTA);
        if (vm->policy.watermark != policy->watermark)
                vm_queue_changes(vm, VM_CHANGED_WATERMARK);

        vm->policy = *policy;
        vm->default_source = default_source;
        if (!changed && vm->policy_known)
                return;
        vm->policy_known = true;
        quota_has_changed(vm, before.quota, in_ring);
}

static void on_limit_written(CgroupWatchEvent event, const char *child, void *userdata) {
        vm_limit_written(userdata);
}

/* Only what somebody writes raises an event in cgroupfs, our own writing included. */
static void watch_limit(VM *vm) {
        int r;

        if (vm->life->limit_watch)
                return;

        r = cgroup_subscribe(vm->life->control->cgroup_watch, CGROUP_WATCH_LIMIT, vm->cgroup,
                on_limit_written, vm, &vm->life->limit_watch);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot watch the limit of VM %s: %m", vm->name);
}

void vm_apply(VM *vm) {
        VMOverrides overrides;
        PolicyResult policy;
        char *error = NULL;
        int r;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        /* Somebody else's value is left in place for as long as nothing new is to be there. */
        if (policy.quota != vm->policy.quota || policy.watermark != vm->policy.watermark)
                vm->foreign = false;
        take_policy(vm, &policy);

        if (has_limit(vm))
                watch_limit(vm);
        if (vm->foreign)
                return;

        r = write_all(vm, &vm->policy, &error);
        judge_force(vm, r, error);
}

void vms_apply(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                vm_apply(vm);
}

bool vms_apply_failed(Control *control) {
        bool ok = true;
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries) {
                if (vm->failed && !vm->foreign)
                        vm_apply(vm);
                if (vm->failed && !vm->foreign)
                        ok = false;
        }

        return ok;
}

void vm_apply_cgroup(Control *control, const char *unit_path) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (streq_ptr(vm->cgroup, unit_path))
                        vm_apply(vm);
}

void vm_apply_set(VM *vm, Set *set) {
        char *error = NULL;
        int r;

        /* Success here does not mend what failed elsewhere. */
        r = write_set(vm, set, &vm->policy, &error);
        if (!vm->foreign && (r < 0 || !vm->failed))
                judge_force(vm, r, error);
        else
                free(error);
}

static void foreign_change(VM *vm, const char *what, uint64_t value);

/* Has a line of misc.max another value than it should? */
static bool find_foreign_limit(const VM *vm, const char **ret_what, uint64_t *ret_value) {
        MiscResource resource;
        MiscValues limits;

        if (!has_limit(vm) || cgroup_get_limits(vm->life->control->root, vm->cgroup, &limits) < 0 ||
                !world_limits_differ(vm->world, &limits, limit_with(vm, vm->policy.quota), &resource))
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

void vm_cgroup_gone(VM *vm) {
        vm->cgroup_id = 0;
        vm->foreign = false;
        vm->life->limit_watch = cgroup_subscription_free(vm->life->limit_watch);
}

void vm_cgroup_reappeared(VM *vm) {
        uint64_t id;

        if (cgroup_get_id(vm->life->control->root, vm->cgroup, &id) < 0 || id == vm->cgroup_id)
                return;

        log_debug("Cgroup %s of VM %s is another one now.", vm->cgroup, vm->name);
        vm->cgroup_id = id;
        vm->foreign = false;
        vm->life->limit_watch = cgroup_subscription_free(vm->life->limit_watch);
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

        if (has_limit(vm)) {
                r = cgroup_get_limits(root, vm->cgroup, &limits);
                if (r < 0)
                        ret = limit_error(vm, r, &error);
                else if (misc_values_differ(&limits, limit_with(vm, vm->policy.quota), &resource)) {
                        ret = -ESTALE;
                        explain(&error, 0, "%s/%s has another value", vm->cgroup, misc_max_name(resource));
                }
        }

        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                r = sysfs_set_read_quota(root, set->kernel.id, &quota);
                if (r < 0 && !errno_is_gone(r))
                        ret = explain(&error, r, "quota of set %" PRIu64, set->kernel.id);
                else if (r >= 0 && quota != vm->policy.quota) {
                        ret = -ESTALE;
                        explain(&error, 0, "set %" PRIu64 " has quota %" PRIu32, set->kernel.id, quota);
                }
        }

        judge_force(vm, ret, TAKE_PTR(error));
        return vm->in_force ? 0 : ret < 0 ? ret : -EAGAIN;
}

void vm_take_back(VM *vm) {
        char *error = NULL;
        int r;

        r = write_all(vm, &vm->policy, &error);
        if (r < 0) {
                LogContext context = vm_log_context(vm, MESSAGE_QUOTA_NOT_APPLIED);

                log_context(LOG_ERR, &context, "Cannot give VM %s its old quota back: %s", vm->name,
                        strempty(error));
        }

        /* It is everywhere now, or not in force. */
        vm->foreign = false;
        judge_force(vm, r, error);
}

OverrideResult vm_change_overrides(
        VM *vm, const VMOverrides *overrides, PolicyResult *ret_policy, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        PolicyResult policy;
        int r;

        vm_resolve(vm, overrides, NULL, &policy);
        r = write_all(vm, &policy, &error);
        if (r < 0) {
                vm_take_back(vm);
                if (asprintf(ret_error, "The kernel did not take the quota of VM %s: %s", vm->name,
                            strempty(error)) < 0)
                        *ret_error = NULL;
                return OVERRIDE_NOT_APPLIED;
        }

        r = state_store_set_overrides(
                vm->life->control->store, vm->key, vm->name, &overrides->runtime, &overrides->persistent);
        if (r < 0) {
                vm_take_back(vm);
                if (asprintf(ret_error, "The override could not be saved: %s", strerror(-r)) < 0)
                        *ret_error = NULL;
                return OVERRIDE_NOT_SAVED;
        }

        vm->foreign = false;
        take_policy(vm, &policy);
        judge_force(vm, 0, NULL);
        *ret_policy = policy;
        return OVERRIDE_DONE;
}

int vm_try_overrides(VM *vm, char **ret_error) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        return write_all(vm, &policy, ret_error);
}

void vm_take_overrides(VM *vm) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        vm->foreign = false;
        take_policy(vm, &policy);
        judge_force(vm, 0, NULL);
        /* What was tried had the other VMs' old quotas in the limit. */
        if (vm->cgroup && cgroup_is_shared(vm))
                vm_apply_cgroup(vm->life->control, vm->cgroup);
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
        set_force(vm, false, false, error);
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
        if (action == FOREIGN_CHANGE_ADOPT && is_limit(what) && cgroup_is_shared(vm))
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

        if (!has_limit(vm) || cgroup_get_limits(vm->life->control->root, vm->cgroup, &limits) < 0)
                return;

        if (world_limits_differ(vm->world, &limits, limit_with(vm, vm->policy.quota), &resource))
                foreign_change(vm, misc_max_name(resource), limits.value[resource]);
        else
                foreign_is_gone(vm);
}
