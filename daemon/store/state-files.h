/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-keys.h"
#include "state-write.h"

/* The files of one layer: their directory, and those that differ from the memory. */

/* Maximum number of files that are read or created. */
#define STATE_FILES_MAX 65536U

/* A file that is unusable and must stay as it is. */
typedef struct StateBadFile {
        char *path;
        char *name;    /* file name: this file is not written; NULL: no file of the layer is written */
        char *problem; /* error message */
} StateBadFile;

typedef struct StateFiles {
        char *path; /* the directory */
        bool durable;
        bool directory_synced; /* that the directory exists is on the disk */

        StateBadFile *bad;
        size_t n_bad;

        StateKeys behind;  /* files whose content is older than the memory */
        bool drop_pending; /* there may be a pending change, to be removed when no file is behind */
        bool drop_joint;   /* the same for this layer's part of a change to both layers */
        bool superseded;   /* a file that is behind has an override that the other layer supersedes */
        char *old_file;    /* the same for the single file of an older version that was loaded; NULL: none */
        bool source_removed; /* it may be gone already: if the host crashes, files that are behind are not written again */
} StateFiles;

void state_files_done(StateFiles *files);

/* Adds an unusable file. name: see StateBadFile. Returns 0 or -ENOMEM. */
int state_files_add_bad(StateFiles *files, const char *path, const char *name, const char *problem);

/* The reason why this file cannot be written; NULL: it can. */
const char *state_files_problem(const StateFiles *files, const char *name);

/* Can the file of this key be written? Returns 1, 0 or -ENOMEM. */
int state_files_can_write(const StateFiles *files, OverrideKind kind, const char *key);

/* Is there anything to write, apart from a new change? */
static inline bool state_files_are_behind(const StateFiles *files) {
        return files->behind.n_items > 0 || files->drop_pending || files->drop_joint || files->old_file;
}

/*
 * Makes a write that brings all files up to date; the caller may add a change to it. The caller frees *ret. Returns 0,
 * -EFBIG or -ENOMEM.
 */
int state_files_update(const StateFiles *files, const State *memory, StateWrite **ret);

/* To be called after that write, with its result. */
void state_files_updated(StateFiles *files, const StateWriteResult *result);

/* Brings all files up to date, synchronously. Returns 0 or a negative errno, which the caller logs. */
int state_files_write(StateFiles *files, const State *memory);
