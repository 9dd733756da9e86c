/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "fuzz.h"
#include "macro.h"
#include "state-file.h"
#include "state-name.h"

/* Any key must yield a file name in the directory, and the file must parse to the same content. */
static void check_file(const State *state, OverrideKind kind, const char *key) {
        _cleanup_free_ char *name = NULL, *text = NULL, *second = NULL, *error = NULL;
        _cleanup_(state_freep) State *again = NULL;
        int r;

        r = state_file_name(kind, key, &name);
        FUZZ_CHECK(r == 0 || r == -ENOMEM);
        if (r == 0)
                FUZZ_CHECK(*name && *name != '.' && !strchr(name, '/') && strlen(name) <= NAME_MAX);

        FUZZ_CHECK(state_format_file(state, kind, key, &text) == 0);
        if (!text)
                return;
        FUZZ_CHECK(state_parse(text, strlen(text), &again, &error) == 0);
        FUZZ_CHECK(again->n_entries + again->n_slices == (kind != OVERRIDE_DEFAULT));
        FUZZ_CHECK(state_format_file(again, kind, key, &second) == 0);
        FUZZ_CHECK(streq(text, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(state_freep) State *state = NULL, *again = NULL;
        _cleanup_free_ char *error = NULL, *text = NULL, *second = NULL;
        int r;

        r = state_parse((const char *) data, size, &state, &error);
        FUZZ_CHECK(r == 0 || r == -ENOMEM || ((r == -EBADMSG || r == -EPROTONOSUPPORT) && error));
        if (r < 0)
                return 0;

        /* A parsed state must be formatted and parsed again without a difference. */
        FUZZ_CHECK(state_format(state, &text) == 0);
        FUZZ_CHECK(state_parse(text, strlen(text), &again, &error) == 0);
        FUZZ_CHECK(state_format(again, &second) == 0);
        FUZZ_CHECK(streq(text, second));

        for (size_t i = 0; i < state->n_entries; i++)
                check_file(state, OVERRIDE_VM, state->entries[i].key);
        for (size_t i = 0; i < state->n_slices; i++)
                check_file(state, OVERRIDE_SLICE, state->slices[i].name);
        check_file(state, OVERRIDE_DEFAULT, "");
        return 0;
}
