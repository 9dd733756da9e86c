/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

/* Prints that the daemon does not run, and why, as far as that is known. exit_status: what its process ended with; 0: unknown. */
CtlExitStatus client_fail_not_running(const Client *client, const char *message, int exit_status);
