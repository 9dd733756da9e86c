/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random calls to devices and iommufds, about what attaches PASIDs to page tables: who is charged for it, and who gets it back.
 * Beside them processes come and go, limits change, and type1 hands PASIDs out.
 *
 * With one thread, a model says what every well-defined call must answer, and what the counters of the cgroups and of the set
 * must be. With any number, everything must be given back at the end. */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/iommufd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach-model.h"

#define IOMMUFD_FD   400
#define FILE_FD      410
#define CONTAINER_FD 430
#define GROUP_FD     431

#define BITS_PARAMETER "/sys/module/pasid_cap/parameters/bits"

/* With more objects in an iommufd, one is destroyed instead of one more made. */
#define OBJECTS_ENOUGH 40

/* What a child does with files that it inherited. */
#define STEPS 8

/* Most PASIDs that a child attaches which is then killed. */
#define CROWD 400

/* Without a model: so many of the objects of each kind that were made last are remembered. */
#define HINTS 8

typedef enum Op {
        OP_ATTACH,
        OP_DETACH,
        OP_FEATURE,
        OP_BIND,
        OP_CLOSE_FILE,
        OP_CLOSE_IOMMUFD,
        OP_IOAS_ALLOC,
        OP_HWPT_ALLOC,
        OP_DESTROY,
        OP_QUOTA,
        OP_WATERMARK,
        OP_MISC_MAX,
        OP_SYSFS_READ,
        OP_MOVE,
        OP_CHILD,
        OP_CROWD,
        OP_TYPE1_OPEN,
        OP_TYPE1_CLOSE,
        OP_PASID_ALLOC,
        OP_PASID_FREE,
        _OP_MAX,
} Op;

typedef struct Step {
        AttachArgs args;
        bool detach;
        int answer;
        uint32_t pt_id;
} Step;

/* Between a child and the thread that waits for it. */
typedef struct Shared {
        Step steps[STEPS];
        atomic_uint attached;
        atomic_int error;
        atomic_bool done;
} Shared;

typedef struct Hints {
        _Atomic uint32_t ids[HINTS];
        atomic_uint n;
} Hints;

static const char *const cgroup_names[CGROUPS] = { "", "/a", "/b" };
static const char *const resource_names[RESOURCES] = { "pasid_attach", "pasid" };

static Model *model;
static unsigned bits;
/* The last device is for children. */
static char device_paths[DEVICES + 1][64];
static int type1_group;
static char cgroup_paths[CGROUPS][128], procs_paths[CGROUPS][160];
static Shared *shared;
/* Of the iommufd in a slot, by type, and whether they are for PASIDs. */
static Hints hints[IOMMUFDS][OBJECT_HWPT + 1][2];
/* The file that a device was bound by last, -1 if that was closed, and the slot of its iommufd. */
static atomic_int bound_file[DEVICES] = { -1, -1, -1 };
static atomic_uint bound_slot[DEVICES];

/* ---- making calls up ---- */

static uint32_t pick_pasid(Random *r) {
        static const uint32_t edges[] = { 0, 1, 2, 63, 64, 4095, (1 << 15) - 1, 1 << 15, (1 << 20) - 1,
                1 << 20, 0x7ffffffe, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX };
        uint32_t n = random_below(r, 100);

        if (n < 60)
                return 1 + random_below(r, 60);
        if (n < 80)
                return random_below(r, 2000);
        if (n < 95)
                return edges[random_below(r, ELEMENTSOF(edges))];
        return (uint32_t) random_next(r) & (n < 98 ? 0x7fff : UINT32_MAX);
}

/* SIZE is mostly right. */
static uint32_t pick_argsz(Random *r) {
        static const uint32_t edges[] = { 0, 1, 4, 7, 8, 11, 12, 15, 16, 17, 23, 24, 25, 32, 40, 47, 48, 49,
                56, 64, 256, 4096, INT32_MAX, UINT32_MAX };

        return random_chance(r, 92) ? UINT32_MAX - 1 : edges[random_below(r, ELEMENTSOF(edges))];
}

static uint32_t pick_limit(Random *r) {
        static const uint32_t edges[] = { 0, 1, 2, 1000, PASID_CAPACITY, PASID_CAPACITY + 1,
                PASID_CAPACITY + 2, INT32_MAX, UINT32_MAX };
        uint32_t n = random_below(r, 100);

        if (n < 55)
                return 1000 + random_below(r, 3000);
        /* Near what there is. */
        if (n < 85)
                return (model ? model->attached : 50) + random_below(r, 8) - 4;
        return edges[random_below(r, ELEMENTSOF(edges))];
}

static uint32_t pick_flags(unsigned op, Random *r) {
        static const uint32_t features[] = { VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_GET,
                VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_PROBE,
                VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET, 0 };
        uint32_t n = random_below(r, 100);

        if (n >= 98)
                return random_chance(r, 50) ? UINT32_C(1) << random_below(r, 32) : (uint32_t) random_next(r);
        switch (op) {
        case OP_ATTACH:
        case OP_DETACH:
                return n < 90 ? ATTACH_PASID : 0;
        case OP_FEATURE:
                return features[random_below(r, ELEMENTSOF(features))] |
                       (n < 95 ? FEATURE_PASID_ATTACH : FEATURE_PASID_ATTACH + random_below(r, 4) - 1);
        case OP_HWPT_ALLOC:
                return n < 70 ? HWPT_ALLOC_PASID : n < 85 ? 0 : random_below(r, 32);
        default:
                return n < 95 ? 0 : random_below(r, 4);
        }
}

/* Words 0 to 3 are the argument's; 4 is where it is, 5 what is wrong with it. */
static uint32_t pick_word(unsigned op, unsigned i, Random *r) {
        if (op >= OP_QUOTA)
                return i == 0 && (op == OP_QUOTA || op == OP_WATERMARK || op == OP_MISC_MAX)
                               ? pick_limit(r)
                               : (uint32_t) random_next(r);
        switch (i) {
        case 0:
                return pick_argsz(r);
        case 1:
                return pick_flags(op, r);
        case 2:
                return op == OP_ATTACH || op == OP_DETACH ? pick_pasid(r) : (uint32_t) random_next(r);
        case 4:
                return random_chance(r, 95) ? BUFFER_PLAIN : random_below(r, _BUFFER_MAX);
        default:
                return (uint32_t) random_next(r);
        }
}

/* A file of a device, of two, but mostly one that the call has a use for. */
static unsigned pick_file(unsigned op, Random *r) {
        unsigned file = random_below(r, FILES);

        switch (op) {
        case OP_ATTACH:
        case OP_DETACH:
        case OP_FEATURE:
        case OP_CHILD:
                if (random_chance(r, 10))
                        return file;
                for (unsigned i = 0; i < DEVICES; i++) {
                        int bound = atomic_load(bound_file + ((unsigned) file_device(file) + i) % DEVICES);

                        if (bound >= 0)
                                return (unsigned) bound;
                }
                return file - file % FILES_EACH;
        case OP_BIND:
                /* What is bound is not there for type1. */
                if (file_device(file) == TYPE1_DEVICE && random_chance(r, 85))
                        file = random_below(r, TYPE1_DEVICE * FILES_EACH);
                return random_chance(r, 20) ? file : file - file % FILES_EACH;
        case OP_CLOSE_FILE:
                return random_chance(r, 50) ? file : TYPE1_DEVICE * FILES_EACH + random_below(r, FILES_EACH);
        default:
                return file;
        }
}

static void call_make(Thread *t, Call *c) {
        Random *r = &t->random;

        c->slot = pick_file(c->op, r);
        for (unsigned i = 0; i < FUZZ_WORDS; i++)
                c->words[i] = pick_word(c->op, i, r);
}

static void call_mutated(Call *c) {
        if (c->op < OP_QUOTA)
                c->words[4] %= _BUFFER_MAX;
}

/* Sizes that the model knows: exact unless something else was chosen. */
static uint32_t argsz_of(const Call *c, size_t exact) {
        uint32_t v = c->words[0];

        if (v == UINT32_MAX - 1)
                return (uint32_t) exact;
        return v > 256 && v < 4096 ? 256 : v;
}

/* ---- making calls ---- */

static int file_fd(unsigned file) {
        return FILE_FD + (int) file;
}

static unsigned slot_of(const Call *c) {
        return c->slot % IOMMUFDS;
}

static int iommufd_fd(unsigned slot) {
        return IOMMUFD_FD + (int) slot;
}

static int open_path(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* Puts the argument where the call says, and a byte that is not zero behind it. */
static void *argument_put(
        Thread *t, const Call *c, const void *data, size_t size, uint32_t argsz, Access *ret) {
        unsigned char text[256] = {};
        size_t mapped = argsz < size ? argsz : size;
        void *p;

        memcpy(text, data, size);
        ret->dirty = c->words[5] % 4 == 0;
        if (ret->dirty)
                text[size] = 1;
        if (c->words[5] % 8 >= 6)
                mapped = mapped < 4 ? 0 : mapped - 4;
        p = fuzz_buffer(t, c->words[4], text, sizeof(text), mapped);
        ret->readable = c->words[4] == BUFFER_EDGE                                   ? mapped
                        : c->words[4] == BUFFER_NULL || c->words[4] == BUFFER_KERNEL ? 0
                                                                                     : sizeof(text);
        ret->writable = c->words[4] != BUFFER_READ_ONLY;
        return p;
}

static void hint(unsigned slot, ObjectType type, bool for_pasids, uint32_t id) {
        Hints *h = &hints[slot][type][for_pasids];

        atomic_store(&h->ids[atomic_fetch_add(&h->n, 1) % HINTS], id);
}

/* 0 if there is none. */
static uint32_t hinted(unsigned slot, ObjectType type, bool for_pasids, uint32_t n) {
        Hints *h = &hints[slot][type][for_pasids];
        uint32_t made = atomic_load(&h->n);

        return made == 0 ? 0 : atomic_load(&h->ids[n % (made < HINTS ? made : HINTS)]);
}

static void hints_forget(unsigned slot) {
        for (unsigned type = 0; type <= OBJECT_HWPT; type++)
                for (unsigned k = 0; k < 2; k++)
                        atomic_store(&hints[slot][type][k].n, 0);
}

/* The number of an object of an iommufd, whose context a model has, that is of TYPE; 0 if there is none. */
static uint32_t object_of_type(
        Context *context, unsigned slot, ObjectType type, bool for_pasids, uint32_t n) {
        const Object *o;

        if (!model)
                return hinted(slot, type, for_pasids, n);
        o = context ? model_pick(context, type, for_pasids, n) : NULL;
        return o ? o->id : 0;
}

/* Mostly of the kind that is wanted. */
static uint32_t object_pick(Context *context, unsigned slot, uint32_t word) {
        uint32_t n = word >> 8, kind = word % 100, id = 0;

        if (kind < 82)
                id = object_of_type(context, slot, OBJECT_HWPT, kind < 70, n);
        else if (kind < 93)
                id = object_of_type(context, slot, OBJECT_IOAS, false, n);
        else if (kind < 95)
                id = object_of_type(context, slot, OBJECT_DEVICE, false, n);
        return id > 0 ? id : kind < 98 ? 1 + n % 64 : n;
}

static Context *context_of_file(unsigned file) {
        Device *d = model ? model_bound(model, file) : NULL;

        return d ? d->context : NULL;
}

static uint32_t object_pick_of_file(unsigned file, uint32_t word) {
        return object_pick(context_of_file(file), atomic_load(&bound_slot[file_device(file)]), word);
}

static uint32_t object_pick_of_slot(unsigned slot, uint32_t word) {
        return object_pick(model ? model->of_slot[slot] : NULL, slot, word);
}

static void attach_finished(Thread *t, const Call *c, const AttachPlan *p, int r, uint32_t id) {
        if ((r < 0 && r != -EFAULT) || !(p->e.low & 1 || r < 0))
                return;
        if (!model_attach_done(model, p, r, id))
                differs(t, c, "attached to page table %" PRIu32, id);
}

static int do_attach(Thread *t, const Call *c, Expectation *e) {
        bool with_pasid = c->words[1] & ATTACH_PASID;
        AttachArgs a = { argsz_of(c, with_pasid ? 16 : 12), c->words[1],
                object_pick_of_file(c->slot, c->words[3]), c->words[2] };
        Access access;
        AttachPlan p;
        uint32_t id = 0;
        void *argument;
        int r;

        argument = argument_put(t, c, &a, sizeof(a), a.argsz, &access);
        if (model) {
                p = model_attach(model, c->slot, &a, access, model->cgroup);
                *e = p.e;
        }
        r = ioctl(file_fd(c->slot), VFIO_DEVICE_ATTACH_IOMMUFD_PT, argument) < 0 ? -errno : 0;
        if (r >= 0)
                memcpy(&id, (unsigned char *) argument + offsetof(AttachArgs, pt_id), sizeof(id));
        if (model)
                attach_finished(t, c, &p, r, id);
        return r;
}

static int do_detach(Thread *t, const Call *c, Expectation *e) {
        DetachArgs a = { argsz_of(c, c->words[1] & ATTACH_PASID ? 12 : 8), c->words[1], c->words[2] };
        Access access;
        void *argument;

        argument = argument_put(t, c, &a, sizeof(a), a.argsz, &access);
        if (model)
                *e = model_detach(model, c->slot, &a, access);
        return ioctl(file_fd(c->slot), VFIO_DEVICE_DETACH_IOMMUFD_PT, argument) < 0 ? -errno : 0;
}

static int do_feature(Thread *t, const Call *c, Expectation *e) {
        FeatureArgs a = { .argsz = argsz_of(c, sizeof(a)), .flags = c->words[1] };
        Access access;
        void *argument;

        argument = argument_put(t, c, &a, sizeof(a), a.argsz, &access);
        if (model)
                *e = model_feature(model, c->slot, &a, access);
        if (ioctl(file_fd(c->slot), VFIO_DEVICE_FEATURE, argument) < 0)
                return -errno;
        memcpy(&a, argument, access.readable < sizeof(a) ? access.readable : sizeof(a));
        if (model && a.flags == (VFIO_DEVICE_FEATURE_GET | FEATURE_PASID_ATTACH) &&
                (a.quota != model->quota || a.attached != model->attached ||
                        a.max_pasids != model->device_width || a.reserved != 0))
                differs(t, c,
                        "quota %" PRIu32 " (%" PRIu32 "), attached %" PRIu32 " (%" PRIu32
                        "), max_pasids %" PRIu32 " (%" PRIu32 ")",
                        a.quota, model->quota, a.attached, model->attached, a.max_pasids,
                        model->device_width);
        return 0;
}

static int do_bind(Thread *t, const Call *c, Expectation *e) {
        uint32_t n = c->words[3] % 100;
        int slot = n < 92 ? (int) (n % IOMMUFDS) : n < 96 ? -EBADF : -EBADFD;
        BindArgs a = { .argsz = argsz_of(c, c->words[5] % 3 == 0 ? 24 : 16),
                .flags = c->words[1],
                .iommufd = slot == -EBADF    ? (n == 92 ? -1 : 99999)
                           : slot == -EBADFD ? file_fd(c->slot)
                                             : iommufd_fd((unsigned) slot) };
        Access access;
        BindPlan p;
        void *argument;
        int r;

        argument = argument_put(t, c, &a, sizeof(a), a.argsz, &access);
        if (model) {
                p = model_bind(model, c->slot, &a, slot, access);
                *e = p.e;
        }
        r = ioctl(file_fd(c->slot), VFIO_DEVICE_BIND_IOMMUFD, argument) < 0 ? -errno : 0;
        if (r < 0 || slot < 0 || (model && !p.context))
                return r;
        memcpy(&a.out_devid, (unsigned char *) argument + offsetof(BindArgs, out_devid), sizeof(a.out_devid));
        hint((unsigned) slot, OBJECT_DEVICE, false, a.out_devid);
        atomic_store(&bound_slot[file_device(c->slot)], (unsigned) slot);
        atomic_store(&bound_file[file_device(c->slot)], (int) c->slot);
        if (model && !model_bind_done(model, &p, a.out_devid))
                differs(t, c, "bound as %" PRIu32, a.out_devid);
        return r;
}

static int do_close_file(Thread *t, const Call *c, Expectation *e) {
        int bound = (int) c->slot;

        if (model)
                model_close_file(model, c->slot);
        (void) atomic_compare_exchange_strong(&bound_file[file_device(c->slot)], &bound, -1);
        return fd_place(open_path(device_paths[file_device(c->slot)]), file_fd(c->slot));
}

static int do_close_iommufd(Thread *t, const Call *c, Expectation *e) {
        if (model)
                model_close_iommufd(model, slot_of(c));
        hints_forget(slot_of(c));
        return fd_place(open_path("/dev/iommu"), iommufd_fd(slot_of(c)));
}

static int do_destroy(Thread *t, const Call *c, Expectation *e) {
        DestroyArgs a = { argsz_of(c, sizeof(a)), object_pick_of_slot(slot_of(c), c->words[3]) };
        Access access;
        void *argument;

        argument = argument_put(t, c, &a, sizeof(a), a.size, &access);
        if (model)
                *e = model_destroy(model, slot_of(c), &a, access);
        return ioctl(iommufd_fd(slot_of(c)), IOMMU_DESTROY, argument) < 0 ? -errno : 0;
}

static bool enough_objects(const Call *c) {
        return model && model_objects(model->of_slot[slot_of(c)]) >= OBJECTS_ENOUGH;
}

static int do_ioas_alloc(Thread *t, const Call *c, Expectation *e) {
        IoasArgs a = { argsz_of(c, sizeof(a)), c->words[1], 0 };
        Access access;
        void *argument;
        int r;

        if (enough_objects(c))
                return do_destroy(t, c, e);
        argument = argument_put(t, c, &a, sizeof(a), a.size, &access);
        if (model)
                *e = model_ioas_alloc(model, slot_of(c), &a, access);
        r = ioctl(iommufd_fd(slot_of(c)), IOMMU_IOAS_ALLOC, argument) < 0 ? -errno : 0;
        if (r < 0)
                return r;
        memcpy(&a, argument, sizeof(a));
        hint(slot_of(c), OBJECT_IOAS, false, a.out_id);
        if (model && !model_ioas_alloc_done(model, slot_of(c), a.out_id))
                differs(t, c, "allocated as %" PRIu32, a.out_id);
        return r;
}

static int do_hwpt_alloc(Thread *t, const Call *c, Expectation *e) {
        uint32_t word = c->words[2];
        Context *context = model ? model->of_slot[slot_of(c)] : NULL;
        HwptArgs a = { .size = argsz_of(c, sizeof(a)), .flags = c->words[1] };
        Access access;
        void *argument;
        int r;

        if (enough_objects(c))
                return do_destroy(t, c, e);
        a.dev_id = object_of_type(context, slot_of(c), OBJECT_DEVICE, false, word >> 8);
        if (a.dev_id == 0 || word % 100 >= 95)
                a.dev_id = object_pick_of_slot(slot_of(c), c->words[3]);
        a.pt_id = object_of_type(context, slot_of(c), OBJECT_IOAS, false, word >> 8);
        if (a.pt_id == 0 || word % 100 >= 90)
                a.pt_id = object_pick_of_slot(slot_of(c), word);
        if (word % 50 == 49)
                a.reserved = word;
        argument = argument_put(t, c, &a, sizeof(a), a.size, &access);
        if (model)
                *e = model_hwpt_alloc(model, slot_of(c), &a, access);
        r = ioctl(iommufd_fd(slot_of(c)), IOMMU_HWPT_ALLOC, argument) < 0 ? -errno : 0;
        if (r < 0 || (model && !expected(e, 0)))
                return r;
        memcpy(&a.out_id, (unsigned char *) argument + offsetof(HwptArgs, out_id), sizeof(a.out_id));
        hint(slot_of(c), OBJECT_HWPT, a.flags & HWPT_ALLOC_PASID, a.out_id);
        if (model && !model_hwpt_alloc_done(model, slot_of(c), &a, a.out_id))
                differs(t, c, "allocated as %" PRIu32, a.out_id);
        return r;
}

/* ---- sysfs and cgroups ---- */

static int do_set_file(Thread *t, const Call *c, Expectation *e, const char *name) {
        bool valid, is_quota = strcmp(name, "quota") == 0;
        char path[128];
        uint64_t id;
        int r;

        r = own_set(&id);
        if (model && (r >= 0) != model->has_set)
                differs(t, c, "the set is %s", r >= 0 ? "there" : strerror(-r));
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64 "/%s", id, name);
        r = write_number(path, c->words[0], c->words[1], &valid);
        if (!model)
                return r;
        e->any = false;
        if (valid)
                expect(e, 0);
        else {
                expect(e, EINVAL);
                expect(e, ERANGE);
                /* Writing nothing does not reach the kernel's parser. */
                if (c->words[1] % 100 >= 70)
                        expect(e, 0);
        }
        if (r >= 0 && valid && is_quota)
                model->quota = c->words[0];
        if (r >= 0 && valid && !is_quota)
                model->watermark = c->words[0];
        return r;
}

static int do_quota(Thread *t, const Call *c, Expectation *e) {
        return do_set_file(t, c, e, "quota");
}

static int do_watermark(Thread *t, const Call *c, Expectation *e) {
        return do_set_file(t, c, e, "watermark");
}

static int do_misc_max(Thread *t, const Call *c, Expectation *e) {
        CgroupIndex i = c->words[1] % CGROUPS;
        Resource resource = c->words[2] % 8 == 0 ? RESOURCE_PASID : RESOURCE_ATTACH;
        uint64_t value = c->words[0];
        char path[192], text[64];
        bool valid = true;
        int r;

        snprintf(path, sizeof(path), "%s/misc.max", cgroup_paths[i]);
        if (c->words[3] % 20 == 0) {
                static const char *const wrong[] = { "%s", "%s -1", "%s 1k", "%ss 3", " ",
                        "%s 18446744073709551616" };

                valid = false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
                snprintf(
                        text, sizeof(text), wrong[c->words[4] % ELEMENTSOF(wrong)], resource_names[resource]);
#pragma GCC diagnostic pop
        } else if (c->words[3] % 5 < 2 || value >= 1000) {
                value = UINT64_MAX;
                snprintf(text, sizeof(text), "%s max", resource_names[resource]);
        } else
                snprintf(text, sizeof(text), "%s %" PRIu64, resource_names[resource], value);
        r = file_write(path, text);
        if (model) {
                e->any = false;
                if (valid)
                        expect(e, 0);
                else {
                        expect(e, EINVAL);
                        expect(e, ERANGE);
                }
                if (r >= 0)
                        model->cgroups[i].max[resource] = value;
        }
        return r;
}

/* The number after KEY in a file of a cgroup, 0 if there is none. */
static uint64_t misc_value(const char *cgroup, const char *file, const char *key) {
        uint64_t v;

        return misc_read_resource(cgroup, file, key, &v) < 0 ? 0 : v;
}

static void check_cgroups(const Thread *t, const Call *c) {
        for (unsigned i = 0; i < CGROUPS; i++) {
                uint64_t v;

                for (unsigned k = 0; k < RESOURCES; k++) {
                        v = misc_value(cgroup_paths[i], "misc.current", resource_names[k]);
                        if (v != model->cgroups[i].usage[k])
                                differs(t, c, "cgroup \"%s\": %s is %" PRIu64 ", not %" PRIu64,
                                        cgroup_names[i], resource_names[k], v, model->cgroups[i].usage[k]);
                }
                v = misc_value(cgroup_paths[i], "misc.events", "pasid_attach.max");
                if (v != model->cgroups[i].refused)
                        differs(t, c, "cgroup \"%s\": refused %" PRIu64 " times, not %" PRIu64,
                                cgroup_names[i], v, model->cgroups[i].refused);
        }
}

static int check_set(const Thread *t, const Call *c) {
        static const char *const names[] = { "quota", "watermark", "attached", "attached_peak", "allocated",
                "peak", "denied" };
        uint64_t id, v;
        int r;

        r = own_set(&id);
        for (size_t i = 0; i < ELEMENTSOF(names) && r >= 0; i++) {
                r = sysfs_set_read(id, names[i], &v);
                if (r >= 0 && model) {
                        const uint64_t want[] = { model->quota, model->watermark, model->attached,
                                model->attached_peak, model->held, model->peak, model->denied };

                        if (v != want[i])
                                differs(t, c, "%s is %" PRIu64 ", not %" PRIu64, names[i], v, want[i]);
                }
        }
        return r;
}

static void check_all(Thread *t, const Call *c) {
        int r;

        check_cgroups(t, c);
        r = check_set(t, c);
        if (r < 0 && model->has_set)
                differs(t, c, "no set: %s", strerror(-r));
}

static int do_sysfs_read(Thread *t, const Call *c, Expectation *e) {
        for (unsigned i = 0; i < CGROUPS; i++)
                (void) misc_value(cgroup_paths[i], "misc.current", "pasid_attach");
        return check_set(t, c);
}

static int do_move(Thread *t, const Call *c, Expectation *e) {
        CgroupIndex i = c->words[0] % 2 == 0 ? CGROUP_A : CGROUP_B;
        int r;

        r = file_write(procs_paths[i], "0");
        if (model) {
                *e = (Expectation) {};
                expect(e, 0);
                model->cgroup = i;
        }
        return r;
}

/* ---- children ---- */

/* In the child of a process that may have threads: only system calls. */
static void child_move(CgroupIndex i) {
        int fd;

        /* It takes its time. */
        if (model && i == model->cgroup)
                return;
        fd = open(procs_paths[i], O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, "0", 1) < 0)
                _exit(1);
        close(fd);
}

static void child_steps(Shared *s, int fd, CgroupIndex cgroup) {
        child_move(cgroup);
        for (unsigned i = 0; i < STEPS; i++) {
                Step *step = s->steps + i;
                DetachArgs d = { sizeof(d), ATTACH_PASID, step->args.pasid };
                AttachArgs a = step->args;

                if (step->detach)
                        step->answer = ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &d) < 0 ? -errno : 0;
                else
                        step->answer = ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a) < 0 ? -errno : 0;
                step->pt_id = a.pt_id;
        }
        _exit(0);
}

/* Waits for the child, which ends by itself; false if it did not. */
static bool child_wait(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the child did counts in this process's set, and is charged to the child's cgroup. */
static void model_steps(Thread *t, const Call *c, const Shared *s, CgroupIndex cgroup) {
        const Access access = { .readable = 256, .writable = true };

        for (unsigned i = 0; i < STEPS; i++) {
                const Step *step = s->steps + i;
                const DetachArgs d = { sizeof(d), ATTACH_PASID, step->args.pasid };
                AttachPlan p = {};

                if (step->detach)
                        p.e = model_detach(model, c->slot, &d, access);
                else
                        p = model_attach(model, c->slot, &step->args, access, cgroup);
                if (!expected(&p.e, step->answer)) {
                        differs(t, c, "in a child, step %u, pasid %" PRIx32 ": %s", i, step->args.pasid,
                                step->answer < 0 ? strerror(-step->answer) : "success");
                        return;
                }
                if (!step->detach)
                        attach_finished(t, c, &p, step->answer, step->pt_id);
        }
}

static int do_child(Thread *t, const Call *c, Expectation *e) {
        CgroupIndex cgroup = c->words[0] % 2 == 0 ? CGROUP_A : CGROUP_B;
        Random r = { .state = (uint64_t) c->words[2] << 32 | c->words[1] };
        Shared *s = shared + t->index;
        pid_t pid;

        for (unsigned i = 0; i < STEPS; i++)
                s->steps[i] = (Step) {
                        .args = { sizeof(AttachArgs), ATTACH_PASID,
                                object_pick_of_file(c->slot, (uint32_t) random_next(&r)), pick_pasid(&r) },
                        .detach = random_chance(&r, 30),
                };
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_steps(s, file_fd(c->slot), cgroup);
        if (!child_wait(pid)) {
                differs(t, c, "the child did not end as it should");
                return -ECHILD;
        }
        if (model)
                model_steps(t, c, s, cgroup);
        return 0;
}

static int crowd_attach(Shared *s, uint32_t n) {
        struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
        BindArgs bind = { .argsz = 16 };
        HwptArgs hwpt = { .size = sizeof(hwpt), .flags = HWPT_ALLOC_PASID };
        int fd;

        bind.iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
        fd = open(device_paths[DEVICES], O_RDWR | O_CLOEXEC);
        if (bind.iommufd < 0 || fd < 0 || ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind) < 0 ||
                ioctl(bind.iommufd, IOMMU_IOAS_ALLOC, &ioas) < 0)
                return -errno;
        hwpt.dev_id = bind.out_devid;
        hwpt.pt_id = ioas.out_ioas_id;
        if (ioctl(bind.iommufd, IOMMU_HWPT_ALLOC, &hwpt) < 0)
                return -errno;
        for (uint32_t i = 0; i < n; i++) {
                AttachArgs a = { sizeof(a), ATTACH_PASID, hwpt.out_id, 1 + i * 3 };

                if (ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a) < 0)
                        return -errno;
                atomic_fetch_add(&s->attached, 1);
        }
        return 0;
}

static void crowd_child(Shared *s, uint32_t n, CgroupIndex cgroup) {
        child_move(cgroup);
        atomic_store(&s->error, crowd_attach(s, n));
        atomic_store(&s->done, true);
        for (;;)
                pause();
}

/* The child has attached what it could and waits. */
static void crowd_check(Thread *t, const Call *c, const Shared *s, uint32_t n, CgroupIndex cgroup) {
        uint32_t most = n < model->default_quota ? n : model->default_quota;
        uint32_t want = (uint32_t) model_room(model, cgroup, RESOURCE_ATTACH, most);
        int error = want < most ? -EAGAIN : most < n ? -EDQUOT : 0;

        for (uint32_t i = 0; i < want + (error == -EAGAIN); i++)
                (void) model_charge(model, cgroup, RESOURCE_ATTACH);
        if (atomic_load(&s->attached) != want || atomic_load(&s->error) != error)
                differs(t, c, "the child attached %u, then %s; not %" PRIu32 ", then %s",
                        atomic_load(&s->attached), strerror(-atomic_load(&s->error)), want, strerror(-error));
        check_cgroups(t, c);
        model_uncharge(model, cgroup, RESOURCE_ATTACH, want);
}

static int do_crowd(Thread *t, const Call *c, Expectation *e) {
        CgroupIndex cgroup = c->words[0] % 2 == 0 ? CGROUP_A : CGROUP_B;
        uint32_t n = c->words[1] % CROWD;
        Shared *s = shared + t->index;
        uint64_t end;
        pid_t pid;

        /* Without a limit in its way it can be killed at any time: what it had by then needs not be known. */
        bool early =
                c->words[2] % 3 == 0 &&
                (!model || (model_room(model, cgroup, RESOURCE_ATTACH, n) == n && model->default_quota >= n));

        atomic_store(&s->attached, 0);
        atomic_store(&s->done, false);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                crowd_child(s, n, cgroup);
        end = now_ns() + UINT64_C(120000000000);
        if (early)
                sleep_ms(c->words[3] % 60);
        else
                while (!atomic_load(&s->done) && now_ns() < end)
                        sleep_ms(1);
        if (!early && !atomic_load(&s->done))
                differs(t, c, "the child attached %u in two minutes", atomic_load(&s->attached));
        else if (!early && model)
                crowd_check(t, c, s, n, cgroup);
        kill(pid, SIGKILL);
        (void) child_wait(pid);
        if (model)
                check_cgroups(t, c);
        return 0;
}

/* ---- type1 ---- */

static int do_type1_open(Thread *t, const Call *c, Expectation *e) {
        int container, group, r;

        if (model)
                *e = model_type1_open(model);
        r = container_setup(type1_group, &container, &group);
        if (r < 0)
                return r;
        r = fd_place(group, GROUP_FD);
        if (r >= 0)
                r = fd_place(container, CONTAINER_FD);
        return r;
}

static int do_type1_close(Thread *t, const Call *c, Expectation *e) {
        if (model)
                model_type1_close(model);
        close(GROUP_FD);
        close(CONTAINER_FD);
        return 0;
}

static void pasid_range(const Call *c, uint32_t *ret_min, uint32_t *ret_max) {
        uint32_t a = TYPE1_FIRST + c->words[0] % TYPE1_PASIDS, b = a + c->words[1] % 30;

        *ret_min = a;
        *ret_max = b < TYPE1_FIRST + TYPE1_PASIDS ? b : TYPE1_FIRST + TYPE1_PASIDS - 1;
}

static int do_pasid_alloc(Thread *t, const Call *c, Expectation *e) {
        uint32_t min, max, pasid;
        int r;

        pasid_range(c, &min, &max);
        if (model && bits > 0)
                *e = model_pasid_alloc(model, min, max);
        r = pasid_alloc(CONTAINER_FD, min, max, &pasid);
        if (r < 0)
                return r;
        if (bits == 0)
                differs(t, c, "gave %" PRIu32 " though there is no capability", pasid);
        if (pasid < min || pasid > max || (model && !model_pasid_alloc_done(model, pasid)))
                differs(t, c, "gave %" PRIu32, pasid);
        return 0;
}

static int do_pasid_free(Thread *t, const Call *c, Expectation *e) {
        uint32_t min, max;

        pasid_range(c, &min, &max);
        if (model && bits > 0)
                *e = model_pasid_free(model, min, max);
        return pasid_free(CONTAINER_FD, min, max);
}

static const FuzzOp ops[_OP_MAX] = {
        [OP_ATTACH] = { "attach", 47470, do_attach },
        [OP_DETACH] = { "detach", 24000, do_detach },
        [OP_FEATURE] = { "feature", 3080, do_feature },
        [OP_BIND] = { "bind", 2000, do_bind },
        [OP_CLOSE_FILE] = { "close device", 250, do_close_file },
        [OP_CLOSE_IOMMUFD] = { "close iommufd", 50, do_close_iommufd },
        [OP_IOAS_ALLOC] = { "ioas alloc", 2500, do_ioas_alloc },
        [OP_HWPT_ALLOC] = { "hwpt alloc", 5000, do_hwpt_alloc },
        [OP_DESTROY] = { "destroy", 8000, do_destroy },
        [OP_QUOTA] = { "quota", 600, do_quota },
        [OP_WATERMARK] = { "watermark", 200, do_watermark },
        [OP_MISC_MAX] = { "misc.max", 600, do_misc_max },
        [OP_SYSFS_READ] = { "sysfs read", 300, do_sysfs_read },
        [OP_MOVE] = { "move", 50, do_move },
        [OP_CHILD] = { "child", 60, do_child },
        [OP_CROWD] = { "crowd killed", 20, do_crowd },
        [OP_TYPE1_OPEN] = { "type1 open", 200, do_type1_open },
        [OP_TYPE1_CLOSE] = { "type1 close", 60, do_type1_close },
        [OP_PASID_ALLOC] = { "pasid alloc", 3560, do_pasid_alloc },
        [OP_PASID_FREE] = { "pasid free", 2000, do_pasid_free },
};

static void describe(char *text, size_t size) {
        snprintf(text, size,
                "attached %" PRIu32 ", quota %" PRIu32 "; in cgroup \"%s\"; charged %" PRIu64 " of %" PRIu64
                ", above %" PRIu64 " of %" PRIu64,
                model->attached, model->quota, cgroup_names[model->cgroup],
                model->cgroups[model->cgroup].usage[RESOURCE_ATTACH],
                model->cgroups[model->cgroup].max[RESOURCE_ATTACH],
                model->cgroups[CGROUP_TOP].usage[RESOURCE_ATTACH],
                model->cgroups[CGROUP_TOP].max[RESOURCE_ATTACH]);
}

static FuzzOption option_bits = {
        .name = "bits",
        .help = "width of the devices' PASIDs (15), 0 for no capability",
        /* VT-d's table for devices without the capability, which the kernel found, has room for no more. */
        .max = 15,
        .value = 15,
};

static const Fuzzer fuzzer = {
        .name = "attach-fuzz",
        .about = "Makes random calls about PASIDs that are attached through iommufd.",
        .ops = ops,
        .n_ops = _OP_MAX,
        .slots = FILES,
        .option = &option_bits,
        .make = call_make,
        .pick_word = pick_word,
        .mutated = call_mutated,
        .check = check_all,
        .check_each = 200,
        .describe = describe,
};

/* ---- begin and end ---- */

static int find_devices(void) {
        char addresses[16][16], pattern[128];
        int n, r;

        (void) run_command((const char *const[]) { "modprobe", "vfio-pci", NULL });
        (void) run_command((const char *const[]) { "modprobe", "iommufd", NULL });
        n = devices_find(addresses, ELEMENTSOF(addresses));
        if (n < DEVICES + 1)
                return n < 0 ? n : -ENODEV;
        for (unsigned i = 0; i < DEVICES + 1; i++) {
                glob_t found;

                r = device_bind(addresses[i], "vfio-pci");
                if (r < 0)
                        return r;
                snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%.15s/vfio-dev/vfio*", addresses[i]);
                if (glob(pattern, 0, NULL, &found) != 0)
                        return -ENODEV;
                snprintf(device_paths[i], sizeof(device_paths[i]), "/dev/vfio/devices/%.30s",
                        strrchr(found.gl_pathv[0], '/') + 1);
                globfree(&found);
        }
        snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%.15s", addresses[TYPE1_DEVICE]);
        type1_group = device_group(pattern);
        return type1_group < 0 ? type1_group : 0;
}

static int cgroups_make(void) {
        char path[192];
        int r = 0;

        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_root());
        r = file_write(path, "+misc");
        for (unsigned i = 0; i < CGROUPS && r >= 0; i++) {
                snprintf(cgroup_paths[i], sizeof(cgroup_paths[i]), "%s/attach-fuzz-%d%s", cgroup_root(),
                        getpid(), cgroup_names[i]);
                snprintf(procs_paths[i], sizeof(procs_paths[i]), "%s/cgroup.procs", cgroup_paths[i]);
                if (mkdir(cgroup_paths[i], 0755) < 0)
                        r = -errno;
                snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_paths[i]);
                if (r >= 0 && i == CGROUP_TOP)
                        r = file_write(path, "+misc");
        }
        return r < 0 ? r : file_write(procs_paths[CGROUP_A], "0");
}

/* Everything is closed. */
static void cgroups_check(void) {
        for (unsigned i = 0; i < CGROUPS; i++)
                for (unsigned k = 0; k < RESOURCES; k++) {
                        uint64_t v = misc_value(cgroup_paths[i], "misc.current", resource_names[k]);

                        if (v == 0)
                                continue;
                        printf("cgroup \"%s\": %s says %" PRIu64 " at the end\n", cgroup_names[i],
                                resource_names[k], v);
                        fuzz_wrong();
                }
}

static void set_check(void) {
        static const char *const names[] = { "attached", "allocated" };
        uint64_t id, v;

        for (size_t i = 0; i < ELEMENTSOF(names) && own_set(&id) >= 0; i++)
                if (sysfs_set_read(id, names[i], &v) >= 0 && v != 0) {
                        printf("%s says %" PRIu64 " at the end\n", names[i], v);
                        fuzz_wrong();
                }
}

static int cgroups_remove(void) {
        char path[192];
        int r;

        snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_root());
        r = file_write(path, "0");
        for (unsigned i = CGROUPS; i-- > 0;)
                if (rmdir(cgroup_paths[i]) < 0)
                        r = -errno;
        return r;
}

static int files_open(void) {
        int r = 0;

        for (unsigned i = 0; i < IOMMUFDS && r >= 0; i++)
                r = fd_place(open_path("/dev/iommu"), iommufd_fd(i));
        for (unsigned i = 0; i < FILES && r >= 0; i++)
                r = fd_place(open_path(device_paths[file_device(i)]), file_fd(i));
        return r;
}

static void files_close(void) {
        for (unsigned i = 0; i < IOMMUFDS; i++)
                close(iommufd_fd(i));
        for (unsigned i = 0; i < FILES; i++)
                close(file_fd(i));
        close(GROUP_FD);
        close(CONTAINER_FD);
}

int main(int argc, char *argv[]) {
        uint64_t floor = 0, bits_before = 0, id;
        Totals before;
        PasidInfo info;
        Netlink nl;
        int r;

        r = fuzz_options(&fuzzer, argc, argv);
        if (r >= 0)
                return r;
        bits = (unsigned) option_bits.value;

        r = find_devices();
        if (r < 0) {
                fprintf(stderr, "attach-fuzz: devices, as many as are wanted: %s\n", strerror(-r));
                return 77;
        }
        (void) run_command((const char *const[]) { "modprobe", "vfio_pasid", NULL });
        r = netlink_open(&nl);
        if (r >= 0)
                r = netlink_info(&nl, &info);
        if (r >= 0)
                r = totals_read(&nl, &before);
        if (r < 0) {
                fprintf(stderr, "attach-fuzz: the netlink family: %s\n", strerror(-r));
                return 77;
        }
        /* The model knows no floor. */
        (void) file_read_u64(SYSFS_MODULE "/floor", &floor);
        (void) file_write_u64(SYSFS_MODULE "/floor", 0);
        fuzz_begin();
        shared = mmap(NULL, FUZZ_THREADS_MAX * sizeof(*shared), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        r = shared == MAP_FAILED ? -errno : file_read_u64(BITS_PARAMETER, &bits_before);
        if (r >= 0)
                r = file_write_u64(BITS_PARAMETER, bits);
        if (r >= 0)
                r = cgroups_make();
        if (r >= 0)
                r = files_open();
        if (r >= 0 && fuzz_threads == 1) {
                model = model_new(bits, info.default_quota);
                r = model ? 0 : -ENOMEM;
        }
        if (r >= 0)
                r = fuzz_run(&fuzzer);
        if (r < 0) {
                fprintf(stderr, "attach-fuzz: %s\n", strerror(-r));
                return 1;
        }

        files_close();
        cgroups_check();
        set_check();
        /* The account of this process stays. */
        if (own_set(&id) >= 0) {
                before.sets++;
                before.sysfs_sets++;
        }
        if (totals_await(&nl, &before, 20) < 0)
                fuzz_wrong();
        (void) file_write_u64(SYSFS_MODULE "/floor", floor);
        (void) file_write_u64(BITS_PARAMETER, bits_before);
        r = cgroups_remove();
        if (r < 0) {
                fprintf(stderr, "attach-fuzz: leaving the cgroups: %s\n", strerror(-r));
                fuzz_wrong();
        }
        return fuzz_finish();
}
