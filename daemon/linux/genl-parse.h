/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netlink/netlink.h>

#include "kernel-set.h"

/*
 * Messages of the generic netlink family "vfio_pasid" (kernel:
 * Documentation/netlink/specs/vfio_pasid.yaml). Each attribute is validated
 * before anything is used. Pure.
 */

/*
 * Parses a message. Returns 0; -EBADMSG if a mandatory attribute is missing, or
 * if an attribute has the wrong size or an invalid value; -EOPNOTSUPP if the
 * command is unknown and has no sequence number: such a message is to be
 * ignored. *ret is untouched on failure.
 */
int genl_message_parse(struct nlmsghdr *nlh, KernelMessage *ret);

/*
 * Tracks the family-wide sequence number to detect lost events. A dump made at
 * sequence number N covers all events up to N.
 */
typedef struct GenlSequence {
        uint64_t last;
        bool valid;
} GenlSequence;

typedef enum GenlSequenceResult {
        GENL_SEQUENCE_OK,    /* the next event: process it */
        GENL_SEQUENCE_STALE, /* covered by a dump: drop it */
        GENL_SEQUENCE_GAP,   /* events are missing: dump again */
} GenlSequenceResult;

/* To be called after a dump or info reply that was made at seq. */
void genl_sequence_reset(GenlSequence *s, uint64_t seq);
/* To be called for each event. Advances on OK and GAP. Before the first reset every event is a GAP. */
GenlSequenceResult genl_sequence_next(GenlSequence *s, uint64_t seq);
