/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config.h"

/* The location of the daemon's configuration files, see config_list_files(). */
typedef struct ConfigPlace {
        char **dirs;
        char *name;
} ConfigPlace;

/*
 * file: a configuration file, which is used with its drop-ins; NULL: the default directories below root. Returns 0 or
 * -ENOMEM.
 */
int config_place_init(ConfigPlace *place, const char *root, const char *file);
void config_place_done(ConfigPlace *place);

int config_place_load(const ConfigPlace *place, Config **ret, char **ret_error);
