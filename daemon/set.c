/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <search.h>

#include "bus-call.h"
#include "set.h"
#include "vm-machine.h"

static int compare_ids(const void *a, const void *b) {
        const Set *x = a, *y = b;

        return x->kernel.id < y->kernel.id ? -1 : x->kernel.id > y->kernel.id;
}

Set *set_find(Manager *m, uint64_t id) {
        const Set wanted = { .kernel.id = id };
        Set **found;

        found = tfind(&wanted, &m->sets_by_id, compare_ids);
        return found ? *found : NULL;
}

Set *set_get(Manager *m, const KernelSet *kernel) {
        Set *set;

        set = set_find(m, kernel->id);
        if (!set) {
                set = calloc(1, sizeof(*set));
                if (!set) {
                        log_oom();
                        return NULL;
                }

                set->manager = m;
                set->kernel.id = kernel->id;
                if (!tsearch(set, &m->sets_by_id, compare_ids)) {
                        free(set);
                        log_oom();
                        return NULL;
                }
                TAILQ_INSERT_TAIL(&m->sets, set, entries);
                m->n_sets++;
                manager_queue_changes(m, MANAGER_CHANGED_STATUS);
        }

        set->kernel = *kernel;
        return set;
}

void set_forget_question(Set *set) {
        set->question = bus_call_free(set->question);
        free(TAKE_PTR(set->unit));
        free(TAKE_PTR(set->unit_path));
        if (set->match == SET_MATCH_ASKING)
                set->match = SET_MATCH_WAITING;
}

void set_free(Set *set) {
        if (set->vm)
                vm_remove_set(set->vm, set);

        set_forget_question(set);
        (void) tdelete(set, &set->manager->sets_by_id, compare_ids);
        TAILQ_REMOVE(&set->manager->sets, set, entries);
        set->manager->n_sets--;
        free(set);
}

void set_remove(Set *set) {
        Manager *m = set->manager;
        VM *vm = set->vm;

        if (vm) {
                vm->gone_denied += set->kernel.denied;
                vm->gone_peak += set->kernel.peak;
        }

        set_free(set);
        manager_queue_changes(m, MANAGER_CHANGED_STATUS);

        if (vm && vm->unregistered)
                (void) vm_machine_check_unregistered(vm);
        else if (vm && vm_is_finished(vm))
                vm_remove(vm, "its last set is gone");

        /* It may have been the last one that was asked about. */
        manager_check_ready(m);
}
