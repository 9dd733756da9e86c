/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-calls.h"

/*
 * Asks machined for the properties of machines: of those in its list at once, of those that it announces some at a time. A
 * machine whose end is announced while it is asked about is dropped.
 */
typedef struct MachineQueries MachineQueries;

typedef struct MachineQueriesHandlers {
        /* machined's answer to GetAll, which can be an error. May call machine_queries_clear(). */
        void (*answered)(const char *machine, sd_bus_message *reply, void *userdata);
        void (*over)(void *userdata);   /* after answered(), once the next machines are asked about */
        void (*missed)(void *userdata); /* an announced machine is not asked about */
} MachineQueriesHandlers;

/* handlers must last. Returns 0 or -ENOMEM. */
int machine_queries_new(
        BusCalls *calls, const MachineQueriesHandlers *handlers, void *userdata, MachineQueries **ret);
MachineQueries *machine_queries_free(MachineQueries *queries);

/*
 * Adds a machine of the list, which is asked about at once, or one that was announced, which waits for
 * machine_queries_ask(). Returns 0; -ENOBUFS when too many announced ones wait; another negative errno.
 */
int machine_queries_add(MachineQueries *queries, const char *machine, const char *path, bool listed);

/* Asks about announced machines, as many as may be asked about at a time. */
void machine_queries_ask(MachineQueries *queries);

/* The machine has ended: what is under way must not bring it back. */
void machine_queries_drop(MachineQueries *queries, const char *machine);

/* Drops all. */
void machine_queries_clear(MachineQueries *queries);

bool machine_queries_are_empty(const MachineQueries *queries);

/* Is a machine of the list still being asked about? */
bool machine_queries_have_listed(const MachineQueries *queries);
