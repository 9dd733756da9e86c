/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ascii.h"
#include "macro.h"
#include "uuid.h"
#include "vm-find.h"

#define CANDIDATES_MAX    8U
#define PREFIX_DIGITS_MIN 4U

typedef bool (*match_t)(const VMIdentity *vm, const char *what);

static bool match_uuid(const VMIdentity *vm, const char *what) {
        return streq_ptr(vm->uuid, what);
}

static bool match_name(const VMIdentity *vm, const char *what) {
        return streq_ptr(vm->name, what);
}

static bool match_prefix(const VMIdentity *vm, const char *what) {
        return vm->uuid && uuid_has_prefix(vm->uuid, what);
}

static int format_candidates(
        const VMIdentity *vms, size_t n_vms, match_t match, const char *what, char **ret) {

        _cleanup_free_ char *text = NULL;
        unsigned n_found = 0;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -errno;

        for (size_t i = 0; i < n_vms && n_found < CANDIDATES_MAX; i++)
                if (match(&vms[i], what))
                        fprintf(f, "%s%s %s", n_found++ > 0 ? "\n" : "", strempty(vms[i].uuid),
                                strempty(vms[i].name));

        if (fclose(f) != 0)
                return -errno;

        *ret = TAKE_PTR(text);
        return 0;
}

/* Applies one way of matching. Returns -ENOENT if nothing matches. */
static int find_by(const VMIdentity *vms, size_t n_vms, match_t match, const char *what, size_t *ret_index,
        char **ret_candidates) {

        size_t index = 0, n_found = 0;
        int r;

        for (size_t i = 0; i < n_vms; i++)
                if (match(&vms[i], what) && n_found++ == 0)
                        index = i;

        if (n_found == 0)
                return -ENOENT;

        if (n_found > 1) {
                r = format_candidates(vms, n_vms, match, what, ret_candidates);
                return r < 0 ? r : -ENOTUNIQ;
        }

        *ret_index = index;
        return 0;
}

int vm_find(const VMIdentity *vms, size_t n_vms, const char *what, size_t *ret_index, char **ret_candidates) {
        char uuid[UUID_STRING_SIZE];
        size_t digits = 0;
        int r;

        if (uuid_canonical(what, uuid) >= 0) {
                r = find_by(vms, n_vms, match_uuid, uuid, ret_index, ret_candidates);
                if (r != -ENOENT)
                        return r;
        }

        if (isempty(what))
                return -ENOENT;

        r = find_by(vms, n_vms, match_name, what, ret_index, ret_candidates);
        if (r != -ENOENT)
                return r;

        for (const char *p = what; *p; p++)
                digits += ascii_is_xdigit(*p);
        if (digits < PREFIX_DIGITS_MIN)
                return -ENOENT;

        return find_by(vms, n_vms, match_prefix, what, ret_index, ret_candidates);
}
