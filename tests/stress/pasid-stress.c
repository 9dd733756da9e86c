/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs all operations on PASID sets concurrently for some time, and then checks that nothing is left allocated. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pasid-stress.h"

#define HOLDERS_MAX 64
#define THREADS_MAX 16
#define CGROUPS     3

/* Each thread of a careful holder allocates only in its own window of this range; all others allocate above it. The module's floor
 * changes all the time, but stays below the range. */
#define WINDOW      UINT32_C(600)
#define WINDOWS     UINT32_C(8192)
#define WINDOWS_END (WINDOWS + WINDOW * THREADS_MAX)
#define TRACKED_MAX 256

typedef enum Op {
        OP_ALLOC,
        OP_FREE,
        OP_FREE_RANGE,
        OP_PROBE,
        OP_CAPABILITY,
        OP_FORK,
        OP_EXEC,
        OP_DETACH,
        OP_ATTACH,
        OP_CONTAINER,
        OP_CLOSE,
        OP_KILL,
        OP_QUOTA,
        OP_WATERMARK,
        OP_PARAMETER,
        OP_MISC_MAX,
        OP_MOVE,
        OP_CGROUP,
        OP_DUMP,
        OP_GET,
        OP_EVENT,
        OP_OVERRUN,
        OP_UNLOAD,
        _OP_MAX,
} Op;

static const char *const op_names[_OP_MAX] = {
        [OP_ALLOC] = "alloc",
        [OP_FREE] = "free",
        [OP_FREE_RANGE] = "ranged free",
        [OP_PROBE] = "probe",
        [OP_CAPABILITY] = "info capability",
        [OP_FORK] = "fork",
        [OP_EXEC] = "exec",
        [OP_DETACH] = "group detach",
        [OP_ATTACH] = "group attach",
        [OP_CONTAINER] = "container set up",
        [OP_CLOSE] = "container close",
        [OP_KILL] = "SIGKILL",
        [OP_QUOTA] = "quota write",
        [OP_WATERMARK] = "watermark write",
        [OP_PARAMETER] = "module parameter",
        [OP_MISC_MAX] = "misc.max write",
        [OP_MOVE] = "cgroup move",
        [OP_CGROUP] = "cgroup made or removed",
        [OP_DUMP] = "netlink dump",
        [OP_GET] = "netlink get",
        [OP_EVENT] = "event",
        [OP_OVERRUN] = "event overrun",
        [OP_UNLOAD] = "module unload",
};

typedef struct Slot {
        atomic_int pid;
        atomic_uint generation;
        /* Set before anything that can end the holder's set: from then on, others can get its PASIDs. */
        atomic_bool dying;
} Slot;

typedef struct Shared {
        atomic_bool stop;
        atomic_uint errors;
        atomic_ulong ok[_OP_MAX], refused[_OP_MAX];
        Slot slots[HOLDERS_MAX];
        /* Who holds a PASID, by slot and generation, for PASIDs that careful holders allocate. */
        atomic_uint owner[WINDOWS_END];
} Shared;

static Shared *shared;
static Groups groups;
static unsigned n_holders, n_threads = 3;
static uint64_t seed;
static char cgroup_base[128];

static void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void report_error(const char *format, ...) {
        char line[512];
        va_list ap;
        int n;

        atomic_fetch_add(&shared->errors, 1);
        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        /* One write, so that lines of several processes do not mix. */
        dprintf(STDOUT_FILENO, "error: %.*s\n", n, line);
}

/* Counts R. Reports an error if R is neither success nor an allowed error of the operation. */
static int count(Op op, int r, const int *expected, size_t n) {
        if (r >= 0) {
                atomic_fetch_add(&shared->ok[op], 1);
                return r;
        }
        atomic_fetch_add(&shared->refused[op], 1);
        for (size_t i = 0; i < n; i++)
                if (r == -expected[i])
                        return r;
        report_error("%s: %s", op_names[op], strerror(-r));
        return r;
}

#define COUNT(op, r, ...)                                                                                    \
        count((op), (r), (const int[]) { 0, ##__VA_ARGS__ }, ELEMENTSOF(((const int[]) { 0, ##__VA_ARGS__ })))

static bool stopping(void) {
        return atomic_load_explicit(&shared->stop, memory_order_relaxed);
}

/* ---- holders ---- */

typedef struct Holder {
        unsigned slot, generation;
        uint64_t seed;
        /* A careful holder's threads free only what they allocated, so that a PASID given out twice is noticed. A wild one's
         * free everything, detach groups and close containers under each other's feet. */
        bool careful;
        _Atomic int container, group;
        atomic_bool done;
} Holder;

typedef struct HolderThread {
        pthread_t thread;
        Holder *holder;
        unsigned index;
        uint32_t held[TRACKED_MAX];
        unsigned n_held;
} HolderThread;

static unsigned owner_tag(const Holder *h) {
        return (h->slot + 1) << 24 | (h->generation & 0xffffff);
}

static void track(const Holder *h, uint32_t pasid) {
        unsigned tag = owner_tag(h), old;

        old = atomic_exchange(&shared->owner[pasid], tag);
        if (old != 0) {
                const Slot *s = &shared->slots[(old >> 24) - 1];

                /* The mark first: the next holder of a slot counts up its generation before it clears the mark. And this
                 * one's own: if its set has gone since the ioctl returned, the PASID is rightly somebody else's by now. */
                if (!atomic_load(&s->dying) && ((atomic_load(&s->generation) ^ old) & 0xffffff) == 0 &&
                        !atomic_load(&shared->slots[h->slot].dying))
                        report_error("PASID %" PRIu32 " given to slot %u while slot %u holds it", pasid,
                                h->slot, (old >> 24) - 1);
        }
}

static void untrack(const Holder *h, uint32_t pasid) {
        unsigned tag = owner_tag(h);

        atomic_compare_exchange_strong(&shared->owner[pasid], &tag, 0);
}

/* A careful holder's requests are refused for want of a container only once it is being closed, and for want of a set only if
 * there were too many when it was to be made. */
static int count_careful(const Holder *h, Op op, int r) {
        bool closed = r == -EINVAL || r == -EBADF || r == -ENOTTY || r == -EOPNOTSUPP;

        if (closed && atomic_load(&shared->slots[h->slot].dying))
                return COUNT(op, r, EINVAL, EBADF, ENOTTY, EOPNOTSUPP);
        return op == OP_ALLOC ? COUNT(op, r, EDQUOT, EBUSY, ENOSPC, ENOMEM, EUSERS, EAGAIN)
                              : COUNT(op, r, ENOMEM, ENOENT, EUSERS, EAGAIN);
}

static void careful_step(HolderThread *t, Random *r) {
        uint32_t low = WINDOWS + t->index * WINDOW, high = low + WINDOW - 1, pasid, n = random_below(r, 100);
        Holder *h = t->holder;
        int k;

        if (n < 55 && t->n_held < TRACKED_MAX) {
                k = count_careful(h, OP_ALLOC, pasid_alloc(h->container, low, high, &pasid));
                if (k < 0)
                        return;
                if (pasid < low || pasid > high) {
                        report_error("PASID %" PRIu32 " is outside of [%" PRIu32 ", %" PRIu32 "]", pasid, low,
                                high);
                        return;
                }
                track(h, pasid);
                t->held[t->n_held++] = pasid;
        } else if (n < 60 && t->n_held + VFIO_PASID_REQUEST_MAX <= TRACKED_MAX) {
                uint32_t count = 1 + random_below(r, VFIO_PASID_REQUEST_MAX);

                k = count_careful(
                        h, OP_ALLOC, pasid_alloc_many(h->container, low, high, count, t->held + t->n_held));
                for (uint32_t i = 0; i < count && k >= 0; i++)
                        track(h, t->held[t->n_held++]);
        } else if (n < 85 && t->n_held > 0) {
                uint32_t i = random_below(r, t->n_held);

                pasid = t->held[i];
                t->held[i] = t->held[--t->n_held];
                untrack(h, pasid);
                (void) count_careful(h, OP_FREE, pasid_free(h->container, pasid, pasid));
        } else if (n < 90) {
                for (unsigned i = 0; i < t->n_held; i++)
                        untrack(h, t->held[i]);
                t->n_held = 0;
                (void) count_careful(h, OP_FREE_RANGE, pasid_free(h->container, low, high));
        } else if (n < 96) {
                (void) count_careful(h, OP_PROBE,
                        pasid_probe(h->container,
                                random_chance(r, 50) ? VFIO_PASID_REQUEST_ALLOC : VFIO_PASID_REQUEST_FREE,
                                low, high));
        } else {
                struct vfio_iommu_type1_info_cap_pasid cap;

                k = count_careful(h, OP_CAPABILITY, pasid_capability(h->container, &cap));
                if (k >= 0 && cap.allocated < t->n_held)
                        report_error("the capability says %" PRIu32 " allocated, one thread alone holds %u",
                                cap.allocated, t->n_held);
        }
}

/* A child that shares the container's file: its requests go to the parent's set. */
static void fork_step(Holder *h, Random *r) {
        bool exec = random_chance(r, 30), killed = random_chance(r, 30);
        uint64_t child_seed = random_next(r);
        pid_t pid;

        pid = fork();
        if (pid < 0)
                return;
        if (pid == 0) {
                Random c = { .state = child_seed };

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (exec) {
                        char number[16];
                        int fd = dup(h->container);

                        snprintf(number, sizeof(number), "%d", fd);
                        execl("/proc/self/exe", "pasid-stress", "--exec-child", number, NULL);
                        _exit(1);
                }
                for (unsigned i = 0; i < 20; i++) {
                        uint32_t pasid;

                        if (pasid_alloc(h->container, WINDOWS_END + random_below(&c, 100000), PASID_LAST,
                                    &pasid) >= 0 &&
                                random_chance(&c, 70))
                                (void) pasid_free(h->container, pasid, pasid + random_below(&c, 3));
                }
                if (killed)
                        kill(getpid(), SIGKILL);
                _exit(0);
        }
        atomic_fetch_add(&shared->ok[exec ? OP_EXEC : OP_FORK], 1);
        (void) waitpid(pid, NULL, 0);
}

static void wild_step(HolderThread *t, Random *r) {
        uint32_t low = WINDOWS_END + random_below(r, 3000), pasid, n = random_below(r, 1000);
        Holder *h = t->holder;
        int fd;

        /* A sibling can detach, close and reopen it at any time, so almost any error is allowed. */
        if (n < 500) {
                (void) COUNT(OP_ALLOC, pasid_alloc(h->container, low, PASID_LAST, &pasid), EDQUOT, EBUSY,
                        ENOSPC, ENOMEM, EUSERS, EAGAIN, EINVAL, EOPNOTSUPP, EBADF, ENOTTY);
        } else if (n < 750) {
                (void) COUNT(OP_FREE, pasid_free(h->container, low, low), EINVAL, EOPNOTSUPP, EBADF, ENOTTY,
                        EUSERS, EAGAIN);
        } else if (n < 850) {
                (void) COUNT(OP_FREE_RANGE,
                        pasid_free(h->container, 0, random_chance(r, 50) ? UINT32_MAX : low), EINVAL,
                        EOPNOTSUPP, EBADF, ENOTTY, EUSERS, EAGAIN);
        } else if (n < 900) {
                (void) COUNT(OP_PROBE, pasid_probe(h->container, VFIO_PASID_REQUEST_ALLOC, low, PASID_LAST),
                        EINVAL, EOPNOTSUPP, EBADF, ENOTTY, EUSERS, EAGAIN);
        } else if (n < 960) {
                struct vfio_iommu_type1_info_cap_pasid cap;

                (void) COUNT(
                        OP_CAPABILITY, pasid_capability(h->container, &cap), ENOENT, EINVAL, EBADF, ENOTTY);
        } else if (n < 975) {
                fork_step(h, r);
        } else if (n < 985) {
                (void) COUNT(OP_DETACH, group_detach(h->group), EINVAL, EBUSY, EBADF, ENOTTY);
        } else if (n < 997) {
                (void) COUNT(OP_ATTACH, group_attach(h->group, h->container), EINVAL, EBUSY, EBADF, ENOTTY,
                        EPERM, ENODEV);
                (void) container_set_iommu(h->container);
        } else {
                fd = container_open();
                if (fd >= 0) {
                        /* dup2() closes the old file while other threads use it. */
                        dup3(fd, h->container, O_CLOEXEC);
                        close(fd);
                        atomic_fetch_add(&shared->ok[OP_CLOSE], 1);
                }
        }
}

static void *holder_thread(void *userdata) {
        HolderThread *t = userdata;
        Random r = random_fork(t->holder->seed, t->index + 1);

        while (!stopping() && !atomic_load_explicit(&t->holder->done, memory_order_relaxed))
                if (t->holder->careful)
                        careful_step(t, &r);
                else
                        wild_step(t, &r);
        return NULL;
}

/* The life of one holder process; ends by itself, or by the killer's SIGKILL. */
static int holder_main(unsigned slot, unsigned generation) {
        static HolderThread threads[THREADS_MAX];
        Holder h = {
                .slot = slot, .generation = generation, .seed = seed ^ (uint64_t) slot << 32 ^ generation
        };
        Random r = random_fork(h.seed, 0);
        Slot *s = &shared->slots[slot];
        int container, group, k = 0;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* There are many of these threads. Without pauses, each would use a whole CPU. */
        (void) !nice(10);
        h.careful = random_chance(&r, 60);
        while (!stopping()) {
                k = container_setup(groups.numbers[random_below(&r, groups.n)], &container, &group);
                if (k >= 0)
                        break;
                COUNT(OP_CONTAINER, k, EBUSY, EPERM);
                sleep_ms(5 + random_below(&r, 20));
        }
        if (stopping())
                return 0;
        atomic_fetch_add(&shared->ok[OP_CONTAINER], 1);
        h.container = container;
        h.group = group;

        for (unsigned i = 0; i < n_threads; i++) {
                threads[i].holder = &h;
                threads[i].index = i;
                if (pthread_create(&threads[i].thread, NULL, holder_thread, threads + i) != 0)
                        _exit(1);
        }
        sleep_ms(random_below(&r, 100) < 20 ? 20 : 200 + random_below(&r, 3000));

        /* Some close their files in order, some while their threads use them, and most just exit. */
        switch (random_below(&r, 6)) {
        case 0:
                atomic_store(&s->dying, true);
                (void) group_detach(h.group);
                close(h.container);
                atomic_fetch_add(&shared->ok[OP_CLOSE], 1);
                break;
        case 1:
                atomic_store(&h.done, true);
                for (unsigned i = 0; i < n_threads; i++)
                        pthread_join(threads[i].thread, NULL);
                atomic_store(&s->dying, true);
                close(h.group);
                close(h.container);
                atomic_fetch_add(&shared->ok[OP_CLOSE], 1);
                /* A second container of the same process, which can have the same set. */
                if (container_setup(groups.numbers[random_below(&r, groups.n)], &container, &group) >= 0) {
                        uint32_t pasid;

                        atomic_fetch_add(&shared->ok[OP_CONTAINER], 1);
                        (void) pasid_alloc(container, WINDOWS_END, PASID_LAST, &pasid);
                }
                break;
        default:
                atomic_store(&s->dying, true);
        }
        _exit(0);
}

/* ---- what the rest of the system does meanwhile ---- */

static void cgroup_path(char *buffer, size_t size, unsigned i, const char *file) {
        snprintf(buffer, size, "%s/%c%s%s", cgroup_base, 'a' + (char) i, file ? "/" : "", file ?: "");
}

static int cgroups_make(void) {
        char path[256];
        int r;

        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_root());
        r = file_write(path, "+misc");
        if (r < 0)
                return r;
        snprintf(cgroup_base, sizeof(cgroup_base), "%s/pasid-stress-%d", cgroup_root(), getpid());
        if (mkdir(cgroup_base, 0755) < 0)
                return -errno;
        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_base);
        r = file_write(path, "+misc");
        for (unsigned i = 0; i < CGROUPS && r >= 0; i++) {
                cgroup_path(path, sizeof(path), i, NULL);
                if (mkdir(path, 0755) < 0)
                        r = -errno;
        }
        return r;
}

/*
 * Ends children of killed holders. A holder can be killed between its fork() and the child's request for a signal at its end, and
 * such a child runs on, or is still about to exit. Waits until no process is left.
 */
static void cgroups_end_processes(void) {
        char path[256], text[256];
        int r;

        snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup_base);
        r = file_write(path, "1");
        if (r < 0)
                report_error("%s: %s", path, strerror(-r));
        snprintf(path, sizeof(path), "%s/cgroup.events", cgroup_base);
        for (unsigned tries = 0; tries < 12000; tries++) {
                if (file_read(path, text, sizeof(text)) > 0 && strstr(text, "populated 0"))
                        return;
                sleep_ms(10);
        }
        report_error("%s: there are processes that do not end", cgroup_base);
}

static int cgroups_check_and_remove(void) {
        uint64_t current = 0;
        char path[256];
        int r;

        cgroups_end_processes();
        r = misc_read(cgroup_base, "misc.current", &current);
        if (r < 0)
                report_error("%s/misc.current: %s", cgroup_base, strerror(-r));
        if (current != 0)
                report_error("%s/misc.current still says %" PRIu64, cgroup_base, current);
        for (unsigned i = 0; i < CGROUPS; i++) {
                cgroup_path(path, sizeof(path), i, NULL);
                if (rmdir(path) < 0)
                        report_error("rmdir %s: %s", path, strerror(errno));
        }
        if (rmdir(cgroup_base) < 0)
                report_error("rmdir %s: %s", cgroup_base, strerror(errno));
        return 0;
}

static void *tuner_thread(void *userdata) {
        static const uint32_t values[] = { 0, 1, 10, 100, 1000, 100000, PASID_CAPACITY, PASID_CAPACITY + 1 };
        Random r = random_fork(seed, 1001);

        while (!stopping()) {
                uint32_t v = values[random_below(&r, ELEMENTSOF(values))], n = random_below(&r, 100);
                uint64_t ids[GROUPS_MAX];
                char path[256];
                int k;

                k = sysfs_sets(ids, ELEMENTSOF(ids));
                if (k > 0 && n < 80) {
                        bool quota = random_chance(&r, 60);

                        /* Small quotas only sometimes; otherwise most requests would be refused. */
                        if (quota && v < 1000 && random_chance(&r, 70))
                                v = 100000;
                        (void) COUNT(quota ? OP_QUOTA : OP_WATERMARK,
                                sysfs_set_write(ids[random_below(&r, (uint32_t) k)],
                                        quota ? "quota" : "watermark", v),
                                ENOENT, ENODEV);
                } else if (n < 85) {
                        k = file_write_u64(SYSFS_MODULE "/default_quota", random_chance(&r, 80) ? 1000 : v);
                        (void) COUNT(OP_PARAMETER, k, ENOENT, ENODEV, EINVAL);
                } else if (n < 87) {
                        k = file_write_u64(SYSFS_MODULE "/max_sets",
                                random_chance(&r, 80) ? 4096 : 1 + random_below(&r, 3));
                        (void) COUNT(OP_PARAMETER, k, ENOENT, ENODEV);
                } else if (n < 89) {
                        k = file_write_u64(SYSFS_MODULE "/floor", random_below(&r, WINDOWS));
                        (void) COUNT(OP_PARAMETER, k);
                } else {
                        cgroup_path(path, sizeof(path), random_below(&r, CGROUPS), "misc.max");
                        if (random_chance(&r, 50))
                                k = file_write(path, "pasid max");
                        else {
                                char text[32];

                                snprintf(text, sizeof(text), "pasid %" PRIu32, v);
                                k = file_write(path, text);
                        }
                        (void) COUNT(OP_MISC_MAX, k);
                }
                sleep_ms(random_below(&r, 20));
        }
        (void) file_write_u64(SYSFS_MODULE "/default_quota", 1000);
        (void) file_write_u64(SYSFS_MODULE "/max_sets", 4096);
        (void) file_write_u64(SYSFS_MODULE "/floor", 4096);
        return NULL;
}

static void *mover_thread(void *userdata) {
        Random r = random_fork(seed, 1002);
        unsigned n = 0;

        while (!stopping()) {
                int pid = atomic_load(&shared->slots[random_below(&r, n_holders)].pid);
                char path[256], text[16];

                if (pid > 0) {
                        snprintf(text, sizeof(text), "%d", pid);
                        cgroup_path(path, sizeof(path), random_below(&r, CGROUPS), "cgroup.procs");
                        if (random_chance(&r, 15)) {
                                char directory[200];

                                /* Removes a cgroup while PASIDs that were charged to it are still allocated. */
                                snprintf(directory, sizeof(directory), "%s/t%u", cgroup_base, n++);
                                if (mkdir(directory, 0755) == 0) {
                                        char inner[256];

                                        snprintf(inner, sizeof(inner), "%s/cgroup.procs", directory);
                                        (void) COUNT(OP_MOVE, file_write(inner, text), ESRCH, EINVAL);
                                        sleep_ms(random_below(&r, 50));
                                        /* Its processes go to a cgroup that stays; children of the holder may be among them. */
                                        for (unsigned tries = 0; tries < 200; tries++) {
                                                char pids[4096], *p;

                                                if (file_read(inner, pids, sizeof(pids)) > 0)
                                                        for (p = strtok(pids, "\n"); p;
                                                                p = strtok(NULL, "\n"))
                                                                (void) file_write(path, p);
                                                if (rmdir(directory) == 0) {
                                                        atomic_fetch_add(&shared->ok[OP_CGROUP], 1);
                                                        directory[0] = 0;
                                                        break;
                                                }
                                                sleep_ms(10);
                                        }
                                        if (directory[0])
                                                report_error("rmdir %s: %s", directory, strerror(errno));
                                }
                        } else
                                (void) COUNT(OP_MOVE, file_write(path, text), ESRCH, EINVAL);
                }
                sleep_ms(random_below(&r, 20));
        }
        return NULL;
}

typedef struct DumpCheck {
        uint64_t last;
        unsigned n;
        uint64_t ids[64];
} DumpCheck;

static void on_dumped(const PasidSet *s, void *userdata) {
        DumpCheck *d = userdata;

        if (s->id <= d->last)
                report_error("dump: set %" PRIu64 " after set %" PRIu64, s->id, d->last);
        if (s->allocated > PASID_CAPACITY || s->peak < s->allocated)
                report_error("dump: set %" PRIu64 " has %" PRIu32 " allocated, peak %" PRIu32, s->id,
                        s->allocated, s->peak);
        d->last = s->id;
        if (d->n < ELEMENTSOF(d->ids))
                d->ids[d->n++] = s->id;
}

static void *dumper_thread(void *userdata) {
        Random r = random_fork(seed, 1003 + (uint64_t) (uintptr_t) userdata);

        while (!stopping()) {
                unsigned uses = random_below(&r, 50);
                Netlink nl;

                /* The module can be unloaded at any time, and the netlink family with it. */
                if (netlink_open(&nl) < 0) {
                        sleep_ms(20);
                        continue;
                }
                for (unsigned i = 0; i < uses && !stopping(); i++) {
                        DumpCheck d = {};
                        PasidInfo info;
                        PasidSet s;
                        int k;

                        k = netlink_dump(&nl, on_dumped, &d);
                        /* The last message, if the module is being unloaded. */
                        (void) COUNT(OP_DUMP, k, ENOENT, EINTR, EOPNOTSUPP, EINVAL, EPROTONOSUPPORT);
                        if (d.n > 0)
                                (void) COUNT(OP_GET, netlink_set_get(&nl, d.ids[random_below(&r, d.n)], &s),
                                        ENOENT, EOPNOTSUPP);
                        k = netlink_info(&nl, &info);
                        if (k >= 0 && info.allocated > info.capacity)
                                report_error("info: %" PRIu32 " allocated of %" PRIu32, info.allocated,
                                        info.capacity);
                        if (k < 0)
                                break;
                        sleep_ms(random_below(&r, 10));
                }
                netlink_close(&nl);
        }
        return NULL;
}

/* Event numbers are consecutive, unless the socket has lost messages. */
static void listen_once(Netlink *nl, Random *r) {
        uint64_t end = now_ns() + (1 + random_below(r, 3)) * UINT64_C(1000000000), last = 0;
        struct timeval timeout = { .tv_usec = 100000 };

        (void) setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        while (!stopping() && now_ns() < end) {
                ssize_t n = netlink_receive(nl, 0);
                struct nlmsghdr *h = (void *) nl->buffer;

                if (n == -ENOBUFS) {
                        atomic_fetch_add(&shared->ok[OP_OVERRUN], 1);
                        last = 0;
                        continue;
                }
                if (n < 0)
                        continue;
                for (size_t left = (size_t) n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        PasidSet s;

                        pasid_set_parse(h, &s);
                        atomic_fetch_add(&shared->ok[OP_EVENT], 1);
                        /* If the numbers start again, the module was loaded again. */
                        if (last != 0 && s.seq != last + 1 && s.seq != 1)
                                report_error("event %" PRIu64 " follows event %" PRIu64, s.seq, last);
                        last = s.seq;
                }
        }
}

static void *listener_thread(void *userdata) {
        Random r = random_fork(seed, 1010);

        while (!stopping()) {
                Netlink nl;

                if (netlink_open(&nl) < 0) {
                        sleep_ms(20);
                        continue;
                }
                if (netlink_subscribe(&nl) >= 0)
                        listen_once(&nl, &r);
                netlink_close(&nl);
        }
        return NULL;
}

static void *killer_thread(void *userdata) {
        Random r = random_fork(seed, 1011);

        while (!stopping()) {
                Slot *s = &shared->slots[random_below(&r, n_holders)];
                int pid = atomic_load(&s->pid);

                if (pid > 0) {
                        atomic_store(&s->dying, true);
                        if (kill(pid, SIGKILL) == 0)
                                atomic_fetch_add(&shared->ok[OP_KILL], 1);
                }
                sleep_ms(50 + random_below(&r, 500));
        }
        return NULL;
}

static void *unloader_thread(void *userdata) {
        Random r = random_fork(seed, 1012);

        while (!stopping()) {
                int k = syscall(SYS_delete_module, "vfio_pasid", O_NONBLOCK) < 0 ? -errno : 0;

                (void) COUNT(OP_UNLOAD, k, EAGAIN, EBUSY);
                if (k >= 0)
                        report_error("the module was unloaded, ids begin anew");
                sleep_ms(20 + random_below(&r, 300));
        }
        return NULL;
}

/* ---- the run ---- */

static void holders_run(unsigned seconds) {
        uint64_t end = now_ns() + seconds * UINT64_C(1000000000);
        unsigned left = 0, shown = 0;
        pid_t pids[HOLDERS_MAX] = {};

        for (;;) {
                bool over = now_ns() > end;
                pid_t pid;

                if (over)
                        atomic_store(&shared->stop, true);
                for (unsigned i = 0; i < n_holders && !over; i++) {
                        Slot *s = &shared->slots[i];

                        if (pids[i] > 0)
                                continue;
                        atomic_fetch_add(&s->generation, 1);
                        atomic_store(&s->dying, false);
                        fflush(NULL);
                        pid = fork();
                        if (pid == 0)
                                _exit(holder_main(i, atomic_load(&s->generation)));
                        if (pid > 0) {
                                pids[i] = pid;
                                atomic_store(&s->pid, pid);
                                left++;
                        }
                }
                while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                        for (unsigned i = 0; i < n_holders; i++)
                                if (pids[i] == pid) {
                                        atomic_store(&shared->slots[i].pid, 0);
                                        pids[i] = 0;
                                        left--;
                                }
                if (over && left == 0)
                        return;
                if (over && now_ns() > end + UINT64_C(20000000000)) {
                        for (unsigned i = 0; i < n_holders; i++)
                                if (pids[i] > 0)
                                        kill(pids[i], SIGKILL);
                        if (shown++ == 0)
                                printf("killing %u holders that did not end\n", left);
                }
                sleep_ms(10);
        }
}

static int exec_child(int container) {
        Random r = { .state = (uint64_t) getpid() };

        for (unsigned i = 0; i < 20; i++) {
                uint32_t pasid;

                if (pasid_alloc(container, WINDOWS_END, PASID_LAST, &pasid) >= 0 && random_chance(&r, 50))
                        (void) pasid_free(container, pasid, pasid);
        }
        return 0;
}

static int stress_run(unsigned seconds) {
        void *(*const mains[])(void *) = { tuner_thread, mover_thread, dumper_thread, dumper_thread,
                listener_thread, killer_thread, unloader_thread };
        pthread_t threads[ELEMENTSOF(mains)];
        unsigned n = ELEMENTSOF(mains);
        unsigned long total = 0;
        int r;

        r = cgroups_make();
        if (r < 0)
                return r;
        for (unsigned i = 0; i < n; i++)
                if (pthread_create(&threads[i], NULL, mains[i], (void *) (uintptr_t) i) != 0)
                        return -EAGAIN;
        holders_run(seconds);
        for (unsigned i = 0; i < n; i++)
                pthread_join(threads[i], NULL);
        (void) cgroups_check_and_remove();

        printf("%-24s %12s %12s\n", "", "done", "refused");
        for (unsigned i = 0; i < _OP_MAX; i++) {
                printf("%-24s %12lu %12lu\n", op_names[i], atomic_load(&shared->ok[i]),
                        atomic_load(&shared->refused[i]));
                total += atomic_load(&shared->ok[i]) + atomic_load(&shared->refused[i]);
        }
        printf("%lu operations in %u seconds\n", total, seconds);
        return 0;
}

/* Executes itself without restartable sequences. The kernel kills a process whose rseq area it cannot write. After fork(), this
 * write copies a page, and the allocation of the page can be the one that fails. */
static int without_rseq(char *argv[]) {
        static const char tunable[] = "glibc.pthread.rseq=0";
        const char *now = getenv("GLIBC_TUNABLES");

        if (now && strcmp(now, tunable) == 0)
                return 0;
        if (setenv("GLIBC_TUNABLES", tunable, 1) < 0)
                return -errno;
        execv("/proc/self/exe", argv);
        return -errno;
}

static void usage(void) {
        puts("Usage: pasid-stress [OPTIONS]\n\n"
             "Lets processes, administrators and accidents work on PASID sets at the same time, then checks that everything\n"
             "was given back.\n\n"
             "  --seconds N    how long (30)\n"
             "  --seed N       for the random choices (from the clock)\n"
             "  --holders N    processes that hold PASIDs (two more than groups)\n"
             "  --threads N    threads of each (3)\n"
             "  --mdevs N      make N mediated devices, for more sets at once (0; wants the mdev-edu module)\n"
             "  --fail-nth     let every allocation and user copy of each operation fail once instead\n"
             "  --kmemleak     look for leaks at the end\n\n"
             "Exit status: 0, 1 if something was wrong, 2 on a usage error, 77 without PASID hardware or fault injection.");
}

int main(int argc, char *argv[]) {
        enum {
                ARG_SECONDS = 1000,
                ARG_SEED,
                ARG_HOLDERS,
                ARG_THREADS,
                ARG_MDEVS,
                ARG_FAIL_NTH,
                ARG_KMEMLEAK,
                ARG_EXEC_CHILD,
        };
        static const struct option options[] = {
                { "seconds", required_argument, NULL, ARG_SECONDS },
                { "seed", required_argument, NULL, ARG_SEED },
                { "holders", required_argument, NULL, ARG_HOLDERS },
                { "threads", required_argument, NULL, ARG_THREADS },
                { "mdevs", required_argument, NULL, ARG_MDEVS },
                { "fail-nth", no_argument, NULL, ARG_FAIL_NTH },
                { "kmemleak", no_argument, NULL, ARG_KMEMLEAK },
                { "exec-child", required_argument, NULL, ARG_EXEC_CHILD },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        unsigned seconds = 30, mdevs = 0;
        bool fail_nth = false, kmemleak = false;
        Totals before;
        uint64_t own;
        Netlink nl;
        int c, r, kmsg;

        seed = now_ns();
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case ARG_SECONDS:
                        seconds = (unsigned) option_number("seconds", optarg, 1, 1000000);
                        break;
                case ARG_SEED:
                        seed = option_number("seed", optarg, 0, UINT64_MAX);
                        break;
                case ARG_HOLDERS:
                        n_holders = (unsigned) option_number("holders", optarg, 1, HOLDERS_MAX);
                        break;
                case ARG_THREADS:
                        n_threads = (unsigned) option_number("threads", optarg, 1, THREADS_MAX);
                        break;
                case ARG_MDEVS:
                        mdevs = (unsigned) option_number("mdevs", optarg, 0, GROUPS_MAX);
                        break;
                case ARG_FAIL_NTH:
                        fail_nth = true;
                        break;
                case ARG_KMEMLEAK:
                        kmemleak = true;
                        break;
                case ARG_EXEC_CHILD:
                        return exec_child(atoi(optarg));
                case 'h':
                        usage();
                        return 0;
                default:
                        return 2;
                }
        setvbuf(stdout, NULL, _IOLBF, 0);

        if (fail_nth) {
                r = without_rseq(argv);
                if (r < 0) {
                        fprintf(stderr, "pasid-stress: cannot run without rseq: %s\n", strerror(-r));
                        return 1;
                }
        }
        if (fail_nth && mdevs == 0)
                mdevs = 1;
        r = groups_prepare(&groups, mdevs);
        if (r < 0) {
                fprintf(stderr, "pasid-stress: no VFIO groups: %s\n", strerror(-r));
                return 77;
        }
        if (n_holders == 0)
                n_holders = groups.n + 2;
        if (n_holders > HOLDERS_MAX)
                n_holders = HOLDERS_MAX;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return 1;

        (void) run_command((const char *const[]) { "modprobe", "vfio_pasid", NULL });
        r = netlink_open(&nl);
        if (r >= 0)
                r = totals_read(&nl, &before);
        if (r < 0) {
                fprintf(stderr, "pasid-stress: the netlink family: %s\n", strerror(-r));
                return 77;
        }
        netlink_close(&nl);
        kmsg = kmsg_cursor();
        if (kmemleak)
                (void) kmemleak_clear();

        if (fail_nth) {
                printf("pasid-stress: fail-nth, %u groups\n", groups.n);
                r = fail_nth_run(&groups);
                if (r == -ENOENT) {
                        fprintf(stderr, "pasid-stress: this kernel has no fault injection\n");
                        return 77;
                }
                if (r > 0)
                        atomic_fetch_add(&shared->errors, (unsigned) r);
                /* The set of this process exists until it ends. */
                if (sysfs_set_of(getpid(), &own) >= 0) {
                        before.sets++;
                        before.sysfs_sets++;
                }
        } else {
                printf("pasid-stress: seed %" PRIu64 ", %u groups, %u holders of %u threads\n", seed,
                        groups.n, n_holders, n_threads);
                r = stress_run(seconds);
        }
        if (r < 0) {
                fprintf(stderr, "pasid-stress: %s\n", strerror(-r));
                return 1;
        }

        r = netlink_open(&nl);
        if (r >= 0) {
                r = totals_await(&nl, &before, 20);
                netlink_close(&nl);
        }
        if (r < 0)
                report_error("the totals: %s", strerror(-r));
        if (kmemleak) {
                r = kmemleak_check();
                if (r > 0)
                        report_error("%d leaks", r);
                printf("kmemleak: %s\n", r < 0 ? strerror(-r) : r > 0 ? "leaks" : "nothing");
        }
        if (kmsg >= 0) {
                r = kmsg_check(kmsg);
                if (r > 0)
                        report_error("%d bad lines in the kernel's log", r);
        }
        printf("pasid-stress: %s\n", atomic_load(&shared->errors) > 0 ? "FAILED" : "ok");
        return atomic_load(&shared->errors) > 0;
}
