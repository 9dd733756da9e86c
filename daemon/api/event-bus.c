/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager about past events. */

#include "bus-names.h"
#include "bus-options.h"
#include "event-log.h"

static int append_detail(sd_bus_message *reply, const EventDetail *detail) {
        if (detail->type == 's')
                return sd_bus_message_append(reply, "{sv}", detail->name, "s", detail->text);
        if (detail->type == 'u')
                return sd_bus_message_append(reply, "{sv}", detail->name, "u", (uint32_t) detail->number);

        return sd_bus_message_append(reply, "{sv}", detail->name, "t", detail->number);
}

static int append_event(sd_bus_message *reply, const Event *event) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "ttssssa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ttssss", event->sequence, event->usec,
                        event_type_to_string(event->type), event->uuid, strempty(event->name),
                        event->message);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < event->n_details; i++)
                r = append_detail(reply, &event->details[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int method_list_events(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Api *api = userdata;
        const Event *event;
        uint64_t since;
        int r;

        r = sd_bus_message_read(message, "t", &since);
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ttssssa{sv})");
        if (r < 0)
                return r;

        for (event = event_log_next(api->control->events, since); event;
                event = event_log_next(api->control->events, event->sequence)) {
                r = append_event(reply, event);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", event_log_missed(api->control->events, since));
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

static const sd_bus_vtable event_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("ListEvents", SD_BUS_ARGS("t", since),
                SD_BUS_RESULT("a(ttssssa{sv})", events, "b", missed), method_list_events,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int event_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, event_vtable, api);
}
