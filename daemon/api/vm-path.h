/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-names.h"
#include "vm.h"

/* The D-Bus object of a VM. */

/* Each character of a UUID as "_XX" at most. */
#define VM_PATH_SIZE (sizeof(PASIDD_VM_PATH_PREFIX "/") + (3 * UUID_STRING_SIZE))

/* Of this UUID; as sd_bus_path_encode(3) makes it. Returns buf. */
const char *vm_path_of_uuid(const char *uuid, char buf[static VM_PATH_SIZE]);
const char *vm_path(const VM *vm, char buf[static VM_PATH_SIZE]);

/* NULL if there is none. Other paths, with more escapes, are none of a VM's. */
VM *vm_find_by_path(const World *w, const char *path);
