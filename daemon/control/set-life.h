/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "question.h"
#include "set.h"

/* How a set begins and ends. */

/* What the control layer keeps of a set while it searches for its VM. */
struct SetSearch {
        Control *control;
        Question *question; /* that is out */
        char *unit;         /* the unit that its process runs in … */
        char *unit_path;    /* … and the unit's cgroup */
};

/* Takes over what the kernel says. Makes a set or brings the known one up to date. NULL when out of memory. */
Set *set_get(Control *control, const KernelSet *kernel);

/* The set is gone from the kernel. Its VM keeps the counters, and goes if it lived by this set only. */
void set_remove(Set *set);

/* The same without consequences, when the daemon ends. */
void set_discard(Set *set);

/* Drops the question that is out, if any. */
void set_forget_question(Set *set);
