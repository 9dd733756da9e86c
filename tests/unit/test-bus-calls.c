/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls to other services while sending fails. The test replaces sd-bus's function that sends. */

#include <sys/socket.h>

#include "bus-calls.h"
#include "test-util.h"

typedef struct Call {
        BusCalls *calls;
        BusCall *call;
        unsigned n_replies;
} Call;

static unsigned n_failures, n_sent;
static int other_end;
static sd_bus_message_handler_t handler;
static void *handler_userdata;

int sd_bus_call_async(sd_bus *bus, sd_bus_slot **ret_slot, sd_bus_message *message,
        sd_bus_message_handler_t callback, void *userdata, uint64_t usec) {
        if (n_failures > 0) {
                n_failures--;
                return -ENOBUFS;
        }

        n_sent++;
        handler = callback;
        handler_userdata = userdata;
        *ret_slot = NULL;
        return 0;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Call *call = userdata;

        call->n_replies++;
        call->call = bus_call_free(call->call);
        return 0;
}

static sd_event *event;
static sd_bus *bus;

static BusCalls *set_up(void) {
        BusCalls *calls;
        int fds[2];

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(bus_calls_new(event, &calls), 0);
        /* A message needs a connection. The other end does not answer. */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        other_end = fds[1];
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        bus_calls_set_bus(calls, bus);
        n_sent = 0;
        return calls;
}

static void tear_down(BusCalls *calls) {
        bus_calls_set_bus(calls, NULL);
        bus_calls_free(calls);
        bus = sd_bus_close_unref(bus);
        close(other_end);
        event = sd_event_unref(event);
}

static void call(Call *c) {
        sd_bus_message *message;

        assert_true(sd_bus_message_new(bus, &message, SD_BUS_MESSAGE_METHOD_CALL) >= 0);
        assert_int_equal(bus_call(c->calls, message, on_reply, c, &c->call), 0);
        sd_bus_message_unref(message);
}

static void reply(void) {
        assert_int_equal(handler(NULL, handler_userdata, NULL), 0);
}

/* There is no open call whose reply would trigger the next attempt. */
static void test_sending_fails(void **state) {
        BusCalls *calls = set_up();
        Call first = { .calls = calls }, second = { .calls = calls };

        n_failures = 3;
        call(&first);
        call(&second);
        assert_int_equal(n_sent, 0);

        while (n_sent < 2)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        reply();
        assert_int_equal(second.n_replies, 1);
        first.call = bus_call_free(first.call);
        tear_down(calls);
}

static void test_not_connected(void **state) {
        BusCalls *calls = set_up();
        sd_bus_message *message;
        BusCall *c;

        assert_true(sd_bus_message_new(bus, &message, SD_BUS_MESSAGE_METHOD_CALL) >= 0);
        bus_calls_set_bus(calls, NULL);
        assert_int_equal(bus_call(calls, message, on_reply, NULL, &c), -ENOTCONN);
        sd_bus_message_unref(message);
        tear_down(calls);
}

static void test_cancelled_meanwhile(void **state) {
        BusCalls *calls = set_up();
        Call c = { .calls = calls };

        n_failures = 1;
        call(&c);
        c.call = bus_call_free(c.call);
        assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_int_equal(n_sent, 0);
        tear_down(calls);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_not_connected),
                cmocka_unit_test(test_sending_fails),
                cmocka_unit_test(test_cancelled_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
