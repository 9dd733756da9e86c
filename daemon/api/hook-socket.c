/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "bus-peer.h"
#include "hook-socket.h"

#define SOCKET_PATH "/run/pasidd/hook"

/* Each hook makes one or two calls. If there are more connections, the oldest is closed: it has been served. */
#define CONNECTIONS_MAX 64U

/* Queue length for connections while the daemon is busy. */
#define BACKLOG 128

/* Above everything else, including the kernel's events. */
#define PRIORITY (SD_EVENT_PRIORITY_IMPORTANT - 10)

typedef struct HookConnection HookConnection;

struct HookConnection {
        TAILQ_ENTRY(HookConnection) entries;
        HookSocket *socket;
        sd_bus *bus;
        uint32_t pid;
};

struct HookSocket {
        Api *api;
        HookMethodsAdder add_methods;
        int fd;
        char *path; /* removed at the end; NULL: the socket belongs to systemd */
        sd_event_source *source;
        TAILQ_HEAD(HookConnectionList, HookConnection) connections;
        size_t n_connections;
};

static HookConnection *connection_free(HookConnection *c) {
        if (!c)
                return NULL;

        TAILQ_REMOVE(&c->socket->connections, c, entries);
        c->socket->n_connections--;
        sd_bus_close_unref(c->bus);
        free(c);
        return NULL;
}
DEFINE_CLEANUP_FUNC(HookConnection *, connection_free, connection_freep);

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        connection_free(userdata);
        return 0;
}

/* File permissions admit only root; this check does not depend on them. */
static int check_peer(const Api *api, int fd, uint32_t *ret_pid) {
        struct ucred peer = {};
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;
        /* Below a root directory (tests), the daemon may run as any user. */
        if (peer.uid != 0 && (isempty(api->root) || peer.uid != geteuid()))
                return -EACCES;

        *ret_pid = (uint32_t) peer.pid;
        return 0;
}

static int start_server(sd_bus *bus, int *fd) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_set_fd(bus, *fd, *fd);
        if (r < 0)
                return r;

        TAKE_FD(*fd);
        r = sd_bus_set_server(bus, true, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false);
        if (r >= 0)
                r = sd_bus_start(bus);
        return r;
}

/* Takes ownership of the descriptor. */
static int add_connection(HookSocket *s, int connected) {
        _cleanup_(connection_freep) HookConnection *c = NULL;
        _cleanup_close_ int fd = connected;
        Api *api = s->api;
        uint32_t pid = 0;
        int r;

        r = check_peer(api, fd, &pid);
        if (r < 0)
                return r;

        if (s->n_connections >= CONNECTIONS_MAX)
                connection_free(TAILQ_FIRST(&s->connections));

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->socket = s;
        c->pid = pid;
        TAILQ_INSERT_TAIL(&s->connections, c, entries);
        s->n_connections++;

        r = sd_bus_new(&c->bus);
        if (r >= 0)
                r = start_server(c->bus, &fd);
        if (r >= 0)
                r = bus_on_disconnected(c->bus, on_disconnected, c);
        if (r >= 0)
                r = s->add_methods(api, c->bus);
        if (r >= 0)
                r = sd_bus_attach_event(c->bus, api->event, PRIORITY);
        if (r < 0)
                return r;

        log_debug("The libvirt hook with PID %u connected.", pid);
        TAKE_PTR(c);
        return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        int connected, r;

        connected = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connected < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        log_warning_errno(-errno, "Cannot accept a connection of the libvirt hook: %m");
                return 0;
        }

        r = add_connection(userdata, connected);
        if (r < 0)
                log_warning_errno(r, "Refused a connection to the socket of the libvirt hook: %m");
        return 0;
}

/* Binds with the permissions that pasidd.socket sets. */
static int bind_private(int fd, const struct sockaddr_un *address) {
        mode_t mask = umask(0177);
        int r = 0;

        if (bind(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
                r = -errno;
        umask(mask);
        return r;
}

static int make_socket(const char *root, int *ret_fd, char **ret_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s" SOCKET_PATH, root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        (void) unlink(path);
        r = bind_private(fd, &address);
        if (r < 0)
                return r;
        if (listen(fd, BACKLOG) < 0)
                return -errno;

        *ret_fd = TAKE_FD(fd);
        *ret_path = TAKE_PTR(path);
        return 0;
}

static int hook_socket_new(Api *api, HookMethodsAdder add_methods, HookSocket **ret) {
        _cleanup_(hook_socket_freep) HookSocket *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->api = api;
        s->add_methods = add_methods;
        s->fd = TAKE_FD(api->hook_fd);
        TAILQ_INIT(&s->connections);

        if (s->fd < 0) {
                r = make_socket(api->root, &s->fd, &s->path);
                if (r < 0)
                        return r;
        }

        r = sd_event_add_io(api->event, &s->source, s->fd, EPOLLIN, on_connection, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->source, PRIORITY);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(s->source, "hook");
        *ret = TAKE_PTR(s);
        return 0;
}

void hook_socket_start(Api *api, HookMethodsAdder add_methods) {
        int r;

        if (api->hook_socket || (api->hook_fd < 0 && isempty(api->root)))
                return;

        r = hook_socket_new(api, add_methods, &api->hook_socket);
        if (r < 0)
                log_warning_errno(
                        r, "Cannot open the socket for the libvirt hook, which will use the system bus: %m");
}

HookSocket *hook_socket_free(HookSocket *s) {
        if (!s)
                return NULL;

        while (!TAILQ_EMPTY(&s->connections))
                connection_free(TAILQ_FIRST(&s->connections));
        sd_event_source_disable_unref(s->source);
        closep(&s->fd);
        if (s->path)
                (void) unlink(s->path);
        free(s->path);
        free(s);
        return NULL;
}

bool hook_socket_owns(const HookSocket *s, const sd_bus *bus, uint32_t *ret_pid) {
        const HookConnection *c;

        if (!s)
                return false;

        TAILQ_FOREACH (c, &s->connections, entries)
                if (c->bus == bus) {
                        *ret_pid = c->pid;
                        return true;
                }

        return false;
}
