/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event-log.h"
#include "macro.h"

/*
 * Counters that are kept across restarts of the daemon, as a text file in /run,
 * so that metrics never decrease. Pure; counter-store.h has the file.
 */

/* Values last read. They count for a set that ends while the daemon does not run. */
typedef struct CountersSet {
        uint64_t id;
        uint64_t start_time; /* of its process, in clock ticks since boot; 0: saved by a version without it */
        uint64_t denied;
        uint32_t peak;
} CountersSet;

typedef struct CountersVM {
        char uuid[UUID_STRING_SIZE];
        uint64_t gone_denied, gone_peak; /* of sets that have ended */
        CountersSet *sets;
        size_t n_sets;
} CountersVM;

typedef struct Counters {
        uint64_t resyncs;
        uint64_t events[_EVENT_TYPE_MAX];
        CountersVM *vms;
        size_t n_vms;
} Counters;

/* Makes counters with all values 0. Returns 0 or -ENOMEM. */
int counters_new(Counters **ret);
Counters *counters_free(Counters *c);
DEFINE_CLEANUP_FUNC(Counters *, counters_free, counters_freep);

/* Adds an entry with all values 0. Returns 0 or -ENOMEM. *ret is valid until the next one is added. */
int counters_add_vm(Counters *c, const char *uuid, CountersVM **ret);
int counters_add_set(CountersVM *vm, const CountersSet *set);

CountersVM *counters_find_vm(const Counters *c, const char *uuid);

/* Is the saved set the one with this id whose process started at this time? */
bool counters_set_is(const CountersSet *set, uint64_t id, uint64_t start_time);

/* Formats the text of the file. The caller frees *ret. Returns 0 or -ENOMEM. */
int counters_format(const Counters *c, char **ret);

/*
 * Parses the text of the file. Lines of an unknown kind are skipped, because a
 * newer version may have written them. Returns 0, -EBADMSG if the text or its
 * version is invalid, or -ENOMEM. The caller frees *ret.
 */
int counters_parse(const char *text, Counters **ret);
