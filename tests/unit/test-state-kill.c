/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <sys/stat.h>

#include "file-util.h"
#include "kill-step.h"
#include "log.h"
#include "state-file.h"
#include "state-world.h"
#include "test-util.h"

/*
 * If the daemon is killed between any two system calls, its next start finds the state before a change or after it, in both
 * layers. If it is killed again during that start, the result is the same.
 */

#define WEB "aaaabbbb-0000-4000-8000-000000000001"
#define DB  "aaaabbbb-0000-4000-8000-000000000002"

/* This VM has a runtime override. */
#define OTHER "aaaabbbb-0000-4000-8000-000000000003"

static const char *const directories[] = { "run/pasidd", "run/pasidd/state", "var/lib/pasidd",
        "var/lib/pasidd/state" };

/* As the disk writer does it, but in this thread: what is killed are the system calls, whoever makes them. */
static void run(StateWorld *w, StateWrite *write) {
        _cleanup_(state_write_freep) StateWrite *owned = write;

        assert_int_equal(state_write_run(owned), 0);
        state_store_written(&w->store, &owned->result);
}

/*
 * The steps of a change, as the daemon takes them. refused: by the kernel, so that it is not made after it was written. then:
 * what comes before the rest of the files is written; may be NULL.
 */
static void change_list_then(StateWorld *w, OverrideList *list, bool refused, void (*then)(StateWorld *w)) {
        StateChange *planned;
        StateWrite *write;

        planned = plan_list(w, list);
        if (planned) {
                assert_int_equal(state_store_begin_change(&w->store, planned, &write), 0);
                run(w, write);
        }
        if (!planned || !refused)
                assert_int_equal(state_store_set_list(&w->store, list), 0);
        if (planned && !refused) {
                state_store_change_made(&w->store);
                if (then)
                        then(w);
        }
        if (state_store_persistent_is_behind(&w->store)) {
                assert_int_equal(state_store_begin_update(&w->store, &write), 0);
                run(w, write);
        }
        assert_false(state_store_persistent_is_behind(&w->store));
        assert_false(state_store_runtime_is_behind(&w->store));
}

static void change_list(StateWorld *w, OverrideList *list, bool refused) {
        change_list_then(w, list, refused, NULL);
}

static const QuotaSetting unset;

static void change_override(
        StateWorld *w, const char *key, QuotaSetting runtime, QuotaSetting persistent, bool refused) {
        _cleanup_(override_list_freep) OverrideList *list = make_override(key, runtime, persistent);

        change_list(w, list, refused);
}

/* The state before a change. */
static void prepare(StateWorld *w) {
        _cleanup_(announcement_clear) Announcement a = { .quota = quota(3) };
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();

        assert_int_equal(state_store_set_reservation(&w->store, WEB, "web", &a, RESERVATION_RUNNING), 0);
        for (unsigned i = 0; i < 2; i++) {
                add_item(list, OVERRIDE_VM, i, WEB, quota(5 + i));
                add_item(list, OVERRIDE_SLICE, i, "a.slice", quota(7 + i));
        }
        add_item(list, OVERRIDE_DEFAULT, false, "", quota(9));
        change_list(w, list, false);
        change_override(w, OTHER, quota(2), unset, false);
        assert_true(state_find(w->layers.runtime, OTHER)->serial > 0);
}

static void set(StateWorld *w) {
        change_override(w, DB, unset, quota(1), false);
}

static void set_again(StateWorld *w) {
        change_override(w, WEB, quota(6), quota(1), false);
}

static void set_refused(StateWorld *w) {
        change_override(w, WEB, quota(6), quota(1), true);
}

static void unset_persistent(StateWorld *w) {
        change_override(w, WEB, quota(6), unset, false);
}

static void set_runtime(StateWorld *w) {
        change_override(w, DB, quota(1), unset, false);
}

static void unset_runtime(StateWorld *w) {
        change_override(w, WEB, unset, quota(5), false);
}

static void set_both(StateWorld *w) {
        change_override(w, WEB, unset, quota(1), false);
}

static void supersede(StateWorld *w) {
        change_override(w, OTHER, unset, quota(1), false);
}

static void supersede_refused(StateWorld *w) {
        change_override(w, OTHER, unset, quota(1), true);
}

static void supersede_twice(StateWorld *w) {
        change_override(w, OTHER, unset, quota(1), false);
        change_override(w, OTHER, quota(2), unset, false);
}

/* A change of the runtime layer only, which writes nothing to the disk. */
static void set_runtime_of_web(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_override(WEB, quota(20), quota(1));

        assert_int_equal(override_list_compare(list, w->layers.runtime, w->layers.persistent), 0);
        assert_int_equal(state_store_set_list(&w->store, list), 0);
}

/* The caller is answered before all files are written. */
static void set_both_then_runtime(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_override(WEB, unset, quota(1));

        change_list_then(w, list, false, set_runtime_of_web);
}

static void set_both_refused(StateWorld *w) {
        change_override(w, WEB, unset, quota(1), true);
}

static void unset_both(StateWorld *w) {
        change_override(w, WEB, unset, unset, false);
}

static void set_slice(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();

        add_item(list, OVERRIDE_SLICE, true, "b.slice", quota(1));
        change_list(w, list, false);
}

static OverrideList *make_items(bool runtime, bool persistent) {
        OverrideList *list = override_list_new();

        for (unsigned i = !persistent; i < 1U + runtime; i++) {
                add_item(list, OVERRIDE_VM, i, WEB, unset);
                add_item(list, OVERRIDE_VM, i, DB, quota(20 + i));
                add_item(list, OVERRIDE_SLICE, i, "a.slice", unset);
                add_item(list, OVERRIDE_SLICE, i, "b.slice", quota(30 + i));
                add_item(list, OVERRIDE_DEFAULT, i, "", i ? quota(40) : unset);
        }

        return list;
}

static void set_list(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_items(true, true);

        change_list(w, list, false);
}

static void set_list_refused(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_items(true, true);

        change_list(w, list, true);
}

static void set_runtime_list(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_items(true, false);

        change_list(w, list, false);
}

static void set_persistent_list(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *list = make_items(false, true);

        change_list(w, list, false);
}

static void reserve(StateWorld *w) {
        _cleanup_(announcement_clear) Announcement a = { .quota = quota(4) };

        assert_int_equal(state_store_set_reservation(&w->store, DB, "db", &a, RESERVATION_PREPARED), 0);
}

static void drop(StateWorld *w) {
        state_store_drop_reservation(&w->store, WEB);
}

/* Two changes in a row: remains of the first must not undo the second. */
static void set_both_twice(StateWorld *w) {
        change_override(w, WEB, unset, quota(1), false);
        change_override(w, WEB, quota(6), quota(5), false);
}

static void nothing(StateWorld *w _unused_) {
}

/* Copies the files of one root to another, replacing those there. */
static void copy_directory(const char *from, const char *to) {
        struct dirent *de;
        DIR *d = opendir(to);

        while (d && (de = readdir(d))) {
                _cleanup_free_ char *path = test_path(to, de->d_name);

                (void) unlink(path);
        }
        if (d)
                closedir(d);

        d = opendir(from);
        if (!d) {
                (void) rmdir(to);
                return;
        }
        (void) mkdir(to, 0755);
        while ((de = readdir(d))) {
                _cleanup_free_ char *path = test_path(from, de->d_name), *text = NULL;

                if (de->d_type != DT_REG)
                        continue;
                text = test_read(path);
                free(test_write_text(to, de->d_name, text));
        }
        closedir(d);
}

static void copy_root(const char *from, const char *to) {
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *a = test_path(from, directories[i]), *b = test_path(to, directories[i]);

                copy_directory(a, b);
        }
}

static void print_directory(const char *path, FILE *f) {
        struct dirent *de;
        DIR *d = opendir(path);

        while (d && (de = readdir(d))) {
                _cleanup_free_ char *file = test_path(path, de->d_name), *text = test_read(file);

                fprintf(f, "%s: %s\n", file, strempty(text));
        }
        if (d)
                closedir(d);
}

/* Have the files changed since the last call? */
static bool root_changed(const char *root, char **last) {
        _cleanup_free_ char *now = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&now, &size);
        assert_non_null(f);
        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = test_path(root, directories[i]);

                print_directory(path, f);
        }
        assert_int_equal(fclose(f), 0);
        if (streq_ptr(now, *last))
                return false;

        free(*last);
        *last = TAKE_PTR(now);
        return true;
}

/* Serials are random, so they are not compared. */
static void forget_serials(State *s) {
        for (size_t i = 0; i < s->n_entries; i++)
                s->entries[i].serial = 0;
}

static char *read_all(const char *root) {
        StateWorld w = { .root = (char *) root };
        _cleanup_free_ char *runtime = NULL, *persistent = NULL, *problems = NULL;
        char *text;

        state_world_load(&w);
        forget_serials(w.layers.runtime);
        assert_int_equal(state_format(w.layers.runtime, &runtime), 0);
        assert_int_equal(state_format(w.layers.persistent, &persistent), 0);
        problems = state_store_describe_problems(&w.store);
        assert_string_equal(problems, "");
        assert_true(asprintf(&text, "runtime: %spersistent: %s", runtime, persistent) > 0);
        state_world_done(&w);
        return text;
}

/* A change that is stepped through, and the states found. */
typedef struct Run {
        StateWorld world;
        void (*make)(StateWorld *w);
        char *last;          /* all files at the last check */
        unsigned stops[256]; /* system calls before which the files had changed */
        unsigned n_stops, n_calls;
        const char *expected,
                *copy; /* for a start: the expected state, also with the files in another root */
} Run;

static void run_change(void *userdata) {
        Run *run = userdata;

        state_world_load(&run->world);
        run->make(&run->world);
        state_world_done(&run->world);
}

static void visit_start(unsigned n, void *userdata) {
        _cleanup_free_ char *found = NULL;
        Run *run = userdata;

        run->n_calls = n;
        if (!root_changed(run->world.root, &run->last))
                return;
        copy_root(run->world.root, run->copy);
        found = read_all(run->copy);
        assert_string_equal(found, run->expected);
}

/* The next start finds the same state, whether it completes, or is killed and started again. */
static unsigned step_start(const char *from, const char *root, const char *copy, const char *expected) {
        Run run = { .world.root = (char *) root, .make = nothing, .copy = copy, .expected = expected };

        copy_root(from, root);
        step_system_calls(run_change, visit_start, &run);
        free(run.last);
        return run.n_calls;
}

/* AddressSanitizer makes each of the many processes ten times slower: there, a part of the starts has to do. */
#ifdef __SANITIZE_ADDRESS__
#        define START_STRIDE 6U
#else
#        define START_STRIDE 1U
#endif

static bool one_of(const char *found, char *const *expected, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(found, expected[i]))
                        return true;

        return false;
}

static void visit_change(unsigned n, void *userdata) {
        Run *run = userdata;

        run->n_calls = n;
        if (!root_changed(run->world.root, &run->last))
                return;
        assert_true(run->n_stops < ELEMENTSOF(run->stops));
        run->stops[run->n_stops++] = n;
}

/*
 * Kills only where the files differ from those at the previous stop. Returns the number of unexpected states.
 */
static unsigned step(
        const char *from, void (*make)(StateWorld *w), char *const *expected, size_t n_expected) {
        StateWorld start = state_world_new(), copy = state_world_new(), killed = state_world_new();
        Run run = { .world = state_world_new(), .make = make };
        unsigned n_starts = 0, n_others = 0;

        copy_root(from, run.world.root);
        step_system_calls(run_change, visit_change, &run);
        for (unsigned i = 0; i < run.n_stops; i++) {
                _cleanup_free_ char *found = NULL;

                copy_root(from, run.world.root);
                kill_at_system_call(run.stops[i], run_change, &run);
                copy_root(run.world.root, killed.root);
                found = read_all(run.world.root);
                n_others += !one_of(found, expected, n_expected);
                if (i % START_STRIDE == 0)
                        n_starts += step_start(killed.root, start.root, copy.root, found);
        }

        print_message("%u system calls, killed at %u; %u system calls of the next start\n", run.n_calls,
                run.n_stops, n_starts);
        free(run.last);
        test_rmdirp(&run.world.root);
        test_rmdirp(&start.root);
        test_rmdirp(&copy.root);
        test_rmdirp(&killed.root);
        return n_others;
}

static char *read_after(const char *from, void (*make)(StateWorld *w)) {
        StateWorld after = state_world_new();
        char *text;

        copy_root(from, after.root);
        state_world_load(&after);
        make(&after);
        state_world_done(&after);

        /* The state holds without another write, and no file is behind. */
        assert_false(file_exists(after.root, "var/lib/pasidd/state/" STATE_NAME_PENDING));
        assert_false(file_exists(after.root, "run/pasidd/state/" STATE_NAME_PENDING));
        assert_false(file_exists(after.root, "run/pasidd/state/" STATE_NAME_JOINT));
        text = read_all(after.root);
        test_rmdirp(&after.root);
        return text;
}

/* between: a state allowed besides those before and after; NULL: none */
static void check(void (*make)(StateWorld *w), bool changes, void (*between)(StateWorld *w)) {
        StateWorld before = state_world_new();
        char *expected[3] = {};

        state_world_load(&before);
        prepare(&before);
        state_world_done(&before);
        expected[0] = read_all(before.root);
        expected[1] = read_after(before.root, make);
        assert_int_equal(!streq(expected[0], expected[1]), changes);
        if (between)
                expected[2] = read_after(before.root, between);

        assert_int_equal(step(before.root, make, expected, between ? 3 : 2), 0);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                free(expected[i]);
        test_rmdirp(&before.root);
}

static void test_one_file(void **state _unused_) {
        check(set, true, NULL);
        check(set_again, true, NULL);
        check(unset_persistent, true, NULL);
        check(set_runtime, true, NULL);
        check(unset_runtime, true, NULL);
        check(set_slice, true, NULL);
        check(reserve, true, NULL);
        check(drop, true, NULL);
}

static void test_both_layers(void **state _unused_) {
        check(set_both, true, NULL);
        check(unset_both, true, NULL);
        check(set_both_twice, false, set_both);
        check(set_both_then_runtime, true, set_both);
}

/* Changes both layers of one VM, without a pending change. */
static void test_supersede(void **state _unused_) {
        check(supersede, true, NULL);
        check(supersede_refused, false, supersede);
        check(supersede_twice, false, supersede);
}

static void test_list(void **state _unused_) {
        check(set_list, true, NULL);
        check(set_runtime_list, true, NULL);
        check(set_persistent_list, true, NULL);
}

/* The change was on the disk, and the next start may apply it. */
static void test_refused(void **state _unused_) {
        check(set_refused, false, set_again);
        check(set_both_refused, false, set_both);
        check(set_list_refused, false, set_list);
}

/* Migrates the single files of older versions: the state is the same, and those files are removed. */
static void test_old_files(void **state _unused_) {
        static const char persistent[] = "{\"version\":1,\"default-quota\":5,\"x\":1,"
                                         "\"slices\":{\"a.slice\":{\"limit\":1}},\"vms\":{"
                                         "\"" WEB "\":{\"override\":{\"quota\":1,\"z\":[2]}},"
                                         "\"unit:a.service\":{\"override\":{\"quota\":2}}}}",
                          runtime[] = "{\"version\":1,\"vms\":{\"" DB "\":{\"name\":\"db\",\"reserved\":true,"
                                      "\"metadata\":{\"quota\":4}}}}";
        StateWorld w = state_world_new(), after = state_world_new();
        char *expected;

        /* What the older version did not have is not in force any more. */
        state_world_load(&w);
        prepare(&w);
        state_world_done(&w);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_free_ char *directory = test_path(w.root, directories[2 * i]);

                free(test_write_text(directory, "state.json", i ? persistent : runtime));
        }
        copy_root(w.root, after.root);
        expected = read_all(after.root);
        assert_non_null(strstr(expected, "\"default-quota\": 5"));
        assert_non_null(strstr(expected, "\"x\": 1"));
        assert_non_null(strstr(expected, "\"unit:a.service\""));
        assert_non_null(strstr(expected, "\"db\""));
        assert_null(strstr(expected, "\"quota\": 6"));
        assert_false(file_exists(after.root, "run/pasidd/state.json"));
        assert_false(file_exists(after.root, "var/lib/pasidd/state.json"));

        assert_int_equal(step(w.root, nothing, &expected, 1), 0);
        free(expected);
        test_rmdirp(&w.root);
        test_rmdirp(&after.root);
}

static void write_files(StateWorld *w) {
        static const char one[] = "{\"version\":1,\"vms\":{\"" WEB "\":{\"override\":{\"quota\":1}}}}",
                          two[] = "{\"version\":1,\"vms\":{\"" DB "\":{\"override\":{\"quota\":1}}}}";
        _cleanup_(state_write_freep) StateWrite *write = NULL;

        assert_int_equal(state_write_new(w->store.persistent.path, true, &write), 0);
        assert_int_equal(state_write_add_behind(write, WEB, strdup(one)), 0);
        assert_int_equal(state_write_add_behind(write, DB, strdup(two)), 0);
        assert_int_equal(state_write_run(write), 0);
}

/* The test detects a change that writes several files without a pending change. */
static void test_finds_mixtures(void **state _unused_) {
        StateWorld before = state_world_new(), after = state_world_new();
        char *expected[2];

        expected[0] = read_all(before.root);
        state_world_load(&after);
        write_files(&after);
        state_world_done(&after);
        expected[1] = read_all(after.root);
        assert_true(step(before.root, write_files, expected, 2) > 0);

        free(expected[0]);
        free(expected[1]);
        test_rmdirp(&before.root);
        test_rmdirp(&after.root);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_finds_mixtures),
                cmocka_unit_test(test_one_file),
                cmocka_unit_test(test_both_layers),
                cmocka_unit_test(test_supersede),
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_old_files),
        };

        /* In memory, where a sync is cheap. */
        if (access("/dev/shm", W_OK | X_OK) >= 0)
                (void) setenv("TMPDIR", "/dev/shm", false);
        log_set_max_level(LOG_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
