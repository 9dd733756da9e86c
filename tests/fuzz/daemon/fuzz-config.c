/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config-file.h"
#include "fuzz.h"
#include "macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *c = config_new();
        _cleanup_free_ char *error = NULL;
        FILE *f;
        int r;

        if (size == 0)
                return 0;

        f = fmemopen((void *) data, size, "r");
        FUZZ_CHECK(c && f);
        r = config_parse_stream(c, f, "fuzz", &error);
        /* An error must have a message with the location. */
        FUZZ_CHECK(r == 0 || r == -ENOMEM || (r == -EBADMSG && error && strncmp(error, "fuzz:", 5) == 0));
        fclose(f);
        return 0;
}
