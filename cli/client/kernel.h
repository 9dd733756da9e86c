/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * Does the running kernel have the module vfio_pasid, loaded or not? Without the
 * module the daemon cannot run, and no VM can allocate PASIDs.
 */
bool kernel_has_vfio_pasid(void);

/* Does depmod's modules.dep name the module? "_" and "-" are equivalent in the file name. */
bool modules_dep_has(FILE *f, const char *module);
