/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "limit-control.h"

/*
 * Makes a foreign value a runtime override. For LimitsHandlers.adopt. Returns false on failure, which has been logged.
 */
bool adopt_value(Control *control, const LimitSubject *subject, uint64_t value);
