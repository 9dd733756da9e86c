/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Adds the methods about overrides to the manager's object. Returns 0 or a negative errno. */
int override_bus_add(Api *api);

/* Part of it: adds SetOverrides. */
int override_list_bus_add(Api *api);
