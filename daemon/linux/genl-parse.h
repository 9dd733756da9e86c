/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netlink/netlink.h>

#include "kernel-set.h"

/*
 * The messages of the generic netlink family "vfio_pasid" (kernel:
 * Documentation/netlink/specs/vfio_pasid.yaml), validated attribute by
 * attribute before anything is used. Pure: works on a message in memory.
 */

/*
 * Returns 0, -EBADMSG (an attribute that must be there is missing, has the
 * wrong size or an impossible value), -EOPNOTSUPP (a command that this version
 * does not know, and without a sequence number: to be ignored). *ret is
 * untouched on failure.
 */
int genl_message_parse(struct nlmsghdr *nlh, KernelMessage *ret);

/*
 * Follows the family-wide sequence number, so that lost events are noticed.
 * A dump made at sequence N covers all events up to N.
 */
typedef struct GenlSequence {
        uint64_t last;
        bool valid;
} GenlSequence;

typedef enum GenlSequenceResult {
        GENL_SEQUENCE_OK,    /* the next one: take it */
        GENL_SEQUENCE_STALE, /* covered by a dump already: drop it */
        GENL_SEQUENCE_GAP,   /* events are missing: dump anew */
} GenlSequenceResult;

/* After a dump or info reply that was made at seq. */
void genl_sequence_reset(GenlSequence *s, uint64_t seq);
/* For each event; advances on OK and on GAP. Before the first reset everything is a GAP. */
GenlSequenceResult genl_sequence_next(GenlSequence *s, uint64_t seq);
