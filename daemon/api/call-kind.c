/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-error.h"
#include "bus-names.h"
#include "call-kind.h"
#include "call-limits.h"
#include "event-log.h"
#include "slice-limit.h"
#include "vm-path.h"

/* Generous estimates, with headers, alignment, and names of properties. */
#define REPLY_SIZE      2048U
#define VM_SIZE         2048U
#define SET_SIZE        64U
#define NODE_SIZE       512U
#define EVENT_SIZE      768U
#define OVERRIDE_SIZE   1024U
#define SLICE_SIZE      1024U
#define CANDIDATE_SIZE  1024U
#define METRICS_SIZE    2048U
#define INTROSPECT_SIZE 32768U

static uint64_t metadata_size(const Metadata *metadata) {
        uint64_t size = 0;

        for (size_t i = 0; i < metadata->n_items; i++)
                size += 16 + strlen(metadata->items[i].key) + strlen(metadata->items[i].value);

        return size;
}

/* Without metadata. */
static uint64_t vm_size(const VM *vm) {
        return VM_SIZE + vm->n_sets * SET_SIZE + strlen(strempty(vm->name)) +
               strlen(strempty(vm->place.unit)) + strlen(strempty(vm->place.slice)) +
               strlen(strempty(vm->place.cgroup)) + strlen(strempty(vm->quota.error));
}

static uint64_t size_of_objects(Api *api, sd_bus_message *call) {
        const State *runtime = api->world->state.runtime;
        uint64_t size = 0;
        const VM *vm;

        TAILQ_FOREACH (vm, &api->world->vms, entries)
                size += vm_size(vm);
        for (size_t i = 0; i < runtime->n_entries; i++)
                size += metadata_size(&runtime->entries[i].announced.domain);

        return size;
}

static uint64_t size_of_properties(Api *api, sd_bus_message *call) {
        const VM *vm = vm_find_by_path(api->world, sd_bus_message_get_path(call));
        const Announcement *a = vm ? state_get_announcement(api->world->state.runtime, vm->key) : NULL;

        return (vm ? vm_size(vm) : 0) + (a ? metadata_size(&a->domain) : 0);
}

static uint64_t size_of_nodes(Api *api, sd_bus_message *call) {
        return INTROSPECT_SIZE + api->world->n_vms * NODE_SIZE;
}

static uint64_t size_of_vm_list(Api *api, sd_bus_message *call) {
        return api->world->n_vms * NODE_SIZE;
}

static uint64_t size_of_metrics(Api *api, sd_bus_message *call) {
        return api->world->n_vms * METRICS_SIZE;
}

static uint64_t size_of_events(Api *api, sd_bus_message *call) {
        const Event *event;
        uint64_t size = 0;

        for (event = event_log_next(api->control->events, 0); event;
                event = event_log_next(api->control->events, event->sequence))
                size += EVENT_SIZE + strlen(strempty(event->message));

        return size;
}

static uint64_t size_of_overrides(Api *api, sd_bus_message *call) {
        return (api->world->state.runtime->n_entries + api->world->state.persistent->n_entries +
                       api->world->state.runtime->n_slices + api->world->state.persistent->n_slices) *
               OVERRIDE_SIZE;
}

static uint64_t size_of_slices(Api *api, sd_bus_message *call) {
        const SliceLimit *slice;
        uint64_t size = 0;

        TAILQ_FOREACH (slice, &api->world->slice_limits, entries)
                size += SLICE_SIZE;

        return size;
}

static uint64_t size_of_candidates(Api *api, sd_bus_message *call) {
        return (api->world->config->n_rules + 8) * CANDIDATE_SIZE;
}

/* By member only, because calls may omit the interface. Other members change nothing and have small replies. */
static const struct {
        const char *member;
        bool changes;
        uint64_t (*size)(Api *api, sd_bus_message *call);
} kinds[] = {
        { "SetQuota", true },
        { "ResetQuota", true },
        { "SetDefaultQuota", true },
        { "ResetDefaultQuota", true },
        { "SetSliceQuota", true },
        { "ResetSliceQuota", true },
        { "SetOverride", true },
        { "SetOverrides", true },
        { "Reserve", true },
        { "Release", true },
        { "Reload", true },
        { "Reconcile", true },
        { "Subscribe", true },
        { "Unsubscribe", true },
        { "Set", true }, /* org.freedesktop.DBus.Properties */
        { "GetManagedObjects", false, size_of_objects },
        { "Get", false, size_of_properties },
        { "GetAll", false, size_of_properties },
        { "Introspect", false, size_of_nodes },
        { "ListVMs", false, size_of_vm_list },
        { "ListEvents", false, size_of_events },
        { "ListOverrides", false, size_of_overrides },
        { "ListSlices", false, size_of_slices },
        { "Explain", false, size_of_candidates },
        { "GetMetrics", false, size_of_metrics },
};

bool call_changes_something(sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call);

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq_ptr(kinds[i].member, member))
                        return kinds[i].changes;

        return false;
}

size_t call_size_max(sd_bus_message *call) {
        return streq_ptr(sd_bus_message_get_member(call), "SetOverrides") &&
                               sd_bus_message_has_signature(call, PASIDD_SET_OVERRIDES_SIGNATURE) > 0
                       ? CALL_OVERRIDES_SIZE_MAX
                       : CALL_ARGUMENTS_SIZE_MAX;
}

size_t call_places(sd_bus_message *call) {
        return call_size_max(call) / CALL_ARGUMENTS_SIZE_MAX;
}

uint64_t call_reply_size(Api *api, sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call);

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq_ptr(kinds[i].member, member) && kinds[i].size)
                        return REPLY_SIZE + kinds[i].size(api, call);

        return REPLY_SIZE;
}

static int measure(sd_bus_message *message, size_t *left);

static int measure_container(sd_bus_message *message, char type, const char *contents, size_t *left) {
        int r;

        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;

        r = measure(message, left);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(message);
}

/* Measures the rest of the container. Returns -E2BIG if it takes more than *left. */
static int measure(sd_bus_message *message, size_t *left) {
        for (;;) {
                const char *contents, *s = NULL;
                uint64_t value;
                size_t size;
                char type;
                int r;

                r = sd_bus_message_peek_type(message, &type, &contents);
                if (r <= 0)
                        return r;

                if (strchr("aver", type)) {
                        /* Only a variant carries its type signature. */
                        size = 8 + (type == SD_BUS_TYPE_VARIANT ? strlen(contents) : 0);
                        r = measure_container(message, type, contents, left);
                } else if (strchr("sog", type)) {
                        r = sd_bus_message_read_basic(message, type, &s);
                        size = 8 + (r > 0 ? strlen(s) : 0);
                } else {
                        size = 8;
                        r = sd_bus_message_read_basic(message, type, &value);
                }
                if (r < 0)
                        return r;

                if (size > *left)
                        return -E2BIG;
                *left -= size;
        }
}

int call_check_size(sd_bus_message *message, size_t *ret_size, sd_bus_error *error) {
        size_t max = call_size_max(message), left = max;
        int r;

        r = sd_bus_message_rewind(message, true);
        if (r >= 0)
                r = measure(message, &left);
        if (r == -E2BIG)
                return bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS, "The arguments take more than %zu bytes.", max);
        if (r < 0)
                return r;

        *ret_size = max - left;
        return 0;
}
