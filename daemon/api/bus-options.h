/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/* Arguments of methods. */

/* A method option in an a{sv}. Unknown options and wrong types yield InvalidArgs. Reading them returns 0 or a negative errno. */
typedef struct BusOption {
        const char *name;
        char type; /* 'b', 'u', 's'; 'm' for metadata, which is a(ss) */
        void *value; /* int for 'b', uint32_t for 'u', const char * into the message for 's', Metadata for 'm' */
        bool *given; /* set to true if the option is there; may be NULL */
} BusOption;
/* Reads all options. Returns 0, or a negative errno with the error set. */
int bus_read_options(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error);

/*
 * Finds a VM by UUID, name or UUID prefix. Returns 0, or a negative errno with the error set to NoSuchVM or
 * AmbiguousVM.
 */
int bus_find_vm(Api *api, const char *what, VM **ret, sd_bus_error *error);

/*
 * Checks the range of a quota. what: "Quota" or "Watermark". Returns 0, or a negative errno with the error set to
 * InvalidQuota.
 */
int bus_check_quota(const char *what, uint32_t quota, sd_bus_error *error);
