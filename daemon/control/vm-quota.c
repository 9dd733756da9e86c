/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdarg.h>

#include "cgroup.h"
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
#include "vm-write.h"

void vm_set_force(VM *vm, bool in_force, bool failed, char *error) {
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

void vm_judge_force(VM *vm, int r, char *error) {
        vm->failed = r < 0;
        if (r < 0) {
                vm_set_force(vm, false, true, error);
                limit_retry_failed(vm->life->control->retry, LIMIT_KIND_VM);
                return;
        }

        free(error);
        if (!world_has_limits(vm->world))
                vm_set_force(vm, true, false, NULL); /* there is nothing to have */
        else if (vm->state == VM_RESERVED)
                vm_set_force(vm, false, false, strdup("not running yet"));
        else if (vm->kind == VM_KIND_MACHINE && !vm->cgroup && vm->n_sets == 0)
                vm_set_force(vm, false, false, strdup("its cgroup is not known yet"));
        else
                vm_set_force(vm, true, false, NULL);
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
        VM *vm = userdata;

        vm->life->control->hooks->vm_limit_written(vm);
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

        if (vm_has_limit(vm))
                watch_limit(vm);
        if (vm->foreign)
                return;

        r = vm_write_all(vm, &vm->policy, &error);
        vm_judge_force(vm, r, error);
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
        r = vm_write_set(vm, set, &vm->policy, &error);
        if (!vm->foreign && (r < 0 || !vm->failed))
                vm_judge_force(vm, r, error);
        else
                free(error);
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

void vm_take_back(VM *vm) {
        char *error = NULL;
        int r;

        r = vm_write_all(vm, &vm->policy, &error);
        if (r < 0) {
                LogContext context = vm_log_context(vm, MESSAGE_QUOTA_NOT_APPLIED);

                log_context(LOG_ERR, &context, "Cannot give VM %s its old quota back: %s", vm->name,
                        strempty(error));
        }

        /* It is everywhere now, or not in force. */
        vm->foreign = false;
        vm_judge_force(vm, r, error);
}

OverrideResult vm_change_overrides(
        VM *vm, const VMOverrides *overrides, PolicyResult *ret_policy, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        PolicyResult policy;
        int r;

        vm_resolve(vm, overrides, NULL, &policy);
        r = vm_write_all(vm, &policy, &error);
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
        vm_judge_force(vm, 0, NULL);
        *ret_policy = policy;
        return OVERRIDE_DONE;
}

int vm_try_overrides(VM *vm, char **ret_error) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        return vm_write_all(vm, &policy, ret_error);
}

void vm_take_overrides(VM *vm) {
        VMOverrides overrides;
        PolicyResult policy;

        vm_get_overrides(vm, &overrides);
        vm_resolve(vm, &overrides, NULL, &policy);
        vm->foreign = false;
        take_policy(vm, &policy);
        vm_judge_force(vm, 0, NULL);
        /* What was tried had the other VMs' old quotas in the limit. */
        if (vm->cgroup && vm_cgroup_is_shared(vm))
                vm_apply_cgroup(vm->life->control, vm->cgroup);
}
