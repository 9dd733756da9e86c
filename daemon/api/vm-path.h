/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-names.h"
#include "vm.h"

/* The D-Bus object path of a VM. */

/* Each character of a UUID takes at most "_XX". */
#define VM_PATH_SIZE (sizeof(PASIDD_VM_PATH_PREFIX "/") + (3 * UUID_STRING_SIZE))

/* The path for this UUID, encoded as by sd_bus_path_encode(3). Returns buf. */
const char *vm_path_of_uuid(const char *uuid, char buf[static VM_PATH_SIZE]);
const char *vm_path(const VM *vm, char buf[static VM_PATH_SIZE]);

/* Returns NULL if there is no such VM. Paths with unnecessary escapes are not accepted. */
VM *vm_find_by_path(const World *w, const char *path);
