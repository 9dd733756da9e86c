/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-error.h"
#include "call-kind.h"
#include "callers.h"
#include "hook-socket.h"
#include "polkit.h"
#include "vm-lookup.h"

/*
 * Anybody may make requests that are left waiting for a password. The bus lets
 * us have only so many questions open (128 with dbus-daemon), so that more wait
 * for their turn. root's requests are neither asked about nor counted.
 */
static const Places question_places = { .max = 32, .per_user = 8 };

/* See call_places(). */
static const Places request_places = { .max = 8192, .per_user = 128 };

/* A user may have to type a password. */
#define INTERACTIVE_TIMEOUT_USEC (UINT64_C(120) * 1000000)

#define POLKIT_FLAG_INTERACTIVE 1U

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* polkit tells the questions of one connection apart by this. */
#define CANCELLATION_FORMAT "pasidd-%u"
#define CANCELLATION_SIZE   sizeof("pasidd-4294967295")

#define LOG_INTERVAL_USEC (UINT64_C(60000000))
#define LOG_BURST         2U

#define TOO_MANY "Too many requests wait for authorization."

typedef enum AuthStage {
        AUTH_WAITING,
        AUTH_ASKING_POLKIT,
} AuthStage;

struct AuthRequest {
        TAILQ_ENTRY(AuthRequest) entries;
        Api *api;
        AuthStage stage;
        size_t places;
        Caller caller;
        sd_bus_message *message;
        sd_bus_message *question; /* to polkit, ready to be sent */
        unsigned cancellation;    /* by which the question can be taken back */
        AuthorizedHandler handler;
        sd_bus_slot *slot;
};

static void auth_request_free(AuthRequest *request) {
        Api *api = request->api;

        TAILQ_REMOVE(&api->authorization.requests, request, entries);
        sd_bus_slot_unref(request->slot);
        sd_bus_message_unref(request->message);
        sd_bus_message_unref(request->question);
        caller_clear(&request->caller);
        free(request);
}

void polkit_forget_requests(Api *api) {
        AuthRequest *request;

        while ((request = TAILQ_FIRST(&api->authorization.requests)))
                auth_request_free(request);
}

/* Answers the caller with an error, unless r says that it was answered already. */
static void reply_error(sd_bus_message *message, int r, const sd_bus_error *error) {
        if (r >= 0 && !sd_bus_error_is_set(error))
                return;

        r = sd_bus_reply_method_errno(message, r, error);
        if (r < 0)
                log_debug_errno(r, "Cannot reply to %s: %m", strempty(sd_bus_message_get_sender(message)));
}

static void refuse(AuthRequest *request, const char *name, const char *why) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(request->message);

        auth_request_free(request);
        reply_error(message, sd_bus_error_set(&error, name, why), &error);
}

static void deny(AuthRequest *request) {
        refuse(request, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied by polkit.");
}

/* polkit would ask for a password, if it may. */
static void challenge_caller(AuthRequest *request) {
        if (sd_bus_message_get_allow_interactive_authorization(request->message) > 0)
                deny(request);
        else
                refuse(request, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                        "Interactive authentication required.");
}

/* polkit that is not there is a way to set up a host. Anything else that fails is a fault. */
static void log_failure(Api *api, const sd_bus_error *error) {
        unsigned suppressed;

        if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) > 0)
                log_debug("There is no polkit to ask: %s", strempty(error->message));
        else if (ratelimit_below(&api->authorization.log, control_now(api->control), LOG_INTERVAL_USEC,
                         LOG_BURST, &suppressed))
                log_warning("polkit cannot answer, access is denied: %s (%u more not logged)",
                        strempty(error->message), suppressed);
}

/* As AuthorizedHandler, but never 0, which sd-bus takes for "not handled". Adds the unit to *caller, to be freed with it. */
static int carry_out(
        Api *api, sd_bus_message *message, AuthorizedHandler handler, Caller *caller, sd_bus_error *error) {
        int r;

        caller->unit = process_find_unit(api->control, caller->pid);
        r = sd_bus_message_rewind(message, true);
        if (r >= 0)
                r = handler(message, api, caller, error);
        return r < 0 ? r : 1;
}

static void proceed(AuthRequest *request) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(request->message);
        _cleanup_(caller_clear) Caller caller = request->caller;
        AuthorizedHandler handler = request->handler;
        Api *api = request->api;

        request->caller = (Caller) {};
        auth_request_free(request);
        reply_error(message, carry_out(api, message, handler, &caller, &error), &error);
}

static void ask_polkit(Api *api);

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int authorized = false, challenge = false;
        AuthRequest *request = userdata;
        Api *api = request->api;

        if (e)
                log_failure(api, e);
        else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                authorized = challenge = false;

        if (authorized)
                proceed(request);
        else if (challenge)
                challenge_caller(request);
        else
                deny(request);

        ask_polkit(api);
        return 0;
}

static unsigned count_questions(const Api *api) {
        const AuthRequest *request;
        unsigned n = 0;

        TAILQ_FOREACH (request, &api->authorization.requests, entries)
                n += request->stage == AUTH_ASKING_POLKIT;

        return n;
}

static bool may_ask(const Api *api, uint32_t uid) {
        const AuthRequest *request;
        PlacesTaken taken = {};

        TAILQ_FOREACH (request, &api->authorization.requests, entries)
                if (request->stage == AUTH_ASKING_POLKIT)
                        places_count(&taken, request->caller.uid, request->caller.uid == uid, 1);

        return places_allow(&question_places, &taken, uid, 1);
}

static bool may_wait(const Api *api, uint32_t uid, size_t places) {
        const AuthRequest *request;
        PlacesTaken taken = {};

        TAILQ_FOREACH (request, &api->authorization.requests, entries)
                places_count(&taken, request->caller.uid, request->caller.uid == uid, request->places);

        return places_allow(&request_places, &taken, uid, places);
}

static void ask_polkit(Api *api) {
        unsigned n = count_questions(api);
        AuthRequest *request, *next;

        /* The last place is nobody's, see share_allows(). */
        for (request = TAILQ_FIRST(&api->authorization.requests); request && n + 1 < question_places.max;
                request = next) {
                next = TAILQ_NEXT(request, entries);
                if (request->stage != AUTH_WAITING || !may_ask(api, request->caller.uid))
                        continue;

                n++;
                request->stage = AUTH_ASKING_POLKIT;
                if (sd_bus_call_async(api->bus, &request->slot, request->question, on_polkit, request,
                            INTERACTIVE_TIMEOUT_USEC) < 0)
                        deny(request);
        }
}

static void cancel_question(const AuthRequest *request) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        Api *api = request->api;
        char id[CANCELLATION_SIZE];
        int r;

        snprintf(id, sizeof(id), CANCELLATION_FORMAT, request->cancellation);
        r = sd_bus_message_new_method_call(
                api->bus, &message, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CancelCheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", id);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(message, false);
        if (r >= 0)
                r = sd_bus_send(api->bus, message, NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot cancel a question to polkit, ignoring: %m");
}

/* Its caller did not want to wait for it, and polkit asks no user. */
static bool goes_on_alone(const AuthRequest *request) {
        return !sd_bus_message_get_expect_reply(request->message) &&
               sd_bus_message_get_allow_interactive_authorization(request->message) <= 0;
}

void polkit_caller_gone(Api *api, const char *name) {
        AuthRequest *request, *next;

        for (request = TAILQ_FIRST(&api->authorization.requests); request; request = next) {
                next = TAILQ_NEXT(request, entries);
                if (!streq_ptr(sd_bus_message_get_sender(request->message), name) || goes_on_alone(request))
                        continue;

                /* polkit would keep asking the user for a password that is good for nothing. */
                if (request->stage == AUTH_ASKING_POLKIT)
                        cancel_question(request);
                auth_request_free(request);
        }

        ask_polkit(api);
}

static char *format_vm(const char *name, const char *uuid) {
        char *s;

        return asprintf(&s, "%s %s", strempty(name), strempty(uuid)) < 0 ? NULL : s;
}

/* NULL when out of memory. */
static char *vm_of_details(const char *const *details) {
        const char *name = NULL, *uuid = NULL;

        for (; details && details[0]; details += 2)
                if (streq(details[0], "vm"))
                        name = details[1];
                else if (streq(details[0], "uuid"))
                        uuid = details[1];

        return isempty(name) ? strdup("") : format_vm(name, uuid);
}

int polkit_check_vm(const Caller *caller, const VM *vm, sd_bus_error *error) {
        _cleanup_free_ char *now = NULL;

        if (!caller->polkit_vm)
                return 0;

        now = vm ? format_vm(vm->name, vm->uuid) : strdup("");
        if (!now)
                return -ENOMEM;
        if (streq(now, caller->polkit_vm))
                return 0;

        return bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                "The VM is not what polkit was asked about any more (it was \"%s\", it is \"%s\"). Try again.",
                caller->polkit_vm, now);
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

static int make_question(AuthRequest *request, const char *action, const char *const *details) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
        sd_bus_message *message = request->message;
        Api *api = request->api;
        char id[CANCELLATION_SIZE];
        int r;

        request->cancellation = api->authorization.next_cancellation++;
        snprintf(id, sizeof(id), CANCELLATION_FORMAT, request->cancellation);

        r = sd_bus_message_new_method_call(
                api->bus, &question, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization");
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
                        id);
        if (r < 0)
                return r;

        request->question = TAKE_PTR(question);
        return 0;
}

/* In the list of requests, and freed with it. Takes over what *caller holds. NULL when out of memory: *caller is as it was. */
static AuthRequest *auth_request_new(
        Api *api, sd_bus_message *message, Caller *caller, AuthorizedHandler handler) {
        AuthRequest *request;

        request = calloc(1, sizeof(*request));
        if (!request)
                return NULL;

        request->api = api;
        request->handler = handler;
        request->message = sd_bus_message_ref(message);
        request->places = call_places(message);
        request->caller = *caller;
        *caller = (Caller) {};
        TAILQ_INSERT_TAIL(&api->authorization.requests, request, entries);
        return request;
}

int polkit_authorize(Api *api, sd_bus_message *message, const char *action, const char *const *details,
        AuthorizedHandler handler, sd_bus_error *error) {
        _cleanup_(caller_clear) Caller caller = {};
        AuthRequest *request;
        int r;

        /* The hook's socket is root's alone. */
        if (!hook_socket_owns(api->hook_socket, sd_bus_message_get_bus(message), &caller.pid) &&
                !callers_find(api, sd_bus_message_get_sender(message), &caller.uid, &caller.pid))
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "The caller is not known.");
        if (caller.uid == 0)
                return carry_out(api, message, handler, &caller, error);

        if (!may_wait(api, caller.uid, call_places(message)))
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY);

        caller.polkit_vm = vm_of_details(details);
        request = caller.polkit_vm ? auth_request_new(api, message, &caller, handler) : NULL;
        if (!request)
                return -ENOMEM;

        r = make_question(request, action, details);
        if (r < 0) {
                auth_request_free(request);
                return r;
        }

        ask_polkit(api);
        return 1;
}
