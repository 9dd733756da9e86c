/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-connection.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "clock.h"
#include "macro.h"

#define HOOK_SOCKET "/run/pasidd/hook"

/* Does not wait if the listen queue of a hanging daemon is full. */
static int connect_socket(int *ret_fd) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = secure_getenv("PASIDD_HOOK_SOCKET");
        _cleanup_close_ int fd = -EBADF;

        if (isempty(path))
                path = HOOK_SOCKET;
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* sd_bus_call() would wait for that without a timeout. */
static int wait_ready(sd_bus *bus, uint64_t deadline) {
        for (;;) {
                uint64_t now = now_monotonic_usec();
                int r;

                r = sd_bus_is_ready(bus);
                if (r != 0)
                        return r < 0 ? r : 0;
                if (now >= deadline)
                        return -ETIMEDOUT;

                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, deadline - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
}

int hook_connect(uint64_t deadline, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = connect_socket(&fd);
        if (r >= 0)
                r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0)
                return r;

        TAKE_FD(fd);
        r = sd_bus_negotiate_fds(bus, false);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = wait_ready(bus, deadline);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(bus);
        return 0;
}

bool hook_connection_is_lost(int r) {
        return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || r == -ESHUTDOWN;
}
