/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"
#include "overrides.h"
#include "read-input.h"
#include "verbs.h"

static int append_override(sd_bus_message *m, const void *userdata) {
        const Override *override = userdata;
        int r;

        r = sd_bus_message_append(m, "ssss", override->layer, override->kind, override->key, override->name);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        json_object_object_foreach(override->values, key, value) {
                r = sd_bus_message_append(m, "{sv}", key, "u", (uint32_t) json_object_get_int64(value));
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(m);
}

/* Says which it was, if the daemon does not take it. Returns with *ret_changed whether that changes something. */
static CtlExitStatus import_one(const Client *client, const Rows *overrides, size_t i, int *ret_changed) {
        const Override *override = (const Override *) overrides->rows + i;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *escaped = NULL;
        CtlExitStatus status;

        status = client_change_with(client, "SetOverride", &reply, append_override, override);
        if (status == CTL_EXIT_OK)
                return client_read(reply, "b", ret_changed);

        escaped = text_escape(!isempty(override->name)  ? override->name
                              : !isempty(override->key) ? override->key
                                                        : override->kind);
        if (!escaped)
                return fail_oom();
        return fail(status,
                client->options->dry_run ? "That is override %zu (%s). Nothing was changed."
                                         : "Override %zu (%s) was not imported, nor were those behind it.",
                i + 1, escaped);
}

static CtlExitStatus import_all(const Client *client, const Rows *overrides, size_t *ret_n_changed) {
        size_t n_changed = 0;

        for (size_t i = 0; i < overrides->n_rows; i++) {
                CtlExitStatus status;
                int changed;

                status = import_one(client, overrides, i, &changed);
                if (status != CTL_EXIT_OK)
                        return status;
                n_changed += changed;
        }

        *ret_n_changed = n_changed;
        return CTL_EXIT_OK;
}

CtlExitStatus verb_import(const Options *options, int argc, char **argv) {
        _cleanup_(rows_clear) Rows overrides = { .table = &override_table };
        _cleanup_free_ char *text = NULL, *error = NULL, *escaped = NULL;
        _cleanup_(client_close) Client client = {};
        Options dry_run = *options;
        size_t n_changed, size = 0;
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
                        "Cannot import %s: there is a NUL byte in it. Nothing was changed.", argv[1]);
        r = overrides_parse(text, &overrides, &error);
        if (r == -EBADMSG) {
                escaped = text_escape(error);
                return fail(CTL_EXIT_FAILURE, "Cannot import %s: %s. Nothing was changed.", argv[1],
                        strempty(escaped));
        }
        if (r < 0)
                return fail_oom();

        status = client_open(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        /* What the daemon would not take is found before the first change. */
        dry_run.dry_run = true;
        status = import_all(&(Client) { client.bus, &dry_run }, &overrides, &n_changed);
        if (status == CTL_EXIT_OK && !options->dry_run)
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
                printf("%zu override%s, of which %zu %s.\n", overrides.n_rows,
                        overrides.n_rows == 1 ? "" : "s", n_changed,
                        options->dry_run ? "would change something" : "changed something");
        return CTL_EXIT_OK;
}
