/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "cgroup-path.h"
#include "macro.h"
#include "state.h"
#include "unit-path.h"
#include "utf8.h"

bool unit_path_is_of_system(const char *unit_path) {
        return !strchr(cgroup_path_skip_slices(unit_path, NULL, NULL), '/');
}

bool unit_path_is_below_user_slice(const char *cgroup) {
        return cgroup_path_is_below(cgroup, "/user.slice");
}

int unit_path_to_vm_name(const char *unit, const char *unit_path, char **ret) {
        const char *owner = cgroup_path_skip_slices(unit_path, NULL, NULL);
        size_t n = strcspn(owner, "/");
        _cleanup_free_ char *name = NULL;

        if (owner[n] == '\0' || cgroup_path_is_of_libvirt(unit_path))
                name = strdup(unit);
        else if (!cgroup_name_is_user_manager(owner, n)) {
                unit_path += strspn(unit_path, "/");
                if (strlen(unit_path) > NAME_MAX)
                        return -ENAMETOOLONG;
                name = strdup(unit_path);
        } else if (asprintf(&name, "%.*s/%s", (int) n, owner, unit) < 0)
                name = NULL;
        if (!name)
                return -ENOMEM;

        if (!utf8_is_printable(name))
                return -EBADMSG;

        *ret = TAKE_PTR(name);
        return 0;
}

static bool is_session(const char *name) {
        static const char prefix[] = "session-";
        const char *slash = strrchr(name, '/');
        size_t digits;

        name = slash ? slash + 1 : name;
        if (strncmp(name, prefix, strlen(prefix)) != 0)
                return false;

        name += strlen(prefix);
        /* Without the audit subsystem's number logind takes one of its own. */
        name += *name == 'c';
        digits = strspn(name, "0123456789");
        return digits > 0 && streq(name + digits, ".scope");
}

bool vm_key_is_lasting(const char *key) {
        const size_t n = strlen(STATE_UNIT_PREFIX);

        return strncmp(key, STATE_UNIT_PREFIX, n) != 0 || !is_session(key + n);
}
