/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "file-util.h"
#include "log.h"
#include "state-file.h"
#include "state-world.h"
#include "test-util.h"

/* What the store makes of files that it cannot use or write, and of failures in the middle of a change. */

#define WEB   "aaaabbbb-0000-4000-8000-000000000001"
#define DB    "aaaabbbb-0000-4000-8000-000000000002"
#define OTHER "aaaabbbb-0000-4000-8000-000000000003"

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

static void moves(const StateWorld *w, const char *from, const char *to) {
        _cleanup_free_ char *old = test_path(w->root, from), *new = test_path(w->root, to);

        assert_int_equal(rename(old, new), 0);
}

/* Writes below the root. The directory must exist. */
static void put(const StateWorld *w, const char *name, const char *text) {
        free(test_write_text(w->root, name, text));
}

static char *get(const StateWorld *w, const char *name) {
        _cleanup_free_ char *path = test_path(w->root, name);

        return test_read(path);
}

/* Counts the allocations by reallocarray(), and makes that one fail; 0: none. */
static unsigned n_allocations, failing_allocation;

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        if (++n_allocations == failing_allocation)
                return NULL;

        return __real_reallocarray(p, n, size);
}

/* The syncs of the file or directory with this path fail; NULL: none do. */
static const char *failing_sync;

/* Syncs of new files. */
static unsigned n_file_syncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd) {
        char link[64], path[4096];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        assert_true(n > 0);
        path[n] = '\0';
        n_file_syncs += streq(strrchr(path, '/'), "/.new");
        if (failing_sync && streq(path, failing_sync)) {
                errno = EIO;
                return -1;
        }

        return __real_fsync(fd);
}

static void assert_text_has(const char *path, const char *part, bool expected) {
        _cleanup_free_ char *text = test_read(path);

        assert_non_null(text);
        assert_int_equal(!!strstr(text, part), expected);
}

/* 0: no override */
static unsigned persistent_of(const StateWorld *w, const char *key) {
        return state_get_override(w->layers.persistent, key).quota;
}

static unsigned runtime_of(const StateWorld *w, const char *key) {
        return state_get_override(w->layers.runtime, key).quota;
}

/* Takes the first steps of a change, up to the write to the disk if it needs one. Returns whether they succeeded. */
static bool save_change(StateWorld *w, OverrideList *list) {
        _cleanup_(state_write_freep) StateWrite *write = NULL;
        StateChange *planned = plan_list(w, list);
        int r;

        if (!planned)
                return true;
        if (state_store_begin_change(&w->store, planned, &write) < 0)
                return false;
        r = state_write_run(write);
        state_store_written(&w->store, &write->result);
        return r >= 0;
}

/* Writes what is behind on the disk. Returns whether that succeeded. */
static bool update(StateWorld *w) {
        _cleanup_(state_write_freep) StateWrite *write = NULL;
        int r;

        if (state_store_begin_update(&w->store, &write) < 0)
                return false;
        r = state_write_run(write);
        state_store_written(&w->store, &write->result);
        return r >= 0;
}

/* Takes all steps of a change. Returns whether it was made. */
static bool change(StateWorld *w, OverrideList *list) {
        if (!save_change(w, list) || state_store_set_list(&w->store, list) < 0)
                return false;

        state_store_change_made(&w->store);
        if (state_store_persistent_is_behind(&w->store))
                (void) update(w);
        return true;
}

static bool set(StateWorld *w, const char *key, QuotaSetting runtime, QuotaSetting persistent) {
        _cleanup_(override_list_freep) OverrideList *list = make_override(key, runtime, persistent);

        return change(w, list);
}

/* As set(), but the daemon is killed once the change is on the disk. */
static void set_and_kill(StateWorld *w, const char *key, QuotaSetting runtime, QuotaSetting persistent) {
        _cleanup_(override_list_freep) OverrideList *list = make_override(key, runtime, persistent);

        assert_true(save_change(w, list));
        state_world_done(w);
}

/* One layer of one VM. */
static bool set_one(StateWorld *w, const char *key, bool runtime, QuotaSetting setting) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();

        add_item(list, OVERRIDE_VM, runtime, key, setting);
        return change(w, list);
}

/* Makes all writes to the directory fail, as a full file system does, until unblock(). */
static void block(const StateWorld *w, const char *directory) {
        _cleanup_free_ char *name = NULL;

        assert_true(asprintf(&name, "%s/.new", directory) > 0);
        make(w, name);
}

static void unblock(const StateWorld *w, const char *directory) {
        _cleanup_free_ char *name = NULL;

        assert_true(asprintf(&name, "%s/.new", directory) > 0);
        removes(w, name);
}

static const QuotaSetting unset;

static void reload(StateWorld *w) {
        state_world_done(w);
        state_world_load(w);
}

static StateWorld state_world_new_with_directories(void) {
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
                StateWorld w = state_world_new_with_directories();

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
                StateWorld w = state_world_new_with_directories();

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
        StateWorld w = state_world_new_with_directories();

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

/* The persistent part of a change to both layers stays on the disk until the runtime files have their part. */
static void test_joint_and_full_run(void **state _unused_) {
        StateWorld w = state_world_new();

        state_world_load(&w);
        assert_true(set(&w, WEB, quota(10), quota(11)));
        set_and_kill(&w, WEB, quota(20), quota(21));

        block(&w, RUNTIME);
        state_world_load(&w);
        assert_int_equal(runtime_of(&w, WEB), 20);
        assert_int_equal(persistent_of(&w, WEB), 21);
        assert_false(set_one(&w, DB, false, quota(5)));
        assert_false(update(&w));
        reload(&w);
        assert_int_equal(runtime_of(&w, WEB), 20);
        assert_int_equal(persistent_of(&w, WEB), 21);
        assert_int_equal(persistent_of(&w, DB), 0);

        unblock(&w, RUNTIME);
        assert_true(set_one(&w, DB, false, quota(5)));
        reload(&w);
        assert_int_equal(runtime_of(&w, WEB), 20);
        assert_int_equal(persistent_of(&w, WEB), 21);
        assert_int_equal(persistent_of(&w, DB), 5);
        world_end(&w);
}

/* Several runtime files whose pending change is all that was written: a persistent override cannot refer to their serials. */
static void test_superseded_pending(void **state _unused_) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new(),
                                                    *one = make_override(WEB, unset, quota(99));
        StateWorld w = state_world_new_with_directories();

        state_world_load(&w);
        add_item(list, OVERRIDE_VM, true, WEB, quota(10));
        add_item(list, OVERRIDE_VM, true, DB, quota(10));
        make(&w, RUNTIME "/" DB);
        assert_true(change(&w, list));
        assert_true(state_store_runtime_is_behind(&w.store));

        /* It cannot be made, rather than undone by the next start. */
        assert_false(save_change(&w, one));
        state_world_done(&w);
        removes(&w, RUNTIME "/" DB);
        state_world_load(&w);
        assert_int_equal(runtime_of(&w, WEB), 10);
        assert_int_equal(persistent_of(&w, WEB), 0);

        /* Now the runtime layer has it, with its serial. */
        assert_true(state_find(w.layers.runtime, WEB)->serial > 0);
        assert_true(set(&w, WEB, unset, quota(99)));
        reload(&w);
        assert_int_equal(runtime_of(&w, WEB), 0);
        assert_int_equal(persistent_of(&w, WEB), 99);
        world_end(&w);
}

/* That an override is superseded stands in the persistent file until the runtime file has lost it. */
static void test_superseded_and_full_run(void **state _unused_) {
        static const QuotaSetting later[] = { { .quota = 100, .quota_set = true }, {} };

        for (size_t i = 0; i < ELEMENTSOF(later); i++) {
                _cleanup_(announcement_clear) Announcement a = { .quota = quota(3) };
                StateWorld w = state_world_new();

                test_case("%s", i ? "reset" : "set");
                state_world_load(&w);
                /* So that the file does not go with the override. */
                assert_int_equal(
                        state_store_set_reservation(&w.store, WEB, "web", &a, RESERVATION_RUNNING), 0);
                assert_true(set(&w, WEB, quota(10), unset));
                set_and_kill(&w, WEB, unset, quota(99));

                block(&w, RUNTIME);
                state_world_load(&w);
                assert_int_equal(runtime_of(&w, WEB), 0);
                assert_int_equal(persistent_of(&w, WEB), 99);
                assert_false(set_one(&w, WEB, false, later[i]));
                reload(&w);
                assert_int_equal(runtime_of(&w, WEB), 0);
                assert_int_equal(persistent_of(&w, WEB), 99);

                unblock(&w, RUNTIME);
                assert_true(set_one(&w, WEB, false, later[i]));
                reload(&w);
                assert_int_equal(runtime_of(&w, WEB), 0);
                assert_int_equal(persistent_of(&w, WEB), later[i].quota);
                world_end(&w);
        }
}

/* The override in the runtime layer's pending change is the one that the persistent file supersedes. */
static void test_supersedes_pending_serial(void **state _unused_) {
        StateWorld w = state_world_new_with_directories();

        put(&w, PERSISTENT "/" WEB, VMS("\"" WEB "\":{\"override\":{\"quota\":99},\"supersedes\":5}"));
        put(&w, RUNTIME "/.pending", VMS("\"" WEB "\":{\"override\":{\"quota\":10},\"serial\":5}"));
        state_world_load(&w);
        assert_int_equal(runtime_of(&w, WEB), 0);
        assert_int_equal(persistent_of(&w, WEB), 99);
        world_end(&w);
}

/* A member of a later version stays in the file in which it was found, and costs no other file anything. */
static void test_unknown_of_file(void **state _unused_) {
        static const char *const directories[] = { PERSISTENT, RUNTIME };
        static const char later[] = "\"later\": 1";

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL, *vm = NULL, *slice = NULL, *other = NULL;
                _cleanup_(override_list_freep) OverrideList *list = override_list_new();
                StateWorld w = state_world_new_with_directories();

                test_case("%s", directories[i]);
                assert_true(asprintf(&path, "%s/%s", w.root, directories[i]) > 0);
                free(test_write_text(
                        path, "default", "{\"version\":1,\"default-quota\":77,\"other\":1,\"vms\":{}}"));
                free(test_write_text(
                        path, WEB, "{\"version\":1,\"later\":1,\"vms\":{" OVERRIDE(WEB, 5) "}}"));
                free(test_write_text(path, "x.slice",
                        "{\"version\":1,\"later\":1,\"slices\":{\"x.slice\":{\"limit\":5}},\"vms\":{}}"));
                state_world_load(&w);
                assert_true((i ? w.layers.runtime : w.layers.persistent)->default_quota_set);
                assert_int_equal((i ? w.layers.runtime : w.layers.persistent)->default_quota, 77);

                /* All of them are written once more. */
                add_item(list, OVERRIDE_VM, i, WEB, quota(6));
                add_item(list, OVERRIDE_SLICE, i, "x.slice", quota(6));
                add_item(list, OVERRIDE_DEFAULT, i, "", quota(78));
                assert_true(change(&w, list));
                vm = test_path(path, WEB);
                slice = test_path(path, "x.slice");
                other = test_path(path, "default");
                assert_text_has(vm, later, true);
                assert_text_has(slice, later, true);
                assert_text_has(other, later, false);
                assert_text_has(other, "\"other\": 1", true);
                world_end(&w);
        }
}

static int set_applied(StateWorld *w, bool *ret_changed) {
        int r = state_store_set_slice_applied(&w->store, "x.slice", true);

        *ret_changed = state_find_slice(w->layers.runtime, "x.slice");
        return r;
}

static int take_next(StateWorld *w, bool *ret_changed) {
        int r = state_store_take_next(&w->store, WEB, RESERVATION_RUNNING);

        *ret_changed = !state_get_next(w->layers.runtime, WEB);
        return r;
}

static int reserve(StateWorld *w, bool *ret_changed) {
        const Announcement a = { .quota = quota(3) };
        int r = state_store_set_reservation(&w->store, DB, "db", &a, RESERVATION_PREPARED);

        *ret_changed = state_get_reservation(w->layers.runtime, DB);
        return r;
}

/* Whichever allocation fails: what was not changed is not reported as changed. With a full /run, too, which stays behind. */
static void test_out_of_memory(void **state _unused_) {
        static int (*const steps[])(StateWorld *w, bool *ret_changed) = { set_applied, take_next, reserve };
        const Announcement a = { .quota = quota(3) };
        bool changed, failed;

        for (size_t i = 0; i < 2 * ELEMENTSOF(steps); i++) {
                bool full = i >= ELEMENTSOF(steps);
                unsigned n = 0;

                do {
                        StateWorld w = state_world_new_with_directories();
                        StateNext next = {};
                        int r;

                        test_case("step %zu, allocation %u", i, n + 1);
                        state_world_load(&w);
                        assert_int_equal(state_next_make("next", &a, NULL, 0, &next), 0);
                        assert_int_equal(state_store_set_next(&w.store, WEB, "web", &next), 0);
                        if (full)
                                block(&w, RUNTIME);

                        n_allocations = 0;
                        failing_allocation = ++n;
                        r = steps[i % ELEMENTSOF(steps)](&w, &changed);
                        failed = n_allocations >= n;
                        failing_allocation = 0;
                        assert_int_equal(r >= 0, changed);
                        if (changed && !failed)
                                assert_int_equal(state_store_runtime_is_behind(&w.store), full);
                        world_end(&w);
                } while (failed);
                assert_true(n > 1);
        }
}

/* A removal whose sync has failed is not done before the directory is synced. */
static void test_sync_of_removal(void **state _unused_) {
        _cleanup_(override_list_freep) OverrideList *both = make_override(WEB, quota(1), quota(2));
        _cleanup_free_ char *directory = NULL;
        StateWorld w = state_world_new();

        /* What the kernel refuses after it was written. */
        state_world_load(&w);
        directory = test_path(w.root, PERSISTENT);
        assert_true(save_change(&w, both));
        assert_true(file_exists(w.root, PERSISTENT "/.pending"));
        failing_sync = directory;
        for (unsigned i = 0; i < 3; i++) {
                assert_false(update(&w));
                assert_false(file_exists(w.root, PERSISTENT "/.pending"));
                assert_true(state_store_persistent_is_behind(&w.store));
        }
        failing_sync = NULL;
        assert_true(update(&w));
        assert_false(state_store_persistent_is_behind(&w.store));
        world_end(&w);
}

/* A change of two overrides: its files are behind, and the pending change is on the disk. */
static void make_several(StateWorld *w) {
        _cleanup_(override_list_freep) OverrideList *several = override_list_new();

        add_item(several, OVERRIDE_VM, false, WEB, quota(1));
        add_item(several, OVERRIDE_VM, false, DB, quota(2));
        state_world_load(w);
        assert_true(save_change(w, several));
        assert_int_equal(state_store_set_list(&w->store, several), 0);
        state_store_change_made(&w->store);
}

/*
 * The change fails after what was behind is on the disk and the pending change is gone. Nothing is written again, because a crash
 * of the host in the middle could not be repaired any more.
 */
static void test_failure_after_catching_up(void **state _unused_) {
        StateWorld w = state_world_new_with_directories();

        make_several(&w);
        assert_true(state_store_persistent_is_behind(&w.store));

        make(&w, PERSISTENT "/" OTHER);
        assert_false(set_one(&w, OTHER, false, quota(3)));
        assert_false(file_exists(w.root, PERSISTENT "/.pending"));
        assert_false(state_store_persistent_is_behind(&w.store));
        world_end(&w);
}

/* Once the removal of the pending change has been tried, each file is synced before it is renamed. */
static void test_synced_one_by_one(void **state _unused_) {
        _cleanup_free_ char *directory = NULL;
        StateWorld w = state_world_new_with_directories();

        make_several(&w);

        /* All at once, as they could be written again. */
        directory = test_path(w.root, PERSISTENT);
        failing_sync = directory;
        n_file_syncs = 0;
        assert_false(update(&w));
        assert_int_equal(n_file_syncs, 0);
        assert_false(file_exists(w.root, PERSISTENT "/.pending"));

        failing_sync = NULL;
        assert_true(update(&w));
        assert_int_equal(n_file_syncs, 2);
        assert_false(state_store_persistent_is_behind(&w.store));
        world_end(&w);
}

/* Whoever wrote the pending change may have been killed before it synced the directory. */
static void test_synced_before_recovery(void **state _unused_) {
        _cleanup_free_ char *directory = NULL, *text = NULL;
        StateWorld w = state_world_new_with_directories();

        put(&w, PERSISTENT "/" WEB, VMS(OVERRIDE(WEB, 1)));
        put(&w, PERSISTENT "/.pending", VMS(OVERRIDE(WEB, 5) "," OVERRIDE(DB, 6)));
        failing_sync = directory = test_path(w.root, PERSISTENT);
        state_world_load(&w);
        text = get(&w, PERSISTENT "/" WEB);
        assert_string_equal(text, VMS(OVERRIDE(WEB, 1)));
        assert_int_equal(persistent_of(&w, WEB), 5);
        failing_sync = NULL;
        assert_true(update(&w));
        reload(&w);
        assert_int_equal(persistent_of(&w, WEB), 5);
        assert_int_equal(persistent_of(&w, DB), 6);
        assert_false(file_exists(w.root, PERSISTENT "/.pending"));
        world_end(&w);
}

/*
 * A change to both layers that the kernel refused, and that cannot be removed from the disk: the next start applies it. Until
 * then, no other change may set what it would replace.
 */
static void test_refused_joint_stays(void **state _unused_) {
        _cleanup_(override_list_freep) OverrideList *both = make_override(WEB, quota(1), quota(2));
        _cleanup_(override_list_freep) OverrideList *db = make_override(DB, quota(6), quota(7));
        _cleanup_(override_list_freep) OverrideList *db_persistent = make_override(DB, unset, quota(8));
        _cleanup_(state_write_freep) StateWrite *write = NULL;
        StateWorld w = state_world_new_with_directories();

        state_world_load(&w);
        assert_true(save_change(&w, both));
        make(&w, "aside");
        moves(&w, PERSISTENT "/.pending", "aside/pending");
        make(&w, PERSISTENT "/.pending");
        assert_false(update(&w));
        removes(&w, PERSISTENT "/.pending");
        moves(&w, "aside/pending", PERSISTENT "/.pending");

        assert_false(set_one(&w, WEB, true, quota(3)));
        assert_int_equal(runtime_of(&w, WEB), 0);

        /* Another change to both layers is refused … */
        assert_false(save_change(&w, db));
        assert_false(set_one(&w, WEB, true, quota(3)));
        /* … and one to the disk may not have removed the failed one yet. */
        assert_int_equal(state_store_begin_change(&w.store, plan_list(&w, db_persistent), &write), 0);
        assert_false(set_one(&w, WEB, true, quota(3)));
        assert_int_equal(runtime_of(&w, WEB), 0);
        state_store_written(&w.store, &(StateWriteResult) { .error = -EIO });

        assert_true(set_one(&w, DB, true, quota(4)));
        assert_true(update(&w));
        assert_true(set_one(&w, WEB, true, quota(5)));
        reload(&w);
        assert_int_equal(runtime_of(&w, WEB), 5);
        assert_int_equal(runtime_of(&w, DB), 4);
        assert_int_equal(persistent_of(&w, WEB), 0);
        world_end(&w);
}

/* The same in the directory above, of the single file and of a new directory. */
static void test_sync_of_parent(void **state _unused_) {
        for (unsigned old = 0; old < 2; old++) {
                _cleanup_free_ char *parent = NULL, *directory = NULL;
                StateWorld w = state_world_new();

                test_case("%s", old ? "single file" : "new directory");
                failing_sync = parent = test_path(w.root, "var/lib/pasidd");
                directory = test_path(w.root, PERSISTENT);
                if (old) {
                        make(&w, PERSISTENT);
                        put(&w, PERSISTENT ".json", VMS(OVERRIDE(WEB, 5)));
                }
                state_world_load(&w);
                for (unsigned i = 0; i < 3; i++)
                        assert_false(old ? update(&w) : set_one(&w, WEB, false, quota(5)));
                failing_sync = NULL;
                assert_true(old ? update(&w) : set_one(&w, WEB, false, quota(5)));
                assert_false(file_exists(w.root, PERSISTENT ".json"));

                /* Once is enough. Somebody has removed the directory. */
                failing_sync = parent;
                assert_true(set_one(&w, WEB, false, quota(6)));
                assert_true(set_one(&w, WEB, false, unset));
                assert_int_equal(rmdir(directory), 0);
                assert_false(set_one(&w, WEB, false, quota(7)));
                assert_false(set_one(&w, WEB, false, quota(7)));
                failing_sync = NULL;
                assert_true(set_one(&w, WEB, false, quota(7)));
                world_end(&w);
        }
}

/* "i" is zero-padded, so that names are sorted by number. */
static char *numbered_unit(unsigned i) {
        char *key;

        assert_true(asprintf(&key, "unit:%05u", i) > 0);
        return key;
}

static void put_many(const StateWorld *w, unsigned n) {
        _cleanup_free_ char *directory = test_path(w->root, PERSISTENT);

        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ char *key = numbered_unit(i), *text = NULL;

                assert_true(asprintf(&text, VMS("\"%s\":{\"override\":{\"quota\":5}}"), key) > 0);
                free(test_write_text(directory, key + strlen(STATE_UNIT_PREFIX), text));
        }
}

/* As many files as are read, one of them unusable. Another cannot be added; with one more, nothing of the layer is in force. */
static void test_too_many_files(void **state _unused_) {
        static const char old[] = VMS(OVERRIDE(WEB, 5));
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        _cleanup_free_ char *text = NULL;
        StateChange *planned;
        StateWorld w = state_world_new_with_directories();
        size_t a, b;

        put_many(&w, STATE_FILES_MAX - 2);
        make(&w, PERSISTENT "/" WEB);
        state_world_load(&w);
        assert_int_equal(w.layers.persistent->n_entries, STATE_FILES_MAX - 2);
        add_item(list, OVERRIDE_VM, false, DB, quota(5));
        assert_int_equal(override_list_sort(list, &a, &b), 0);
        assert_int_equal(override_list_compare(list, w.layers.runtime, w.layers.persistent), 0);
        assert_int_equal(state_store_plan_list(&w.store, list, &planned), -EFBIG);
        state_world_done(&w);

        put(&w, PERSISTENT "/default", "{\"version\":1,\"default-quota\":5,\"vms\":{}}");
        put(&w, PERSISTENT "/" DB, VMS(OVERRIDE(DB, 5)));
        put(&w, PERSISTENT ".json", old);
        state_world_load(&w);
        assert_int_equal(w.layers.persistent->n_entries, 0);
        assert_false(w.layers.persistent->default_quota_set);
        assert_false(state_store_persistent_is_behind(&w.store));
        text = get(&w, PERSISTENT ".json");
        assert_non_null(text);
        assert_string_equal(text, old);
        world_end(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_file_kept),
                cmocka_unit_test(test_long_key),
                cmocka_unit_test(test_pending_kept),
                cmocka_unit_test(test_joint_kept),
                cmocka_unit_test(test_joint_and_full_run),
                cmocka_unit_test(test_superseded_pending),
                cmocka_unit_test(test_superseded_and_full_run),
                cmocka_unit_test(test_supersedes_pending_serial),
                cmocka_unit_test(test_unknown_of_file),
                cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_sync_of_removal),
                cmocka_unit_test(test_failure_after_catching_up),
                cmocka_unit_test(test_synced_one_by_one),
                cmocka_unit_test(test_synced_before_recovery),
                cmocka_unit_test(test_refused_joint_stays),
                cmocka_unit_test(test_sync_of_parent),
                cmocka_unit_test(test_too_many_files),
        };

        /* In memory, for there are many files. */
        if (access("/dev/shm", W_OK | X_OK) >= 0)
                (void) setenv("TMPDIR", "/dev/shm", false);
        log_set_max_level(LOG_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
