/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "file-util.h"
#include "log.h"
#include "state-file.h"
#include "state-world.h"
#include "test-util.h"

/* What the store makes of files that it cannot use or write, and of failures in the middle of a change. */

#define WEB "aaaabbbb-0000-4000-8000-000000000001"
#define DB  "aaaabbbb-0000-4000-8000-000000000002"

#define PERSISTENT "var/lib/pasidd/state"
#define RUNTIME    "run/pasidd/state"

#define VMS(s)          "{\"version\":1,\"vms\":{" s "}}"
#define OVERRIDE(id, n) "\"" id "\":{\"override\":{\"quota\":" #n "}}"

static void make(const StateWorld *w, const char *name) {
        _cleanup_free_ char *path = test_path(w->root, name);

        assert_true(mkdir(path, 0755) >= 0 || errno == EEXIST);
}

static void removes(const StateWorld *w, const char *name) {
        _cleanup_free_ char *path = test_path(w->root, name);

        assert_int_equal(remove(path), 0);
}

/* Writes below the root. The directory must exist. */
static void put(const StateWorld *w, const char *name, const char *text) {
        free(test_write_text(w->root, name, text));
}

static char *get(const StateWorld *w, const char *name) {
        _cleanup_free_ char *path = test_path(w->root, name);

        return test_read(path);
}

/* 0: no override */
static unsigned persistent_of(const StateWorld *w, const char *key) {
        return state_get_override(w->layers.persistent, key).quota;
}

static unsigned runtime_of(const StateWorld *w, const char *key) {
        return state_get_override(w->layers.runtime, key).quota;
}

static void reload(StateWorld *w) {
        state_world_done(w);
        state_world_load(w);
}

static StateWorld world_new_with_directories(void) {
        StateWorld w = state_world_new();

        make(&w, PERSISTENT);
        make(&w, RUNTIME);
        return w;
}

static void world_end(StateWorld *w) {
        state_world_done(w);
        test_rmdirp(&w->root);
}

/* The single file of an older version has settings for files that cannot be written. */
static void test_old_file_kept(void **state _unused_) {
        static const char text[] = "{\"version\":1,\"default-quota\":9,\"vms\":{" OVERRIDE(
                WEB, 5) "," OVERRIDE(DB, 6) "},\"slices\":{\"a.slice\":{\"limit\":7}}}";
        static const char *const bad[] = { WEB, "a.slice", "default" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *path = NULL, *kept = NULL;
                StateWorld w = world_new_with_directories();

                test_case("%s", bad[i]);
                assert_true(asprintf(&path, PERSISTENT "/%s", bad[i]) > 0);
                make(&w, path);
                put(&w, PERSISTENT ".json", text);
                for (unsigned start = 0; start < 2; start++) {
                        state_world_load(&w);
                        assert_int_equal(persistent_of(&w, WEB), i == 0 ? 0 : 5);
                        assert_int_equal(persistent_of(&w, DB), 6);
                        assert_int_equal(!!state_find_slice(w.layers.persistent, "a.slice"), i != 1);
                        assert_int_equal(w.layers.persistent->default_quota_set, i != 2);
                        assert_false(state_store_persistent_is_behind(&w.store));
                        assert_false(file_exists(w.root, PERSISTENT ".json"));
                        state_world_done(&w);
                }
                kept = get(&w, PERSISTENT ".json.corrupt-1");
                assert_non_null(kept);
                assert_string_equal(kept, text);
                assert_false(file_exists(w.root, PERSISTENT ".json.corrupt-2"));
                world_end(&w);
        }
}

/* A key whose escaped name is longer than a file's name can be. */
static void test_long_key(void **state _unused_) {
        _cleanup_free_ char *text = NULL;
        char key[200] = "unit:user@1000.service/";
        StateWorld w = state_world_new();

        for (unsigned i = 0; i < 60; i++)
                strcat(key, "\xc3\xa9");
        strcat(key, ".service");
        assert_true(asprintf(&text, VMS("\"%s\":{\"override\":{\"quota\":5}}"), key) > 0);
        put(&w, PERSISTENT ".json", text);
        state_world_load(&w);
        assert_false(file_exists(w.root, PERSISTENT ".json"));
        assert_int_equal(persistent_of(&w, key), 5);
        reload(&w);
        assert_int_equal(persistent_of(&w, key), 5);
        world_end(&w);
}

/* A file that a pending change is about has become unusable. */
static void test_pending_kept(void **state _unused_) {
        static const char *const directories[] = { PERSISTENT, RUNTIME };
        static const char text[] = VMS(OVERRIDE(WEB, 5) "," OVERRIDE(DB, 6));

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *bad = NULL, *pending = NULL, *aside = NULL, *kept = NULL;
                StateWorld w = world_new_with_directories();

                test_case("%s", directories[i]);
                assert_true(asprintf(&bad, "%s/" WEB, directories[i]) > 0);
                assert_true(asprintf(&pending, "%s/.pending", directories[i]) > 0);
                assert_true(asprintf(&aside, "%s/../pending.corrupt-1", directories[i]) > 0);
                make(&w, bad);
                put(&w, pending, text);
                for (unsigned start = 0; start < 2; start++) {
                        state_world_load(&w);
                        assert_int_equal(persistent_of(&w, WEB) + runtime_of(&w, WEB), 0);
                        assert_int_equal(i ? runtime_of(&w, DB) : persistent_of(&w, DB), 6);
                        assert_false(file_exists(w.root, pending));
                        state_world_done(&w);
                }
                kept = get(&w, aside);
                assert_non_null(kept);
                assert_string_equal(kept, text);
                world_end(&w);
        }
}

/* The persistent part, which decides, may be readable at the next start: its runtime part must be there then. */
static void test_joint_kept(void **state _unused_) {
        static const char text[] = "{\"version\":1,\"change\":\"x\",\"vms\":{" OVERRIDE(WEB, 5) "}}";
        StateWorld w = world_new_with_directories();

        make(&w, PERSISTENT "/.pending");
        put(&w, RUNTIME "/.joint", text);
        state_world_load(&w);
        assert_int_equal(runtime_of(&w, WEB), 0);
        state_world_done(&w);

        removes(&w, PERSISTENT "/.pending");
        put(&w, PERSISTENT "/.pending", text);
        state_world_load(&w);
        assert_int_equal(runtime_of(&w, WEB), 5);
        assert_int_equal(persistent_of(&w, WEB), 5);
        world_end(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_file_kept),
                cmocka_unit_test(test_long_key),
                cmocka_unit_test(test_pending_kept),
                cmocka_unit_test(test_joint_kept),
        };

        log_set_max_level(LOG_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
