/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "announcement.h"

/* What shows that an announced VM is still being started. */
typedef enum StartEvidence {
        START_EVIDENCE_NONE,
        START_EVIDENCE_LIBVIRT, /* the process that announced it lives; it may have forgotten all about it */
        START_EVIDENCE_STATUS,  /* libvirt keeps status of it */
        _START_EVIDENCE_MAX,
} StartEvidence;

/* In words, for the log. */
const char *start_evidence_to_string(StartEvidence evidence);

/*
 * The strongest that there is. No command line counts: any user's process can
 * have any, and to read it can block, because the memory that it is in is the
 * process's own.
 */
StartEvidence start_evidence_find(const char *root, const char *name, const Announcement *announced);
