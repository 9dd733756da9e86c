/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup.h"
#include "set.h"
#include "sysfs.h"
#include "usage.h"
#include "vm-life.h"

static uint32_t clamp_u32(uint64_t value) {
        return value < UINT32_MAX ? (uint32_t) value : UINT32_MAX;
}

void vm_refresh_counters(VM *vm) {
        uint64_t iteration = 0;
        Set *set;

        (void) sd_event_get_iteration(vm->life->control->event, &iteration);
        if (iteration == vm->life->refreshed)
                return;
        vm->life->refreshed = iteration;

        TAILQ_FOREACH (set, &vm->sets, of_vm)
                (void) sysfs_set_refresh_counters(vm->life->control->root, &set->kernel);
}

void vm_refresh_sets(VM *vm) {
        Set *set;

        vm_refresh_counters(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm)
                (void) sysfs_set_refresh_limits(vm->life->control->root, &set->kernel);
}

void vm_read_counters(VM *vm, VMCounters *ret) {
        uint64_t allocated = 0, attached = 0, peak = vm->gone.peak, denied = vm->gone.denied, cgroup_peak;
        unsigned n_peaks = vm->gone.peak > 0;
        Set *set;

        vm_refresh_counters(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                allocated += set->kernel.allocated;
                attached += set->kernel.attached;
                peak += set->kernel.peak;
                n_peaks += set->kernel.peak > 0;
                denied += set->kernel.denied;
        }

        /* The sets may not have peaked at the same time, so the sum can be too high. The cgroup counts them together, but
         * can be too high as well, because it includes charges that an ancestor refused. */
        if (n_peaks > 1 && vm->place.cgroup && vm->kind != VM_KIND_SET &&
                cgroup_get_peak(vm->life->control->root, vm->place.cgroup, MISC_PASID, &cgroup_peak) >= 0 &&
                cgroup_peak < peak && cgroup_peak >= allocated)
                peak = cgroup_peak;

        *ret = (VMCounters) {
                .allocated = clamp_u32(allocated),
                .peak = clamp_u32(peak),
                .attached = clamp_u32(attached),
                .denied = denied,
        };
}

void control_refresh_counters(Control *control) {
        VM *vm;

        TAILQ_FOREACH (vm, &control->world.vms, entries)
                vm_refresh_counters(vm);
}

uint64_t control_read_current(const Control *control, MiscResource resource) {
        uint64_t value;

        return cgroup_get_current(control->root, "/", resource, &value) >= 0 ? value : 0;
}

uint32_t slice_read_allocated(const Control *control, const SliceLimit *slice) {
        uint64_t value;

        return cgroup_get_current(control->root, slice->cgroup, MISC_PASID, &value) >= 0 ? clamp_u32(value)
                                                                                         : 0;
}

uint32_t slice_read_peak(const Control *control, const SliceLimit *slice) {
        uint64_t value;

        return cgroup_get_peak(control->root, slice->cgroup, MISC_PASID, &value) >= 0 ? clamp_u32(value) : 0;
}
