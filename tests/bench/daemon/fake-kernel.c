/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/vfio_pasid.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fake-host.h"
#include "fake-kernel.h"
#include "macro.h"
#include "measure.h"

#define FAMILY 0x1f
#define GROUP  0x22
#define QUOTA  1000U

/* That of the daemon's netlink socket for events, which a socket of this kind has on the side of the sender. */
#define EVENTS_BUFFER_SIZE (4 * 1024 * 1024)

/* The kernel puts several replies to a dump into one datagram. */
#define DUMP_SIZE (16U * 1024)

/* Events that are sent before requests are looked at again. */
#define ROUND_MAX 64U

enum {
        LISTEN,
        COMMANDS,
        REQUESTS,
        EVENTS,
        N_FDS,
};

typedef struct Flood {
        uint64_t n, total; /* events */
        unsigned rate;
        double begin;
} Flood;

typedef struct Command {
        unsigned rate, seconds; /* rate 0: a lost event */
} Command;

static FakeKernel *shared;
static struct pollfd fds[N_FDS];
static uint64_t *cgroup_ids, *denied;
static size_t n_sets;
static uint64_t sequence;
static int sets_dir;
static Flood flood;

static struct nl_msg *new_message(uint16_t type, uint32_t number, int flags, uint8_t command) {
        struct nl_msg *msg = nlmsg_alloc();

        if (!msg || !genlmsg_put(msg, 0, number, type, 0, flags, command, 1))
                die("netlink message");
        return msg;
}

static bool send_and_free(int fd, struct nl_msg *msg, int flags) {
        const struct nlmsghdr *nlh = nlmsg_hdr(msg);
        bool sent = send(fd, nlh, nlh->nlmsg_len, flags | MSG_NOSIGNAL) >= 0;

        nlmsg_free(msg);
        return sent;
}

static void put_set(struct nl_msg *msg, size_t i, uint32_t watermark, uint32_t allocated) {
        NLA_PUT_U64(msg, VFIO_PASID_A_SET_ID, i + 1);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_TGID, (uint32_t) (FIRST_PID + i));
        NLA_PUT_U64(msg, VFIO_PASID_A_SET_START_TIME, 5000);
        NLA_PUT_U64(msg, VFIO_PASID_A_SET_CGROUP_ID, cgroup_ids[i]);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_QUOTA, QUOTA);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_WATERMARK, watermark);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_ALLOCATED, allocated);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_PEAK, allocated);
        NLA_PUT_U64(msg, VFIO_PASID_A_SET_DENIED, denied[i]);
        NLA_PUT_U64(msg, VFIO_PASID_A_SET_SEQ, sequence);
        return;

nla_put_failure:
        die("netlink message");
}

static struct nl_msg *make_family(uint32_t number) {
        struct nl_msg *msg = new_message(GENL_ID_CTRL, number, 0, CTRL_CMD_NEWFAMILY);
        struct nlattr *groups, *group;

        NLA_PUT_STRING(msg, CTRL_ATTR_FAMILY_NAME, VFIO_PASID_FAMILY_NAME);
        NLA_PUT_U16(msg, CTRL_ATTR_FAMILY_ID, FAMILY);
        groups = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
        group = nla_nest_start(msg, 1);
        NLA_PUT_STRING(msg, CTRL_ATTR_MCAST_GRP_NAME, VFIO_PASID_MCGRP_EVENTS);
        NLA_PUT_U32(msg, CTRL_ATTR_MCAST_GRP_ID, GROUP);
        nla_nest_end(msg, group);
        nla_nest_end(msg, groups);
        return msg;

nla_put_failure:
        die("netlink message");
}

static struct nl_msg *make_info(uint32_t number) {
        struct nl_msg *msg = new_message(FAMILY, number, 0, VFIO_PASID_CMD_INFO_GET);

        NLA_PUT_U32(msg, VFIO_PASID_A_INFO_CAPACITY, 1048575);
        NLA_PUT_U32(msg, VFIO_PASID_A_INFO_ALLOCATED, 0);
        NLA_PUT_U32(msg, VFIO_PASID_A_INFO_DEFAULT_QUOTA, QUOTA);
        NLA_PUT_U32(msg, VFIO_PASID_A_INFO_MAX_SETS, 65536);
        NLA_PUT_U32(msg, VFIO_PASID_A_INFO_SETS, (uint32_t) n_sets);
        NLA_PUT_U64(msg, VFIO_PASID_A_INFO_SEQ, sequence);
        return msg;

nla_put_failure:
        die("netlink message");
}

static void send_dump(int fd, uint32_t number) {
        const struct nlmsghdr done = {
                .nlmsg_len = NLMSG_LENGTH(sizeof(int)),
                .nlmsg_type = NLMSG_DONE,
                .nlmsg_flags = NLM_F_MULTI,
                .nlmsg_seq = number,
        };
        char buffer[DUMP_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {};
        size_t size = 0;

        for (size_t i = 0; i < n_sets; i++) {
                struct nl_msg *msg = new_message(FAMILY, number, NLM_F_MULTI, VFIO_PASID_CMD_SET_GET);
                size_t n;

                put_set(msg, i, 0, 0);
                n = NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
                if (size + n > sizeof(buffer)) {
                        (void) send(fd, buffer, size, MSG_NOSIGNAL);
                        size = 0;
                }
                memcpy(buffer + size, nlmsg_hdr(msg), n);
                size += n;
                nlmsg_free(msg);
        }
        (void) send(fd, buffer, size, MSG_NOSIGNAL);

        memset(buffer, 0, NLMSG_SPACE(sizeof(int)));
        memcpy(buffer, &done, sizeof(done));
        (void) send(fd, buffer, done.nlmsg_len, MSG_NOSIGNAL);
        shared->dumps++;
}

static void answer(int fd) {
        union {
                struct nlmsghdr header;
                char bytes[4096];
        } request;
        uint32_t number;

        if (recv(fd, &request, sizeof(request), 0) < (ssize_t) NLMSG_LENGTH(GENL_HDRLEN)) {
                fds[REQUESTS].fd = -1; /* the daemon has ended */
                return;
        }

        number = request.header.nlmsg_seq;
        if (request.header.nlmsg_type == GENL_ID_CTRL)
                (void) send_and_free(fd, make_family(number), 0);
        else if (((struct genlmsghdr *) nlmsg_data(&request.header))->cmd == VFIO_PASID_CMD_INFO_GET)
                (void) send_and_free(fd, make_info(number), 0);
        else
                send_dump(fd, number);
}

/* What "denied" of the set says. The number grows, so that it covers the old one. */
static void write_denied(size_t i) {
        char name[64], text[32];
        _cleanup_close_ int fd = -EBADF;

        snprintf(name, sizeof(name), "set%zu/denied", i + 1);
        snprintf(text, sizeof(text), "%ju\n", (uintmax_t) denied[i]);
        fd = openat(sets_dir, name, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || pwrite(fd, text, strlen(text), 0) < 0)
                die(name);
}

static struct nl_msg *make_limit_hit(size_t i) {
        struct nl_msg *msg = new_message(FAMILY, 0, 0, VFIO_PASID_CMD_LIMIT_HIT_NTF);

        denied[i]++;
        write_denied(i);
        put_set(msg, i, 0, QUOTA);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_REASON, VFIO_PASID_LIMIT_REASON_QUOTA);
        NLA_PUT_U32(msg, VFIO_PASID_A_SET_SUPPRESSED, 0);
        shared->limit_hits++;
        return msg;

nla_put_failure:
        die("netlink message");
}

/* Of ten events, eight are limit-hit, one is watermark-hit and one is quota-change. */
static void send_event(uint64_t n) {
        /* VMs in turn, each with all kinds of events if their number is a multiple of ten. */
        size_t i = n % n_sets;
        unsigned kind = (unsigned) ((n + n / n_sets) % 10);
        struct nl_msg *msg;

        sequence++;
        if (kind == 0) {
                msg = new_message(FAMILY, 0, 0, VFIO_PASID_CMD_WATERMARK_HIT_NTF);
                put_set(msg, i, QUOTA / 2, QUOTA / 2);
                shared->watermark_hits++;
        } else if (kind == 1) {
                msg = new_message(FAMILY, 0, 0, VFIO_PASID_CMD_QUOTA_CHANGE_NTF);
                put_set(msg, i, 0, 0);
                shared->quota_changes++;
        } else
                msg = make_limit_hit(i);

        /* Like the kernel's, an event for which there is no room leaves a gap in the sequence. */
        if (!send_and_free(fds[EVENTS].fd, msg, MSG_DONTWAIT))
                shared->lost++;
}

static uint64_t events_due(void) {
        uint64_t due = (uint64_t) ((now_usec() - flood.begin) / 1e6 * flood.rate);

        return due < flood.total ? due : flood.total;
}

static void continue_flood(void) {
        uint64_t due = events_due();

        /* Requests are answered even if the events are late. */
        for (unsigned i = 0; i < ROUND_MAX && flood.n < due; i++)
                send_event(flood.n++);
        if (flood.n == flood.total) {
                flood = (Flood) {};
                shared->floods++;
        }
}

static void take_command(int fd) {
        Command command;

        if (read(fd, &command, sizeof(command)) != sizeof(command))
                _exit(0); /* the benchmark has ended */
        if (command.rate == 0) {
                sequence++;
                send_event(0);
                return;
        }
        flood = (Flood) {
                .total = (uint64_t) command.rate * command.seconds,
                .rate = command.rate,
                .begin = now_usec(),
        };
}

/* The daemon connects for requests first, then for events. */
static void accept_socket(int fd) {
        int size = EVENTS_BUFFER_SIZE, new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (new < 0)
                die("accept");
        if (fds[REQUESTS].fd < 0) {
                fds[REQUESTS] = (struct pollfd) { .fd = new, .events = POLLIN };
                return;
        }

        if (setsockopt(new, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
                (void) setsockopt(new, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        fds[EVENTS] = (struct pollfd) { .fd = new };
}

/* In milliseconds, for poll(). */
static int timeout(void) {
        if (flood.total == 0)
                return -1;
        return flood.n < events_due() ? 0 : 1;
}

static void serve(void) {
        for (;;) {
                if (poll(fds, N_FDS, timeout()) < 0)
                        die("poll");
                if (fds[LISTEN].revents)
                        accept_socket(fds[LISTEN].fd);
                if (fds[COMMANDS].revents)
                        take_command(fds[COMMANDS].fd);
                if (fds[REQUESTS].fd >= 0 && fds[REQUESTS].revents)
                        answer(fds[REQUESTS].fd);
                if (flood.total > 0)
                        continue_flood();
        }
}

static int make_socket(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 2) < 0)
                die(path);
        return fd;
}

static void find_sets(const char *dir, size_t n_vms) {
        _cleanup_free_ char *sets = text_new("%s/root/sys/class/vfio_pasid", dir);
        char scope[MACHINE_NAME_SIZE];
        struct stat st;

        sets_dir = open(sets, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (sets_dir < 0)
                die(sets);

        n_sets = n_vms;
        cgroup_ids = calloc(n_vms, sizeof(*cgroup_ids));
        denied = calloc(n_vms, sizeof(*denied));
        if (!cgroup_ids || !denied)
                die("memory");
        for (size_t i = 0; i < n_vms; i++) {
                _cleanup_free_ char *path = NULL;

                machine_scope(i, scope);
                path = text_new("%s/root/sys/fs/cgroup/machine.slice/%s/libvirt/emulator", dir, scope);
                if (stat(path, &st) < 0)
                        die(path);
                cgroup_ids[i] = st.st_ino;
        }
}

FakeKernel *start_fake_kernel(const char *dir, size_t n_vms) {
        _cleanup_free_ char *path = text_new("%s/kernel", dir);
        int commands[2];
        pid_t pid;

        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED || pipe2(commands, O_CLOEXEC) < 0)
                die("the fake kernel");

        find_sets(dir, n_vms);
        fds[LISTEN] = (struct pollfd) { .fd = make_socket(path), .events = POLLIN };
        fds[COMMANDS] = (struct pollfd) { .fd = commands[0], .events = POLLIN };
        fds[REQUESTS].fd = fds[EVENTS].fd = -1;
        (void) setenv(FAKE_KERNEL_VARIABLE, path, true);

        shared->commands = commands[1];
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                close(commands[1]);
                serve();
        }

        shared->pid = pid;
        close(commands[0]);
        close(fds[LISTEN].fd);
        return shared;
}

static void send_command(const FakeKernel *kernel, const Command *command) {
        if (write(kernel->commands, command, sizeof(*command)) != sizeof(*command))
                die("the fake kernel");
}

void fake_kernel_flood(FakeKernel *kernel, unsigned rate, unsigned seconds) {
        send_command(kernel, &(Command) { .rate = rate, .seconds = seconds });
}

void fake_kernel_lose_event(FakeKernel *kernel) {
        send_command(kernel, &(Command) {});
}
