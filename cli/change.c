/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"

#include <inttypes.h>

char *quota_change_text(const QuotaChange *change) {
        _cleanup_free_ char *name = NULL;
        char *text;
        int r;

        name = text_escape(change->name ?: "default");
        if (!name)
                return NULL;

        if (change->previous == change->quota)
                r = asprintf(&text, "%s: quota %s%" PRIu32 " as before (%s)", name,
                        change->dry_run ? "would stay " : "", change->quota, change->source);
        else
                r = asprintf(&text, "%s: quota %s%" PRIu32 " -> %" PRIu32 " (%s)", name,
                        change->dry_run ? "would change " : "", change->previous, change->quota,
                        change->source);

        return r < 0 ? NULL : text;
}

json_object *quota_change_json(const QuotaChange *change) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        if (change->name && (json_add(object, "name", json_object_new_string(change->name)) < 0 ||
                                    json_add(object, "uuid", json_object_new_string(change->uuid)) < 0))
                return NULL;
        if (json_add(object, "previous", json_object_new_uint64(change->previous)) < 0 ||
                json_add(object, "quota", json_object_new_uint64(change->quota)) < 0 ||
                json_add(object, "source", json_object_new_string(change->source)) < 0 ||
                json_add(object, "dry_run", json_object_new_boolean(change->dry_run)) < 0)
                return NULL;

        return TAKE_PTR(object);
}

CtlExitStatus quota_change_print(const QuotaChange *change, JsonMode mode) {
        _cleanup_json_ json_object *object = NULL;
        _cleanup_free_ char *text = NULL;

        if (mode != JSON_OFF) {
                object = quota_change_json(change);
                if (!object)
                        return fail_oom();
                json_print(stdout, mode, object);
        } else {
                text = quota_change_text(change);
                if (!text)
                        return fail_oom();
                puts(text);
        }

        return CTL_EXIT_OK;
}
