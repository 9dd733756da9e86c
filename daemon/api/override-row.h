/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "override-list.h"
#include "uuid.h"

/* A row of ListOverrides, SetOverride and SetOverrides: ssssa{sv}. */

#define OVERRIDE_KIND_VM      "vm"
#define OVERRIDE_KIND_SLICE   "slice"
#define OVERRIDE_KIND_DEFAULT "default"

#define OVERRIDE_LAYER_RUNTIME    "runtime"
#define OVERRIDE_LAYER_PERSISTENT "persistent"

/* Must not be copied: strings belong to the message, or point to uuid. */
typedef struct OverrideRow {
        char uuid[UUID_STRING_SIZE]; /* "" if the key is not a UUID */
        OverrideKind kind;
        bool runtime;
        const char *key; /* of a VM: canonical; override_row_check() checks it */
        const char *name;
        QuotaSetting setting;
} OverrideRow;

/* Reads the members of a row. Returns 0, or a negative errno with the error set if a member is invalid. */
int override_row_read(sd_bus_message *message, OverrideRow *ret, sd_bus_error *error);

/* Checks whether such an override is possible. Returns 0, or a negative errno with the error set. */
int override_row_check(Api *api, const OverrideRow *row, sd_bus_error *error);
