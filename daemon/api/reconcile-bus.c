/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reconcile-bus.h"
#include "reconcile.h"

static int append_changes(sd_bus_message *reply, const ChangeList *list) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssssss)");
        for (size_t i = 0; r >= 0 && i < list->n_changes; i++) {
                const Change *c = &list->changes[i];

                r = sd_bus_message_append(
                        reply, "(ssssss)", c->kind, c->id, c->name, c->what, c->before, c->after);
        }
        if (r < 0)
                return r;

        return sd_bus_message_close_container(reply);
}

static void answer(sd_bus_message *message, const ChangeList *list) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_changes(reply, list);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        if (r < 0) {
                log_debug_errno(r, "Cannot answer a method call, ignoring: %m");
                (void) sd_bus_reply_method_errno(message, r, NULL);
        }
}

void reconcile_bus_forget(Api *api) {
        ReconcileCalls *calls = &api->reconcile_calls;

        while (calls->n_waiting > 0)
                sd_bus_message_unref(calls->waiting[--calls->n_waiting]);
}

void reconcile_bus_done(Api *api, const ChangeList *changes) {
        ReconcileCalls *calls = &api->reconcile_calls;

        for (size_t i = 0; i < calls->n_waiting; i++)
                answer(calls->waiting[i], changes);
        reconcile_bus_forget(api);
}

int reconcile_bus_call(Api *api, sd_bus_message *message) {
        ReconcileCalls *calls = &api->reconcile_calls;
        sd_bus_message **waiting;
        int r;

        waiting = reallocarray(calls->waiting, calls->n_waiting + 1, sizeof(sd_bus_message *));
        if (!waiting)
                return -ENOMEM;
        calls->waiting = waiting;
        waiting[calls->n_waiting++] = sd_bus_message_ref(message);

        r = reconcile_for_caller(api->control);
        if (r < 0) {
                sd_bus_message_unref(calls->waiting[--calls->n_waiting]);
                return r;
        }

        return 1;
}
