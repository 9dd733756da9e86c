/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * Adds org.freedesktop.LogControl1, which "systemctl service-log-level" and
 * "systemctl service-log-target" use. Returns 0 or a negative errno.
 */
int log_control_add(Api *api);
