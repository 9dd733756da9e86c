/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "events.h"
#include "machined.h"
#include "quota.h"
#include "reconcile.h"
#include "slice-limit.h"
#include "sysfs.h"
#include "vm-machine.h"
#include "vm-quota.h"

#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

typedef struct Change {
        char *kind, *id, *name, *what, *before, *after;
} Change;

/* One that is under way. */
struct Reconciliation {
        bool sets_pending, machines_pending;
        sd_bus_message **waiting; /* method calls */
        size_t n_waiting;
        Change *changes; /* while somebody waits for them */
        size_t n_changes;
};

static void change_done(Change *c) {
        free(c->kind);
        free(c->id);
        free(c->name);
        free(c->what);
        free(c->before);
        free(c->after);
}

void reconcile_forget_messages(Manager *m) {
        Reconciliation *r = m->reconciliation;

        if (!r)
                return;

        for (size_t i = 0; i < r->n_waiting; i++)
                sd_bus_message_unref(r->waiting[i]);
        r->n_waiting = 0;
        r->machines_pending = false;
}

void reconcile_free(Manager *m) {
        Reconciliation *r = m->reconciliation;

        if (!r)
                return;

        reconcile_forget_messages(m);
        free(r->waiting);
        for (size_t i = 0; i < r->n_changes; i++)
                change_done(&r->changes[i]);
        free(r->changes);
        free(r);
        m->reconciliation = NULL;
}

bool reconcile_is_recording(const Manager *m) {
        return m->reconciliation && m->reconciliation->n_waiting > 0;
}

static char *copy(const char *s) {
        return strdup(strempty(s));
}

void reconcile_note(Manager *m, const char *kind, const char *id, const char *name, const char *what,
        const char *before, const char *after) {
        Reconciliation *r = m->reconciliation;
        Change *changes, *c;

        if (!reconcile_is_recording(m))
                return;

        changes = reallocarray(r->changes, r->n_changes + 1, sizeof(Change));
        if (!changes) {
                log_oom();
                return;
        }
        r->changes = changes;

        c = &changes[r->n_changes++];
        *c = (Change) {
                .kind = copy(kind),
                .id = copy(id),
                .name = copy(name),
                .what = copy(what),
                .before = copy(before),
                .after = copy(after),
        };
        if (!c->kind || !c->id || !c->name || !c->what || !c->before || !c->after) {
                change_done(&changes[--r->n_changes]);
                log_oom();
        }
}

void reconcile_note_number(Manager *m, const VM *vm, const char *what, uint64_t before, uint64_t after) {
        char old[sizeof("18446744073709551615")], new[sizeof("18446744073709551615")];

        snprintf(old, sizeof(old), "%" PRIu64, before);
        snprintf(new, sizeof(new), "%" PRIu64, after);
        reconcile_note(m, vm ? "vm" : "host", vm ? vm->uuid : "", vm ? vm->name : "", what, old, new);
}

static void note_line(Manager *m, const VM *vm, const char *slice, const char *cgroup, MiscResource resource,
        uint64_t before, uint64_t after) {
        char old[MISC_VALUE_SIZE], new[MISC_VALUE_SIZE];
        _cleanup_free_ char *what = NULL;

        if (asprintf(&what, "%s/%s", cgroup, misc_max_name(resource)) < 0) {
                what = NULL;
                log_oom();
                return;
        }

        reconcile_note(m, vm ? "vm" : "slice", vm ? vm->uuid : slice, vm ? vm->name : slice, what,
                misc_value_format(before, old), misc_value_format(after, new));
}

void reconcile_note_limit(Manager *m, const VM *vm, const char *slice, const char *cgroup,
        const MiscValues *before, uint64_t after) {
        if (!reconcile_is_recording(m))
                return;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                if (before->present[i] && before->value[i] != after)
                        note_line(m, vm, slice, cgroup, i, before->value[i], after);
}

static int append_changes(sd_bus_message *reply, const Reconciliation *r) {
        int k;

        k = sd_bus_message_open_container(reply, 'a', "(ssssss)");
        for (size_t i = 0; k >= 0 && i < r->n_changes; i++) {
                const Change *c = &r->changes[i];

                k = sd_bus_message_append(
                        reply, "(ssssss)", c->kind, c->id, c->name, c->what, c->before, c->after);
        }
        if (k < 0)
                return k;

        return sd_bus_message_close_container(reply);
}

static void answer(sd_bus_message *message, const Reconciliation *r) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int k;

        k = sd_bus_message_new_method_return(message, &reply);
        if (k >= 0)
                k = append_changes(reply, r);
        if (k >= 0)
                k = sd_bus_message_send(reply);
        if (k < 0) {
                log_debug_errno(k, "Cannot answer a method call, ignoring: %m");
                (void) sd_bus_reply_method_errno(message, k, NULL);
        }
}

static void tell_foreign_default(Manager *m, uint32_t value, uint32_t quota) {
        const char *action = foreign_change_to_string(m->config->foreign_change);
        unsigned suppressed;

        if (!ratelimit_below(
                    &m->default_log, manager_now(m), FOREIGN_INTERVAL_USEC, FOREIGN_BURST, &suppressed))
                return;

        const EventDetail details[] = {
                { .name = "what", .type = 's', .text = "default_quota" },
                { .name = "value", .type = 't', .number = value },
                { .name = "quota", .type = 'u', .number = quota },
                { .name = "action", .type = 's', .text = action },
                { .name = "suppressed", .type = 't', .number = suppressed },
        };
        events_add(m, EVENT_FOREIGN_CHANGE,
                &(EventFacts) { .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                "Somebody else set default_quota of the kernel to %" PRIu32 " instead of %" PRIu32
                ", policy is to %s that (%u more not logged).",
                value, quota, action, suppressed);
}

static int adopt_default(Manager *m, uint32_t value) {
        uint32_t runtime = value < QUOTA_MAX ? value : QUOTA_MAX;
        uint32_t persistent = m->state.persistent->default_quota;
        int r;

        r = state_store_set_default(
                &m->state, &runtime, m->state.persistent->default_quota_set ? &persistent : NULL);
        if (r < 0)
                return r;

        manager_queue_changes(m, MANAGER_CHANGED_DEFAULT);
        r = manager_apply_default_quota(m);
        manager_apply_all(m);
        return r;
}

/*
 * Nothing announces a write of default_quota: it is compared here. A value that was never written by pasidd is a failure
 * and not a change of somebody's. Returns true when there is nothing left to write.
 */
static bool default_is_foreign(Manager *m, uint32_t value, uint32_t quota) {
        int r;

        if (!m->default_known || m->default_told != quota)
                return false;
        if (m->default_foreign)
                return true;

        tell_foreign_default(m, value, quota);
        switch (m->config->foreign_change) {

        case FOREIGN_CHANGE_ADOPT:
                r = adopt_default(m, value);
                if (r < 0)
                        log_warning_errno(r, "Cannot adopt the default quota: %m");
                return r >= 0;

        case FOREIGN_CHANGE_REPORT:
                m->default_foreign = true;
                return true;

        default:
                return false;
        }
}

/* asked: as vm_reconcile(). */
static void reconcile_host(Manager *m, bool asked) {
        uint32_t quota = manager_default_quota(m, NULL), before = 0;
        bool known = sysfs_read_default_quota(m->root, &before) >= 0;

        if (known && before == quota) {
                m->default_foreign = false;
                return;
        }

        if (known && (!asked || m->config->foreign_change == FOREIGN_CHANGE_ADOPT) &&
                default_is_foreign(m, before, quota))
                return;

        if (manager_apply_default_quota(m) >= 0)
                reconcile_note_number(m, NULL, "default_quota", before, quota);
}

/* Everything is known. asked: somebody wants it all as it should be, also what was left to somebody else. */
static void go_through_all(Manager *m, bool asked) {
        VM *vm, *next;

        reconcile_host(m, asked);
        slice_limits_reconcile(m, asked);
        for (vm = TAILQ_FIRST(&m->vms); vm; vm = next) {
                next = TAILQ_NEXT(vm, entries);
                vm_reconcile(vm, asked);
        }
}

static void check_done(Manager *m) {
        Reconciliation *r = m->reconciliation;

        if (!r || r->sets_pending || r->machines_pending)
                return;

        go_through_all(m, r->n_waiting > 0);

        for (size_t i = 0; i < r->n_waiting; i++)
                answer(r->waiting[i], r);
        reconcile_free(m);
}

static int begin(Manager *m) {
        if (!m->reconciliation) {
                m->reconciliation = calloc(1, sizeof(Reconciliation));
                if (!m->reconciliation)
                        return -ENOMEM;
        }

        return 0;
}

void reconcile_expect_sets(Manager *m) {
        if (begin(m) < 0)
                log_oom();
        else
                m->reconciliation->sets_pending = true;
}

void reconcile_sets_listed(Manager *m) {
        if (!m->reconciliation)
                return;

        m->reconciliation->sets_pending = false;
        check_done(m);
}

void reconcile_machines_listed(Manager *m) {
        if (!m->reconciliation)
                return;

        m->reconciliation->machines_pending = false;
        check_done(m);
}

/* Looks at everything anew. Answers may be under way already; these come later. */
static void look(Manager *m) {
        Reconciliation *r = m->reconciliation;

        vm_machines_check_unregistered(m);
        if (m->slices)
                slice_watch_rescan(m->slices);
        r->sets_pending = m->kernel_present && kernel_source_resync(m->kernel) >= 0;
        if (m->machined) {
                r->machines_pending = true;
                machined_list_again(m->machined);
        }
        check_done(m);
}

void reconcile_begin(Manager *m, const char *why) {
        log_debug("Comparing what is with what should be: %s.", why);
        if (begin(m) < 0) {
                log_oom();
                return;
        }
        look(m);
}

int reconcile_for(Manager *m, sd_bus_message *message) {
        sd_bus_message **waiting;
        Reconciliation *r;

        if (begin(m) < 0)
                return -ENOMEM;

        r = m->reconciliation;
        waiting = reallocarray(r->waiting, r->n_waiting + 1, sizeof(sd_bus_message *));
        if (!waiting)
                return -ENOMEM;
        r->waiting = waiting;
        waiting[r->n_waiting++] = sd_bus_message_ref(message);

        look(m);
        return 1;
}
