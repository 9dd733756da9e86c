/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unit-id.h"

typedef struct Question {
        UnitIdHandler handler;
        void *userdata;
} Question;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Question *q = userdata;
        const void *bytes;
        sd_id128_t id;
        size_t size;

        if (sd_bus_message_is_method_error(reply, NULL) ||
                sd_bus_message_enter_container(reply, 'v', "ay") < 0 ||
                sd_bus_message_read_array(reply, 'y', &bytes, &size) < 0 || size != sizeof(id)) {
                q->handler(NULL, q->userdata);
                return 0;
        }

        memcpy(&id, bytes, sizeof(id));
        q->handler(sd_id128_is_null(id) ? NULL : &id, q->userdata);
        return 0;
}

int unit_ask_invocation_id(
        Manager *m, const char *unit, UnitIdHandler handler, void *userdata, sd_bus_slot **ret_slot) {
        _cleanup_free_ char *path = NULL;
        Question *q;
        int r;

        if (!m->bus)
                return -ENOTCONN;

        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r < 0)
                return r;

        q = malloc(sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (Question) { .handler = handler, .userdata = userdata };

        r = sd_bus_call_method_async(m->bus, ret_slot, "org.freedesktop.systemd1", path,
                "org.freedesktop.DBus.Properties", "Get", on_reply, q, "ss", "org.freedesktop.systemd1.Unit",
                "InvocationID");
        if (r < 0) {
                free(q);
                return r;
        }

        /* Freed with the slot, whether an answer comes or not. */
        (void) sd_bus_slot_set_destroy_callback(*ret_slot, free);
        return 0;
}
