/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vfio-lib.h"

/* Lets every allocation and user copy of every operation fail once, and checks what is left. Prints a line for each operation;
 * returns the number of inconsistencies, or a negative errno if it could not run. */
int fail_nth_run(const Groups *groups);
