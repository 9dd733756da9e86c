/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "config.h"
#include "retry.h"

/*
 * One number in the kernel that pasidd is responsible for and that others may
 * change. This is its state machine: it says what is to be done, and
 * control/limits does it. Pure: the caller passes the time, CLOCK_MONOTONIC in
 * microseconds.
 */

/* In the order in which numbers that failed are written again. */
typedef enum LimitKind {
        LIMIT_DEFAULT_QUOTA, /* the module's default_quota */
        LIMIT_SLICE,         /* misc.max of a slice */
        LIMIT_SCOPE,         /* misc.max of a scope that has no VM yet, see early-limit.h */
        LIMIT_VM,            /* misc.max of a VM's unit */
        LIMIT_SET_QUOTA,
        LIMIT_SET_WATERMARK,
        _LIMIT_KIND_MAX,
} LimitKind;

typedef enum LimitState {
        LIMIT_ABSENT,   /* nothing is wanted, or there is no file that could have it */
        LIMIT_WAITING,  /* wanted; not written yet, or the file does not exist yet */
        LIMIT_IN_FORCE, /* the kernel has it */
        LIMIT_FAILED,   /* the kernel refused it; tried again */
        LIMIT_FOREIGN,  /* somebody else's value is left in place */
        _LIMIT_STATE_MAX,
} LimitState;

/* What a step asks for. */
typedef enum LimitStep {
        LIMIT_NOTHING,
        LIMIT_WRITE,       /* write the wanted number, then call limit_written() */
        LIMIT_WRITE_LATER, /* the same, at limit_next() */
        LIMIT_ADOPT,       /* make somebody else's value the wanted one; if that fails, write */
        LIMIT_LEAVE,       /* somebody else's value stays */
} LimitStep;

/* What became of a write. */
typedef enum LimitOutcome {
        LIMIT_WRITTEN, /* and the kernel shows the number */
        LIMIT_NOWHERE, /* there is no file that the number is to be in */
        LIMIT_NOT_YET, /* the file will exist later */
        LIMIT_REFUSED,
        _LIMIT_OUTCOME_MAX,
} LimitOutcome;

/* The time between two restorations, so that two writers that both insist do not keep each other busy. */
#define LIMIT_HOLDOFF_USEC (UINT64_C(1000000))

typedef struct Limit {
        LIST_ENTRY(Limit) entries; /* of the queue of control/limits, while queued */
        void *owner;               /* the VM, Set, slice, … that contains it */
        uint64_t wanted;
        uint64_t foreign; /* FOREIGN: the value that is left in place */
        char *error;      /* why it is not in force, for people; NULL: unknown */
        Retry retry;
        uint64_t holdoff_usec; /* not restored before */
        uint8_t kind;          /* LimitKind */
        uint8_t state;         /* LimitState */
        uint8_t settled;       /* state at the last limit_take_change() */
        bool error_changed;    /* since then */
        bool restore_due; /* IN_FORCE: somebody else's value is there, and is replaced after the hold-off */
        bool queued;
} Limit;

/* ABSENT. owner must outlive the limit. */
void limit_init(Limit *limit, LimitKind kind, void *owner);

/* Frees what it holds. It must not be queued. */
void limit_done(Limit *limit);

/* The number is to be this one. Somebody else's value is left for as long as the wanted number stays the same. */
LimitStep limit_want(Limit *limit, uint64_t wanted);

/*
 * The kernel shows this value. Of a number that is not in force another value
 * is no change by somebody else, but the known failure. LIMIT_LEAVE only if
 * the value is a new one.
 */
LimitStep limit_seen(Limit *limit, uint64_t value, ForeignChange policy, uint64_t now_usec);

/* Somebody wants everything as it should be: what was left to somebody else is no longer. */
LimitStep limit_asked(Limit *limit);

/* Time has passed. */
LimitStep limit_due(Limit *limit, uint64_t now_usec);

/* A write is done. error (taken over): why not; NULL with LIMIT_WRITTEN. */
LimitStep limit_written(Limit *limit, LimitOutcome outcome, char *error, uint64_t now_usec);

/* The file is gone, or has been made anew, or nothing is wanted any more: ABSENT. */
void limit_forget(Limit *limit);

/* error is taken over. */
void limit_explain(Limit *limit, char *error);

/* When limit_due() has something to say; 0: never. */
uint64_t limit_next(const Limit *limit);

/* Is nothing missing? True in ABSENT as well. */
bool limit_is_in_force(const Limit *limit);

/* Has state or error changed since the last call? That a number was written anew in between is no change. */
bool limit_take_change(Limit *limit);
