/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "announcement.h"

/* What shows that an announced VM is still being started. */
typedef enum StartEvidence {
        START_EVIDENCE_NONE,
        START_EVIDENCE_LIBVIRT, /* the process that announced it lives; it may have forgotten all about it */
        START_EVIDENCE_HOOK,    /* one of libvirt's hooks for it runs */
        START_EVIDENCE_STATUS,  /* libvirt keeps status of it */
        START_EVIDENCE_QEMU,    /* its QEMU runs */
        _START_EVIDENCE_MAX,
} StartEvidence;

/* In words, for the log. */
const char *start_evidence_to_string(StartEvidence evidence);

/*
 * The strongest that there is. Looks at every process of the host, so not too
 * often. Processes that people started in a session of theirs are no evidence:
 * they can call themselves what they like.
 */
StartEvidence start_evidence_find(
        const char *root, const char *uuid, const char *name, const Announcement *announced);
