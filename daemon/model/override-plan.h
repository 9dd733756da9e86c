/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"
#include "slice-limit.h"
#include "vm.h"

/*
 * What a change to overrides means: which VMs and slices it concerns, what
 * will hold for them, and which numbers of the kernel have to change for that.
 * Worked out from the world as it is, of which nothing changes. Pure.
 */

typedef struct PlannedVM {
        VM *vm;
        PolicyResult policy;
} PlannedVM;

/* One number of a VM in the kernel. */
typedef struct PlannedWrite {
        const VM *vm;
        Limit *limit;
        uint64_t value;
} PlannedWrite;

typedef struct PlannedSlice {
        const char *name; /* the list's; the world need not know the slice yet */
        uint32_t limit;   /* LIMIT_NONE for none */
        SliceSource source;
} PlannedSlice;

typedef struct OverridePlan {
        PlannedVM *vms;
        size_t n_vms;
        PlannedWrite *writes; /* of VMs; of one that shares its cgroup with others the limit is the new sum */
        size_t n_writes;
        PlannedSlice *slices;
        size_t n_slices;
        bool default_concerned;
        uint32_t default_quota; /* that will hold, whether or not it is concerned */
} OverridePlan;

/*
 * The list must have been sorted and compared. Of a list that is "asked" all
 * keys are concerned, else those that something changes of. The plan is good
 * until VMs, sets or the list change. -ENOMEM.
 */
int override_plan_new(const World *w, const OverrideList *list, OverridePlan **ret);

/* Returns NULL. */
OverridePlan *override_plan_free(OverridePlan *plan);
DEFINE_CLEANUP_FUNC(OverridePlan *, override_plan_free, override_plan_freep);
