/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "other-machines.h"

OtherMachine *other_machine_free(OtherMachine *o) {
        if (!o)
                return NULL;

        free(o->name);
        free(o->unit);
        free(o);
        return NULL;
}

static void remove_from(VM *vm, OtherMachine *o) {
        TAILQ_REMOVE(&vm->other_machines, o, entries);
        vm->world->n_other_machines--;
}

static void unlink_and_free(VM *vm, OtherMachine *o) {
        remove_from(vm, o);
        other_machine_free(o);
}

int other_machines_add(VM *vm, const MachineInfo *info, bool in_list) {
        OtherMachine *o;

        o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;

        o->name = strdup(info->name);
        o->unit = info->unit ? strdup(info->unit) : NULL;
        if (!o->name || (info->unit && !o->unit)) {
                other_machine_free(o);
                return -ENOMEM;
        }
        o->leader = info->leader;
        o->usec = info->usec;
        o->in_list = in_list;

        other_machines_remove(vm, info->name);
        TAILQ_INSERT_TAIL(&vm->other_machines, o, entries);
        vm->world->n_other_machines++;
        return 0;
}

void other_machines_remove(VM *vm, const char *machine) {
        OtherMachine *o;

        TAILQ_FOREACH (o, &vm->other_machines, entries)
                if (streq(o->name, machine)) {
                        unlink_and_free(vm, o);
                        return;
                }
}

OtherMachine *other_machines_take(VM *vm) {
        OtherMachine *o, *youngest = NULL;

        TAILQ_FOREACH (o, &vm->other_machines, entries)
                if (!youngest || o->usec > youngest->usec)
                        youngest = o;

        if (youngest)
                remove_from(vm, youngest);
        return youngest;
}

void other_machines_begin(VM *vm) {
        OtherMachine *o;

        TAILQ_FOREACH (o, &vm->other_machines, entries)
                o->in_list = false;
}

void other_machines_end(VM *vm) {
        OtherMachine *o, *next;

        for (o = TAILQ_FIRST(&vm->other_machines); o; o = next) {
                next = TAILQ_NEXT(o, entries);
                if (!o->in_list)
                        unlink_and_free(vm, o);
        }
}

bool other_machines_have_unit(const World *w, const char *unit) {
        const OtherMachine *o;
        const VM *vm;

        /* Called for every unit, and there are rarely any other machines. */
        if (w->n_other_machines == 0)
                return false;

        TAILQ_FOREACH (vm, &w->vms, entries)
                TAILQ_FOREACH (o, &vm->other_machines, entries)
                        if (streq_ptr(o->unit, unit))
                                return true;

        return false;
}
