/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "event-log.h"
#include "set.h"
#include "vm.h"

/*
 * The daemon's events: each is a record in the journal and an entry in the
 * ring that Manager.ListEvents shows.
 */

/* Makes the ring. Sequence numbers go on from those of earlier runs. */
int events_set_up(Control *control);

/* The data of an event besides its message. */
typedef struct EventFacts {
        int level;    /* LOG_NOTICE, … */
        const VM *vm; /* NULL: not about a VM */
        const EventDetail *details;
        size_t n_details;
        const Set *set;       /* NULL: not about a set */
        const Caller *caller; /* who asked for it; NULL: nobody */
} EventFacts;

/* Adds an event. The caller must limit the rate of events that guests can cause. */
void events_add(Control *control, EventType type, const EventFacts *facts, const char *format, ...)
        _printf_(4, 5);
