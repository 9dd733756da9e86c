/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

/* Writes to the kernel that failed are tried again here, for all kinds of limits, with one timer. */

/* A write of this kind failed. May be called any number of times. */
void limit_retry_failed(Manager *m, LimitKind kind);

/* Ends all attempts. */
void limit_retry_stop(Manager *m);
