/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit-control.h"
#include "log.h"
#include "set-life.h"
#include "vm-life.h"
#include "vm-limits.h"
#include "vm-machine.h"

static Set *create(Control *control, const KernelSet *kernel) {
        SetSearch *search;
        Set *set;

        search = calloc(1, sizeof(*search));
        set = search ? set_new(&control->world, kernel) : NULL;
        if (!set) {
                free(search);
                log_oom();
                return NULL;
        }

        search->control = control;
        set->search = search;
        world_queue_changes(&control->world, WORLD_CHANGED_STATUS);
        return set;
}

Set *set_get(Control *control, const KernelSet *kernel) {
        Set *set;

        set = set_find(&control->world, kernel->id);
        if (!set)
                return create(control, kernel);

        set->kernel = *kernel;
        return set;
}

void set_forget_question(Set *set) {
        SetSearch *search = set->search;

        search->question = question_free(search->question);
        free(TAKE_PTR(search->unit));
        free(TAKE_PTR(search->unit_path));
        if (set->match == SET_MATCH_ASKING)
                set->match = SET_MATCH_WAITING;
}

void set_discard(Set *set) {
        set_forget_question(set);
        limits_release(set->search->control, &set->quota);
        limits_release(set->search->control, &set->watermark);
        free(set->search);
        set_free(set);
}

void set_remove(Set *set) {
        World *w = set->world;
        VM *vm = set->vm;

        if (vm) {
                vm->gone.denied += set->kernel.denied;
                vm->gone.peak += set->kernel.peak;
        }

        set_discard(set);
        if (vm)
                vm_update_enforcement(vm);

        if (vm && vm->state == VM_RUNNING_UNREGISTERED)
                (void) vm_machine_check_unregistered(vm, NULL);
        else if (vm && vm_is_finished(vm))
                vm_remove(vm, "its last set is gone");

        /* This may have been the last unmatched set, whose match the status and readiness wait for. */
        world_queue_changes(w, WORLD_CHANGED_STATUS);
}
