/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "config.h"
#include "retry.h"

/*
 * One number in the kernel that pasidd sets and that other processes may change.
 * This is its state machine: it decides what to do, and control/limit-control.c
 * does it. Pure: the caller passes the time, CLOCK_MONOTONIC in microseconds.
 */

/* In the order in which failed numbers are written again. */
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
        LIMIT_ABSENT,   /* no number is desired, or there is no file for it */
        LIMIT_WAITING,  /* not written yet, or the file does not exist yet */
        LIMIT_IN_FORCE, /* the kernel has the desired number */
        LIMIT_FAILED,   /* the kernel refused it; will be retried */
        LIMIT_FOREIGN,  /* a foreign value is left in place */
        _LIMIT_STATE_MAX,
} LimitState;

/* What the caller of a transition must do. */
typedef enum LimitStep {
        LIMIT_NOTHING,
        LIMIT_WRITE,       /* write the desired number, then call limit_written() */
        LIMIT_WRITE_LATER, /* the same, at the time limit_next() */
        LIMIT_ADOPT,       /* make the foreign value the desired one; if that fails, write */
        LIMIT_LEAVE,       /* leave the foreign value in place */
} LimitStep;

/* The outcome of a write. */
typedef enum LimitOutcome {
        LIMIT_WRITTEN, /* and read back */
        LIMIT_NOWHERE, /* there is no file for the number */
        LIMIT_NOT_YET, /* the file does not exist yet */
        LIMIT_REFUSED, /* the kernel refused the write */
        _LIMIT_OUTCOME_MAX,
} LimitOutcome;

/* Minimum time between two restorations, so that two writers that both insist do not keep each other busy. */
#define LIMIT_HOLDOFF_USEC (UINT64_C(1000000))

typedef struct Limit {
        /* A VM has one and each of its sets two: keep it small. What contains it is known by its kind, see LimitOps. */
        LIST_ENTRY(Limit) entries; /* in the queue of limit-control.c, if queued */
        uint64_t desired;
        uint64_t foreign; /* FOREIGN: the value that is left in place */
        char *error;      /* why it is not in force, for the user; NULL: unknown */
        Retry retry;
        uint64_t holdoff_usec;   /* time before which it is not restored again */
        uint8_t kind;            /* LimitKind */
        uint8_t state;           /* LimitState */
        uint8_t announced_state; /* state at the last limit_take_change() */
        bool error_changed;      /* since the last limit_take_change() */
        bool restore_due; /* IN_FORCE: a foreign value is there, and will be replaced after the hold-off */
        bool adoption_failed; /* until the hold-off is over, foreign values are replaced instead of adopted */
        bool queued;
} Limit;

/* Initialises to ABSENT. */
void limit_init(Limit *limit, LimitKind kind);

/* Frees the members. The limit must not be queued. */
void limit_done(Limit *limit);

/* Sets the desired number. A foreign value stays in place as long as the desired number does not change. */
LimitStep limit_set_desired(Limit *limit, uint64_t desired);

/*
 * Reports the value that the kernel has. If the limit is not in force, a
 * different value is not a foreign change, but the failure that is already known.
 * Returns LIMIT_LEAVE only if the foreign value is a new one.
 */
LimitStep limit_seen(Limit *limit, uint64_t value, ForeignChange policy, uint64_t now_usec);

/* LIMIT_ADOPT was not possible: the value is replaced as if it were to be reverted, now or after the hold-off. */
LimitStep limit_adoption_failed(Limit *limit, uint64_t now_usec);

/* An administrator asked to write all numbers again: foreign values are not left in place any more. */
LimitStep limit_reassert(Limit *limit);

/* Reports that time has passed. */
LimitStep limit_due(Limit *limit, uint64_t now_usec);

/* Reports the outcome of a write. Takes ownership of error, the reason of a failure; NULL with LIMIT_WRITTEN. */
LimitStep limit_written(Limit *limit, LimitOutcome outcome, char *error, uint64_t now_usec);

/* Resets to ABSENT: the file is gone or was created anew, or no number is desired any more. */
void limit_forget(Limit *limit);

/* Sets the error. Takes ownership of it. */
void limit_set_error(Limit *limit, char *error);

/* The time at which limit_due() must be called; 0: never. */
uint64_t limit_next(const Limit *limit);

/* Is the number in force? Also true in ABSENT. */
bool limit_is_in_force(const Limit *limit);

/* Has state or error changed since the last call? A number that was merely written again does not count. */
bool limit_take_change(Limit *limit);
