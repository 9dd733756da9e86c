/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counters.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(counters_freep) Counters *counters = NULL, *again = NULL;
        _cleanup_free_ char *input = fuzz_string(data, size), *text = NULL, *second = NULL;
        int r;

        if (!input)
                return 0;

        r = counters_parse(input, &counters);
        FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOMEM);
        if (r < 0)
                return 0;

        FUZZ_CHECK(counters_format(counters, &text) == 0);
        FUZZ_CHECK(counters_parse(text, &again) == 0);
        FUZZ_CHECK(counters_format(again, &second) == 0);
        FUZZ_CHECK(streq(text, second));
        return 0;
}
