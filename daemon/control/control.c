/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "adopt.h"
#include "bus-calls.h"
#include "cgroup-events.h"
#include "cgroup-watch.h"
#include "cgroup.h"
#include "config-place.h"
#include "control.h"
#include "counting.h"
#include "default-quota.h"
#include "early-limit.h"
#include "event-log.h"
#include "events.h"
#include "kernel-events.h"
#include "kernel-source.h"
#include "limit-control.h"
#include "log.h"
#include "machine-events.h"
#include "machined.h"
#include "overrides.h"
#include "reconcile.h"
#include "set-life.h"
#include "set-match.h"
#include "slice-limits.h"
#include "slice-watch.h"
#include "state-store.h"
#include "systemd-watch.h"
#include "vm-life.h"
#include "vm-machine.h"
#include "vm-limits.h"
#include "vm-reserve.h"

static bool enable_controller(Control *control) {
        return slice_watch_enable_failed(control->slices);
}

static const LimitsHandlers limits = {
        .ops = {
                [LIMIT_DEFAULT_QUOTA] = &default_quota_ops,
                [LIMIT_SLICE] = &slice_limit_ops,
                [LIMIT_SCOPE] = &early_limit_ops,
                [LIMIT_VM] = &vm_limit_ops,
                [LIMIT_SET_QUOTA] = &set_quota_ops,
                [LIMIT_SET_WATERMARK] = &set_watermark_ops,
        },
        .adopt = adopt_value,
        .enable_controller = enable_controller,
};

static void on_systemd_changed(const char *reason, void *userdata) {
        reconcile_begin(userdata, reason);
}

static const ControlHooks hooks = {
        .slices = &cgroup_events_slices,
        .unit_gone = vm_unit_check,
        .cgroup_known = set_match_adopt,
        .sets_may_match = set_match_waiting,
        .start_overdue = vm_start_overdue,
};

int control_new(sd_event *event, const char *root, ConfigPlace *place, Config *config, BusCalls *calls,
        const ControlHandlers *handlers, void *userdata, Control **ret) {
        _cleanup_(control_freep) Control *control = NULL;
        int r;

        control = calloc(1, sizeof(*control));
        if (!control) {
                config_free(config);
                return -ENOMEM;
        }

        world_init(&control->world, handlers->changed, userdata);
        TAILQ_INIT(&control->early_limits);
        limit_init(&control->default_quota.limit, LIMIT_DEFAULT_QUOTA);
        control->event = sd_event_ref(event);
        control->place = place;
        control->config = config;
        control->world.config = config;
        control->peers.calls = calls;
        control->hooks = &hooks;
        control->handlers = handlers;
        control->userdata = userdata;
        control->root = strdup(root);
        control->store = calloc(1, sizeof(*control->store));
        if (!control->root || !control->store)
                return -ENOMEM;

        r = matching_new(&control->matching);
        if (r >= 0)
                r = limits_new(control, &limits, &control->limits);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(control);
        return 0;
}

Control *control_free(Control *control) {
        VM *vm;

        if (!control)
                return NULL;

        control_connection_lost(control);
        overrides_free(control->overrides);
        while (!TAILQ_EMPTY(&control->world.sets))
                set_discard(TAILQ_FIRST(&control->world.sets));
        while ((vm = TAILQ_FIRST(&control->world.vms)))
                vm_discard(vm);

        reconcile_free(control);
        slice_limits_free(control);
        early_limits_free(control);
        slice_watch_free(control->slices);
        cgroup_watch_free(control->cgroup_watch);
        kernel_source_free(control->kernel);
        limit_done(&control->default_quota.limit);
        limits_free(control->limits);
        matching_free(control->matching);
        counting_free(control->counting);
        event_log_free(control->events);
        if (control->store)
                state_store_done(control->store);
        free(control->store);
        config_free(control->config);
        world_done(&control->world);
        sd_event_unref(control->event);
        free(control->root);
        free(control);
        return NULL;
}

int control_prepare(Control *control) {
        int r;

        r = state_store_load(control->store, control->root, &control->world.state);
        if (r < 0)
                return r;

        r = cgroup_events_start(control);
        if (r < 0)
                return log_error_errno(r, "Cannot watch the cgroups: %m");

        r = overrides_new(control, &control->overrides);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the disk writer: %m");

        r = events_set_up(control);
        if (r >= 0)
                r = counting_new(control->root, &control->counting);
        if (r < 0)
                return log_oom();

        r = vm_restore_reservations(control);
        if (r < 0)
                return log_error_errno(r, "Cannot restore reservations: %m");

        return 0;
}

int control_start(Control *control, PassedSockets *sockets) {
        int r;

        r = kernel_events_start(control, sockets);
        if (r < 0)
                return log_error_errno(r, "Cannot query the kernel's PASID sets: %m");

        return 0;
}

int control_connected(Control *control) {
        int r;

        control->world.machines = MACHINES_UNKNOWN;
        r = systemd_watch_new(
                control->peers.calls, on_systemd_changed, control, &control->peers.systemd_watch);
        if (r >= 0)
                r = machine_events_start(control);

        return r;
}

void control_connection_ready(Control *control) {
        if (control->world.ready)
                reconcile_begin(control, "the bus is back");
}

void control_connection_lost(Control *control) {
        Set *set;

        control->peers.machined = machined_free(control->peers.machined);
        control->peers.systemd_watch = systemd_watch_free(control->peers.systemd_watch);
        reconcile_forget_caller(control);
        TAILQ_FOREACH (set, &control->world.sets, entries)
                set_forget_question(set);
}

void control_connection_unavailable(Control *control) {
        machine_events_set_state(control, MACHINES_UNAVAILABLE);
}
