/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "misc-file.h"
#include "vm.h"

/* What had another value than it should have, and was changed. */

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

/* Each: list may be NULL, then nothing is noted. Failure is logged. */

/* Texts may be NULL. */
void change_list_note(ChangeList *list, const char *kind, const char *id, const char *name, const char *what,
        const char *before, const char *after);
/* A number of a VM's set, or of a host-wide file (vm NULL). */
void change_list_note_number(
        ChangeList *list, const VM *vm, const char *what, uint64_t before, uint64_t after);
/* misc.max of a VM, or (vm NULL) of a slice: each line that had another value. */
void change_list_note_limit(ChangeList *list, const VM *vm, const char *slice, const char *cgroup,
        const MiscValues *before, uint64_t after);
