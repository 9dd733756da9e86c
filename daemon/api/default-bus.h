/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Adds the methods about the default quota to the manager's object. Returns 0 or a negative errno. */
int default_bus_add(Api *api);
