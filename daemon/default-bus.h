/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"

int default_bus_add(Manager *m);

/* The two layers of the default quota; NULL for one that is not set. */
typedef struct Defaults {
        const uint32_t *runtime;
        const uint32_t *persistent;
} Defaults;

/* The kernel and the state file have them, or neither; then the error says why. */
int default_bus_change(Manager *m, const Defaults *defaults, sd_bus_error *error);
