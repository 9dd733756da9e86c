/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vm.h"

/*
 * Where VMs run. An index over all VMs of the world finds those of one cgroup, or of one unit, without looking at the others. To
 * keep it correct, nothing else writes VM's place.unit and place.cgroup.
 */

/*
 * Sets both; NULL: unknown. Copies the strings, which may be the present ones. The rest of the place stays. Returns 0, or -ENOMEM
 * with nothing changed.
 */
int vm_place_set(VM *vm, const char *unit, const char *cgroup);

/* Forgets both. Cannot fail. */
void vm_place_clear(VM *vm);

/* The first VM in the cgroup, in the order of creation, and the next one. cgroup may be NULL. */
VM *vm_first_in_cgroup(const World *w, const char *cgroup);
VM *vm_next_in_cgroup(const VM *vm);

#define VMS_FOREACH_IN_CGROUP(vm, w, cgroup)                                                                 \
        for ((vm) = vm_first_in_cgroup((w), (cgroup)); (vm); (vm) = vm_next_in_cgroup(vm))

/* The first VM of a machine in this unit whose cgroup is not known. */
VM *vm_find_without_cgroup(const World *w, const char *unit);

/* Are both machines in the same cgroup, so that misc.max applies to both? */
bool vm_shares_cgroup(const VM *vm, const VM *other);
