/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measures the cost of PASIDs that are attached to page tables through iommufd: the time of an attach and a detach, as a ratio to
 * the time of allocating and destroying an IOAS in the same run; the memory of many PASIDs; and the part of it that the memory
 * cgroup is charged. Also runs on a kernel without the series, to compare.
 */

#include <errno.h>
#include <getopt.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach-lib.h"
#include "vfio-lib.h"

#define DEVICES_MAX 8
#define ROUNDS_MAX  1001

/* VT-d's table for a device without a PASID capability has room for this many; 0 is the device itself. */
#define PASIDS_OF_DEVICE 32768U

/* Number of PASIDs that stay attached during the second measurement. */
#define OTHERS 8

#define CGROUP "attach-bench"

typedef struct Device {
        AttachDevice file;
        uint32_t page_table;
} Device;

static Device devices[DEVICES_MAX];
static unsigned n_devices;
static int iommufd = -1;
static uint32_t ioas;

static void fail(const char *what, int error) {
        fprintf(stderr, "attach-bench: %s: %s\n", what, strerror(-error));
        exit(1);
}

static int attach(const Device *d, uint32_t pasid) {
        return pasid_attach(&d->file, d->page_table, pasid);
}

static int detach(const Device *d, uint32_t pasid) {
        return pasid_detach(&d->file, pasid);
}

static int device_open(const char *address, Device *ret) {
        int r;

        ret->file.fd = cdev_open(address);
        if (ret->file.fd < 0)
                return ret->file.fd;
        r = cdev_bind(&ret->file, iommufd);
        if (r >= 0)
                r = page_table_alloc(iommufd, ioas, &ret->file, &ret->page_table);
        return r < 0 ? r : attach(ret, 0);
}

static void set_up(void) {
        char addresses[DEVICES_MAX][16];
        int n, r;

        iommufd = iommufd_open(&ioas);
        if (iommufd < 0)
                fail("/dev/iommu", iommufd);
        n = devices_find(addresses, DEVICES_MAX);
        if (n <= 0)
                fail("no devices", n < 0 ? n : -ENODEV);
        for (int i = 0; i < n; i++) {
                r = device_open(addresses[i], devices + i);
                if (r < 0)
                        fail(addresses[i], r);
        }
        n_devices = (unsigned) n;
}

/* Allocates and destroys an IOAS. */
static void one_ioas(void) {
        struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        int r;

        if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc) < 0)
                fail("IOMMU_IOAS_ALLOC", -errno);
        r = iommufd_destroy(iommufd, alloc.out_ioas_id);
        if (r < 0)
                fail("IOMMU_DESTROY", r);
}

static void one_pasid(void) {
        int r;

        r = attach(devices, 1);
        if (r >= 0)
                r = detach(devices, 1);
        if (r < 0)
                fail("attach and detach", r);
}

static double measure(void (*operation)(void), unsigned pairs) {
        uint64_t begin = now_ns();

        for (unsigned i = 0; i < pairs; i++)
                operation();
        return (double) (now_ns() - begin) / pairs;
}

static int compare_double(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static void cost(const char *what, unsigned rounds, unsigned pairs) {
        static double pasid[ROUNDS_MAX], of_ioas[ROUNDS_MAX], ratio[ROUNDS_MAX];

        /* Fills caches and makes the page of the PASID table. */
        measure(one_pasid, pairs);
        measure(one_ioas, pairs);
        for (unsigned i = 0; i < rounds; i++) {
                pasid[i] = measure(one_pasid, pairs);
                of_ioas[i] = measure(one_ioas, pairs);
                ratio[i] = pasid[i] / of_ioas[i];
        }
        qsort(pasid, rounds, sizeof(double), compare_double);
        qsort(of_ioas, rounds, sizeof(double), compare_double);
        qsort(ratio, rounds, sizeof(double), compare_double);
        printf("%s: attach and detach %.0f ns, IOAS alloc and destroy %.0f ns, ratio %.3f (%.3f to %.3f)\n",
                what, pasid[rounds / 2], of_ioas[rounds / 2], ratio[rounds / 2], ratio[rounds / 4],
                ratio[rounds * 3 / 4]);
}

/* Without other PASIDs, the kernel allocates and frees the trees of PASIDs each time. */
static void costs(unsigned rounds, unsigned pairs) {
        int r;

        cost("the only one attached", rounds, pairs);
        for (uint32_t i = 0; i < OTHERS; i++) {
                r = attach(devices, 2 + i);
                if (r < 0)
                        fail("attach", r);
        }
        cost("beside others", rounds, pairs);
        for (uint32_t i = 0; i < OTHERS; i++) {
                r = detach(devices, 2 + i);
                if (r < 0)
                        fail("detach", r);
        }
}

/* A line of /proc/meminfo, in bytes. */
static uint64_t meminfo(const char *name) {
        char text[8192], *line;

        if (file_read("/proc/meminfo", text, sizeof(text)) < 0)
                fail("/proc/meminfo", -EIO);
        line = strstr(text, name);
        if (!line)
                fail(name, -ENODATA);
        return strtoull(line + strlen(name), NULL, 10) * 1024;
}

/* Memory of the kernel's own objects: slabs, page tables (including those of IOMMUs), per-CPU memory. */
static uint64_t kernel_memory(void) {
        return meminfo("\nSlab:") + meminfo("\nSecPageTables:") + meminfo("\nPercpu:");
}

static void settle(void) {
        /* Waits for memory that RCU frees. Per-CPU stocks still keep up to 64 pages of a cgroup charged on each CPU. */
        sync();
        (void) file_write("/proc/sys/vm/drop_caches", "3");
        sleep_ms(2000);
}

static uint64_t charged(void) {
        char path[128];
        uint64_t n;
        int r;

        snprintf(path, sizeof(path), "%s/%s/memory.current", cgroup_root(), CGROUP);
        r = file_read_u64(path, &n);
        if (r < 0)
                fail(path, r);
        return n;
}

static void join_cgroup(void) {
        char path[128];
        int r;

        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_root());
        r = file_write(path, "+memory");
        if (r < 0)
                fail(path, r);
        snprintf(path, sizeof(path), "%s/%s", cgroup_root(), CGROUP);
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                fail(path, -errno);
        snprintf(path, sizeof(path), "%s/%s/cgroup.procs", cgroup_root(), CGROUP);
        r = file_write_u64(path, (uint64_t) getpid());
        if (r < 0)
                fail(path, r);
}

static void memory(unsigned n) {
        uint64_t free_before, kernel_before, charged_before, of_free, of_kernel, of_charge;
        unsigned held = 0;

        if (n / n_devices + 1 >= PASIDS_OF_DEVICE)
                fail("as many PASIDs as these devices have", -ERANGE);
        settle();
        free_before = meminfo("MemFree:");
        kernel_before = kernel_memory();
        charged_before = charged();
        for (unsigned i = 0; i < n; i++) {
                int r;

                /* costs() attached PASID 1, so its page of the table exists. */
                r = attach(devices + i % n_devices, 1 + i / n_devices);
                if (r < 0) {
                        fprintf(stderr, "attach-bench: %u attached, then: %s\n", held, strerror(-r));
                        exit(1);
                }
                held++;
        }
        settle();
        of_free = free_before - meminfo("MemFree:");
        of_kernel = kernel_memory() - kernel_before;
        of_charge = charged() - charged_before;
        printf("PASIDs attached                     %8u\n", held);
        printf("less free memory (MemFree)          %8llu KiB, %.0f bytes each\n",
                (unsigned long long) of_free / 1024, (double) of_free / held);
        printf("more slabs, page tables, per-CPU    %8llu KiB\n", (unsigned long long) of_kernel / 1024);
        printf("charged (memory.current)            %8llu KiB, %.1f %% of MemFree's\n",
                (unsigned long long) of_charge / 1024, 100.0 * (double) of_charge / (double) of_free);
}

static void usage(void) {
        puts("Usage: attach-bench [OPTION]...\n\n"
             "Measures what a PASID attached to a page table through iommufd costs. Needs root, devices \"edu\" with an\n"
             "IOMMU that has page tables for PASIDs, and a quota of the process that is large enough. Runs in a cgroup of\n"
             "its own, " CGROUP ".\n\n"
             "  -r, --rounds N   rounds of each (51)\n"
             "  -p, --pairs N    pairs in a round (1000)\n"
             "  -n, --hold N     also attach N and look at the memory\n"
             "  -h, --help       show this");
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "rounds", required_argument, NULL, 'r' },
                { "pairs", required_argument, NULL, 'p' },
                { "hold", required_argument, NULL, 'n' },
                { "help", no_argument, NULL, 'h' },
                {},
        };
        unsigned rounds = 51, pairs = 1000, hold = 0;
        int c;

        while ((c = getopt_long(argc, argv, "r:p:n:h", options, NULL)) >= 0)
                switch (c) {
                case 'r':
                        rounds = (unsigned) option_number("rounds", optarg, 1, ROUNDS_MAX);
                        break;
                case 'p':
                        pairs = (unsigned) option_number("pairs", optarg, 1, 1000000);
                        break;
                case 'n':
                        hold = (unsigned) option_number("hold", optarg, 1, 1000000);
                        break;
                case 'h':
                        usage();
                        return 0;
                default:
                        return 2;
                }
        if (optind < argc) {
                fprintf(stderr, "attach-bench: takes no arguments, \"%s\" given\n", argv[optind]);
                return 2;
        }
        /* The root's processes are not charged. */
        join_cgroup();
        set_up();
        costs(rounds, pairs);
        if (hold > 0)
                memory(hold);
        return 0;
}
