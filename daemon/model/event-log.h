/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

/*
 * A ring of recent events: new events replace the oldest ones. Pure; events.h
 * has the daemon's log.
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

/* One detail of an event, an entry of its a{sv}. The caller of event_log_add() keeps name and text. */
typedef struct EventDetail {
        const char *name; /* string literal */
        char type;        /* 's', 'u', 't' */
        uint64_t number;
        const char *text;
} EventDetail;

#define EVENT_DETAILS_MAX 12U

typedef struct Event {
        uint64_t sequence;
        uint64_t usec; /* CLOCK_REALTIME */
        EventType type;
        char uuid[UUID_STRING_SIZE]; /* of the VM; empty: no VM */
        const char *name;            /* of the VM; NULL: no VM */
        const char *message;         /* one line */
        const EventDetail *details;
        size_t n_details;
} Event;

typedef struct EventLog EventLog;

/*
 * Makes a ring of size events. The first event gets the sequence number
 * last_sequence + 1. Returns 0 or -ENOMEM.
 */
int event_log_new(size_t size, uint64_t last_sequence, EventLog **ret);
EventLog *event_log_free(EventLog *log);

/*
 * Adds a copy of the event and returns its sequence number. The number is used
 * up even if there is no memory for the copy; the event then counts as one that
 * has left the ring.
 */
uint64_t event_log_add(EventLog *log, const Event *event);

uint64_t event_log_last_sequence(const EventLog *log);

/* Number of events of a type, including those that have left the ring. */
uint64_t event_log_count(const EventLog *log, EventType type);

/*
 * Returns the oldest event whose sequence number is above since, or NULL. If
 * since is above the last number, it is from another log: returns the oldest
 * event.
 */
const Event *event_log_next(const EventLog *log, uint64_t since);

/*
 * Could events after since have left the ring? Always false for 0, which means
 * "all events that are there". Always true for a number above the last one.
 */
bool event_log_missed(const EventLog *log, uint64_t since);
