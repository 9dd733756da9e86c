/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "macro.h"
#include "state-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(state_freep) State *state = NULL, *again = NULL;
        _cleanup_free_ char *error = NULL, *text = NULL, *second = NULL;
        int r;

        r = state_parse((const char *) data, size, &state, &error);
        FUZZ_CHECK(r == 0 || r == -ENOMEM || (r == -EBADMSG && error));
        if (r < 0)
                return 0;

        /* What was understood can be saved, and is the same when it is read again. */
        FUZZ_CHECK(state_format(state, &text) == 0);
        FUZZ_CHECK(state_parse(text, strlen(text), &again, &error) == 0);
        FUZZ_CHECK(state_format(again, &second) == 0);
        FUZZ_CHECK(streq(text, second));
        return 0;
}
