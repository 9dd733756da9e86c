/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "limit-file.h"

/*
 * Carries out the steps of model/limit. Only this file writes the numbers of
 * limit.h to the kernel and handles foreign changes. One timer serves all
 * limits that failed or are held off.
 */

/* The place of a limit's number, and its description for messages. */
typedef struct LimitSubject {
        LimitFile file;
        VM *vm;                 /* NULL: not a limit of a VM */
        const char *slice;      /* NULL: not a limit of a slice */
        const char *what;       /* the number; NULL: a line of misc.max */
        const char *owner_kind; /* "VM ", "slice "; "" if the owner needs none */
        const char *owner;
        RateLimit *foreign_log;
} LimitSubject;

/* The functions of a kind of limit, provided by its owner. */
struct LimitOps {
        void (*describe)(const Limit *limit, LimitSubject *ret);

        /* Is the number shared by several owners, so that a foreign value cannot be assigned to one? NULL: never. */
        bool (*is_shared)(const Limit *limit);

        /* Called before a write; may be NULL. Fails with *ret_error (to be freed). */
        int (*prepare)(Limit *limit, char **ret_error);

        /* Classifies the error r of a write. The caller frees *ret_error. */
        LimitOutcome (*judge)(const Limit *limit, int r, char **ret_error);

        /* Called after the state may have changed without a call by the owner. May free the owner. */
        void (*settled)(Limit *limit);
};

typedef struct LimitsHandlers {
        const LimitOps *ops[_LIMIT_KIND_MAX];

        /* Makes a foreign value the desired one. Returns false on failure, which has been logged. */
        bool (*adopt)(Control *control, const LimitSubject *subject, uint64_t value);

        bool (*enable_controller)(Control *control); /* returns true if it is enabled everywhere */
} LimitsHandlers;

/* handlers must outlive the limits. Returns 0 or -ENOMEM. */
int limits_new(Control *control, const LimitsHandlers *handlers, Limits **ret);
/* All limits must have been released. */
Limits *limits_free(Limits *limits);

/* To be called before the limit's owner is freed. */
void limits_release(Control *control, Limit *limit);

/* Sets the desired number and writes it, unless a foreign value is left in place. Does not call settled(). */
void limits_set(Control *control, Limit *limit, uint64_t desired);

/* The same, but also overwrites a foreign value. */
void limits_set_forced(Control *control, Limit *limit, uint64_t desired);

/* Reads the number. Restores, adopts or leaves a foreign value, and calls settled(). Returns 0 or a negative errno. */
int limits_look(Control *control, Limit *limit);

/*
 * The same, and updates the state: a different value that is not a foreign
 * change counts as a failed write, and is written soon. Returns 0 if the kernel
 * has the desired number, or if the limit is ABSENT; else a negative errno.
 */
int limits_verify(Control *control, Limit *limit);

/* Writes all limits that failed, whether due or not, and calls settled(). */
void limits_write_failed(Control *control);

/* To be called if +misc could not be written in a slice: it is retried. */
void limits_controller_failed(Control *control);

/*
 * For a transaction. Writes a value without changing the limit. *ret_before is
 * the kernel's previous value, for limits_take_back(). *ret_error (the caller
 * frees it) may be the reason why the value was not written.
 */
LimitOutcome limits_try(
        Control *control, Limit *limit, uint64_t value, MiscValues *ret_before, char **ret_error);

/* Makes the value the desired number. outcome: the result of limits_try(). */
void limits_commit(Control *control, Limit *limit, uint64_t value, LimitOutcome outcome);

/*
 * Restores the kernel's value before limits_try(): a foreign value that was left
 * in place, otherwise the desired number.
 */
void limits_take_back(Control *control, Limit *limit, const MiscValues *before);
