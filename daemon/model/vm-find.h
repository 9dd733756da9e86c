/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Finds the VM that a user names. Pure.
 */
typedef struct VMIdentity {
        const char *uuid;
        const char *name;
} VMIdentity;

/*
 * A full UUID takes precedence, then an exact name, then a unique UUID prefix of
 * at least 4 hex digits. Returns 0 with the index; -ENOENT; -ENOTUNIQ with up to
 * 8 candidates in *ret_candidates ("UUID NAME" per line, no final line end; freed
 * by the caller); or another negative errno. Other outputs are untouched.
 */
int vm_find(const VMIdentity *vms, size_t n_vms, const char *what, size_t *ret_index, char **ret_candidates);
