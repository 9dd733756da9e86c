/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "counting.h"
#include "default-quota.h"
#include "events.h"
#include "exit-status.h"
#include "kernel-events.h"
#include "kernel-source.h"
#include "messages.h"
#include "reconcile.h"
#include "set-life.h"
#include "set-match.h"
#include "slice-limits.h"
#include "vm-life.h"
#include "vm-quota.h"

/* A guest can trigger any number of denials. */
#define LIMIT_LOG_INTERVAL_USEC  (UINT64_C(60000000))
#define LIMIT_LOG_BURST          3U
#define RESYNC_LOG_INTERVAL_USEC (UINT64_C(60000000))
#define RESYNC_LOG_BURST         1U

/* IOMMUs may register after the daemon has started, and with them the resource for attached PASIDs. */
static void check_capacity(Control *control) {
        CgroupCapacity now;
        bool more, attached;
        int r;

        r = cgroup_get_capacity(control->root, &now);
        if (r < 0)
                return;

        more = now.pasids != control->world.capacity && now.pasids != 0;
        attached = now.counts_attached && !control->world.counts_attached;
        if (!more && !attached)
                return;

        if (more) {
                log_info("PASIDs on this host: now %" PRIu32 ".", now.pasids);
                control->world.capacity = now.pasids;
        }
        if (attached) {
                log_info("The kernel now also limits the PASIDs attached through iommufd.");
                control->world.counts_attached = true;
        }
        slice_limits_apply(control);
        vms_apply(control, NULL);
        world_queue_changes(&control->world, WORLD_CHANGED_STATE | WORLD_CHANGED_STATUS);
}

/* The first call starts everything that needs sets. */
static int kernel_is_present(Control *control, uint32_t capacity) {
        bool first = !control->world.kernel_present;
        CgroupCapacity misc;
        int r;

        control->world.kernel_present = true;
        control->world.capacity = capacity;
        world_queue_changes(&control->world, WORLD_CHANGED_STATE | WORLD_CHANGED_STATUS);
        log_info("PASIDs on this host: %" PRIu32 "%s.", capacity,
                capacity > 0 ? "" : ", there is no PASID-capable IOMMU");
        control->world.counts_attached =
                cgroup_get_capacity(control->root, &misc) >= 0 && misc.counts_attached;
        if (control->world.counts_attached)
                log_info("The kernel also limits the PASIDs attached through iommufd.");

        default_quota_apply(control, false, NULL);

        if (!first) {
                slice_limits_apply(control);
                vms_apply(control, NULL);
                return 0;
        }

        r = slice_limits_update(control);
        if (r < 0)
                return log_oom();

        r = slice_limits_watch(control);
        if (r < 0)
                return r;
        slice_limits_announce(control, NULL);

        control->handlers->kernel_present(control->userdata);
        return 0;
}

static void on_present(const KernelInfo *info, void *userdata) {
        Control *control = userdata;

        if (kernel_is_present(control, info->capacity) < 0)
                (void) sd_event_exit(control->event, EXIT_FAILURE);
}

static void on_dump(const KernelSet *sets, size_t n_sets, void *userdata) {
        Control *control = userdata;
        Set *set, *next;

        check_capacity(control);

        TAILQ_FOREACH (set, &control->world.sets, entries)
                set->in_dump = false;

        for (size_t i = 0; i < n_sets; i++) {
                set = set_get(control, &sets[i]);
                if (set)
                        set->in_dump = true;
        }

        for (set = TAILQ_FIRST(&control->world.sets); set; set = next) {
                next = TAILQ_NEXT(set, entries);
                if (!set->in_dump)
                        set_remove(set);
        }

        if (!control->world.sets_complete)
                counting_sets_complete(control);
        set_match_waiting(control);

        /* Quotas may have been changed without an event: while the daemon did not run, or when events were lost. */
        if (control->world.sets_complete)
                reconcile_sets_complete(control);
        else
                TAILQ_FOREACH (set, &control->world.sets, entries)
                        if (set->vm)
                                vm_apply_set(set->vm, set);

        control->world.sets_complete = true;
        world_queue_changes(&control->world, 0);
}

static void on_set_add(Control *control, const KernelMessage *event) {
        Set *set;

        if (control->world.capacity == 0 || !control->world.counts_attached)
                check_capacity(control);

        set = set_get(control, &event->set);
        if (set)
                set_match(set);
}

static const char *limit_reason_to_text(KernelLimitReason reason, KernelCount count) {
        switch (reason) {

        case KERNEL_LIMIT_QUOTA:
                return "its quota is used up";

        case KERNEL_LIMIT_CGROUP:
                /* There is no capacity for attached PASIDs. */
                return count == KERNEL_COUNT_ATTACHED ? "the limit of its cgroup is used up"
                                                      : "the limit of its cgroup or the capacity is used up";

        case KERNEL_LIMIT_RANGE:
                return "no PASID in the requested range is free";

        case KERNEL_LIMIT_OTHER:
                break;
        }

        return "of a limit unknown to this version of pasidd";
}

/* Users can make any number of units and sets, so VMs beyond a limit (see vm-life.c) share one rate limit. */
static RateLimit *limit_of(VM *vm, RateLimit *own, RateLimit *shared) {
        return vm->log_level == LOG_DEBUG ? shared : own;
}

/*
 * Adds the last details of an event if it is about attached PASIDs. Returns the
 * number of added details.
 */
static size_t add_count(const KernelMessage *event, EventDetail details[static 2]) {
        if (event->count != KERNEL_COUNT_ATTACHED)
                return 0;

        details[0] = (EventDetail) { .name = "count", .type = 's', .text = "attached" };
        details[1] = (EventDetail) { .name = "attached", .type = 'u', .number = event->set.attached };
        return 2;
}

static void on_limit_hit(Set *set, const KernelMessage *event) {
        const char *reason = kernel_limit_reason_to_string(event->reason);
        bool attached = event->count == KERNEL_COUNT_ATTACHED;
        unsigned suppressed;
        VM *vm = set->vm;

        if (!vm)
                return;

        vm->life->control->handlers->denied(vm, event, vm->life->control->userdata);
        vm->life->denials_unreported += event->suppressed;

        if (!ratelimit_below(limit_of(vm, &vm->life->limit_log, &vm->life->control->log.many_denied),
                    control_now(vm->life->control), LIMIT_LOG_INTERVAL_USEC, LIMIT_LOG_BURST, &suppressed)) {
                vm->life->denials_unreported++;
                return;
        }

        EventDetail details[7] = {
                { .name = "set", .type = 't', .number = set->kernel.id },
                { .name = "reason", .type = 's', .text = reason },
                { .name = "allocated", .type = 'u', .number = event->set.allocated },
                { .name = "quota", .type = 'u', .number = event->set.quota },
                { .name = "suppressed", .type = 't', .number = vm->life->denials_unreported },
        };
        size_t n_details = 5 + add_count(event, details + 5);
        events_add(vm->life->control, EVENT_QUOTA_EXCEEDED,
                &(EventFacts) { .level = LOG_NOTICE,
                        .vm = vm,
                        .set = set,
                        .details = details,
                        .n_details = n_details },
                "VM %s was denied %s, because %s (%s %" PRIu32 ", quota %" PRIu32 "; %" PRIu64
                " more denials not reported individually).",
                vm->name, attached ? "the attach of a PASID" : "a PASID",
                limit_reason_to_text(event->reason, event->count), attached ? "attached" : "holds",
                attached ? event->set.attached : event->set.allocated, event->set.quota,
                vm->life->denials_unreported);
        vm->life->denials_unreported = 0;
}

static void watermark_reached(Set *set, const KernelMessage *event) {
        bool attached = event->count == KERNEL_COUNT_ATTACHED;
        unsigned suppressed;
        VM *vm = set->vm;

        if (!vm)
                return;

        vm->life->control->handlers->watermark_reached(vm, event, vm->life->control->userdata);

        if (!ratelimit_below(limit_of(vm, &vm->life->watermark_log, &vm->life->control->log.many_watermark),
                    control_now(vm->life->control), LIMIT_LOG_INTERVAL_USEC, LIMIT_LOG_BURST, &suppressed))
                return;

        EventDetail details[6] = {
                { .name = "set", .type = 't', .number = set->kernel.id },
                { .name = "allocated", .type = 'u', .number = event->set.allocated },
                { .name = "watermark", .type = 'u', .number = event->set.watermark },
                { .name = "suppressed", .type = 't', .number = suppressed },
        };
        size_t n_details = 4 + add_count(event, details + 4);
        events_add(vm->life->control, EVENT_WATERMARK_REACHED,
                &(EventFacts) {
                        .level = LOG_INFO, .vm = vm, .set = set, .details = details, .n_details = n_details },
                "VM %s %s %" PRIu32 " PASIDs, its watermark is %" PRIu32 " (%u similar events not reported).",
                vm->name, attached ? "has attached" : "holds",
                attached ? event->set.attached : event->set.allocated, event->set.watermark, suppressed);
}

static void on_watermark_hit(Set *set, const KernelSet *before, const KernelMessage *event) {
        bool counts[_KERNEL_COUNT_MAX];

        kernel_watermark_counts(before, &event->set, counts);
        for (KernelCount count = 0; count < _KERNEL_COUNT_MAX; count++) {
                KernelMessage message = *event;

                message.count = count;
                if (counts[count])
                        watermark_reached(set, &message);
        }
}

static void on_event(const KernelMessage *event, void *userdata) {
        Control *control = userdata;
        KernelSet before;
        Set *set;

        if (event->type == KERNEL_MESSAGE_OTHER)
                return;
        if (event->type == KERNEL_MESSAGE_SET_ADD) {
                on_set_add(control, event);
                return;
        }

        set = set_find(&control->world, event->set.id);
        if (!set) {
                log_debug("Event %i of unknown set %" PRIu64 ", ignoring.", (int) event->type, event->set.id);
                return;
        }
        before = set->kernel;
        set->kernel = event->set;

        switch (event->type) {

        case KERNEL_MESSAGE_SET_DEL:
                set_remove(set);
                return;

        case KERNEL_MESSAGE_QUOTA_CHANGE:
                if (set->vm)
                        (void) limits_look(control, &set->quota);
                return;

        case KERNEL_MESSAGE_LIMIT_HIT:
                on_limit_hit(set, event);
                return;

        case KERNEL_MESSAGE_WATERMARK_HIT:
                on_watermark_hit(set, &before, event);
                return;

        default:
                return;
        }
}

static void on_lost(const char *reason, void *userdata) {
        Control *control = userdata;
        unsigned suppressed;

        control->world.resyncs++;
        reconcile_expect_sets(control);
        if (!ratelimit_below(&control->log.resyncs, control_now(control), RESYNC_LOG_INTERVAL_USEC,
                    RESYNC_LOG_BURST, &suppressed))
                return;

        const EventDetail details[] = {
                { .name = "why", .type = 's', .text = reason },
                { .name = "suppressed", .type = 't', .number = suppressed },
        };
        events_add(control, EVENT_RESYNC,
                &(EventFacts) { .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                "Events from the kernel were lost (%s), reading all sets again (%u times not logged).",
                reason, suppressed);
}

static void on_failed(int error, void *userdata) {
        Control *control = userdata;

        if (error == -EOPNOTSUPP) {
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_NO_KERNEL_SUPPORT },
                        "This kernel lacks vfio_pasid (there is no module and no netlink family of that name), "
                        "which pasidd requires.");
                (void) sd_event_exit(control->event, PASIDD_EXIT_NO_KERNEL_SUPPORT);
                return;
        }

        log_error_errno(error, "Cannot get PASID sets from the kernel: %m");
        (void) sd_event_exit(control->event, EXIT_FAILURE);
}

int kernel_events_start(Control *control, PassedSockets *sockets) {
        static const KernelSourceHandlers handlers = {
                .present = on_present,
                .dump = on_dump,
                .event = on_event,
                .lost = on_lost,
                .failed = on_failed,
        };

        return isempty(control->root)
                       ? genl_source_new(control->event, sockets, &handlers, control, &control->kernel)
                       : scan_source_new(control->event, control->root, &handlers, control, &control->kernel);
}
