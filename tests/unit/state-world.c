/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "state-world.h"
#include "test-util.h"

StateWorld state_world_new(void) {
        static const char *const directories[] = { "run", "run/pasidd", "var", "var/lib", "var/lib/pasidd" };
        StateWorld w = { .root = test_mkdtemp() };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = test_path(w.root, directories[i]);

                assert_int_equal(mkdir(path, 0755), 0);
        }
        return w;
}

void state_world_load(StateWorld *w) {
        assert_int_equal(state_store_load(&w->store, w->root, &w->layers), 0);
}

void state_world_done(StateWorld *w) {
        state_store_done(&w->store);
}

QuotaSetting quota(uint32_t n) {
        return (QuotaSetting) { .quota = n, .quota_set = true };
}

void add_item(OverrideList *list, OverrideKind kind, bool runtime, const char *key, QuotaSetting setting) {
        const OverrideItem item = {
                .kind = kind,
                .runtime = runtime,
                .key = (char *) key,
                .name = kind == OVERRIDE_VM ? (char *) "name" : NULL,
                .setting = setting,
        };

        assert_int_equal(override_list_add(list, &item), 0);
}

OverrideList *make_override(const char *key, QuotaSetting runtime, QuotaSetting persistent) {
        OverrideList *list = override_list_new();

        add_item(list, OVERRIDE_VM, true, key, runtime);
        add_item(list, OVERRIDE_VM, false, key, persistent);
        return list;
}

StateChange *plan_list(StateWorld *w, OverrideList *list) {
        StateChange *planned;
        size_t a, b;

        assert_int_equal(override_list_sort(list, &a, &b), 0);
        assert_int_equal(override_list_compare(list, w->layers.runtime, w->layers.persistent), 0);
        assert_int_equal(state_store_plan_list(&w->store, list, &planned), 0);
        return planned;
}

bool file_exists(const char *root, const char *name) {
        _cleanup_free_ char *path = test_path(root, name);

        return access(path, F_OK) >= 0;
}
