/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "slice-limit.h"

/* What happens when somebody else changes the limit of a slice. */

/* As vm_reconcile(). */
void slice_limits_reconcile(Control *control, bool asked);

/* Somebody has written the limit. Ours is recognised by its value; another's is reverted, adopted or left. */
void slice_limit_written(SliceLimit *slice);
