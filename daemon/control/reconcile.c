/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change-list.h"
#include "default-quota.h"
#include "kernel-source.h"
#include "log.h"
#include "machined.h"
#include "reconcile.h"
#include "slice-limits.h"
#include "slice-watch.h"
#include "vm-machine.h"
#include "vm-quota.h"

/* A reconciliation in progress. */
struct Reconciliation {
        bool sets_pending, machines_pending;
        bool for_caller;    /* a caller waits for the result … */
        ChangeList changes; /* … which is this */
};

void reconcile_forget_caller(Control *control) {
        Reconciliation *r = control->reconciliation;

        if (!r)
                return;

        r->for_caller = false;
        r->machines_pending = false;
        control->recording = NULL;
}

void reconcile_free(Control *control) {
        Reconciliation *r = control->reconciliation;

        if (!r)
                return;

        control->recording = NULL;
        change_list_done(&r->changes);
        free(r);
        control->reconciliation = NULL;
}

/* force: on request of a caller, also overwrite foreign values. */
static void reconcile_all(Control *control, bool force) {
        VM *vm, *next;

        default_quota_reconcile(control, force, NULL);
        slice_limits_reconcile(control, force);
        for (vm = TAILQ_FIRST(&control->world.vms); vm; vm = next) {
                next = TAILQ_NEXT(vm, entries);
                vm_reconcile(vm, force, NULL);
        }
}

static void check_done(Control *control) {
        Reconciliation *r = control->reconciliation;

        if (!r || r->sets_pending || r->machines_pending)
                return;

        reconcile_all(control, r->for_caller);

        if (r->for_caller)
                control->handlers->reconciled(&r->changes, control->userdata);
        reconcile_free(control);
}

static int begin(Control *control) {
        if (!control->reconciliation) {
                control->reconciliation = calloc(1, sizeof(Reconciliation));
                if (!control->reconciliation)
                        return -ENOMEM;
        }

        return 0;
}

void reconcile_expect_sets(Control *control) {
        if (begin(control) < 0)
                log_oom();
        else
                control->reconciliation->sets_pending = true;
}

void reconcile_sets_complete(Control *control) {
        if (!control->reconciliation)
                return;

        control->reconciliation->sets_pending = false;
        check_done(control);
}

void reconcile_machines_complete(Control *control) {
        if (!control->reconciliation)
                return;

        control->reconciliation->machines_pending = false;
        check_done(control);
}

/* Requests all data again. If an answer is pending already, the new one comes after it. */
static void request_all(Control *control) {
        Reconciliation *r = control->reconciliation;

        vm_machines_check_unregistered(control);
        if (control->slices)
                slice_watch_rescan(control->slices);
        r->sets_pending = control->world.kernel_present && kernel_source_resync(control->kernel) >= 0;
        if (control->peers.machined) {
                r->machines_pending = true;
                machined_list_again(control->peers.machined);
        }
        check_done(control);
}

void reconcile_begin(Control *control, const char *reason) {
        log_debug("Reconciling: %s.", reason);
        if (begin(control) < 0) {
                log_oom();
                return;
        }
        request_all(control);
}

int reconcile_for_caller(Control *control) {
        Reconciliation *r;

        if (begin(control) < 0)
                return -ENOMEM;

        r = control->reconciliation;
        r->for_caller = true;
        control->recording = &r->changes;
        request_all(control);
        return 0;
}
