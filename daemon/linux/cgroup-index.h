/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "macro.h"

/* Which of some units has the cgroup with this id? A snapshot, for many questions at once. */
typedef struct CgroupIndex CgroupIndex;

int cgroup_index_new(CgroupIndex **ret);
CgroupIndex *cgroup_index_free(CgroupIndex *index);
DEFINE_CLEANUP_FUNC(CgroupIndex *, cgroup_index_free, cgroup_index_freep);

/* Takes up a unit's cgroup with all below it. One that is gone is no error. */
int cgroup_index_add(CgroupIndex *index, const char *root, const char *unit_path);

/* The path of the unit, or NULL. It is good until the index changes. */
const char *cgroup_index_find(CgroupIndex *index, uint64_t id);
