/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "set.h"
#include "vm.h"
#include "world.h"

const char *default_source_to_string(DefaultSource source) {
        static const char *const table[] = {
                [DEFAULT_SOURCE_RUNTIME] = "runtime",
                [DEFAULT_SOURCE_PERSISTENT] = "persistent",
                [DEFAULT_SOURCE_CONFIG] = "config",
        };

        return table[source];
}

void world_init(World *w, ChangesHandler pending, void *userdata) {
        *w = (World) {};
        TAILQ_INIT(&w->vms);
        TAILQ_INIT(&w->sets);
        TAILQ_INIT(&w->slice_limits);
        changes_init(&w->changes, pending, userdata);
}

void world_done(World *w) {
        changes_done(&w->changes);
}

bool world_has_limits(const World *w) {
        return w->capacity > 0 || w->counts_attached;
}

bool world_limits_differ(
        const World *w, const MiscValues *limits, uint64_t limit, MiscResource *ret_resource) {
        MiscValues written = *limits;

        if (w->capacity == 0)
                written.present[MISC_PASID] = false;
        if (!w->counts_attached)
                written.present[MISC_PASID_ATTACH] = false;

        return misc_values_differ(&written, limit, ret_resource);
}

uint32_t world_default_quota(const World *w, DefaultSource *ret_source) {
        DefaultSource source = DEFAULT_SOURCE_CONFIG;
        uint32_t quota = w->config->default_quota;

        if (w->state.runtime->default_quota_set) {
                source = DEFAULT_SOURCE_RUNTIME;
                quota = w->state.runtime->default_quota;
        } else if (w->state.persistent->default_quota_set) {
                source = DEFAULT_SOURCE_PERSISTENT;
                quota = w->state.persistent->default_quota;
        }

        if (ret_source)
                *ret_source = source;
        return quota;
}

bool world_is_reconciled(const World *w) {
        const Set *set;

        if (!w->sets_complete || w->machines == MACHINES_UNKNOWN)
                return false;

        TAILQ_FOREACH (set, &w->sets, entries)
                if (set->match == SET_MATCH_ASKING)
                        return false;

        return true;
}
