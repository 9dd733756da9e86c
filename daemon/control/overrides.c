/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disk-writer.h"
#include "log.h"
#include "overrides.h"
#include "state-file.h"
#include "state-store.h"

#define RETRY_MIN_USEC (UINT64_C(1000000))
#define RETRY_MAX_USEC (UINT64_C(60000000))

/* With disk_writer_free() less than TimeoutStopSec= of the unit. */
#define STOP_USEC (UINT64_C(5000000))

/* What is being written to the persistent file. */
typedef enum Writing {
        WRITING_NOTHING,
        WRITING_CHANGE,  /* a change that has not been made yet */
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

static int start_writing(Overrides *o, Writing writing, char *text);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

/* Unless it is armed already, or nothing can come of it. */
static void arm_retry(Overrides *o) {
        const StateStore *store = o->control->store;
        int r;

        if (o->retry || (!store->persistent_stale && (!store->runtime_stale || store->runtime_problem)))
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
        char *text = NULL;
        int r;

        r = state_format_file(o->control->world.state.persistent, &text);
        return r < 0 ? r : start_writing(o, writing, text);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Overrides *o = userdata;
        StateStore *store = o->control->store;
        int r;

        o->retry = sd_event_source_disable_unref(o->retry);
        o->retry_usec = o->retry_usec < RETRY_MAX_USEC / 2 ? o->retry_usec * 2 : RETRY_MAX_USEC;

        if (store->runtime_stale && !store->runtime_problem && state_store_save_runtime(store) >= 0)
                log_info("State file %s is up to date again.", store->runtime_path);

        /* A change that is under way writes the whole file, or restores it. */
        if (store->persistent_stale && o->writing == WRITING_NOTHING) {
                r = write_memory(o, WRITING_RETRY);
                if (r < 0)
                        log_error_errno(r, "Cannot write the state file %s: %m", store->persistent_path);
        }

        if (!store->persistent_stale && !store->runtime_stale)
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

        log_error_errno(r, "Cannot restore the state file %s, trying again: %m", path);
        override_request_set_result(
                q, q->result, "%s. %s could not be restored yet: %s", strempty(before), path, strerror(-r));

        state_store_persistent_is_stale(o->control->store);
        finish(o);
}

static void restore(Overrides *o) {
        int r;

        r = write_memory(o, WRITING_RESTORE);
        if (r < 0)
                restoring_failed(o, r);
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

        /* The file is the memory's content now, whatever it was before. */
        control->store->persistent_stale = false;
        finish(o);
}

static void change_not_saved(Overrides *o, int error, bool replaced) {
        log_error_errno(error, "Cannot write the state file %s: %m", o->control->store->persistent_path);
        override_request_not_saved(o->request, strerror(-error));
        /* Nothing has changed, but for the file, maybe. */
        if (replaced)
                restore(o);
        else
                finish(o);
}

static void retried(Overrides *o, int error) {
        StateStore *store = o->control->store;

        if (error < 0)
                log_error_errno(error, "Cannot write the state file %s: %m", store->persistent_path);
        else {
                store->persistent_stale = false;
                o->retry_usec = RETRY_MIN_USEC;
                log_info("State file %s is up to date again.", store->persistent_path);
        }
        finish(o);
}

static void on_written(int error, bool replaced, void *userdata) {
        Overrides *o = userdata;

        switch (o->writing) {

        case WRITING_CHANGE:
                if (error < 0)
                        change_not_saved(o, error, replaced);
                else
                        change_saved(o);
                return;

        case WRITING_RESTORE:
                if (error < 0)
                        restoring_failed(o, error);
                else {
                        o->control->store->persistent_stale = false;
                        finish(o);
                }
                return;

        case WRITING_RETRY:
                retried(o, error);
                return;

        case WRITING_NOTHING:
                return;
        }
}

/* Takes text over. */
static int start_writing(Overrides *o, Writing writing, char *text) {
        int r;

        r = disk_writer_replace(o->writer, o->control->store->persistent_path, text, on_written, o);
        if (r >= 0)
                o->writing = writing;
        return r;
}

/* Takes the request over. */
static void save_first(Overrides *o, OverrideRequest *q, char *text) {
        const StateStore *store = o->control->store;
        _cleanup_free_ char *owned = text;
        int r;

        if (store->persistent_problem) {
                override_request_not_saved(q, store->persistent_problem);
                override_request_end(q);
                return;
        }

        r = start_writing(o, WRITING_CHANGE, TAKE_PTR(owned));
        if (r < 0) {
                log_error_errno(r, "Cannot write the state file %s: %m", store->persistent_path);
                override_request_not_saved(q, strerror(-r));
                override_request_end(q);
                return;
        }

        o->request = q;
}

/* Takes the request over. */
static void begin(Overrides *o, OverrideRequest *q) {
        char *text = NULL;
        int r;

        r = state_store_plan_list(o->control->store, q->list, &text);
        if (r >= 0 && text) {
                save_first(o, q, text);
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

        log_error("State file %s is not written yet, stopping nevertheless.",
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
