/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"
#include "verbs.h"

/*
 * The way from pasidctl to the daemon. All of these say on stderr what went
 * wrong, with a hint what to do, and return what pasidctl is to end with.
 */

/* Connects to the system bus and makes sure that the daemon runs, starting it if need be. */
CtlExitStatus client_open(sd_bus **ret);

/* The same, but fails if the daemon does not run. */
CtlExitStatus client_open_running(sd_bus **ret);

/* The connection alone. */
CtlExitStatus client_open_bus(sd_bus **ret);

/* A method call to the daemon that may ask the user to authenticate, if the options say so. */
CtlExitStatus client_new_call(sd_bus *bus, const Options *options, const char *path, const char *interface,
        const char *member, sd_bus_message **ret);

/* Sends it and waits for the answer. */
CtlExitStatus client_call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply);

/* Says that a D-Bus call failed. */
CtlExitStatus client_fail(const sd_bus_error *error, int r);

/* Says that an answer of the daemon could not be read, or a message not be made. */
CtlExitStatus client_fail_message(int r);

/* The object path of a VM named by UUID, prefix or name. */
CtlExitStatus client_find_vm(sd_bus *bus, const char *vm, char **ret_path);

/* All properties of a VM. */
CtlExitStatus client_read_vm(sd_bus *bus, const char *path, VmInfo *ret);

/* All properties of the daemon. */
CtlExitStatus client_read_manager(sd_bus *bus, ManagerInfo *ret);

/* All VMs, sorted. */
CtlExitStatus client_list_vms(sd_bus *bus, VmList *ret);

/* Appends the a{sv} that the mutators take: runtime, dry-run and watermark, where given. */
int client_append_options(sd_bus_message *m, const Options *options);

/*
 * Parses a quota or watermark from the command line; what is its name at
 * the beginning of a message.
 */
CtlExitStatus parse_quota_argument(const char *what, const char *s, bool allow_max, uint32_t *ret);
