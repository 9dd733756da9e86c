/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "file-replace.h"
#include "macro.h"

/*
 * Writes to the directory of a layer, in this order:
 *
 *   1. files that are behind: they do not say yet, or no longer, what is in memory
 *   2. the pending change, which those files now have, is removed; so is the single file of an older version
 *   3. one more file is replaced or removed: the change itself
 *
 * Everything that needs memory is done before state_write_run(), which only makes system calls, so that any thread can
 * run it.
 */

/* In the directory. Names of entries do not begin with ".". */
#define STATE_NAME_TEMPORARY ".new"
#define STATE_NAME_PENDING   ".pending"
#define STATE_NAME_JOINT     ".joint"

typedef struct StateWriteFile {
        FileReplacement replacement;
        bool remove;
} StateWriteFile;

/* What a write came to. */
typedef struct StateWriteResult {
        int error;           /* 0 or a negative errno */
        bool changed;        /* the file is the new one, possibly in spite of an error */
        bool caught_up;      /* steps 1 and 2 are complete, and on the disk */
        bool source_removed; /* what the files of step 1 could be written from again may be gone */
} StateWriteResult;

typedef struct StateWrite {
        char *directory, *parent, *pending;
        bool durable;       /* on a disk: what is written is synced */
        bool new_directory; /* the directory may not exist, or may not be on the disk yet */

        StateWriteFile *behind;
        size_t n_behind;
        bool drop_pending;
        char *old_file; /* to be removed; NULL: none */
        bool repeatable; /* what is removed in step 2 is there, so that the next start can write the files of step 1 again */

        StateWriteFile change;
        bool has_change;

        StateWriteResult result; /* set by state_write_run() */
} StateWrite;

/* directory: with an absolute path. -ENOMEM. */
int state_write_new(const char *directory, bool durable, StateWrite **ret);
StateWrite *state_write_free(StateWrite *w);
DEFINE_CLEANUP_FUNC(StateWrite *, state_write_free, state_write_freep);

/* A file that is behind. Takes text over, also on failure; NULL: the file is removed. -ENOMEM. */
int state_write_add_behind(StateWrite *w, const char *name, char *text);
/* The change; likewise. */
int state_write_set_change(StateWrite *w, const char *name, char *text);

/* Makes the directory if there is none. Sets w->result, and returns its error. */
int state_write_run(StateWrite *w);
