/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "override-list.h"
#include "uuid.h"

/* A row of ListOverrides, which SetOverride and SetOverrides take, too: ssssa{sv}. */

#define OVERRIDE_KIND_VM      "vm"
#define OVERRIDE_KIND_SLICE   "slice"
#define OVERRIDE_KIND_DEFAULT "default"

#define OVERRIDE_LAYER_RUNTIME    "runtime"
#define OVERRIDE_LAYER_PERSISTENT "persistent"

/* Strings are the message's, or point to uuid: not to be copied. */
typedef struct OverrideRow {
        char uuid[UUID_STRING_SIZE]; /* "" when the key is none */
        OverrideKind kind;
        bool runtime;
        const char *key; /* of a VM: canonical; whether it is one at all remains to be checked */
        const char *name;
        QuotaSetting setting;
} OverrideRow;

/* Reads the members of a row. A negative errno, with error set where something is wrong with them. */
int override_row_read(sd_bus_message *message, OverrideRow *ret, sd_bus_error *error);

/* May there be such an override? Likewise. */
int override_row_check(Api *api, const OverrideRow *row, sd_bus_error *error);
