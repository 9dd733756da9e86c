/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine-info.h"
#include "question.h"

/*
 * The machines of systemd-machined: requests the list at first and whenever
 * machined comes back, and follows its signals. Never blocks, and does not start
 * machined after it has exited because there were no machines.
 */
typedef struct Machined Machined;

typedef struct MachinedHandlers {
        void (*list_requested)(
                void *userdata);       /* the list was requested; it will have all machines of this moment */
        void (*begin)(void *userdata); /* the list has arrived; appeared() follows for each machine in it … */
        void (*end)(void *userdata);   /* … and then this: machines not in the list are gone */

        /* There is a VM that is identified by its UUID. May be called again for the same machine. */
        void (*appeared)(const MachineInfo *info, void *userdata);
        void (*removed)(const char *machine, void *userdata);
        void (*not_vm)(
                const char *unit, void *userdata); /* the machine in this unit is root's and not a VM */

        void (*idle)(void *userdata);        /* no query is pending any more */
        void (*absent)(void *userdata);      /* machined does not exist, so there are no machines */
        void (*unavailable)(void *userdata); /* no answer; will be retried */
        void (*back)(void *userdata);        /* machined has come back */
} MachinedHandlers;

/*
 * To be called for each new connection, which calls has. Requests the list. handlers must outlive the object. Returns 0 or
 * a negative errno.
 */
int machined_new(BusCalls *calls, const MachinedHandlers *handlers, void *userdata, Machined **ret);
Machined *machined_free(Machined *d);

/* Requests the list again if machined runs. end(), absent() or unavailable() is called afterwards. */
void machined_list_again(Machined *d);

/* Is a list or a query pending? */
bool machined_is_busy(const Machined *d);

/*
 * Asks whether a process belongs to a machine. If there is no answer, the list
 * is requested again. Returns 0 or a negative errno: -ENOTCONN if d is NULL.
 */
int machined_ask_pid(Machined *d, uint32_t pid, QuestionHandler handler, void *userdata, Question **ret);
