/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PASID sets by generic netlink. There are two sockets, one for requests and
 * their replies and one for events, so that a dump and concurrent events are not
 * mixed.
 *
 * resolve the family → info-get → set-get dump → follow events
 *                         ↑                           │
 *                         └─── events lost, dump torn ┘
 *
 * During a dump events stay in their socket. The dump has the sequence number up
 * to which it is current; older events are dropped (GenlSequence).
 */

#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <linux/vfio_pasid.h>

#include "genl-family.h"
#include "genl-parse.h"
#include "genl-socket.h"
#include "hold-off.h"
#include "kernel-source.h"
#include "log.h"
#include "turn-taking.h"

#define MESSAGE_BUFFER_SIZE (64 * 1024)

/* Number of datagrams that are handled before control returns to the event loop. */
#define RECEIVE_BATCH 64U
#define FLUSH_MAX     65536U
#define TURNS_MAX     8U

/* Who overruns the socket again and again has all sets listed once a second. */
#define LOST_INTERVAL_USEC (UINT64_C(1000000))

typedef enum GenlState {
        GENL_RESOLVING,
        GENL_ABSENT, /* the module was unloaded and may come back */
        GENL_INFO,
        GENL_DUMPING,
        GENL_FOLLOWING,
} GenlState;

typedef struct GenlSource {
        KernelSource base;
        GenlState state;
        struct nl_sock *request_socket;
        struct nl_sock *events_socket;
        sd_event_source *request_source;
        sd_event_source *events_source;
        TurnTaking *turns; /* of both */
        HoldOff *restart;
        uint32_t request; /* sequence number of the pending request */
        uint16_t family;
        bool announced;    /* present() has been called */
        bool torn;         /* sets changed during the dump */
        bool resync_after; /* a resync was requested during another one */
        GenlSequence sequence;
        uint64_t dump_seq;
        KernelSet *sets;
        size_t n_sets, n_allocated;
        char buffer[MESSAGE_BUFFER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
} GenlSource;

static void fail(GenlSource *g, int error) {
        (void) sd_event_source_set_enabled(g->request_source, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(g->events_source, SD_EVENT_OFF);
        g->base.handlers->failed(error, g->base.userdata);
}

static int send_request(GenlSource *g, uint16_t family, uint8_t command, uint8_t version, int flags) {
        const GenlRequest request = { ++g->request, family, command, version, flags };

        return genl_socket_send(g->request_socket, &request);
}

static int begin_resolve(GenlSource *g) {
        g->state = GENL_RESOLVING;
        /* The kernel loads the module by its alias. */
        return send_request(g, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
}

static int begin_info(GenlSource *g) {
        g->state = GENL_INFO;
        g->torn = g->resync_after = false;
        (void) sd_event_source_set_enabled(g->events_source, SD_EVENT_OFF);
        return send_request(g, g->family, VFIO_PASID_CMD_INFO_GET, VFIO_PASID_FAMILY_VERSION, 0);
}

/* Somebody may bring that about again and again. */
static int begin_again(GenlSource *g) {
        turn_taking_turn(g->turns, true);
        return begin_info(g);
}

static int begin_dump(GenlSource *g) {
        g->state = GENL_DUMPING;
        g->n_sets = 0;
        return send_request(g, g->family, VFIO_PASID_CMD_SET_GET, VFIO_PASID_FAMILY_VERSION, NLM_F_DUMP);
}

/* Makes room, so that what happens during the dump fits. The dump covers what is thrown away. */
static void flush_events(GenlSource *g) {
        for (unsigned i = 0; i < FLUSH_MAX; i++)
                if (genl_socket_receive(g->events_socket, g->buffer, sizeof(g->buffer)) == -EAGAIN)
                        return;
}

static void restart(void *userdata) {
        GenlSource *g = userdata;
        int r;

        flush_events(g);
        r = begin_info(g);
        if (r < 0)
                fail(g, r);
}

/*
 * The kernel's events normally take precedence over callers. But the owner of a
 * virtual machine can make sets come and go at will: while there are more events
 * than fit into a batch, they get the same priority as everything else.
 */
static void set_priority(int64_t priority, void *userdata) {
        GenlSource *g = userdata;

        if (sd_event_source_set_priority(g->events_source, priority) < 0 ||
                sd_event_source_set_priority(g->request_source, priority) < 0)
                log_debug("Cannot change the priority of the kernel's events, ignoring.");
}

static void lose_events(GenlSource *g, const char *reason) {
        g->base.handlers->lost(reason, g->base.userdata);
        g->state = GENL_INFO;
        (void) sd_event_source_set_enabled(g->events_source, SD_EVENT_OFF);
        hold_off_request(g->restart);
}

static int on_family(GenlSource *g, struct nlmsghdr *nlh) {
        uint32_t group;
        int r;

        r = genl_family_parse(nlh, &g->family, &group);
        if (r < 0)
                return r;

        if (nl_socket_add_membership(g->events_socket, (int) group) < 0) {
                r = -errno;
                return log_error_errno(r < 0 ? r : -EIO, "Cannot listen to the kernel's PASID events: %m");
        }

        return begin_info(g);
}

static int on_info(GenlSource *g, const KernelMessage *message) {
        g->dump_seq = message->seq;

        if (!g->announced) {
                g->announced = true;
                g->base.handlers->present(&message->info, g->base.userdata);
        }

        return begin_dump(g);
}

static int on_set(GenlSource *g, const KernelMessage *message) {
        if (g->n_sets >= g->n_allocated) {
                size_t n = g->n_allocated > 0 ? g->n_allocated * 2 : 64;
                KernelSet *bigger;

                bigger = reallocarray(g->sets, n, sizeof(KernelSet));
                if (!bigger)
                        return -ENOMEM;
                g->sets = bigger;
                g->n_allocated = n;
        }

        g->sets[g->n_sets++] = message->set;
        g->dump_seq = message->seq;
        return 0;
}

static int on_dump_done(GenlSource *g) {
        if (g->torn) {
                log_debug("Sets changed during the dump, requesting it again.");
                return begin_again(g);
        }

        g->state = GENL_FOLLOWING;
        turn_taking_turn(g->turns, false);
        genl_sequence_reset(&g->sequence, g->dump_seq);
        (void) sd_event_source_set_enabled(g->events_source, SD_EVENT_ON);
        g->base.handlers->dump(g->sets, g->n_sets, g->base.userdata);

        return g->resync_after ? begin_info(g) : 0;
}

/* Handles an error reply. Returns the error with which the source fails, or 0. */
static int on_error(GenlSource *g, int error) {
        if (error == 0)
                return 0;

        /* An unused module can be unloaded at any time. */
        if (g->state == GENL_RESOLVING)
                return error == -ENOENT ? -EOPNOTSUPP : error;
        if (error == -ENOENT || error == -EOPNOTSUPP)
                return begin_resolve(g);
        if (error == -EINTR || error == -EAGAIN || error == -EBUSY)
                return begin_again(g);

        return error;
}

static int on_reply(GenlSource *g, struct nlmsghdr *nlh) {
        KernelMessage message;
        int r;

        if (nlh->nlmsg_seq != g->request)
                return 0;

        if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
                g->torn = true;

        if (nlh->nlmsg_type == NLMSG_ERROR) {
                const struct nlmsgerr *e = nlmsg_data(nlh);

                if (!nlmsg_valid_hdr(nlh, sizeof(*e)))
                        return -EBADMSG;
                return on_error(g, e->error);
        }

        if (nlh->nlmsg_type == NLMSG_DONE)
                return g->state == GENL_DUMPING ? on_dump_done(g) : 0;

        if (nlh->nlmsg_type == GENL_ID_CTRL)
                return g->state == GENL_RESOLVING ? on_family(g, nlh) : 0;

        if (nlh->nlmsg_type != g->family)
                return 0;

        r = genl_message_parse(nlh, &message);
        if (r < 0)
                return r;

        if (g->state == GENL_INFO && message.type == KERNEL_MESSAGE_INFO)
                return on_info(g, &message);
        if (g->state == GENL_DUMPING && message.type == KERNEL_MESSAGE_SET)
                return on_set(g, &message);

        return 0;
}

/* Handles loading and unloading of the module. */
static void on_family_event(GenlSource *g, struct nlmsghdr *nlh) {
        GenlFamilyChange change = genl_family_change(nlh);
        int r;

        if (change == GENL_FAMILY_UNREGISTERED && g->state == GENL_FOLLOWING) {
                log_notice("The kernel module vfio_pasid was unloaded, waiting for it to come back.");
                g->state = GENL_ABSENT;
                g->announced = false;
                g->sequence.valid = false;
                g->base.handlers->dump(NULL, 0, g->base.userdata);
        } else if (change == GENL_FAMILY_REGISTERED && g->state == GENL_ABSENT) {
                r = begin_resolve(g);
                if (r < 0)
                        fail(g, r);
        }
}

static void on_event(GenlSource *g, struct nlmsghdr *nlh) {
        KernelMessage message;
        int r;

        if (nlh->nlmsg_type == GENL_ID_CTRL) {
                on_family_event(g, nlh);
                return;
        }

        if (nlh->nlmsg_type != g->family || g->state != GENL_FOLLOWING)
                return;

        r = genl_message_parse(nlh, &message);
        if (r == -EOPNOTSUPP)
                return;
        if (r < 0) {
                lose_events(g, "an event does not parse");
                return;
        }

        switch (genl_sequence_next(&g->sequence, message.seq)) {

        case GENL_SEQUENCE_STALE:
                return;

        case GENL_SEQUENCE_GAP:
                lose_events(g, "gap in the sequence of events");
                return;

        case GENL_SEQUENCE_OK:
                g->base.handlers->event(&message, g->base.userdata);
                return;
        }
}

static int on_request_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GenlSource *g = userdata;

        for (unsigned i = 0; i < RECEIVE_BATCH; i++) {
                struct nlmsghdr *nlh = (struct nlmsghdr *) g->buffer;
                int left, r;
                ssize_t n;

                n = genl_socket_receive(g->request_socket, g->buffer, sizeof(g->buffer));
                if (n == -EAGAIN)
                        return 0;
                if (n == -ENOBUFS) {
                        r = g->state == GENL_RESOLVING ? begin_resolve(g) : begin_again(g);
                        if (r < 0)
                                fail(g, r);
                        return 0;
                }
                if (n < 0) {
                        fail(g, (int) n);
                        return 0;
                }

                for (left = (int) n; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
                        r = on_reply(g, nlh);
                        if (r < 0) {
                                fail(g, r);
                                return 0;
                        }
                }
        }

        return 0;
}

static int on_events_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GenlSource *g = userdata;

        for (unsigned i = 0; i < RECEIVE_BATCH; i++) {
                struct nlmsghdr *nlh = (struct nlmsghdr *) g->buffer;
                int left;
                ssize_t n;

                n = genl_socket_receive(g->events_socket, g->buffer, sizeof(g->buffer));
                if (n == -EAGAIN) {
                        turn_taking_turn(g->turns, false);
                        return 0;
                }
                if (n == -ENOBUFS) {
                        turn_taking_turn(g->turns, true);
                        if (g->state == GENL_FOLLOWING)
                                lose_events(g, "receive buffer overrun");
                        return 0;
                }
                if (n < 0) {
                        fail(g, (int) n);
                        return 0;
                }

                for (left = (int) n; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
                        on_event(g, nlh);

                /* A new dump has begun; further events wait for it. */
                if (g->state == GENL_INFO || g->state == GENL_DUMPING)
                        return 0;
        }

        turn_taking_turn(g->turns, true);
        return 0;
}

static int genl_source_resync(KernelSource *source) {
        GenlSource *g = (GenlSource *) source;

        if (g->state == GENL_FOLLOWING)
                return begin_info(g);
        if (g->state == GENL_ABSENT)
                return -ENODEV; /* when the module comes back, there is a dump anyway */

        g->resync_after = true;
        return 0;
}

static void genl_source_free(KernelSource *source) {
        GenlSource *g = (GenlSource *) source;

        sd_event_source_disable_unref(g->request_source);
        sd_event_source_disable_unref(g->events_source);
        turn_taking_free(g->turns);
        hold_off_free(g->restart);
        nl_socket_free(g->request_socket);
        nl_socket_free(g->events_socket);
        free(g->sets);
        free(g);
}

static void genl_source_freep(GenlSource **g) {
        if (*g)
                genl_source_free(&(*g)->base);
}

int genl_source_new(sd_event *event, PassedSockets *sockets, const KernelSourceHandlers *handlers,
        void *userdata, KernelSource **ret) {
        static const KernelSourceOps ops = {
                .resync = genl_source_resync,
                .free = genl_source_free,
        };
        _cleanup_(genl_source_freep) GenlSource *g = NULL;
        int r;

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        g->base = (KernelSource) { .ops = &ops, .handlers = handlers, .userdata = userdata };

        r = turn_taking_new(event, SD_EVENT_PRIORITY_IMPORTANT, TURNS_MAX, set_priority, g, &g->turns);
        if (r >= 0)
                r = hold_off_new(event, LOST_INTERVAL_USEC, restart, g, &g->restart);
        if (r >= 0)
                r = genl_socket_open(event, &sockets->request, "genl-request", SD_EVENT_PRIORITY_IMPORTANT,
                        on_request_io, g, &g->request_socket, &g->request_source);
        if (r >= 0)
                r = genl_socket_open(event, &sockets->events, "genl-events", SD_EVENT_PRIORITY_IMPORTANT,
                        on_events_io, g, &g->events_socket, &g->events_source);
        if (r < 0)
                return r;

        genl_socket_enlarge(g->events_socket);

        /* Without these events, the unloading of the module is not noticed; that is not fatal. */
        if (nl_socket_add_membership(g->events_socket, GENL_ID_CTRL) < 0)
                log_debug("Cannot follow the registration of netlink families, ignoring.");

        r = begin_resolve(g);
        if (r < 0)
                return r;

        *ret = &TAKE_PTR(g)->base;
        return 0;
}
