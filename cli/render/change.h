/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "info.h"

/* What a verb did, or with dry_run would do, to a quota. */
typedef struct QuotaChange {
        const VmInfo *vm;  /* as it was before; NULL: the default quota, or a slice */
        uint32_t previous; /* LIMIT_NONE: none, as a slice can have */
        uint32_t quota;
        const char *source; /* where the new value comes from */
        bool dry_run;
        const char *slice; /* whose limit it is; NULL: the default quota */
        bool watermark_set;
        uint32_t watermark; /* of the VM, if that was set, too */
} QuotaChange;

/*
 * "demo: quota 4 -> 6 (persistent), watermark off -> 5", and in a second line that
 * the VM holds more than that, where it does. To be freed; NULL when out of memory.
 */
char *quota_change_text(const QuotaChange *change);

json_object *quota_change_json(const QuotaChange *change);

/* Prints one or the other on stdout. */
CtlExitStatus quota_change_print(const QuotaChange *change, JsonMode mode);
