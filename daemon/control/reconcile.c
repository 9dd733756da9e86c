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

/* One that is under way. */
struct Reconciliation {
        bool sets_pending, machines_pending;
        bool for_caller;    /* somebody waits for what is changed … */
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

/* Everything is known. asked: somebody wants it all as it should be, also what was left to somebody else. */
static void go_through_all(Control *control, bool asked) {
        VM *vm, *next;

        default_quota_reconcile(control, asked, NULL);
        slice_limits_reconcile(control, asked);
        for (vm = TAILQ_FIRST(&control->world.vms); vm; vm = next) {
                next = TAILQ_NEXT(vm, entries);
                vm_reconcile(vm, asked, NULL);
        }
}

static void check_done(Control *control) {
        Reconciliation *r = control->reconciliation;

        if (!r || r->sets_pending || r->machines_pending)
                return;

        go_through_all(control, r->for_caller);

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

void reconcile_sets_listed(Control *control) {
        if (!control->reconciliation)
                return;

        control->reconciliation->sets_pending = false;
        check_done(control);
}

void reconcile_machines_listed(Control *control) {
        if (!control->reconciliation)
                return;

        control->reconciliation->machines_pending = false;
        check_done(control);
}

/* Looks at everything anew. Answers may be under way already; these come later. */
static void look(Control *control) {
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

void reconcile_begin(Control *control, const char *why) {
        log_debug("Comparing what is with what should be: %s.", why);
        if (begin(control) < 0) {
                log_oom();
                return;
        }
        look(control);
}

int reconcile_for_caller(Control *control) {
        Reconciliation *r;

        if (begin(control) < 0)
                return -ENOMEM;

        r = control->reconciliation;
        r->for_caller = true;
        control->recording = &r->changes;
        look(control);
        return 0;
}
