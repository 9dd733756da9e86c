/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-call.h"
#include "unit-id.h"

int unit_ask_invocation_id(
        Manager *m, const char *unit, sd_bus_message_handler_t handler, void *userdata, BusCall **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (!m->query_bus)
                return -ENOTCONN;

        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(m->query_bus, &message, "org.freedesktop.systemd1", path,
                        "org.freedesktop.DBus.Properties", "Get");
        /* Nobody can start systemd, so the bus shall not try. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_append(message, "ss", "org.freedesktop.systemd1.Unit", "InvocationID");
        if (r < 0)
                return r;

        return bus_call(m, message, handler, userdata, ret);
}

int unit_read_invocation_id(sd_bus_message *reply, sd_id128_t *ret) {
        const void *bytes;
        sd_id128_t id;
        size_t size;
        int r;

        r = sd_bus_message_get_errno(reply);
        if (r > 0)
                return -r;

        r = sd_bus_message_enter_container(reply, 'v', "ay");
        if (r < 0)
                return r;

        r = sd_bus_message_read_array(reply, 'y', &bytes, &size);
        if (r < 0)
                return r;
        if (size != sizeof(id))
                return -EBADMSG;

        memcpy(&id, bytes, sizeof(id));
        if (sd_id128_is_null(id))
                return -ENODATA;

        *ret = id;
        return 0;
}
