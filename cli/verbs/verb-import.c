/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "call-limits.h"
#include "client.h"
#include "overrides.h"
#include "read-input.h"
#include "verbs.h"

static int append_override(sd_bus_message *m, const Override *override) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "ssssa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "ssss", override->layer, override->kind, override->key, override->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        json_object_object_foreach(override->values, key, value) {
                r = sd_bus_message_append(m, "{sv}", key, "u", (uint32_t) json_object_get_int64(value));
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_overrides(sd_bus_message *m, const void *userdata) {
        const Rows *overrides = userdata;
        int r;

        r = sd_bus_message_open_container(m, 'a', "(ssssa{sv})");
        for (size_t i = 0; r >= 0 && i < overrides->n_rows; i++)
                r = append_override(m, (const Override *) overrides->rows + i);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* A single call, so that polkit asks once. */
static CtlExitStatus import_all(const Client *client, const Rows *overrides, uint32_t *ret_n_changed) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;

        client_introduce(client);
        status = client_change_with(client, "SetOverrides", &reply, append_overrides, overrides);
        if (status == CTL_EXIT_OK)
                return client_read(reply, "u", ret_n_changed);

        /*
         * Without an answer the result is unknown. "Permission denied" already says that nothing was
         * changed.
         */
        if (status == CTL_EXIT_NOT_RUNNING)
                return fail(status, "It is not known whether anything was changed: see 'pasidctl export'.");
        return status == CTL_EXIT_DENIED ? status : fail(status, "Nothing was changed.");
}

/* Checks the maximum number of overrides, which the daemon would enforce. */
static CtlExitStatus check_number(const Rows *overrides, const char *path) {
        if (overrides->n_rows <= CALL_OVERRIDES_MAX)
                return CTL_EXIT_OK;

        return fail(CTL_EXIT_FAILURE,
                "Cannot import %s: it has %zu overrides, the maximum is %u. "
                "Nothing was changed.",
                path, overrides->n_rows, CALL_OVERRIDES_MAX);
}

CtlExitStatus verb_import(const Options *options, int argc, char **argv) {
        _cleanup_(rows_clear) Rows overrides = { .table = &override_table };
        _cleanup_free_ char *text = NULL, *error = NULL, *escaped = NULL;
        _cleanup_(client_close) Client client = {};
        uint32_t n_changed;
        size_t size = 0;
        CtlExitStatus status;
        int r;

        status =
                read_input(argv[1], OVERRIDES_SIZE_MAX, "'pasidctl export' makes such a file.", &text, &size);
        if (status != CTL_EXIT_OK)
                return status;
        if (size > OVERRIDES_SIZE_MAX)
                return fail(CTL_EXIT_FAILURE,
                        "Cannot import %s: it is larger than %zu bytes. Nothing was changed.", argv[1],
                        OVERRIDES_SIZE_MAX);
        if (strlen(text) != size)
                return fail(CTL_EXIT_FAILURE,
                        "Cannot import %s: it contains a NUL byte. Nothing was changed.", argv[1]);
        r = overrides_parse(text, &overrides, &error);
        if (r == -EBADMSG) {
                escaped = text_escape(error);
                return fail(CTL_EXIT_FAILURE, "Cannot import %s: %s. Nothing was changed.", argv[1],
                        strempty(escaped));
        }
        if (r < 0)
                return fail_oom();

        status = check_number(&overrides, argv[1]);
        if (status == CTL_EXIT_OK)
                status = client_open(options, &client);
        if (status == CTL_EXIT_OK)
                status = import_all(&client, &overrides, &n_changed);
        if (status != CTL_EXIT_OK)
                return status;

        if (options->json != JSON_OFF) {
                _cleanup_json_ json_object *object = json_object_new_object();

                if (!object || json_add(object, "overrides", json_object_new_uint64(overrides.n_rows)) < 0 ||
                        json_add(object, "changed", json_object_new_uint64(n_changed)) < 0 ||
                        json_add(object, "dry_run", json_object_new_boolean(options->dry_run)) < 0)
                        return fail_oom();
                json_print(stdout, options->json, object);
        } else
                printf("%zu override%s, of which %" PRIu32 " %s.\n", overrides.n_rows,
                        overrides.n_rows == 1 ? "" : "s", n_changed,
                        options->dry_run ? "would change something" : "changed something");
        return CTL_EXIT_OK;
}
