/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client-call.h"

#include "bus-names.h"
#include "bus-read.h"
#include "clock.h"

/* Long enough to type a password. Other calls use sd-bus's default of 25 s. */
#define ASK_TIMEOUT_USEC (120 * USEC_PER_SEC)

static int append_option(sd_bus_message *m, const char *name, char type, uint32_t value) {
        const char signature[] = { type, 0 };

        return sd_bus_message_append(m, "{sv}", name, signature, value);
}

static int append_options(sd_bus_message *m, const Options *options) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && options->runtime)
                r = append_option(m, "runtime", 'b', true);
        if (r >= 0 && options->dry_run)
                r = append_option(m, "dry-run", 'b', true);
        if (r >= 0 && options->given & OPTION_WATERMARK)
                r = append_option(m, "watermark", 'u', options->watermark);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

/* Interfaces other than the daemon's only read. */
static bool may_ask(const Client *client, const ClientMethod *method) {
        return client->options->may_ask && (streq(method->interface, PASIDD_MANAGER_INTERFACE) ||
                                                   streq(method->interface, PASIDD_VM_INTERFACE));
}

static uint64_t call_timeout(const Client *client, const ClientMethod *method) {
        return may_ask(client, method) ? ASK_TIMEOUT_USEC : 0;
}

ClientMethod client_own_method(const char *path, const char *member, bool options) {
        return (ClientMethod) {
                .path = path ?: PASIDD_OBJECT_PATH,
                .interface = path ? PASIDD_VM_INTERFACE : PASIDD_MANAGER_INTERFACE,
                .member = member,
                .options = options,
        };
}

static int new_call(const Client *client, const ClientMethod *method, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                client->bus, &m, PASIDD_BUS_NAME, method->path, method->interface, method->member);
        if (r < 0)
                return r;
        r = sd_bus_message_set_allow_interactive_authorization(m, may_ask(client, method));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

/* Sets *ret_error when the call failed, unless the message could not be created. */
static int call(const Client *client, const ClientMethod *method, sd_bus_error *ret_error,
        sd_bus_message **ret_reply, const char *types, va_list ap) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(client, method, &m);
        if (r >= 0 && !isempty(types))
                r = sd_bus_message_appendv(m, types, ap);
        if (r >= 0 && method->options)
                r = append_options(m, client->options);
        if (r < 0)
                return r;
        return sd_bus_call(client->bus, m, call_timeout(client, method), ret_error, ret_reply);
}

static CtlExitStatus call_status(const Client *client, const sd_bus_error *error, int r) {
        if (r >= 0)
                return CTL_EXIT_OK;
        return sd_bus_error_is_set(error) ? client_fail(client, error, r) : client_fail_message(r);
}

static CtlExitStatus callv(const Client *client, const ClientMethod *method, sd_bus_message **ret_reply,
        const char *types, va_list ap) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = call(client, method, &error, ret_reply, types, ap);
        return call_status(client, &error, r);
}

CtlExitStatus client_change_with(const Client *client, const char *member, sd_bus_message **ret_reply,
        ClientAppendFunc append, const void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const ClientMethod method = client_own_method(NULL, member, true);
        int r;

        r = new_call(client, &method, &m);
        if (r >= 0)
                r = append(m, userdata);
        if (r >= 0)
                r = append_options(m, client->options);
        if (r >= 0)
                r = sd_bus_call(client->bus, m, call_timeout(client, &method), &error, ret_reply);
        return call_status(client, &error, r);
}

void client_introduce(const Client *client) {
        (void) sd_bus_call_method(client->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL);
}

CtlExitStatus client_call(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...) {
        const ClientMethod method = client_own_method(path, member, false);
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, &method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

CtlExitStatus client_change(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...) {
        const ClientMethod method = client_own_method(path, member, true);
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, &method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

CtlExitStatus client_call_method(const Client *client, const ClientMethod *method, sd_bus_message **ret_reply,
        const char *types, ...) {
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

int client_try_method(const Client *client, const ClientMethod *method, sd_bus_error *ret_error,
        sd_bus_message **ret_reply, const char *types, ...) {
        va_list ap;
        int r;

        va_start(ap, types);
        r = call(client, method, ret_error, ret_reply, types, ap);
        va_end(ap);
        return r;
}

CtlExitStatus client_read(sd_bus_message *reply, const char *types, ...) {
        va_list ap;
        int r;

        va_start(ap, types);
        r = sd_bus_message_readv(reply, types, ap);
        va_end(ap);
        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_read_rows(sd_bus_message *reply, Rows *rows) {
        int r = bus_read_rows(reply, rows);

        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_call_rows(const Client *client, const char *member, Rows *rows) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;

        status = client_call(client, NULL, member, &reply, NULL);
        return status == CTL_EXIT_OK ? client_read_rows(reply, rows) : status;
}
