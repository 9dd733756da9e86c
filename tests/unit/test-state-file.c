/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/stat.h>

#include "state-file.h"
#include "state-name.h"
#include "test-util.h"

#define UUID "aaaabbbb-0000-4000-8000-000000000001"

/* A document with these VMs, or with one VM with these members. */
#define VMS(s)    "{\"version\":1,\"vms\":{" s "}}"
#define SLICES(s) "{\"version\":1,\"slices\":{" s "},\"vms\":{}}"
#define VM(s)     VMS("\"" UUID "\":{" s "}")

static void test_errors(void **state _unused_) {
        static const struct {
                const char *text;
                const char *error;
        } cases[] = {
                /* JSON. */
                { "", "empty" },
                { " ", "unexpected end of the document" },
                { "{", "unexpected end of the document" },
                { "{\"version\":1,\"vms\":{}", "unexpected end of the document" },
                { "x", "byte 0: unexpected character" },
                { VMS("") "x", "byte 22: unexpected character" },
                { VMS("") " {}", NULL },
                { VMS("") "\n\n}", NULL },
                { "{\"version\":1,\"vms\":{},}", NULL },
                { "{\"version\":1 /* x */,\"vms\":{}}", NULL },
                { "{'version':1,\"vms\":{}}", "byte 1: single quote" },
                { VM("'a\":': 1"), "byte 60: single quote" },
                { "{\"version\":01,\"vms\":{}}", NULL },
                { VM("\"name\":\"\xff\""), "byte 68: invalid UTF-8" },
                { VM("\"name\":\"\\\xff\""), "byte 69: invalid UTF-8" },
                { VM("\"name\":\"\xc3"), "byte 68: invalid UTF-8" },
                { VM("\"name\":\"\\\xc3\xa9\""), "byte 69: invalid escape" },
                { "\xc3\xa9", NULL },
                { VM("\"name\":\"\xc2\x85\""), "VM \"" UUID "\": \"name\" is not a printable string" },
                { VM("\"name\":\"a\nb\""), NULL },
                { VM("\"name\":{\"a\":{\"b\":1}}"), NULL }, /* too deep */
                { "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", NULL },

                /* The document. */
                { "[]", "the document is not an object" },
                { "null", NULL },
                { "{}", "has no \"version\"" },
                { "{\"vms\":{}}", "has no \"version\"" },
                { "{\"version\":1}", "has no \"vms\"" },
                { "{\"version\":0,\"vms\":{}}", "\"version\" is 0, not 1" },
                { "{\"version\":-1,\"vms\":{}}", "\"version\" is -1, not 1" },
                { "{\"version\":\"1\",\"vms\":{}}", "\"version\" is not an integer" },
                { "{\"version\":1.0,\"vms\":{}}", "\"version\" is not an integer" },
                { "{\"version\":1,\"vms\":[]}", "\"vms\" is not an object" },
                { "{\"version\":1,\"vms\":null}", "\"vms\" is not an object" },
                { "{\"version\":1,\"version\":1,\"vms\":{}}", "an object has duplicate members" },
                { "{\"version\":1,\"default-quota\":1048577,\"vms\":{}}",
                        "the document: \"default-quota\" is not between 0 and 1048576" },
                { "{\"version\":1,\"default-quota\":-1,\"vms\":{}}",
                        "the document: \"default-quota\" is not between 0 and 1048576" },
                { "{\"version\":1,\"default-quota\":99999999999999999999,\"vms\":{}}", NULL },
                { "{\"version\":1,\"default-quota\":18446744073709551617,\"vms\":{}}", NULL },
                { "{\"version\":1,\"default-quota\":\"5\",\"vms\":{}}",
                        "the document: \"default-quota\" is not an integer" },
                { "{\"version\":1,\"default-quota\":1e3,\"vms\":{}}",
                        "the document: \"default-quota\" is not an integer" },
                { "{\"version\":1,\"default-quota\":null,\"vms\":{}}",
                        "the document: \"default-quota\" is not an integer" },

                /* VMs. */
                { VMS("\"demo\":{}"),
                        "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"\":{}"), "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"unit:\":{}"),
                        "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"unit:a\\nb\":{}"),
                        "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"AAAABBBB-0000-4000-8000-000000000001\":{}"),
                        "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"00000000-0000-0000-0000-000000000000\":{}"),
                        "a VM's key must be a UUID in lower case with dashes, or \"unit:NAME\"" },
                { VMS("\"" UUID "\":1"), "VM \"" UUID "\" is not an object" },
                { VMS("\"" UUID "\":null"), "VM \"" UUID "\" is not an object" },
                { VMS("\"" UUID "\":{},\"" UUID "\":{}"), "an object has duplicate members" },
                { VMS("\"unit:a\\u0000b\":{}"), "byte 27: NUL character in a string" },
                { VM("\"name\":1"), "VM \"" UUID "\": \"name\" is not a printable string" },
                { VM("\"name\":null"), "VM \"" UUID "\": \"name\" is not a printable string" },
                { VM("\"name\":\"a\\u001bb\""), "VM \"" UUID "\": \"name\" is not a printable string" },
                { VM("\"name\":\"a\\u0000b\""), "byte 69: NUL character in a string" },
                { VM("\"name\":\"a\",\"name\":\"b\""), "an object has duplicate members" },
                { VM("\"serial\":0"), "VM \"" UUID "\": \"serial\" is not a positive integer" },
                { VM("\"supersedes\":\"1\""), "VM \"" UUID "\": \"supersedes\" is not a positive integer" },
                { VM("\"reserved\":1"), "VM \"" UUID "\": \"reserved\" is not a boolean" },
                { VM("\"running\":\"x\""), "VM \"" UUID "\": \"running\" is not a boolean" },
                { VM("\"override\":1"), "VM \"" UUID "\": \"override\" is not an object" },
                { VM("\"override\":{}"), "VM \"" UUID "\": \"override\" is empty" },
                { VM("\"metadata\":{}"), "VM \"" UUID "\": \"metadata\" is empty" },
                { VM("\"override\":{\"quota\":1,\"quota\":2}"), "an object has duplicate members" },
                { VM("\"override\":{\"quota\":1048577}"), UUID ": \"quota\" is not between 0 and 1048576" },
                { VM("\"override\":{\"quota\":-1}"), UUID ": \"quota\" is not between 0 and 1048576" },
                { VM("\"override\":{\"quota\":4294967297}"),
                        UUID ": \"quota\" is not between 0 and 1048576" },
                { VM("\"override\":{\"quota\":true}"), UUID ": \"quota\" is not an integer" },
                { VM("\"metadata\":{\"watermark\":1.5}"), UUID ": \"watermark\" is not an integer" },
                { VM("\"x\":[{\"a\":1,\"a\":2}]"), "an object has duplicate members" },
                { VM("\"domain\":{}"), "VM \"" UUID "\": \"domain\" is not an array" },
                { VM("\"domain\":[[\"a\"]]"), "VM \"" UUID "\": an element of \"domain\" is not a pair" },
                { VM("\"domain\":[\"a\"]"), "VM \"" UUID "\": an element of \"domain\" is not a pair" },
                { VM("\"domain\":[[\"a\",1]]"),
                        "VM \"" UUID "\": an element of \"domain\" is not a pair of strings" },
                { VM("\"domain\":[[\"\",\"a\"]]"),
                        "VM \"" UUID "\": \"domain\" has an invalid pair: Invalid argument" },
                { VM("\"slice\":\"x\""), "VM \"" UUID "\": \"slice\" is not a valid slice name" },
                { VM("\"slice\":1"), "VM \"" UUID "\": \"slice\" is not a valid slice name" },
                { VM("\"libvirt\":{\"pid\":0,\"start-time\":1}"),
                        "VM \"" UUID "\": \"libvirt\" does not name a process" },
                { VM("\"libvirt\":{\"pid\":1}"), "VM \"" UUID "\": \"libvirt\" does not name a process" },
                { VM("\"running\":true,\"next\":1"), "VM \"" UUID "\": \"next\" is not an object" },
                { VM("\"running\":true,\"next\":{\"slice\":\"a.slice\"}"),
                        "VM \"" UUID "\": \"next\" has no \"name\"" },
                { VM("\"next\":{\"name\":\"a\",\"slice\":1}"),
                        "VM \"" UUID "\": \"slice\" is not a valid slice name" },
                { VM("\"next\":{\"name\":\"a\",\"metadata\":{}}"), "VM \"" UUID "\": \"metadata\" is empty" },
                { VM("\"next\":{\"name\":\"a\",\"after-timestamp\":-1}"),
                        "VM \"" UUID "\": \"after-timestamp\" is not a timestamp" },
                { VM("\"next\":{\"name\":\"a\",\"after-machine\":1}"),
                        "VM \"" UUID "\": \"after-machine\" is not a printable string" },
                { "{\"version\":1,\"slices\":[],\"vms\":{}}", "\"slices\" is not an object" },
                { SLICES("\"x\":{}"), "\"slices\" has a member with an invalid slice name" },
                { SLICES("\"x.slice\":1"), "slice \"x.slice\" is not an object" },
                { SLICES("\"x.slice\":{\"limit\":\"min\"}"), "x.slice: \"limit\" is not an integer" },
                { SLICES("\"x.slice\":{\"limit\":-1}"), "x.slice: \"limit\" is not between 0 and 1048576" },
                { SLICES("\"x.slice\":{\"applied\":1}"), "slice \"x.slice\": \"applied\" is not a boolean" },
                { VM("\"metadata\":{\"quota\":1,\"watermark\":1048577}"),
                        UUID ": \"watermark\" is not between 0 and 1048576" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *error = NULL;
                State *s = NULL;

                test_case("%s", cases[i].text);
                assert_int_equal(state_parse(cases[i].text, strlen(cases[i].text), &s, &error), -EBADMSG);
                assert_null(s);
                assert_non_null(error);
                print_message("error: %s\n", error);
                /* json-c's own messages differ between versions. */
                if (cases[i].error)
                        assert_string_equal(error, cases[i].error);
        }
}

static void test_nul(void **state _unused_) {
        static const char after[] = VMS("") "\0", inside[] = "{\"version\":1,\0\"vms\":{}}";
        _cleanup_free_ char *error1 = NULL, *error2 = NULL;
        State *s = NULL;

        assert_int_equal(state_parse(after, sizeof(after) - 1, &s, &error1), -EBADMSG);
        assert_int_equal(state_parse(inside, sizeof(inside) - 1, &s, &error2), -EBADMSG);
        assert_null(s);
}

static void test_too_large(void **state _unused_) {
        size_t size = 16 * 1024 * 1024 + 1;
        _cleanup_free_ char *text = malloc(size), *error = NULL;
        State *s = NULL;

        memset(text, ' ', size);
        assert_int_equal(state_parse(text, size, &s, &error), -EBADMSG);
        assert_string_equal(error, "larger than 16777216 bytes");
        assert_null(s);
}

static void make_next(StateNext *ret) {
        _cleanup_(announcement_clear) Announcement a = {
                .quota = { .quota = 3, .quota_set = true },
                .libvirt_pid = 7,
                .libvirt_start_time = 8,
        };

        assert_int_equal(metadata_add(&a.domain, "nova:flavor", "gpu.small"), 0);
        a.slice = strdup("machine-b.slice");
        assert_int_equal(state_next_make("n\xc3\xa9xt", &a, "qemu-1-next", UINT64_C(1) << 50, ret), 0);
}

static void assert_next(const StateNext *next) {
        _cleanup_(state_next_clear) StateNext expected = {};

        make_next(&expected);
        assert_string_equal(next->name, expected.name);
        assert_true(announcement_equal(&next->announced, &expected.announced));
        assert_string_equal(next->after, expected.after);
        assert_true(next->after_usec == expected.after_usec);
}

static State *make_state(void) {
        State *s = state_new();
        StateEntry *e;

        assert_non_null(s);
        s->default_quota = 7;
        s->default_quota_set = true;

        e = state_get(s, UUID);
        e->name = strdup("d\xc3\xa9mo \xe2\x82\xac \xf0\x9f\x90\xa7 \"x\" \\ /:{}'");
        e->override = (QuotaSetting) { .quota = 1048576, .quota_set = true };
        e->announced.quota =
                (QuotaSetting) { .quota = 0, .watermark = 0, .quota_set = true, .watermark_set = true };
        e->reserved = true;
        assert_int_equal(metadata_add(&e->announced.domain, "nova:flavor", "gpu.large"), 0);
        assert_int_equal(metadata_add(&e->announced.domain, "{urn:x}a@b", ""), 0);
        e->announced.slice = strdup("machine-a.slice");
        e->announced.libvirt_pid = 2147483647;
        e->announced.libvirt_start_time = UINT64_C(1) << 60;

        state_get_slice(s, "a-b.slice")->limit = 5;
        state_get_slice(s, "a-b.slice")->limit_set = true;
        state_get_slice(s, "b.slice")->applied = true;
        state_get_slice(s, "c.slice")->limit = LIMIT_NONE;
        state_get_slice(s, "c.slice")->limit_set = true;

        e = state_get(s, "unit:vm:\\x2d.service");
        e->override = (QuotaSetting) { .watermark = 3, .watermark_set = true };
        e->running = true;
        make_next(&e->next);
        return s;
}

static void assert_setting(
        const QuotaSetting *q, bool quota_set, uint32_t quota, bool watermark_set, uint32_t watermark) {
        assert_int_equal(q->quota_set, quota_set);
        assert_int_equal(q->watermark_set, watermark_set);
        if (quota_set)
                assert_int_equal(q->quota, quota);
        if (watermark_set)
                assert_int_equal(q->watermark, watermark);
}

static void assert_state(const State *s) {
        const StateEntry *e;

        assert_true(s->default_quota_set);
        assert_int_equal(s->default_quota, 7);
        assert_int_equal(s->n_entries, 2);

        e = state_find(s, UUID);
        assert_non_null(e);
        assert_string_equal(e->name, "d\xc3\xa9mo \xe2\x82\xac \xf0\x9f\x90\xa7 \"x\" \\ /:{}'");
        assert_setting(&e->override, true, 1048576, false, 0);
        assert_setting(&e->announced.quota, true, 0, true, 0);
        assert_true(e->reserved);
        assert_false(e->running);
        assert_int_equal(e->announced.domain.n_items, 2);
        assert_string_equal(e->announced.domain.items[0].key, "nova:flavor");
        assert_string_equal(e->announced.domain.items[0].value, "gpu.large");
        assert_string_equal(e->announced.domain.items[1].value, "");
        assert_string_equal(e->announced.slice, "machine-a.slice");
        assert_int_equal(e->announced.libvirt_pid, 2147483647);
        assert_true(e->announced.libvirt_start_time == UINT64_C(1) << 60);

        assert_int_equal(s->n_slices, 3);
        assert_int_equal(state_find_slice(s, "a-b.slice")->limit, 5);
        assert_false(state_find_slice(s, "a-b.slice")->applied);
        assert_true(state_find_slice(s, "b.slice")->applied);
        assert_false(state_find_slice(s, "b.slice")->limit_set);
        assert_int_equal(state_find_slice(s, "c.slice")->limit, LIMIT_NONE);

        e = state_find(s, "unit:vm:\\x2d.service");
        assert_non_null(e);
        assert_null(e->name);
        assert_setting(&e->override, false, 0, true, 3);
        assert_setting(&e->announced.quota, false, 0, false, 0);
        assert_false(e->reserved);
        assert_true(e->running);
        assert_next(&e->next);
}

/* Moves the entries and slices to another state. */
static State *copy_state(const State *s) {
        _cleanup_(state_freep) State *parts = state_new();
        State *copy = state_new();

        assert_true(parts && copy);
        for (size_t i = s->n_entries; i > 0; i--)
                assert_non_null(state_add_copy(parts, &s->entries[i - 1]));
        for (size_t i = s->n_slices; i > 0; i--)
                assert_non_null(state_add_slice_copy(parts, &s->slices[i - 1]));
        assert_int_equal(state_reserve_for(copy, parts), 0);
        state_take(copy, parts);
        assert_int_equal(parts->n_entries + parts->n_slices, 0);
        copy->default_quota = s->default_quota;
        copy->default_quota_set = s->default_quota_set;
        return copy;
}

static void test_round_trip(void **state _unused_) {
        _cleanup_(state_freep) State *s = make_state(), *back = NULL, *copy = NULL;
        _cleanup_free_ char *text = NULL, *again = NULL, *error = NULL;

        assert_state(s);
        copy = copy_state(s);
        assert_state(copy);
        assert_int_equal(state_format(s, &text), 0);
        print_message("%s", text);
        assert_int_equal(state_parse(text, strlen(text), &back, &error), 0);
        assert_null(error);
        assert_state(back);
        assert_int_equal(state_format(back, &again), 0);
        assert_string_equal(text, again);
}

/* json-c's definition of white space differs between versions. */
static void squeeze(char *text) {
        char *to = text;

        for (const char *p = text; *p; p++)
                if (!strchr(" \n", *p))
                        *to++ = *p;
        *to = '\0';
}

/* The next version must be able to read this format. */
static void test_format(void **state _unused_) {
        _cleanup_(state_freep) State *s = state_new();
        _cleanup_free_ char *empty = NULL, *one = NULL;

        assert_int_equal(state_format(s, &empty), 0);
        squeeze(empty);
        assert_string_equal(empty, VMS(""));

        state_get(s, UUID)->override = (QuotaSetting) { .quota = 5, .quota_set = true };
        assert_int_equal(state_format(s, &one), 0);
        assert_true(one[strlen(one) - 1] == '\n');
        squeeze(one);
        assert_string_equal(one, VM("\"override\":{\"quota\":5}"));
}

/* A later version's members are preserved in all places, also when other members change. */
static void test_unknown(void **state _unused_) {
        static const char text[] = "{\"version\":1,"
                                   "\"slices\":{\"a.slice\":{\"limit\":1,\"x\":[]},\"b.slice\":{\"x\":1}},"
                                   "\"vms\":{\"" UUID "\":{\"override\":{\"quota\":5,\"x\":1.50},"
                                   "\"x\":{\"a\":[1,{\"b\":null}],\"c\":\"\xc3\xa9\"}},"
                                   "\"unit:a\":{\"override\":{\"x\":true}},\"unit:b\":{\"x\":null}},"
                                   "\"x\":{\"y\":[[],{}]},\"z\":null}";
        _cleanup_(state_freep) State *s = NULL;
        _cleanup_free_ char *error = NULL, *same = NULL, *changed = NULL;
        const QuotaSetting quota = { .quota = 6, .quota_set = true }, none = {};

        (void) state_parse(text, strlen(text), &s, &error);
        assert_null(error);
        state_prune(s);
        assert_int_equal(state_format(s, &same), 0);
        squeeze(same);
        assert_string_equal(same, text);

        state_entry_set_override(state_find(s, UUID), &quota);
        /* Members of an override are removed with it. */
        state_entry_set_override(state_find(s, "unit:a"), &none);
        state_prune(s);
        assert_null(state_find(s, "unit:a"));
        assert_int_equal(state_format(s, &changed), 0);
        squeeze(changed);
        assert_non_null(strstr(changed, "\"override\":{\"quota\":6,\"x\":1.50}"));
        assert_non_null(strstr(changed, "\"x\":{\"y\":[[],{}]},\"z\":null}"));
        assert_null(strstr(changed, "unit:a"));
}

static State *parse(const char *text) {
        _cleanup_free_ char *error = NULL;
        State *s = NULL;

        assert_int_equal(state_parse(text, strlen(text), &s, &error), 0);
        assert_null(error);
        return s;
}

static void assert_format(const State *s, const char *expected) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(state_format(s, &text), 0);
        squeeze(text);
        assert_string_equal(text, expected);
}

#define NEXT                                                                                                 \
        "\"next\":{\"name\":\"b\",\"after-machine\":\"qemu-1-a\","                                           \
        "\"after-timestamp\":5,\"metadata\":{\"quota\":6,\"x\":1},"                                          \
        "\"domain\":[[\"k\",\"v\"]],\"slice\":\"a.slice\","                                                  \
        "\"libvirt\":{\"pid\":1,\"start-time\":2},\"y\":null}"

/* The next start: preserved members, taking it, dropping it; and it requires a running VM. */
static void test_next(void **state _unused_) {
        static const char text[] = VM("\"name\":\"a\",\"metadata\":{\"quota\":5,\"z\":1},"
                                      "\"running\":true," NEXT ",\"x\":true");
        _cleanup_(state_freep) State *s = parse(text), *copy = NULL, *old = NULL;

        assert_format(s, text);
        copy = state_new();
        assert_non_null(copy);
        assert_non_null(state_add_copy(copy, state_find(s, UUID)));
        assert_format(copy, text);

        state_entry_take_next(state_find(s, UUID));
        assert_format(s, VM("\"name\":\"b\",\"metadata\":{\"quota\":6,\"x\":1},\"domain\":[[\"k\",\"v\"]],"
                            "\"slice\":\"a.slice\",\"libvirt\":{\"pid\":1,\"start-time\":2},"
                            "\"running\":true,\"x\":true"));

        state_entry_forget_next(state_find(copy, UUID));
        assert_format(
                copy, VM("\"name\":\"a\",\"metadata\":{\"quota\":5,\"z\":1},\"running\":true,\"x\":true"));

        /* Kept beyond the VM's end by a version that does not know "next". */
        old = parse(VM("\"name\":\"a\"," NEXT));
        assert_null(state_find(old, UUID)->next.name);
        state_prune(old);
        assert_format(old, VMS(""));
}

static void test_entries(void **state _unused_) {
        _cleanup_(state_freep) State *s = make_state();
        StateEntry *e;

        assert_null(state_find(s, "unit:x"));
        assert_null(state_find(s, ""));

        e = state_get(s, "unit:x");
        assert_non_null(e);
        assert_string_equal(e->key, "unit:x");
        assert_int_equal(s->n_entries, 3);
        assert_ptr_equal(state_get(s, "unit:x"), e);
        assert_ptr_equal(state_find(s, "unit:x"), e);
        assert_int_equal(s->n_entries, 3);

        /* An entry with only a name is empty. */
        e->name = strdup("x");
        e = state_get(s, "unit:reserved");
        e->reserved = true;
        state_prune(s);
        assert_int_equal(s->n_entries, 3);
        assert_null(state_find(s, "unit:x"));
        assert_non_null(state_find(s, "unit:reserved"));

        state_find(s, UUID)->override = (QuotaSetting) {};
        state_prune(s);
        assert_non_null(state_find(s, UUID));
        state_find(s, UUID)->announced.quota = (QuotaSetting) {};
        state_prune(s);
        assert_non_null(state_find(s, UUID));
        state_find(s, UUID)->reserved = false;
        state_prune(s);
        assert_null(state_find(s, UUID));

        state_find(s, "unit:reserved")->reserved = false;
        state_find(s, "unit:vm:\\x2d.service")->override.watermark_set = false;
        state_prune(s);
        assert_int_equal(s->n_entries, 1);
        state_find(s, "unit:vm:\\x2d.service")->running = false;
        state_prune(s);
        assert_int_equal(s->n_entries, 1);
        state_entry_forget_next(state_find(s, "unit:vm:\\x2d.service"));
        state_prune(s);
        assert_int_equal(s->n_entries, 0);
        state_prune(s);
        assert_non_null(state_get(s, UUID));
}

static State *numbered(unsigned first, unsigned step, unsigned n, uint32_t quota) {
        State *s = state_new();

        assert_non_null(s);
        for (unsigned i = 0; i < n; i++) {
                char key[16], slice[16];

                snprintf(key, sizeof(key), "unit:%03u", first + i * step);
                snprintf(slice, sizeof(slice), "%03u.slice", first + i * step);
                state_get(s, key)->override = (QuotaSetting) { .quota = quota, .quota_set = quota > 0 };
                state_get_slice(s, slice)->limit_set = quota > 0;
        }
        return s;
}

/* Moved entries replace, are added, or are removed; the order stays sorted. */
static void test_take(void **state _unused_) {
        static const unsigned counts[] = { 1, 30 };

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                _cleanup_(state_freep) State *s = numbered(0, 2, 50, 1), *more = numbered(1, 3, counts[i], 2),
                                             *none = numbered(4, 3, counts[i], 0);

                assert_int_equal(state_reserve_for(s, more), 0);
                state_take(s, more);
                assert_int_equal(state_reserve_for(s, none), 0);
                state_take(s, none);
                for (unsigned n = 0; n < 100; n++) {
                        bool taken = n >= 1 && (n - 1) % 3 == 0 && (n - 1) / 3 < counts[i];
                        bool removed = n >= 4 && (n - 4) % 3 == 0 && (n - 4) / 3 < counts[i];
                        char key[16], slice[16];
                        StateEntry *e;

                        snprintf(key, sizeof(key), "unit:%03u", n);
                        snprintf(slice, sizeof(slice), "%03u.slice", n);
                        e = state_find(s, key);
                        assert_int_equal(!e, removed || (!taken && n % 2 != 0));
                        assert_int_equal(!state_find_slice(s, slice), !e);
                        if (e)
                                assert_int_equal(e->override.quota, taken ? 2 : 1);
                        assert_true(n == 0 || n >= s->n_entries ||
                                    strcmp(s->entries[n - 1].key, s->entries[n].key) < 0);
                        assert_true(n == 0 || n >= s->n_slices ||
                                    strcmp(s->slices[n - 1].name, s->slices[n].name) < 0);
                }
        }
}

/* Each file's document contains nothing that belongs into another file. */
static void test_one_file(void **state _unused_) {
        _cleanup_(state_freep) State *s = parse("{\"version\":1,\"default-quota\":7,"
                                                "\"slices\":{\"a.slice\":{\"limit\":5},\"b.slice\":{}},"
                                                "\"vms\":{\"" UUID "\":{\"override\":{\"quota\":5}},"
                                                "\"unit:a\":{\"name\":\"x\"}},\"x\":1}");
        static const struct {
                OverrideKind kind;
                const char *key, *expected;
        } cases[] = {
                { OVERRIDE_VM, UUID, VM("\"override\":{\"quota\":5}") },
                { OVERRIDE_VM, "unit:a", NULL },
                { OVERRIDE_VM, "unit:b", NULL },
                { OVERRIDE_SLICE, "a.slice", SLICES("\"a.slice\":{\"limit\":5}") },
                { OVERRIDE_SLICE, "b.slice", NULL },
                { OVERRIDE_SLICE, "c.slice", NULL },
                { OVERRIDE_DEFAULT, "", "{\"version\":1,\"default-quota\":7,\"vms\":{},\"x\":1}" },
        };
        char *name;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = NULL;

                test_case("%s", cases[i].key);
                assert_int_equal(state_format_file(s, cases[i].kind, cases[i].key, &text), 0);
                if (text)
                        squeeze(text);
                assert_int_equal(!text, !cases[i].expected);
                if (text)
                        assert_string_equal(text, cases[i].expected);
        }

        /* Larger than state_load() accepts. */
        name = malloc(STATE_SIZE_MAX + 1);
        assert_non_null(name);
        memset(name, 'x', STATE_SIZE_MAX);
        name[STATE_SIZE_MAX] = '\0';
        free(state_find(s, UUID)->name);
        state_find(s, UUID)->name = name;
        assert_int_equal(state_format_file(s, OVERRIDE_VM, UUID, &name), -EFBIG);
}

static void test_names(void **state _unused_) {
        static const struct {
                OverrideKind kind;
                const char *key, *name;
        } cases[] = {
                { OVERRIDE_VM, UUID, UUID },
                { OVERRIDE_VM, "unit:vm@a:b\\x2d_-.service", "vm@a:b\\x2d_-.service" },
                { OVERRIDE_SLICE, "a-b.slice", "a-b.slice" },
                { OVERRIDE_DEFAULT, "", "default" },

                /* No path components, and no names of other files in the directory. */
                { OVERRIDE_VM, "unit:../../x", "%2E.%2F..%2Fx" },
                { OVERRIDE_VM, "unit:/etc/passwd", "%2Fetc%2Fpasswd" },
                { OVERRIDE_VM, "unit:.", "%2E" },
                { OVERRIDE_VM, "unit:..", "%2E." },
                { OVERRIDE_VM, "unit:.pending", "%2Epending" },
                { OVERRIDE_VM, "unit:.new", "%2Enew" },
                { OVERRIDE_SLICE, "../x.slice", "%2E.%2Fx.slice" },
                { OVERRIDE_VM, "unit:%2E", "%252E" },
                { OVERRIDE_VM, "unit:a b\xc3\xa9", "a%20b%C3%A9" },

                /* No name of a file of a different kind. */
                { OVERRIDE_VM, "unit:default", "%unit-default" },
                { OVERRIDE_VM, "unit:a.slice", "%unit-a.slice" },
                { OVERRIDE_VM, "unit:" UUID, "%unit-" UUID },
                { OVERRIDE_VM, "unit:\xc3\xa9.slice", "%unit-%C3%A9.slice" },
                { OVERRIDE_SLICE, "\xc3\xa9.slice", "%C3%A9.slice" },
                { OVERRIDE_VM, "unit:%unit-default", "%25unit-default" },
        };
        char longest[5 + 255 + 1] = "unit:", *name = NULL;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *found = NULL;

                test_case("%s", cases[i].key);
                assert_int_equal(state_file_name(cases[i].kind, cases[i].key, &found), 0);
                assert_string_equal(found, cases[i].name);
        }

        /* The maximum length of a unit name, and longer. */
        memset(longest + 5, 'x', 255);
        assert_int_equal(state_file_name(OVERRIDE_VM, longest, &name), 0);
        assert_string_equal(name, longest + 5);
        free(TAKE_PTR(name));
        longest[5] = '/';
        assert_int_equal(state_file_name(OVERRIDE_VM, longest, &name), 0);
        assert_string_equal(name, "%vm-53039e8b5bf8b121de54b05c8245926ee54ad3f1f5aace5f948b558cd9ca5af8");
        free(TAKE_PTR(name));
        assert_int_equal(state_file_name(OVERRIDE_SLICE, longest, &name), 0);
        assert_string_equal(name, "%slice-53039e8b5bf8b121de54b05c8245926ee54ad3f1f5aace5f948b558cd9ca5af8");
        free(TAKE_PTR(name));
}

static void test_set_aside(void **state _unused_) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "file"), *prefix = test_path(dir, "aside");

        for (unsigned n = 1; n <= 3; n++) {
                _cleanup_free_ char *written = NULL, *text = NULL, *error = NULL, *aside = NULL,
                                    *expected = NULL;
                State *s = NULL;

                assert_true(asprintf(&text, "{\"version\":1,\"vms\":%u}", n) > 0);
                written = test_write_text(dir, "file", text);
                assert_int_equal(state_load(path, NULL, prefix, &s, &error), STATE_SET_ASIDE);
                assert_null(s);
                assert_true(asprintf(&expected, "%s: \"vms\" is not an object; set aside as %s.corrupt-%u",
                                    path, prefix, n) > 0);
                assert_string_equal(error, expected);

                /* Every file is kept unchanged. */
                assert_true(asprintf(&aside, "%s.corrupt-%u", prefix, n) > 0);
                free(written);
                written = test_read(aside);
                assert_non_null(written);
                assert_string_equal(written, text);
                assert_int_equal(access(path, F_OK), -1);
        }
}

/* A file whose content does not match its name, has too much, or nothing. */
static void test_wrong_name(void **state _unused_) {
        static const struct {
                const char *name, *text, *error;
        } cases[] = {
                { UUID, VM(""), NULL },
                { "default", VMS(""), NULL },
                { "default", "{\"version\":1,\"default-quota\":1,\"vms\":{},\"x\":1}", NULL },
                { "a.slice", SLICES("\"a.slice\":{}"), NULL },
                { "a", VM(""), "a different name" },
                { UUID, VMS(""), "a different name" },
                { "default", VM(""), "a different name" },
                { "a.slice", SLICES("\"b.slice\":{}"), "a different name" },
                { UUID, VMS("\"" UUID "\":{},\"unit:a\":{}"), "more than belongs" },
                { UUID, "{\"version\":1,\"default-quota\":1,\"vms\":{\"" UUID "\":{}}}",
                        "more than belongs" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_rmdir_ char *dir = test_mkdtemp();
                _cleanup_free_ char *path = test_write_text(dir, "file", cases[i].text), *error = NULL;
                _cleanup_(state_freep) State *s = NULL;
                int r;

                test_case("%s %s", cases[i].name, cases[i].text);
                r = state_load(path, cases[i].name, path, &s, &error);
                assert_int_equal(r, cases[i].error ? STATE_SET_ASIDE : STATE_LOADED);
                if (cases[i].error)
                        assert_non_null(strstr(error, cases[i].error));
        }
}

static void test_load_fails(void **state _unused_) {
        _cleanup_rmdir_ char *dir = test_mkdtemp();
        _cleanup_free_ char *path = test_path(dir, "file"), *error = NULL, *fifo_error = NULL,
                            *newer_error = NULL, *expected = NULL, *text = NULL;
        State *s = NULL;

        assert_int_equal(state_load(path, NULL, path, &s, &error), STATE_ABSENT);

        /* The file stays in its place. */
        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(state_load(path, NULL, path, &s, &error), STATE_LEFT);
        assert_true(asprintf(&expected, "%s: cannot read: Is a directory", path) > 0);
        assert_string_equal(error, expected);

        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(state_load(path, NULL, path, &s, &fifo_error), STATE_LEFT);
        assert_non_null(strstr(fifo_error, "cannot read: "));

        /* Written by a newer version. */
        assert_int_equal(unlink(path), 0);
        free(test_write_text(dir, "file", "{\"version\":2,\"other\":[]}"));
        assert_int_equal(state_load(path, NULL, path, &s, &newer_error), STATE_NEWER);
        assert_non_null(strstr(newer_error, "\"version\" is 2, not 1"));
        text = test_read(path);
        assert_string_equal(text, "{\"version\":2,\"other\":[]}");
        assert_null(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_nul),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_entries),
                cmocka_unit_test(test_take),
                cmocka_unit_test(test_one_file),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_set_aside),
                cmocka_unit_test(test_wrong_name),
                cmocka_unit_test(test_load_fails),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
