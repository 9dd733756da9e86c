/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <netlink/netlink.h>

/*
 * The messages of the generic netlink family "vfio_pasid" (kernel:
 * Documentation/netlink/specs/vfio_pasid.yaml), validated attribute by
 * attribute before anything is used. Pure: works on a message in memory.
 */

/* What a message says of a set. Fields that a message may lack have their own flags. */
typedef struct GenlSet {
        uint64_t id;
        uint32_t tgid;
        uint64_t start_time; /* clock ticks after boot, field 22 of /proc/PID/stat */
        uint64_t cgroup_id;  /* 0: unknown */
        uint32_t quota;
        uint32_t watermark;
        uint32_t allocated;
        uint32_t peak;
        uint64_t denied;
        bool counts_attached; /* the kernel counts what is attached through iommufd … */
        uint32_t attached;    /* … and this is it, 0 otherwise */
        uint32_t attached_peak;
} GenlSet;

typedef enum GenlMessageType {
        GENL_MESSAGE_SET,  /* reply to set-get */
        GENL_MESSAGE_INFO, /* reply to info-get */
        GENL_MESSAGE_SET_ADD,
        GENL_MESSAGE_SET_DEL,
        GENL_MESSAGE_QUOTA_CHANGE,
        GENL_MESSAGE_LIMIT_HIT,
        GENL_MESSAGE_WATERMARK_HIT,
        GENL_MESSAGE_OTHER, /* an event that this version does not know: seq alone is set */
} GenlMessageType;

typedef enum GenlLimitReason {
        GENL_LIMIT_QUOTA,
        GENL_LIMIT_CGROUP,
        GENL_LIMIT_RANGE,
        GENL_LIMIT_OTHER, /* one that this version does not know */
} GenlLimitReason;

/* Which of a set's counts a refusal or a watermark concerns: quota and watermark hold for each by itself. */
typedef enum GenlCount {
        GENL_COUNT_PASIDS,   /* allocated */
        GENL_COUNT_ATTACHED, /* attached */
        _GENL_COUNT_MAX,
} GenlCount;

/* "quota", "limit", "range", "other", as in the signal QuotaExceeded. */
const char *genl_limit_reason_to_string(GenlLimitReason reason);

typedef struct GenlInfo {
        uint32_t capacity;
        uint32_t allocated;
        uint32_t default_quota;
        uint32_t max_sets;
        uint32_t sets;
} GenlInfo;

typedef struct GenlMessage {
        GenlMessageType type;
        uint64_t
                seq; /* events: family-wide sequence number; set and info: the last one sent when they were made */
        GenlSet set;            /* all but INFO */
        GenlInfo info;          /* INFO */
        GenlLimitReason reason; /* LIMIT_HIT */
        GenlCount count;        /* LIMIT_HIT; of WATERMARK_HIT see genl_watermark_counts() */
        uint32_t suppressed;    /* LIMIT_HIT */
} GenlMessage;

/*
 * Returns 0, -EBADMSG (an attribute that must be there is missing, has the
 * wrong size or an impossible value), -EOPNOTSUPP (a command that this version
 * does not know, and without a sequence number: to be ignored). *ret is
 * untouched on failure.
 */
int genl_message_parse(struct nlmsghdr *nlh, GenlMessage *ret);

/*
 * Which counts a WATERMARK_HIT is about, at least one. The message does not
 * say, so this compares it with what was known of the set before: a count that
 * was below the watermark, and is not any more, has reached it. If that is true
 * of none, because the counters were read in between, it is each that is not
 * below the watermark now, and if all are below it again, the larger one.
 */
void genl_watermark_counts(const GenlSet *before, const GenlSet *now, bool ret[static _GENL_COUNT_MAX]);

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
