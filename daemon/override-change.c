/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "budget.h"
#include "bus-error.h"
#include "bus-names.h"
#include "call-kind.h"
#include "caller.h"
#include "default-bus.h"
#include "disk-writer.h"
#include "override-apply.h"
#include "override-change.h"
#include "slice-bus.h"
#include "state-file.h"
#include "vm-bus.h"

/* Calls that wait, whose messages are kept: see call_places(). */
static const Places waiting_places = { .max = 512, .for_root = 128, .per_user = 128 };

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* With disk_writer_free() less than TimeoutStopSec= of the unit. */
#define STOP_USEC (UINT64_C(5000000))

/* What a change is about. */
typedef struct Scope {
        const OverrideList *list; /* NULL: kind and key say it */
        OverrideKind kind;
        const char *key;
        bool persistent; /* it changes that layer */
} Scope;

/* A call that waits for its turn. */
typedef struct WaitingCall {
        TAILQ_ENTRY(WaitingCall) entries;
        sd_bus_message *call;
        size_t places;
        AuthorizedHandler handler;
        Scope scope;
        OverrideList *list; /* of scope */
        char *key;          /* likewise */
        Caller caller;
} WaitingCall;

/* What is being written to the persistent file. */
typedef enum Writing {
        WRITING_NOTHING,
        WRITING_CHANGE,  /* a change that has not been made yet */
        WRITING_RESTORE, /* the memory's content, after a change that could not be made */
        WRITING_RETRY,   /* the memory's content, long after that */
} Writing;

struct OverrideQueue {
        Manager *manager;
        DiskWriter *writer;
        TAILQ_HEAD(WaitingList, WaitingCall) waiting;
        const sd_bus_message *turn; /* whose handler is being called again */

        Writing writing;
        /* The change under way, unless writing is NOTHING or RETRY. */
        OverrideList *list; /* NULL: it is a single one */
        OverrideChange change;
        char *key, *name; /* of change */
        bool runtime_changes;
        Caller caller;
        sd_bus_message *call, *reply; /* NULL: nobody waits */
        sd_bus_error error;           /* what the caller gets once the file is restored */

        sd_event_source *retry; /* of stale files */
        uint64_t retry_usec;
        sd_event_source *stop;
        bool stopping;
};

static void run_waiting(OverrideQueue *q);
static int start_writing(OverrideQueue *q, Writing writing, char *text);

static void log_not_sent(int r) {
        if (r < 0)
                log_debug_errno(r, "Cannot answer a method call, ignoring: %m");
}

/* As sd-bus does with what a method handler returns. */
static void reply_error(sd_bus_message *call, int r, const sd_bus_error *error) {
        if (call && (r < 0 || sd_bus_error_is_set(error)))
                log_not_sent(sd_bus_reply_method_errno(call, r, error));
}

static int caller_copy(const Caller *caller, Caller *ret) {
        *ret = (Caller) { .uid = caller->uid, .pid = caller->pid };
        if (caller->unit && !(ret->unit = strdup(caller->unit)))
                return -ENOMEM;
        if (caller->asked_vm && !(ret->asked_vm = strdup(caller->asked_vm)))
                return -ENOMEM;

        return 0;
}

static WaitingCall *waiting_call_free(WaitingCall *w) {
        if (!w)
                return NULL;

        sd_bus_message_unref(w->call);
        override_list_free(w->list);
        free(w->key);
        free(w->caller.unit);
        free(w->caller.asked_vm);
        free(w);
        return NULL;
}
DEFINE_CLEANUP_FUNC(WaitingCall *, waiting_call_free, waiting_call_freep);

static WaitingCall *take_waiting(OverrideQueue *q, WaitingCall *w) {
        TAILQ_REMOVE(&q->waiting, w, entries);
        return w;
}

static void change_done(OverrideQueue *q) {
        q->writing = WRITING_NOTHING;
        q->change = (OverrideChange) {};
        q->list = override_list_free(q->list);
        free(TAKE_PTR(q->key));
        free(TAKE_PTR(q->name));
        free(TAKE_PTR(q->caller.unit));
        free(TAKE_PTR(q->caller.asked_vm));
        q->call = sd_bus_message_unref(q->call);
        q->reply = sd_bus_message_unref(q->reply);
        sd_bus_error_free(&q->error);
}

static int not_saved(OverrideKind kind, const char *why, sd_bus_error *error) {
        return bus_error_setf(error, PASIDD_ERROR_NOT_SAVED, "%s could not be saved: %s",
                kind == OVERRIDE_DEFAULT ? "The default quota" : "The override", why);
}

static int list_not_saved(const char *why, sd_bus_error *error) {
        return bus_error_setf(error, PASIDD_ERROR_NOT_SAVED, "The overrides could not be saved: %s", why);
}

static const uint32_t *quota_of(const QuotaSetting *setting) {
        return setting->quota_set ? &setting->quota : NULL;
}

static QuotaSetting layer_now(const State *state, const OverrideChange *change) {
        const StateSlice *slice;

        switch (change->kind) {

        case OVERRIDE_SLICE:
                slice = state_find_slice(state, change->key);
                return override_setting(slice && slice->limit_set ? &slice->limit : NULL);

        case OVERRIDE_DEFAULT:
                return override_setting(state->default_quota_set ? &state->default_quota : NULL);

        default:
                return state_store_get_override(state, change->key);
        }
}

static int plan(const Manager *m, const OverrideChange *change, char **ret) {
        const uint32_t *quota = quota_of(&change->persistent);

        switch (change->kind) {

        case OVERRIDE_SLICE:
                return state_store_plan_slice_limit(&m->state, change->key, quota, ret);

        case OVERRIDE_DEFAULT:
                return state_store_plan_default(&m->state, quota, ret);

        default:
                return state_store_plan_override(
                        &m->state, change->key, change->name, &change->persistent, ret);
        }
}

static int make_vm_change(Manager *m, const OverrideChange *change, sd_bus_error *error) {
        VM *vm = vm_find_by_key(m, change->key);
        PolicyResult policy;
        int r;

        if (vm)
                return vm_bus_change_overrides(vm,
                        &(VMOverrides) { .runtime = change->runtime, .persistent = change->persistent },
                        false, &policy, error);

        /* A VM that is off: only the files change. */
        r = state_store_set_overrides(
                &m->state, change->key, change->name, &change->runtime, &change->persistent);
        return r < 0 ? not_saved(change->kind, strerror(-r), error) : 0;
}

/* Kernel, runtime file and memory: all of them or none. The persistent file has the change already. */
static int make_change(Manager *m, const OverrideChange *change, sd_bus_error *error) {
        switch (change->kind) {

        case OVERRIDE_SLICE:
                return slice_bus_change(m, change->key,
                        &(SliceOverrides) { quota_of(&change->runtime), quota_of(&change->persistent) },
                        error);

        case OVERRIDE_DEFAULT:
                return default_bus_change(
                        m, &(Defaults) { quota_of(&change->runtime), quota_of(&change->persistent) }, error);

        default:
                return make_vm_change(m, change, error);
        }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Unless it is armed already, or nothing can come of it. */
static void arm_retry(OverrideQueue *q) {
        const StateStore *state = &q->manager->state;
        int r;

        if (q->retry || (!state->persistent_stale && (!state->runtime_stale || state->runtime_problem)))
                return;

        r = sd_event_add_time_relative(q->manager->event, &q->retry, CLOCK_MONOTONIC, q->retry_usec,
                q->retry_usec / 10, on_retry, q);
        if (r < 0)
                log_error_errno(r, "Cannot set a timer, a state file stays out of date: %m");
        else
                (void) sd_event_source_set_description(q->retry, "state-retry");
}

static void on_stale(void *userdata) {
        arm_retry(userdata);
}

/* As the memory has it. */
static int write_memory(OverrideQueue *q, Writing writing) {
        char *text = NULL;
        int r;

        r = state_format_file(q->manager->state.persistent, &text);
        return r < 0 ? r : start_writing(q, writing, text);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        OverrideQueue *q = userdata;
        StateStore *state = &q->manager->state;
        int r;

        q->retry = sd_event_source_disable_unref(q->retry);
        q->retry_usec = q->retry_usec < RETRY_MAX_USEC / 2 ? q->retry_usec * 2 : RETRY_MAX_USEC;

        if (state->runtime_stale && !state->runtime_problem && state_store_save_runtime(state) >= 0)
                log_info("State file %s is up to date again.", state->runtime_path);

        /* A change that is under way writes the whole file, or restores it. */
        if (state->persistent_stale && q->writing == WRITING_NOTHING) {
                r = write_memory(q, WRITING_RETRY);
                if (r < 0)
                        log_error_errno(r, "Cannot write the state file %s: %m", state->persistent_path);
        }

        if (!state->persistent_stale && !state->runtime_stale)
                q->retry_usec = RETRY_MIN_USEC;
        else if (q->writing == WRITING_NOTHING)
                arm_retry(q);
        return 0;
}

/* The change has come to its end. */
static void finish(OverrideQueue *q) {
        change_done(q);
        arm_retry(q);
        if (q->stopping)
                manager_exit(q->manager, EXIT_SUCCESS);
        else
                run_waiting(q);
}

static void fail(OverrideQueue *q) {
        reply_error(q->call, -EIO, &q->error);
        finish(q);
}

/* The file has what was not to be, the caller is to have an error. */
static void restoring_failed(OverrideQueue *q, int r) {
        _cleanup_(sd_bus_error_free) sd_bus_error both = SD_BUS_ERROR_NULL;
        const char *path = q->manager->state.persistent_path;

        log_error_errno(r, "Cannot restore the state file %s, trying again: %m", path);
        (void) bus_error_setf(&both, q->error.name, "%s. %s could not be restored yet: %s",
                strempty(q->error.message), path, strerror(-r));
        sd_bus_error_free(&q->error);
        q->error = both;
        both = SD_BUS_ERROR_NULL;

        state_store_persistent_is_stale(&q->manager->state);
        fail(q);
}

static void restore(OverrideQueue *q) {
        int r;

        r = write_memory(q, WRITING_RESTORE);
        if (r < 0)
                restoring_failed(q, r);
}

/* The change is on the disk, now it can be made. */
static void change_saved(OverrideQueue *q) {
        Manager *m = q->manager;
        int r;

        /* Somebody else's value may have been adopted meanwhile. A list has the layer only where it changes it. */
        if (!q->list && !q->runtime_changes)
                q->change.runtime = layer_now(m->state.runtime, &q->change);

        m->caller = &q->caller;
        r = q->list ? override_list_make(m, q->list, &q->error) : make_change(m, &q->change, &q->error);
        m->caller = NULL;
        if (r < 0) {
                if (!sd_bus_error_is_set(&q->error))
                        (void) sd_bus_error_set_errno(&q->error, r);
                restore(q);
                return;
        }

        /* The file is the memory's content now, whatever it was before. */
        m->state.persistent_stale = false;
        if (q->reply)
                log_not_sent(sd_bus_message_send(q->reply));
        finish(q);
}

static void change_not_saved(OverrideQueue *q, int error, bool replaced) {
        log_error_errno(error, "Cannot write the state file %s: %m", q->manager->state.persistent_path);
        if (q->list)
                (void) list_not_saved(strerror(-error), &q->error);
        else
                (void) not_saved(q->change.kind, strerror(-error), &q->error);
        /* Nothing has changed, but for the file, maybe. */
        if (replaced)
                restore(q);
        else
                fail(q);
}

static void retried(OverrideQueue *q, int error) {
        StateStore *state = &q->manager->state;

        if (error < 0)
                log_error_errno(error, "Cannot write the state file %s: %m", state->persistent_path);
        else {
                state->persistent_stale = false;
                q->retry_usec = RETRY_MIN_USEC;
                log_info("State file %s is up to date again.", state->persistent_path);
        }
        finish(q);
}

static void on_written(int error, bool replaced, void *userdata) {
        OverrideQueue *q = userdata;

        switch (q->writing) {

        case WRITING_CHANGE:
                if (error < 0)
                        change_not_saved(q, error, replaced);
                else
                        change_saved(q);
                return;

        case WRITING_RESTORE:
                if (error < 0)
                        restoring_failed(q, error);
                else {
                        q->manager->state.persistent_stale = false;
                        fail(q);
                }
                return;

        case WRITING_RETRY:
                retried(q, error);
                return;

        case WRITING_NOTHING:
                return;
        }
}

/* Takes text over. */
static int start_writing(OverrideQueue *q, Writing writing, char *text) {
        int r;

        r = disk_writer_replace(q->writer, q->manager->state.persistent_path, text, on_written, q);
        if (r >= 0)
                q->writing = writing;
        return r;
}

/* Keeps who is to be answered when the disk is done, and how. */
static int remember_call(OverrideQueue *q, sd_bus_message *call, sd_bus_message *reply) {
        const Manager *m = q->manager;

        if (m->caller && caller_copy(m->caller, &q->caller) < 0)
                return -ENOMEM;

        q->call = sd_bus_message_ref(call);
        q->reply = sd_bus_message_ref(reply);
        return 0;
}

/* Keeps what is needed when the disk is done. */
static int remember_change(
        OverrideQueue *q, sd_bus_message *call, sd_bus_message *reply, const OverrideChange *change) {
        const Manager *m = q->manager;
        QuotaSetting now = layer_now(m->state.runtime, change);

        q->change = *change;
        q->change.key = q->key = strdup(change->key);
        q->change.name = q->name = change->name ? strdup(change->name) : NULL;
        if (!q->key || (change->name && !q->name))
                return -ENOMEM;

        q->runtime_changes = !setting_equal(&now, &change->runtime);
        return remember_call(q, call, reply);
}

int override_change(Manager *m, sd_bus_message *call, sd_bus_message *reply, const OverrideChange *change,
        sd_bus_error *error) {
        OverrideQueue *q = m->overrides;
        _cleanup_free_ char *text = NULL;
        int r;

        r = plan(m, change, &text);
        if (r < 0)
                return not_saved(change->kind, strerror(-r), error);

        if (!text) {
                r = make_change(m, change, error);
                return r < 0 ? r : sd_bus_message_send(reply);
        }

        if (m->state.persistent_problem)
                return not_saved(change->kind, m->state.persistent_problem, error);

        r = remember_change(q, call, reply, change);
        if (r >= 0)
                r = start_writing(q, WRITING_CHANGE, TAKE_PTR(text));
        if (r < 0) {
                change_done(q);
                log_error_errno(r, "Cannot write the state file %s: %m", m->state.persistent_path);
                return not_saved(change->kind, strerror(-r), error);
        }

        return 1;
}

int override_change_list(
        Manager *m, sd_bus_message *call, sd_bus_message *reply, OverrideList **list, sd_bus_error *error) {
        _cleanup_(override_list_freep) OverrideList *taken = TAKE_PTR(*list);
        OverrideQueue *q = m->overrides;
        _cleanup_free_ char *text = NULL;
        int r;

        r = state_store_plan_list(&m->state, taken, &text);
        if (r < 0)
                return list_not_saved(strerror(-r), error);

        if (!text) {
                r = override_list_make(m, taken, error);
                return r < 0 ? r : sd_bus_message_send(reply);
        }

        if (m->state.persistent_problem)
                return list_not_saved(m->state.persistent_problem, error);

        r = remember_call(q, call, reply);
        if (r >= 0) {
                q->list = TAKE_PTR(taken);
                r = start_writing(q, WRITING_CHANGE, TAKE_PTR(text));
        }
        if (r < 0) {
                change_done(q);
                log_error_errno(r, "Cannot write the state file %s: %m", m->state.persistent_path);
                return list_not_saved(strerror(-r), error);
        }

        return 1;
}

/* Two lists always are: which keys they share is not worth finding out. */
static bool scopes_overlap(const Scope *a, const Scope *b) {
        if ((a->persistent && b->persistent) || (a->list && b->list))
                return true;
        if (a->list)
                return override_list_has(a->list, b->kind, b->key);
        if (b->list)
                return override_list_has(b->list, a->kind, a->key);

        return a->kind == b->kind && streq(a->key, b->key);
}

/* Does it have to wait for what is under way, or for one of those before it? */
static bool has_to_wait(const OverrideQueue *q, const WaitingCall *before, const Scope *scope) {
        const Scope now = { .list = q->list, .kind = q->change.kind, .key = q->key };
        const WaitingCall *w;

        if (q->writing != WRITING_NOTHING && scope->persistent)
                return true;
        if ((q->list || q->key) && scopes_overlap(&now, scope))
                return true;

        TAILQ_FOREACH (w, &q->waiting, entries) {
                if (w == before)
                        break;
                if (scopes_overlap(&w->scope, scope))
                        return true;
        }

        return false;
}

static void call_again(OverrideQueue *q, WaitingCall *w) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Manager *m = q->manager;
        int r;

        r = sd_bus_message_rewind(w->call, true);
        if (r >= 0) {
                m->caller = &w->caller;
                q->turn = w->call;
                r = w->handler(w->call, m, &error);
                q->turn = NULL;
                m->caller = NULL;
        }
        reply_error(w->call, r, &error);
}

static void run_waiting(OverrideQueue *q) {
        WaitingCall *w;

        do {
                TAILQ_FOREACH (w, &q->waiting, entries)
                        if (!has_to_wait(q, w, &w->scope))
                                break;
                if (w) {
                        _cleanup_(waiting_call_freep) WaitingCall *taken = take_waiting(q, w);

                        call_again(q, taken);
                }
        } while (w);
}

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many changes wait for the disk.");
}

static bool may_wait(const OverrideQueue *q, uint32_t uid, size_t places) {
        PlacesTaken taken = {};
        const WaitingCall *w;

        TAILQ_FOREACH (w, &q->waiting, entries)
                places_count(&taken, w->caller.uid, w->caller.uid == uid, w->places);

        return places_allow(&waiting_places, &taken, uid, places);
}

/* Takes *list over if the call waits. */
static int await_turn(Manager *m, sd_bus_message *call, AuthorizedHandler handler, const Scope *scope,
        OverrideList **list, sd_bus_error *error) {
        static const Caller nobody = { .uid = UINT32_MAX };
        const Caller *caller = m->caller ? m->caller : &nobody;
        _cleanup_(waiting_call_freep) WaitingCall *w = NULL;
        size_t places = call_places(call);
        OverrideQueue *q = m->overrides;

        if (q->stopping && scope->persistent)
                return sd_bus_error_set(error, PASIDD_ERROR_NOT_SAVED, "pasidd is being stopped.");
        if (q->turn == call || !has_to_wait(q, NULL, scope))
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

int override_await_turn(Manager *m, sd_bus_message *call, AuthorizedHandler handler, OverrideKind kind,
        const char *key, bool persistent, sd_bus_error *error) {
        const Scope scope = { .kind = kind, .key = key, .persistent = persistent };

        return await_turn(m, call, handler, &scope, NULL, error);
}

int override_await_turn_of_list(Manager *m, sd_bus_message *call, AuthorizedHandler handler,
        OverrideList **list, sd_bus_error *error) {
        const Scope scope = { .list = *list, .persistent = override_list_is_persistent(*list) };

        return await_turn(m, call, handler, &scope, list, error);
}

void override_forget_messages(Manager *m) {
        OverrideQueue *q = m->overrides;
        WaitingCall *w;

        if (!q)
                return;

        while ((w = TAILQ_FIRST(&q->waiting)))
                waiting_call_free(take_waiting(q, w));
        q->call = sd_bus_message_unref(q->call);
        q->reply = sd_bus_message_unref(q->reply);
}

bool override_is_busy(const Manager *m) {
        return m->overrides->writing != WRITING_NOTHING;
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        OverrideQueue *q = userdata;

        log_error("State file %s is not written yet, stopping nevertheless.",
                q->manager->state.persistent_path);
        manager_exit(q->manager, EXIT_SUCCESS);
        return 0;
}

bool override_stop(Manager *m) {
        OverrideQueue *q = m->overrides;
        WaitingCall *w;

        q->stopping = true;
        while ((w = TAILQ_FIRST(&q->waiting))) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                (void) take_waiting(q, w);
                (void) sd_bus_error_set(&error, PASIDD_ERROR_NOT_SAVED, "pasidd is being stopped.");
                reply_error(w->call, -EIO, &error);
                waiting_call_free(w);
        }

        if (q->writing == WRITING_NOTHING)
                return true;
        if (q->stop)
                return false;

        return sd_event_add_time_relative(
                       m->event, &q->stop, CLOCK_MONOTONIC, STOP_USEC, 1, on_stop_timeout, q) < 0;
}

int override_queue_new(Manager *m) {
        OverrideQueue *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->manager = m;
        q->retry_usec = RETRY_MIN_USEC;
        TAILQ_INIT(&q->waiting);
        r = disk_writer_new(m->event, &q->writer);
        if (r < 0) {
                free(q);
                return r;
        }

        m->state.stale = on_stale;
        m->state.stale_userdata = q;
        m->overrides = q;
        return 0;
}

void override_queue_free(Manager *m) {
        OverrideQueue *q = m->overrides;

        if (!q)
                return;

        override_forget_messages(m);
        change_done(q);
        disk_writer_free(q->writer);
        sd_event_source_disable_unref(q->retry);
        sd_event_source_disable_unref(q->stop);
        m->state.stale = NULL;
        m->overrides = NULL;
        free(q);
}
