/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"
#include "options.h"

/*
 * The connection from pasidctl to the daemon. On failure, all of these print a
 * message with a hint on stderr. They return the exit status of pasidctl.
 */

typedef struct Client {
        sd_bus *bus;
        const Options *options;
} Client;

void client_close(Client *client);

/* Connects to the system bus and starts the daemon if it does not run. */
CtlExitStatus client_open(const Options *options, Client *ret);

/* The same, but fails if the daemon does not run. */
CtlExitStatus client_open_running(const Options *options, Client *ret);

/* Connects to the system bus only. */
CtlExitStatus client_open_bus(const Options *options, Client *ret);

/* Does the daemon run? */
bool client_is_running(const Client *client);

/* Prints that a D-Bus call failed. */
CtlExitStatus client_fail(const Client *client, const sd_bus_error *error, int r);

/* Prints that an answer of the daemon could not be read, or a message could not be created. */
CtlExitStatus client_fail_message(int r);

/*
 * Calls a method of the VM with this path, or of the Manager if path is NULL. The
 * arguments are those of sd_bus_message_append(); types is NULL for none. Stores
 * the answer in *ret_reply unless ret_reply is NULL. polkit can ask the user to
 * authenticate, if the options allow it.
 */
CtlExitStatus client_call(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...);

/*
 * The same for a method whose last argument is an a{sv} of options: "runtime",
 * "dry-run" and "watermark" from the command line.
 */
CtlExitStatus client_change(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...);

/* The same for a method of the Manager whose arguments append() writes. */
typedef int (*ClientAppendFunc)(sd_bus_message *m, const void *userdata);
CtlExitStatus client_change_with(const Client *client, const char *member, sd_bus_message **ret_reply,
        ClientAppendFunc append, const void *userdata);

/*
 * Makes a small call, so that the daemon looks up the user of this connection. The daemon queues only
 * small calls of an unknown user when many calls wait. Use it before a method with large arguments, which
 * reports any failure. */
void client_introduce(const Client *client);

/* Calls a method of the Manager without arguments that returns an array. rows must have a table. */
CtlExitStatus client_call_rows(const Client *client, const char *member, Rows *rows);

/* Reads such an array from an answer. */
CtlExitStatus client_read_rows(sd_bus_message *reply, Rows *rows);

/* Reads an answer. Strings are valid as long as the message. */
CtlExitStatus client_read(sd_bus_message *reply, const char *types, ...);

/* Gets the object path of the VM with this UUID, UUID prefix or name. */
CtlExitStatus client_find_vm(const Client *client, const char *vm, char **ret_path);

/* Gets all properties of a VM. */
CtlExitStatus client_read_vm(const Client *client, const char *path, VmInfo *ret);

/* Gets all properties of the daemon. */
CtlExitStatus client_read_manager(const Client *client, ManagerInfo *ret);

/* Gets all VMs, sorted. */
CtlExitStatus client_list_vms(const Client *client, VmList *ret);

/* Connects to the daemon and gets the VM that the command line names. */
typedef struct VmTarget {
        Client client;
        char *path;
        VmInfo vm;
} VmTarget;

CtlExitStatus client_open_vm(const Options *options, const char *vm, VmTarget *ret);
void vm_target_clear(VmTarget *target);
