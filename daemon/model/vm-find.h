/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Which VM does a user mean? Pure; works on an array so that a test can link it.
 */
typedef struct VMIdentity {
        const char *uuid;
        const char *name;
} VMIdentity;

/*
 * A whole UUID wins, then an exact name, then a unique UUID prefix of at least
 * 4 hex digits. Returns 0 with the index, -ENOENT, or -ENOTUNIQ with *ret_candidates
 * listing up to 8 of those meant ("UUID NAME" a line, none after the last; to be freed). Outputs are
 * untouched otherwise.
 */
int vm_find(const VMIdentity *vms, size_t n_vms, const char *what, size_t *ret_index, char **ret_candidates);
