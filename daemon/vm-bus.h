/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vm-quota.h"

/* vm_change_overrides() with its failure as the bus error. */
int vm_bus_change_overrides(
        VM *vm, const VMOverrides *overrides, bool dry_run, PolicyResult *ret_policy, sd_bus_error *error);
