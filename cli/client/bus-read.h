/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"

/*
 * Iterates over a dictionary. key is the signature of its keys, strings or
 * object paths; value is that of its values. Calls func for each key before the
 * value is read. func returns 1 if it read the value, 0 to skip the value, or a
 * negative errno. Returns 0 or a negative errno.
 */
typedef int (*BusReadEntryFunc)(sd_bus_message *m, const char *key, void *userdata);
int bus_read_dictionary(
        sd_bus_message *m, const char *key, const char *value, BusReadEntryFunc func, void *userdata);

/*
 * Reads an a{sv} of properties into the structure that the table describes.
 * Skips properties without a field. Fields without a property are untouched.
 * Returns 0 or a negative errno. On failure the structure can be partly filled;
 * the caller clears it either way.
 */
int bus_read_properties(sd_bus_message *m, const InfoTable *table, void *info);

/*
 * Reads an array of structures into rows, which must be empty and have a table.
 * The members of a structure are the fields with a property name, in the order
 * of the table. Returns 0 or a negative errno; the caller clears the rows either
 * way.
 */
int bus_read_rows(sd_bus_message *m, Rows *rows);

/*
 * Reads the answer of GetManagedObjects. Calls func with the path and the VmInfo
 * of every object that has the VM interface; func takes ownership of the VmInfo.
 * A negative result of func ends the iteration.
 */
typedef int (*BusReadVmFunc)(const char *path, VmInfo *vm, void *userdata);
int bus_read_managed_vms(sd_bus_message *m, BusReadVmFunc func, void *userdata);
