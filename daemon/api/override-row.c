/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "bus-error.h"
#include "bus-options.h"
#include "override-row.h"
#include "slice-bus.h"
#include "unit-path.h"
#include "utf8.h"
#include "vm.h"

static int refuse_watermark(const OverrideRow *row, const char *kind, sd_bus_error *error) {
        if (!row->setting.watermark_set)
                return 0;

        return bus_error_setf(
                error, SD_BUS_ERROR_INVALID_ARGS, "An override of kind \"%s\" has no watermark.", kind);
}

static int check_default(const OverrideRow *row, sd_bus_error *error) {
        int r;

        if (!isempty(row->key))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "The default has an empty key, not \"%s\".", row->key);
        r = refuse_watermark(row, OVERRIDE_KIND_DEFAULT, error);
        if (r >= 0)
                r = bus_check_quota("Quota", row->setting.quota, error);

        return r;
}

static int check_slice(const OverrideRow *row, sd_bus_error *error) {
        int r;

        r = slice_bus_check_name(row->key, error);
        if (r >= 0)
                r = refuse_watermark(row, OVERRIDE_KIND_SLICE, error);
        if (r >= 0 && row->setting.quota != LIMIT_NONE)
                r = bus_check_quota("Limit", row->setting.quota, error);

        return r;
}

static int check_vm(Api *api, const OverrideRow *row, sd_bus_error *error) {
        const VM *vm;
        int r;

        if (!state_key_is_valid(row->key))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Invalid VM key \"%s\", must be a UUID or \"unit:NAME\".", row->key);
        r = bus_check_quota("Quota", row->setting.quota, error);
        if (r >= 0)
                r = bus_check_quota("Watermark", row->setting.watermark, error);
        if (r < 0)
                return r;

        /* An override that is stored can be removed. */
        if (!row->runtime && !setting_is_empty(&row->setting) && !vm_key_is_lasting(row->key))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "\"%s\" is a login session, whose number is reused after a reboot: only an override "
                        "with \"runtime\" is possible.",
                        row->key);

        /* The VM of a unit is not a lone set, and the lookup by unit is slow. */
        vm = isempty(row->uuid) ? NULL : vm_find_by_key(api->world, row->key);
        if (vm && vm->kind == VM_KIND_SET && !row->runtime)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "VM %s has no unit, so only a \"runtime\" override is possible.", vm->name);

        return 0;
}

static int read_kind(const char *kind, OverrideKind *ret, sd_bus_error *error) {
        if (streq(kind, OVERRIDE_KIND_VM))
                *ret = OVERRIDE_VM;
        else if (streq(kind, OVERRIDE_KIND_SLICE))
                *ret = OVERRIDE_SLICE;
        else if (streq(kind, OVERRIDE_KIND_DEFAULT))
                *ret = OVERRIDE_DEFAULT;
        else
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Invalid kind \"%s\", must be \"" OVERRIDE_KIND_VM "\", \"" OVERRIDE_KIND_SLICE
                        "\" or \"" OVERRIDE_KIND_DEFAULT "\".",
                        kind);

        return 0;
}

int override_row_read(sd_bus_message *message, OverrideRow *ret, sd_bus_error *error) {
        OverrideRow row = {};
        const BusOption values[] = {
                { "quota", 'u', &row.setting.quota, &row.setting.quota_set },
                { "watermark", 'u', &row.setting.watermark, &row.setting.watermark_set },
        };
        const char *layer, *kind;
        int r;

        r = sd_bus_message_read(message, "ssss", &layer, &kind, &row.key, &row.name);
        if (r >= 0)
                r = bus_read_options(message, values, ELEMENTSOF(values), error);
        if (r < 0)
                return r;

        row.runtime = streq(layer, OVERRIDE_LAYER_RUNTIME);
        if (!row.runtime && !streq(layer, OVERRIDE_LAYER_PERSISTENT))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Invalid layer \"%s\", must be \"" OVERRIDE_LAYER_RUNTIME
                        "\" or \"" OVERRIDE_LAYER_PERSISTENT "\".",
                        layer);
        if (strlen(row.name) > NAME_MAX || !utf8_is_printable(row.name))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "A VM's name can have up to %i bytes of printable UTF-8.", NAME_MAX);

        r = read_kind(kind, &row.kind, error);
        if (r < 0)
                return r;

        *ret = row;
        if (row.kind == OVERRIDE_VM && uuid_canonical(row.key, ret->uuid) >= 0)
                ret->key = ret->uuid;
        return 0;
}

int override_row_check(Api *api, const OverrideRow *row, sd_bus_error *error) {
        switch (row->kind) {

        case OVERRIDE_SLICE:
                return check_slice(row, error);

        case OVERRIDE_DEFAULT:
                return check_default(row, error);

        default:
                return check_vm(api, row, error);
        }
}
