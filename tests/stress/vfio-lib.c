/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vfio-lib.h"

/* splitmix64: a good stream from any seed, and one word of state. */
uint64_t random_next(Random *r) {
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint32_t random_below(Random *r, uint32_t n) {
        return n == 0 ? 0 : (uint32_t) (random_next(r) >> 32) % n;
}

bool random_chance(Random *r, uint32_t percent) {
        return random_below(r, 100) < percent;
}

Random random_fork(uint64_t seed, uint64_t index) {
        Random r = { .state = seed ^ (index + 1) * UINT64_C(0xd1342543de82ef95) };

        random_next(&r);
        return r;
}

uint64_t option_number(const char *name, const char *text, uint64_t min, uint64_t max) {
        uint64_t value;
        char *end;

        errno = 0;
        value = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max) {
                fprintf(stderr, "%s: --%s wants a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"\n",
                        program_invocation_short_name, name, min, max, text);
                exit(2);
        }
        return value;
}

uint64_t now_ns(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * UINT64_C(1000000000) + (uint64_t) ts.tv_nsec;
}

void sleep_ms(unsigned ms) {
        struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long) (ms % 1000) * 1000000 };

        while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
                ;
}

int file_read(const char *path, char *buffer, size_t size) {
        ssize_t n;
        int fd, r;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, buffer, size - 1);
        r = n < 0 ? -errno : (int) n;
        close(fd);
        if (n >= 0)
                buffer[n] = 0;
        return r;
}

int file_read_u64(const char *path, uint64_t *ret) {
        char buffer[64], *end;
        uint64_t value;
        int r;

        r = file_read(path, buffer, sizeof(buffer));
        if (r < 0)
                return r;
        errno = 0;
        value = strtoull(buffer, &end, 10);
        if (errno != 0 || end == buffer)
                return -EBADMSG;
        *ret = value;
        return 0;
}

int file_write(const char *path, const char *value) {
        ssize_t n;
        int fd, r;

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = write(fd, value, strlen(value));
        r = n < 0 ? -errno : 0;
        close(fd);
        return r;
}

int file_write_u64(const char *path, uint64_t value) {
        char buffer[32];

        snprintf(buffer, sizeof(buffer), "%" PRIu64, value);
        return file_write(path, buffer);
}

int run_command(const char *const argv[]) {
        pid_t pid;
        int status;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                dup2(null, STDOUT_FILENO);
                dup2(null, STDERR_FILENO);
                execvp(argv[0], (char *const *) argv);
                _exit(127);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int device_bind(const char *address, const char *driver) {
        char path[128], link[256];
        ssize_t n;
        int r;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
        n = readlink(path, link, sizeof(link) - 1);
        if (n > 0) {
                const char *name;

                link[n] = 0;
                name = strrchr(link, '/');
                if (name && strcmp(name + 1, driver) == 0)
                        return 0;
                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", address);
                r = file_write(path, address);
                if (r < 0)
                        return r;
        }

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", address);
        r = file_write(path, driver);
        if (r < 0)
                return r;
        return file_write("/sys/bus/pci/drivers_probe", address);
}

int devices_find(char addresses[][16], size_t max) {
        struct dirent *e;
        size_t n = 0;
        DIR *d;

        d = opendir("/sys/bus/pci/devices");
        if (!d)
                return -errno;
        while ((e = readdir(d)) && n < max) {
                char path[128], id[32];

                if (strlen(e->d_name) >= 16)
                        continue;
                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.15s/device", e->d_name);
                if (file_read(path, id, sizeof(id)) < 0 || strncmp(id, "0x11e8", 6) != 0)
                        continue;
                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.15s/vendor", e->d_name);
                if (file_read(path, id, sizeof(id)) < 0 || strncmp(id, "0x1234", 6) != 0)
                        continue;
                snprintf(addresses[n++], 16, "%.15s", e->d_name);
        }
        closedir(d);
        qsort(addresses, n, 16, (int (*)(const void *, const void *)) strcmp);
        return (int) n;
}

int device_group(const char *path) {
        char link[256], name[160];
        const char *number;
        ssize_t n;

        snprintf(name, sizeof(name), "%s/iommu_group", path);
        n = readlink(name, link, sizeof(link) - 1);
        if (n < 0)
                return -errno;
        link[n] = 0;
        number = strrchr(link, '/');
        return number ? atoi(number + 1) : -EBADMSG;
}

int mdev_create(const char *parent, const char *type, const char *uuid) {
        char path[256];
        int r;

        snprintf(path, sizeof(path), "%s/mdev_supported_types/%s/create", parent, type);
        r = file_write(path, uuid);
        if (r < 0)
                return r;
        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", uuid);
        return device_group(path);
}

int mdev_remove(const char *uuid) {
        char path[256];

        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", uuid);
        return file_write(path, "1");
}

/* The last device becomes the parent of all mediated devices. */
static int mdevs_prepare(Groups *g, const char *parent, unsigned n) {
        for (unsigned k = 0; k < n && g->n < GROUPS_MAX; k++) {
                char uuid[40], path[80];
                int r;

                snprintf(uuid, sizeof(uuid), "7a51d000-0000-4000-8000-%012x", k);
                r = mdev_create(parent, "mdev-edu-1", uuid);
                if (r == -EEXIST) {
                        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", uuid);
                        r = device_group(path);
                }
                if (r < 0)
                        return r;
                g->numbers[g->n++] = r;
        }
        return 0;
}

int groups_prepare(Groups *ret, unsigned mdevs) {
        char addresses[16][16];
        Groups g = {};
        int n, r;

        (void) run_command((const char *const[]) { "modprobe", "vfio-pci", NULL });
        if (mdevs > 0 && run_command((const char *const[]) { "modprobe", "mdev-edu", NULL }) < 0)
                mdevs = 0;
        n = devices_find(addresses, ELEMENTSOF(addresses));
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                bool parent = mdevs > 0 && i == n - 1;
                char path[64];

                snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.15s", addresses[i]);
                if (parent)
                        g.first_mdev = g.n;
                r = device_bind(addresses[i], parent ? "mdev-edu" : "vfio-pci");
                if (r < 0)
                        return r;
                r = parent ? mdevs_prepare(&g, path, mdevs) : device_group(path);
                if (r < 0)
                        return r;
                if (!parent)
                        g.numbers[g.n++] = r;
        }
        if (g.n == 0)
                return -ENODEV;
        if (mdevs == 0)
                g.first_mdev = g.n;
        *ret = g;
        return 0;
}

int container_open(void) {
        int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int group_open(int number) {
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/dev/vfio/%d", number);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int group_attach(int group, int container) {
        return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ? -errno : 0;
}

int group_detach(int group) {
        return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) < 0 ? -errno : 0;
}

int container_set_iommu(int container) {
        return ioctl(container, VFIO_SET_IOMMU, (unsigned long) VFIO_TYPE1v2_IOMMU) < 0 ? -errno : 0;
}

int container_setup(int number, int *ret_container, int *ret_group) {
        int container, group, r;

        container = container_open();
        if (container < 0)
                return container;
        group = group_open(number);
        if (group < 0) {
                close(container);
                return group;
        }
        r = group_attach(group, container);
        if (r >= 0)
                r = container_set_iommu(container);
        if (r < 0) {
                close(group);
                close(container);
                return r;
        }
        *ret_container = container;
        *ret_group = group;
        return 0;
}

/* The header and the payloads as one plain object; data[] cannot be embedded. */
typedef struct Request {
        uint32_t argsz, flags, min, max, result;
} Request;

static int request(int container, uint32_t flags, uint32_t argsz, uint32_t min, uint32_t max, uint32_t *ret) {
        Request q = { .argsz = argsz, .flags = flags, .min = min, .max = max };

        if (ioctl(container, VFIO_IOMMU_PASID_REQUEST, &q) < 0)
                return -errno;
        if (ret)
                *ret = q.result;
        return 0;
}

int pasid_alloc(int container, uint32_t min, uint32_t max, uint32_t *ret) {
        return request(container, VFIO_PASID_REQUEST_ALLOC, sizeof(Request), min, max, ret);
}

int pasid_alloc_many(int container, uint32_t min, uint32_t max, uint32_t count, uint32_t *ret) {
        struct {
                uint32_t argsz, flags, min, max, count;
                /* Room for requests with too large a count. */
                uint32_t pasids[2 * VFIO_PASID_REQUEST_MAX];
        } r = { .argsz = sizeof(r),
                .flags = VFIO_PASID_REQUEST_ALLOC_MANY,
                .min = min,
                .max = max,
                .count = count };

        if (ioctl(container, VFIO_IOMMU_PASID_REQUEST, &r) < 0)
                return -errno;
        memcpy(ret, r.pasids, count * sizeof(uint32_t));
        return 0;
}

int pasid_free(int container, uint32_t min, uint32_t max) {
        return request(container, VFIO_PASID_REQUEST_FREE, offsetof(Request, result), min, max, NULL);
}

int pasid_probe(int container, uint32_t flags, uint32_t min, uint32_t max) {
        return request(container, flags | VFIO_PASID_REQUEST_PROBE, sizeof(Request), min, max, NULL);
}

int pasid_capability(int container, struct vfio_iommu_type1_info_cap_pasid *ret) {
        struct vfio_iommu_type1_info *info;
        uint32_t size = 4096, at;
        int r = -ENOENT;

        info = calloc(1, size);
        if (!info)
                return -ENOMEM;
        info->argsz = size;
        if (ioctl(container, VFIO_IOMMU_GET_INFO, info) < 0)
                r = -errno;
        else if (info->flags & VFIO_IOMMU_INFO_CAPS)
                for (at = info->cap_offset; at > 0 && at + sizeof(struct vfio_info_cap_header) <= size;) {
                        struct vfio_info_cap_header *h = (void *) ((char *) info + at);

                        if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_PASID && at + sizeof(*ret) <= size) {
                                memcpy(ret, h, sizeof(*ret));
                                r = 0;
                                break;
                        }
                        at = h->next;
                }
        free(info);
        return r;
}

/* The rest of a row of attributes. */
typedef struct Cursor {
        const char *at;
        size_t left;
} Cursor;

static const struct nlattr *attribute_pop(Cursor *c) {
        const struct nlattr *a = (const void *) c->at;
        size_t size;

        if (c->left < sizeof(*a) || a->nla_len < sizeof(*a) || a->nla_len > c->left)
                return NULL;
        size = NLA_ALIGN((size_t) a->nla_len);
        if (size > c->left)
                size = c->left;
        c->at += size;
        c->left -= size;
        return a;
}

static Cursor cursor_payload(const struct nlmsghdr *h) {
        return (Cursor) { (const char *) h + NLMSG_HDRLEN + GENL_HDRLEN,
                h->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN };
}

static Cursor cursor_nested(const struct nlattr *a) {
        return (Cursor) { (const char *) a + NLA_HDRLEN, (size_t) a->nla_len - NLA_HDRLEN };
}

static uint16_t attribute_type(const struct nlattr *a) {
        return a->nla_type & NLA_TYPE_MASK;
}

static uint64_t attribute_uint(const struct nlattr *a) {
        uint64_t v = 0;

        memcpy(&v, (const char *) a + NLA_HDRLEN,
                (size_t) (a->nla_len - NLA_HDRLEN) < sizeof(v) ? (size_t) (a->nla_len - NLA_HDRLEN)
                                                               : sizeof(v));
        return v;
}

int netlink_send(
        Netlink *nl, uint16_t type, uint16_t flags, uint8_t cmd, const void *attributes, size_t size) {
        unsigned char message[NLMSG_HDRLEN + GENL_HDRLEN + 4096];
        struct nlmsghdr *h = (void *) message;
        struct genlmsghdr *g = (void *) (message + NLMSG_HDRLEN);
        size_t total = NLMSG_HDRLEN + GENL_HDRLEN + size;

        if (total > sizeof(message))
                return -E2BIG;
        *h = (struct nlmsghdr) {
                .nlmsg_len = (uint32_t) total,
                .nlmsg_type = type,
                .nlmsg_flags = flags,
                .nlmsg_seq = ++nl->seq,
        };
        *g = (struct genlmsghdr) { .cmd = cmd, .version = 1 };
        if (size > 0)
                memcpy(message + NLMSG_HDRLEN + GENL_HDRLEN, attributes, size);
        return send(nl->fd, message, total, 0) < 0 ? -errno : 0;
}

ssize_t netlink_receive(Netlink *nl, int flags) {
        ssize_t n = recv(nl->fd, nl->buffer, NETLINK_BUFFER, flags);

        return n < 0 ? -errno : n;
}

typedef int (*ReplyHandler)(const struct nlmsghdr *h, void *userdata);

/* Reads replies to the last request until its ACK, its error or its end; -EAGAIN if none comes. */
static int netlink_replies(Netlink *nl, ReplyHandler handler, void *userdata) {
        for (;;) {
                ssize_t n = netlink_receive(nl, 0);
                struct nlmsghdr *h = (void *) nl->buffer;

                if (n == -EINTR)
                        continue;
                /* After an overrun, a socket silently loses messages, ACKs included, until its queue has been empty. */
                if (n == -ENOBUFS)
                        while (netlink_receive(nl, MSG_DONTWAIT) >= 0)
                                ;
                if (n < 0)
                        return (int) n;
                for (size_t left = (size_t) n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        int r;

                        if (h->nlmsg_seq != nl->seq)
                                continue;
                        if (h->nlmsg_type == NLMSG_DONE)
                                return h->nlmsg_len >= NLMSG_HDRLEN + sizeof(int) ? *(int *) NLMSG_DATA(h)
                                                                                  : 0;
                        if (h->nlmsg_type == NLMSG_ERROR)
                                return ((struct nlmsgerr *) NLMSG_DATA(h))->error;
                        r = handler(h, userdata);
                        if (r < 0)
                                return r;
                }
        }
}

static int on_family(const struct nlmsghdr *h, void *userdata) {
        Cursor c = cursor_payload(h), groups, group;
        const struct nlattr *a;
        Netlink *nl = userdata;

        while ((a = attribute_pop(&c))) {
                if (attribute_type(a) == CTRL_ATTR_FAMILY_ID)
                        nl->family = (uint16_t) attribute_uint(a);
                if (attribute_type(a) != CTRL_ATTR_MCAST_GROUPS)
                        continue;
                groups = cursor_nested(a);
                while ((a = attribute_pop(&groups))) {
                        group = cursor_nested(a);
                        while ((a = attribute_pop(&group)))
                                if (attribute_type(a) == CTRL_ATTR_MCAST_GRP_ID)
                                        nl->events = (uint32_t) attribute_uint(a);
                }
        }
        return 0;
}

int netlink_open(Netlink *ret) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK };
        struct timeval timeout = { .tv_sec = 60 };
        struct {
                struct nlattr a;
                char name[NLA_ALIGN(sizeof(VFIO_PASID_FAMILY_NAME))];
        } name = { { .nla_len = NLA_HDRLEN + sizeof(VFIO_PASID_FAMILY_NAME),
                           .nla_type = CTRL_ATTR_FAMILY_NAME },
                VFIO_PASID_FAMILY_NAME };
        Netlink nl = {};
        int r;

        nl.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
        if (nl.fd < 0)
                return -errno;
        nl.buffer = malloc(NETLINK_BUFFER);
        if (!nl.buffer) {
                close(nl.fd);
                return -ENOMEM;
        }
        if (bind(nl.fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                setsockopt(nl.fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                r = -errno;
        else
                r = netlink_send(&nl, GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_ACK, CTRL_CMD_GETFAMILY, &name,
                        sizeof(name));
        if (r >= 0)
                r = netlink_replies(&nl, on_family, &nl);
        if (r >= 0 && (nl.family == 0 || nl.events == 0))
                r = -EBADMSG;
        if (r < 0) {
                netlink_close(&nl);
                return r;
        }
        *ret = nl;
        return 0;
}

void netlink_close(Netlink *nl) {
        if (nl->buffer)
                close(nl->fd);
        free(nl->buffer);
        *nl = (Netlink) { .fd = -1 };
}

int netlink_subscribe(Netlink *nl) {
        return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->events, sizeof(nl->events)) < 0
                       ? -errno
                       : 0;
}

void pasid_set_parse(const struct nlmsghdr *h, PasidSet *ret) {
        Cursor c = cursor_payload(h);
        const struct nlattr *a;
        PasidSet s = {};

        while ((a = attribute_pop(&c))) {
                uint16_t type = attribute_type(a);
                uint64_t v = attribute_uint(a);

                if (type < 32)
                        s.present |= UINT32_C(1) << type;
                switch (type) {
                case VFIO_PASID_A_SET_ID:
                        s.id = v;
                        break;
                case VFIO_PASID_A_SET_TGID:
                        s.tgid = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_START_TIME:
                        s.start_time = v;
                        break;
                case VFIO_PASID_A_SET_CGROUP_ID:
                        s.cgroup_id = v;
                        break;
                case VFIO_PASID_A_SET_QUOTA:
                        s.quota = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_WATERMARK:
                        s.watermark = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_ALLOCATED:
                        s.allocated = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_PEAK:
                        s.peak = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_DENIED:
                        s.denied = v;
                        break;
                case VFIO_PASID_A_SET_SEQ:
                        s.seq = v;
                        break;
                case VFIO_PASID_A_SET_REASON:
                        s.reason = (uint32_t) v;
                        break;
                case VFIO_PASID_A_SET_SUPPRESSED:
                        s.suppressed = (uint32_t) v;
                        break;
                }
        }
        *ret = s;
}

static int on_info(const struct nlmsghdr *h, void *userdata) {
        Cursor c = cursor_payload(h);
        const struct nlattr *a;
        PasidInfo *i = userdata;

        while ((a = attribute_pop(&c))) {
                uint16_t type = attribute_type(a);
                uint64_t v = attribute_uint(a);

                if (type < 32)
                        i->present |= UINT32_C(1) << type;
                switch (type) {
                case VFIO_PASID_A_INFO_CAPACITY:
                        i->capacity = (uint32_t) v;
                        break;
                case VFIO_PASID_A_INFO_ALLOCATED:
                        i->allocated = (uint32_t) v;
                        break;
                case VFIO_PASID_A_INFO_DEFAULT_QUOTA:
                        i->default_quota = (uint32_t) v;
                        break;
                case VFIO_PASID_A_INFO_MAX_SETS:
                        i->max_sets = (uint32_t) v;
                        break;
                case VFIO_PASID_A_INFO_SETS:
                        i->sets = (uint32_t) v;
                        break;
                case VFIO_PASID_A_INFO_SEQ:
                        i->seq = v;
                        break;
                }
        }
        return 0;
}

int netlink_info(Netlink *nl, PasidInfo *ret) {
        PasidInfo i = {};
        int r;

        r = netlink_send(nl, nl->family, NLM_F_REQUEST | NLM_F_ACK, VFIO_PASID_CMD_INFO_GET, NULL, 0);
        if (r >= 0)
                r = netlink_replies(nl, on_info, &i);
        if (r >= 0)
                *ret = i;
        return r;
}

static int on_set(const struct nlmsghdr *h, void *userdata) {
        pasid_set_parse(h, userdata);
        return 0;
}

int netlink_set_get(Netlink *nl, uint64_t id, PasidSet *ret) {
        struct {
                struct nlattr a;
                uint32_t id[2];
        } attribute = { { .nla_len = NLA_HDRLEN + sizeof(id), .nla_type = VFIO_PASID_A_SET_ID }, {} };
        PasidSet s = {};
        int r;

        memcpy(attribute.id, &id, sizeof(id));
        r = netlink_send(nl, nl->family, NLM_F_REQUEST | NLM_F_ACK, VFIO_PASID_CMD_SET_GET, &attribute,
                sizeof(attribute));
        if (r >= 0)
                r = netlink_replies(nl, on_set, &s);
        if (r >= 0)
                *ret = s;
        return r;
}

typedef struct Dump {
        PasidSetHandler handler;
        void *userdata;
        int n;
} Dump;

static int on_dump(const struct nlmsghdr *h, void *userdata) {
        Dump *d = userdata;
        PasidSet s;

        pasid_set_parse(h, &s);
        if (d->handler)
                d->handler(&s, d->userdata);
        d->n++;
        return 0;
}

int netlink_dump(Netlink *nl, PasidSetHandler handler, void *userdata) {
        Dump d = { .handler = handler, .userdata = userdata };
        int r;

        r = netlink_send(nl, nl->family, NLM_F_REQUEST | NLM_F_DUMP, VFIO_PASID_CMD_SET_GET, NULL, 0);
        if (r >= 0)
                r = netlink_replies(nl, on_dump, &d);
        return r < 0 ? r : d.n;
}

int sysfs_sets(uint64_t *ids, size_t max) {
        struct dirent *e;
        size_t n = 0;
        DIR *d;

        d = opendir(SYSFS_CLASS);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while ((e = readdir(d))) {
                uint64_t id;

                if (sscanf(e->d_name, "set%" SCNu64, &id) != 1)
                        continue;
                if (n < max)
                        ids[n] = id;
                n++;
        }
        closedir(d);
        return (int) n;
}

int sysfs_set_read(uint64_t id, const char *attribute, uint64_t *ret) {
        char path[128];

        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64 "/%s", id, attribute);
        return file_read_u64(path, ret);
}

int sysfs_set_write(uint64_t id, const char *attribute, uint64_t value) {
        char path[128];

        snprintf(path, sizeof(path), SYSFS_CLASS "/set%" PRIu64 "/%s", id, attribute);
        return file_write_u64(path, value);
}

int sysfs_set_of(int tgid, uint64_t *ret_id) {
        uint64_t ids[GROUPS_MAX], found = 0;
        bool any = false;
        int n;

        n = sysfs_sets(ids, ELEMENTSOF(ids));
        if (n < 0)
                return n;
        for (int i = 0; i < n && (size_t) i < ELEMENTSOF(ids); i++) {
                uint64_t v;

                if (sysfs_set_read(ids[i], "tgid", &v) < 0 || v != (uint64_t) tgid)
                        continue;
                if (!any || ids[i] > found)
                        found = ids[i];
                any = true;
        }
        if (!any)
                return -ENOENT;
        *ret_id = found;
        return 0;
}

const char *cgroup_root(void) {
        static const char *const candidates[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (size_t i = 0; i < ELEMENTSOF(candidates); i++) {
                char path[64];

                snprintf(path, sizeof(path), "%s/cgroup.controllers", candidates[i]);
                if (access(path, F_OK) == 0)
                        return candidates[i];
        }
        return candidates[0];
}

int misc_read_resource(const char *directory, const char *file, const char *resource, uint64_t *ret) {
        char path[256], buffer[1024], *line, *rest = NULL;
        size_t n = strlen(resource);
        int r;

        snprintf(path, sizeof(path), "%s/%s", directory ?: cgroup_root(), file);
        r = file_read(path, buffer, sizeof(buffer));
        if (r < 0)
                return r;
        for (line = strtok_r(buffer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                if (strncmp(line, resource, n) == 0 && line[n] == ' ') {
                        const char *value = line + n + 1;

                        *ret = strcmp(value, "max") == 0 ? UINT64_MAX : strtoull(value, NULL, 10);
                        return 0;
                }
        return -ENODATA;
}

int misc_read(const char *directory, const char *file, uint64_t *ret) {
        return misc_read_resource(directory, file, "pasid", ret);
}

int totals_read(Netlink *nl, Totals *ret) {
        Totals t = {};
        PasidInfo i;
        int r;

        r = netlink_info(nl, &i);
        if (r < 0)
                return r;
        t.allocated = i.allocated;
        t.sets = i.sets;
        t.sysfs_sets = sysfs_sets(NULL, 0);
        if (t.sysfs_sets < 0)
                return t.sysfs_sets;
        /* Some kernels show no usage of the root. The IOMMU core's count is compared anyway. */
        (void) misc_read(NULL, "misc.current", &t.misc);
        *ret = t;
        return 0;
}

int totals_await(Netlink *nl, const Totals *want, unsigned seconds) {
        uint64_t end = now_ns() + seconds * UINT64_C(1000000000);
        Totals t;
        int r;

        for (;;) {
                r = totals_read(nl, &t);
                if (r < 0)
                        return r;
                if (t.misc == want->misc && t.allocated == want->allocated && t.sets == want->sets &&
                        t.sysfs_sets == want->sysfs_sets)
                        return 0;
                if (now_ns() > end)
                        break;
                sleep_ms(50);
        }
        printf("not given back: misc.current %" PRIu64 " (was %" PRIu64 "), allocated %" PRIu32 " (%" PRIu32
               "), sets %" PRIu32 " (%" PRIu32 "), sets in sysfs %d (%d)\n",
                t.misc, want->misc, t.allocated, want->allocated, t.sets, want->sets, t.sysfs_sets,
                want->sysfs_sets);
        return -EUCLEAN;
}

int kmsg_cursor(void) {
        int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        lseek(fd, 0, SEEK_END);
        return fd;
}

int kmsg_check(int fd) {
        static const char *const bad[] = {
                "BUG:",
                "WARNING:",
                "KASAN",
                "UBSAN",
                "INFO: task",
                "INFO: trying",
                "INFO: possible",
                "Oops",
                "general protection",
                "refcount_t",
                "ODEBUG",
                "possible circular",
                "suspicious RCU",
                "list_add corruption",
                "list_del corruption",
                "stack-out-of-bounds",
                "unreferenced object",
                "RCU Stall",
                "rcu_preempt detected",
        };
        char line[8192];
        int found = 0;

        for (;;) {
                ssize_t n = read(fd, line, sizeof(line) - 1);

                /* Lines that were overwritten before they were read are skipped. */
                if (n < 0 && errno == EPIPE)
                        continue;
                if (n <= 0)
                        break;
                line[n] = 0;
                /* If the first page of a mapping cannot be mapped, VT-d flushes an empty range. This does not concern PASIDs. */
                if (strstr(line, "drivers/iommu/intel/iommu.h") && strstr(line, "shift-out-of-bounds"))
                        continue;
                for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                        if (strstr(line, bad[i])) {
                                char *text = strchr(line, ';');

                                printf("kernel: %s", text ? text + 1 : line);
                                found++;
                                break;
                        }
        }
        return found;
}

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

int kmemleak_clear(void) {
        if (access(KMEMLEAK, W_OK) < 0)
                return -errno;
        return file_write(KMEMLEAK, "clear");
}

int kmemleak_check(void) {
        static const char *const ours[] = { "vfio", "pasid", "iommu", "misc_cg", "xa_" };
        static char text[1 << 20];
        size_t size = 0;
        int found = 0, fd;
        char *block;

        if (access(KMEMLEAK, W_OK) < 0)
                return -errno;
        /* An object is reported only when two scans missed it, and not in its first seconds. */
        for (int i = 0; i < 2; i++) {
                int r;

                sleep_ms(6000);
                r = file_write(KMEMLEAK, "scan");
                if (r < 0)
                        return r;
        }

        fd = open(KMEMLEAK, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        while (size < sizeof(text) - 1) {
                ssize_t n = read(fd, text + size, sizeof(text) - 1 - size);

                if (n <= 0)
                        break;
                size += (size_t) n;
        }
        close(fd);
        text[size] = 0;

        block = strstr(text, "unreferenced object");
        while (block) {
                char *next = strstr(block + 1, "unreferenced object");

                if (next)
                        next[-1] = 0;
                for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                        if (strstr(block, ours[i])) {
                                printf("kmemleak: %s\n", block);
                                found++;
                                break;
                        }
                block = next;
        }
        return found;
}
