/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <time.h>

#include "bus-error.h"
#include "call-kind.h"
#include "call-queue.h"
#include "caller-unread.h"
#include "callers.h"

/*
 * Limits for held calls, in places (see call_places()). A user may have 256 connections. At first the users of connections
 * are unknown, and any of them may be root's, so the places kept for root are used for unknown connections. root's own
 * calls are only held while the caller is unknown.
 */
static const Places held_places = { .max = 8192, .for_root = 4096, .per_user = 512 };
#define HELD_PER_CONNECTION_MAX 512U /* while its user is unknown */
#define HELD_PER_CONNECTION_MIN 16U  /* the same, if HELD_MANY are held */
#define HELD_MANY               1024U

/* Limits the object path, because errors can quote it. */
#define PATH_SIZE_MAX 1024U

/* A refusal is a reply, too, which may stay unread. */
#define REFUSAL_SIZE 512U

static uint64_t clock_usec(clockid_t clock) {
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void refuse(CallerConnection *c, sd_bus_message *message, const char *name, const char *reason) {
        int r;

        if (!sd_bus_message_get_expect_reply(message) ||
                (c && !caller_unread_charge_refusal(c, REFUSAL_SIZE)))
                return;

        r = sd_bus_reply_method_errorf(message, name, "%s", reason);
        if (r < 0)
                log_debug_errno(r, "Cannot refuse a call of %s, ignoring: %m",
                        strempty(sd_bus_message_get_sender(message)));
}

static void free_of_connection(CallerConnection *c, HeldCall *held) {
        TAILQ_REMOVE(&c->held, held, entries);
        c->n_held -= held->places;
        c->callers->n_held -= held->places;
        sd_bus_message_unref(held->message);
        free(held);
}

static void free_of_user(Callers *callers, CallerUser *user, HeldCall *held) {
        TAILQ_REMOVE(&user->held, held, entries);
        user->n_held -= held->places;
        callers->n_held -= held->places;
        callers->n_held_of_users -= held->places;
        sd_bus_message_unref(held->message);
        free(held);
}

static HeldCall *held_call_new(sd_bus_message *message, size_t places) {
        HeldCall *held;

        held = calloc(1, sizeof(*held));
        if (!held)
                return NULL;
        held->message = sd_bus_message_ref(message);
        held->places = places;
        return held;
}

static bool hold_for_user(Callers *callers, CallerUser *user, sd_bus_message *message) {
        const PlacesTaken taken = {
                .own = user->n_held, .users = callers->n_held_of_users, .all = callers->n_held
        };
        size_t places = call_places(message);
        HeldCall *held;

        held = places_allow(&held_places, &taken, user->uid, places) ? held_call_new(message, places) : NULL;
        if (!held)
                return false;

        TAILQ_INSERT_TAIL(&user->held, held, entries);
        user->n_held += places;
        callers->n_held += places;
        callers->n_held_of_users += places;
        return true;
}

/*
 * The first call of a connection does not take a place of its own, however many calls are held, because the connection may
 * be root's. This does not apply to large calls.
 */
static bool hold_for_connection(CallerConnection *c, sd_bus_message *message) {
        size_t places = call_places(message), max;
        Callers *callers = c->callers;
        HeldCall *held;

        if (TAILQ_EMPTY(&c->held) && places == 1)
                places = 0;

        max = callers->n_held < HELD_MANY ? HELD_PER_CONNECTION_MAX : HELD_PER_CONNECTION_MIN;
        if (places > 0 && (c->n_held + places > max || callers->n_held + places > held_places.max))
                return false;

        held = held_call_new(message, places);
        if (!held)
                return false;

        TAILQ_INSERT_TAIL(&c->held, held, entries);
        c->n_held += places;
        callers->n_held += places;
        return true;
}

static void hold_or_refuse(CallerConnection *c, sd_bus_message *message) {
        if (!(c->user ? hold_for_user(c->callers, c->user, message) : hold_for_connection(c, message)))
                refuse(c, message, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many calls are pending.");
}

void call_queue_refuse(CallerConnection *c) {
        HeldCall *held;

        TAILQ_FOREACH (held, &c->held, entries)
                refuse(c, held->message, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many callers.");
}

void call_queue_forget(CallerConnection *c) {
        HeldCall *held, *next;

        while ((held = TAILQ_FIRST(&c->held)))
                free_of_connection(c, held);

        for (held = c->user ? TAILQ_FIRST(&c->user->held) : NULL; held; held = next) {
                next = TAILQ_NEXT(held, entries);
                if (streq_ptr(sd_bus_message_get_sender(held->message), c->name))
                        free_of_user(c->callers, c->user, held);
        }
}

static uint64_t wait_of(const Callers *callers, const CallerUser *user, uint64_t now) {
        uint64_t own = bucket_wait(&user->cpu, &callers_user_rate, now);
        uint64_t all = bucket_wait(&callers->cpu, &callers_all_rate, now);

        return own > all ? own : all;
}

/* Makes sd-bus dispatch the call again, after all messages that it has read. None of those is from the same sender. */
static int dispatch_again(Callers *callers, sd_bus_message *message) {
        int r;

        r = sd_bus_enqueue_for_read(callers->api->bus, message);
        if (r < 0)
                log_debug_errno(r, "Cannot resume a call, ignoring it: %m");
        return r;
}

/* Releases one call at a time, so that it is charged before the next one is released, and users take turns. */
static void release_next(Callers *callers) {
        uint64_t now = clock_usec(CLOCK_MONOTONIC), least = UINT64_MAX;
        CallerUser *user;

        if (callers->released)
                return;

        TAILQ_FOREACH (user, &callers->users, entries) {
                HeldCall *held = TAILQ_FIRST(&user->held);
                uint64_t wait;

                if (!held)
                        continue;
                wait = wait_of(callers, user, now);
                if (wait > 0) {
                        least = wait < least ? wait : least;
                        continue;
                }

                if (dispatch_again(callers, held->message) >= 0)
                        callers->released = sd_bus_message_ref(held->message);
                free_of_user(callers, user, held);
                TAILQ_REMOVE(&callers->users, user, entries);
                TAILQ_INSERT_TAIL(&callers->users, user, entries);
                return;
        }

        if (least == UINT64_MAX)
                return;
        if (sd_event_source_set_time(callers->timer, now + least) < 0 ||
                sd_event_source_set_enabled(callers->timer, SD_EVENT_ONESHOT) < 0)
                log_warning("Cannot set the timer of held calls.");
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        release_next(userdata);
        return 0;
}

/* Runs after the call has been handled, or passed to polkit. Charges the user for the time. */
static int on_measure(sd_event_source *source, void *userdata) {
        uint64_t cpu = clock_usec(CLOCK_THREAD_CPUTIME_ID), now = clock_usec(CLOCK_MONOTONIC), cost;
        Callers *callers = userdata;

        if (callers->running) {
                cost = cpu - callers->running_begin;
                bucket_draw(&callers->running->cpu, &callers_user_rate, now, cost);
                bucket_draw(&callers->cpu, &callers_all_rate, now, cost);
                callers->running = NULL;
        }
        release_next(callers);
        return 0;
}

void call_queue_caller_known(CallerConnection *c) {
        Callers *callers = c->callers;
        HeldCall *held;

        while ((held = TAILQ_FIRST(&c->held))) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = sd_bus_message_ref(held->message);

                free_of_connection(c, held);
                if (c->user)
                        hold_or_refuse(c, message);
                else
                        (void) dispatch_again(callers, message);
        }

        release_next(callers);
}

static int check_size(CallerConnection *c, sd_bus_message *message, size_t *ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        if (strlen(strempty(sd_bus_message_get_path(message))) > PATH_SIZE_MAX)
                r = bus_error_setf(&error, SD_BUS_ERROR_INVALID_ARGS,
                        "The object path takes more than %u bytes.", PATH_SIZE_MAX);
        else
                r = call_check_size(message, ret, &error);
        if (r >= 0)
                return 0;

        refuse(c, message, error.name ? error.name : SD_BUS_ERROR_INVALID_ARGS,
                error.message ? error.message : strerror(-r));
        return r;
}

/* Charges the user for the time from now on. The deferred measure source has the highest priority. */
static void begin_to_measure(Callers *callers, CallerUser *user) {
        callers->running = user;
        callers->running_begin = clock_usec(CLOCK_THREAD_CPUTIME_ID);
        (void) sd_event_source_set_enabled(callers->measure, SD_EVENT_ONESHOT);
}

/* Returns 1 to make sd-bus drop the message, or 0 to make it call the handler. */
static int on_call(Callers *callers, sd_bus_message *message) {
        bool released = callers->released == message;
        CallerConnection *c;
        size_t size;

        if (released)
                callers->released = sd_bus_message_unref(callers->released);

        c = callers_get(callers, sd_bus_message_get_sender(message));
        if (!c) {
                refuse(NULL, message, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many callers.");
                return 1;
        }
        if (c->user)
                begin_to_measure(callers, c->user);
        if (check_size(c, message, &size) < 0)
                return 1;
        if (c->known && !c->user)
                return 0;

        if (!c->known || (!released && (c->user->n_held > 0 ||
                                               wait_of(callers, c->user, clock_usec(CLOCK_MONOTONIC)) > 0))) {
                hold_or_refuse(c, message);
                /*
                 * If its connection has been forgotten meanwhile, on_measure() will not run to release the next call.
                 */
                if (released && !c->user)
                        release_next(callers);
                return 1;
        }
        /* The arguments count as well, because sd-bus quotes unknown names in errors. */
        if (!caller_unread_charge(c, call_reply_size(callers->api, message) + size)) {
                refuse(c, message, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many replies to this user are unread.");
                return 1;
        }

        return 0;
}

/* The latter sender is sd-bus itself, which reports the end of the connection. */
static bool is_of_bus(sd_bus_message *message) {
        const char *sender = sd_bus_message_get_sender(message);

        return streq(sender, "org.freedesktop.DBus") || streq(sender, "org.freedesktop.DBus.Local");
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Callers *callers = userdata;
        uint8_t type;
        int r;

        r = sd_bus_message_get_type(message, &type);
        if (r < 0 || !sd_bus_message_get_sender(message))
                return 0;
        /* Drop signals that other connections send to the daemon. */
        if (type == SD_BUS_MESSAGE_SIGNAL)
                return !is_of_bus(message);
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        /* Neither an effect nor a reply, so drop it. */
        if (!sd_bus_message_get_expect_reply(message) && !call_changes_something(message))
                return 1;

        r = on_call(callers, message);
        if (r == 0)
                r = sd_bus_message_rewind(message, true) < 0 ? 1 : 0;
        return r;
}

int call_queue_add(Api *api) {
        Callers *callers = api->callers;
        int r;

        r = sd_event_add_defer(api->event, &callers->measure, on_measure, callers);
        if (r >= 0)
                r = sd_event_source_set_enabled(callers->measure, SD_EVENT_OFF);
        if (r >= 0)
                /* Above all others, so that only the call is measured. */
                r = sd_event_source_set_priority(callers->measure, INT64_MIN);
        if (r >= 0)
                r = sd_event_add_time(
                        api->event, &callers->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, callers);
        if (r >= 0)
                r = sd_event_source_set_enabled(callers->timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_bus_add_filter(api->bus, NULL, on_message, callers);
        return r;
}
