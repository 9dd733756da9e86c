/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "question.h"
#include "set.h"

/* Creation and removal of sets. */

/* Data of the search for a set's VM. */
struct SetSearch {
        Control *control;
        Question *question; /* pending question */
        char *unit;         /* the unit of its process … */
        char *unit_path;    /* … and the unit's cgroup */
};

/* Creates or updates the set with the kernel's data. Returns NULL when out of memory. */
Set *set_get(Control *control, const KernelSet *kernel);

/*
 * To be called when the kernel has removed the set. Adds its counters to the VM, and removes a VM that has no other
 * reason to exist.
 */
void set_remove(Set *set);

/* Frees the set without these consequences, for the shutdown. */
void set_discard(Set *set);

/* Cancels the pending question, if any. */
void set_forget_question(Set *set);
