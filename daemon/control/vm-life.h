/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup-watch.h"
#include "control.h"
#include "vm.h"

/* Creation and removal of VMs, and what is known of their unit and cgroup. */

/* Data of the control layer for a VM: watches, timers, rate limits. */
struct VMLife {
        Control *control;

        sd_event_source *reservation_timeout;
        unsigned n_extensions; /* of the reservation timeout */

        CgroupSubscription *limit_watch; /* misc.max */
        CgroupSubscription *gone_watch;  /* the directory above a unit's cgroup */

        RateLimit limit_log, watermark_log, foreign_log;
        uint64_t denials_unreported; /* since the last event about a denial */
        uint64_t refreshed;          /* the event loop's iteration in which the sets' counters were read */
};

/* Calls vm_new() and restores the VM's counters. The bus learns of the VM by vm_announce(). Errors as vm_new(). */
int vm_create(Control *control, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret);

/* Announces the VM on the bus, unless it has been announced. */
void vm_announce(VM *vm);

/* To be called when the VM has ended: logs that, announces it and frees the VM. Its sets stay without a VM. */
void vm_remove(VM *vm, const char *reason);

/* Frees the VM silently, if it was never announced, or for the shutdown. */
void vm_discard(VM *vm);

/* The next two do not update the policy, which vm_apply() does. They return 0 or a negative errno. */
/* machine is NULL if the VM has none any more. Drops the cgroup, which belonged to the previous machine. */
int vm_set_machine(VM *vm, const char *machine, const char *unit, uint32_t leader);
/* -EBADMSG if the path is not printable. */
int vm_set_cgroup(VM *vm, const char *unit_path);

/* Is there no machine, unit or set left for which the VM exists? */
bool vm_is_finished(const VM *vm);
