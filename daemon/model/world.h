/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "changes.h"
#include "config.h"
#include "misc-file.h"
#include "state.h"

typedef struct Set Set;
typedef struct SliceLimit SliceLimit;
typedef struct VM VM;

/* What there is to know about the machines that machined has. */
typedef enum MachinesKnown {
        MACHINES_UNKNOWN,     /* not asked yet, or the answer is under way */
        MACHINES_UNAVAILABLE, /* no bus, or no answer; asked again later */
        MACHINES_LISTED,
} MachinesKnown;

/* Who said which quota new sets and VMs without an own one get. */
typedef enum DefaultSource {
        DEFAULT_SOURCE_RUNTIME,
        DEFAULT_SOURCE_PERSISTENT,
        DEFAULT_SOURCE_CONFIG,
} DefaultSource;

/* "runtime", "persistent", "config" */
const char *default_source_to_string(DefaultSource source);

/* What the daemon knows: VMs, sets, slices, what the kernel has, and the configuration and state in force. Plain data. */
typedef struct World {
        TAILQ_HEAD(VMList, VM) vms;
        TAILQ_HEAD(SetList, Set) sets;
        TAILQ_HEAD(SliceLimitList, SliceLimit) slice_limits; /* parents before children */
        void *vms_by_uuid, *sets_by_id;                      /* trees of tsearch(3) */
        size_t n_vms, n_sets;
        size_t n_other_machines; /* of all VMs, see other-machines.h */
        uint64_t last_vm_number;

        const Config *config;
        StateLayers state;

        uint32_t capacity;
        bool counts_attached; /* the kernel counts what is attached through iommufd */
        bool kernel_present;  /* capacity is known */
        bool sets_listed;
        bool overcommitted; /* the host is */
        bool ready;         /* the daemon has said so */
        MachinesKnown machines;
        uint64_t resyncs;

        Changes changes;
} World;

/* pending: see Changes. */
void world_init(World *w, ChangesHandler pending, void *userdata);

/* Frees what is left in the lists of changes. VMs, sets, slices, configuration and state are their owners' to free, before. */
void world_done(World *w);

/* Is there anything that a quota or a slice limits? Else the misc controller has no lines for PASIDs. */
bool world_has_limits(const World *w);

/*
 * Has somebody else changed misc.max, which should have this limit in each line? A line that came after pasidd wrote the
 * file, with its resource, has been changed by nobody. *ret_resource is the first that was.
 */
bool world_limits_differ(
        const World *w, const MiscValues *limits, uint64_t limit, MiscResource *ret_resource);

/* The default quota in force, and who set it (may be NULL). */
uint32_t world_default_quota(const World *w, DefaultSource *ret_source);

/* Sets, machines, and which belongs to which: is all of that known? */
bool world_is_reconciled(const World *w);
