/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "metadata.h"
#include "quota.h"

static const BusOption *find_option(const BusOption *options, size_t n_options, const char *name) {
        for (size_t i = 0; i < n_options; i++)
                if (streq(options[i].name, name))
                        return &options[i];

        return NULL;
}

static int read_metadata(sd_bus_message *message, Metadata *metadata, sd_bus_error *error) {
        const char *key, *value;
        int r;

        r = sd_bus_message_enter_container(message, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'a', "(ss)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(message, "(ss)", &key, &value)) > 0) {
                r = metadata_add(metadata, key, value);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                "Metadata can have up to %u pairs of up to %u bytes of printable UTF-8 each, %u bytes in all.",
                                METADATA_ITEMS_MAX, METADATA_TEXT_MAX, METADATA_SIZE_MAX);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);

        return r;
}

static int read_option(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error) {
        const char *name, *contents, *type;
        const BusOption *option;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;

        option = find_option(options, n_options, name);
        if (!option)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Unknown option \"%s\".", name);

        type = option->type == 'm' ? "a(ss)" : (const char[]) { option->type, '\0' };
        r = sd_bus_message_peek_type(message, NULL, &contents);
        if (r < 0)
                return r;
        if (!streq(contents, type))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Option \"%s\" has type \"%s\", must be \"%s\".", name, contents, type);

        r = option->type == 'm' ? read_metadata(message, option->value, error)
                                : sd_bus_message_read(message, "v", contents, option->value);
        if (r < 0)
                return r;

        if (option->given)
                *option->given = true;
        return 0;
}

int bus_read_options(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_option(message, options, n_options, error);
                if (r < 0)
                        return r;

                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}

int bus_check_quota(const char *what, uint32_t quota, sd_bus_error *error) {
        if (quota <= QUOTA_MAX)
                return 0;

        return bus_error_setf(error, PASIDD_ERROR_INVALID_QUOTA,
                "%s %" PRIu32 " is above the maximum, %" PRIu32 ".", what, quota, QUOTA_MAX);
}
