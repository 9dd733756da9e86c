/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "info.h"

/* The change of a quota by a verb, or with dry_run the planned change. */
typedef struct QuotaChange {
        const VmInfo *vm;  /* before the change; NULL: the default quota or a slice */
        uint32_t previous; /* LIMIT_NONE: a slice without a limit */
        uint32_t quota;
        const char *source; /* where the new value comes from */
        bool dry_run;
        const char *slice; /* the slice with the limit; NULL: the default quota */
        bool watermark_set;
        uint32_t watermark; /* of the VM, if it was set as well */
} QuotaChange;

/*
 * Formats "demo: quota 4 -> 6 (persistent), watermark off -> 5", and a second line
 * if the VM holds more than the new quota. The caller frees the result. NULL when
 * out of memory.
 */
char *quota_change_text(const QuotaChange *change);

json_object *quota_change_json(const QuotaChange *change);

/* Prints the change on stdout, as text or as JSON. */
CtlExitStatus quota_change_print(const QuotaChange *change, JsonMode mode);
