/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "clock.h"
#include "since.h"
#include "table.h"
#include "verbs.h"

/* Reads the daemon's event log. */
typedef struct EventInfo {
        uint64_t sequence;
        uint64_t time;
        char *type;
        char *uuid;
        char *name;
        char *message;
        json_object *details;
} EventInfo;

#define EVENT_FIELD(key, column, label, type, member)                                                        \
        { key, key, column, label, type, offsetof(EventInfo, member) }

static const InfoField event_fields[] = {
        EVENT_FIELD("sequence", "SEQUENCE", "Sequence", INFO_U64, sequence),
        EVENT_FIELD("time", "TIME", "Time", INFO_TIME, time),
        EVENT_FIELD("type", "TYPE", "Type", INFO_STRING, type),
        EVENT_FIELD("uuid", "UUID", "UUID", INFO_STRING, uuid),
        EVENT_FIELD("name", "NAME", "Name", INFO_STRING, name),
        EVENT_FIELD("message", "MESSAGE", "Message", INFO_STRING, message),
        EVENT_FIELD("details", "DETAILS", "Details", INFO_JSON, details),
};

static const InfoTable event_table = {
        .fields = event_fields,
        .n_fields = ELEMENTSOF(event_fields),
        .size = sizeof(EventInfo),
        .columns = "TIME,TYPE,NAME,MESSAGE",
};

static CtlExitStatus parse_since(const char *s, uint64_t *ret) {
        _cleanup_free_ char *escaped = NULL;

        if (!s || since_parse(s, now_realtime_usec(), ret) >= 0)
                return CTL_EXIT_OK;

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE,
                "Invalid --since=%s: must be a time such as 2h, today, 10:30, \"2026-11-22 10:30\" or @1700000000.",
                escaped);
}

CtlExitStatus verb_events(const Options *options, int argc, char **argv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(rows_clear) Rows events = { .table = &event_table };
        _cleanup_(client_close) Client client = {};
        _cleanup_(columns_clear) Columns columns = {};
        const EventInfo *rows;
        CtlExitStatus status;
        uint64_t since = 0;
        size_t first = 0;
        int missed;

        status = parse_since(options->since, &since);
        if (status != CTL_EXIT_OK)
                return status;
        status = columns_from_options(&event_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_call(&client, NULL, "ListEvents", &reply, "t", UINT64_C(0));
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read_rows(reply, &events);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_read(reply, "b", &missed);
        if (status != CTL_EXIT_OK)
                return status;

        rows = events.rows;
        while (first < events.n_rows && rows[first].time < since)
                first++;
        status =
                table_show(&(Rows) { &event_table, (EventInfo *) events.rows + first, events.n_rows - first },
                        &columns, options);
        if (status != CTL_EXIT_OK || options->json != JSON_OFF || options->no_legend)
                return status;

        if (first == events.n_rows)
                printf("No events.\n");
        if (missed && first == 0)
                printf("\nEarlier events: 'journalctl -u pasidd'.\n");
        return CTL_EXIT_OK;
}
