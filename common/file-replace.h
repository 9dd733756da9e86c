/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Replaces a file of pasidd's as a whole: temporary file PATH.tmp beside it,
 * write, rename. A durable replacement also syncs the file and its directory.
 * Everything that needs memory happens in file_replacement_init(), so that
 * file_replacement_run() makes system calls only and any thread can run it.
 */

typedef struct FileReplacement {
        char *path;
        char *temporary;
        char *directory;
        char *text;
        size_t size; /* of text, in bytes */
        mode_t mode; /* of the new file, whatever the umask */
        bool durable;
        bool replaced; /* set by file_replacement_run() */
} FileReplacement;

/* Takes text over, also on failure. -ENOMEM. */
int file_replacement_init(FileReplacement *f, const char *path, char *text, mode_t mode, bool durable);
void file_replacement_done(FileReplacement *f);

/*
 * Returns 0 or a negative errno. f->replaced says whether path is the new file
 * now. It can be on failure, too: when only the sync of the directory failed.
 * Otherwise a failure leaves the old file in place, and no temporary file.
 */
int file_replacement_run(FileReplacement *f);

/* All of it at once, in this thread. *ret_replaced may be NULL. */
int replace_file(const char *path, const char *text, mode_t mode, bool durable, bool *ret_replaced);
