/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-keys.h"
#include "state-write.h"

/* The files of one layer: where they are, and which of them are not as they should be. */

/* More files than this are not read. Nor are more made. */
#define STATE_FILES_MAX 65536U

/* A file that cannot be used and has to stay as it is. */
typedef struct StateBadFile {
        char *path;
        char *name;    /* of an entry's file, which is not written; NULL: nothing of the layer is written */
        char *problem; /* the error's text */
} StateBadFile;

typedef struct StateFiles {
        char *path; /* the directory */
        bool durable;

        StateBadFile *bad;
        size_t n_bad;

        StateKeys behind;  /* what these files say is not what is in memory, which is right */
        bool drop_pending; /* there can be a pending change, which must go once nothing is behind */
        bool drop_joint;   /* so must this layer's part of a change to both */
        char *old_file; /* so must the single file of an older version, which all has been read from; NULL: there is none */
} StateFiles;

void state_files_done(StateFiles *files);

/* name: NULL for all of the layer. -ENOMEM. */
int state_files_add_bad(StateFiles *files, const char *path, const char *name, const char *problem);

/* Why this file cannot be written; NULL: it can. */
const char *state_files_problem(const StateFiles *files, const char *name);

/* Does something have to be written, other than a change? */
static inline bool state_files_are_behind(const StateFiles *files) {
        return files->behind.n_items > 0 || files->drop_pending || files->drop_joint || files->old_file;
}

/*
 * A write that brings all files up to date, to which a change can be added. *ret is to be freed. -EFBIG, -ENOMEM.
 */
int state_files_update(const StateFiles *files, const State *memory, StateWrite **ret);

/* That has been done. */
void state_files_updated(StateFiles *files);
