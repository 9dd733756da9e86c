/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdarg.h>

#include "cgroup.h"
#include "change-list.h"
#include "file-util.h"
#include "slice-watch.h"
#include "sysfs.h"
#include "vm-life.h"
#include "vm-write.h"

int vm_explain_error(char **ret_error, int r, const char *format, ...) {
        _cleanup_free_ char *what = NULL;
        va_list ap;
        int k;

        if (*ret_error)
                return r;

        va_start(ap, format);
        k = vasprintf(&what, format, ap);
        va_end(ap);
        if (k < 0) {
                what = NULL;
                return r;
        }

        if (r < 0)
                k = asprintf(ret_error, "%s: %s", what, strerror(-r));
        else
                *ret_error = TAKE_PTR(what);
        if (k < 0)
                *ret_error = NULL;

        return r;
}

bool vm_has_limit(const VM *vm) {
        return vm->kind != VM_KIND_SET && vm->cgroup && world_has_limits(vm->world);
}

uint64_t vm_limit_with(const VM *vm, uint32_t quota) {
        uint64_t limit = quota;
        const VM *other;

        TAILQ_FOREACH (other, &vm->life->control->world.vms, entries)
                if (vm_shares_cgroup(vm, other))
                        limit += other->policy.quota;

        return limit;
}

bool vm_cgroup_is_shared(const VM *vm) {
        const VM *other;

        TAILQ_FOREACH (other, &vm->life->control->world.vms, entries)
                if (vm_shares_cgroup(vm, other))
                        return true;

        return false;
}

int vm_limit_error(const VM *vm, int r, char **ret_error) {
        uint64_t id;

        if (!errno_is_gone(r))
                return vm_explain_error(ret_error, r, "%s/misc.max", vm->cgroup);

        if (cgroup_get_id(vm->life->control->root, vm->cgroup, &id) < 0) {
                log_debug("Cgroup %s is gone.", vm->cgroup);
                return 0;
        }

        /* VMs elsewhere are limited by their sets. */
        if (!slice_watch_covers(vm->life->control->slices, vm->cgroup))
                return 0;

        (void) vm_explain_error(ret_error, 0, "the misc controller is not enabled for %s", vm->cgroup);
        return -EOPNOTSUPP;
}

/* Somebody may want to know what writing changed. */
static void note_set(
        const VM *vm, uint64_t id, const char *attribute, bool known, uint32_t before, uint32_t now) {
        char what[sizeof("set 18446744073709551615 watermark")];

        if (!known || before == now)
                return;

        snprintf(what, sizeof(what), "set %" PRIu64 " %s", id, attribute);
        change_list_note_number(vm->life->control->recording, vm, what, before, now);
}

int vm_write_set(const VM *vm, const Set *set, const PolicyResult *policy, char **ret_error) {
        const char *root = vm->life->control->root;
        bool recording = vm->life->control->recording, known;
        uint64_t id = set->kernel.id;
        uint32_t before = 0;
        int r;

        known = recording && sysfs_set_read_quota(root, id, &before) >= 0;
        r = sysfs_set_write_quota(root, id, policy->quota);
        if (r < 0 && !errno_is_gone(r))
                return vm_explain_error(ret_error, r, "quota of set %" PRIu64, id);
        note_set(vm, id, "quota", known && r >= 0, before, policy->quota);

        known = recording && sysfs_set_read_watermark(root, id, &before) >= 0;
        r = sysfs_set_write_watermark(root, id, policy->watermark);
        if (r < 0 && !errno_is_gone(r))
                return vm_explain_error(ret_error, r, "watermark of set %" PRIu64, id);
        note_set(vm, id, "watermark", known && r >= 0, before, policy->watermark);

        return 0;
}

static int write_limit(const VM *vm, const PolicyResult *policy, char **ret_error) {
        uint64_t limit = vm_limit_with(vm, policy->quota);
        Control *control = vm->life->control;
        MiscValues before;
        int r;

        r = cgroup_set_limit(control->root, vm->cgroup, limit, &before);
        if (r < 0)
                return vm_limit_error(vm, r, ret_error);

        change_list_note_limit(control->recording, vm, NULL, vm->cgroup, &before, limit);

        return 0;
}

int vm_write_all(const VM *vm, const PolicyResult *policy, char **ret_error) {
        Set *set;
        int r, ret = 0;

        if (vm_has_limit(vm))
                ret = write_limit(vm, policy, ret_error);

        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                r = vm_write_set(vm, set, policy, ret_error);
                if (r < 0 && ret >= 0)
                        ret = r;
        }

        return ret;
}
