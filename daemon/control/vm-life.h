/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup-watch.h"
#include "control.h"
#include "vm.h"

/* How a VM begins and ends, and what is known of its unit and cgroup. */

/* What the control layer keeps of a VM: watches, timers, limits of its log records. */
struct VMLife {
        Control *control;

        sd_event_source *reservation_timeout;
        unsigned n_extensions; /* of the reservation */

        CgroupSubscription *limit_watch; /* misc.max */
        CgroupSubscription *gone_watch;  /* the directory above a unit's cgroup */

        RateLimit limit_log, watermark_log, foreign_log;
        uint64_t refusals_untold; /* since the last event about one */
        uint64_t refreshed;       /* the event loop's iteration in which the sets' counters were read */
};

/* vm_new() for the daemon: also takes up the VM's counters. The bus learns of it by vm_announce(). Errors as vm_new(). */
int vm_create(Control *control, VMKind kind, const char *uuid, const char *key, const char *name, VM **ret);

/* Has the bus told, unless it was. */
void vm_announce(VM *vm);

/* The VM has ended: logs that, has the bus told and frees it. Its sets are left without a VM. */
void vm_remove(VM *vm, const char *why);

/* The same without a word, for a VM that was never announced, or when the daemon ends. */
void vm_discard(VM *vm);

/* Each takes effect on policy with the next vm_apply(). */
/* NULL: it has none now. The cgroup is another one with another machine. */
int vm_set_machine(VM *vm, const char *machine, const char *unit, uint32_t leader);
/* -EBADMSG for a path that cannot be shown. */
int vm_set_cgroup(VM *vm, const char *unit_path);

/* Is nothing left that the VM lives by? */
bool vm_is_finished(const VM *vm);
