/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "macro.h"

/* A snapshot that maps ids of cgroups to units, for many lookups at once. */
typedef struct CgroupIndex CgroupIndex;

/* Returns 0 or -ENOMEM. */
int cgroup_index_new(CgroupIndex **ret);
CgroupIndex *cgroup_index_free(CgroupIndex *index);
DEFINE_CLEANUP_FUNC(CgroupIndex *, cgroup_index_free, cgroup_index_freep);

/* Adds a unit's cgroup and all cgroups below it. A missing cgroup is not an error. Returns 0 or a negative errno. */
int cgroup_index_add(CgroupIndex *index, const char *root, const char *unit_path);

/* Returns the path of the unit that has the cgroup with this id, or NULL. It is valid until the index changes. */
const char *cgroup_index_find(CgroupIndex *index, uint64_t id);
