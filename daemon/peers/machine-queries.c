/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "machine-queries.h"

#include <sys/queue.h>

#include "log.h"
#include "machined-names.h"

/*
 * Any user can make machined announce machines. Limits how many announced
 * machines are queried at a time, which leaves room for other calls (see
 * bus-calls.c), and how many wait in all. The others are found in the next list.
 */
#define NEW_OPEN_MAX 16U
#define NEW_MAX      256U

typedef struct MachineQuery {
        TAILQ_ENTRY(MachineQuery) entries;
        MachineQueries *queries;
        BusCall *call; /* NULL: waiting */
        char *machine, *path;
        bool from_list; /* the machine is from the list, not from an announcement */
} MachineQuery;

struct MachineQueries {
        BusCalls *calls;
        const MachineQueriesHandlers *handlers;
        void *userdata;
        TAILQ_HEAD(, MachineQuery) queries;
        size_t n_from_list;       /* queries of machines from the list */
        size_t n_new, n_new_open; /* queries of announced machines, and those of them that are open */
};

bool machine_queries_are_empty(const MachineQueries *queries) {
        return TAILQ_EMPTY(&queries->queries);
}

bool machine_queries_list_is_pending(const MachineQueries *queries) {
        return queries->n_from_list > 0;
}

static void query_free(MachineQuery *q) {
        TAILQ_REMOVE(&q->queries->queries, q, entries);
        if (q->from_list)
                q->queries->n_from_list--;
        else {
                q->queries->n_new--;
                q->queries->n_new_open -= q->call != NULL;
        }
        bus_call_free(q->call);
        free(q->machine);
        free(q->path);
        free(q);
}

static int on_properties(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        MachineQuery *q = userdata;
        MachineQueries *queries = q->queries;
        _cleanup_free_ char *machine = TAKE_PTR(q->machine);

        query_free(q);
        queries->handlers->answered(machine, reply, queries->userdata);
        machine_queries_send(queries);
        queries->handlers->done(queries->userdata);
        return 0;
}

static int query_send(MachineQuery *q) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        BusCalls *calls = q->queries->calls;
        int r;

        r = sd_bus_message_new_method_call(bus_calls_get_bus(calls), &message, MACHINED_NAME, q->path,
                "org.freedesktop.DBus.Properties", "GetAll");
        /* machined was running a moment ago. If it has exited since, the list is requested again. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_append(message, "s", MACHINED_MACHINE);
        if (r < 0)
                return r;

        r = bus_call(calls, message, on_properties, q, &q->call);
        if (r < 0)
                return r;

        q->queries->n_new_open += !q->from_list;
        return 0;
}

void machine_queries_send(MachineQueries *queries) {
        MachineQuery *q, *next;
        int r;

        for (q = TAILQ_FIRST(&queries->queries);
                q && queries->n_new_open < NEW_OPEN_MAX && queries->n_new_open < queries->n_new; q = next) {
                next = TAILQ_NEXT(q, entries);
                if (q->call)
                        continue;

                r = query_send(q);
                if (r < 0) {
                        log_debug_errno(r, "Cannot query machine %s: %m", q->machine);
                        query_free(q);
                        queries->handlers->missed(queries->userdata);
                }
        }
}

int machine_queries_add(MachineQueries *queries, const char *machine, const char *path, bool from_list) {
        MachineQuery *q;
        int r = 0;

        if (!from_list && queries->n_new >= NEW_MAX)
                return -ENOBUFS;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->queries = queries;
        q->from_list = from_list;
        queries->n_from_list += from_list;
        queries->n_new += !from_list;
        TAILQ_INSERT_TAIL(&queries->queries, q, entries);

        q->machine = strdup(machine);
        q->path = strdup(path);
        if (!q->machine || !q->path)
                r = -ENOMEM;
        else if (from_list)
                r = query_send(q);
        if (r < 0) {
                query_free(q);
                return r;
        }

        return 0;
}

void machine_queries_drop(MachineQueries *queries, const char *machine) {
        MachineQuery *q;

        TAILQ_FOREACH (q, &queries->queries, entries)
                if (streq(q->machine, machine)) {
                        query_free(q);
                        return;
                }
}

void machine_queries_clear(MachineQueries *queries) {
        MachineQuery *q;

        while ((q = TAILQ_FIRST(&queries->queries)))
                query_free(q);
}

int machine_queries_new(
        BusCalls *calls, const MachineQueriesHandlers *handlers, void *userdata, MachineQueries **ret) {
        MachineQueries *queries;

        queries = calloc(1, sizeof(*queries));
        if (!queries)
                return -ENOMEM;

        queries->calls = calls;
        queries->handlers = handlers;
        queries->userdata = userdata;
        TAILQ_INIT(&queries->queries);
        *ret = queries;
        return 0;
}

MachineQueries *machine_queries_free(MachineQueries *queries) {
        if (!queries)
                return NULL;

        machine_queries_clear(queries);
        free(queries);
        return NULL;
}
