/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "json-mode.h"

#include "macro.h"

static const char *const json_mode_table[_JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
};

const char *json_mode_to_string(JsonMode mode) {
        return mode >= 0 && mode < _JSON_MODE_MAX ? json_mode_table[mode] : NULL;
}

JsonMode json_mode_from_string(const char *s) {
        for (int mode = 0; mode < _JSON_MODE_MAX; mode++)
                if (streq_ptr(json_mode_table[mode], s))
                        return mode;
        return _JSON_MODE_INVALID;
}
