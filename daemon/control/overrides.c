/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disk-writer.h"
#include "log.h"
#include "overrides.h"
#include "state-store.h"

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* With disk_writer_free() less than TimeoutStopSec= of the unit. */
#define STOP_USEC (UINT64_C(5000000))

/* What is being written to the persistent layer. */
typedef enum Writing {
        WRITING_NOTHING,
        WRITING_CHANGE,  /* a change that has not been made yet */
        WRITING_REST,    /* the files of a change that was made and is on the disk as a pending one */
        WRITING_RESTORE, /* the memory's content, after a change that could not be made */
        WRITING_RETRY,   /* the memory's content, long after that */
} Writing;

struct Overrides {
        Control *control;
        DiskWriter *writer;
        Writing writing;
        OverrideRequest *request; /* the one under way, unless writing is NOTHING or RETRY */

        sd_event_source *retry; /* of stale files */
        uint64_t retry_usec;
        sd_event_source *stop;
        bool stopping;
};

static void on_written(int error, bool changed, void *userdata);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Unless it is armed already, or nothing can come of it. */
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

/* As the memory has it. */
static int write_memory(Overrides *o, Writing writing) {
        int r;

        r = state_store_start_update(o->control->store, o->writer, on_written, o);
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

        /* A change that is under way writes these files, too. */
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

/* What was written has come to its end. */
static void finish(Overrides *o) {
        o->writing = WRITING_NOTHING;
        if (o->request)
                override_request_end(TAKE_PTR(o->request));
        arm_retry(o);
        if (o->stopping)
                (void) sd_event_exit(o->control->event, EXIT_SUCCESS);
        else
                o->control->handlers->overrides_idle(o->control->userdata);
}

/* The file has what was not to be, the caller is to have an error. */
static void restoring_failed(Overrides *o, int r) {
        const char *path = o->control->store->persistent_path;
        OverrideRequest *q = o->request;
        _cleanup_free_ char *before = TAKE_PTR(q->text);

        log_error_errno(r, "Cannot restore the state files in %s, trying again: %m", path);
        override_request_set_result(
                q, q->result, "%s. %s could not be restored yet: %s", strempty(before), path, strerror(-r));

        finish(o);
}

static void restore(Overrides *o) {
        int r;

        r = write_memory(o, WRITING_RESTORE);
        if (r < 0)
                restoring_failed(o, r);
}

/*
 * The change is on the disk, be it as a pending one, and has its answer. Files that are still to be written do not concern
 * the caller: what cannot be written now is tried again.
 */
static void write_rest(Overrides *o) {
        int r;

        if (!state_store_persistent_is_behind(o->control->store)) {
                finish(o);
                return;
        }

        r = write_memory(o, WRITING_REST);
        override_request_end(TAKE_PTR(o->request));
        if (r < 0) {
                log_error_errno(r, "Cannot write the state files in %s, trying again: %m",
                        o->control->store->persistent_path);
                finish(o);
        }
}

/* The change is on the disk, now it can be made. */
static void change_saved(Overrides *o) {
        Control *control = o->control;
        OverrideRequest *q = o->request;

        override_request_make(q, control);
        if (q->result != OVERRIDE_DONE) {
                restore(o);
                return;
        }

        state_store_change_made(control->store);
        write_rest(o);
}

static void change_not_saved(Overrides *o, int error, bool changed) {
        log_error_errno(error, "Cannot write the state files in %s: %m", o->control->store->persistent_path);
        override_request_not_saved(o->request, strerror(-error));
        /* Nothing has changed, but for the file, maybe. */
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

static void on_written(int error, bool changed, void *userdata) {
        Overrides *o = userdata;

        switch (o->writing) {

        case WRITING_CHANGE:
                if (error < 0)
                        change_not_saved(o, error, changed);
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

/* Takes both over. */
static void save_first(Overrides *o, OverrideRequest *q, StateChange *change) {
        _cleanup_(state_change_freep) StateChange *owned = change;
        StateStore *store = o->control->store;
        int r;

        if (state_change_problem(change)) {
                override_request_not_saved(q, state_change_problem(change));
                override_request_end(q);
                return;
        }

        r = state_store_start_change(store, TAKE_PTR(owned), o->writer, on_written, o);
        if (r < 0) {
                log_error_errno(r, "Cannot write the state files in %s: %m", store->persistent_path);
                override_request_not_saved(q, strerror(-r));
                override_request_end(q);
                return;
        }

        o->writing = WRITING_CHANGE;
        o->request = q;
}

/* Takes the request over. */
static void begin(Overrides *o, OverrideRequest *q) {
        StateChange *change = NULL;
        int r;

        r = state_store_plan_list(o->control->store, q->list, &change);
        if (r >= 0 && change) {
                save_first(o, q, change);
                return;
        }

        if (r < 0)
                override_request_not_saved(q, strerror(-r));
        else
                override_request_make(q, o->control);
        override_request_end(q);
}

void overrides_change_list(
        Overrides *o, OverrideList **list, const Caller *caller, OverrideHandler handler, void *userdata) {
        OverrideRequest *q;
        int r;

        r = override_request_new(list, caller, handler, userdata, &q);
        if (r < 0)
                handler(OVERRIDE_NOT_SAVED, strerror(-r), userdata);
        else
                begin(o, q);
}

void overrides_change(Overrides *o, const OverrideChange *change, const Caller *caller,
        OverrideHandler handler, void *userdata) {
        OverrideList *list;
        int r;

        r = override_change_to_list(&o->control->world.state, change, &list);
        if (r < 0)
                handler(OVERRIDE_NOT_SAVED, strerror(-r), userdata);
        else
                overrides_change_list(o, &list, caller, handler, userdata);
}

bool overrides_block(const Overrides *o, const OverrideScope *scope) {
        OverrideScope own;

        if (o->writing != WRITING_NOTHING && scope->persistent)
                return true;
        if (!o->request)
                return false;

        own = override_request_scope(o->request);
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
        /* What could not be written at the start. */
        arm_retry(o);
        *ret = o;
        return 0;
}

Overrides *overrides_free(Overrides *o) {
        if (!o)
                return NULL;

        disk_writer_free(o->writer);
        if (o->request) {
                override_request_not_saved(o->request, "pasidd is being stopped");
                override_request_end(o->request);
        }
        sd_event_source_disable_unref(o->retry);
        sd_event_source_disable_unref(o->stop);
        o->control->store->stale = NULL;
        free(o);
        return NULL;
}
