/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel-set.h"
#include "limit.h"
#include "world.h"

typedef struct SetSearch SetSearch;

/* The progress of the search for a set's VM. */
typedef enum SetMatch {
        SET_MATCH_WAITING, /* the machines are not known yet */
        SET_MATCH_ASKING,  /* in progress; a question may be pending on the bus */
        SET_MATCH_DONE,
} SetMatch;

/* The kernel's PASID set of one process. After the first match it is identified by id only. */
struct Set {
        TAILQ_ENTRY(Set) entries;
        TAILQ_ENTRY(Set) of_vm; /* while vm is set */
        World *world;
        VM *vm;
        KernelSet kernel;       /* data last received */
        Limit quota, watermark; /* ABSENT without a VM */
        SetMatch match;
        bool in_dump;      /* seen in the dump that is being processed */
        SetSearch *search; /* private data of control/set-match.c */
};

Set *set_find(const World *w, uint64_t id);

/* Makes a set without a VM. Returns NULL when out of memory. */
Set *set_new(World *w, const KernelSet *kernel);

/* Removes the set from its VM and frees it. search must have been freed. Returns NULL. */
Set *set_free(Set *set);
