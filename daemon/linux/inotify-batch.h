/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/inotify.h>

/* What one turn of the event loop takes from an inotify descriptor: at least one event, whose name has 255 bytes at most. */
#define INOTIFY_BATCH_SIZE 2048U
#define INOTIFY_BATCH_MAX  (INOTIFY_BATCH_SIZE / sizeof(struct inotify_event))

typedef struct InotifyBatch {
        const struct inotify_event *events[INOTIFY_BATCH_MAX]; /* in the kernel's order, in the buffer */
        size_t n;
        bool more; /* the queue was not empty after it */
        union {
                struct inotify_event event;
                char bytes[INOTIFY_BATCH_SIZE];
        } buffer;
} InotifyBatch;

/* Takes the next events, none if there are none. Returns 0 or a negative errno. */
int inotify_batch_read(int fd, InotifyBatch *ret);

/* Are there events in the queue? */
bool inotify_has_more(int fd);

/*
 * Does another event of the batch make this one superfluous? Everybody looks at
 * what is there when he hears of an event. So of writes to one inode the first
 * event is enough, and of what became of one directory in another one the last
 * event, and that it was gone before.
 */
bool inotify_batch_is_superfluous(const InotifyBatch *batch, size_t i);
