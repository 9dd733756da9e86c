/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit.h"
#include "world.h"

typedef struct SliceGuard SliceGuard;

/*
 * Limits of slices: misc.max of a slice's cgroup, which applies to all VMs in
 * the slice and below it together.
 */

/* The source of a slice's limit. */
typedef enum SliceSource {
        SLICE_SOURCE_RUNTIME,
        SLICE_SOURCE_PERSISTENT,
        SLICE_SOURCE_CONFIG,
        SLICE_SOURCE_NONE, /* no source: pasidd does not manage misc.max */
        _SLICE_SOURCE_MAX,
} SliceSource;

const char *slice_source_to_string(SliceSource source);

/* A slice that pasidd manages: it is in Slices=, has a [Slice] section, or has an override. */
struct SliceLimit {
        TAILQ_ENTRY(SliceLimit) entries;
        World *world;
        SliceGuard *guard; /* private data of control/slice-limits.c */
        char *name;
        char *cgroup;
        uint64_t cgroup_id; /* of the cgroup that the limit was last written to; 0: none */
        uint32_t limit;     /* LIMIT_NONE: no limit */
        SliceSource source;
        Limit misc_max; /* ABSENT: pasidd does not set misc.max */
        bool in_use;    /* mark for the removal of unused slices */
        bool overcommitted;
        uint32_t announced_limit; /* by the last event about the slice */
        SliceSource announced_source;
};

SliceLimit *slice_limit_find(const World *w, const char *name);

/* Adds a slice without a limit to the list. Returns 0, -EINVAL for an invalid slice name, or -ENOMEM. */
int slice_limit_new(World *w, const char *name, SliceLimit **ret);

/* Removes the slice and frees it. guard must have been freed. Returns NULL. */
SliceLimit *slice_limit_free(SliceLimit *slice);

/*
 * What is committed to VMs in the slice and below it, except one VM (or NULL).
 * The limit applies to each resource separately, so this is the larger sum.
 */
uint64_t slice_committed(const World *w, const char *slice, const char *except_uuid);
uint64_t slice_limit_committed(const SliceLimit *slice);

/* The overrides of a slice; NULL: no override in that layer. */
typedef struct SliceOverrides {
        const uint32_t *runtime;
        const uint32_t *persistent;
} SliceOverrides;

/* The limit that the slice would have with these overrides. ret_source may be NULL. */
uint32_t slice_resolve(
        const World *w, const char *name, const SliceOverrides *overrides, SliceSource *ret_source);

/* The current overrides. The pointers are valid until the state changes. */
SliceOverrides slice_get_overrides(const World *w, const char *name);
