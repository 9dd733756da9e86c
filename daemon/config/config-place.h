/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"

/* Where the daemon's configuration is read from, see config_list_files(). */
typedef struct ConfigPlace {
        char **dirs;
        char *name;
} ConfigPlace;

/* file: that one and its drop-ins; NULL for the usual directories, below root. -ENOMEM. */
int config_place_init(ConfigPlace *place, const char *root, const char *file);
void config_place_done(ConfigPlace *place);

int config_place_load(const ConfigPlace *place, Config **ret, char **ret_error);
