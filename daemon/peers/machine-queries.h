/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus-calls.h"

/*
 * Queries the properties of machines from machined: of machines in its list immediately, of announced machines some at a
 * time. A machine whose end is announced during the query is dropped.
 */
typedef struct MachineQueries MachineQueries;

typedef struct MachineQueriesHandlers {
        /* machined's reply to GetAll, which can be an error. May call machine_queries_clear(). */
        void (*answered)(const char *machine, sd_bus_message *reply, void *userdata);
        void (*done)(void *userdata);   /* called after answered(), when further queries have been sent */
        void (*missed)(void *userdata); /* an announced machine was not queried */
} MachineQueriesHandlers;

/* handlers must outlive the queries. Returns 0 or -ENOMEM. */
int machine_queries_new(
        BusCalls *calls, const MachineQueriesHandlers *handlers, void *userdata, MachineQueries **ret);
MachineQueries *machine_queries_free(MachineQueries *queries);

/*
 * Adds a machine. One from the list is queried immediately; an announced one waits for machine_queries_send(). Returns 0;
 * -ENOBUFS if too many announced machines are waiting; or another negative errno.
 */
int machine_queries_add(MachineQueries *queries, const char *machine, const char *path, bool from_list);

/* Queries announced machines, as many as the limit allows. */
void machine_queries_send(MachineQueries *queries);

/* Drops the query of a machine that has ended, so that its answer does not add the machine again. */
void machine_queries_drop(MachineQueries *queries, const char *machine);

/* Drops all queries. */
void machine_queries_clear(MachineQueries *queries);

bool machine_queries_are_empty(const MachineQueries *queries);

/* Is a query of a machine from the list pending? */
bool machine_queries_list_is_pending(const MachineQueries *queries);
