/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine-info.h"
#include "vm.h"

/*
 * systemd-machined identifies machines by name, and two machines can have the
 * same UUID: the scope of a VM's last run lingers, or a second libvirt runs a
 * copy. The youngest machine is the VM. The others are kept here; when the VM's
 * machine ends, the youngest of them takes its place. The hook announces VMs by
 * UUID, so the last announcement applies to whichever machine is the VM.
 */

struct OtherMachine {
        TAILQ_ENTRY(OtherMachine) entries;
        char *name;
        char *unit; /* may be NULL */
        uint32_t leader;
        uint64_t usec;
        bool in_list; /* seen in the list of machines that is being processed */
};

/* Adds or updates a machine, which must not be the VM's own. in_list: see OtherMachine. Returns 0 or -ENOMEM. */
int other_machines_add(VM *vm, const MachineInfo *info, bool in_list);

/* Removes the machine, if it is there. */
void other_machines_remove(VM *vm, const char *machine);

/* Removes the youngest machine and returns it, or NULL. The caller frees it with other_machine_free(). */
OtherMachine *other_machines_take(VM *vm);

/* Called before and after a full list of machines is processed. The latter removes machines that were not in it. */
void other_machines_begin(VM *vm);
void other_machines_end(VM *vm);

/* Is this the unit of any VM's other machine? */
bool other_machines_have_unit(const World *w, const char *unit);

OtherMachine *other_machine_free(OtherMachine *o);
