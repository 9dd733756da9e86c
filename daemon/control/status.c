/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "set.h"
#include "state-store.h"
#include "status.h"

const char *control_state(const Control *control) {
        return control->world.capacity > 0 ? "running" : "idle";
}

char *control_status(const Control *control) {
        _cleanup_free_ char *problems = state_store_describe_problems(control->store);
        size_t unmatched = 0;
        char *status;
        Set *set;
        int r;

        if (!problems)
                return NULL;
        if (!control->world.kernel_present)
                return strdup("Starting");
        if (control->world.capacity == 0)
                return asprintf(&status, "No PASID-capable IOMMU on this host; %s%s",
                               control->world.counts_attached ? "only attached PASIDs are limited" : "idle",
                               problems) < 0
                               ? NULL
                               : status;

        TAILQ_FOREACH (set, &control->world.sets, entries)
                if (!set->vm)
                        unmatched++;

        if (unmatched > 0)
                r = asprintf(&status,
                        "VMs: %zu, sets: %zu (%zu not assigned to a VM yet), PASIDs: %" PRIu32 "%s",
                        control->world.n_vms, control->world.n_sets, unmatched, control->world.capacity,
                        problems);
        else
                r = asprintf(&status, "VMs: %zu, sets: %zu, PASIDs: %" PRIu32 "%s", control->world.n_vms,
                        control->world.n_sets, control->world.capacity, problems);

        return r < 0 ? NULL : status;
}
