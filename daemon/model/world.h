/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "changes.h"
#include "config.h"
#include "misc-file.h"
#include "state.h"

typedef struct Set Set;
typedef struct SliceLimit SliceLimit;
typedef struct VM VM;

/* The state of machined's list of machines. */
typedef enum MachinesState {
        MACHINES_UNKNOWN,     /* not requested yet, or the answer is pending */
        MACHINES_UNAVAILABLE, /* no bus, or no answer; retried later */
        MACHINES_LISTED,
} MachinesState;

/* The source of the default quota. */
typedef enum DefaultSource {
        DEFAULT_SOURCE_RUNTIME,
        DEFAULT_SOURCE_PERSISTENT,
        DEFAULT_SOURCE_CONFIG,
} DefaultSource;

/* "runtime", "persistent", "config" */
const char *default_source_to_string(DefaultSource source);

/* All data of the daemon: VMs, sets, slices, the kernel's data, the configuration and state in force. */
typedef struct World {
        TAILQ_HEAD(VMList, VM) vms;
        TAILQ_HEAD(SetList, Set) sets;
        TAILQ_HEAD(SliceLimitList, SliceLimit) slice_limits; /* parents before children */
        void *vms_by_uuid, *vms_by_place, *sets_by_id;       /* trees of tsearch(3) */
        size_t n_vms, n_sets;
        size_t n_other_machines; /* over all VMs, see other-machines.h */
        uint64_t last_vm_number;

        const Config *config;
        StateLayers state;

        uint32_t capacity;
        bool counts_attached; /* the kernel counts PASIDs attached through iommufd */
        bool kernel_present;  /* capacity has been read */
        bool sets_complete;   /* a dump of all sets has been processed */
        bool overcommitted;   /* the host is */
        bool ready;           /* readiness has been announced */
        MachinesState machines;
        uint64_t resyncs;

        Changes changes;
} World;

/* pending: see ChangesHandler. */
void world_init(World *w, ChangesHandler pending, void *userdata);

/* Frees the queued changes. The caller must have freed VMs, sets, slices, configuration and state. */
void world_done(World *w);

/* Does the kernel have a PASID resource to limit? If not, the misc controller has no lines for PASIDs. */
bool world_has_limits(const World *w);

/*
 * Has another process changed misc.max, which should have this limit in each line? A line that appeared, with its
 * resource, after pasidd wrote the file is not a foreign change. *ret_resource is the first line that was changed.
 */
bool world_limits_differ(
        const World *w, const MiscValues *limits, uint64_t limit, MiscResource *ret_resource);

/* The default quota in force. ret_source may be NULL. */
uint32_t world_default_quota(const World *w, DefaultSource *ret_source);

/* Are the sets, the machines, and the VM of each set known? */
bool world_is_reconciled(const World *w);
