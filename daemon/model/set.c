/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>

#include "set.h"
#include "vm.h"

static int compare_ids(const void *a, const void *b) {
        const Set *x = a, *y = b;

        return x->kernel.id < y->kernel.id ? -1 : x->kernel.id > y->kernel.id;
}

Set *set_find(const World *w, uint64_t id) {
        const Set wanted = { .kernel.id = id };
        Set **found;

        found = tfind(&wanted, &w->sets_by_id, compare_ids);
        return found ? *found : NULL;
}

Set *set_new(World *w, const KernelSet *kernel) {
        Set *set;

        set = calloc(1, sizeof(*set));
        if (!set)
                return NULL;

        set->world = w;
        set->kernel = *kernel;
        limit_init(&set->quota, LIMIT_SET_QUOTA);
        limit_init(&set->watermark, LIMIT_SET_WATERMARK);
        if (!tsearch(set, &w->sets_by_id, compare_ids)) {
                free(set);
                return NULL;
        }
        TAILQ_INSERT_TAIL(&w->sets, set, entries);
        w->n_sets++;
        return set;
}

Set *set_free(Set *set) {
        if (set->vm)
                vm_remove_set(set->vm, set);

        (void) tdelete(set, &set->world->sets_by_id, compare_ids);
        TAILQ_REMOVE(&set->world->sets, set, entries);
        set->world->n_sets--;
        limit_done(&set->quota);
        limit_done(&set->watermark);
        free(set);
        return NULL;
}
