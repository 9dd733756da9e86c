/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"
#include "slice-limit.h"
#include "vm.h"

/*
 * The consequences of a change to overrides: the VMs and slices that it affects,
 * their new quotas, and the numbers to write to the kernel. Does not change the
 * World. Pure.
 */

typedef struct PlannedVM {
        VM *vm;
        PolicyResult policy;
} PlannedVM;

/* One number of a VM in the kernel. */
typedef struct PlannedWrite {
        VM *vm;
        Limit *limit;
        uint64_t value;
} PlannedWrite;

typedef struct PlannedSlice {
        const char *name; /* owned by the list; the World may not have the slice yet */
        uint32_t limit;   /* LIMIT_NONE: no limit */
        SliceSource source;
} PlannedSlice;

typedef struct OverridePlan {
        const OverrideList *list;
        PlannedVM *vms;
        size_t n_vms;
        PlannedWrite *writes; /* VMs' numbers; misc.max of a shared cgroup is the new sum */
        size_t n_writes;
        PlannedSlice *slices;
        size_t n_slices;
        bool default_affected;
        uint32_t default_quota; /* after the change, also if it is not affected */
} OverridePlan;

/*
 * Makes a plan with the slices alone. The list must have been sorted and
 * compared, and must outlive the plan. Keys without a change are planned only
 * if the list says write_unchanged. Returns 0 or -ENOMEM.
 */
int override_plan_new(const World *w, const OverrideList *list, OverridePlan **ret);

/*
 * Adds the VMs and the default quota. Must be called once, and after the
 * slices of the plan were written: a slice that is watched for the first time
 * can add VMs, remove them, and give them a cgroup. What this adds is valid
 * until VMs or sets change. Returns 0 or -ENOMEM.
 */
int override_plan_add_vms(const World *w, OverridePlan *plan);

/* Returns NULL. */
OverridePlan *override_plan_free(OverridePlan *plan);
DEFINE_CLEANUP_FUNC(OverridePlan *, override_plan_free, override_plan_freep);
