/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-transaction.h"

/* Changes on their way to the disk, see state-store.h. Either transaction may be without changes. */
int state_change_new(const StateStore *store, const StateTransaction *persistent,
        const StateTransaction *runtime, StateChange **ret);

/*
 * Returns -EBUSY if the next start would put a change to both layers over the transaction: it was not made, and is still on the
 * disk. Otherwise 0 or -ENOMEM.
 */
int state_change_check_joint(const StateStore *store, const StateTransaction *runtime);
