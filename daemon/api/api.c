/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "api.h"
#include "bus-error.h"
#include "bus-names.h"
#include "bus-peer.h"
#include "call-queue.h"
#include "callers.h"
#include "default-bus.h"
#include "hook-socket.h"
#include "log-control.h"
#include "override-bus.h"
#include "override-queue.h"
#include "polkit.h"
#include "reconcile-bus.h"
#include "signal-gate.h"
#include "slice-bus.h"
#include "subscribers.h"

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Api *api = userdata;
        uint32_t result;

        api->name_requested = false;
        if (e && bus_error_is_no_answer(e)) {
                api->handlers->bus_failed(api->userdata);
                return 0;
        }
        if (e) {
                log_error("Cannot acquire the bus name " PASIDD_BUS_NAME ": %s", e->message);
                return sd_event_exit(api->event, EXIT_FAILURE);
        }

        /* 1: became the owner, 4: was the owner already (D-Bus specification, RequestName) */
        if (sd_bus_message_read(reply, "u", &result) < 0 || (result != 1 && result != 4)) {
                log_error("The bus name " PASIDD_BUS_NAME " is taken, is another pasidd running?");
                return sd_event_exit(api->event, EXIT_FAILURE);
        }

        api->name_acquired = true;
        api->handlers->name_acquired(api->userdata);
        return 0;
}

void api_request_name(Api *api) {
        int r;

        if (!api->bus || api->name_requested || api->name_acquired)
                return;

        r = sd_bus_request_name_async(api->bus, NULL, PASIDD_BUS_NAME, 0, on_name, api);
        if (r < 0) {
                log_error_errno(r, "Cannot request the bus name " PASIDD_BUS_NAME ": %m");
                api->handlers->bus_failed(api->userdata);
                return;
        }

        api->name_requested = true;
}

static void on_caller_gone(Api *api, const char *name) {
        polkit_caller_gone(api, name);
        metrics_bus_caller_gone(api, name);
}

int api_connected(Api *api, sd_bus *bus) {
        static const CallersHandlers callers_handlers = {
                .known = call_queue_caller_known,
                .no_room = call_queue_refuse,
                .ends = call_queue_forget,
                .gone = on_caller_gone,
        };
        static int (*const adders[])(Api *) = {
                manager_bus_add,
                policy_bus_add,
                default_bus_add,
                hook_bus_add,
                event_bus_add,
                metrics_bus_add,
                slice_bus_add,
                override_bus_add,
                vm_bus_add,
                log_control_add,
        };
        int r;

        api->bus = bus;
        r = callers_new(api, &callers_handlers);
        if (r >= 0)
                r = call_queue_add(api);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(adders); i++) {
                r = adders[i](api);
                if (r < 0)
                        return r;
        }

        return sd_bus_add_object_manager(api->bus, NULL, PASIDD_OBJECT_PATH);
}

void api_connection_lost(Api *api) {
        signal_gate_reset(api);
        polkit_forget_requests(api);
        api->callers = callers_free(api->callers);
        subscribers_forget(api);
        metrics_bus_forget(api);
        reconcile_bus_forget(api);
        override_queue_forget(api);
        api->bus = NULL;
        api->name_requested = api->name_acquired = false;
}

void api_connection_unavailable(Api *api) {
        api->name_requested = api->name_acquired = false;
}

int api_new(Control *control, int hook_fd, const ApiHandlers *handlers, void *userdata, Api **ret) {
        Api *api;

        api = calloc(1, sizeof(*api));
        if (!api)
                return -ENOMEM;

        api->control = control;
        api->world = &control->world;
        api->event = sd_event_ref(control->event);
        api->root = control->root;
        api->hook_fd = hook_fd;
        api->handlers = handlers;
        api->userdata = userdata;
        TAILQ_INIT(&api->authorization.requests);
        TAILQ_INIT(&api->subscribers.list);
        TAILQ_INIT(&api->overrides.waiting);
        TAILQ_INIT(&api->overrides.answers);
        *ret = api;
        return 0;
}

Api *api_free(Api *api) {
        if (!api)
                return NULL;

        api_connection_lost(api);
        hook_socket_free(api->hook_socket);
        free(api->reconcile_calls.waiting);
        closep(&api->hook_fd);
        sd_event_unref(api->event);
        free(api);
        return NULL;
}
