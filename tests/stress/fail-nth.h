/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of fail-nth share. */

#include "attach-lib.h"
#include "vfio-lib.h"

typedef struct State {
        const Groups *groups;
        Netlink nl;
        int container, group;
        /* Of this process, while it has a set. */
        uint64_t id;
        uint32_t pasid;
        int extra;

        /* For PASIDs that are attached: two page tables, both for the device. */
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
        /* Made anew for each attempt. */
        int (*prepare)(State *s);
        int (*run)(State *s);
        /* What must be true after RUN answered R; prints what is not. */
        int (*check)(State *s, int r, const Counts *before, const Counts *after);
        void (*finish)(State *s);
        bool set;
        /* Uses mediated devices: the IOMMU core itself warns when memory is missing while a device leaves a container. */
        bool mdev;
        /* Each attempt in a process of its own: the set of a process is made only once. */
        bool fresh;
} Case;

/* Prints that after an answer R something has another value. Returns 1. */
int complain(const char *what, int r, uint64_t value, uint64_t expected);

/* Whether R is success, or one of the two errors; 1 if not. */
int check_errno(int r, int a, int b);

/* Whether exactly D more PASIDs are held, by the set, the pool and the cgroup alike. Returns the number of differences. */
int check_held(int r, const Counts *before, const Counts *after, int d);

/* ---- fail-nth-attach.c ---- */

/* Opens a device for the cases below. -EOPNOTSUPP if the kernel does not count attached PASIDs. */
int attach_prepare(State *s);
void attach_finish(State *s);
const Case *attach_cases_get(size_t *ret_n);
