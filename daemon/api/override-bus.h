/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Adds the methods about overrides to the manager's object; a negative errno on failure. */
int override_bus_add(Api *api);

/* Part of it: the method about many of them. */
int override_list_bus_add(Api *api);
