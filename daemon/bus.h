/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernel-set.h"
#include "manager.h"

/*
 * The connections to the system bus, one for callers and one for questions,
 * kept up by themselves: when one breaks both are made anew, at growing
 * intervals, and machines are listed again.
 */
void bus_start(Manager *m);
void bus_stop(Manager *m);

/* Asks for our name, unless that was done. manager_check_ready() is called when we have it. */
void bus_request_name(Manager *m);

/* Signals. Without a bus nobody is there to hear them. */
void bus_vm_added(VM *vm);
void bus_vm_removed(VM *vm);
/* The same later, when only its path is known. VMRemoved is not sent then. */
void bus_vm_was_removed(Manager *m, const char *path);
void bus_quota_exceeded(VM *vm, const KernelMessage *event);
void bus_watermark_reached(VM *vm, const KernelMessage *event);

/* slice: "" for the host. */
void bus_overcommitted(Manager *m, const char *slice, uint64_t committed, uint64_t commit_limit);

/* Sends PropertiesChanged for all that is marked as changed. */
void bus_send_changes(Manager *m);

/* All objects and their methods, on the bus that there is. */
int bus_add_objects(Manager *m);

/* Those of the files *-bus.c that have no header of their own. */
int event_bus_add(Manager *m);
int hook_bus_add(Manager *m);
int hook_bus_add_to(Manager *m, sd_bus *bus); /* the hook's methods on a connection of its own */
int manager_bus_add(Manager *m);
int metrics_bus_add(Manager *m);
int policy_bus_add(Manager *m);
int vm_bus_add(Manager *m);

/* A caller has left the bus: it does not wait for metrics any more. */
void metrics_bus_caller_gone(Manager *m, const char *name);
/* Nobody waits for metrics any more. */
void metrics_bus_forget(Manager *m);

void manager_bus_send_changes(Manager *m);
void vm_bus_send_changes(VM *vm);

/* Method options, a{sv}: what is not in the list, or of another type, is an error that says so. */
typedef struct BusOption {
        const char *name;
        char type; /* 'b', 'u', 's'; 'm' for metadata, which is a(ss) */
        void *value; /* int for 'b', uint32_t for 'u', const char * into the message for 's', Metadata for 'm' */
        bool *given; /* may be NULL */
} BusOption;
int bus_read_options(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error);

/* The VM by UUID, name or the beginning of a UUID. Sets NoSuchVM or AmbiguousVM. */
int bus_find_vm(Manager *m, const char *what, VM **ret, sd_bus_error *error);

/* Is it a quota that the kernel takes? Sets InvalidQuota otherwise. what: "Quota", "Watermark" */
int bus_check_quota(const char *what, uint32_t quota, sd_bus_error *error);
