/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event-log.h"
#include "macro.h"

struct EventLog {
        size_t size, first, n;
        uint64_t last;    /* sequence number of the newest */
        uint64_t dropped; /* sequence number of the newest event that is not in the ring */
        uint64_t counts[_EVENT_TYPE_MAX];
        Event ring[];
};

const char *event_type_to_string(EventType type) {
        static const char *const table[] = {
                [EVENT_QUOTA_EXCEEDED] = "quota-exceeded",
                [EVENT_WATERMARK_REACHED] = "watermark-reached",
                [EVENT_QUOTA_CHANGED] = "quota-changed",
                [EVENT_DEFAULT_QUOTA_CHANGED] = "default-quota-changed",
                [EVENT_SLICE_QUOTA_CHANGED] = "slice-quota-changed",
                [EVENT_FOREIGN_CHANGE] = "foreign-change",
                [EVENT_OVERCOMMITTED] = "overcommitted",
                [EVENT_RESYNC] = "resync",
        };

        _Static_assert(ELEMENTSOF(table) == _EVENT_TYPE_MAX, "each type has a name");
        return table[type];
}

int event_log_new(size_t size, uint64_t last_sequence, EventLog **ret) {
        EventLog *log;

        log = calloc(1, sizeof(EventLog) + size * sizeof(Event));
        if (!log)
                return -ENOMEM;

        log->size = size;
        log->last = log->dropped = last_sequence;
        *ret = log;
        return 0;
}

/* An event in the ring owns one block of memory, which begins with the details and also has the strings. */
static void clear(Event *event) {
        free((void *) event->details);
        *event = (Event) {};
}

EventLog *event_log_free(EventLog *log) {
        if (!log)
                return NULL;

        for (size_t i = 0; i < log->size; i++)
                clear(&log->ring[i]);
        free(log);
        return NULL;
}

static const char *put(char **at, const char *s) {
        char *copy = *at;

        if (!s)
                return NULL;

        *at = stpcpy(copy, s) + 1;
        return copy;
}

static size_t size_of(const char *s) {
        return s ? strlen(s) + 1 : 0;
}

static int copy_event(const Event *event, Event *ret) {
        size_t size = event->n_details * sizeof(EventDetail) + size_of(event->name) + size_of(event->message);
        EventDetail *details;
        char *at;

        for (size_t i = 0; i < event->n_details; i++)
                size += size_of(event->details[i].text);

        /* At least one byte, so that details is not NULL. */
        details = malloc(size + 1);
        if (!details)
                return -ENOMEM;

        at = (char *) (details + event->n_details);
        *ret = *event;
        ret->details = details;
        ret->name = put(&at, event->name);
        ret->message = put(&at, event->message);
        for (size_t i = 0; i < event->n_details; i++) {
                details[i] = event->details[i];
                details[i].text = put(&at, event->details[i].text);
        }

        return 0;
}

uint64_t event_log_add(EventLog *log, const Event *event) {
        Event copy;

        log->last++;
        log->counts[event->type]++;

        if (copy_event(event, &copy) < 0) {
                log->dropped = log->last;
                return log->last;
        }
        copy.sequence = log->last;

        if (log->n == log->size) {
                Event *oldest = &log->ring[log->first];

                if (log->dropped < oldest->sequence)
                        log->dropped = oldest->sequence;
                clear(oldest);
                log->first = (log->first + 1) % log->size;
                log->n--;
        }

        log->ring[(log->first + log->n++) % log->size] = copy;
        return log->last;
}

uint64_t event_log_last_sequence(const EventLog *log) {
        return log->last;
}

uint64_t event_log_count(const EventLog *log, EventType type) {
        return log->counts[type];
}

const Event *event_log_next(const EventLog *log, uint64_t since) {
        size_t low = 0, high = log->n;

        if (since > log->last)
                since = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (log->ring[(log->first + middle) % log->size].sequence > since)
                        high = middle;
                else
                        low = middle + 1;
        }

        return low < log->n ? &log->ring[(log->first + low) % log->size] : NULL;
}

bool event_log_missed(const EventLog *log, uint64_t since) {
        return since > 0 && (since < log->dropped || since > log->last);
}
