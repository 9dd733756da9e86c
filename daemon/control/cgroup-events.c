/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-events.h"
#include "cgroup-path.h"
#include "cgroup-watch.h"
#include "early-limit.h"
#include "limit-control.h"
#include "reconcile.h"
#include "slice-limits.h"
#include "slice-watch.h"
#include "vm-machine.h"
#include "vm-place.h"
#include "vm-quota.h"

static void on_unit_cgroup(const char *cgroup, void *userdata) {
        Control *control = userdata;
        VM *vm;

        VMS_FOREACH_IN_CGROUP (vm, &control->world, cgroup)
                vm_cgroup_reappeared(vm);
        vm_machine_cgroup_appeared(control, cgroup);
}

static void on_slice_cgroup(const char *cgroup, void *userdata) {
        slice_limit_appeared(userdata, cgroup);
}

static void on_controller_failed(void *userdata) {
        Control *control = userdata;

        limits_controller_failed(control);
}

/* Retries writes that failed because there was no misc.max. */
static void on_controller_enabled(void *userdata) {
        Control *control = userdata;

        limits_write_failed(control);
}

static void on_cgroup_gone(const char *cgroup, void *userdata) {
        Control *control = userdata;
        VM *vm;

        slice_limits_gone(control, cgroup);
        early_limits_gone(control, cgroup);
        TAILQ_FOREACH (vm, &control->world.vms, entries)
                if (vm->place.cgroup && cgroup_path_is_below(vm->place.cgroup, cgroup))
                        vm_cgroup_gone(vm);
}

/* Scans and compares everything. The end of units is not reported by any other source. */
static void on_cgroup_events_lost(void *userdata) {
        Control *control = userdata;

        if (control->slices)
                slice_watch_rescan(control->slices);
        vm_units_check(control);
        reconcile_begin(control, "events of cgroups may have been missed");
}

int cgroup_events_start(Control *control) {
        return cgroup_watch_new(
                control->event, control->root, on_cgroup_events_lost, control, &control->cgroup_watch);
}

const SliceWatchHandlers cgroup_events_slices = {
        .unit = on_unit_cgroup,
        .slice = on_slice_cgroup,
        .gone = on_cgroup_gone,
        .enable_failed = on_controller_failed,
        .enabled_late = on_controller_enabled,
};
