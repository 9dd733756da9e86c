/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "budget.h"
#include "bus-error.h"
#include "bus-names.h"
#include "call-kind.h"
#include "override-queue.h"

/* Calls that wait, whose messages are kept: see call_places(). */
static const Places waiting_places = { .max = 512, .for_root = 128, .per_user = 128 };

/* A call that waits for its turn. */
struct WaitingCall {
        TAILQ_ENTRY(WaitingCall) entries;
        sd_bus_message *call;
        size_t places;
        AuthorizedHandler handler;
        OverrideScope scope;
        OverrideList *list; /* of scope */
        char *key;          /* likewise */
        Caller caller;
};

/* To a call whose change has begun. */
struct OverrideAnswer {
        TAILQ_ENTRY(OverrideAnswer) entries;
        Api *api;                     /* NULL: nobody waits for it */
        sd_bus_message *call, *reply; /* likewise */
};

static void log_not_sent(int r) {
        if (r < 0)
                log_debug_errno(r, "Cannot answer a method call, ignoring: %m");
}

/* As sd-bus does with what a method handler returns. */
static void reply_error(sd_bus_message *call, int r, const sd_bus_error *error) {
        if (call && (r < 0 || sd_bus_error_is_set(error)))
                log_not_sent(sd_bus_reply_method_errno(call, r, error));
}

static WaitingCall *waiting_call_free(WaitingCall *w) {
        if (!w)
                return NULL;

        sd_bus_message_unref(w->call);
        override_list_free(w->list);
        free(w->key);
        caller_clear(&w->caller);
        free(w);
        return NULL;
}
DEFINE_CLEANUP_FUNC(WaitingCall *, waiting_call_free, waiting_call_freep);

static WaitingCall *take_waiting(OverrideQueue *q, WaitingCall *w) {
        TAILQ_REMOVE(&q->waiting, w, entries);
        return w;
}

/* Nobody waits for it any more. */
static void answer_forget(OverrideAnswer *a) {
        if (!a->api)
                return;

        TAILQ_REMOVE(&a->api->overrides.answers, a, entries);
        a->api = NULL;
        a->call = sd_bus_message_unref(a->call);
        a->reply = sd_bus_message_unref(a->reply);
}

static const char *result_to_error(OverrideResult result) {
        return result == OVERRIDE_NOT_APPLIED ? PASIDD_ERROR_NOT_APPLIED : PASIDD_ERROR_NOT_SAVED;
}

static void on_changed(OverrideResult result, const char *text, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        OverrideAnswer *a = userdata;

        if (result != OVERRIDE_DONE) {
                (void) bus_error_setf(&error, result_to_error(result), "%s", strempty(text));
                reply_error(a->call, -EIO, &error);
        } else if (a->reply)
                log_not_sent(sd_bus_message_send(a->reply));
        answer_forget(a);
        free(a);
}

static int answer_new(Api *api, sd_bus_message *call, sd_bus_message *reply, OverrideAnswer **ret) {
        OverrideAnswer *a;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;

        a->api = api;
        a->call = sd_bus_message_ref(call);
        a->reply = sd_bus_message_ref(reply);
        TAILQ_INSERT_TAIL(&api->overrides.answers, a, entries);
        *ret = a;
        return 0;
}

int override_change(Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply,
        const OverrideChange *change) {
        _cleanup_(override_list_freep) OverrideList *list = NULL;
        OverrideAnswer *a;
        int r;

        r = override_change_to_list(&api->world->state, change, &list);
        if (r >= 0)
                r = answer_new(api, call, reply, &a);
        if (r < 0)
                return r;

        overrides_change(api->control->overrides, &list, caller, on_changed, a);
        return 1;
}

int override_change_list(
        Api *api, sd_bus_message *call, const Caller *caller, sd_bus_message *reply, OverrideList **list) {
        OverrideAnswer *a;
        int r;

        r = answer_new(api, call, reply, &a);
        if (r < 0)
                return r;

        overrides_change(api->control->overrides, list, caller, on_changed, a);
        return 1;
}

/* Does it have to wait for what is under way, or for one of those before it? */
static bool has_to_wait(const Api *api, const WaitingCall *before, const OverrideScope *scope) {
        const WaitingCall *w;

        if (overrides_block(api->control->overrides, scope))
                return true;

        TAILQ_FOREACH (w, &api->overrides.waiting, entries) {
                if (w == before)
                        break;
                if (override_scopes_overlap(&w->scope, scope))
                        return true;
        }

        return false;
}

static void call_again(Api *api, WaitingCall *w) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_rewind(w->call, true);
        if (r >= 0) {
                api->overrides.turn = w->call;
                r = w->handler(w->call, api, &w->caller, &error);
                api->overrides.turn = NULL;
        }
        reply_error(w->call, r, &error);
}

void override_queue_run(Api *api) {
        OverrideQueue *q = &api->overrides;
        WaitingCall *w;

        do {
                TAILQ_FOREACH (w, &q->waiting, entries)
                        if (!has_to_wait(api, w, &w->scope))
                                break;
                if (w) {
                        _cleanup_(waiting_call_freep) WaitingCall *taken = take_waiting(q, w);

                        call_again(api, taken);
                }
        } while (w);
}

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many changes wait for the disk.");
}

static int refuse_at_stop(sd_bus_error *error) {
        return sd_bus_error_set(error, PASIDD_ERROR_NOT_SAVED, "pasidd is being stopped.");
}

static bool may_wait(const OverrideQueue *q, uint32_t uid, size_t places) {
        PlacesTaken taken = {};
        const WaitingCall *w;

        TAILQ_FOREACH (w, &q->waiting, entries)
                places_count(&taken, w->caller.uid, w->caller.uid == uid, w->places);

        return places_allow(&waiting_places, &taken, uid, places);
}

/* Takes *list over if the call waits. */
static int await_turn(Api *api, sd_bus_message *call, const Caller *caller, AuthorizedHandler handler,
        const OverrideScope *scope, OverrideList **list, sd_bus_error *error) {
        _cleanup_(waiting_call_freep) WaitingCall *w = NULL;
        size_t places = call_places(call);
        OverrideQueue *q = &api->overrides;

        if (overrides_are_stopping(api->control->overrides) && scope->persistent)
                return refuse_at_stop(error);
        if (q->turn == call || !has_to_wait(api, NULL, scope))
                return 0;
        if (!may_wait(q, caller->uid, places))
                return refuse(error);

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->handler = handler;
        w->scope = *scope;
        w->places = places;
        if (scope->key && !(w->scope.key = w->key = strdup(scope->key)))
                return -ENOMEM;
        if (caller_copy(caller, &w->caller) < 0)
                return -ENOMEM;
        if (list)
                w->list = TAKE_PTR(*list);

        w->call = sd_bus_message_ref(call);
        TAILQ_INSERT_TAIL(&q->waiting, w, entries);
        w = NULL;
        return 1;
}

int override_await_turn(Api *api, sd_bus_message *call, const Caller *caller, AuthorizedHandler handler,
        const OverrideScope *scope, sd_bus_error *error) {
        return await_turn(api, call, caller, handler, scope, NULL, error);
}

int override_await_turn_of_list(Api *api, sd_bus_message *call, const Caller *caller,
        AuthorizedHandler handler, OverrideList **list, sd_bus_error *error) {
        const OverrideScope scope = { .list = *list, .persistent = override_list_is_persistent(*list) };

        return await_turn(api, call, caller, handler, &scope, list, error);
}

void override_queue_forget(Api *api) {
        OverrideQueue *q = &api->overrides;
        WaitingCall *w;

        while ((w = TAILQ_FIRST(&q->waiting)))
                waiting_call_free(take_waiting(q, w));
        while (!TAILQ_EMPTY(&q->answers))
                answer_forget(TAILQ_FIRST(&q->answers));
}

void override_queue_stop(Api *api) {
        OverrideQueue *q = &api->overrides;
        WaitingCall *w;

        while ((w = TAILQ_FIRST(&q->waiting))) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                (void) take_waiting(q, w);
                reply_error(w->call, refuse_at_stop(&error), &error);
                waiting_call_free(w);
        }
}
