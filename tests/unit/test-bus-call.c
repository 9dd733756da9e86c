/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls to other services while sending fails. The test is the bus: it has sd-bus's function that sends. */

#include <sys/socket.h>

#include "bus-call.h"
#include "test-util.h"

typedef struct Call {
        Manager *manager;
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

static void set_up(Manager *m) {
        int fds[2];

        *m = (Manager) {};
        TAILQ_INIT(&m->calls_waiting);
        assert_true(sd_event_new(&m->event) >= 0);
        /* A message has to belong to one. Nobody answers at the other end. */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        other_end = fds[1];
        assert_true(sd_bus_new(&m->query_bus) >= 0);
        assert_true(sd_bus_set_fd(m->query_bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_start(m->query_bus) >= 0);
        n_sent = 0;
}

static void tear_down(Manager *m) {
        assert_true(TAILQ_EMPTY(&m->calls_waiting));
        sd_event_source_disable_unref(m->calls_retry);
        sd_bus_close_unref(m->query_bus);
        close(other_end);
        sd_event_unref(m->event);
}

static void call(Call *c) {
        sd_bus_message *message;

        assert_true(sd_bus_message_new(c->manager->query_bus, &message, SD_BUS_MESSAGE_METHOD_CALL) >= 0);
        assert_int_equal(bus_call(c->manager, message, on_reply, c, &c->call), 0);
        sd_bus_message_unref(message);
}

static void reply(void) {
        assert_int_equal(handler(NULL, handler_userdata, NULL), 0);
}

/* Without a call whose reply would be the occasion to go on. */
static void test_sending_fails(void **state) {
        Manager m;
        Call first = { .manager = &m }, second = { .manager = &m };

        set_up(&m);
        n_failures = 3;
        call(&first);
        call(&second);
        assert_int_equal(n_sent, 0);
        assert_non_null(m.calls_retry);

        while (n_sent < 2)
                assert_true(sd_event_run(m.event, UINT64_MAX) >= 0);
        assert_null(m.calls_retry);
        reply();
        assert_int_equal(second.n_replies, 1);
        first.call = bus_call_free(first.call);
        tear_down(&m);
}

static void test_cancelled_meanwhile(void **state) {
        Manager m;
        Call c = { .manager = &m };

        set_up(&m);
        n_failures = 1;
        call(&c);
        c.call = bus_call_free(c.call);
        assert_true(sd_event_run(m.event, UINT64_MAX) >= 0);
        assert_int_equal(n_sent, 0);
        tear_down(&m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sending_fails),
                cmocka_unit_test(test_cancelled_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
