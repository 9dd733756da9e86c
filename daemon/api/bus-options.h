/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Arguments of methods. */

/*
 * Method options, a{sv}: what is not in the list, or of another type, is an error that says so. Reading them gives 0 or a
 * negative errno.
 */
typedef struct BusOption {
        const char *name;
        char type; /* 'b', 'u', 's'; 'm' for metadata, which is a(ss) */
        void *value; /* int for 'b', uint32_t for 'u', const char * into the message for 's', Metadata for 'm' */
        bool *given; /* may be NULL */
} BusOption;
int bus_read_options(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error);

/* The VM by UUID, name or the beginning of a UUID. Sets NoSuchVM or AmbiguousVM. */
int bus_find_vm(Api *api, const char *what, VM **ret, sd_bus_error *error);

/* Is it a quota that the kernel takes? Sets InvalidQuota otherwise. what: "Quota", "Watermark" */
int bus_check_quota(const char *what, uint32_t quota, sd_bus_error *error);
