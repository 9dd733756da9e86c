/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit-control.h"

/* Makes a value that somebody else has written to the kernel a runtime override. For LimitsHandlers.adopt. */
bool adopt_value(Control *control, const LimitSubject *subject, uint64_t value);
