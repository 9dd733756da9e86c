/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

/*
 * Prints that the daemon does not run and, if known, why. exit_status is that of its last process, 0 if
 * unknown.
 */
CtlExitStatus client_fail_not_running(const Client *client, const char *message, int exit_status);
