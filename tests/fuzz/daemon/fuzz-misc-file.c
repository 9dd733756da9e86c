/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "macro.h"
#include "misc-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_string(data, size);
        char line[MISC_MAX_LINE_SIZE];
        uint64_t value, again;
        MiscValues values;
        int r;

        if (!text)
                return 0;

        r = misc_file_get(text, "pasid.max", &value);
        FUZZ_CHECK(r == 0 || r == -ENODATA || r == -EBADMSG);

        r = misc_file_get_values(text, &values);
        FUZZ_CHECK(r == 0 || r == -ENODATA || r == -EBADMSG);
        if (r < 0)
                return 0;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                const char *key = misc_resource_to_string(i);

                FUZZ_CHECK(misc_file_get(text, key, &value) == (values.present[i] ? 0 : -ENODATA));
                if (!values.present[i])
                        continue;

                FUZZ_CHECK(value == values.value[i]);
                FUZZ_CHECK(misc_file_get(misc_max_format(i, value, line), key, &again) == 0);
                FUZZ_CHECK(value == again);
        }

        return 0;
}
