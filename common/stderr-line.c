/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "macro.h"
#include "stderr-line.h"

/* Must not exceed PIPE_BUF (4096). */
#define LINE_SIZE 2048

typedef enum Way {
        WAY_UNKNOWN,
        WAY_SOCKET, /* send(2) with MSG_DONTWAIT */
        WAY_OPENED, /* a separate open file description with O_NONBLOCK */
        WAY_POLL,   /* stderr cannot be reopened: poll before each write */
} Way;

/*
 * O_NONBLOCK is a property of the open file description, which other processes
 * may share. So the file is opened again.
 */
static Way find_way(int *ret_fd) {
        struct stat st;
        int fd;

        *ret_fd = STDERR_FILENO;
        if (fstat(STDERR_FILENO, &st) >= 0 && S_ISSOCK(st.st_mode))
                return WAY_SOCKET;

        fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return WAY_POLL;

        *ret_fd = fd;
        return WAY_OPENED;
}

/* Caches the result of find_way() until stderr is redirected, e.g. by a test. */
static Way get_way(int *ret_fd) {
        static Way way;
        static int fd;
        static dev_t device;
        static ino_t inode;
        struct stat st = {};

        (void) fstat(STDERR_FILENO, &st);
        if (way == WAY_UNKNOWN || st.st_dev != device || st.st_ino != inode) {
                if (way == WAY_OPENED)
                        close(fd);
                way = find_way(&fd);
                device = st.st_dev;
                inode = st.st_ino;
        }

        *ret_fd = fd;
        return way;
}

int stderr_line(const char *prefix, const char *text) {
        struct pollfd pollfd = { .events = POLLOUT };
        char line[LINE_SIZE];
        ssize_t n;
        int size, fd;

        size = snprintf(line, sizeof(line), "%s: %s\n", prefix, text);
        if (size < 0)
                return -EINVAL;
        if ((size_t) size >= sizeof(line)) {
                size = sizeof(line);
                line[size - 1] = '\n';
        }

        switch (get_way(&fd)) {

        case WAY_SOCKET:
                n = send(fd, line, (size_t) size, MSG_DONTWAIT | MSG_NOSIGNAL);
                break;

        case WAY_OPENED:
                n = write(fd, line, (size_t) size);
                break;

        default:
                pollfd.fd = fd;
                if (poll(&pollfd, 1, 0) <= 0)
                        return -EAGAIN;
                n = write(fd, line, (size_t) size);
        }

        return n < 0 ? -errno : 0;
}
