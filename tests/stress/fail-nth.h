/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the files of fail-nth. */

#include "attach-lib.h"
#include "vfio-lib.h"

typedef struct State {
        const Groups *groups;
        Netlink nl;
        int container, group;
        /* The set of this process, if it has one. */
        uint64_t id;
        uint32_t pasid;
        int extra;

        /* For attached PASIDs: two page tables of the device. */
        int iommufd;
        uint32_t ioas, page_tables[2];
        AttachDevice device;
} State;

typedef struct Counts {
        PasidInfo info;
        uint64_t misc, misc_attached, allocated, attached, peak, denied, quota, watermark;
} Counts;

typedef struct Case {
        const char *name;
        /* Called before each attempt. */
        int (*prepare)(State *s);
        int (*run)(State *s);
        /* Checks the state after RUN returned R. Prints and counts the differences. */
        int (*check)(State *s, int r, const Counts *before, const Counts *after);
        void (*finish)(State *s);
        bool set;
        /* Uses mediated devices, because the IOMMU core warns if an allocation fails while a device leaves a container. */
        bool mdev;
        /* Each attempt runs in a new process, because the kernel makes the set of a process only once. */
        bool fresh;
} Case;

/* Prints that a counter has the wrong value after an operation returned R. Returns 1. */
int complain(const char *what, int r, uint64_t value, uint64_t expected);

/* Returns 0 if R is success or one of the two errors; otherwise prints it and returns 1. */
int check_errno(int r, int a, int b);

/* Checks that exactly D more PASIDs are allocated, in the counters of the set, the IOMMU core and the cgroup. Returns the number of
 * differences. */
int check_held(int r, const Counts *before, const Counts *after, int d);

/* ---- fail-nth-attach.c ---- */

/* Opens a device for the cases below. -EOPNOTSUPP if the kernel does not count attached PASIDs. */
int attach_prepare(State *s);
void attach_finish(State *s);
const Case *attach_cases_get(size_t *ret_n);
