/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random calls to the PASID ioctl, the netlink family and the files in sysfs.
 *
 * With one thread, a model of the set says what every well-defined call must answer, and what the counters must be. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz-engine.h"

#define CONTAINERS   3
#define GROUPS_USED  4
#define CONTAINER_FD 400
#define GROUP_FD     500

typedef enum Op {
        OP_REQUEST,
        OP_MANY,
        OP_INFO,
        OP_EXTENSION,
        OP_ATTACH,
        OP_DETACH,
        OP_SET_IOMMU,
        OP_CLOSE,
        OP_CLOSE_GROUP,
        OP_FORK,
        OP_QUOTA,
        OP_WATERMARK,
        OP_SYSFS_READ,
        OP_SYSFS_WRITE,
        OP_PARAMETER,
        OP_MISC_MAX,
        OP_NL_INFO,
        OP_NL_GET,
        OP_NL_DUMP,
        OP_NL_RANDOM,
        OP_NL_MEMBERSHIP,
        OP_NL_RAW,
        _OP_MAX,
} Op;

/* ---- the model: what the kernel is expected to hold ---- */

typedef struct ModelContainer {
        unsigned groups;
        bool iommu;
        /* Its file descriptor is open; groups can keep it alive without. */
        bool open;
} ModelContainer;

/* A container whose file was closed lives until its groups have left it. */
#define MODEL_CONTAINERS (CONTAINERS + GROUPS_USED)

typedef struct Model {
        ModelContainer containers[MODEL_CONTAINERS];
        unsigned of_slot[CONTAINERS];
        int of_group[GROUPS_USED];
        /* Containers with a set. The process keeps the one that it gets with the first. */
        unsigned users;
        bool has_set;
        uint64_t owned[(PASID_CAPACITY + 1) / 64];
        uint32_t held, peak, quota, watermark, default_quota;
        uint64_t denied, limit;
        uint32_t base_allocated, base_sets;
} Model;

static Groups groups;
static unsigned n_groups;
static Model *model;
static char cgroup_path[128];
static _Atomic uint32_t recent[64];
static Netlink sockets[FUZZ_THREADS_MAX];

static bool owned(const Model *m, uint32_t pasid) {
        return m->owned[pasid / 64] >> (pasid % 64) & 1;
}

static void model_unbind(Model *m) {
        if (--m->users > 0)
                return;
        memset(m->owned, 0, sizeof(m->owned));
        m->held = 0;
}

static void model_bind(Model *m) {
        m->users++;
        if (m->has_set)
                return;
        m->has_set = true;
        m->quota = m->default_quota;
}

static void model_detach(Model *m, unsigned g) {
        ModelContainer *c = m->containers + m->of_group[g];

        m->of_group[g] = -1;
        if (--c->groups == 0 && c->iommu) {
                c->iommu = false;
                model_unbind(m);
        }
}

static ModelContainer *model_container(Model *m, unsigned slot) {
        return m->containers + m->of_slot[slot];
}

/* How many PASIDs of the range this process does not hold, but no more than WANTED; nobody else allocates. */
static uint32_t model_free(const Model *m, uint32_t min, uint32_t max, uint32_t wanted) {
        uint32_t p = min > 0 ? min : 1, n = 0;

        if (max > PASID_LAST)
                max = PASID_LAST;
        while (p <= max && n < wanted) {
                if (p % 64 == 0 && m->owned[p / 64] == UINT64_MAX) {
                        p += 64;
                        continue;
                }
                if (!owned(m, p))
                        n++;
                p++;
        }
        return n;
}

/* ---- making calls up ---- */

static uint32_t pick_pasid(Random *r) {
        static const uint32_t edges[] = { 0, 1, 2, 63, 64, 65, 511, 512, 513, 4095, 4096, 65535, 65536,
                PASID_LAST - 1, PASID_LAST, PASID_LAST + 1, PASID_LAST + 2, INT32_MAX, UINT32_C(1) << 31,
                UINT32_MAX - 1, UINT32_MAX };
        uint32_t n = random_below(r, 100), v;

        if (n < 35) {
                v = atomic_load_explicit(&recent[random_below(r, ELEMENTSOF(recent))], memory_order_relaxed);
                return n < 30 ? v : v + random_below(r, 3) - 1;
        }
        if (n < 65)
                return edges[random_below(r, ELEMENTSOF(edges))];
        if (n < 90)
                return random_below(r, 1200);
        return (uint32_t) random_next(r) & (n < 95 ? PASID_LAST : UINT32_MAX);
}

static uint32_t pick_count(Random *r) {
        static const uint32_t edges[] = { 0, 1, 2, 10, 100, 500, 1000, 1001, 3000, PASID_CAPACITY,
                PASID_CAPACITY + 1, PASID_CAPACITY + 2, INT32_MAX, UINT32_MAX };

        return random_chance(r, 40) ? edges[random_below(r, ELEMENTSOF(edges))] : random_below(r, 2000);
}

static uint32_t pick_argsz(Random *r) {
        static const uint32_t edges[] = { 0, 1, 7, 8, 12, 15, 16, 17, 19, 20, 21, 24, 4096, INT32_MAX,
                UINT32_MAX };
        uint32_t n = random_below(r, 100);

        return n < 70 ? 20 : n < 95 ? edges[random_below(r, ELEMENTSOF(edges))] : (uint32_t) random_next(r);
}

static uint32_t pick_flags(Random *r) {
        uint32_t n = random_below(r, 100);

        if (n < 48)
                return VFIO_PASID_REQUEST_ALLOC;
        if (n < 80)
                return VFIO_PASID_REQUEST_FREE;
        if (n < 90)
                return VFIO_PASID_REQUEST_PROBE |
                       (random_chance(r, 50) ? VFIO_PASID_REQUEST_ALLOC : VFIO_PASID_REQUEST_FREE);
        if (n < 96)
                return random_below(r, 8);
        return n < 98 ? UINT32_C(1) << random_below(r, 32) | random_below(r, 8) : (uint32_t) random_next(r);
}

static uint32_t pick_word(unsigned op, unsigned i, Random *r) {
        switch (op) {
        case OP_REQUEST:
                switch (i) {
                case 0:
                        return pick_argsz(r);
                case 1:
                        return pick_flags(r);
                case 2:
                case 3:
                        return pick_pasid(r);
                case 4:
                        return random_chance(r, 90) ? BUFFER_PLAIN : random_below(r, _BUFFER_MAX);
                default:
                        return random_below(r, 24);
                }
        case OP_MANY:
                return i == 2 || i == 3 ? pick_pasid(r) : (uint32_t) random_next(r);
        case OP_QUOTA:
        case OP_WATERMARK:
        case OP_PARAMETER:
        case OP_MISC_MAX:
                return i == 0 ? pick_count(r) : (uint32_t) random_next(r);
        default:
                return (uint32_t) random_next(r);
        }
}

static void call_make(Thread *t, Call *c) {
        Random *r = &t->random;
        uint32_t n;

        /* The last container starts without a group. */
        n = random_below(r, 20);
        c->slot = n < 12 ? 0 : n < 19 ? 1 : 2;
        for (unsigned i = 0; i < FUZZ_WORDS; i++)
                c->words[i] = pick_word(c->op, i, r);
        /* Mostly ranges that make sense. */
        if ((c->op == OP_REQUEST || c->op == OP_MANY) && c->words[2] > c->words[3] && random_chance(r, 90)) {
                uint32_t v = c->words[2];

                c->words[2] = c->words[3];
                c->words[3] = v;
        }
        if (c->op == OP_REQUEST && (c->words[1] & VFIO_PASID_REQUEST_FREE) && random_chance(r, 60)) {
                /* Without these, sets would be empty most of the time. */
                uint64_t end = (uint64_t) c->words[2] + random_below(r, 4);

                c->words[3] = end > UINT32_MAX ? UINT32_MAX : (uint32_t) end;
        }
}

static void call_mutated(Call *c) {
        if (c->op == OP_REQUEST)
                c->words[4] %= _BUFFER_MAX;
}

/* ---- making calls ---- */

static int container_fd(unsigned slot) {
        return CONTAINER_FD + (int) slot;
}

static int group_fd(unsigned g) {
        return GROUP_FD + (int) g;
}

/* How many of the request's bytes can be read. */
static uint32_t readable(const Call *c) {
        switch (c->words[4]) {
        case BUFFER_EDGE:
                return c->words[5] % 24;
        case BUFFER_NULL:
        case BUFFER_KERNEL:
                return 0;
        default:
                return 20;
        }
}

static bool writable(const Call *c) {
        return c->words[4] != BUFFER_READ_ONLY && readable(c) >= 20;
}

/* What a request must answer; changes the model as if it were answered. A request with several faults may name any of them. */
static Expectation model_request(Model *m, const Call *c) {
        uint32_t argsz = c->words[0], flags = c->words[1], min = c->words[2], max = c->words[3];
        bool alloc = (flags & ~VFIO_PASID_REQUEST_PROBE) == VFIO_PASID_REQUEST_ALLOC;
        bool free = (flags & ~VFIO_PASID_REQUEST_PROBE) == VFIO_PASID_REQUEST_FREE;
        bool many = (flags & ~VFIO_PASID_REQUEST_PROBE) == VFIO_PASID_REQUEST_ALLOC_MANY;
        bool probe = flags & VFIO_PASID_REQUEST_PROBE;
        ModelContainer *k = model_container(m, c->slot);
        Expectation e = {};

        if (!k->iommu) {
                expect(&e, EINVAL);
                if (readable(c) < 16)
                        expect(&e, EFAULT);
                return e;
        }
        if (readable(c) < 8)
                expect(&e, EFAULT);
        if (readable(c) >= 8 || c->words[4] == BUFFER_EDGE) {
                if (readable(c) < 16 || (many && readable(c) < 20))
                        expect(&e, EFAULT);
                /* Of several, the fifth word is the count, and too large. */
                if (!alloc && !free)
                        expect(&e, EINVAL);
                else if (argsz < (alloc ? 20u : 16u))
                        expect(&e, EINVAL);
                else if (readable(c) >= 16 && min > max)
                        expect(&e, EINVAL);
        }
        if (!nothing_expected(&e))
                return e;

        if (free) {
                expect(&e, 0);
                if (probe)
                        return e;
                for (uint32_t p = min; p <= max && p <= PASID_LAST; p++) {
                        if (p % 64 == 0 && m->owned[p / 64] == 0) {
                                p += 63;
                                continue;
                        }
                        if (!owned(m, p))
                                continue;
                        m->owned[p / 64] &= ~(UINT64_C(1) << (p % 64));
                        m->held--;
                }
                return e;
        }

        if (probe) {
                /* A range in which no PASID can ever be may or may not be called full. */
                if (max == 0 || min > PASID_LAST)
                        expect(&e, ENOSPC);
                expect(&e, 0);
                return e;
        }
        if (m->held >= m->quota) {
                expect(&e, EDQUOT);
                m->denied++;
                return e;
        }
        if (model_free(m, min, max, 1) == 0) {
                expect(&e, ENOSPC);
                m->denied++;
                return e;
        }
        if (m->held >= m->limit) {
                expect(&e, EBUSY);
                m->denied++;
                return e;
        }
        if (!writable(c)) {
                expect(&e, EFAULT);
                return e;
        }
        /* Which one is up to the kernel, see do_request(). */
        expect(&e, 0);
        m->held++;
        if (m->held > m->peak)
                m->peak = m->held;
        return e;
}

/* A PASID that the kernel has chosen. */
static void model_given(Thread *t, const Call *c, uint32_t pasid) {
        if (!model || pasid > PASID_LAST)
                return;
        if (owned(model, pasid))
                differs(t, c, "gave %" PRIu32 ", which this process holds already", pasid);
        model->owned[pasid / 64] |= UINT64_C(1) << (pasid % 64);
}

static int do_request(Thread *t, const Call *c, Expectation *e) {
        uint32_t request[5] = { c->words[0], c->words[1], c->words[2], c->words[3], UINT32_C(0xdeadbeef) },
                 result = 0;
        void *argument;
        int r;

        argument = fuzz_buffer(t, c->words[4], request, sizeof(request), readable(c));
        if (model)
                *e = model_request(model, c);
        r = ioctl(container_fd(c->slot), VFIO_IOMMU_PASID_REQUEST, argument) < 0 ? -errno : 0;
        if (r < 0 || (c->words[1] & (VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_PROBE)) !=
                             VFIO_PASID_REQUEST_ALLOC)
                return r;

        memcpy(&result, (unsigned char *) argument + 16, sizeof(result));
        if (result == 0 || result > PASID_LAST || result < c->words[2] || result > c->words[3])
                differs(t, c, "gave %" PRIu32 ", outside of the range", result);
        if (memcmp(argument, request, 16) != 0)
                differs(t, c, "something other than the result was written");
        model_given(t, c, result);
        atomic_store_explicit(&recent[t->calls % ELEMENTSOF(recent)], result, memory_order_relaxed);
        return 0;
}

static Expectation model_many(Model *m, const Call *c, uint32_t count) {
        uint32_t min = c->words[2], max = c->words[3];
        Expectation e = {};

        if (!model_container(m, c->slot)->iommu || min > max || count == 0 ||
                count > VFIO_PASID_REQUEST_MAX) {
                expect(&e, EINVAL);
                return e;
        }
        if ((uint64_t) m->held + count > m->quota)
                expect(&e, EDQUOT);
        else if (model_free(m, min, max, count) < count)
                expect(&e, ENOSPC);
        else if (m->held + count > m->limit)
                expect(&e, EBUSY);
        else {
                expect(&e, 0);
                m->held += count;
                if (m->held > m->peak)
                        m->peak = m->held;
                return e;
        }
        m->denied++;
        return e;
}

static int do_many(Thread *t, const Call *c, Expectation *e) {
        uint32_t pasids[VFIO_PASID_REQUEST_MAX + 6], count = c->words[0] % ELEMENTSOF(pasids);
        int r;

        if (model)
                *e = model_many(model, c, count);
        r = pasid_alloc_many(container_fd(c->slot), c->words[2], c->words[3], count, pasids);
        for (uint32_t i = 0; i < count && r >= 0; i++) {
                if (pasids[i] == 0 || pasids[i] > PASID_LAST || pasids[i] < c->words[2] ||
                        pasids[i] > c->words[3])
                        differs(t, c, "gave %" PRIu32 ", outside of the range", pasids[i]);
                model_given(t, c, pasids[i]);
                atomic_store_explicit(
                        &recent[(t->calls + i) % ELEMENTSOF(recent)], pasids[i], memory_order_relaxed);
        }
        return r;
}

static int do_info(Thread *t, const Call *c, Expectation *e) {
        struct vfio_iommu_type1_info_cap_pasid cap;
        int r;

        if (c->words[0] % 4 == 0) {
                struct vfio_iommu_type1_info *info = (void *) (t->pages + 64);

                memset(info, 0, sizeof(*info));
                info->argsz = c->words[1] % 300;
                return ioctl(container_fd(c->slot), VFIO_IOMMU_GET_INFO, info) < 0 ? -errno : 0;
        }
        r = pasid_capability(container_fd(c->slot), &cap);
        if (model) {
                bool iommu = model_container(model, c->slot)->iommu;

                e->any = false;
                expect(e, iommu ? 0 : EINVAL);
                if (r >= 0 && iommu &&
                        (cap.max != PASID_LAST || cap.quota != model->quota || cap.allocated != model->held))
                        differs(t, c,
                                "capability: max %" PRIu32 ", quota %" PRIu32 " (%" PRIu32
                                "), allocated %" PRIu32 " (%" PRIu32 ")",
                                cap.max, cap.quota, model->quota, cap.allocated, model->held);
        }
        return r;
}

static int do_extension(Thread *t, const Call *c, Expectation *e) {
        unsigned long extension = c->words[0] % 4 == 0   ? c->words[1]
                                  : c->words[0] % 4 == 1 ? c->words[1] % 16
                                                         : VFIO_TYPE1_PASID_ALLOC;
        int r;

        r = ioctl(container_fd(c->slot), VFIO_CHECK_EXTENSION, extension);
        if (r < 0)
                return -errno;
        if (model && extension == VFIO_TYPE1_PASID_ALLOC && r != model_container(model, c->slot)->iommu)
                differs(t, c, "the extension is answered with %d", r);
        return 0;
}

static int do_attach(Thread *t, const Call *c, Expectation *e) {
        unsigned g = c->words[0] % n_groups;

        if (model) {
                Model *m = model;

                e->any = false;
                if (m->of_group[g] >= 0)
                        expect(e, EINVAL);
                else {
                        expect(e, 0);
                        m->of_group[g] = (int) m->of_slot[c->slot];
                        model_container(m, c->slot)->groups++;
                }
        }
        return group_attach(group_fd(g), container_fd(c->slot));
}

static int do_detach(Thread *t, const Call *c, Expectation *e) {
        unsigned g = c->words[0] % n_groups;

        if (model) {
                e->any = false;
                expect(e, model->of_group[g] >= 0 ? 0 : EINVAL);
                if (model->of_group[g] >= 0)
                        model_detach(model, g);
        }
        return group_detach(group_fd(g));
}

static int do_set_iommu(Thread *t, const Call *c, Expectation *e) {
        unsigned long type = c->words[0] % 8 == 0 ? c->words[1] % 16 : VFIO_TYPE1v2_IOMMU;
        int r;

        r = ioctl(container_fd(c->slot), VFIO_SET_IOMMU, type) < 0 ? -errno : 0;
        if (model) {
                ModelContainer *k = model_container(model, c->slot);

                if (type == VFIO_TYPE1v2_IOMMU || type == VFIO_TYPE1_IOMMU) {
                        e->any = false;
                        expect(e, k->groups == 0 || k->iommu ? EINVAL : 0);
                }
                if (r >= 0 && !k->iommu) {
                        k->iommu = true;
                        model_bind(model);
                }
        }
        return r;
}

static int do_close(Thread *t, const Call *c, Expectation *e) {
        if (model) {
                Model *m = model;

                model_container(m, c->slot)->open = false;
                for (unsigned i = 0; i < MODEL_CONTAINERS; i++)
                        if (!m->containers[i].open && m->containers[i].groups == 0) {
                                m->containers[i] = (ModelContainer) { .open = true };
                                m->of_slot[c->slot] = i;
                                break;
                        }
        }
        return fd_place(container_open(), container_fd(c->slot));
}

static int do_close_group(Thread *t, const Call *c, Expectation *e) {
        unsigned g = c->words[0] % n_groups;
        int fd;

        if (model && model->of_group[g] >= 0)
                model_detach(model, g);
        /* Only one file of a group can be open. Meanwhile the number is free for a moment, which is part of the game. */
        close(group_fd(g));
        for (unsigned i = 0; i < 50; i++) {
                fd = group_open(groups.numbers[g]);
                if (fd != -EBUSY)
                        break;
                sleep_ms(1);
        }
        return fd_place(fd, group_fd(g));
}

static int do_fork(Thread *t, const Call *c, Expectation *e) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                uint32_t pasid;

                /* The parent's set, so what is taken must be given back for the model to stay right. */
                if (pasid_alloc(container_fd(c->slot), 777777, 777777, &pasid) >= 0)
                        (void) pasid_free(container_fd(c->slot), pasid, pasid);
                _exit(0);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        if (model && model_container(model, c->slot)->iommu) {
                Model *m = model;

                if (m->held >= m->quota || m->held >= m->limit || owned(m, 777777))
                        m->denied++;
                else if (m->held + 1 > m->peak)
                        m->peak = m->held + 1;
                /* The child frees 777777 only if it got it. */
        }
        return 0;
}

static int do_set_file(Thread *t, const Call *c, Expectation *e, const char *name) {
        bool valid, is_quota = strcmp(name, "quota") == 0;
        char path[128];
        uint64_t id;
        int r;

        r = own_set(&id);
        if (model && (r >= 0) != model->has_set)
                differs(t, c, "the set is %s", r >= 0 ? "still there" : strerror(-r));
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64 "/%s", id, name);
        r = write_number(path, c->words[0], c->words[1], &valid);
        if (model) {
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
        }
        return r;
}

static int do_sysfs_read(Thread *t, const Call *c, Expectation *e) {
        static const char *const names[] = { "quota", "watermark", "allocated", "peak", "denied", "tgid",
                "start_time", "cgroup_id" };
        uint64_t id, v;
        int r;

        r = own_set(&id);
        for (size_t i = 0; i < ELEMENTSOF(names) && r >= 0; i++) {
                r = sysfs_set_read(id, names[i], &v);
                if (r >= 0 && model) {
                        const uint64_t want[] = { model->quota, model->watermark, model->held, model->peak,
                                model->denied, (uint64_t) getpid() };

                        if (i < ELEMENTSOF(want) && v != want[i])
                                differs(t, c, "%s is %" PRIu64 ", not %" PRIu64, names[i], v, want[i]);
                }
        }
        return r;
}

static int do_sysfs_write(Thread *t, const Call *c, Expectation *e) {
        static const char *const names[] = { "allocated", "peak", "denied", "tgid", "start_time", "cgroup_id",
                "quota", "watermark" };
        size_t size = c->words[1] % (c->words[1] % 7 == 0 ? 5000 : 32);
        Random content = { .state = c->words[2] };
        char path[128], *text;
        uint64_t id;
        ssize_t n;
        int r, fd;

        r = own_set(&id);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64 "/%s", id,
                names[c->words[0] % ELEMENTSOF(names)]);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        text = (char *) t->writable;
        if (size > fuzz_page - 1)
                size = fuzz_page - 1;
        /* Never digits alone: the model need not know. */
        for (size_t i = 0; i < size; i++)
                text[i] = (char) random_next(&content);
        text[0] = 'x';
        n = write(fd, text, size + 1);
        r = n < 0 ? -errno : 0;
        close(fd);
        return r;
}

static int do_parameter(Thread *t, const Call *c, Expectation *e) {
        bool valid;
        int r;

        r = write_number(SYSFS_MODULE "/default_quota", c->words[0], c->words[1], &valid);
        /* What is in force is read back: the parser of parameters takes more forms than that of the sets. */
        if (model) {
                uint64_t v;

                if (r >= 0 && valid && c->words[1] % 100 < 70 &&
                        file_read_u64(SYSFS_MODULE "/default_quota", &v) >= 0 && v != c->words[0])
                        differs(t, c, "default_quota is %" PRIu64, v);
                if (file_read_u64(SYSFS_MODULE "/default_quota", &v) >= 0) {
                        if (v > PASID_CAPACITY + 1)
                                differs(t, c, "default_quota is %" PRIu64, v);
                        model->default_quota = (uint32_t) v;
                }
        }
        return r;
}

static int do_misc_max(Thread *t, const Call *c, Expectation *e) {
        char path[192], text[64];
        int r;

        if (!cgroup_path[0])
                return -ENOENT;
        snprintf(path, sizeof(path), "%s/misc.max", cgroup_path);
        if (c->words[1] % 4 != 0)
                snprintf(text, sizeof(text), "pasid max");
        else
                snprintf(text, sizeof(text), "pasid %" PRIu32, c->words[0]);
        r = file_write(path, text);
        if (model && r >= 0)
                model->limit = c->words[1] % 4 != 0 ? UINT64_MAX : c->words[0];
        return r;
}

static int nl_ensure(Thread *t) {
        int r = 0;

        if (!sockets[t->index].buffer) {
                r = netlink_open(&sockets[t->index]);
        }
        return r;
}

static void nl_drain(Thread *t) {
        for (unsigned i = 0; i < 64; i++) {
                ssize_t n = netlink_receive(&sockets[t->index], MSG_DONTWAIT);

                if (n < 0 && n != -ENOBUFS)
                        break;
        }
}

static int do_nl_info(Thread *t, const Call *c, Expectation *e) {
        PasidInfo info;
        int r;

        r = nl_ensure(t);
        if (r >= 0)
                r = netlink_info(&sockets[t->index], &info);
        if (r == -ENOBUFS)
                return r;
        if (model) {
                e->any = false;
                expect(e, 0);
                if (r >= 0 && (info.capacity != PASID_CAPACITY ||
                                      info.allocated != model->base_allocated + model->held ||
                                      info.sets != model->base_sets + model->has_set ||
                                      info.default_quota != model->default_quota))
                        differs(t, c,
                                "info: capacity %" PRIu32 ", allocated %" PRIu32 " (%" PRIu32
                                "), sets %" PRIu32 " (%" PRIu32 ")",
                                info.capacity, info.allocated, model->base_allocated + model->held, info.sets,
                                model->base_sets + model->has_set);
        }
        return r;
}

static void check_set(Thread *t, const Call *c, const PasidSet *s) {
        const Model *m = model;

        if (s->tgid != (uint32_t) getpid())
                return;
        if (s->quota != m->quota || s->watermark != m->watermark || s->allocated != m->held ||
                s->peak != m->peak || s->denied != m->denied)
                differs(t, c,
                        "quota %" PRIu32 " (%" PRIu32 "), watermark %" PRIu32 " (%" PRIu32
                        "), allocated %" PRIu32 " (%" PRIu32 "), peak %" PRIu32 " (%" PRIu32
                        "), denied %" PRIu64 " (%" PRIu64 ")",
                        s->quota, m->quota, s->watermark, m->watermark, s->allocated, m->held, s->peak,
                        m->peak, s->denied, m->denied);
}

static int do_nl_get(Thread *t, const Call *c, Expectation *e) {
        uint64_t id = c->words[1];
        PasidSet s;
        int r;

        r = nl_ensure(t);
        if (r < 0)
                return r;
        if (c->words[0] % 4 > 0 && own_set(&id) < 0)
                id = UINT64_MAX;
        r = netlink_set_get(&sockets[t->index], id, &s);
        if (r >= 0 && s.id != id)
                differs(t, c, "asked for set %" PRIu64 ", got %" PRIu64, id, s.id);
        if (r >= 0 && model)
                check_set(t, c, &s);
        return r;
}

typedef struct DumpCheck {
        Thread *thread;
        const Call *call;
        uint64_t last;
        unsigned own;
} DumpCheck;

static void on_dumped(const PasidSet *s, void *userdata) {
        DumpCheck *d = userdata;

        if (s->id <= d->last)
                differs(d->thread, d->call, "set %" PRIu64 " after set %" PRIu64, s->id, d->last);
        d->last = s->id;
        if (s->tgid == (uint32_t) getpid())
                d->own++;
        if (model)
                check_set(d->thread, d->call, s);
}

static int do_nl_dump(Thread *t, const Call *c, Expectation *e) {
        DumpCheck d = { .thread = t, .call = c };
        int r;

        r = nl_ensure(t);
        if (r < 0)
                return r;
        r = netlink_dump(&sockets[t->index], on_dumped, &d);
        if (r == -ENOBUFS)
                return r;
        if (model && r >= 0 && d.own != model->has_set)
                differs(t, c, "%u sets of this process", d.own);
        return r < 0 ? r : 0;
}

/* Attributes that are nearly right: a known type, a length that fits it more or less. */
static size_t attributes_make(unsigned char *p, size_t size, Random *r, unsigned depth) {
        size_t at = 0;
        unsigned n = random_below(r, 6);

        while (n-- > 0 && at + 64 < size) {
                struct nlattr *a = (void *) (p + at);
                size_t length;

                switch (random_below(r, 6)) {
                case 0:
                        length = 0;
                        break;
                case 1:
                        length = 4;
                        break;
                case 2:
                case 3:
                        length = 8;
                        break;
                case 4:
                        length = random_below(r, 48);
                        break;
                default:
                        length = depth < 3
                                         ? attributes_make(p + at + NLA_HDRLEN, (size - at) / 2, r, depth + 1)
                                         : 1;
                        a->nla_type = (uint16_t) (random_below(r, 16) | NLA_F_NESTED);
                        a->nla_len = (uint16_t) (NLA_HDRLEN + length);
                        at += NLA_ALIGN(a->nla_len);
                        continue;
                }
                for (size_t i = 0; i < length; i++)
                        p[at + NLA_HDRLEN + i] = random_chance(r, 60)
                                                         ? (i == 0 ? (unsigned char) random_below(r, 8) : 0)
                                                         : (unsigned char) random_next(r);
                a->nla_type =
                        random_chance(r, 85) ? (uint16_t) random_below(r, 16) : (uint16_t) random_next(r);
                a->nla_len = random_chance(r, 92) ? (uint16_t) (NLA_HDRLEN + length)
                                                  : (uint16_t) random_below(r, 70);
                at += NLA_ALIGN(NLA_HDRLEN + length);
        }
        return at;
}

static int do_nl_random(Thread *t, const Call *c, Expectation *e) {
        static const uint16_t flags[] = { NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_ACK,
                NLM_F_REQUEST | NLM_F_DUMP, NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK,
                NLM_F_REQUEST | NLM_F_ECHO, NLM_F_REQUEST | NLM_F_ROOT, NLM_F_REQUEST | NLM_F_MATCH, 0 };
        Random r = { .state = (uint64_t) c->words[3] << 32 | c->words[2] };
        unsigned char attributes[1024] = {};
        size_t size;
        int k;

        k = nl_ensure(t);
        if (k < 0)
                return k;
        size = attributes_make(attributes, sizeof(attributes), &r, 0);
        k = netlink_send(&sockets[t->index], c->words[0] % 16 == 0 ? GENL_ID_CTRL : sockets[t->index].family,
                c->words[1] % 16 == 0 ? (uint16_t) random_next(&r) : flags[c->words[1] % ELEMENTSOF(flags)],
                c->words[4] % 8 == 0 ? (uint8_t) c->words[5]
                                     : (uint8_t) (c->words[5] % (VFIO_PASID_CMD_MAX + 2)),
                attributes, size);
        nl_drain(t);
        return k;
}

/* Not even a header that is right. */
static int do_nl_raw(Thread *t, const Call *c, Expectation *e) {
        Random r = { .state = (uint64_t) c->words[1] << 32 | c->words[0] };
        unsigned char message[600];
        struct nlmsghdr *h = (void *) message;
        size_t size = c->words[2] % sizeof(message);
        int k;

        k = nl_ensure(t);
        if (k < 0)
                return k;
        for (size_t i = 0; i < sizeof(message); i++)
                message[i] = random_chance(&r, 50) ? 0 : (unsigned char) random_next(&r);
        h->nlmsg_len = c->words[3] % 3 == 0 ? (uint32_t) random_next(&r) : (uint32_t) size;
        h->nlmsg_type = sockets[t->index].family;
        h->nlmsg_flags = c->words[4] % 2 == 0 ? NLM_F_REQUEST : (uint16_t) c->words[4];
        message[NLMSG_HDRLEN] = (unsigned char) (c->words[5] % 9);
        /* Two messages in one packet, now and then. */
        if (c->words[5] % 5 == 0 && size > 2 * (NLMSG_HDRLEN + GENL_HDRLEN)) {
                struct nlmsghdr *second = (void *) (message + NLMSG_HDRLEN + GENL_HDRLEN);

                h->nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
                *second = (struct nlmsghdr) { .nlmsg_len = (uint32_t) (size - h->nlmsg_len),
                        .nlmsg_type = sockets[t->index].family,
                        .nlmsg_flags = NLM_F_REQUEST | (c->words[4] % 3 == 0 ? NLM_F_DUMP : 0) };
        }
        k = send(sockets[t->index].fd, message, size, 0) < 0 ? -errno : 0;
        nl_drain(t);
        return k;
}

static int do_nl_membership(Thread *t, const Call *c, Expectation *e) {
        uint32_t group;
        int r, size = 4096 << c->words[2] % 6;

        r = nl_ensure(t);
        if (r < 0)
                return r;
        switch (c->words[0] % 6) {
        case 0:
                netlink_close(&sockets[t->index]);
                return 0;
        case 1:
                return setsockopt(sockets[t->index].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0
                               ? -errno
                               : 0;
        default:
                group = c->words[1] % 8 == 0 ? c->words[1] % 64 : sockets[t->index].events;
                /* The model's own socket stays free of events, so that its replies are never lost. */
                if (model)
                        return 0;
                return setsockopt(sockets[t->index].fd, SOL_NETLINK,
                               c->words[0] % 6 < 4 ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, &group,
                               sizeof(group)) < 0
                               ? -errno
                               : 0;
        }
}

static int do_quota(Thread *t, const Call *c, Expectation *e) {
        return do_set_file(t, c, e, "quota");
}

static int do_watermark(Thread *t, const Call *c, Expectation *e) {
        return do_set_file(t, c, e, "watermark");
}

static const FuzzOp ops[_OP_MAX] = {
        [OP_REQUEST] = { "pasid request", 94500, do_request },
        [OP_MANY] = { "several pasids", 2000, do_many },
        [OP_INFO] = { "get info", 600, do_info },
        [OP_EXTENSION] = { "check extension", 300, do_extension },
        [OP_ATTACH] = { "attach", 20, do_attach },
        [OP_DETACH] = { "detach", 3, do_detach },
        [OP_SET_IOMMU] = { "set iommu", 25, do_set_iommu },
        [OP_CLOSE] = { "close container", 2, do_close },
        [OP_CLOSE_GROUP] = { "close group", 2, do_close_group },
        [OP_FORK] = { "fork", 3, do_fork },
        [OP_QUOTA] = { "quota", 250, do_quota },
        [OP_WATERMARK] = { "watermark", 150, do_watermark },
        [OP_SYSFS_READ] = { "sysfs read", 60, do_sysfs_read },
        [OP_SYSFS_WRITE] = { "sysfs write", 100, do_sysfs_write },
        [OP_PARAMETER] = { "module parameter", 15, do_parameter },
        [OP_MISC_MAX] = { "misc.max", 40, do_misc_max },
        [OP_NL_INFO] = { "netlink info", 150, do_nl_info },
        [OP_NL_GET] = { "netlink get", 200, do_nl_get },
        [OP_NL_DUMP] = { "netlink dump", 100, do_nl_dump },
        [OP_NL_RANDOM] = { "netlink random", 800, do_nl_random },
        [OP_NL_MEMBERSHIP] = { "netlink membership", 80, do_nl_membership },
        [OP_NL_RAW] = { "netlink raw", 600, do_nl_raw },
};

/* ---- threads ---- */

/* One container with two groups and one with one to begin with, or most calls would find nothing. */
static void begin_attached(Thread *t) {
        static const Call calls[] = {
                { OP_ATTACH, 0, { 0 } },
                { OP_ATTACH, 0, { 1 } },
                { OP_ATTACH, 1, { 2 } },
                { OP_SET_IOMMU, 0, { 1 } },
                { OP_SET_IOMMU, 1, { 1 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                Expectation e = { .any = true };

                (void) ops[calls[i].op].run(t, calls + i, &e);
        }
}

static void thread_end(Thread *t) {
        if (sockets[t->index].buffer)
                netlink_close(&sockets[t->index]);
}

static void describe(char *text, size_t size) {
        snprintf(text, size, "set held %" PRIu32 ", quota %" PRIu32, model->held, model->quota);
}

static int cgroup_enter(void) {
        char path[192];
        int r;

        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_root());
        r = file_write(path, "+misc");
        if (r < 0)
                return r;
        snprintf(cgroup_path, sizeof(cgroup_path), "%s/pasid-fuzz-%d", cgroup_root(), getpid());
        if (mkdir(cgroup_path, 0755) < 0)
                return -errno;
        snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path);
        return file_write_u64(path, (uint64_t) getpid());
}

static int cgroup_leave(void) {
        char path[192];
        uint64_t v = 0;
        int r;

        if (!cgroup_path[0])
                return 0;
        snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_root());
        r = file_write_u64(path, (uint64_t) getpid());
        if (misc_read(cgroup_path, "misc.current", &v) >= 0 && v != 0) {
                printf("%s/misc.current says %" PRIu64 " at the end\n", cgroup_path, v);
                fuzz_wrong();
        }
        if (rmdir(cgroup_path) < 0)
                r = -errno;
        return r;
}

static FuzzOption option_mdevs = {
        .name = "mdevs",
        .help = "make N mediated devices (0; wants the mdev-edu module)",
        .max = GROUPS_MAX,
};

static const Fuzzer fuzzer = {
        .name = "pasid-fuzz",
        .about = "Makes random calls to the PASID interface.",
        .ops = ops,
        .n_ops = _OP_MAX,
        .slots = CONTAINERS,
        .option = &option_mdevs,
        .make = call_make,
        .pick_word = pick_word,
        .mutated = call_mutated,
        .begin = begin_attached,
        .end = thread_end,
        .describe = describe,
};

static int model_make(const PasidInfo *info) {
        model = calloc(1, sizeof(*model));
        if (!model)
                return -ENOMEM;
        for (unsigned i = 0; i < CONTAINERS; i++) {
                model->containers[i].open = true;
                model->of_slot[i] = i;
        }
        for (unsigned i = 0; i < GROUPS_USED; i++)
                model->of_group[i] = -1;
        model->limit = UINT64_MAX;
        model->default_quota = info->default_quota;
        model->base_allocated = info->allocated;
        model->base_sets = info->sets;
        return 0;
}

int main(int argc, char *argv[]) {
        uint64_t floor = 0, id;
        Totals before;
        PasidInfo info;
        Netlink nl;
        int r;

        r = fuzz_options(&fuzzer, argc, argv);
        if (r >= 0)
                return r;

        r = groups_prepare(&groups, (unsigned) option_mdevs.value);
        if (r < 0) {
                fprintf(stderr, "pasid-fuzz: no VFIO groups: %s\n", strerror(-r));
                return 77;
        }
        n_groups = groups.n < GROUPS_USED ? groups.n : GROUPS_USED;
        (void) run_command((const char *const[]) { "modprobe", "vfio_pasid", NULL });
        r = netlink_open(&nl);
        if (r >= 0)
                r = netlink_info(&nl, &info);
        if (r >= 0)
                r = totals_read(&nl, &before);
        if (r < 0) {
                fprintf(stderr, "pasid-fuzz: the netlink family: %s\n", strerror(-r));
                return 77;
        }
        /* The model knows no floor. */
        (void) file_read_u64(SYSFS_MODULE "/floor", &floor);
        (void) file_write_u64(SYSFS_MODULE "/floor", 0);
        fuzz_begin();
        r = cgroup_enter();
        if (r < 0)
                fprintf(stderr, "pasid-fuzz: without a cgroup: %s\n", strerror(-r));

        for (unsigned i = 0; i < CONTAINERS && r >= 0; i++)
                r = fd_place(container_open(), container_fd(i));
        for (unsigned i = 0; i < n_groups && r >= 0; i++)
                r = fd_place(group_open(groups.numbers[i]), group_fd(i));
        if (r >= 0 && fuzz_threads == 1)
                r = model_make(&info);
        if (r >= 0)
                r = fuzz_run(&fuzzer);
        if (r < 0) {
                fprintf(stderr, "pasid-fuzz: %s\n", strerror(-r));
                return 1;
        }

        for (unsigned i = 0; i < n_groups; i++)
                close(group_fd(i));
        for (unsigned i = 0; i < CONTAINERS; i++)
                close(container_fd(i));
        /* The account of this process stays. */
        if (own_set(&id) >= 0) {
                before.sets++;
                before.sysfs_sets++;
        }
        if (totals_await(&nl, &before, 20) < 0)
                fuzz_wrong();
        (void) file_write_u64(SYSFS_MODULE "/default_quota", info.default_quota);
        (void) file_write_u64(SYSFS_MODULE "/floor", floor);
        r = cgroup_leave();
        if (r < 0)
                fprintf(stderr, "pasid-fuzz: leaving the cgroup: %s\n", strerror(-r));
        return fuzz_finish();
}
