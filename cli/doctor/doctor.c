/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "doctor.h"

#include <fcntl.h>
#include <stdarg.h>

#include "terminal.h"

/* Larger than all files that are read, except AppArmor's list of profiles. */
#define READ_MAX ((size_t) 1024 * 1024)

#define FINDING_FIELD(key, column, label, member)                                                            \
        { NULL, key, column, label, INFO_STRING, offsetof(Finding, member) }

static const InfoField finding_fields[] = {
        FINDING_FIELD("check", "CHECK", "Check", check),
        FINDING_FIELD("result", "RESULT", "Result", result),
        FINDING_FIELD("found", "FOUND", "Found", found),
        FINDING_FIELD("remedy", "REMEDY", "Remedy", remedy),
};

static const char *finding_color(const void *p) {
        const Finding *finding = p;

        if (streq_ptr(finding->result, check_result_to_string(CHECK_FAIL)))
                return COLOR_RED;
        if (streq_ptr(finding->result, check_result_to_string(CHECK_WARN)))
                return COLOR_YELLOW;
        return NULL;
}

const InfoTable finding_table = {
        .fields = finding_fields,
        .n_fields = ELEMENTSOF(finding_fields),
        .size = sizeof(Finding),
        .columns = "CHECK,RESULT,FOUND",
        .color = finding_color,
};

const char *check_result_to_string(CheckResult result) {
        static const char *const names[_CHECK_RESULT_MAX] = {
                [CHECK_OK] = "ok",
                [CHECK_SKIP] = "skip",
                [CHECK_WARN] = "warn",
                [CHECK_FAIL] = "fail",
        };

        return names[result];
}

void finding_clear(Finding *finding) {
        info_clear(&finding_table, finding);
}

int doctor_found(Finding *ret, CheckResult result, const char *remedy, const char *format, ...) {
        _cleanup_free_ char *found = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&found, format, ap);
        va_end(ap);
        if (r < 0) {
                found = NULL;
                return -ENOMEM;
        }

        /* Findings can contain file names. */
        ret->found = text_escape(found);
        ret->remedy = text_escape(strempty(remedy));
        return ret->found && ret->remedy ? (int) result : -ENOMEM;
}

static int open_below(const Doctor *doctor, const char *path) {
        _cleanup_free_ char *whole = NULL;

        if (asprintf(&whole, "%s%s", doctor->root, path) < 0) {
                whole = NULL;
                return -ENOMEM;
        }
        return open(whole, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

bool doctor_exists(const Doctor *doctor, const char *path) {
        _cleanup_free_ char *whole = NULL;

        if (asprintf(&whole, "%s%s", doctor->root, path) < 0) {
                whole = NULL;
                return false;
        }
        return access(whole, F_OK) >= 0;
}

char *doctor_read(const Doctor *doctor, const char *path) {
        _cleanup_free_ char *buffer = NULL;
        _cleanup_close_ int fd = open_below(doctor, path);
        size_t size = 0;
        ssize_t n;

        if (fd < 0)
                return NULL;
        buffer = malloc(READ_MAX + 1);
        if (!buffer)
                return NULL;

        while (size < READ_MAX && (n = read(fd, buffer + size, READ_MAX - size)) != 0) {
                if (n < 0)
                        return NULL;
                size += (size_t) n;
        }
        while (size > 0 && buffer[size - 1] == '\n')
                size--;
        buffer[size] = 0;

        return TAKE_PTR(buffer);
}

bool doctor_has_word(const char *text, const char *word) {
        size_t length = strlen(word);

        for (const char *p = text; p && *p;) {
                size_t n = strcspn(p, " \t\n");

                if (n == length && strncmp(p, word, n) == 0)
                        return true;
                p += n;
                p += strspn(p, " \t\n");
        }
        return false;
}

static int unit_path(const char *unit, char **ret) {
        return sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, ret);
}

char *doctor_unit_string(
        const Doctor *doctor, const char *unit, const char *interface, const char *property) {
        _cleanup_free_ char *path = NULL, *value = NULL;

        if (!doctor->bus || unit_path(unit, &path) < 0)
                return NULL;
        if (sd_bus_get_property_string(
                    doctor->bus, "org.freedesktop.systemd1", path, interface, property, NULL, &value) < 0)
                return NULL;
        return TAKE_PTR(value);
}

uint64_t doctor_unit_changed(const Doctor *doctor, const char *unit) {
        _cleanup_free_ char *path = NULL;
        uint64_t value = 0;

        if (!doctor->bus || unit_path(unit, &path) < 0)
                return 0;
        (void) sd_bus_get_property_trivial(doctor->bus, "org.freedesktop.systemd1", path,
                "org.freedesktop.systemd1.Unit", "StateChangeTimestampMonotonic", NULL, 't', &value);
        return value > 0 ? doctor->now_usec - doctor->now_monotonic_usec + value : 0;
}

bool doctor_bus_has(const Doctor *doctor, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *activatable;

        if (!doctor->bus)
                return false;
        if (sd_bus_get_name_creds(doctor->bus, name, 0, NULL) >= 0)
                return true;

        if (sd_bus_call_method(doctor->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                    "org.freedesktop.DBus", "ListActivatableNames", NULL, &reply, NULL) < 0 ||
                sd_bus_message_enter_container(reply, 'a', "s") < 0)
                return false;
        while (sd_bus_message_read_basic(reply, 's', &activatable) > 0)
                if (streq(activatable, name))
                        return true;
        return false;
}
