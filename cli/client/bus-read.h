/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"

/*
 * Walks over a dictionary, whose keys are strings or paths, key being their
 * signature and value that of the values. func is called with each key, before
 * the value, and returns 1 when it read the value, 0 to have it skipped, or a
 * negative errno. Returns 0 or a negative errno.
 */
typedef int (*BusReadEntryFunc)(sd_bus_message *m, const char *key, void *userdata);
int bus_read_dictionary(
        sd_bus_message *m, const char *key, const char *value, BusReadEntryFunc func, void *userdata);

/*
 * Reads an a{sv} of properties into the structure that the table describes.
 * Properties that no field names are skipped, those that the message lacks stay
 * as they are. Returns 0 or a negative errno; the structure can then be partly
 * filled, clear it either way.
 */
int bus_read_properties(sd_bus_message *m, const InfoTable *table, void *info);

/*
 * Reads an array of structures into rows, which are empty and have their table:
 * those fields that have a property's name are the members, in that order.
 * Returns 0 or a negative errno; the caller clears the rows either way.
 */
int bus_read_rows(sd_bus_message *m, Rows *rows);

/*
 * Reads the answer of GetManagedObjects: every object that has the VM
 * interface. func is called with its path and takes over the VmInfo; what it
 * returns, when negative, ends the reading.
 */
typedef int (*BusReadVmFunc)(const char *path, VmInfo *vm, void *userdata);
int bus_read_managed_vms(sd_bus_message *m, BusReadVmFunc func, void *userdata);
