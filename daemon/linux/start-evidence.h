/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "announcement.h"

/* Evidence that an announced VM is still being started. */
typedef enum StartEvidence {
        START_EVIDENCE_NONE,
        START_EVIDENCE_LIBVIRT, /* the process that announced it is running, though it may have given up the start */
        START_EVIDENCE_STATUS, /* libvirt has a status file for it */
        _START_EVIDENCE_MAX,
} StartEvidence;

/* A description for the log. */
const char *start_evidence_to_string(StartEvidence evidence);

/*
 * Returns the strongest evidence. Command lines do not count: a user's process
 * can have any command line, and reading it can block, because it is in that
 * process's memory.
 */
StartEvidence start_evidence_find(const char *root, const char *name, const Announcement *announced);
