/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cases of fail-nth about PASIDs that are attached through iommufd. The device is not opened or closed while allocations fail:
 * its power management is ACPI's, which uses memory after free then. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail-nth.h"

/* Most cases attach PASID 1. Some keep the PASIDs from CROWD on attached beside it. */
#define CROWD   2U
#define CROWD_N 100U

/* A page of VT-d's PASID table has this many entries (VT-d specification, 9.5). */
#define TABLE_PAGE 64U

static int expect(const char *what, int r) {
        if (r >= 0)
                return 0;
        printf("    %s: %s\n", what, strerror(-r));
        return 1;
}

/* Checks that exactly D more PASIDs are attached, in the counters of the set and of the cgroup. */
static int check_attached(int r, const Counts *before, const Counts *after, int d) {
        int bad = check_held(r, before, after, 0);

        if (after->attached != before->attached + (uint64_t) d)
                bad += complain("the set's attached", r, after->attached, before->attached + (uint64_t) d);
        if (after->misc_attached != before->misc_attached + (uint64_t) d)
                bad += complain(
                        "misc.current", r, after->misc_attached, before->misc_attached + (uint64_t) d);
        return bad;
}

static int crowd(State *s, int (*f)(State *s, uint32_t pasid)) {
        int r = 0;

        for (uint32_t i = 0; i < CROWD_N && r >= 0; i++)
                r = f(s, CROWD + i);
        return r;
}

static int attach_one(State *s, uint32_t pasid) {
        return pasid_attach(&s->device, s->page_tables[0], pasid);
}

static int detach_one(State *s, uint32_t pasid) {
        return pasid_detach(&s->device, pasid);
}

/* ---- attach ---- */

static int prepare_detached(State *s) {
        (void) pasid_detach(&s->device, 1);
        s->pasid = 1;
        return 0;
}

/* Chooses a PASID whose page of the PASID table does not exist yet. */
static int prepare_page(State *s) {
        static uint32_t pasid = 4 * TABLE_PAGE;

        pasid += TABLE_PAGE;
        s->pasid = pasid;
        return 0;
}

static int run_attach(State *s) {
        return attach_one(s, s->pasid);
}

static int check_attach(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_errno(r, ENOMEM, EFAULT);

        bad += check_attached(r, before, after, r >= 0 ? 1 : 0);
        if (after->denied != before->denied)
                bad += complain("denied", r, after->denied, before->denied);
        /* A second attach to the same page table is a replacement, and is allowed. */
        bad += expect("the next attach", attach_one(s, s->pasid));
        return bad;
}

static void finish_attach(State *s) {
        (void) pasid_detach(&s->device, s->pasid);
}

static int prepare_crowd(State *s) {
        (void) pasid_detach(&s->device, 1);
        s->pasid = 1;
        return crowd(s, attach_one);
}

static void finish_crowd(State *s) {
        finish_attach(s);
        (void) crowd(s, detach_one);
}

static int prepare_full(State *s) {
        int r = prepare_crowd(s);

        return r < 0 ? r : sysfs_set_write(s->id, "quota", CROWD_N);
}

static int check_refused(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_attached(r, before, after, 0);

        if (r == -EDQUOT && after->denied != before->denied + 1)
                bad += complain("denied", r, after->denied, before->denied + 1);
        if (r != -EDQUOT && r != -EFAULT && r != -ENOMEM) {
                printf("    a full set answers %s\n", r < 0 ? strerror(-r) : "success");
                bad++;
        }
        return bad;
}

static void finish_full(State *s) {
        (void) sysfs_set_write(s->id, "quota", PASID_CAPACITY);
        finish_crowd(s);
}

/* ---- replace and detach ---- */

static int prepare_attached(State *s) {
        s->pasid = 1;
        return attach_one(s, 1);
}

static int run_replace(State *s) {
        return pasid_attach(&s->device, s->page_tables[1], 1);
}

static int check_replace(State *s, int r, const Counts *before, const Counts *after) {
        /* If the number of the page table cannot be written back, the kernel detaches the PASID. */
        int d = r == -EFAULT && after->attached < before->attached ? -1 : 0;

        return check_errno(r, ENOMEM, EFAULT) + check_attached(r, before, after, d) +
               expect("the next replacement", pasid_attach(&s->device, s->page_tables[1], 1));
}

static int run_detach(State *s) {
        return pasid_detach(&s->device, 1);
}

static int check_detach(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, EFAULT, EFAULT) + check_attached(r, before, after, r >= 0 ? -1 : 0) +
               expect("the next attach", attach_one(s, 1));
}

/* ---- page tables and devices ---- */

static int run_page_table(State *s) {
        return page_table_alloc(s->iommufd, s->ioas, &s->device, &s->pasid);
}

static int check_page_table(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_errno(r, ENOMEM, EFAULT) + check_attached(r, before, after, 0);

        if (r >= 0)
                bad += expect("destroying the page table", iommufd_destroy(s->iommufd, s->pasid));
        return bad;
}

static int device_setup(State *s) {
        int r;

        r = cdev_bind(&s->device, s->iommufd);
        for (size_t i = 0; i < ELEMENTSOF(s->page_tables) && r >= 0; i++)
                r = page_table_alloc(s->iommufd, s->ioas, &s->device, s->page_tables + i);
        return r < 0 ? r : pasid_attach(&s->device, s->page_tables[0], 0);
}

static const Case cases[] = {
        { "attach", prepare_detached, run_attach, check_attach, finish_attach, true },
        { "attach in a new page", prepare_page, run_attach, check_attach, finish_attach, true },
        { "attach among many", prepare_crowd, run_attach, check_attach, finish_crowd, true },
        { "attach over the quota", prepare_full, run_attach, check_refused, finish_full, true },
        { "replace", prepare_attached, run_replace, check_replace, finish_attach, true },
        { "detach", prepare_attached, run_detach, check_detach, finish_attach, true },
        { "page table", prepare_detached, run_page_table, check_page_table, NULL, true },
};

const Case *attach_cases_get(size_t *ret_n) {
        *ret_n = ELEMENTSOF(cases);
        return cases;
}

int attach_prepare(State *s) {
        char addresses[2][16];
        uint64_t capacity;
        int n;

        if (misc_read_resource(NULL, "misc.capacity", "pasid_attach", &capacity) < 0)
                return -EOPNOTSUPP;
        /* The container uses the first device. */
        n = devices_find(addresses, ELEMENTSOF(addresses));
        if (n < 2)
                return n < 0 ? n : -ENODEV;
        s->iommufd = iommufd_open(&s->ioas);
        if (s->iommufd < 0)
                return s->iommufd;
        s->device.fd = cdev_open(addresses[1]);
        return s->device.fd < 0 ? s->device.fd : device_setup(s);
}

void attach_finish(State *s) {
        if (s->device.fd >= 0)
                close(s->device.fd);
        close(s->iommufd);
        s->device.fd = s->iommufd = -1;
}
