/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "macro.h"
#include "misc-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_string(data, size);
        char line[MISC_MAX_LINE_SIZE];
        uint64_t value, again;
        int r;

        if (!text)
                return 0;

        for (unsigned i = 0; i < 2; i++) {
                r = misc_file_get(text, i == 0 ? MISC_KEY_PASID : MISC_KEY_PASID_MAX, &value);
                FUZZ_CHECK(r == 0 || r == -ENODATA || r == -EBADMSG);
                if (r < 0)
                        continue;

                FUZZ_CHECK(misc_file_get(misc_max_format(value, line), MISC_KEY_PASID, &again) == 0);
                FUZZ_CHECK(value == again);
        }

        return 0;
}
