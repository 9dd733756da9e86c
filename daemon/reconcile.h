/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"
#include "misc-file.h"

/*
 * What should be against what is. Everything that may have changed unseen leads
 * here: lost events, systemd or machined coming back, somebody who asks.
 */

/* Why; in words for the log, NULL for somebody's method call. */
void reconcile_begin(Manager *m, const char *why);

/* The same for a method call, which is answered with what was changed once that is done. */
int reconcile_for(Manager *m, sd_bus_message *message);

/* Events were lost, and the list of sets is coming by itself. */
void reconcile_expect_sets(Manager *m);

/* A full list of sets has come; machines are known (or not to be had). */
void reconcile_sets_listed(Manager *m);
void reconcile_machines_listed(Manager *m);

/* Nobody waits for an answer any more. */
void reconcile_forget_messages(Manager *m);
void reconcile_free(Manager *m);

/* Does somebody want to know what is changed? Then what was there before is worth reading. */
bool reconcile_is_recording(const Manager *m);

/* Something was changed. Texts may be NULL. */
void reconcile_note(Manager *m, const char *kind, const char *id, const char *name, const char *what,
        const char *before, const char *after);
/* A number of a VM's set, or of a host-wide file (vm NULL). */
void reconcile_note_number(Manager *m, const VM *vm, const char *what, uint64_t before, uint64_t after);
/* misc.max of a VM, or (vm NULL) of a slice: each line that had another value. */
void reconcile_note_limit(Manager *m, const VM *vm, const char *slice, const char *cgroup,
        const MiscValues *before, uint64_t after);
