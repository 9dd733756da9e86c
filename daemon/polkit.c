/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "polkit.h"

/* Requests that wait at the same time. Anybody may make them. */
#define REQUESTS_MAX 256U

/* A user may have to type a password. */
#define INTERACTIVE_TIMEOUT_USEC (UINT64_C(120) * 1000000)

#define POLKIT_FLAG_INTERACTIVE 1U

struct AuthRequest {
        TAILQ_ENTRY(AuthRequest) entries;
        Manager *manager;
        sd_bus_message *message;
        sd_bus_message *question; /* to polkit, ready to be sent */
        AuthorizedHandler handler;
        sd_bus_slot *slot;
};

static void auth_request_free(AuthRequest *request) {
        Manager *m = request->manager;

        TAILQ_REMOVE(&m->auth_requests, request, entries);
        m->n_auth_requests--;
        sd_bus_slot_unref(request->slot);
        sd_bus_message_unref(request->message);
        sd_bus_message_unref(request->question);
        free(request);
}

void polkit_forget_requests(Manager *m) {
        AuthRequest *request;

        while ((request = TAILQ_FIRST(&m->auth_requests)))
                auth_request_free(request);
}

static void finish(AuthRequest *request, bool authorized) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(request->message);
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        AuthorizedHandler handler = request->handler;
        Manager *m = request->manager;
        int r;

        auth_request_free(request);

        if (!authorized)
                r = sd_bus_error_set(&error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied by polkit.");
        else {
                r = sd_bus_message_rewind(message, true);
                if (r >= 0)
                        r = handler(message, m, &error);
        }

        if (r < 0 || sd_bus_error_is_set(&error)) {
                r = sd_bus_reply_method_errno(message, r, &error);
                if (r < 0)
                        log_debug_errno(r, "Cannot reply to %s: %m", sd_bus_message_get_sender(message));
        }
}

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        AuthRequest *request = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int authorized = false, challenge = false;

        if (e)
                log_debug("polkit does not authorize: %s", strempty(e->message));
        else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                authorized = false;

        finish(request, authorized);
        return 0;
}

static int on_sender_uid(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        AuthRequest *request = userdata;
        uint32_t uid;

        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0) {
                finish(request, false);
                return 0;
        }

        if (uid == 0) {
                finish(request, true);
                return 0;
        }

        request->slot = sd_bus_slot_unref(request->slot);
        if (sd_bus_call_async(request->manager->bus, &request->slot, request->question, on_polkit, request,
                    INTERACTIVE_TIMEOUT_USEC) < 0)
                finish(request, false);

        return 0;
}

static int append_details(sd_bus_message *question, const char *const *details) {
        int r;

        r = sd_bus_message_open_container(question, 'a', "{ss}");
        if (r < 0)
                return r;

        for (; details && details[0]; details += 2) {
                r = sd_bus_message_append(question, "{ss}", details[0], details[1]);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(question);
}

static int make_question(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details,
        sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &question, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(question, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(message), action);
        if (r >= 0)
                r = append_details(question, details);
        if (r >= 0)
                r = sd_bus_message_append(question, "us",
                        sd_bus_message_get_allow_interactive_authorization(message) > 0
                                ? POLKIT_FLAG_INTERACTIVE
                                : 0,
                        NULL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(question);
        return 0;
}

int polkit_authorize(Manager *m, sd_bus_message *message, const char *action, const char *const *details,
        AuthorizedHandler handler, sd_bus_error *error) {
        AuthRequest *request;
        int r;

        if (m->n_auth_requests >= REQUESTS_MAX)
                return sd_bus_error_set(
                        error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many requests wait for authorization.");

        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;

        request->manager = m;
        request->handler = handler;
        request->message = sd_bus_message_ref(message);
        TAILQ_INSERT_TAIL(&m->auth_requests, request, entries);
        m->n_auth_requests++;

        r = make_question(m->bus, message, action, details, &request->question);
        if (r >= 0)
                r = sd_bus_call_method_async(m->bus, &request->slot, "org.freedesktop.DBus",
                        "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser",
                        on_sender_uid, request, "s", sd_bus_message_get_sender(message));
        if (r < 0) {
                auth_request_free(request);
                return r;
        }

        return 1;
}
