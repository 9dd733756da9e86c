/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counter-store.h"
#include "file-util.h"
#include "log.h"

#define LOG_INTERVAL_USEC (UINT64_C(3600000000))

int counter_store_load(CounterStore *store, const char *root, Counters **ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        store->path = path_under(root, COUNTERS_FILE);
        r = store->path ? read_text_file(store->path, &text) : -ENOMEM;
        if (r >= 0)
                r = counters_parse(text, ret);
        if (r >= 0)
                return 0;
        if (r != -ENOENT)
                log_warning_errno(r, "Cannot load the counters from " COUNTERS_FILE ", starting at zero: %m");

        return counters_new(ret);
}

static int save(CounterStore *store, const Counters *counters) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = counters_format(counters, &text);
        if (r < 0)
                return r;

        if (streq_ptr(text, store->saved))
                return 0;

        r = store->path ? replace_text_file(store->path, text) : -ENOMEM;
        if (r < 0)
                return r;

        free(store->saved);
        store->saved = TAKE_PTR(text);
        return 0;
}

void counter_store_save(CounterStore *store, const Counters *counters, uint64_t now_usec) {
        unsigned suppressed;
        int r;

        r = save(store, counters);
        if (r < 0 && ratelimit_below(&store->log, now_usec, LOG_INTERVAL_USEC, 1, &suppressed))
                log_warning_errno(r, "Cannot save the counters in " COUNTERS_FILE
                                     ", after a restart they may go backwards: %m");
}

void counter_store_done(CounterStore *store) {
        free(store->path);
        free(store->saved);
        *store = (CounterStore) {};
}
