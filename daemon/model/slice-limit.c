/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cgroup-path.h"
#include "quota.h"
#include "slice-limit.h"
#include "vm-policy.h"
#include "vm.h"

const char *slice_source_to_string(SliceSource source) {
        static const char *const table[_SLICE_SOURCE_MAX] = {
                [SLICE_SOURCE_RUNTIME] = "runtime",
                [SLICE_SOURCE_PERSISTENT] = "persistent",
                [SLICE_SOURCE_CONFIG] = "config",
                [SLICE_SOURCE_NONE] = "none",
        };

        return (unsigned) source < _SLICE_SOURCE_MAX ? table[source] : NULL;
}

SliceLimit *slice_limit_find(const World *w, const char *name) {
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &w->slice_limits, entries)
                if (streq(slice->name, name))
                        return slice;

        return NULL;
}

static const uint32_t *find_override(const State *state, const char *name) {
        const StateSlice *slice = state_find_slice(state, name);

        return slice && slice->limit_set ? &slice->limit : NULL;
}

SliceOverrides slice_get_overrides(const World *w, const char *name) {
        return (SliceOverrides) {
                .runtime = find_override(w->state.runtime, name),
                .persistent = find_override(w->state.persistent, name),
        };
}

uint32_t slice_resolve(
        const World *w, const char *name, const SliceOverrides *overrides, SliceSource *ret_source) {
        const ConfigSlice *section = config_find_slice(w->config, name);
        SliceSource source = SLICE_SOURCE_NONE;
        uint32_t limit = LIMIT_NONE;

        if (overrides->runtime) {
                source = SLICE_SOURCE_RUNTIME;
                limit = *overrides->runtime;
        } else if (overrides->persistent) {
                source = SLICE_SOURCE_PERSISTENT;
                limit = *overrides->persistent;
        } else if (section && section->limit_set) {
                source = SLICE_SOURCE_CONFIG;
                limit = section->limit;
        }

        if (ret_source)
                *ret_source = source;
        return limit;
}

uint64_t slice_committed(const World *w, const char *slice, const char *except_uuid) {
        uint64_t sums[_MISC_RESOURCE_MAX] = {};
        const VM *vm;

        TAILQ_FOREACH (vm, &w->vms, entries)
                if (!streq_ptr(vm->uuid, except_uuid) && vm_is_in_slice(vm, slice))
                        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                                sums[i] += vm_committed(vm, i);

        return sums[MISC_PASID_ATTACH] > sums[MISC_PASID] ? sums[MISC_PASID_ATTACH] : sums[MISC_PASID];
}

uint64_t slice_limit_committed(const SliceLimit *slice) {
        return slice_committed(slice->world, slice->name, NULL);
}

/* The name of a parent is a prefix of its children's names, so this sorts parents before children. */
static void insert_sorted(World *w, SliceLimit *slice) {
        SliceLimit *other;

        TAILQ_FOREACH (other, &w->slice_limits, entries)
                if (strlen(other->name) > strlen(slice->name)) {
                        TAILQ_INSERT_BEFORE(other, slice, entries);
                        return;
                }

        TAILQ_INSERT_TAIL(&w->slice_limits, slice, entries);
}

int slice_limit_new(World *w, const char *name, SliceLimit **ret) {
        SliceLimit *slice;
        int r;

        slice = calloc(1, sizeof(*slice));
        if (!slice)
                return -ENOMEM;

        slice->world = w;
        limit_init(&slice->misc_max, LIMIT_SLICE);
        slice->limit = LIMIT_NONE;
        slice->source = SLICE_SOURCE_NONE;
        slice->announced_limit = slice->limit;
        slice->announced_source = slice->source;
        slice->name = strdup(name);
        r = slice->name ? cgroup_path_from_slice(name, &slice->cgroup) : -ENOMEM;
        if (r < 0) {
                free(slice->name);
                free(slice);
                return r;
        }

        insert_sorted(w, slice);
        *ret = slice;
        return 0;
}

SliceLimit *slice_limit_free(SliceLimit *slice) {
        TAILQ_REMOVE(&slice->world->slice_limits, slice, entries);
        free(slice->name);
        free(slice->cgroup);
        limit_done(&slice->misc_max);
        free(slice);
        return NULL;
}
