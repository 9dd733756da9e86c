/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel-set.h"
#include "limit.h"
#include "world.h"

typedef struct SetSearch SetSearch;

/* How far the search for a set's VM has come. */
typedef enum SetMatch {
        SET_MATCH_WAITING, /* machines are not known yet */
        SET_MATCH_ASKING,  /* being worked on, a question may be out on the bus */
        SET_MATCH_DONE,
} SetMatch;

/* The kernel's PASID set of one process. From the first match on it is acted on by its id alone. */
struct Set {
        TAILQ_ENTRY(Set) entries;
        TAILQ_ENTRY(Set) of_vm; /* while vm is set */
        World *world;
        VM *vm;
        KernelSet kernel;       /* as last heard */
        Limit quota, watermark; /* ABSENT without a VM */
        SetMatch match;
        SetSearch *search; /* whoever searches for its VM keeps what it needs there */
        bool listed;       /* in the dump that is being gone through */
};

Set *set_find(const World *w, uint64_t id);

/* Makes one; nothing is known of it but what the kernel says. NULL when out of memory. */
Set *set_new(World *w, const KernelSet *kernel);

/* Takes it from its VM as well. search must have been freed. */
Set *set_free(Set *set);
