/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config-file.h"
#include "config-place.h"
#include "file-util.h"

void config_place_done(ConfigPlace *place) {
        strv_free(place->dirs);
        free(place->name);
        *place = (ConfigPlace) {};
}

/* Splits "/etc/x.conf" into "/etc" and "x.conf". */
static int split_file(const char *file, ConfigPlace *place) {
        const char *slash = strrchr(file, '/');

        place->name = strdup(slash ? slash + 1 : file);
        place->dirs = calloc(2, sizeof(char *));
        if (!place->name || !place->dirs)
                return -ENOMEM;

        /* The directory of "/x.conf" is "", which becomes "/" when the name is appended. */
        place->dirs[0] = slash ? strndup(file, (size_t) (slash - file)) : strdup(".");
        return place->dirs[0] ? 0 : -ENOMEM;
}

static int default_place(const char *root, ConfigPlace *place) {
        static const char *const installed[] = CONFIG_DIRS;
        static const char *const in_root[] = CONFIG_DIRS_IN_ROOT;
        const char *const *dirs = isempty(root) ? installed : in_root;

        place->name = strdup(CONFIG_NAME);
        place->dirs = calloc(ELEMENTSOF(installed), sizeof(char *));
        if (!place->name || !place->dirs)
                return -ENOMEM;

        for (size_t i = 0; dirs[i]; i++) {
                place->dirs[i] = path_under(root, "%s", dirs[i]);
                if (!place->dirs[i])
                        return -ENOMEM;
        }

        return 0;
}

int config_place_init(ConfigPlace *place, const char *root, const char *file) {
        _cleanup_(config_place_done) ConfigPlace new = {};
        int r;

        r = file ? split_file(file, &new) : default_place(root, &new);
        if (r < 0)
                return r;

        *place = new;
        new = (ConfigPlace) {};
        return 0;
}

int config_place_load(const ConfigPlace *place, Config **ret, char **ret_error) {
        return config_load((const char *const *) place->dirs, place->name, ret, ret_error);
}
