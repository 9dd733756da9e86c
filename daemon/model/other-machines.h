/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine-info.h"
#include "vm.h"

/*
 * machined takes machines for different ones by their names; two can have the
 * same UUID: the scope of a VM's last run lingers, or a second libvirt runs a
 * copy. One of them is the VM, the youngest; these are the others, of which the
 * youngest is it when that ends. What the hook has told goes by the UUID, and
 * stays what it told last.
 */

struct OtherMachine {
        TAILQ_ENTRY(OtherMachine) entries;
        char *name;
        char *unit; /* may be NULL */
        uint32_t leader;
        uint64_t usec;
        bool listed; /* in the list of machines that is being gone through */
};

/* info: not the VM's own. May be told again. listed: is it in the present list? 0 or -ENOMEM. */
int other_machines_add(VM *vm, const MachineInfo *info, bool listed);

/* Does nothing if it is none of them. */
void other_machines_remove(VM *vm, const char *machine);

/* The youngest, taken from the VM, or NULL; for other_machine_free(). */
OtherMachine *other_machines_take(VM *vm);

/* Around a full list: what is not in it is gone. */
void other_machines_begin(VM *vm);
void other_machines_end(VM *vm);

/* Is it the unit of one of them, whichever VM's? */
bool other_machines_have_unit(const World *w, const char *unit);

OtherMachine *other_machine_free(OtherMachine *o);
