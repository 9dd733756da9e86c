/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "macro.h"

/*
 * Keeps a source of events that precedes others in the event loop from starving
 * them, although any local user can keep it ready. The source keeps its priority
 * while it is soon found empty. Otherwise it gets SD_EVENT_PRIORITY_NORMAL, the
 * priority of callers, timers and signals, and sd-event serves equal priorities
 * in turn.
 */
typedef struct TurnTaking TurnTaking;

/* Gives the source this priority. */
typedef void (*TurnTakingHandler)(int64_t priority, void *userdata);

/*
 * priority: what the source has as long as it is soon empty. turns_max: how many
 * turns it may have before others have one. Returns 0 and an object that the
 * caller frees, or a negative errno.
 */
int turn_taking_new(sd_event *event, int64_t priority, unsigned turns_max, TurnTakingHandler set_priority,
        void *userdata, TurnTaking **ret);
TurnTaking *turn_taking_free(TurnTaking *t);
DEFINE_CLEANUP_FUNC(TurnTaking *, turn_taking_free, turn_taking_freep);

/* Does the source take turns with others now? */
bool turn_taking_is_shared(const TurnTaking *t);

/*
 * To be called once in each turn of the source. more: it has more than one turn
 * may take. Lowers the priority if there is more, or if the source has had its
 * turns; raises it again after a turn at the lower one that left nothing.
 */
void turn_taking_turn(TurnTaking *t, bool more);
