/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/queue.h>

#include "config.h"
#include "manager.h"

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
typedef struct SliceLimit {
        TAILQ_ENTRY(SliceLimit) entries;
        Manager *manager;
        char *name;
        char *cgroup;
        uint64_t cgroup_id; /* of the one that the limit was written to last; 0: none */
        uint32_t limit;     /* LIMIT_NONE for none */
        SliceSource source;
        bool in_force;
        char *error;  /* why not */
        bool failed;  /* because of an error of the kernel's */
        bool listed;  /* while they are gone through */
        bool foreign; /* somebody else's limit is left in place */
        bool overcommitted;
        uint32_t told_limit; /* by the last event about it */
        SliceSource told_source;
        CgroupSubscription *watch; /* of misc.max */
        sd_event_source *revert_holdoff;
        bool revert_again;
        RateLimit foreign_log;
} SliceLimit;

/* Brings the list to what configuration and overrides say. The limits are written by slice_limits_apply(). -ENOMEM. */
int slice_limits_update(Manager *m);
void slice_limits_apply(Manager *m);

/* Only those that are not in force because of an error. Returns true when there are none left. */
bool slice_limits_apply_failed(Manager *m);

/* Events for the limits that have changed since the last call, now that it is settled that they stay so. */
void slice_limits_tell(Manager *m);

/* As vm_reconcile(). */
void slice_limits_reconcile(Manager *m, bool asked);
void slice_limits_free(Manager *m);

/* Their names, for the slice watch; the strings stay the slices'. The caller frees the list. NULL when out of memory. */
char **slice_limits_names(Manager *m);

SliceLimit *slice_limit_find(Manager *m, const char *name);

/* The slice's cgroup has appeared, maybe anew. */
void slice_limit_appeared(Manager *m, const char *cgroup);

/* A cgroup is gone, with all below it. */
void slice_limits_gone(Manager *m, const char *cgroup);

/* Where the limit is said; the caller frees *ret. -ENOMEM. */
int slice_limit_origin(const SliceLimit *slice, char **ret);

/*
 * What is committed to VMs in the slice and below it, except one of them (or
 * NULL). The limit holds for each resource by itself, so this is the larger sum.
 */
uint64_t slice_committed(const Manager *m, const char *slice, const char *except_uuid);
uint64_t slice_limit_committed(const SliceLimit *slice);

/* The override of one layer; limit NULL for none. */
typedef struct SliceOverrides {
        const uint32_t *runtime;
        const uint32_t *persistent;
} SliceOverrides;

typedef enum SliceOverrideResult {
        SLICE_OVERRIDE_DONE,
        SLICE_OVERRIDE_NOT_APPLIED, /* the kernel refused */
        SLICE_OVERRIDE_NOT_SAVED,
} SliceOverrideResult;

/*
 * All or nothing, like vm_change_overrides(). A slice that does not exist at
 * present gets its limit when it comes. *ret_error is to be freed.
 */
SliceOverrideResult slice_change_overrides(
        Manager *m, const char *name, const SliceOverrides *overrides, char **ret_error);

/*
 * The same in steps, for a change that several slices are part of; the state has the new overrides already. The first
 * brings the list of slices to that: 0 or a negative errno. The second writes one limit: returns false when the kernel
 * refused, with *ret_error (to be freed). Afterwards slice_limits_tell(); or, with the old state,
 * slice_limits_refresh() and slice_limits_apply().
 */
int slice_limits_refresh(Manager *m);
bool slice_limit_try(Manager *m, const char *name, char **ret_error);

/* What would hold with these overrides. */
uint32_t slice_resolve(
        const Manager *m, const char *name, const SliceOverrides *overrides, SliceSource *ret_source);

/* The overrides as they are. The numbers are good until they change. */
SliceOverrides slice_get_overrides(const Manager *m, const char *name);
