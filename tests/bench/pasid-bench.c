/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures the cost of the PASID interface, as ratios to allocating and destroying an iommufd object and to a system call, in the
 * same run. Absolute times mean nothing under emulation, so no goal is absolute. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/iommufd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vfio-lib.h"

#define THREADS_MAX 64
#define SAMPLES_MAX 256
#define RANGE       UINT32_C(100000)
#define CACHES_MAX  512
#define GOAL_RATIO  2.5
#define GOAL_RANGES 1.3
#define GOAL_MANY   10.0
#define GOAL_GROWTH 1.5
#define GOAL_BYTES  128.0
#define LEVELS      3

static const uint32_t levels[LEVELS] = { 0, 1000, 500000 };

#define RANGES     3
#define RANGE_SIZE 100000
#define MANY       64

static unsigned n_cycles = 3, n_rounds = 5, slice_ms = 100;
static unsigned n_threads;
static int vfio_container = -1, vfio_group = -1, iommufd = -1;

static void fail(const char *what, int r) __attribute__((noreturn));
static void fail(const char *what, int r) {
        fprintf(stderr, "pasid-bench: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

typedef struct Samples {
        double values[SAMPLES_MAX];
        size_t n;
} Samples;

static void samples_add(Samples *s, double v) {
        if (s->n < SAMPLES_MAX)
                s->values[s->n++] = v;
}

static int compare_double(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

static double median(Samples *s) {
        if (s->n == 0)
                return 0;
        qsort(s->values, s->n, sizeof(double), compare_double);
        return s->n % 2 ? s->values[s->n / 2] : (s->values[s->n / 2 - 1] + s->values[s->n / 2]) / 2;
}

typedef int (*Operation)(void);

static int op_getppid(void) {
        (void) syscall(SYS_getppid);
        return 0;
}

static int op_ioas(void) {
        struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        struct iommu_destroy destroy = { .size = sizeof(destroy) };

        if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc) < 0)
                return -errno;
        destroy.id = alloc.out_ioas_id;
        return ioctl(iommufd, IOMMU_DESTROY, &destroy) < 0 ? -errno : 0;
}

/* Two ioctls of the container that do nothing: the least that an interface of two ioctls can cost. */
static int op_ioctl(void) {
        if (ioctl(vfio_container, VFIO_GET_API_VERSION) < 0 ||
                ioctl(vfio_container, VFIO_GET_API_VERSION) < 0)
                return -errno;
        return 0;
}

/* A pair that allocates and frees nothing. */
static int op_probe(void) {
        int r;

        r = pasid_probe(vfio_container, VFIO_PASID_REQUEST_ALLOC, 1, PASID_LAST);
        return r < 0 ? r : pasid_probe(vfio_container, VFIO_PASID_REQUEST_FREE, 1, PASID_LAST);
}

static int op_pasid(void) {
        uint32_t pasid;
        int r;

        r = pasid_alloc(vfio_container, 1, PASID_LAST, &pasid);
        return r < 0 ? r : pasid_free(vfio_container, pasid, pasid);
}

/* The same with high PASIDs, for which a tree would have its full depth. */
static int op_range(uint32_t min) {
        uint32_t pasid;
        int r;

        r = pasid_alloc(vfio_container, min, min + RANGE_SIZE, &pasid);
        return r < 0 ? r : pasid_free(vfio_container, pasid, pasid);
}

static int op_range_low(void) {
        return op_range(4096);
}

static int op_range_middle(void) {
        return op_range(300000);
}

static int op_range_high(void) {
        return op_range(900000);
}

/* Allocates by one request, and frees by one request, or by several if the PASIDs are not contiguous. */
static int op_many(void) {
        uint32_t pasids[MANY];
        int r;

        r = pasid_alloc_many(vfio_container, 1, PASID_LAST, MANY, pasids);
        for (size_t i = 0, k; i < MANY && r >= 0; i = k) {
                for (k = i + 1; k < MANY && pasids[k] == pasids[k - 1] + 1;)
                        k++;
                r = pasid_free(vfio_container, pasids[i], pasids[k - 1]);
        }
        return r;
}

typedef struct Worker {
        pthread_t thread;
        Operation operation;
        uint64_t count;
        int error;
} Worker;

static atomic_bool go, stop;

static void *worker_run(void *userdata) {
        Worker *w = userdata;

        while (!atomic_load(&go))
                sched_yield();
        /* Only the main thread reads the clock, so that the measured loop does not. */
        while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
                w->error = w->operation();
                if (w->error < 0)
                        break;
                w->count++;
        }
        return NULL;
}

/* Operations per second of THREADS threads together. */
static double measure(Operation operation, unsigned threads) {
        Worker workers[THREADS_MAX] = {};
        uint64_t begin, end, count = 0;

        atomic_store(&go, false);
        atomic_store(&stop, false);
        for (unsigned i = 0; i < threads; i++) {
                workers[i].operation = operation;
                if (pthread_create(&workers[i].thread, NULL, worker_run, workers + i) != 0)
                        fail("cannot start a thread", -EAGAIN);
        }
        begin = now_ns();
        atomic_store(&go, true);
        sleep_ms(slice_ms);
        atomic_store(&stop, true);
        for (unsigned i = 0; i < threads; i++) {
                pthread_join(workers[i].thread, NULL);
                if (workers[i].error < 0)
                        fail("operation", workers[i].error);
                count += workers[i].count;
        }
        end = now_ns();
        return (double) count * 1e9 / (double) (end - begin);
}

/* Memory of the kernel: the pages of each slab cache, because a cache's count of objects does not include partial slabs. */
typedef struct Slab {
        char name[48];
        int64_t bytes;
} Slab;

typedef struct Memory {
        Slab slabs[CACHES_MAX];
        size_t n;
        int64_t total;
        bool slabinfo;
} Memory;

static int64_t meminfo_value(const char *key) {
        char line[256];
        int64_t v = 0;
        FILE *f;

        f = fopen("/proc/meminfo", "re");
        if (!f)
                return 0;
        while (fgets(line, sizeof(line), f))
                if (strncmp(line, key, strlen(key)) == 0)
                        v = strtoll(line + strlen(key), NULL, 10) * 1024;
        fclose(f);
        return v;
}

static void memory_read(Memory *m) {
        char line[512];
        FILE *f;

        memset(m, 0, sizeof(*m));
        m->total = meminfo_value("Slab:") + meminfo_value("VmallocUsed:") + meminfo_value("Percpu:");
        f = fopen("/proc/slabinfo", "re");
        if (!f)
                return;
        m->slabinfo = true;
        while (fgets(line, sizeof(line), f) && m->n < CACHES_MAX) {
                unsigned long pages_per_slab, slabs;
                char *data;
                Slab *s = m->slabs + m->n;

                if (sscanf(line, "%47s %*u %*u %*u %*u %lu", s->name, &pages_per_slab) != 2)
                        continue;
                data = strstr(line, "slabdata");
                if (!data || sscanf(data, "slabdata %*u %lu", &slabs) != 1)
                        continue;
                s->bytes = (int64_t) (slabs * pages_per_slab) * sysconf(_SC_PAGESIZE);
                m->n++;
        }
        fclose(f);
}

static int64_t memory_cache(const Memory *m, const char *name) {
        for (size_t i = 0; i < m->n; i++)
                if (strcmp(m->slabs[i].name, name) == 0)
                        return m->slabs[i].bytes;
        return 0;
}

static void hold(uint32_t n) {
        uint32_t pasid;
        int r;

        r = pasid_free(vfio_container, 1, PASID_LAST);
        if (r < 0)
                fail("cannot free everything", r);
        for (uint32_t i = 0; i < n; i++) {
                r = pasid_alloc(vfio_container, 1, PASID_LAST, &pasid);
                if (r == -EDQUOT)
                        fail("the quota was lowered again, is pasidd running?", r);
                if (r < 0)
                        fail("cannot allocate", r);
        }
}

typedef struct Results {
        Samples getppid, ioctls, probe, ioas1, ioas_n, pasid1[LEVELS], pasid_n[LEVELS], ranges[RANGES], many;
        Samples growth1[LEVELS], growth_n[LEVELS];
        Samples range_ns, dump_ns;
        int dump_sets;
        /* The caches that grew most while PASIDs were held. */
        Slab grown[8];
        int64_t slab_bytes, total_bytes;
        uint32_t memory_held;
        bool slabinfo;
} Results;

static int compare_slab(const void *a, const void *b) {
        const Slab *x = a, *y = b;

        return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

/* Caches that one of the two trees (the pool's and the set's) or the charges can be in. What other processes do meanwhile
 * also moves other caches, so they are shown but not counted. */
static bool counts(const char *name) {
        return strncmp(name, "radix_tree_node", 15) == 0 || strncmp(name, "kmalloc-", 8) == 0 ||
               strstr(name, "pasid") || strstr(name, "maple_node");
}

static void measure_memory(Results *res) {
        static Memory before, after;
        size_t n = 0;

        hold(0);
        sleep_ms(500);
        memory_read(&before);
        hold(levels[LEVELS - 1]);
        memory_read(&after);
        res->memory_held = levels[LEVELS - 1];
        res->total_bytes = after.total - before.total;
        res->slabinfo = after.slabinfo;
        for (size_t i = 0; i < after.n; i++) {
                Slab *s = after.slabs + i;

                s->bytes -= memory_cache(&before, s->name);
                if (counts(s->name))
                        res->slab_bytes += s->bytes;
        }
        qsort(after.slabs, after.n, sizeof(Slab), compare_slab);
        for (size_t i = 0; i < after.n && n < ELEMENTSOF(res->grown); i++)
                if (after.slabs[i].bytes > 0)
                        res->grown[n++] = after.slabs[i];
}

static void measure_range(Results *res) {
        uint64_t begin;
        int r;

        hold(RANGE);
        begin = now_ns();
        r = pasid_free(vfio_container, 1, PASID_LAST);
        if (r < 0)
                fail("ranged free", r);
        samples_add(&res->range_ns, (double) (now_ns() - begin));
}

/* Starts a process with its own set for each remaining group; the processes only wait. */
static void measure_dump(Results *res, const Groups *groups) {
        pid_t pids[GROUPS_MAX];
        unsigned n = 0;
        int ready[2], wait_fd[2];
        Netlink nl;
        int r;

        if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(wait_fd, O_CLOEXEC) < 0)
                fail("pipe", -errno);
        for (unsigned i = 1; i < groups->n; i++) {
                pids[n] = fork();
                if (pids[n] < 0)
                        fail("fork", -errno);
                if (pids[n] == 0) {
                        int container, group;
                        char c = 0;

                        close(wait_fd[1]);
                        r = container_setup(groups->numbers[i], &container, &group);
                        if (r < 0 || write(ready[1], &c, 1) != 1)
                                _exit(1);
                        (void) !read(wait_fd[0], &c, 1);
                        _exit(0);
                }
                n++;
        }
        close(ready[1]);
        for (unsigned i = 0; i < n; i++) {
                char c;

                if (read(ready[0], &c, 1) != 1)
                        break;
        }

        r = netlink_open(&nl);
        if (r < 0)
                fail("netlink", r);
        for (unsigned i = 0; i < n_cycles * n_rounds * 4; i++) {
                uint64_t begin = now_ns();

                r = netlink_dump(&nl, NULL, NULL);
                if (r < 0)
                        fail("dump", r);
                samples_add(&res->dump_ns, (double) (now_ns() - begin));
                res->dump_sets = r;
        }
        netlink_close(&nl);
        close(wait_fd[1]);
        for (unsigned i = 0; i < n; i++)
                (void) waitpid(pids[i], NULL, 0);
        close(ready[0]);
        close(wait_fd[0]);
}

static const struct {
        const char *name;
        Operation operation;
} ranges[RANGES] = {
        { "low", op_range_low },
        { "middle", op_range_middle },
        { "high", op_range_high },
};

static void set_limits(void) {
        uint64_t id;
        int r;

        r = sysfs_set_of(getpid(), &id);
        if (r < 0)
                fail("this process has no set in " SYSFS_CLASS, r);
        r = sysfs_set_write(id, "quota", PASID_LAST);
        if (r < 0)
                fail("cannot raise the quota", r);
}

static void measure_all(Results *res, const Groups *groups) {
        /* This is first, because the set keeps its bitmaps. */
        measure_memory(res);
        for (unsigned c = 0; c < n_cycles; c++) {
                double base1 = 0, base_n = 0;

                for (unsigned l = 0; l < LEVELS; l++) {
                        Samples p1 = {}, pn = {}, i1 = {}, in = {};

                        hold(levels[l]);
                        for (unsigned i = 0; i < n_rounds; i++) {
                                double v;

                                samples_add(&res->getppid, measure(op_getppid, 1));
                                samples_add(&res->ioctls, measure(op_ioctl, 1));
                                samples_add(&res->probe, measure(op_probe, 1));
                                v = measure(op_ioas, 1);
                                samples_add(&res->ioas1, v);
                                samples_add(&i1, v);
                                v = measure(op_pasid, 1);
                                samples_add(&res->pasid1[l], v);
                                samples_add(&p1, v);
                                v = measure(op_ioas, n_threads);
                                samples_add(&res->ioas_n, v);
                                samples_add(&in, v);
                                v = measure(op_pasid, n_threads);
                                samples_add(&res->pasid_n[l], v);
                                samples_add(&pn, v);
                                if (l > 0)
                                        continue;
                                for (unsigned k = 0; k < RANGES; k++)
                                        samples_add(&res->ranges[k], measure(ranges[k].operation, 1));
                                samples_add(&res->many, measure(op_many, 1));
                        }
                        /* The ratio to iommufd's rate in the same rounds cancels out disturbances by the host. */
                        if (l == 0) {
                                base1 = median(&p1) / median(&i1);
                                base_n = median(&pn) / median(&in);
                        }
                        samples_add(&res->growth1[l], base1 / (median(&p1) / median(&i1)));
                        samples_add(&res->growth_n[l], base_n / (median(&pn) / median(&in)));
                }
                measure_range(res);
        }
        hold(0);
        measure_dump(res, groups);
}

static bool json;

static void row(const char *name, double per_second, double ioas, double getppid) {
        if (json)
                printf("    {\"name\": \"%s\", \"per_second\": %.1f, \"to_ioas\": %.4f, \"to_getppid\": %.6f},\n",
                        name, per_second, per_second / ioas, per_second / getppid);
        else
                printf("%-44s %12.0f %10.3f %10.5f\n", name, per_second, per_second / ioas,
                        per_second / getppid);
}

static unsigned n_goals, n_goals_met;

static void goal(const char *name, double value, const char *relation, double bound, bool ok) {
        n_goals++;
        n_goals_met += ok;
        if (json)
                printf("    {\"goal\": \"%s\", \"value\": %.3f, \"bound\": \"%s %.1f\", \"met\": %s},\n",
                        name, value, relation, bound, ok ? "true" : "false");
        else
                printf("%s  %-52s %8.2f (%s %.1f)\n", ok ? "pass" : "FAIL", name, value, relation, bound);
}

static void report(Results *res) {
        double getppid = median(&res->getppid), ioas1 = median(&res->ioas1), ioas_n = median(&res->ioas_n);
        double bytes = (double) (res->slabinfo ? res->slab_bytes : res->total_bytes) / res->memory_held;
        double range = median(&res->range_ns), dump = median(&res->dump_ns);
        /* If the host is slow to wake an idle CPU, RCU frees iommufd's memory late, and all ratios to iommufd look too good. */
        bool disturbed = ioas1 * n_threads * 2 < ioas_n;
        char name[64];

        if (json)
                printf("{\n  \"threads\": %u,\n  \"rows\": [\n", n_threads);
        else
                printf("%-44s %12s %10s %10s\n", "", "per second", "x ioas", "x getppid");
        row("getppid", getppid, ioas1, getppid);
        row("two ioctls that do nothing", median(&res->ioctls), ioas1, getppid);
        row("pasid alloc+free, both only probed", median(&res->probe), ioas1, getppid);
        row("ioas alloc+destroy, 1 thread", ioas1, ioas1, getppid);
        if (n_threads > 1) {
                snprintf(name, sizeof(name), "ioas alloc+destroy, %u threads", n_threads);
                row(name, ioas_n, ioas1, getppid);
        }
        for (unsigned l = 0; l < LEVELS; l++) {
                snprintf(name, sizeof(name), "pasid alloc+free, 1 thread, %" PRIu32 " held", levels[l]);
                row(name, median(&res->pasid1[l]), ioas1, getppid);
                if (n_threads == 1)
                        continue;
                snprintf(name, sizeof(name), "pasid alloc+free, %u threads, %" PRIu32 " held", n_threads,
                        levels[l]);
                row(name, median(&res->pasid_n[l]), ioas_n, getppid);
        }
        for (unsigned k = 0; k < RANGES; k++) {
                snprintf(name, sizeof(name), "pasid alloc+free, 1 thread, %s range", ranges[k].name);
                row(name, median(&res->ranges[k]), ioas1, getppid);
        }
        snprintf(name, sizeof(name), "PASIDs allocated by %d and freed", MANY);
        row(name, median(&res->many) * MANY, ioas1, getppid);
        snprintf(name, sizeof(name), "PASIDs freed by one ranged free of %" PRIu32, RANGE);
        row(name, RANGE * 1e9 / range, ioas1, getppid);
        snprintf(name, sizeof(name), "netlink dump of all %d sets", res->dump_sets);
        row(name, 1e9 / dump, ioas1, getppid);
        if (!json && n_threads > 1)
                printf("x ioas: to ioas alloc+destroy of 1 thread; pasid alloc+free of %u threads to that of %u threads\n",
                        n_threads, n_threads);

        if (json)
                printf("    {}\n  ],\n  \"memory\": [\n");
        else
                printf("\nmemory for %" PRIu32 " held, dense (%s; all of slab, vmalloc and percpu: %+" PRIi64
                       " KiB)\n",
                        res->memory_held, res->slabinfo ? "slabinfo" : "meminfo", res->total_bytes / 1024);
        for (size_t i = 0; i < ELEMENTSOF(res->grown) && res->grown[i].bytes > 0; i++)
                if (json)
                        printf("    {\"cache\": \"%s\", \"bytes\": %" PRIi64 "},\n", res->grown[i].name,
                                res->grown[i].bytes);
                else
                        printf("  %-42s %+12" PRIi64 " KiB %8.1f B each\n", res->grown[i].name,
                                res->grown[i].bytes / 1024, (double) res->grown[i].bytes / res->memory_held);

        if (json)
                printf("    {}\n  ],\n  \"goals\": [\n");
        else
                printf("\n");
        goal("pairs to iommufd's, 1 thread, none held", median(&res->pasid1[0]) / ioas1, "at least",
                GOAL_RATIO, !disturbed && median(&res->pasid1[0]) / ioas1 >= GOAL_RATIO);
        if (n_threads > 1) {
                snprintf(name, sizeof(name), "pairs to iommufd's, %u threads, none held", n_threads);
                goal(name, median(&res->pasid_n[0]) / ioas_n, "at least", GOAL_RATIO,
                        median(&res->pasid_n[0]) / ioas_n >= GOAL_RATIO);
        }
        for (unsigned l = 1; l < LEVELS; l++) {
                snprintf(name, sizeof(name), "cost with %" PRIu32 " held to none, 1 thread", levels[l]);
                goal(name, median(&res->growth1[l]), "at most", GOAL_GROWTH,
                        median(&res->growth1[l]) <= GOAL_GROWTH);
                if (n_threads == 1)
                        continue;
                snprintf(name, sizeof(name), "cost with %" PRIu32 " held to none, %u threads", levels[l],
                        n_threads);
                goal(name, median(&res->growth_n[l]), "at most", GOAL_GROWTH,
                        median(&res->growth_n[l]) <= GOAL_GROWTH);
        }
        for (unsigned k = 0; k < RANGES; k++) {
                double v = median(&res->ranges[k]);

                snprintf(name, sizeof(name), "pairs to iommufd's, %s range", ranges[k].name);
                goal(name, v / ioas1, "at least", GOAL_RATIO, !disturbed && v / ioas1 >= GOAL_RATIO);
                snprintf(name, sizeof(name), "cost in the %s range to the low one", ranges[k].name);
                v = median(&res->ranges[0]) / v;
                if (k > 0)
                        goal(name, v, "at most", GOAL_RANGES, v <= GOAL_RANGES);
        }
        snprintf(name, sizeof(name), "PASIDs by %d to iommufd's pairs", MANY);
        goal(name, median(&res->many) * MANY / ioas1, "at least", GOAL_MANY,
                !disturbed && median(&res->many) * MANY / ioas1 >= GOAL_MANY);
        goal("bytes for each PASID held", bytes, "less than", GOAL_BYTES, bytes < GOAL_BYTES);
        if (json)
                printf("    {}\n  ],\n  \"met\": %s\n}\n", n_goals_met == n_goals ? "true" : "false");
        else
                printf("\n%u of %u goals met\n", n_goals_met, n_goals);
        if (disturbed)
                fprintf(stderr,
                        "pasid-bench: iommufd's pairs of 1 thread were disturbed, ratios to them mean nothing\n");
}

static void usage(void) {
        puts("Usage: pasid-bench [OPTIONS]\n\n"
             "Measures PASID allocation in ratios to iommufd objects and to getppid. Raises its set's quota, which pasidd\n"
             "would undo: stop it first.\n\n"
             "  --json          print JSON\n"
             "  --cycles N      times that every level of held PASIDs is measured (3)\n"
             "  --rounds N      rounds at each level (5)\n"
             "  --slice MS      length of one measurement (100)\n"
             "  --threads N     threads of the parallel measurements (the number of CPUs)\n"
             "  --mdevs N       make N mediated devices, for a dump of more sets (0; wants the mdev-edu module)\n\n"
             "Exit status: 0, 1 on failure, 2 on a usage error, 3 if a goal was missed, 77 without PASID hardware.");
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "cycles", required_argument, NULL, 'c' },
                { "rounds", required_argument, NULL, 'r' },
                { "slice", required_argument, NULL, 's' },
                { "threads", required_argument, NULL, 't' },
                { "mdevs", required_argument, NULL, 'm' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        static Results res;
        unsigned mdevs = 0;
        Groups groups;
        int c, r;

        n_threads = (unsigned) sysconf(_SC_NPROCESSORS_ONLN);
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'j':
                        json = true;
                        break;
                case 'c':
                        n_cycles = (unsigned) atoi(optarg);
                        break;
                case 'r':
                        n_rounds = (unsigned) atoi(optarg);
                        break;
                case 's':
                        slice_ms = (unsigned) atoi(optarg);
                        break;
                case 't':
                        n_threads = (unsigned) atoi(optarg);
                        break;
                case 'm':
                        mdevs = (unsigned) atoi(optarg);
                        break;
                case 'h':
                        usage();
                        return 0;
                default:
                        return 2;
                }
        if (n_cycles == 0 || n_rounds == 0 || slice_ms == 0 || n_threads == 0 || n_threads > THREADS_MAX ||
                n_cycles * n_rounds * LEVELS > SAMPLES_MAX) {
                fprintf(stderr, "pasid-bench: a number is out of range\n");
                return 2;
        }

        r = groups_prepare(&groups, mdevs);
        if (r < 0) {
                fprintf(stderr, "pasid-bench: no VFIO groups: %s\n", strerror(-r));
                return 77;
        }
        r = container_setup(groups.numbers[0], &vfio_container, &vfio_group);
        if (r < 0)
                fail("cannot set up a container", r);
        r = pasid_probe(vfio_container, VFIO_PASID_REQUEST_ALLOC, 1, PASID_LAST);
        if (r == -EOPNOTSUPP || r == -ENOTTY) {
                fprintf(stderr, "pasid-bench: no PASID support: %s\n", strerror(-r));
                return 77;
        }
        if (r < 0)
                fail("probe", r);
        iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
        if (iommufd < 0)
                fail("/dev/iommu", -errno);
        set_limits();

        measure_all(&res, &groups);
        report(&res);
        return n_goals_met == n_goals ? 0 : 3;
}
