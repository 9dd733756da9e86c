/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit.h"
#include "world.h"

typedef struct SliceGuard SliceGuard;

/*
 * Limits of slices: misc.max of a slice's cgroup, which holds for all VMs in
 * the slice and in those below it together.
 */

/* Who said which limit a slice has. */
typedef enum SliceSource {
        SLICE_SOURCE_RUNTIME,
        SLICE_SOURCE_PERSISTENT,
        SLICE_SOURCE_CONFIG,
        SLICE_SOURCE_NONE, /* nobody: what it has is not pasidd's affair */
        _SLICE_SOURCE_MAX,
} SliceSource;

const char *slice_source_to_string(SliceSource source);

/* A slice that pasidd looks after: of Slices=, with a [Slice] section, or with an override. */
struct SliceLimit {
        TAILQ_ENTRY(SliceLimit) entries;
        World *world;
        SliceGuard *guard; /* watch and timers of whoever sees to the limit */
        char *name;
        char *cgroup;
        uint64_t cgroup_id; /* of the one that the limit was written to last; 0: none */
        uint32_t limit;     /* LIMIT_NONE for none */
        SliceSource source;
        Limit misc_max; /* ABSENT: nobody wants one */
        bool listed;    /* while they are gone through */
        bool overcommitted;
        uint32_t told_limit; /* by the last event about it */
        SliceSource told_source;
};

SliceLimit *slice_limit_find(const World *w, const char *name);

/* Makes one without a limit, in its place in the list. -EINVAL for an invalid name of a slice, -ENOMEM. */
int slice_limit_new(World *w, const char *name, SliceLimit **ret);

/* guard must have been freed. */
SliceLimit *slice_limit_free(SliceLimit *slice);

/*
 * What is committed to VMs in the slice and below it, except one of them (or
 * NULL). The limit holds for each resource by itself, so this is the larger sum.
 */
uint64_t slice_committed(const World *w, const char *slice, const char *except_uuid);
uint64_t slice_limit_committed(const SliceLimit *slice);

/* The override of one layer; limit NULL for none. */
typedef struct SliceOverrides {
        const uint32_t *runtime;
        const uint32_t *persistent;
} SliceOverrides;

/* What would hold with these overrides. */
uint32_t slice_resolve(
        const World *w, const char *name, const SliceOverrides *overrides, SliceSource *ret_source);

/* The overrides as they are. The numbers are good until they change. */
SliceOverrides slice_get_overrides(const World *w, const char *name);
