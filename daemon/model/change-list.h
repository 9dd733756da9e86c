/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "misc-file.h"
#include "vm.h"

/* A value that differed from the desired one and was changed. */

typedef struct Change {
        char *kind; /* "host", "vm", "slice" */
        char *id, *name;
        char *what, *before, *after;
} Change;

typedef struct ChangeList {
        Change *changes;
        size_t n_changes;
} ChangeList;

void change_list_done(ChangeList *list);

/* list may be NULL in the functions below; then they do nothing. Failures are logged. */

/* Adds a change. Strings may be NULL. */
void change_list_note(ChangeList *list, const char *kind, const char *id, const char *name, const char *what,
        const char *before, const char *after);
/* Adds a change to a number of a VM's set, or of a host-wide file if vm is NULL. */
void change_list_note_number(
        ChangeList *list, const VM *vm, const char *what, uint64_t before, uint64_t after);
/* Adds each line of misc.max that differed from after. The file is a VM's, or a slice's if vm is NULL. */
void change_list_note_limit(ChangeList *list, const VM *vm, const char *slice, const char *cgroup,
        const MiscValues *before, uint64_t after);
