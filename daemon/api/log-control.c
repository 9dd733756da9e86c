/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-error.h"
#include "bus-names.h"
#include "log-control.h"
#include "polkit.h"

#define LOG_CONTROL_PATH      "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"

static int apply_level(const char *value, sd_bus_error *error) {
        int level;

        level = log_level_from_string(value);
        if (level < 0)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Invalid log level \"%s\".", value);

        log_set_max_level(level);
        log_info("The log level is now %s.", log_level_to_string(level));
        return 0;
}

static int apply_target(const char *value, sd_bus_error *error) {
        int target;

        target = log_target_from_string(value);
        if (target < 0)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Invalid log target \"%s\", must be auto, journal, console or null.", value);

        log_set_target(target);
        return 0;
}

/* Called after the authorization. */
static int set_property(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        const char *name, *contents, *value;
        char type;
        int r;

        r = sd_bus_message_read(message, "ss", NULL, &name);
        if (r >= 0)
                r = sd_bus_message_peek_type(message, &type, &contents);
        if (r < 0)
                return r;

        if (!streq_ptr(contents, "s"))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Property \"%s\" has type \"s\", not \"%s\".", name, strempty(contents));

        r = sd_bus_message_read(message, "v", "s", &value);
        if (r < 0)
                return r;

        r = streq(name, "LogLevel") ? apply_level(value, error) : apply_target(value, error);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, NULL);
}

/*
 * sd-bus expects setters to be synchronous, but polkit answers later. So Set for
 * writable properties is intercepted before sd-bus handles it.
 */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *interface, *name;
        int r;

        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", "Set") <= 0 ||
                !streq(sd_bus_message_get_signature(message, true), "ssv"))
                return 0;

        if (sd_bus_message_read(message, "ss", &interface, &name) >= 0 &&
                streq(interface, LOG_CONTROL_INTERFACE) &&
                (streq(name, "LogLevel") || streq(name, "LogTarget")))
                return polkit_authorize(
                        userdata, message, PASIDD_ACTION_LOG_CONTROL, NULL, set_property, error);

        r = sd_bus_message_rewind(message, true);
        return r < 0 ? r : 0;
}

static int property_level(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", log_level_to_string(log_get_max_level()));
}

static int property_target(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", log_target_to_string(log_get_target()));
}

static int property_identifier(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "pasidd");
}

/* Never called: see on_message(). */
static int refuse(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *value, void *userdata, sd_bus_error *error) {
        return -EACCES;
}

static const sd_bus_vtable log_control_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", property_level, refuse, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", property_target, refuse, 0, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", property_identifier, 0, SD_BUS_VTABLE_PROPERTY_CONST),

        SD_BUS_VTABLE_END,
};

int log_control_add(Api *api) {
        int r;

        r = sd_bus_add_object(api->bus, NULL, LOG_CONTROL_PATH, on_message, api);
        if (r < 0)
                return r;

        return sd_bus_add_object_vtable(
                api->bus, NULL, LOG_CONTROL_PATH, LOG_CONTROL_INTERFACE, log_control_vtable, api);
}
