/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "caller.h"
#include "cgroup-path.h"
#include "polkit.h"
#include "proc.h"
#include "utf8.h"

/*
 * Anybody may make requests that are left waiting for a password. The bus lets
 * us have only so many questions open (128 with dbus-daemon), it is asked
 * itself, too, and root must always get through: also when a user fills the
 * queue from all the connections that he may have (256).
 */
#define POLKIT_QUESTIONS_MAX         32U /* more wait for their turn */
#define POLKIT_QUESTIONS_PER_UID_MAX 8U  /* likewise */
#define SENDER_QUESTIONS_MAX         32U /* likewise */
#define REQUESTS_PER_UID_MAX         128U
#define REQUESTS_PER_SENDER_MAX      512U /* while its uid is not known */
#define REQUESTS_PER_SENDER_MIN      16U  /* the same, while there are many */
#define REQUESTS_MANY                1024U
#define REQUESTS_MAX                 8192U

/* A user may have to type a password. */
#define INTERACTIVE_TIMEOUT_USEC (UINT64_C(120) * 1000000)

#define POLKIT_FLAG_INTERACTIVE 1U

#define LOG_INTERVAL_USEC (UINT64_C(60000000))
#define LOG_BURST         2U

/* Of all arguments together. Nothing that makes sense comes near; the bus lets 32 MiB through. */
#define ARGUMENTS_SIZE_MAX 16384U

#define TOO_MANY "Too many requests wait for authorization."

typedef enum AuthStage {
        AUTH_NEW,
        AUTH_ASKING_SENDER, /* the bus, for the sender's uid and pid */
        AUTH_SENDER_KNOWN,
        AUTH_ASKING_POLKIT,
} AuthStage;

/* Those that were asked about lately. The bus gives no name twice, and who has one stays who he is. */
#define SENDERS_KNOWN_MAX 32U

struct KnownSender {
        char *name;
        uint32_t uid, pid;
};

struct AuthRequest {
        TAILQ_ENTRY(AuthRequest) entries;
        Manager *manager;
        AuthStage stage;
        uint32_t uid;
        uint32_t pid; /* 0: not known */
        sd_bus_message *message;
        sd_bus_message *question; /* to polkit, ready to be sent */
        AuthorizedHandler handler;
        sd_bus_slot *slot;
};

static void auth_request_free(AuthRequest *request) {
        Manager *m = request->manager;

        TAILQ_REMOVE(&m->auth_requests, request, entries);
        m->n_auth_requests--;
        sd_bus_slot_unref(request->slot);
        sd_bus_message_unref(request->message);
        sd_bus_message_unref(request->question);
        free(request);
}

void polkit_forget_requests(Manager *m) {
        AuthRequest *request;

        while ((request = TAILQ_FIRST(&m->auth_requests)))
                auth_request_free(request);

        /* The names are those of one bus. */
        for (size_t i = 0; m->senders_known && i < SENDERS_KNOWN_MAX; i++)
                free(m->senders_known[i].name);
        free(TAKE_PTR(m->senders_known));
}

/* Answers the caller with an error, unless r says that it was answered already. */
static void reply_error(sd_bus_message *message, int r, const sd_bus_error *error) {
        if (r >= 0 && !sd_bus_error_is_set(error))
                return;

        r = sd_bus_reply_method_errno(message, r, error);
        if (r < 0)
                log_debug_errno(r, "Cannot reply to %s: %m", strempty(sd_bus_message_get_sender(message)));
}

static void refuse(AuthRequest *request, const char *name, const char *why) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(request->message);

        auth_request_free(request);
        reply_error(message, sd_bus_error_set(&error, name, why), &error);
}

static void deny(AuthRequest *request) {
        refuse(request, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied by polkit.");
}

/* polkit would ask for a password, if it may. */
static void challenge_caller(AuthRequest *request) {
        if (sd_bus_message_get_allow_interactive_authorization(request->message) > 0)
                deny(request);
        else
                refuse(request, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                        "Interactive authentication required.");
}

/* polkit that is not there is a way to set up a host. Anything else that fails is a fault. */
static void log_failure(Manager *m, const sd_bus_error *error) {
        unsigned suppressed;

        if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) > 0)
                log_debug("There is no polkit to ask: %s", strempty(error->message));
        else if (ratelimit_below(&m->polkit_log, manager_now(m), LOG_INTERVAL_USEC, LOG_BURST, &suppressed))
                log_warning("polkit cannot answer, access is denied: %s (%u more not logged)",
                        strempty(error->message), suppressed);
}

/* For the record. The process may be gone by now, but hardly be another's: it waits for its answer. */
static char *unit_of_process(const Manager *m, uint32_t pid) {
        _cleanup_free_ char *cgroup = NULL, *unit = NULL;

        if (pid == 0 || proc_get_cgroup_unverified(m->root, (pid_t) pid, &cgroup) < 0 ||
                cgroup_path_get_unit(cgroup, &unit, NULL) < 0 || !utf8_is_printable(unit))
                return NULL;

        return TAKE_PTR(unit);
}

static void proceed(AuthRequest *request) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = TAKE_PTR(request->message);
        AuthorizedHandler handler = request->handler;
        Manager *m = request->manager;
        _cleanup_free_ char *unit = unit_of_process(m, request->pid);
        const Caller caller = { .uid = request->uid, .pid = request->pid, .unit = unit };
        int r;

        auth_request_free(request);
        r = sd_bus_message_rewind(message, true);
        if (r >= 0) {
                m->caller = &caller;
                r = handler(message, m, &error);
                m->caller = NULL;
        }
        reply_error(message, r, &error);
}

static void ask_polkit(Manager *m);

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        int authorized = false, challenge = false;
        AuthRequest *request = userdata;
        Manager *m = request->manager;

        if (e)
                log_failure(m, e);
        else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                authorized = challenge = false;

        if (authorized)
                proceed(request);
        else if (challenge)
                challenge_caller(request);
        else
                deny(request);

        ask_polkit(m);
        return 0;
}

static unsigned count_of_uid(const Manager *m, uint32_t uid, AuthStage from) {
        const AuthRequest *request;
        unsigned n = 0;

        TAILQ_FOREACH (request, &m->auth_requests, entries)
                n += request->stage >= from && request->uid == uid;

        return n;
}

static unsigned count_in_stage(const Manager *m, AuthStage stage) {
        const AuthRequest *request;
        unsigned n = 0;

        TAILQ_FOREACH (request, &m->auth_requests, entries)
                n += request->stage == stage;

        return n;
}

static void ask_polkit(Manager *m) {
        unsigned n = count_in_stage(m, AUTH_ASKING_POLKIT);
        AuthRequest *request, *next;

        for (request = TAILQ_FIRST(&m->auth_requests); request && n < POLKIT_QUESTIONS_MAX; request = next) {
                next = TAILQ_NEXT(request, entries);
                if (request->stage != AUTH_SENDER_KNOWN ||
                        count_of_uid(m, request->uid, AUTH_ASKING_POLKIT) >= POLKIT_QUESTIONS_PER_UID_MAX)
                        continue;

                n++;
                request->stage = AUTH_ASKING_POLKIT;
                if (sd_bus_call_async(m->bus, &request->slot, request->question, on_polkit, request,
                            INTERACTIVE_TIMEOUT_USEC) < 0)
                        deny(request);
        }
}

static void ask_senders(Manager *m);

static int read_credential(sd_bus_message *reply, AuthRequest *request, bool *ret_uid_known) {
        const char *name;
        uint32_t *value;
        int r;

        r = sd_bus_message_read(reply, "s", &name);
        if (r < 0)
                return r;

        value = streq(name, "UnixUserID") ? &request->uid : streq(name, "ProcessID") ? &request->pid : NULL;
        if (!value)
                return sd_bus_message_skip(reply, "v");

        r = sd_bus_message_read(reply, "v", "u", value);
        if (r >= 0 && value == &request->uid)
                *ret_uid_known = true;
        return r;
}

/* Only a uid that the bus vouches for counts. */
static int read_credentials(sd_bus_message *reply, AuthRequest *request) {
        bool uid_known = false;
        int r;

        if (sd_bus_message_is_method_error(reply, NULL))
                return -EACCES;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = read_credential(reply, request, &uid_known);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
                return r;

        return uid_known ? 0 : -EACCES;
}

static void remember_sender(const AuthRequest *request) {
        Manager *m = request->manager;
        KnownSender *s;
        char *name;

        if (!m->senders_known)
                m->senders_known = calloc(SENDERS_KNOWN_MAX, sizeof(KnownSender));
        name = strdup(sd_bus_message_get_sender(request->message));
        if (!m->senders_known || !name) {
                free(name);
                return;
        }

        s = &m->senders_known[m->next_sender];
        m->next_sender = (m->next_sender + 1) % SENDERS_KNOWN_MAX;
        free(s->name);
        *s = (KnownSender) { .name = name, .uid = request->uid, .pid = request->pid };
}

static const KnownSender *find_sender(const Manager *m, const char *name) {
        const AuthRequest *request;

        /* None overtakes those of the same sender that still wait for the answer. */
        TAILQ_FOREACH (request, &m->auth_requests, entries)
                if (request->stage < AUTH_SENDER_KNOWN &&
                        streq(sd_bus_message_get_sender(request->message), name))
                        return NULL;

        for (size_t i = 0; m->senders_known && i < SENDERS_KNOWN_MAX; i++)
                if (streq_ptr(m->senders_known[i].name, name))
                        return &m->senders_known[i];

        return NULL;
}

static void sender_is_known(AuthRequest *request) {
        Manager *m = request->manager;

        if (request->uid == 0)
                proceed(request);
        else if (count_of_uid(m, request->uid, AUTH_SENDER_KNOWN) >= REQUESTS_PER_UID_MAX)
                refuse(request, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY);
        else {
                request->stage = AUTH_SENDER_KNOWN;
                ask_polkit(m);
        }
}

static int on_sender(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        AuthRequest *request = userdata;
        Manager *m = request->manager;

        request->slot = sd_bus_slot_unref(request->slot);

        if (read_credentials(reply, request) < 0)
                deny(request);
        else {
                remember_sender(request);
                sender_is_known(request);
        }

        ask_senders(m);
        return 0;
}

static int ask_sender(AuthRequest *request) {
        request->stage = AUTH_ASKING_SENDER;
        return sd_bus_call_method_async(request->manager->bus, &request->slot, "org.freedesktop.DBus",
                "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionCredentials", on_sender,
                request, "s", sd_bus_message_get_sender(request->message));
}

/* The bus answers at once, so those that wait do not do so for long. */
static void ask_senders(Manager *m) {
        unsigned n = count_in_stage(m, AUTH_ASKING_SENDER);
        AuthRequest *request, *next;

        for (request = TAILQ_FIRST(&m->auth_requests); request && n < SENDER_QUESTIONS_MAX; request = next) {
                next = TAILQ_NEXT(request, entries);
                if (request->stage != AUTH_NEW)
                        continue;

                n++;
                if (ask_sender(request) < 0)
                        deny(request);
        }
}

static int append_details(sd_bus_message *question, const char *const *details) {
        int r;

        r = sd_bus_message_open_container(question, 'a', "{ss}");
        if (r < 0)
                return r;

        for (; details && details[0]; details += 2) {
                r = sd_bus_message_append(question, "{ss}", details[0], details[1]);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(question);
}

static int make_question(sd_bus *bus, sd_bus_message *message, const char *action, const char *const *details,
        sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &question, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(question, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(message), action);
        if (r >= 0)
                r = append_details(question, details);
        if (r >= 0)
                r = sd_bus_message_append(question, "us",
                        sd_bus_message_get_allow_interactive_authorization(message) > 0
                                ? POLKIT_FLAG_INTERACTIVE
                                : 0,
                        NULL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(question);
        return 0;
}

static bool too_many(const Manager *m, const char *sender) {
        const unsigned max =
                m->n_auth_requests < REQUESTS_MANY ? REQUESTS_PER_SENDER_MAX : REQUESTS_PER_SENDER_MIN;
        const AuthRequest *request;
        unsigned n = 0;

        TAILQ_FOREACH (request, &m->auth_requests, entries)
                n += request->stage < AUTH_SENDER_KNOWN &&
                     streq(sd_bus_message_get_sender(request->message), sender);

        return n >= max || m->n_auth_requests >= REQUESTS_MAX;
}

static int measure(sd_bus_message *message, size_t *left);

static int measure_container(sd_bus_message *message, char type, const char *contents, size_t *left) {
        int r;

        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;

        r = measure(message, left);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(message);
}

/* Goes through what is left in the container; -E2BIG when it takes more than *left. */
static int measure(sd_bus_message *message, size_t *left) {
        for (;;) {
                const char *contents, *s = NULL;
                uint64_t value;
                size_t size;
                char type;
                int r;

                r = sd_bus_message_peek_type(message, &type, &contents);
                if (r <= 0)
                        return r;

                if (strchr("aver", type)) {
                        size = 8;
                        r = measure_container(message, type, contents, left);
                } else if (strchr("sog", type)) {
                        r = sd_bus_message_read_basic(message, type, &s);
                        size = 8 + (r > 0 ? strlen(s) : 0);
                } else {
                        size = 8;
                        r = sd_bus_message_read_basic(message, type, &value);
                }
                if (r < 0)
                        return r;

                if (size > *left)
                        return -E2BIG;
                *left -= size;
        }
}

/* Messages are kept while they wait. */
static int check_size(sd_bus_message *message, sd_bus_error *error) {
        size_t left = ARGUMENTS_SIZE_MAX;
        int r;

        r = sd_bus_message_rewind(message, true);
        if (r >= 0)
                r = measure(message, &left);
        if (r == -E2BIG)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "The arguments take more than %u bytes.", ARGUMENTS_SIZE_MAX);

        return r;
}

int polkit_authorize(Manager *m, sd_bus_message *message, const char *action, const char *const *details,
        AuthorizedHandler handler, sd_bus_error *error) {
        const KnownSender *sender;
        AuthRequest *request;
        int r;

        if (too_many(m, sd_bus_message_get_sender(message)))
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, TOO_MANY);

        r = check_size(message, error);
        if (r < 0)
                return r;

        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;

        request->manager = m;
        request->handler = handler;
        request->message = sd_bus_message_ref(message);
        sender = find_sender(m, sd_bus_message_get_sender(message));
        TAILQ_INSERT_TAIL(&m->auth_requests, request, entries);
        m->n_auth_requests++;

        /* Nobody is asked about root. */
        if (!sender || sender->uid != 0) {
                r = make_question(m->bus, message, action, details, &request->question);
                if (r < 0) {
                        auth_request_free(request);
                        return r;
                }
        }

        if (sender) {
                request->uid = sender->uid;
                request->pid = sender->pid;
                sender_is_known(request);
        } else
                ask_senders(m);
        return 1;
}
