/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "misc-file.h"

/*
 * The unified cgroup hierarchy. Cgroups are named by their path relative to
 * its mount point, with a leading slash; root is "" or a test's directory.
 */

#define CGROUP_MOUNT "/sys/fs/cgroup"

/* Is the unified hierarchy mounted there? Always true below a test's root. Negative errno on failure. */
int cgroup_is_unified(const char *root);

/* Absolute file name of an attribute of a cgroup, or of the cgroup itself for NULL. NULL when out of memory. */
char *cgroup_file(const char *root, const char *cgroup, const char *attribute);

/*
 * Enables the misc controller for the children of a cgroup. It is never
 * disabled again: charges do not move, and others may use it. Returns 1 when
 * that changed something, 0 when it was enabled already; -EOPNOTSUPP when the
 * controller is not available in this cgroup.
 */
int cgroup_enable_misc(const char *root, const char *cgroup);

/* A process in the cgroup itself, not below. -ESRCH when there is none that is seen from here. */
int cgroup_get_process(const char *root, const char *cgroup, pid_t *ret);

/*
 * What the misc controller has of PASIDs on this host: how many numbers exist
 * system-wide, 0 for none; and does it count what is attached through iommufd?
 */
typedef struct CgroupCapacity {
        uint32_t pasids;
        bool counts_attached;
} CgroupCapacity;

int cgroup_get_capacity(const char *root, CgroupCapacity *ret);

/*
 * misc.current and misc.peak of one resource. -ENOENT when the cgroup does not
 * exist or the controller is not enabled for it; -ENODATA when the kernel does
 * not count this resource, or no PASID-capable IOMMU exists.
 */
int cgroup_get_current(const char *root, const char *cgroup, MiscResource resource, uint64_t *ret);
int cgroup_get_peak(const char *root, const char *cgroup, MiscResource resource, uint64_t *ret);

bool cgroup_exists(const char *root, const char *cgroup);

/* The cgroup's id as the kernel hands it out: the inode number of its directory. */
int cgroup_get_id(const char *root, const char *cgroup, uint64_t *ret);

/* Calls the handler with the id of the cgroup and of each one below. A negative result of it ends that. */
typedef int (*CgroupHandler)(uint64_t id, void *userdata);
int cgroup_walk(const char *root, const char *cgroup, CgroupHandler handler, void *userdata);

/* The InvocationID that systemd left on a unit's cgroup. -ENODATA when there is none that we may read. */
int cgroup_get_invocation_id(const char *root, const char *cgroup, sd_id128_t *ret);
