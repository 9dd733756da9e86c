/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-input.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hook-deadline.h"
#include "macro.h"

int hook_read_domain(const Hook *hook, char **ret, size_t *ret_size) {
        const size_t size_max = DOMAIN_XML_SIZE_MAX + 1;
        _cleanup_free_ char *buffer = NULL;
        size_t size = 0, room = 0;
        char overflow[4096];

        for (;;) {
                struct pollfd pollfd = { .fd = STDIN_FILENO, .events = POLLIN };
                ssize_t n;
                int r;

                r = poll(&pollfd, 1, (int) (hook_time_left(hook->deadline) / 1000));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        return -ETIMEDOUT;

                if (room - size == 0 && room < size_max) {
                        char *grown;

                        room = room == 0 ? 64 * 1024 : room * 2;
                        if (room > size_max)
                                room = size_max;
                        grown = realloc(buffer, room);
                        if (!grown)
                                return -ENOMEM;
                        buffer = grown;
                }

                n = size < room ? read(STDIN_FILENO, buffer + size, room - size)
                                : read(STDIN_FILENO, overflow, sizeof(overflow));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                if (size < room)
                        size += (size_t) n;
        }

        *ret = TAKE_PTR(buffer);
        *ret_size = size;
        return 0;
}
