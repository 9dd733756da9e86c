/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ascii.h"
#include "macro.h"
#include "uuid.h"

int uuid_canonical(const char *s, char buf[static UUID_STRING_SIZE]) {
        sd_id128_t id;
        int r;

        if (!s)
                return -EINVAL;

        r = sd_id128_from_string(s, &id);
        if (r < 0 || sd_id128_is_null(id))
                return -EINVAL;

        sd_id128_to_uuid_string(id, buf);
        return 0;
}

bool uuid_has_prefix(const char *uuid, const char *prefix) {
        bool digit = false;

        for (; *prefix; prefix++, uuid++) {
                /* The prefix may omit a dash, but must not have one where the UUID has none. */
                if (*uuid == '-' && *prefix != '-')
                        uuid++;

                if (ascii_tolower(*prefix) != *uuid)
                        return false;

                if (*prefix != '-')
                        digit = true;
        }

        return digit;
}
