/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "slice-limit.h"
#include "vm.h"

/* Describe where a quota or limit comes from. The caller frees *ret. They return 0 or -ENOMEM. */

int vm_quota_origin(const VM *vm, char **ret);
/* The same for a policy other than the current one. */
int vm_policy_origin(const VM *vm, const PolicyResult *policy, char **ret);
int slice_limit_origin(const SliceLimit *slice, char **ret);
