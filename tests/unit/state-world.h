/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-store.h"

/* A state store in a directory of its own. */
typedef struct StateWorld {
        char *root;
        StateStore store;
        StateLayers layers;
} StateWorld;

/* Makes the directories that the daemon finds on a host. */
StateWorld state_world_new(void);
void state_world_load(StateWorld *w);
/* Forgets what was loaded; the files stay. */
void state_world_done(StateWorld *w);

QuotaSetting quota(uint32_t n);
void add_item(OverrideList *list, OverrideKind kind, bool runtime, const char *key, QuotaSetting setting);
/* One VM, both layers. */
OverrideList *make_override(const char *key, QuotaSetting runtime, QuotaSetting persistent);

/* Compares the list, and plans what goes to the disk. */
StateChange *plan_list(StateWorld *w, OverrideList *list);

bool file_exists(const char *root, const char *name);
