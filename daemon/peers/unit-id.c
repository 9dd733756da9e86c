/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-peer.h"
#include "unit-id.h"

static int read_invocation_id(sd_bus_message *reply, sd_id128_t *ret) {
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

static QuestionResult read_answer(sd_bus_message *reply, void *peer, sd_id128_t *ret_id, bool *ret_has_id) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        if (e && (bus_error_is_no_answer(e) || bus_error_is_no_service(e)))
                return QUESTION_UNANSWERED;

        *ret_has_id = read_invocation_id(reply, ret_id) >= 0;
        return *ret_has_id ? QUESTION_YES : QUESTION_NO;
}

int unit_ask_invocation_id(
        BusCalls *calls, const char *unit, QuestionHandler handler, void *userdata, Question **ret) {
        sd_bus *bus = bus_calls_get_bus(calls);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (!bus)
                return -ENOTCONN;

        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &message, "org.freedesktop.systemd1", path,
                        "org.freedesktop.DBus.Properties", "Get");
        /* systemd cannot be started by the bus. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_append(message, "ss", "org.freedesktop.systemd1.Unit", "InvocationID");
        if (r < 0)
                return r;

        return question_ask(calls, message, read_answer, NULL, handler, userdata, ret);
}
