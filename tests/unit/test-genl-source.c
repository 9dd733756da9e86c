/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The netlink source, with the test in place of the kernel: the two sockets are
 * ends of socket pairs, and libnl's operations on netlink sockets are replaced
 * (ld --wrap, see meson.build). The messages are those of the kernel.
 */

#include <linux/genetlink.h>
#include <linux/vfio_pasid.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel-source.h"
#include "log.h"
#include "test-util.h"

#define FAMILY 0x1f
#define GROUP  0x22

enum {
        REQUESTS,
        EVENTS,
        N_SOCKETS,
};

/* State of the wrapped functions. There is one source at a time. */
static struct {
        struct nl_sock *socket[N_SOCKETS];
        int ours[N_SOCKETS], theirs[N_SOCKETS]; /* ours: the kernel's end */
        unsigned n_connected;
        uint32_t groups[4];
        size_t n_groups;
        struct nlmsghdr request; /* the last request */
        uint8_t command;
        unsigned n_requests;
        int receive_error; /* result of the next recvfrom() on the events' socket */
        uint32_t sender;   /* port id of the sender of messages; the kernel's is 0 */
        int connect_error;
        int membership_error;
        unsigned n_set; /* number of passed sockets */
} kernel;

int __wrap_genl_connect(struct nl_sock *socket);
int __wrap_nl_socket_get_fd(const struct nl_sock *socket);
int __wrap_nl_socket_set_fd(struct nl_sock *socket, int protocol, int fd);
int __wrap_nl_socket_set_nonblocking(const struct nl_sock *socket);
int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group);
int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *msg);
ssize_t __real_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size);
ssize_t __wrap_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size);

/* Returns the end for the source. */
static int new_socket(unsigned which) {
        int fds[2];

        assert_true(which < N_SOCKETS);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        kernel.ours[which] = fds[0];
        return kernel.theirs[which] = fds[1];
}

int __wrap_genl_connect(struct nl_sock *socket) {
        if (kernel.connect_error) {
                errno = kernel.connect_error;
                return -NLE_FAILURE;
        }

        (void) new_socket(kernel.n_connected);
        kernel.socket[kernel.n_connected++] = socket;
        return 0;
}

int __wrap_nl_socket_set_fd(struct nl_sock *socket, int protocol, int fd) {
        assert_int_equal(protocol, NETLINK_GENERIC);
        assert_int_equal(fd, kernel.theirs[kernel.n_connected]);
        kernel.socket[kernel.n_connected++] = socket;
        kernel.n_set++;
        return 0;
}

int __wrap_nl_socket_get_fd(const struct nl_sock *socket) {
        for (unsigned i = 0; i < kernel.n_connected; i++)
                if (kernel.socket[i] == socket)
                        return kernel.theirs[i];

        fail_msg("a socket that was not connected");
        return -1;
}

int __wrap_nl_socket_set_nonblocking(const struct nl_sock *socket) {
        return 0;
}

int __wrap_nl_socket_add_membership(struct nl_sock *socket, int group) {
        assert_ptr_equal(socket, kernel.socket[EVENTS]);
        if (kernel.membership_error && group != GENL_ID_CTRL) {
                errno = kernel.membership_error;
                return -NLE_FAILURE;
        }

        assert_true(kernel.n_groups < ELEMENTSOF(kernel.groups));
        kernel.groups[kernel.n_groups++] = (uint32_t) group;
        return 0;
}

int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *msg) {
        assert_ptr_equal(socket, kernel.socket[REQUESTS]);
        kernel.request = *nlmsg_hdr(msg);
        kernel.command = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
        kernel.n_requests++;
        return 0;
}

ssize_t __wrap_recvfrom(
        int fd, void *buf, size_t size, int flags, struct sockaddr *addr, socklen_t *addr_size) {
        struct sockaddr_nl *sender = (struct sockaddr_nl *) addr;

        if (fd == kernel.theirs[EVENTS] && kernel.receive_error) {
                errno = kernel.receive_error;
                kernel.receive_error = 0;
                return -1;
        }

        *sender = (struct sockaddr_nl) { .nl_family = AF_NETLINK, .nl_pid = kernel.sender };
        *addr_size = sizeof(*sender);
        return __real_recvfrom(fd, buf, size, flags, NULL, NULL);
}

/* What the source has reported. */
static struct {
        unsigned n_present, n_dumps, n_events, n_lost, n_failed;
        uint32_t capacity;
        size_t n_sets;
        uint64_t last_set; /* in the dump */
        KernelMessage event;
        uint64_t next_event; /* expected set id of the next event, for the test of the order */
        bool in_order;
        char lost[64];
        int error;
} told;

static void on_present(const KernelInfo *info, void *userdata) {
        told.n_present++;
        told.capacity = info->capacity;
}

static void on_dump(const KernelSet *sets, size_t n_sets, void *userdata) {
        told.n_dumps++;
        told.n_sets = n_sets;
        told.last_set = n_sets > 0 ? sets[n_sets - 1].id : 0;
}

static void on_event(const KernelMessage *message, void *userdata) {
        told.n_events++;
        told.event = *message;
        told.in_order = told.in_order && message->set.id == told.next_event++;
}

static void on_lost(const char *why, void *userdata) {
        told.n_lost++;
        snprintf(told.lost, sizeof(told.lost), "%s", why);
}

static void on_failed(int error, void *userdata) {
        told.n_failed++;
        told.error = error;
}

static const KernelSourceHandlers handlers = {
        .present = on_present,
        .dump = on_dump,
        .event = on_event,
        .lost = on_lost,
        .failed = on_failed,
};

static sd_event *event_loop;
static PassedSockets sockets;
static KernelSource *source;

static void turn(void) {
        while (sd_event_run(event_loop, 0) > 0)
                ;
}

static int set_up(void **state) {
        memset(&kernel, 0, sizeof(kernel));
        memset(&told, 0, sizeof(told));
        sockets = PASSED_SOCKETS_NONE;
        log_setup(LOG_EMERG - 1);
        assert_true(sd_event_new(&event_loop) >= 0);
        return 0;
}

static int tear_down(void **state) {
        source = kernel_source_free(source);
        event_loop = sd_event_unref(event_loop);
        for (unsigned i = 0; i < kernel.n_connected; i++) {
                close(kernel.ours[i]);
                close(kernel.theirs[i]);
        }
        return 0;
}

/* Messages. */

static void send_message(unsigned which, const struct nlmsghdr *nlh) {
        assert_int_equal(send(kernel.ours[which], nlh, nlh->nlmsg_len, 0), nlh->nlmsg_len);
}

static struct nl_msg *new_message(uint16_t type, uint32_t seq, int flags, uint8_t command) {
        struct nl_msg *msg = nlmsg_alloc();

        assert_non_null(msg);
        assert_non_null(genlmsg_put(msg, 0, seq, type, 0, flags, command, 1));
        return msg;
}

static void send_and_free(unsigned which, struct nl_msg *msg) {
        send_message(which, nlmsg_hdr(msg));
        nlmsg_free(msg);
}

static void put_family(struct nl_msg *msg, const char *name) {
        struct nlattr *groups, *group;

        assert_int_equal(nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name), 0);
        assert_int_equal(nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FAMILY), 0);
        groups = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
        group = nla_nest_start(msg, 1);
        assert_int_equal(nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, "other"), 0);
        assert_int_equal(nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, GROUP + 1), 0);
        nla_nest_end(msg, group);
        group = nla_nest_start(msg, 2);
        assert_int_equal(nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME, VFIO_PASID_MCGRP_EVENTS), 0);
        assert_int_equal(nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, GROUP), 0);
        nla_nest_end(msg, group);
        nla_nest_end(msg, groups);
}

static void reply_family(void) {
        struct nl_msg *msg = new_message(GENL_ID_CTRL, kernel.request.nlmsg_seq, 0, CTRL_CMD_NEWFAMILY);

        put_family(msg, VFIO_PASID_FAMILY_NAME);
        send_and_free(REQUESTS, msg);
}

static void reply_info(uint64_t seq) {
        struct nl_msg *msg = new_message(FAMILY, kernel.request.nlmsg_seq, 0, VFIO_PASID_CMD_INFO_GET);

        nla_put_u32(msg, VFIO_PASID_A_INFO_CAPACITY, 1000);
        nla_put_u32(msg, VFIO_PASID_A_INFO_ALLOCATED, 0);
        nla_put_u32(msg, VFIO_PASID_A_INFO_DEFAULT_QUOTA, 5);
        nla_put_u32(msg, VFIO_PASID_A_INFO_MAX_SETS, 4096);
        nla_put_u32(msg, VFIO_PASID_A_INFO_SETS, 0);
        nla_put_u64(msg, VFIO_PASID_A_INFO_SEQ, seq);
        send_and_free(REQUESTS, msg);
}

static void put_set(struct nl_msg *msg, uint64_t id, uint64_t seq) {
        nla_put_u64(msg, VFIO_PASID_A_SET_ID, id);
        nla_put_u32(msg, VFIO_PASID_A_SET_TGID, 4711);
        nla_put_u64(msg, VFIO_PASID_A_SET_START_TIME, 5000);
        nla_put_u64(msg, VFIO_PASID_A_SET_CGROUP_ID, 77);
        nla_put_u32(msg, VFIO_PASID_A_SET_QUOTA, 1000);
        nla_put_u32(msg, VFIO_PASID_A_SET_WATERMARK, 0);
        nla_put_u32(msg, VFIO_PASID_A_SET_ALLOCATED, 3);
        nla_put_u32(msg, VFIO_PASID_A_SET_PEAK, 4);
        nla_put_u64(msg, VFIO_PASID_A_SET_DENIED, 2);
        nla_put_u64(msg, VFIO_PASID_A_SET_SEQ, seq);
}

static void reply_set(uint64_t id, uint64_t seq, int flags) {
        struct nl_msg *msg =
                new_message(FAMILY, kernel.request.nlmsg_seq, NLM_F_MULTI | flags, VFIO_PASID_CMD_SET_GET);

        put_set(msg, id, seq);
        send_and_free(REQUESTS, msg);
}

static void reply_done(void) {
        const struct {
                struct nlmsghdr header;
                int error;
        } done = {
                .header = { .nlmsg_len = sizeof(done),
                        .nlmsg_type = NLMSG_DONE,
                        .nlmsg_flags = NLM_F_MULTI,
                        .nlmsg_seq = kernel.request.nlmsg_seq },
        };

        send_message(REQUESTS, &done.header);
}

static void reply_error(int error) {
        const struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
        } message = {
                .header = { .nlmsg_len = sizeof(message),
                        .nlmsg_type = NLMSG_ERROR,
                        .nlmsg_seq = kernel.request.nlmsg_seq },
                .error = { .error = error },
        };

        send_message(REQUESTS, &message.header);
}

static void send_event(uint8_t command, uint64_t id, uint64_t seq) {
        struct nl_msg *msg = new_message(FAMILY, 0, 0, command);

        put_set(msg, id, seq);
        send_and_free(EVENTS, msg);
}

static void send_family_event(uint8_t command, const char *name) {
        struct nl_msg *msg = new_message(GENL_ID_CTRL, 0, 0, command);

        put_family(msg, name);
        send_and_free(EVENTS, msg);
}

static void assert_asked(uint16_t type, uint8_t command) {
        turn();
        assert_int_equal(kernel.request.nlmsg_type, type);
        assert_int_equal(kernel.command, command);
}

/* From resolving the family to a dump of two sets at event 10. */
static void start(void) {
        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), 0);
        assert_asked(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
        reply_family();
        assert_asked(FAMILY, VFIO_PASID_CMD_INFO_GET);
        reply_info(9);
        assert_asked(FAMILY, VFIO_PASID_CMD_SET_GET);
        assert_true(kernel.request.nlmsg_flags & NLM_F_DUMP);
        reply_set(1, 9, 0);
        reply_set(2, 10, 0);
        reply_done();
        turn();
}

/* Answers a new dump with one set at seq. */
static void answer_dump(uint64_t seq) {
        assert_asked(FAMILY, VFIO_PASID_CMD_INFO_GET);
        reply_info(seq);
        assert_asked(FAMILY, VFIO_PASID_CMD_SET_GET);
        reply_set(7, seq, 0);
        reply_done();
        turn();
}

static void test_start(void **state) {
        start();
        assert_int_equal(told.n_present, 1);
        assert_int_equal(told.capacity, 1000);
        assert_int_equal(told.n_dumps, 1);
        assert_int_equal(told.n_sets, 2);
        assert_int_equal(told.last_set, 2);
        assert_int_equal(kernel.n_groups, 2);
        assert_int_equal(kernel.groups[0], GENL_ID_CTRL);
        assert_int_equal(kernel.groups[1], GROUP);
        assert_int_equal(told.n_lost + told.n_failed + told.n_events, 0);
}

static void test_events(void **state) {
        start();
        /* Covered by the dump. */
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 2, 10);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 11);
        turn();
        assert_int_equal(told.n_events, 1);
        assert_int_equal(told.event.type, KERNEL_MESSAGE_SET_ADD);
        assert_int_equal(told.event.set.id, 3);

        send_event(VFIO_PASID_CMD_SET_DEL_NTF, 3, 12);
        turn();
        assert_int_equal(told.n_events, 2);
        assert_int_equal(told.event.type, KERNEL_MESSAGE_SET_DEL);
        assert_int_equal(told.n_lost, 0);
}

static int on_other(sd_event_source *other, int fd, uint32_t revents, void *userdata) {
        unsigned *n_events = userdata;

        *n_events = told.n_events;
        return 0;
}

/* Other event sources, such as callers' messages, run before a storm of events is over. */
static void test_storm(void **state) {
        const unsigned n = 200; /* more than two batches; fits into the socket */
        unsigned at_other = UINT_MAX;
        sd_event_source *other;
        int fd;

        start();
        fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        assert_true(fd >= 0);
        assert_true(sd_event_add_io(event_loop, &other, fd, EPOLLIN, on_other, &at_other) >= 0);
        assert_true(sd_event_source_set_enabled(other, SD_EVENT_ONESHOT) >= 0);

        for (unsigned i = 0; i < n; i++)
                send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3 + i, 11 + i);
        turn();
        assert_int_equal(told.n_events, n);
        assert_int_equal(told.n_lost, 0);
        /* A few events take precedence, many do not. */
        assert_true(at_other > 0);
        assert_true(at_other < n);

        /* Afterwards the priority is as before. */
        assert_true(sd_event_source_set_enabled(other, SD_EVENT_ONESHOT) >= 0);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3 + n, 11 + n);
        turn();
        assert_int_equal(at_other, n + 1);

        sd_event_source_disable_unref(other);
        close(fd);
}

static void test_gap(void **state) {
        start();
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 12);
        turn();
        assert_int_equal(told.n_events, 0);
        assert_int_equal(told.n_lost, 1);
        assert_string_equal(told.lost, "gap in the sequence of events");

        /* Events during the dump wait, and those that the dump covers are dropped. */
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 4, 13);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 5, 14);
        turn();
        assert_int_equal(told.n_events, 0);
        answer_dump(13);
        assert_int_equal(told.n_dumps, 2);
        assert_int_equal(told.last_set, 7);
        assert_int_equal(told.n_events, 1);
        assert_int_equal(told.event.set.id, 5);
        assert_int_equal(told.n_present, 1);
}

static void test_overrun(void **state) {
        start();
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 11);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 4, 12);
        kernel.receive_error = ENOBUFS;
        turn();
        assert_int_equal(told.n_events, 0);
        assert_int_equal(told.n_lost, 1);
        assert_string_equal(told.lost, "receive buffer overrun");
        answer_dump(15);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 8, 16);
        turn();
        assert_int_equal(told.n_events, 1);
        assert_int_equal(told.n_lost, 1);
}

static void test_bad_event(void **state) {
        struct nl_msg *msg;

        start();
        msg = new_message(FAMILY, 0, 0, VFIO_PASID_CMD_SET_ADD_NTF);
        nla_put_u64(msg, VFIO_PASID_A_SET_SEQ, 11);
        send_and_free(EVENTS, msg);
        turn();
        assert_string_equal(told.lost, "an event does not parse");
        assert_asked(FAMILY, VFIO_PASID_CMD_INFO_GET);
}

static void test_newer_event(void **state) {
        struct nl_msg *msg;

        start();
        /* With a sequence number it counts, without one it is ignored. */
        send_event(200, 3, 11);
        msg = new_message(FAMILY, 0, 0, 201);
        send_and_free(EVENTS, msg);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 12);
        turn();
        assert_int_equal(told.n_lost, 0);
        assert_int_equal(told.n_events, 2);
        assert_int_equal(told.event.type, KERNEL_MESSAGE_SET_ADD);
}

static void test_not_from_the_kernel(void **state) {
        start();
        kernel.sender = 1234;
        send_event(VFIO_PASID_CMD_SET_DEL_NTF, 1, 11);
        turn();
        assert_int_equal(told.n_events, 0);
        kernel.sender = 0;
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 11);
        turn();
        assert_int_equal(told.n_events, 1);
}

static void test_torn_dump(void **state) {
        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), 0);
        turn();
        reply_family();
        turn();
        reply_info(9);
        turn();
        reply_set(1, 9, NLM_F_DUMP_INTR);
        reply_done();
        turn();
        assert_int_equal(told.n_dumps, 0);
        answer_dump(11);
        assert_int_equal(told.n_dumps, 1);
        assert_int_equal(told.n_sets, 1);
}

static int count_other(sd_event_source *event_source, int fd, uint32_t revents, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* Somebody makes and ends sets so fast that no dump is whole: others have their turn. */
static void test_torn_again_and_again(void **state) {
        unsigned n_others = 0;
        sd_event_source *other;
        int fd;

        start();
        fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        assert_true(fd >= 0);
        assert_true(sd_event_add_io(event_loop, &other, fd, EPOLLIN, count_other, &n_others) >= 0);
        assert_int_equal(kernel_source_resync(source), 0);
        for (unsigned i = 0; i < 20; i++) {
                if (kernel.command == VFIO_PASID_CMD_INFO_GET)
                        reply_info(20);
                else {
                        reply_set(1, 20, NLM_F_DUMP_INTR);
                        reply_done();
                }
                for (unsigned n = kernel.n_requests; kernel.n_requests == n;)
                        assert_true(sd_event_run(event_loop, 0) > 0);
        }
        assert_true(n_others >= 8);
        sd_event_source_disable_unref(other);
        close(fd);
}

/* The second loss within a second has to wait. */
static void test_lost_again(void **state) {
        unsigned n;

        start();
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 12);
        turn();
        answer_dump(12);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 4, 14);
        n = kernel.n_requests;
        turn();
        assert_int_equal(told.n_lost, 2);
        assert_int_equal(kernel.n_requests, n);

        /* What comes meanwhile is thrown away, and the dump has it. */
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 5, 15);
        while (kernel.n_requests == n)
                assert_true(sd_event_run(event_loop, UINT64_MAX) >= 0);
        answer_dump(15);
        assert_int_equal(told.n_events, 0);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 6, 16);
        turn();
        assert_int_equal(told.n_events, 1);
        assert_int_equal(told.n_lost, 2);
}

static void test_many_sets(void **state) {
        start();
        assert_int_equal(kernel_source_resync(source), 0);
        assert_asked(FAMILY, VFIO_PASID_CMD_INFO_GET);
        reply_info(20);
        turn();
        for (uint64_t id = 1; id <= 1000; id++) {
                reply_set(id, 20, 0);
                if (id % 50 == 0)
                        turn();
        }
        reply_done();
        turn();
        assert_int_equal(told.n_sets, 1000);
        assert_int_equal(told.last_set, 1000);
}

static void test_resync(void **state) {
        start();
        assert_int_equal(kernel_source_resync(source), 0);
        /* Requested again during a resync: runs after it. */
        turn();
        assert_int_equal(kernel_source_resync(source), 0);
        answer_dump(11);
        assert_int_equal(told.n_dumps, 2);
        answer_dump(12);
        assert_int_equal(told.n_dumps, 3);
        assert_int_equal(told.n_lost, 0);
}

static void test_no_family(void **state) {
        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), 0);
        turn();
        reply_error(-ENOENT);
        turn();
        assert_int_equal(told.n_failed, 1);
        assert_int_equal(told.error, -EOPNOTSUPP);
}

static void test_errors(void **state) {
        start();
        assert_int_equal(kernel_source_resync(source), 0);
        turn();
        /* An acknowledgement is not an error. */
        reply_error(0);
        reply_error(-EBUSY);
        assert_asked(FAMILY, VFIO_PASID_CMD_INFO_GET);
        assert_int_equal(told.n_failed, 0);
        reply_error(-EPERM);
        turn();
        assert_int_equal(told.n_failed, 1);
        assert_int_equal(told.error, -EPERM);
}

static void test_old_replies(void **state) {
        start();
        assert_int_equal(kernel_source_resync(source), 0);
        turn();
        kernel.request.nlmsg_seq--;
        reply_error(-EPERM);
        reply_done();
        turn();
        assert_int_equal(told.n_failed, 0);
        assert_int_equal(told.n_dumps, 1);
}

static void test_module_unloaded(void **state) {
        start();
        send_family_event(CTRL_CMD_DELFAMILY, "other");
        turn();
        assert_int_equal(told.n_dumps, 1);
        send_family_event(CTRL_CMD_DELFAMILY, VFIO_PASID_FAMILY_NAME);
        turn();
        assert_int_equal(told.n_dumps, 2);
        assert_int_equal(told.n_sets, 0);
        /* The module may never come back, so this must fail. */
        assert_int_equal(kernel_source_resync(source), -ENODEV);

        send_family_event(CTRL_CMD_NEWFAMILY, "other");
        turn();
        assert_int_equal(kernel.command, VFIO_PASID_CMD_SET_GET);
        send_family_event(CTRL_CMD_NEWFAMILY, VFIO_PASID_FAMILY_NAME);
        assert_asked(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
        reply_family();
        answer_dump(1);
        assert_int_equal(told.n_present, 2);
        assert_int_equal(told.n_dumps, 3);
        assert_int_equal(told.n_sets, 1);
}

static void test_unloaded_while_asked(void **state) {
        start();
        assert_int_equal(kernel_source_resync(source), 0);
        turn();
        reply_error(-ENOENT);
        assert_asked(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
        reply_family();
        answer_dump(1);
        assert_int_equal(told.n_dumps, 2);
        assert_int_equal(told.n_failed, 0);
}

static void test_bad_family(void **state) {
        struct nl_msg *msg;

        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), 0);
        turn();
        msg = new_message(GENL_ID_CTRL, kernel.request.nlmsg_seq, 0, CTRL_CMD_NEWFAMILY);
        nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, FAMILY);
        send_and_free(REQUESTS, msg);
        turn();
        assert_int_equal(told.error, -EBADMSG);
}

static void test_cannot_listen(void **state) {
        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), 0);
        turn();
        kernel.membership_error = EPERM;
        reply_family();
        turn();
        assert_int_equal(told.error, -EPERM);
}

static void test_no_socket(void **state) {
        kernel.connect_error = EPROTONOSUPPORT;
        assert_int_equal(genl_source_new(event_loop, &sockets, &handlers, NULL, &source), -EPROTONOSUPPORT);
        assert_null(source);
}

static void test_passed_sockets(void **state) {
        sockets.request = new_socket(REQUESTS);
        sockets.events = new_socket(EVENTS);
        start();
        assert_int_equal(kernel.n_set, N_SOCKETS);
        assert_int_equal(sockets.request, -EBADF);
        assert_int_equal(sockets.events, -EBADF);
        assert_int_equal(told.n_dumps, 1);
        send_event(VFIO_PASID_CMD_SET_ADD_NTF, 3, 11);
        turn();
        assert_int_equal(told.n_events, 1);
}

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* As many events as a busy host can have in a second. The time is printed only; the test checks that none is lost. */
static void test_10000_events(void **state) {
        uint64_t id = 3, seq = 11;
        double begin;

        start();
        told.next_event = id;
        told.in_order = true;
        begin = now();
        for (unsigned i = 0; i < 10000; i++) {
                send_event(i % 2 ? VFIO_PASID_CMD_SET_DEL_NTF : VFIO_PASID_CMD_SET_ADD_NTF, id++, seq++);
                if (i % 100 == 99)
                        turn();
        }
        turn();
        print_message("10000 events in %.0f ms, making them included\n", (now() - begin) * 1000);
        assert_int_equal(told.n_events, 10000);
        assert_true(told.in_order);
        assert_int_equal(told.n_lost, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_storm, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_gap, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_overrun, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bad_event, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_newer_event, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_from_the_kernel, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_torn_dump, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_torn_again_and_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_lost_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_many_sets, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_resync, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_family, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_old_replies, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_module_unloaded, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_unloaded_while_asked, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bad_family, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cannot_listen, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_socket, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_passed_sockets, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_10000_events, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
