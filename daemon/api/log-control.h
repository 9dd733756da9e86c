/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * org.freedesktop.LogControl1, by which "systemctl log-level" and
 * "systemctl log-target" find out and change what is logged, and where to.
 */
int log_control_add(Api *api);
