/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event-log.h"
#include "macro.h"

/*
 * What has been counted up to now, as it outlives the daemon: a text in /run.
 * Without it metrics would go backwards with each restart. Pure; see
 * counter-store.h for the file.
 */

/* As last seen. A set that ended while the daemon was down is counted on by this. */
typedef struct CountersSet {
        uint64_t id;
        uint64_t start_time; /* of its process, in clock ticks since boot; 0 if it was saved without */
        uint64_t denied;
        uint32_t peak;
} CountersSet;

typedef struct CountersVM {
        char uuid[UUID_STRING_SIZE];
        uint64_t gone_denied, gone_peak; /* of sets that are gone */
        CountersSet *sets;
        size_t n_sets;
} CountersVM;

typedef struct Counters {
        uint64_t resyncs;
        uint64_t events[_EVENT_TYPE_MAX];
        CountersVM *vms;
        size_t n_vms;
} Counters;

/* All at zero. -ENOMEM. */
int counters_new(Counters **ret);
Counters *counters_free(Counters *c);
DEFINE_CLEANUP_FUNC(Counters *, counters_free, counters_freep);

/* Adds an entry, empty but for the key. -ENOMEM. */
int counters_add_vm(Counters *c, const char *uuid, CountersVM **ret);
int counters_add_set(CountersVM *vm, const CountersSet *set);

CountersVM *counters_find_vm(const Counters *c, const char *uuid);

/* Whether a set that was saved is the one that has this id and whose process started then. */
bool counters_set_is(const CountersSet *set, uint64_t id, uint64_t start_time);

/* The caller frees *ret. */
int counters_format(const Counters *c, char **ret);

/*
 * -EBADMSG for what is not such a text, of this version. A line of a kind that
 * is not known is skipped, because a newer version may have written it.
 */
int counters_parse(const char *text, Counters **ret);
