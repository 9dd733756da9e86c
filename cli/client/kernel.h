/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * Does the running kernel have the module vfio_pasid, loaded or not? Without it
 * there is nothing to start the daemon for, and no PASID for anybody.
 */
bool kernel_has_vfio_pasid(void);

/* Does depmod's modules.dep name the module? "_" and "-" are the same in its file's name. */
bool modules_dep_has(FILE *f, const char *module);
