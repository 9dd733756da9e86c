/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel-set.h"
#include "manager.h"

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
        Manager *manager;
        VM *vm;
        KernelSet kernel; /* as last heard */
        SetMatch match;
        BusCall *question;
        char *unit;      /* while a question is out: the unit that its process runs in … */
        char *unit_path; /* … and the unit's cgroup */
        bool listed;     /* in the dump that is being gone through */
};

/* Takes over what the kernel says. Makes a set or brings the known one up to date. NULL when out of memory. */
Set *set_get(Manager *m, const KernelSet *kernel);
Set *set_find(Manager *m, uint64_t id);

/* The set is gone from the kernel. Its VM keeps the counters, and goes if it lived by this set only. */
void set_remove(Set *set);

/* The same without consequences, when the daemon ends. */
void set_free(Set *set);

/* Drops the question that is out, if any. */
void set_forget_question(Set *set);
