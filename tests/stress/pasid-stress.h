/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vfio-lib.h"

/* Makes each allocation and user copy of each operation fail once, and checks the state afterwards. Prints a line for each
 * operation. Returns the number of inconsistencies, or a negative errno if it could not run. */
int fail_nth_run(const Groups *groups);
