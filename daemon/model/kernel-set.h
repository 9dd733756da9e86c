/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the kernel says of PASID sets, whatever way it was learned. */

/* What a message says of a set. Fields that a message may lack have their own flags. */
typedef struct KernelSet {
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
} KernelSet;

typedef enum KernelMessageType {
        KERNEL_MESSAGE_SET,  /* reply to set-get */
        KERNEL_MESSAGE_INFO, /* reply to info-get */
        KERNEL_MESSAGE_SET_ADD,
        KERNEL_MESSAGE_SET_DEL,
        KERNEL_MESSAGE_QUOTA_CHANGE,
        KERNEL_MESSAGE_LIMIT_HIT,
        KERNEL_MESSAGE_WATERMARK_HIT,
        KERNEL_MESSAGE_OTHER, /* an event that this version does not know: seq alone is set */
} KernelMessageType;

typedef enum KernelLimitReason {
        KERNEL_LIMIT_QUOTA,
        KERNEL_LIMIT_CGROUP,
        KERNEL_LIMIT_RANGE,
        KERNEL_LIMIT_OTHER, /* one that this version does not know */
} KernelLimitReason;

/* Which of a set's counts a refusal or a watermark concerns: quota and watermark hold for each by itself. */
typedef enum KernelCount {
        KERNEL_COUNT_PASIDS,   /* allocated */
        KERNEL_COUNT_ATTACHED, /* attached */
        _KERNEL_COUNT_MAX,
} KernelCount;

/* "quota", "limit", "range", "other", as in the signal QuotaExceeded. */
const char *kernel_limit_reason_to_string(KernelLimitReason reason);

typedef struct KernelInfo {
        uint32_t capacity;
        uint32_t allocated;
        uint32_t default_quota;
        uint32_t max_sets;
        uint32_t sets;
} KernelInfo;

typedef struct KernelMessage {
        KernelMessageType type;
        uint64_t
                seq; /* events: family-wide sequence number; set and info: the last one sent when they were made */
        KernelSet set;            /* all but INFO */
        KernelInfo info;          /* INFO */
        KernelLimitReason reason; /* LIMIT_HIT */
        KernelCount count;        /* LIMIT_HIT; of WATERMARK_HIT see kernel_watermark_counts() */
        uint32_t suppressed;      /* LIMIT_HIT */
} KernelMessage;

/*
 * Which counts a WATERMARK_HIT is about, at least one. The message does not
 * say, so this compares it with what was known of the set before: a count that
 * was below the watermark, and is not any more, has reached it. If that is true
 * of none, because the counters were read in between, it is each that is not
 * below the watermark now, and if all are below it again, the larger one.
 */
void kernel_watermark_counts(
        const KernelSet *before, const KernelSet *now, bool ret[static _KERNEL_COUNT_MAX]);
