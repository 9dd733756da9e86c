/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The kernel's data about a PASID set, independent of the source. Fields that a message may lack have their own flags.
 */
typedef struct KernelSet {
        uint64_t id;
        uint32_t tgid;
        bool counts_attached; /* the kernel counts PASIDs attached through iommufd */
        uint64_t start_time;  /* clock ticks after boot, field 22 of /proc/PID/stat */
        uint64_t cgroup_id;   /* 0: unknown */
        uint32_t quota;
        uint32_t watermark;
        uint32_t allocated;
        uint32_t peak;
        uint64_t denied;
        uint32_t attached; /* 0 without counts_attached */
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
        KERNEL_MESSAGE_OTHER, /* an event unknown to this version: only seq is set */
} KernelMessageType;

typedef enum KernelLimitReason {
        KERNEL_LIMIT_QUOTA,
        KERNEL_LIMIT_CGROUP,
        KERNEL_LIMIT_RANGE,
        KERNEL_LIMIT_OTHER, /* a reason unknown to this version */
} KernelLimitReason;

/* The count that a denial or a watermark is about. Quota and watermark apply to each count separately. */
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
                seq; /* events: family-wide sequence number; SET and INFO: the last one when the reply was made */
        KernelSet set;            /* all types except INFO */
        KernelInfo info;          /* INFO */
        KernelLimitReason reason; /* LIMIT_HIT */
        KernelCount count;        /* LIMIT_HIT; for WATERMARK_HIT see kernel_watermark_counts() */
        uint32_t suppressed;      /* LIMIT_HIT */
} KernelMessage;

/*
 * Determines which counts a WATERMARK_HIT is about, at least one. The message
 * does not say, so this compares the set with its previous values: a count that
 * was below the watermark and is not any more has reached it. If there is none,
 * because the counters were read in between, it is each count that is not below
 * the watermark now. If all are below it again, it is the larger one.
 */
void kernel_watermark_counts(
        const KernelSet *before, const KernelSet *now, bool ret[static _KERNEL_COUNT_MAX]);
