/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

/*
 * What happened lately, in a ring: the newest push out the oldest. Pure; see
 * events.h for the daemon's own.
 */

typedef enum EventType {
        EVENT_QUOTA_EXCEEDED,
        EVENT_WATERMARK_REACHED,
        EVENT_QUOTA_CHANGED,
        EVENT_DEFAULT_QUOTA_CHANGED,
        EVENT_SLICE_QUOTA_CHANGED,
        EVENT_FOREIGN_CHANGE,
        EVENT_OVERCOMMITTED,
        EVENT_RESYNC,
        _EVENT_TYPE_MAX,
} EventType;

/* "quota-exceeded" and so on, as in Manager.ListEvents. */
const char *event_type_to_string(EventType type);

/* One fact of an event, as a{sv} has it. name and a text that event_log_add() is given are the caller's. */
typedef struct EventDetail {
        const char *name; /* a literal */
        char type;        /* 's', 'u', 't' */
        uint64_t number;
        const char *text;
} EventDetail;

#define EVENT_DETAILS_MAX 12U

typedef struct Event {
        uint64_t sequence;
        uint64_t usec; /* CLOCK_REALTIME */
        EventType type;
        char uuid[UUID_STRING_SIZE]; /* of the VM; empty: none */
        const char *name;            /* of the VM; NULL: none */
        const char *message;         /* a line */
        const EventDetail *details;
        size_t n_details;
} Event;

typedef struct EventLog EventLog;

/*
 * A ring of so many. The first event's sequence number will be one above
 * last_sequence. -ENOMEM.
 */
int event_log_new(size_t size, uint64_t last_sequence, EventLog **ret);
EventLog *event_log_free(EventLog *log);

/*
 * Takes a copy of the event and gives it the next sequence number, which it
 * returns. That number is used up even without the memory for a copy: then the
 * event counts as one that has left the ring.
 */
uint64_t event_log_add(EventLog *log, const Event *event);

uint64_t event_log_last_sequence(const EventLog *log);

/* How many of a type there have been, those that have left the ring included. */
uint64_t event_log_count(const EventLog *log, EventType type);

/*
 * The oldest event after that sequence number; NULL when there is none. A
 * number that was never given out is of another time: then the oldest of all.
 */
const Event *event_log_next(const EventLog *log, uint64_t since);

/*
 * May there have been events after that number that are not in the ring any
 * more? Not for 0, which stands for all that there are; always for a number
 * that was never given out.
 */
bool event_log_missed(const EventLog *log, uint64_t since);
