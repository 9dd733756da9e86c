/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the programs that use the kernel's PASID interface: containers, groups, the ioctl, sysfs and raw netlink. Functions return 0
 * or more on success and a negative errno otherwise, and print nothing unless their comments say so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/netlink.h>
#include <linux/vfio.h>
#include <linux/vfio_pasid.h>

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

/* PASIDs have 20 bits, and PASID 0 is not allocated. */
#define PASID_CAPACITY UINT32_C(1048575)
#define PASID_LAST     PASID_CAPACITY

#define GROUPS_MAX 1024

/* Random numbers that are the same for the same seed everywhere. */
typedef struct Random {
        uint64_t state;
} Random;

uint64_t random_next(Random *r);
uint32_t random_below(Random *r, uint32_t n);
bool random_chance(Random *r, uint32_t percent);
Random random_fork(uint64_t seed, uint64_t index);

/* Parses the argument of an option, a number from MIN to MAX. With anything else, prints an error and exits with status 2. */
uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max);

uint64_t now_ns(void);
void sleep_ms(unsigned ms);

int file_read(const char *path, char *buffer, size_t size);
int file_read_u64(const char *path, uint64_t *ret);
int file_write(const char *path, const char *value);
int file_write_u64(const char *path, uint64_t value);
int run_command(const char *const argv[]);

/* VFIO groups that the programs may use. */
typedef struct Groups {
        unsigned n;
        /* Index of the first group of a mediated device; those groups are last. */
        unsigned first_mdev;
        int numbers[GROUPS_MAX];
} Groups;

/* Binds every edu device to vfio-pci, and the last one to mdev-edu if MDEVS mediated devices are wanted; finds their groups.
 * Without the mdev-edu module there are no mediated devices. */
int groups_prepare(Groups *ret, unsigned mdevs);
int device_bind(const char *address, const char *driver);
int devices_find(char addresses[][16], size_t max);
int device_group(const char *path);
int mdev_create(const char *parent, const char *type, const char *uuid);
int mdev_remove(const char *uuid);

int container_open(void);
int group_open(int number);
int group_attach(int group, int container);
int group_detach(int group);
int container_set_iommu(int container);
/* The three above for one group. */
int container_setup(int number, int *ret_container, int *ret_group);

int pasid_alloc(int container, uint32_t min, uint32_t max, uint32_t *ret);
/* COUNT of them, at most VFIO_PASID_REQUEST_MAX, or none. */
int pasid_alloc_many(int container, uint32_t min, uint32_t max, uint32_t count, uint32_t *ret);
int pasid_free(int container, uint32_t min, uint32_t max);
int pasid_probe(int container, uint32_t flags, uint32_t min, uint32_t max);
/* -ENOENT if the container's information has no PASID capability. */
int pasid_capability(int container, struct vfio_iommu_type1_info_cap_pasid *ret);

/* Generic netlink without a library, so that malformed messages can be sent and nothing is hidden by retries. */
typedef struct Netlink {
        int fd;
        uint16_t family;
        uint32_t events;
        uint32_t seq;
        unsigned char *buffer;
} Netlink;

typedef struct PasidSet {
        uint64_t id, start_time, cgroup_id, denied, seq;
        uint32_t tgid, quota, watermark, allocated, peak, reason, suppressed;
        /* One bit for each attribute that was there. */
        uint32_t present;
} PasidSet;

typedef struct PasidInfo {
        uint32_t capacity, allocated, default_quota, max_sets, sets;
        uint64_t seq;
        uint32_t present;
} PasidInfo;

typedef void (*PasidSetHandler)(const PasidSet *set, void *userdata);

#define NETLINK_BUFFER 65536

/* The socket waits for at most a minute, unless SO_RCVTIMEO is set anew. */
int netlink_open(Netlink *ret);
void netlink_close(Netlink *nl);
int netlink_subscribe(Netlink *nl);
/* Sends one message: a generic netlink header with CMD, and what ATTRIBUTES holds. */
int netlink_send(
        Netlink *nl, uint16_t type, uint16_t flags, uint8_t cmd, const void *attributes, size_t size);
ssize_t netlink_receive(Netlink *nl, int flags);
void pasid_set_parse(const struct nlmsghdr *h, PasidSet *ret);
int netlink_info(Netlink *nl, PasidInfo *ret);
int netlink_set_get(Netlink *nl, uint64_t id, PasidSet *ret);
int netlink_dump(Netlink *nl, PasidSetHandler handler, void *userdata);

#define SYSFS_CLASS  "/sys/class/vfio_pasid"
#define SYSFS_MODULE "/sys/module/vfio_pasid/parameters"

/* The sets that sysfs shows; fills IDS up to MAX and returns how many there are. */
int sysfs_sets(uint64_t *ids, size_t max);
int sysfs_set_read(uint64_t id, const char *attribute, uint64_t *ret);
int sysfs_set_write(uint64_t id, const char *attribute, uint64_t value);
/* The set of process TGID, -ENOENT if it has none. With several, the newest. */
int sysfs_set_of(int tgid, uint64_t *ret_id);

/* The line of a resource in a misc file of the root, or of the cgroup whose directory is given. -ENODATA if there is none. */
int misc_read_resource(const char *directory, const char *file, const char *resource, uint64_t *ret);
/* The same of "pasid". */
int misc_read(const char *directory, const char *file, uint64_t *ret);
/* Where cgroup v2 is mounted. */
const char *cgroup_root(void);

/* Totals that must be the same after everything has been freed. */
typedef struct Totals {
        uint64_t misc;
        uint32_t allocated, sets;
        int sysfs_sets;
} Totals;

int totals_read(Netlink *nl, Totals *ret);
/* Waits up to SECONDS until the totals are those in WANT; otherwise prints the differences and returns -EUCLEAN. */
int totals_await(Netlink *nl, const Totals *want, unsigned seconds);

/* Prints and counts the lines of the kernel's log since kmsg_cursor() that report a warning, BUG or the like. */
int kmsg_cursor(void);
int kmsg_check(int fd);
/* Forgets earlier leaks. kmemleak_check() prints and counts later leaks in the code under test. -ENOENT without kmemleak. */
int kmemleak_clear(void);
int kmemleak_check(void);
