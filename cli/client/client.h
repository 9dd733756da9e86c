/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"
#include "options.h"

/*
 * The way from pasidctl to the daemon. All of these say on stderr what went
 * wrong, with a hint what to do, and return what pasidctl is to end with.
 */

typedef struct Client {
        sd_bus *bus;
        const Options *options;
} Client;

void client_close(Client *client);

/* Connects to the system bus, and makes sure that the daemon runs, starting it if need be. */
CtlExitStatus client_open(const Options *options, Client *ret);

/* The same, but fails if the daemon does not run. */
CtlExitStatus client_open_running(const Options *options, Client *ret);

/* The connection alone. */
CtlExitStatus client_open_bus(const Options *options, Client *ret);

/* Does the daemon run? */
bool client_is_running(const Client *client);

/* Says that a D-Bus call failed. */
CtlExitStatus client_fail(const Client *client, const sd_bus_error *error, int r);

/* Says that an answer of the daemon could not be read, or a message not be made. */
CtlExitStatus client_fail_message(int r);

/*
 * Calls a method of the VM with that path, or of the Manager if path is NULL,
 * with arguments as sd_bus_message_append() takes them, types NULL for none. The
 * answer goes to *ret_reply, which may be NULL. The user may be asked to
 * authenticate, if the options allow it.
 */
CtlExitStatus client_call(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...);

/*
 * The same for a method that has an a{sv} of options behind the arguments, for
 * which "runtime", "dry-run" and "watermark" are taken from the command line.
 */
CtlExitStatus client_change(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...);

/* The same for arguments that append() writes, of a method of the Manager. */
typedef int (*ClientAppendFunc)(sd_bus_message *m, const void *userdata);
CtlExitStatus client_change_with(const Client *client, const char *member, sd_bus_message **ret_reply,
        ClientAppendFunc append, const void *userdata);

/*
 * Lets the daemon find out whose connection this is. It does so at the first call of a connection, and keeps only small
 * calls meanwhile when very many others wait. For a method that takes a lot; what fails shows with that.
 */
void client_introduce(const Client *client);

/* Calls a method of the Manager that takes nothing and answers with an array; rows has its table. */
CtlExitStatus client_call_rows(const Client *client, const char *member, Rows *rows);

/* Reads such an array out of an answer. */
CtlExitStatus client_read_rows(sd_bus_message *reply, Rows *rows);

/* Reads an answer; strings are good as long as the message is. */
CtlExitStatus client_read(sd_bus_message *reply, const char *types, ...);

/* The object path of a VM named by UUID, prefix or name. */
CtlExitStatus client_find_vm(const Client *client, const char *vm, char **ret_path);

/* All properties of a VM. */
CtlExitStatus client_read_vm(const Client *client, const char *path, VmInfo *ret);

/* All properties of the daemon. */
CtlExitStatus client_read_manager(const Client *client, ManagerInfo *ret);

/* All VMs, sorted. */
CtlExitStatus client_list_vms(const Client *client, VmList *ret);

/* What most verbs begin with: the connection, and the VM that the command line names. */
typedef struct VmTarget {
        Client client;
        char *path;
        VmInfo vm;
} VmTarget;

CtlExitStatus client_open_vm(const Options *options, const char *vm, VmTarget *ret);
void vm_target_clear(VmTarget *target);
