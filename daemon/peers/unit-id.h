/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "question.h"

/*
 * Asks systemd for the InvocationID of a unit. The answer is NO if the unit has
 * none. Returns 0 or a negative errno: -ENOTCONN without a connection.
 */
int unit_ask_invocation_id(
        BusCalls *calls, const char *unit, QuestionHandler handler, void *userdata, Question **ret);
