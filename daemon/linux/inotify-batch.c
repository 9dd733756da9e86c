/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>
#include <poll.h>

#include "inotify-batch.h"
#include "macro.h"

#define APPEARED (IN_CREATE | IN_MOVED_TO)
#define GONE     (IN_DELETE | IN_MOVED_FROM)

/* A read leaves what does not fit; with so much room left it has taken everything. */
#define LARGEST_EVENT (sizeof(struct inotify_event) + NAME_MAX + 1)

bool inotify_has_more(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

int inotify_batch_read(int fd, InotifyBatch *ret) {
        ssize_t n;

        ret->n = 0;
        ret->more = false;

        n = read(fd, &ret->buffer, sizeof(ret->buffer));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;

        for (const char *p = ret->buffer.bytes; p < ret->buffer.bytes + n;) {
                const struct inotify_event *event = (const struct inotify_event *) p;

                ret->events[ret->n++] = event;
                p += sizeof(*event) + event->len;
        }

        ret->more = (size_t) n + LARGEST_EVENT > sizeof(ret->buffer) && inotify_has_more(fd);
        return 0;
}

static bool is_of_same_directory(const struct inotify_event *a, const struct inotify_event *b) {
        return a->wd == b->wd && b->mask & IN_ISDIR && b->len > 0 && streq(a->name, b->name);
}

bool inotify_batch_is_superfluous(const InotifyBatch *batch, size_t i) {
        const struct inotify_event *event = batch->events[i];
        uint32_t mask;

        if (event->mask & IN_MODIFY) {
                for (size_t j = 0; j < i; j++)
                        if (batch->events[j]->wd == event->wd && batch->events[j]->mask & IN_MODIFY)
                                return true;
                return false;
        }

        if (!(event->mask & IN_ISDIR) || event->len == 0)
                return false;

        mask = event->mask & APPEARED ? APPEARED | GONE : GONE;
        for (size_t j = i + 1; j < batch->n; j++)
                if (batch->events[j]->mask & mask && is_of_same_directory(event, batch->events[j]))
                        return true;

        return false;
}
