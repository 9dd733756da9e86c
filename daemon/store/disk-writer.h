/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "state-write.h"

/*
 * Writes files to a disk without making the event loop wait for it. One thread,
 * started at the first write, does nothing but state_write_run(), one
 * after the other. What it works on is handed over as a whole: a list under a
 * mutex is all that the threads share.
 */
typedef struct DiskWriter DiskWriter;

int disk_writer_new(sd_event *event, DiskWriter **ret);

/* error: 0 or a negative errno. changed: the change is made, which it can be in spite of an error, see state_write_run(). */
typedef void (*DiskWriterHandler)(int error, bool changed, void *userdata);

/*
 * Takes the write over, also on failure. The handler is called once, from the event loop, unless the writer is freed before.
 * -EBUSY when too many writes wait, else what keeps the thread from being started.
 */
int disk_writer_run(DiskWriter *w, StateWrite *write, DiskWriterHandler handler, void *userdata);

/*
 * Waits for writes that are under way, but not for ever: after some seconds the
 * thread is left to itself, for the process to end. Handlers are not called any
 * more.
 */
DiskWriter *disk_writer_free(DiskWriter *w);
