/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "limit-file.h"

/*
 * Carries out what model/limit says: the only one that writes the numbers of
 * limit.h to the kernel and deals with changes by somebody else. One timer
 * serves all that failed or is held off.
 */

/* Where a limit's number is, and what messages say of it. */
typedef struct LimitSubject {
        LimitFile file;
        VM *vm;                 /* NULL: it is no VM's */
        const char *slice;      /* NULL: it is no slice's */
        const char *what;       /* the number; NULL: a line of misc.max */
        const char *owner_kind; /* "VM "; "" where name says it all */
        const char *owner;
        RateLimit *foreign_log;
} LimitSubject;

/* What each kind of limit is about. Its owner has these. */
struct LimitOps {
        void (*describe)(const Limit *limit, LimitSubject *ret);

        /* Have several this number together, so that nobody can say whose another value is? NULL: never. */
        bool (*is_shared)(const Limit *limit);

        /* Called before a write; may be NULL. Fails with *ret_error (to be freed). */
        int (*prepare)(Limit *limit, char **ret_error);

        /* What it means that a write failed with r. *ret_error is to be freed. */
        LimitOutcome (*judge)(const Limit *limit, int r, char **ret_error);

        /* The state may have changed without the owner's doing. May free the owner. */
        void (*settled)(Limit *limit);
};

typedef struct LimitsHandlers {
        const LimitOps *ops[_LIMIT_KIND_MAX];

        /* Somebody else's value is to be the wanted one. Returns false if that fails, which was logged. */
        bool (*adopt)(Control *control, const LimitSubject *subject, uint64_t value);

        bool (*enable_controller)(Control *control); /* returns true when it fails nowhere any more */
} LimitsHandlers;

/* handlers must last. */
int limits_new(Control *control, const LimitsHandlers *handlers, Limits **ret);
/* All limits must have been released. */
Limits *limits_free(Limits *limits);

/* The limit's owner is about to be freed. */
void limits_release(Control *control, Limit *limit);

/* The number is to be this one: writes it, unless somebody else's value is to stay. Settling is the caller's affair. */
void limits_set(Control *control, Limit *limit, uint64_t wanted);

/* The same, and somebody else's value does not stay. */
void limits_set_asked(Control *control, Limit *limit, uint64_t wanted);

/* Reads the number. Another's is restored, adopted or left, and the limit settled. Returns 0 or a negative errno. */
int limits_look(Control *control, Limit *limit);

/*
 * The same, and notes what the kernel shows: what differs without being a
 * change by somebody else has failed, and is written soon. 0 if the kernel
 * shows the wanted number, or if there is nothing to have; else a negative
 * errno.
 */
int limits_verify(Control *control, Limit *limit);

/* Writes all that failed, whether or not it is due, and settles it. */
void limits_write_failed(Control *control);

/* +misc could not be written in a slice: that is tried again as well. */
void limits_controller_failed(Control *control);

/*
 * For a change that may be taken back. limits_try() writes a value and leaves
 * the limit as it is. *ret_before is what the kernel had, for
 * limits_take_back(). *ret_error (to be freed) may say why the value was not
 * written.
 */
LimitOutcome limits_try(
        Control *control, Limit *limit, uint64_t value, MiscValues *ret_before, char **ret_error);

/* Makes the value, of which limits_try() has said this, the desired number. */
void limits_commit(Control *control, Limit *limit, uint64_t value, LimitOutcome outcome);

/*
 * Gives the kernel back what it had before limits_try(): a foreign value that
 * is left in place, otherwise the desired number.
 */
void limits_take_back(Control *control, Limit *limit, const MiscValues *before);
