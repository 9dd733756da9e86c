/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Repeats each operation while its first, second, … allocation or user copy fails, until the operation makes no more of them. An
 * operation that fails must change nothing; one that succeeds must be complete. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail-nth.h"
#include "pasid-stress.h"

#define NTH_MAX 5000

static int nth_fd = -1;

static int nth_write(unsigned n) {
        char text[16];

        snprintf(text, sizeof(text), "%u", n);
        /* The injected failure can hit the user copy of this write. */
        for (unsigned i = 0; i < 3; i++)
                if (pwrite(nth_fd, text, strlen(text), 0) > 0)
                        return 0;
        return -errno;
}

/* Has the failure been injected since nth_write()? */
static bool nth_consumed(void) {
        char text[16] = "";
        ssize_t n;

        n = pread(nth_fd, text, sizeof(text) - 1, 0);
        (void) nth_write(0);
        /* The failure hit the user copy of this read. */
        if (n < 0)
                return false;
        return atoi(text) == 0;
}

static int nth_open(void) {
        /* By default, allocations that may sleep do not fail. Without a probability, nothing fails outside of this program. */
        static const char *const settings[][2] = {
                { "failslab/ignore-gfp-wait", "N" },
                { "failslab/cache-filter", "N" },
                { "failslab/verbose", "0" },
                { "fail_page_alloc/ignore-gfp-wait", "N" },
                { "fail_page_alloc/ignore-gfp-highmem", "N" },
                { "fail_page_alloc/min-order", "0" },
                { "fail_page_alloc/verbose", "0" },
                { "fail_usercopy/verbose", "0" },
        };

        nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
        if (nth_fd < 0)
                return -ENOENT;
        (void) run_command(
                (const char *const[]) { "mount", "-t", "debugfs", "none", "/sys/kernel/debug", NULL });
        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                char path[128];
                int r;

                snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
                r = file_write(path, settings[i][1]);
                if (r < 0)
                        printf("%s: %s\n", path, strerror(-r));
        }
        return 0;
}

static int counts_read(State *s, bool set, Counts *ret) {
        Counts c = {};
        int r;

        r = netlink_info(&s->nl, &c.info);
        if (r < 0)
                return r;
        (void) misc_read(NULL, "misc.current", &c.misc);
        (void) misc_read_resource(NULL, "misc.current", "pasid_attach", &c.misc_attached);
        if (set) {
                (void) sysfs_set_read(s->id, "allocated", &c.allocated);
                (void) sysfs_set_read(s->id, "attached", &c.attached);
                (void) sysfs_set_read(s->id, "peak", &c.peak);
                (void) sysfs_set_read(s->id, "denied", &c.denied);
                (void) sysfs_set_read(s->id, "quota", &c.quota);
                (void) sysfs_set_read(s->id, "watermark", &c.watermark);
        }
        *ret = c;
        return 0;
}

int complain(const char *what, int r, uint64_t value, uint64_t expected) {
        printf("    after %s: %s is %" PRIu64 ", not %" PRIu64 "\n", r < 0 ? strerror(-r) : "success", what,
                value, expected);
        return 1;
}

int check_held(int r, const Counts *before, const Counts *after, int d) {
        int bad = 0;

        if (after->allocated != before->allocated + (uint64_t) d)
                bad += complain("the set's allocated", r, after->allocated, before->allocated + (uint64_t) d);
        if (after->info.allocated != before->info.allocated + (uint32_t) d)
                bad += complain("allocated", r, after->info.allocated, before->info.allocated + (uint32_t) d);
        if (after->misc != before->misc + (uint64_t) d)
                bad += complain("misc.current", r, after->misc, before->misc + (uint64_t) d);
        return bad;
}

int check_errno(int r, int a, int b) {
        if (r >= 0 || r == -a || r == -b)
                return 0;
        printf("    unexpected %s\n", strerror(-r));
        return 1;
}

/* ---- cases with a set ---- */

static int prepare_hold(State *s, uint32_t n) {
        uint32_t pasids[VFIO_PASID_REQUEST_MAX], count;
        int r;

        r = pasid_free(s->container, 0, UINT32_MAX);
        for (; n > 0 && r >= 0; n -= count) {
                count = n < ELEMENTSOF(pasids) ? n : ELEMENTSOF(pasids);
                r = pasid_alloc_many(s->container, 1, PASID_LAST, count, pasids);
                s->pasid = pasids[count - 1];
        }
        return r;
}

static int prepare_none(State *s) {
        return prepare_hold(s, 0);
}

/* Allocates the first PASID of a new block of the IOMMU core, and sometimes of a new bitmap of the set. */
static int run_alloc_block(State *s) {
        static uint32_t block = 1000;

        block++;
        return pasid_alloc(s->container, block * 512, block * 512, &s->pasid);
}

static int prepare_some(State *s) {
        return prepare_hold(s, 700);
}

static int run_alloc(State *s) {
        return pasid_alloc(s->container, 1, PASID_LAST, &s->pasid);
}

static int check_alloc(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_errno(r, ENOMEM, EFAULT);

        bad += check_held(r, before, after, r >= 0 ? 1 : 0);
        if (after->denied != before->denied)
                bad += complain("denied", r, after->denied, before->denied);
        if (r < 0) {
                uint32_t pasid = 0;
                int k;

                /* A PASID whose allocation was undone can be allocated. */
                k = pasid_alloc(s->container, 1, PASID_LAST, &pasid);
                if (k < 0) {
                        printf("    the next allocation: %s\n", strerror(-k));
                        bad++;
                }
        }
        return bad;
}

static int run_alloc_far(State *s) {
        return pasid_alloc(s->container, 900000, PASID_LAST, &s->pasid);
}

static int check_alloc_far(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, ENOMEM, EFAULT) + check_held(r, before, after, r >= 0 ? 1 : 0);
}

/* Uses a range without blocks and bitmaps, so that the request fails after it has allocated some of the PASIDs. */
static int run_alloc_many(State *s) {
        static uint32_t far = 300000;
        uint32_t pasids[VFIO_PASID_REQUEST_MAX];

        far += 512;
        return pasid_alloc_many(s->container, far - 20, PASID_LAST, ELEMENTSOF(pasids), pasids);
}

static int check_alloc_many(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, ENOMEM, EFAULT) +
               check_held(r, before, after, r >= 0 ? VFIO_PASID_REQUEST_MAX : 0);
}

static int run_free(State *s) {
        return pasid_free(s->container, s->pasid, s->pasid);
}

static int check_free(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, EFAULT, EFAULT) + check_held(r, before, after, r >= 0 ? -1 : 0);
}

static int run_free_range(State *s) {
        return pasid_free(s->container, 0, UINT32_MAX);
}

static int check_free_range(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, EFAULT, EFAULT) + check_held(r, before, after, r >= 0 ? -700 : 0);
}

static int run_probe(State *s) {
        return pasid_probe(s->container, VFIO_PASID_REQUEST_ALLOC, 1, PASID_LAST);
}

static int check_unchanged(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, EFAULT, ENOMEM) + check_held(r, before, after, 0);
}

static int run_capability(State *s) {
        struct vfio_iommu_type1_info_cap_pasid cap;

        return pasid_capability(s->container, &cap);
}

static int prepare_full(State *s) {
        int r = prepare_hold(s, 10);

        return r < 0 ? r : sysfs_set_write(s->id, "quota", 10);
}

static void finish_full(State *s) {
        (void) sysfs_set_write(s->id, "quota", PASID_CAPACITY);
}

static int check_refused(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_held(r, before, after, 0);

        if (r == -EDQUOT && after->denied != before->denied + 1)
                bad += complain("denied", r, after->denied, before->denied + 1);
        if (r != -EDQUOT && r != -EFAULT) {
                printf("    a full set answers %s\n", r < 0 ? strerror(-r) : "success");
                bad++;
        }
        return bad;
}

static int prepare_watermark(State *s) {
        int r = prepare_hold(s, 10);

        if (r >= 0)
                r = sysfs_set_write(s->id, "watermark", 11);
        /* The kernel limits the rate of a set's events. */
        sleep_ms(150);
        return r;
}

static int check_watermark(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_errno(r, ENOMEM, EFAULT) + check_held(r, before, after, r >= 0 ? 1 : 0);
        uint64_t seq = before->info.seq + (r >= 0 ? 1 : 0);

        /* An event that cannot be sent still takes a number, so that listeners notice the gap. */
        if (after->info.seq != seq)
                bad += complain("the last event", r, after->info.seq, seq);
        return bad;
}

static void finish_watermark(State *s) {
        (void) sysfs_set_write(s->id, "watermark", 0);
}

static int run_quota(State *s) {
        return sysfs_set_write(s->id, "quota", 4242);
}

static int check_quota(State *s, int r, const Counts *before, const Counts *after) {
        uint64_t quota = r >= 0 ? 4242 : before->quota, seq = before->info.seq + (r >= 0 ? 1 : 0);
        int bad = check_errno(r, ENOMEM, EFAULT);

        /* If open() failed, nothing was written. */
        if (after->quota != quota)
                bad += complain("quota", r, after->quota, quota);
        if (after->info.seq != seq)
                bad += complain("the last event", r, after->info.seq, seq);
        return bad;
}

static int run_dump(State *s) {
        int r = netlink_dump(&s->nl, NULL, NULL);

        return r < 0 ? r : 0;
}

static int run_get(State *s) {
        PasidSet set;

        return netlink_set_get(&s->nl, s->id, &set);
}

static int run_info(State *s) {
        PasidInfo info;

        return netlink_info(&s->nl, &info);
}

static int check_netlink(State *s, int r, const Counts *before, const Counts *after) {
        int bad = 0;

        /* If the kernel cannot make a reply, the socket has an error; if it loses the reply, the receive times out. */
        if (r < 0 && r != -ENOMEM && r != -ENOBUFS && r != -EFAULT && r != -EAGAIN) {
                printf("    unexpected %s\n", strerror(-r));
                bad++;
        }
        return bad + check_held(r, before, after, 0);
}

/* After a failure, a late reply can arrive. A new socket does not receive it. */
static void finish_netlink(State *s) {
        struct timeval timeout = { .tv_sec = 2 };

        netlink_close(&s->nl);
        if (netlink_open(&s->nl) >= 0)
                (void) setsockopt(s->nl.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

static int run_fork(State *s) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0)
                _exit(0);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}

static int check_fork(State *s, int r, const Counts *before, const Counts *after) {
        return check_errno(r, ENOMEM, EAGAIN) + check_held(r, before, after, 0);
}

static int prepare_second(State *s) {
        s->extra = group_open(s->groups->numbers[s->groups->first_mdev]);
        return s->extra < 0 ? s->extra : 0;
}

static int run_second(State *s) {
        return group_attach(s->extra, s->container);
}

static int check_second(State *s, int r, const Counts *before, const Counts *after) {
        int bad = check_held(r, before, after, 0);

        if (after->info.sets != before->info.sets)
                bad += complain("sets", r, after->info.sets, before->info.sets);
        return bad;
}

static void finish_second(State *s) {
        close(s->extra);
        s->extra = -1;
}

/* ---- cases without a set ---- */

static void close_both(State *s) {
        if (s->group >= 0)
                close(s->group);
        if (s->container >= 0)
                close(s->container);
        s->group = s->container = -1;
}

static int prepare_attach(State *s) {
        int r;

        s->container = container_open();
        if (s->container < 0)
                return s->container;
        s->group = group_open(s->groups->numbers[s->groups->first_mdev]);
        if (s->group < 0)
                return s->group;
        r = group_attach(s->group, s->container);
        return r;
}

static int run_set_iommu(State *s) {
        return container_set_iommu(s->container);
}

static int check_set_iommu(State *s, int r, const Counts *before, const Counts *after) {
        uint32_t pasid, sets = after->info.sets - before->info.sets;
        int bad = 0, k;

        if (r >= 0) {
                k = pasid_alloc(s->container, 1, PASID_LAST, &pasid);
                if (k < 0 && k != -EAGAIN && k != -ENOMEM) {
                        printf("    allocation after an attach: %s\n", strerror(-k));
                        bad++;
                }
                if (sets != (k >= 0 ? 1 : 0))
                        bad += complain("new sets", k, sets, k >= 0 ? 1 : 0);
                /* A failure to make the set lasts until the container gets a new IOMMU. */
                k = group_detach(s->group);
                if (k >= 0)
                        k = group_attach(s->group, s->container);
        } else {
                /* The kernel makes the set first, and keeps it for the process. */
                if (sets > 1)
                        bad += complain("new sets", r, sets, 1);
                k = 0;
        }
        if (k >= 0)
                k = container_set_iommu(s->container);
        if (k >= 0)
                k = pasid_alloc(s->container, 1, PASID_LAST, &pasid);
        if (k < 0) {
                printf("    after %s, the next attempt fails: %s\n", r < 0 ? strerror(-r) : "success",
                        strerror(-k));
                bad++;
        }
        return bad;
}

/* A process that has a set already, but no container. */
static int prepare_known(State *s) {
        int r;

        r = prepare_attach(s);
        if (r >= 0)
                r = container_set_iommu(s->container);
        close_both(s);
        return r < 0 ? r : prepare_attach(s);
}

static int check_known(State *s, int r, const Counts *before, const Counts *after) {
        uint32_t pasid;
        int bad = 0, k;

        if (after->info.sets != before->info.sets)
                bad += complain("sets", r, after->info.sets, before->info.sets);
        k = r >= 0 ? pasid_alloc(s->container, 1, PASID_LAST, &pasid) : 0;
        if (k < 0) {
                printf("    allocation after an attach: %s\n", strerror(-k));
                bad++;
        }
        return bad;
}

static int prepare_set(State *s) {
        uint32_t pasid;
        int r;

        r = prepare_attach(s);
        if (r >= 0)
                r = container_set_iommu(s->container);
        for (unsigned i = 0; i < 100 && r >= 0; i++)
                r = pasid_alloc(s->container, 1, PASID_LAST, &pasid);
        return r;
}

static int run_detach(State *s) {
        return group_detach(s->group);
}

static int run_close(State *s) {
        close_both(s);
        return 0;
}

static int check_gone(State *s, int r, const Counts *before, const Counts *after) {
        int bad = 0;

        if (r < 0) {
                printf("    it answers %s\n", strerror(-r));
                bad++;
        }
        /* The process keeps its account. */
        if (after->info.sets != before->info.sets)
                bad += complain("sets", r, after->info.sets, before->info.sets);
        if (after->info.allocated != before->info.allocated - 100)
                bad += complain("allocated", r, after->info.allocated, before->info.allocated - 100);
        if (after->misc != before->misc - 100)
                bad += complain("misc.current", r, after->misc, before->misc - 100);
        return bad;
}

static const Case cases[] = {
        { "alloc", prepare_none, run_alloc, check_alloc, NULL, true },
        { "alloc in a new block", prepare_none, run_alloc_block, check_alloc, NULL, true },
        { "alloc among many", prepare_some, run_alloc, check_alloc, NULL, true },
        { "alloc far away", prepare_some, run_alloc_far, check_alloc_far, NULL, true },
        { "alloc of several", prepare_none, run_alloc_many, check_alloc_many, NULL, true },
        { "alloc over the quota", prepare_full, run_alloc, check_refused, finish_full, true },
        { "alloc to the watermark", prepare_watermark, run_alloc, check_watermark, finish_watermark, true },
        { "free", prepare_some, run_free, check_free, NULL, true },
        { "ranged free", prepare_some, run_free_range, check_free_range, NULL, true },
        { "probe", prepare_some, run_probe, check_unchanged, NULL, true },
        { "info capability", prepare_some, run_capability, check_unchanged, NULL, true },
        { "quota write", prepare_none, run_quota, check_quota, finish_full, true },
        { "netlink info", prepare_some, run_info, check_netlink, finish_netlink, true },
        { "netlink get", prepare_some, run_get, check_netlink, finish_netlink, true },
        { "netlink dump", prepare_some, run_dump, check_netlink, finish_netlink, true },
        { "fork", prepare_some, run_fork, check_fork, NULL, true },
        { "attach of a second group", prepare_second, run_second, check_second, finish_second, true, true,
                false },
        { "VFIO_SET_IOMMU", prepare_attach, run_set_iommu, check_set_iommu, close_both, false, true, true },
        { "VFIO_SET_IOMMU, known process", prepare_known, run_set_iommu, check_known, close_both, false, true,
                false },
        { "group detach", prepare_set, run_detach, check_gone, close_both, false, true, false },
        { "close", prepare_set, run_close, check_gone, close_both, false, true, false },
};

/* Fails allocation N of a case. Returns the number of inconsistencies, or what made the attempt impossible. */
static int attempt(State *s, const Case *c, unsigned n, bool *ret_consumed, bool *ret_failed) {
        Counts before, after;
        int bad = 0, r;

        r = c->prepare(s);
        if (r >= 0)
                r = counts_read(s, c->set, &before);
        if (r < 0) {
                printf("    %s: preparing number %u: %s\n", c->name, n, strerror(-r));
                return r;
        }
        r = nth_write(n);
        if (r < 0)
                return r;
        r = c->run(s);
        *ret_consumed = nth_consumed();
        *ret_failed = r < 0;
        /* The old socket could receive a late reply. */
        if (c->check == check_netlink && r < 0)
                finish_netlink(s);
        if (counts_read(s, c->set, &after) < 0) {
                printf("    %s: number %u: the counts cannot be read\n", c->name, n);
                bad++;
        } else {
                bad = c->check(s, r, &before, &after);
                if (bad > 0)
                        printf("    %s: number %u: inconsistent\n", c->name, n);
        }
        if (c->finish)
                c->finish(s);
        return bad;
}

typedef struct Outcome {
        int bad;
        bool consumed, failed;
} Outcome;

/* The same in a new process, which has no set. */
static int attempt_fresh(State *s, const Case *c, unsigned n, bool *ret_consumed, bool *ret_failed) {
        Outcome outcome = { .bad = -EPIPE };
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        fflush(NULL);
        pid = fork();
        if (pid == 0) {
                State own = *s;

                close(nth_fd);
                outcome.bad = nth_open();
                if (outcome.bad >= 0)
                        outcome.bad = netlink_open(&own.nl);
                if (outcome.bad >= 0)
                        outcome.bad = attempt(&own, c, n, &outcome.consumed, &outcome.failed);
                fflush(NULL);
                _exit(write(fds[1], &outcome, sizeof(outcome)) != sizeof(outcome));
        }
        close(fds[1]);
        if (pid > 0) {
                if (read(fds[0], &outcome, sizeof(outcome)) != sizeof(outcome))
                        outcome.bad = -EPIPE;
                (void) waitpid(pid, NULL, 0);
        }
        close(fds[0]);
        *ret_consumed = outcome.consumed;
        *ret_failed = outcome.failed;
        return outcome.bad;
}

static int case_run(State *s, const Case *c, unsigned *ret_injected, unsigned *ret_failed) {
        unsigned injected = 0, failed = 0;
        int bad = 0;

        for (unsigned n = 1;; n++) {
                bool consumed = false, refused = false;
                int r;

                if (n > NTH_MAX) {
                        printf("    %s: still allocating after %u\n", c->name, NTH_MAX);
                        bad++;
                        break;
                }
                r = (c->fresh ? attempt_fresh : attempt)(s, c, n, &consumed, &refused);
                if (r < 0)
                        return bad + 1;
                bad += r;
                if (!consumed)
                        break;
                injected++;
                if (refused)
                        failed++;
        }
        *ret_injected = injected;
        *ret_failed = failed;
        return bad;
}

static int use_set(State *s) {
        int r;

        r = container_setup(s->groups->numbers[0], &s->container, &s->group);
        if (r >= 0)
                r = sysfs_set_of(getpid(), &s->id);
        if (r >= 0)
                r = sysfs_set_write(s->id, "quota", PASID_CAPACITY);
        return r;
}

/* Prints a line for each. Returns the number of inconsistencies, or what made a case impossible. */
static int cases_run(State *s, const Case *list, size_t n, unsigned *total) {
        int bad = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned injected = 0, failed = 0;
                int r = 0;

                if (list[i].mdev && s->groups->first_mdev >= s->groups->n) {
                        printf("%-30s   skipped\n", list[i].name);
                        continue;
                }
                if (list[i].set && s->container < 0)
                        r = use_set(s);
                else if (!list[i].set)
                        close_both(s);
                if (r >= 0)
                        r = case_run(s, list + i, &injected, &failed);
                if (r < 0)
                        return r;
                printf("%-30s %9u %9u %9d\n", list[i].name, injected, failed, r);
                bad += r;
                *total += injected;
        }
        return bad;
}

int fail_nth_run(const Groups *groups) {
        State s = {
                .groups = groups,
                .container = -1,
                .group = -1,
                .extra = -1,
                .iommufd = -1,
                .device.fd = -1,
                .nl.fd = -1,
        };
        struct timeval timeout = { .tv_sec = 2 };
        unsigned total = 0;
        int bad = 0, r;

        r = nth_open();
        if (r < 0)
                return r;
        r = netlink_open(&s.nl);
        if (r < 0)
                return r;
        (void) setsockopt(s.nl.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));

        printf("%-30s %9s %9s %9s\n", "", "injected", "refused", "bad");
        r = cases_run(&s, cases, ELEMENTSOF(cases), &total);
        if (r < 0)
                return r;
        bad += r;
        r = attach_prepare(&s);
        if (r >= 0) {
                size_t n;
                const Case *attach_cases = attach_cases_get(&n);

                r = cases_run(&s, attach_cases, n, &total);
                attach_finish(&s);
        } else if (r == -EOPNOTSUPP) {
                printf("This kernel does not count attached PASIDs: no attaches\n");
                r = 0;
        }
        if (r < 0)
                return r;
        bad += r;
        close_both(&s);
        netlink_close(&s.nl);
        close(nth_fd);
        printf("%u failures injected, %d inconsistencies\n", total, bad);
        return bad;
}
