/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine-info.h"
#include "question.h"

/*
 * Machines as systemd-machined has them: the list at first and whenever
 * machined comes back, then what it announces. Never waits for it, and does
 * not wake it when it has gone for lack of machines.
 */
typedef struct Machined Machined;

typedef struct MachinedHandlers {
        void (*asked)(void *userdata); /* the list is asked for: it will have all machines of now */
        void (*begin)(void *userdata); /* the list has come, and appeared() is called for each of it … */
        void (*end)(void *userdata);   /* … and this after them: what was not in it is gone */

        /* A machine that is a VM and goes by its UUID. May be called again for one that is known. */
        void (*appeared)(const MachineInfo *info, void *userdata);
        void (*removed)(const char *machine, void *userdata);
        void (*no_vm)(const char *unit, void *userdata); /* root's machine in this unit is not a VM */

        void (*idle)(void *userdata);        /* machined is not asked about any machine any more */
        void (*absent)(void *userdata);      /* there is no machined, and so there are no machines */
        void (*unavailable)(void *userdata); /* no answer; it is asked again later */
        void (*back)(void *userdata);        /* machined has come back */
} MachinedHandlers;

/* For a connection that has just been made, which calls has. Asks for the list. handlers must last. */
int machined_new(BusCalls *calls, const MachinedHandlers *handlers, void *userdata, Machined **ret);
Machined *machined_free(Machined *d);

/* Asks for the list again, if machined runs. end(), absent() or unavailable() is called when that is done. */
void machined_list_again(Machined *d);

/* Is it being asked for the properties of a machine? */
bool machined_is_asking(const Machined *d);

/*
 * Asks whether a process belongs to a machine. UNANSWERED: machined is asked
 * for its list again then. d: NULL gives -ENOTCONN.
 */
int machined_ask_pid(Machined *d, uint32_t pid, QuestionHandler handler, void *userdata, Question **ret);
