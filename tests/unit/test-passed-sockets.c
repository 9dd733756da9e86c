/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "passed-sockets.h"
#include "test-util.h"

static int netlink_socket(int protocol) {
        struct sockaddr_nl address = { .nl_family = AF_NETLINK };
        int fd;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
        if (fd < 0)
                return -errno;

        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

/* Passes them as systemd does: the first one is SD_LISTEN_FDS_START. */
static void pass(const int *fds, int n) {
        char text[16];

        for (int i = 0; i < n; i++) {
                assert_int_equal(dup2(fds[i], SD_LISTEN_FDS_START + i), SD_LISTEN_FDS_START + i);
                close(fds[i]);
        }

        snprintf(text, sizeof(text), "%i", (int) getpid());
        assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
        snprintf(text, sizeof(text), "%i", n);
        assert_int_equal(setenv("LISTEN_FDS", text, 1), 0);
}

/* Moves the descriptors out of the range of those that are passed. */
static int out_of_the_way(int fd) {
        int higher;

        if (fd < 0)
                return fd;

        higher = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        assert_true(higher >= 100);
        close(fd);
        return higher;
}

static bool readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

static uint32_t first_groups(int fd) {
        uint32_t groups[32] = {};
        socklen_t size = sizeof(groups);

        assert_int_equal(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size), 0);
        return groups[0];
}

/* A dump of all families, larger than one datagram. */
static void ask_for_families(int fd) {
        struct {
                struct nlmsghdr header;
                struct genlmsghdr generic;
        } request = {
                .header = { .nlmsg_len = sizeof(request),
                        .nlmsg_type = GENL_ID_CTRL,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                        .nlmsg_seq = 1 },
                .generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
        };

        assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
}

static int set_up(void **state) {
        log_setup(LOG_EMERG - 1);
        return 0;
}

static void test_none(void **state) {
        PassedSockets s;

        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_PID");
        assert_int_equal(passed_sockets_get(&s), 0);
        assert_int_equal(s.request, -EBADF);
        assert_int_equal(s.events, -EBADF);
        passed_sockets_done(&s);
}

static void test_as_an_earlier_daemon_left_them(void **state) {
        unsigned group = GENL_ID_CTRL;
        PassedSockets s;
        int fds[2];

        for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = out_of_the_way(netlink_socket(NETLINK_GENERIC));
                if (fds[i] < 0)
                        skip();
        }
        ask_for_families(fds[0]);
        assert_true(readable(fds[0]));
        assert_int_equal(setsockopt(fds[1], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)), 0);
        assert_int_not_equal(first_groups(fds[1]), 0);
        pass(fds, ELEMENTSOF(fds));

        assert_int_equal(passed_sockets_get(&s), 1);
        assert_int_equal(s.request, SD_LISTEN_FDS_START);
        assert_int_equal(s.events, SD_LISTEN_FDS_START + 1);
        assert_int_equal(first_groups(s.events), 0);
        assert_false(readable(s.request));
        assert_null(getenv("LISTEN_FDS"));

        /* The sockets are usable. */
        ask_for_families(s.request);
        assert_true(readable(s.request));
        passed_sockets_done(&s);
        assert_int_equal(s.request, -EBADF);
        assert_int_equal(fcntl(SD_LISTEN_FDS_START, F_GETFD), -1);
}

static int unix_socket(bool listening) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        /* An abstract address, chosen by the kernel. */
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        if (listening)
                assert_int_equal(listen(fd, 1), 0);
        return out_of_the_way(fd);
}

/* Sockets are recognised by their kind, in any order. */
static void test_kinds(void **state) {
        for (unsigned hook_at = 0; hook_at < 3; hook_at++) {
                PassedSockets s;
                int fds[3];

                for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
                        fds[i] = i == hook_at ? unix_socket(true)
                                              : out_of_the_way(netlink_socket(NETLINK_GENERIC));
                        if (fds[i] < 0)
                                skip();
                }
                pass(fds, ELEMENTSOF(fds));

                assert_int_equal(passed_sockets_get(&s), 1);
                assert_int_equal(s.hook, SD_LISTEN_FDS_START + (int) hook_at);
                assert_int_equal(s.request, SD_LISTEN_FDS_START + (hook_at == 0));
                assert_int_equal(s.events, SD_LISTEN_FDS_START + (hook_at <= 1 ? 2 : 1));
                passed_sockets_done(&s);
                assert_int_equal(s.hook, -EBADF);
        }
}

/* As with an earlier version of pasidd.socket, or without a need for netlink. */
static void test_without_some(void **state) {
        PassedSockets s;
        int fd;

        fd = unix_socket(true);
        pass(&fd, 1);
        assert_int_equal(passed_sockets_get(&s), 1);
        assert_int_equal(s.hook, SD_LISTEN_FDS_START);
        assert_int_equal(s.request, -EBADF);
        assert_int_equal(s.events, -EBADF);
        passed_sockets_done(&s);
}

static void test_too_many(void **state) {
        PassedSockets s = { .hook = -1 };
        int fds[2] = { unix_socket(true), unix_socket(true) };

        pass(fds, ELEMENTSOF(fds));
        assert_int_equal(passed_sockets_get(&s), -EINVAL);
        close(SD_LISTEN_FDS_START);
        close(SD_LISTEN_FDS_START + 1);

        fds[0] = unix_socket(false);
        pass(fds, 1);
        assert_int_equal(passed_sockets_get(&s), -EINVAL);
        close(SD_LISTEN_FDS_START);
        assert_int_equal(s.hook, -1);
}

static void test_something_else(void **state) {
        PassedSockets s = { .request = -1, .events = -1 };
        int fds[3];

        for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
                fds[i] = out_of_the_way(netlink_socket(i == 1 ? NETLINK_ROUTE : NETLINK_GENERIC));
                if (fds[i] < 0)
                        skip();
        }
        pass(fds, 2);
        assert_int_equal(passed_sockets_get(&s), -EINVAL);

        pass(&fds[2], 1);
        assert_int_equal(passed_sockets_get(&s), -EINVAL);

        /* The output is untouched. */
        assert_int_equal(s.request, -1);
        assert_int_equal(s.events, -1);
        close(SD_LISTEN_FDS_START);
        close(SD_LISTEN_FDS_START + 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_as_an_earlier_daemon_left_them),
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_without_some),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_something_else),
        };

        return cmocka_run_group_tests(tests, set_up, NULL);
}
