/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which senders are trusted. The test replaces the functions of sd-bus that handle messages. */

#include <stdarg.h>

#include "bus-peer.h"
#include "test-util.h"

#define NAME   "org.example.Service"
#define DRIVER "org.freedesktop.DBus"

struct sd_bus_message {
        const char *sender;
        const char *error;
        const char *arguments[3];
};

/* In this order: NameOwnerChanged, then the subscription. */
static sd_bus_message_handler_t handlers[4], answer_handler;
static void *handlers_userdata[4], *answer_userdata;
static char *rules[4];
static size_t n_handlers;
static unsigned n_signals, n_owners;
static const char *last_owner;

int sd_bus_add_match_async(sd_bus *bus, sd_bus_slot **slot, const char *rule,
        sd_bus_message_handler_t callback, sd_bus_message_handler_t install, void *userdata) {
        rules[n_handlers] = strdup(rule);
        handlers_userdata[n_handlers] = userdata;
        handlers[n_handlers++] = callback;
        return 0;
}

int sd_bus_call_method_async(sd_bus *bus, sd_bus_slot **slot, const char *destination, const char *path,
        const char *interface, const char *member, sd_bus_message_handler_t callback, void *userdata,
        const char *types, ...) {
        assert_string_equal(destination, DRIVER);
        assert_string_equal(member, "GetNameOwner");
        answer_handler = callback;
        answer_userdata = userdata;
        return 0;
}

const char *sd_bus_message_get_sender(sd_bus_message *m) {
        return m->sender;
}

int sd_bus_message_is_method_error(sd_bus_message *m, const char *name) {
        return m->error && (!name || streq(m->error, name));
}

int sd_bus_message_read(sd_bus_message *m, const char *types, ...) {
        va_list ap;

        va_start(ap, types);
        for (size_t i = 0; types[i]; i++) {
                const char **p = va_arg(ap, const char **);

                if (p)
                        *p = m->arguments[i];
        }
        va_end(ap);
        return 1;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        n_signals++;
        return 0;
}

static void on_owner(const char *owner, void *userdata) {
        n_owners++;
        last_owner = owner;
}

static BusPeer *set_up(const char *name) {
        BusPeer *peer;

        n_handlers = n_signals = n_owners = 0;
        answer_handler = NULL;
        assert_int_equal(bus_peer_new(NULL, name, on_owner, NULL, &peer), 0);
        assert_int_equal(bus_peer_subscribe(peer, "member='X'", on_signal, NULL), 0);
        return peer;
}

static void tear_down(BusPeer *peer) {
        bus_peer_free(peer);
        while (n_handlers > 0)
                free(rules[--n_handlers]);
}

static bool believes(const char *sender) {
        sd_bus_message message = { .sender = sender };
        unsigned before = n_signals;

        assert_int_equal(handlers[n_handlers - 1](&message, handlers_userdata[n_handlers - 1], NULL), 0);
        return n_signals > before;
}

static void owner_changed(const char *sender, const char *name, const char *owner) {
        sd_bus_message message = { .sender = sender, .arguments = { name, "", owner } };

        assert_int_equal(handlers[0](&message, handlers_userdata[0], NULL), 0);
}

static void answer(const char *sender, const char *error, const char *owner) {
        sd_bus_message message = { .sender = sender, .error = error, .arguments = { owner } };

        assert_int_equal(answer_handler(&message, answer_userdata, NULL), 0);
}

static void replied(BusPeer *peer, const char *sender) {
        sd_bus_message message = { .sender = sender };

        bus_peer_replied(peer, &message);
}

static void test_owner(void **state) {
        BusPeer *peer = set_up(NAME);

        assert_non_null(strstr(rules[0], "member='NameOwnerChanged',arg0='" NAME "'"));
        assert_string_equal(rules[1], "type='signal',sender='" NAME "',member='X'");
        assert_false(believes(":1.1"));
        assert_false(believes(NULL));
        assert_false(believes(NAME));

        answer(DRIVER, NULL, ":1.1");
        assert_int_equal(n_owners, 0);
        assert_true(believes(":1.1"));
        assert_false(believes(":1.11"));
        assert_false(believes(DRIVER));

        /* From a different sender, or about a different name. */
        owner_changed(":1.9", NAME, ":1.9");
        owner_changed(DRIVER, "org.example.Other", ":1.9");
        assert_false(believes(":1.9"));
        assert_true(believes(":1.1"));
        assert_int_equal(n_owners, 0);

        owner_changed(DRIVER, NAME, "");
        assert_false(believes(":1.1"));
        assert_null(last_owner);
        owner_changed(DRIVER, NAME, ":1.2");
        assert_string_equal(last_owner, ":1.2");
        assert_true(believes(":1.2"));
        assert_int_equal(n_owners, 2);
        tear_down(peer);
}

/* A late reply of the previous owner must not change the owner, including if the bus said that there is none. */
static void test_replies(void **state) {
        BusPeer *peer = set_up(NAME);

        answer(DRIVER, SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL);
        replied(peer, ":1.1");
        assert_false(believes(":1.1"));
        owner_changed(DRIVER, NAME, ":1.2");
        replied(peer, ":1.1");
        assert_false(believes(":1.1"));
        assert_true(believes(":1.2"));
        tear_down(peer);
}

/* While the bus has not reported the owner. */
static void test_no_answer(void **state) {
        BusPeer *peer = set_up(NAME);

        answer(DRIVER, SD_BUS_ERROR_LIMITS_EXCEEDED, NULL);
        replied(peer, DRIVER);
        assert_false(believes(DRIVER));
        replied(peer, ":1.1");
        assert_true(believes(":1.1"));
        assert_false(believes(":1.2"));
        tear_down(peer);
}

static void test_driver(void **state) {
        BusPeer *peer = set_up(DRIVER);

        assert_null(answer_handler);
        assert_true(believes(DRIVER));
        assert_false(believes(":1.1"));
        tear_down(peer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_owner),
                cmocka_unit_test(test_replies),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_driver),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
