/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "change.h"

#include <inttypes.h>

#include "quota.h"

static bool exceeds(const QuotaChange *change) {
        return change->vm && vm_info_used(change->vm) > change->quota;
}

static void print_number(uint32_t n, char ret[static 16]) {
        if (n == LIMIT_NONE)
                strcpy(ret, "none");
        else
                snprintf(ret, 16, "%" PRIu32, n);
}

static void print_watermark(uint32_t n, char ret[static 16]) {
        if (n == 0)
                strcpy(ret, "off");
        else
                print_number(n, ret);
}

/* ", watermark off -> 5", if one was set. */
static void print_watermark_change(const QuotaChange *change, char ret[static 64]) {
        char previous[16], watermark[16];

        *ret = 0;
        if (!change->vm || !change->watermark_set)
                return;
        print_watermark(change->vm->watermark, previous);
        print_watermark(change->watermark, watermark);
        if (streq(previous, watermark))
                snprintf(ret, 64, ", watermark %s as before", watermark);
        else
                snprintf(ret, 64, ", watermark %s -> %s", previous, watermark);
}

static int add_number(json_object *object, const char *key, uint32_t n) {
        return n == LIMIT_NONE ? 0 : json_add(object, key, json_object_new_uint64(n));
}

char *quota_change_text(const QuotaChange *change) {
        _cleanup_free_ char *name = NULL, *text = NULL, *line = NULL;
        uint32_t used, too_many;
        bool attached;
        char until[48] = "", previous[16], quota[16], watermark[64];
        const char *what = change->slice ? "limit" : "quota";
        int r;

        name = text_escape(change->vm ? strempty(change->vm->name) : change->slice ?: "default");
        if (!name)
                return NULL;

        print_number(change->previous, previous);
        print_number(change->quota, quota);
        print_watermark_change(change, watermark);
        if (change->previous == change->quota)
                r = asprintf(&line, "%s: %s %s%s as before (%s)%s", name, what,
                        change->dry_run ? "would stay " : "", quota, change->source, watermark);
        else
                r = asprintf(&line, "%s: %s %s%s -> %s (%s)%s", name, what,
                        change->dry_run ? "would change " : "", previous, quota, change->source, watermark);
        if (r < 0) {
                line = NULL;
                return NULL;
        }
        if (!exceeds(change))
                return TAKE_PTR(line);

        /* The VM can get a PASID again below its quota; with a quota of 0 never. */
        used = vm_info_used(change->vm);
        attached = used > change->vm->allocated;
        too_many = used - change->quota;
        if (change->quota > 0)
                snprintf(until, sizeof(until), " until it has %s %" PRIu32, attached ? "detached" : "freed",
                        too_many + 1);
        r = asprintf(&text,
                "%s\n%s: %s %" PRIu32 " PASIDs already, %" PRIu32 " too many; it %s them, and %s no more%s",
                line, name, attached ? "has attached" : "holds", used, too_many,
                change->dry_run ? "would keep" : "keeps", change->dry_run ? "would get" : "gets", until);
        return r < 0 ? text = NULL : TAKE_PTR(text);
}

json_object *quota_change_json(const QuotaChange *change) {
        _cleanup_json_ json_object *object = json_object_new_object();
        const VmInfo *vm = change->vm;

        if (!object)
                return NULL;
        if (vm && (json_add(object, "name", json_object_new_string(strempty(vm->name))) < 0 ||
                          json_add(object, "uuid", json_object_new_string(strempty(vm->uuid))) < 0))
                return NULL;
        if (change->slice && json_add(object, "slice", json_object_new_string(change->slice)) < 0)
                return NULL;
        if (add_number(object, "previous", change->previous) < 0 ||
                add_number(object, "quota", change->quota) < 0 ||
                json_add(object, "source", json_object_new_string(change->source)) < 0)
                return NULL;
        if (vm && change->watermark_set &&
                (add_number(object, "previous_watermark", vm->watermark) < 0 ||
                        add_number(object, "watermark", change->watermark) < 0))
                return NULL;
        if (vm && vm->attached > 0 && json_add(object, "attached", json_object_new_uint64(vm->attached)) < 0)
                return NULL;
        if (vm && (json_add(object, "allocated", json_object_new_uint64(vm->allocated)) < 0 ||
                          json_add(object, "exceeds", json_object_new_boolean(exceeds(change))) < 0))
                return NULL;
        if (json_add(object, "dry_run", json_object_new_boolean(change->dry_run)) < 0)
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
