/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config-below.h"

#include "hook-config.h"

#define DIRS_MAX 8

/* NULL-terminated. The caller frees each string. */
static int make_dirs(const char *root, char *ret[static DIRS_MAX]) {
        static const char *const installed[] = CONFIG_DIRS, *const in_root[] = CONFIG_DIRS_IN_ROOT;
        const char *const *dirs = isempty(root) ? installed : in_root;

        _Static_assert(ELEMENTSOF(installed) <= DIRS_MAX && ELEMENTSOF(in_root) <= DIRS_MAX,
                "more directories than there is room for");
        for (size_t i = 0; dirs[i]; i++)
                if (asprintf(ret + i, "%s%s", root, dirs[i]) < 0) {
                        ret[i] = NULL;
                        return -ENOMEM;
                }
        return 0;
}

static void free_dirs(char *(*dirs)[DIRS_MAX]) {
        for (size_t i = 0; i < DIRS_MAX; i++)
                free((*dirs)[i]);
}

int config_load_below(const char *root, Config **ret, char **ret_error) {
        _cleanup_(free_dirs) char *dirs[DIRS_MAX] = {};
        int r;

        r = make_dirs(root, dirs);
        if (r < 0)
                return r;
        return config_load((const char *const *) dirs, CONFIG_NAME, ret, ret_error);
}

int config_below_denies(const char *root) {
        _cleanup_(free_dirs) char *dirs[DIRS_MAX] = {};
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_(strv_freep) char **files = NULL;
        int r;

        r = make_dirs(root, dirs);
        if (r < 0)
                return r;
        if (config_load((const char *const *) dirs, CONFIG_NAME, &config, &error) >= 0)
                return config->hook_without_daemon == HOOK_WITHOUT_DAEMON_DENY;

        free(error);
        error = NULL;
        r = config_list_files((const char *const *) dirs, CONFIG_NAME, &files, &error);
        return r < 0 ? r : hook_config_denies((const char *const *) files);
}
