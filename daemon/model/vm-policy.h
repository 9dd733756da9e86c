/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy.h"
#include "vm.h"

/* Applies the quota policy to a VM, with the configuration and state in force. */

/* A VM's overrides in both layers. */
typedef struct VMOverrides {
        QuotaSetting runtime;
        QuotaSetting persistent;
} VMOverrides;

void vm_get_overrides(const VM *vm, VMOverrides *ret);

/* The quota that the VM would have with these overrides, for its next start if next is not NULL. */
void vm_resolve(const VM *vm, const VMOverrides *overrides, const StateNext *next, PolicyResult *ret);

/* The same for the current run, with a different default quota. */
void vm_resolve_with_default(
        const VM *vm, const VMOverrides *overrides, uint32_t default_quota, PolicyResult *ret);

/* The quota that an announcement yields for a VM that may not exist. */
void vm_resolve_announced(
        const World *w, const char *uuid, const char *name, const Announcement *announced, PolicyResult *ret);

/* The quota of the VM's next start, if one is announced; else the current one. */
void vm_resolve_next(const VM *vm, PolicyResult *ret);

/*
 * Lists every source of the current quota with its outcome, see policy_explain(). The caller frees *ret. Returns 0 or
 * -ENOMEM.
 */
int vm_explain(const VM *vm, PolicyResult *ret_result, PolicyCandidate **ret, size_t *ret_n);

/* What is committed to the VM (commitment.h), with the sets' counters last received. */
uint32_t vm_committed(const VM *vm, MiscResource resource);

/*
 * The sum of vm_committed() for MISC_PASID over all VMs except one (or NULL).
 * There is no capacity for attached PASIDs.
 */
uint64_t world_committed(const World *w, const char *except_uuid);
