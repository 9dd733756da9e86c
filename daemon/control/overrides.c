/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disk-writer.h"
#include "log.h"
#include "override-transaction.h"
#include "overrides.h"
#include "state-store.h"

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* With disk_writer_free() less than TimeoutStopSec= of the unit. */
#define STOP_USEC (UINT64_C(5000000))

/* What is being written to the persistent layer. */
typedef enum Writing {
        WRITING_NOTHING,
        WRITING_CHANGE,  /* a change that is not in the kernel and the memory yet */
        WRITING_REST,    /* the files of a change that is made, and on the disk as a pending change */
        WRITING_RESTORE, /* the content of the memory, after a change that failed */
        WRITING_RETRY,   /* the content of the memory, after an earlier write failed */
} Writing;

/* A requested change. */
typedef struct Request {
        OverrideList *list;
        const Caller *caller; /* &caller_copy; NULL: nobody */
        Caller caller_copy;
        OverrideHandler handler;
        void *userdata;
        OverrideResult result; /* what the handler gets … */
        char *text;            /* … and why */
} Request;

struct Overrides {
        Control *control;
        DiskWriter *writer;
        Writing writing;
        Request *request; /* the change in progress; NULL if writing is NOTHING or RETRY */

        sd_event_source *retry; /* of stale files */
        uint64_t retry_usec;
        sd_event_source *stop;
        bool stopping;
};

static Request *request_free(Request *q) {
        if (!q)
                return NULL;

        override_list_free(q->list);
        caller_clear(&q->caller_copy);
        free(q->text);
        free(q);
        return NULL;
}

/* Takes ownership of *list, also on failure. */
static int request_new(
        OverrideList **list, const Caller *caller, OverrideHandler handler, void *userdata, Request **ret) {
        _cleanup_(override_list_freep) OverrideList *taken = TAKE_PTR(*list);
        Request *q;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->list = TAKE_PTR(taken);
        q->handler = handler;
        q->userdata = userdata;
        if (caller) {
                if (caller_copy(caller, &q->caller_copy) < 0) {
                        request_free(q);
                        return -ENOMEM;
                }
                q->caller = &q->caller_copy;
        }

        *ret = q;
        return 0;
}

/* Calls the handler, and frees the request. */
static void answer(Request *q) {
        q->handler(q->result, q->text, q->userdata);
        request_free(q);
}

static void not_saved(Request *q, const char *why) {
        q->result = OVERRIDE_NOT_SAVED;
        free(q->text);
        q->text = override_explain_not_saved(q->list, why);
}

static void on_written(const StateWriteResult *result, void *userdata);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Does nothing if the timer is armed or no file is behind. */
static void arm_retry(Overrides *o) {
        const StateStore *store = o->control->store;
        int r;

        if (o->retry || (!state_store_persistent_is_behind(store) && !state_store_runtime_is_behind(store)))
                return;

        r = sd_event_add_time_relative(o->control->event, &o->retry, CLOCK_MONOTONIC, o->retry_usec,
                o->retry_usec / 10, on_retry, o);
        if (r < 0)
                log_error_errno(r, "Cannot set a timer, a state file stays out of date: %m");
        else
                (void) sd_event_source_set_description(o->retry, "state-retry");
}

static void on_stale(void *userdata) {
        arm_retry(userdata);
}

/* Writes the files that are behind. */
static int write_memory(Overrides *o, Writing writing) {
        StateWrite *write;
        int r;

        r = state_store_begin_update(o->control->store, &write);
        if (r >= 0)
                r = disk_writer_run(o->writer, write, on_written, o);
        if (r >= 0)
                o->writing = writing;
        return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Overrides *o = userdata;
        StateStore *store = o->control->store;
        int r;

        o->retry = sd_event_source_disable_unref(o->retry);
        o->retry_usec = o->retry_usec < RETRY_MAX_USEC / 2 ? o->retry_usec * 2 : RETRY_MAX_USEC;

        if (state_store_runtime_is_behind(store) && state_store_save_runtime(store) >= 0)
                log_info("The state files in %s are up to date again.", store->runtime_path);

        /* A change in progress writes these files, too. */
        if (state_store_persistent_is_behind(store) && o->writing == WRITING_NOTHING) {
                r = write_memory(o, WRITING_RETRY);
                if (r < 0)
                        log_error_errno(r, "Cannot write the state files in %s: %m", store->persistent_path);
        }

        if (!state_store_persistent_is_behind(store) && !state_store_runtime_is_behind(store))
                o->retry_usec = RETRY_MIN_USEC;
        else if (o->writing == WRITING_NOTHING)
                arm_retry(o);
        return 0;
}

/* Ends the write. */
static void finish(Overrides *o) {
        o->writing = WRITING_NOTHING;
        if (o->request)
                answer(TAKE_PTR(o->request));
        arm_retry(o);
        if (o->stopping)
                (void) sd_event_exit(o->control->event, EXIT_SUCCESS);
        else
                o->control->handlers->overrides_idle(o->control->userdata);
}

/* The files have a change that failed: logs it, and adds it to the caller's error. */
static void restoring_failed(Overrides *o, int r) {
        const char *path = o->control->store->persistent_path;
        _cleanup_free_ char *before = TAKE_PTR(o->request->text);

        log_error_errno(r, "Cannot restore the state files in %s, trying again: %m", path);
        if (asprintf(&o->request->text, "%s. %s could not be restored yet: %s", strempty(before), path,
                    strerror(-r)) < 0)
                o->request->text = NULL;

        finish(o);
}

static void restore(Overrides *o) {
        int r;

        r = write_memory(o, WRITING_RESTORE);
        if (r < 0)
                restoring_failed(o, r);
}

/* The change is on the disk, at least as a pending change. Now it can be made. */
static void change_saved(Overrides *o) {
        StateStore *store = o->control->store;
        Request *q = o->request;
        int r;

        q->result = override_transaction(o->control, q->list, q->caller, &q->text);
        if (q->result != OVERRIDE_DONE) {
                restore(o);
                return;
        }

        state_store_change_made(store);
        /* The caller does not wait for the remaining files: the pending change is durable. Failures are retried. */
        if (state_store_persistent_is_behind(store)) {
                r = write_memory(o, WRITING_REST);
                if (r < 0)
                        log_error_errno(r, "Cannot write the state files in %s, trying again: %m",
                                store->persistent_path);
        }

        answer(TAKE_PTR(o->request));
        if (o->writing != WRITING_REST)
                finish(o);
}

static void change_not_saved(Overrides *o, int error, bool changed) {
        log_error_errno(error, "Cannot write the state files in %s: %m", o->control->store->persistent_path);
        not_saved(o->request, strerror(-error));
        /* Only the files may have changed. */
        if (changed)
                restore(o);
        else
                finish(o);
}

static void retried(Overrides *o, int error) {
        StateStore *store = o->control->store;

        if (error < 0)
                log_error_errno(error, "Cannot write the state files in %s: %m", store->persistent_path);
        else {
                o->retry_usec = RETRY_MIN_USEC;
                log_info("The state files in %s are up to date again.", store->persistent_path);
        }
        finish(o);
}

static void on_written(const StateWriteResult *result, void *userdata) {
        int error = result->error;
        Overrides *o = userdata;

        state_store_written(o->control->store, result);
        switch (o->writing) {

        case WRITING_CHANGE:
                if (error < 0)
                        change_not_saved(o, error, result->changed);
                else
                        change_saved(o);
                return;

        case WRITING_RESTORE:
                if (error < 0)
                        restoring_failed(o, error);
                else
                        finish(o);
                return;

        case WRITING_REST:
                if (error < 0)
                        log_error_errno(error, "Cannot write the state files in %s, trying again: %m",
                                o->control->store->persistent_path);
                finish(o);
                return;

        case WRITING_RETRY:
                retried(o, error);
                return;

        case WRITING_NOTHING:
                return;
        }
}

/* Writes the change to the disk. Takes ownership of it. */
static int save(Overrides *o, StateChange *change) {
        StateStore *store = o->control->store;
        StateWrite *write;
        int r;

        r = state_store_begin_change(store, change, &write);
        if (r >= 0) {
                r = disk_writer_run(o->writer, write, on_written, o);
                if (r < 0)
                        state_store_written(store, &(StateWriteResult) { .error = r });
        }
        if (r < 0)
                return log_error_errno(r, "Cannot write the state files in %s: %m", store->persistent_path);

        o->writing = WRITING_CHANGE;
        return 0;
}

void overrides_change(
        Overrides *o, OverrideList **list, const Caller *caller, OverrideHandler handler, void *userdata) {
        _cleanup_(state_change_freep) StateChange *change = NULL;
        Request *q;
        int r;

        r = request_new(list, caller, handler, userdata, &q);
        if (r < 0) {
                handler(OVERRIDE_NOT_SAVED, strerror(-r), userdata);
                return;
        }

        r = state_store_plan_list(o->control->store, q->list, &change);
        if (r >= 0 && !change)
                q->result = override_transaction(o->control, q->list, q->caller, &q->text);
        else if (r >= 0 && state_change_problem(change))
                not_saved(q, state_change_problem(change));
        else {
                if (r >= 0)
                        r = save(o, TAKE_PTR(change));
                if (r >= 0) {
                        o->request = q;
                        return;
                }
                not_saved(q, strerror(-r));
        }
        answer(q);
}

bool overrides_block(const Overrides *o, const OverrideScope *scope) {
        const OverrideList *list;
        OverrideScope own;

        if (o->writing != WRITING_NOTHING && scope->persistent)
                return true;
        if (!o->request)
                return false;

        list = o->request->list;
        own = list->write_unchanged
                      ? (OverrideScope) { .kind = list->items[0].kind, .key = list->items[0].key }
                      : (OverrideScope) { .list = list };
        return override_scopes_overlap(&own, scope);
}

bool overrides_are_busy(const Overrides *o) {
        return o->writing != WRITING_NOTHING;
}

bool overrides_are_stopping(const Overrides *o) {
        return o->stopping;
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Overrides *o = userdata;

        log_error("A state file in %s is not written yet, stopping nevertheless.",
                o->control->store->persistent_path);
        (void) sd_event_exit(o->control->event, EXIT_SUCCESS);
        return 0;
}

bool overrides_stop(Overrides *o) {
        o->stopping = true;
        if (o->writing == WRITING_NOTHING)
                return true;
        if (o->stop)
                return false;

        return sd_event_add_time_relative(
                       o->control->event, &o->stop, CLOCK_MONOTONIC, STOP_USEC, 1, on_stop_timeout, o) < 0;
}

int overrides_new(Control *control, Overrides **ret) {
        Overrides *o;
        int r;

        o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;

        o->control = control;
        o->retry_usec = RETRY_MIN_USEC;
        r = disk_writer_new(control->event, &o->writer);
        if (r < 0) {
                free(o);
                return r;
        }

        control->store->stale = on_stale;
        control->store->stale_userdata = o;
        /* Files that could not be written at the start. */
        arm_retry(o);
        *ret = o;
        return 0;
}

Overrides *overrides_free(Overrides *o) {
        if (!o)
                return NULL;

        disk_writer_free(o->writer);
        if (o->request) {
                not_saved(o->request, "pasidd is being stopped");
                answer(o->request);
        }
        sd_event_source_disable_unref(o->retry);
        sd_event_source_disable_unref(o->stop);
        o->control->store->stale = NULL;
        free(o);
        return NULL;
}
