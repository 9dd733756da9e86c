/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "state-write.h"

/*
 * Writes files to a disk without blocking the event loop. One thread, started at
 * the first write, runs state_write_run() for one write after the other. The
 * threads share only the lists of writes, under a mutex.
 */
typedef struct DiskWriter DiskWriter;

int disk_writer_new(sd_event *event, DiskWriter **ret);

typedef void (*DiskWriterHandler)(const StateWriteResult *result, void *userdata);

/*
 * Takes ownership of the write, also on failure. The handler is called once, from the event loop, unless the writer is freed
 * before. Returns 0, -EBUSY if too many writes wait, or the error of starting the thread.
 */
int disk_writer_run(DiskWriter *w, StateWrite *write, DiskWriterHandler handler, void *userdata);

/*
 * Waits some seconds for the writes in progress, then abandons the thread, which
 * ends with the process. Handlers are not called any more.
 */
DiskWriter *disk_writer_free(DiskWriter *w);
