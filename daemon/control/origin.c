/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "origin.h"
#include "slice-limits.h"
#include "state-store.h"
#include "vm-life.h"

int vm_policy_origin(const VM *vm, const PolicyResult *policy, char **ret) {
        const Control *control = vm->life->control;
        DefaultSource source;
        const char *origin = "";
        char *s;
        int r;

        switch (policy->source) {

        case QUOTA_SOURCE_RUNTIME:
                origin = control->store->runtime_path;
                break;

        case QUOTA_SOURCE_PERSISTENT:
                origin = control->store->persistent_path;
                break;

        case QUOTA_SOURCE_METADATA:
                origin = "the libvirt domain's metadata";
                break;

        case QUOTA_SOURCE_RULE:
                r = asprintf(&s, "%s (%s:%u)", policy->rule->name, policy->rule->file, policy->rule->line);
                if (r < 0)
                        return -ENOMEM;

                *ret = s;
                return 0;

        case QUOTA_SOURCE_DEFAULT:
                (void) world_default_quota(&control->world, &source);
                origin = source == DEFAULT_SOURCE_RUNTIME      ? control->store->runtime_path
                         : source == DEFAULT_SOURCE_PERSISTENT ? control->store->persistent_path
                                                               : "DefaultQuota=";
                break;

        default:
                break;
        }

        s = strdup(origin);
        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

int vm_quota_origin(const VM *vm, char **ret) {
        return vm_policy_origin(vm, &vm->policy, ret);
}

int slice_limit_origin(const SliceLimit *slice, char **ret) {
        const Control *control = slice->guard->control;
        const ConfigSlice *section;
        char *s;

        if (slice->source == SLICE_SOURCE_CONFIG) {
                section = config_find_slice(control->world.config, slice->name);
                if (asprintf(&s, "%s:%u", section->file, section->line) < 0)
                        return -ENOMEM;
        } else {
                s = strdup(slice->source == SLICE_SOURCE_RUNTIME      ? control->store->runtime_path
                           : slice->source == SLICE_SOURCE_PERSISTENT ? control->store->persistent_path
                                                                      : "");
                if (!s)
                        return -ENOMEM;
        }

        *ret = s;
        return 0;
}
