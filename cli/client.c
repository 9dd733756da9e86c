/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include "bus-names.h"
#include "bus-read.h"
#include "clock.h"
#include "error-map.h"
#include "kernel.h"
#include "suggest.h"

/* Long enough for somebody to type a password. Other calls have sd-bus's own limit, 25 s. */
#define ASK_TIMEOUT_USEC (120 * USEC_PER_SEC)

/* What dbus-daemon itself waits for a service to start is 25 s. */
#define START_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define START_POLL_USEC    (200 * USEC_PER_MSEC)
#define OLD_FAILURE_USEC   (3 * USEC_PER_SEC)

#define SYSTEMD_NAME          "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_PATH     "/org/freedesktop/systemd1/unit/pasidd_2eservice"
#define SYSTEMD_UNIT_IFACE    "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_IFACE "org.freedesktop.systemd1.Service"

void client_close(Client *client) {
        client->bus = sd_bus_flush_close_unref(client->bus);
}

CtlExitStatus client_fail_message(int r) {
        if (r == -ENOMEM)
                return fail_oom();
        return fail(CTL_EXIT_FAILURE,
                "The daemon and pasidctl do not understand each other (%s); are they of the same version?",
                strerror(-r));
}

/* What is known of why this host's daemon does not run. exit_status is what its process ended with, 0 if unknown. */
static const char *why_not_running(int exit_status) {
        if (exit_status == PASIDD_EXIT_CONFIG)
                return "Its configuration does not parse. ";
        if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0)
                return "/sys/fs/cgroup is not the unified cgroup hierarchy (cgroup v2), which it needs. ";
        if (exit_status == PASIDD_EXIT_NO_KERNEL_SUPPORT || !kernel_has_vfio_pasid())
                return "This kernel has no module vfio_pasid: it lacks the PASID quota patches. ";
        return "";
}

static CtlExitStatus fail_not_running(const Client *client, const char *message, int exit_status) {
        if (client->options->host)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "pasidd is not running on %s: %s. See 'systemctl status pasidd' there.",
                        client->options->host, message);
        return fail(CTL_EXIT_NOT_RUNNING,
                "pasidd is not running: %s. %sSee 'systemctl status pasidd' and 'journalctl -u pasidd'.",
                message, why_not_running(exit_status));
}

/* It is on the bus, and hangs, or ended before it answered. */
static CtlExitStatus fail_no_answer(const Client *client, const char *message) {
        const char *host = client->options->host;

        return fail(CTL_EXIT_NOT_RUNNING, "pasidd%s%s does not answer: %s. See 'systemctl status pasidd'%s.",
                host ? " on " : "", strempty(host), message, host ? " there" : "");
}

/* The message without a full stop, for there comes more. */
static char *strip_full_stop(const char *message) {
        char *text = text_escape_lines(message);
        size_t length;

        if (!text)
                return NULL;
        length = strlen(text);
        if (length > 0 && text[length - 1] == '.')
                text[length - 1] = 0;
        return text;
}

static const char *error_hint(const Client *client, const char *name, CtlExitStatus status) {
        if (streq_ptr(name, PASIDD_ERROR_AMBIGUOUS_VM))
                return "Name it by its UUID, or by more of it.";
        if (streq_ptr(name, SD_BUS_ERROR_UNKNOWN_METHOD))
                return "The pasidd that runs is of another version than pasidctl and does not know that yet; if it was "
                       "upgraded, 'systemctl restart pasidd'.";
        if (status == CTL_EXIT_DENIED && (client->options->host || geteuid() != 0))
                return "Nothing was changed. Run pasidctl as root, or have a polkit rule allow it.";
        return NULL;
}

CtlExitStatus client_fail(const Client *client, const sd_bus_error *error, int r) {
        const char *hint, *message = !isempty(error->message) ? error->message : strerror(-r);
        CtlExitStatus status = error_to_exit_status(error->name);
        _cleanup_free_ char *text = strip_full_stop(message);

        if (!text)
                return fail_oom();
        if (streq_ptr(error->name, SD_BUS_ERROR_TIMEOUT) || streq_ptr(error->name, SD_BUS_ERROR_NO_REPLY))
                return fail_no_answer(client, text);
        if (status == CTL_EXIT_NOT_RUNNING)
                return fail_not_running(client, text, 0);

        hint = error_hint(client, error->name, status);
        /* Some messages are lists. */
        return fail(status, "%s%s%s%s", text, strchr(text, '\n') ? "" : ".",
                !hint                ? ""
                : strchr(text, '\n') ? "\n"
                                     : " ",
                strempty(hint));
}

CtlExitStatus client_open_bus(const Options *options, Client *ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *name;
        int r;

        r = options->host ? sd_bus_open_system_remote(&bus, options->host) : sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &name); /* waits for the connection */
        if (r < 0 && options->host)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "Cannot connect to the system bus of %s: %s. Does 'ssh %s%s%s%s systemd-stdio-bridge' work?",
                        options->host, strerror(-r), SSH_ARGUMENTS(options->ssh));
        if (r < 0)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "Cannot connect to the system bus: %s. See 'systemctl status dbus'.", strerror(-r));

        *ret = (Client) { TAKE_PTR(bus), options };
        return CTL_EXIT_OK;
}

bool client_is_running(const Client *client) {
        return sd_bus_get_name_creds(client->bus, PASIDD_BUS_NAME, 0, NULL) >= 0;
}

typedef struct UnitWait {
        uint64_t begin;
        uint64_t changed; /* when the unit last changed its state before that */
} UnitWait;

/* When the unit last changed its state; 0 if there is no systemd to ask. */
static uint64_t unit_changed(sd_bus *bus) {
        uint64_t t = 0;

        (void) sd_bus_get_property_trivial(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_UNIT_IFACE,
                "StateChangeTimestampMonotonic", NULL, 't', &t);
        return t;
}

/*
 * Has the unit failed? Then also says what its main process ended with. A
 * failure from before this start does not count, unless it stays the last word:
 * dbus-daemon does not pass on another start while it waits for the end of one.
 */
static bool unit_failed(sd_bus *bus, const UnitWait *wait, int32_t *ret_exit_status) {
        _cleanup_free_ char *state = NULL;

        if (sd_bus_get_property_string(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_UNIT_IFACE,
                    "ActiveState", NULL, &state) < 0)
                return false;
        if (!streq(state, "failed"))
                return false;
        if (unit_changed(bus) <= wait->changed && now_monotonic_usec() < wait->begin + OLD_FAILURE_USEC)
                return false;

        (void) sd_bus_get_property_trivial(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_SERVICE_IFACE,
                "ExecMainStatus", NULL, 'i', ret_exit_status);
        return true;
}

typedef struct StartResult {
        bool done;
        sd_bus_error error;
} StartResult;

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        StartResult *result = userdata;

        result->done = true;
        return sd_bus_error_copy(&result->error, sd_bus_message_get_error(m));
}

/*
 * Has the bus start the daemon. dbus-daemon does not learn that the unit failed
 * and would have us wait for its timeout, so look at the unit meanwhile.
 */
static CtlExitStatus start_daemon(const Client *client) {
        sd_bus *bus = client->bus;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        StartResult result = {};
        CtlExitStatus status;
        UnitWait wait;
        int r;

        wait = (UnitWait) { .begin = now_monotonic_usec(), .changed = unit_changed(bus) };

        r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "StartServiceByName");
        if (r < 0)
                return client_fail_message(r);
        r = sd_bus_message_append(m, "su", PASIDD_BUS_NAME, 0);
        if (r < 0)
                return client_fail_message(r);
        r = sd_bus_call_async(bus, &slot, m, on_started, &result, START_TIMEOUT_USEC);
        if (r < 0)
                return client_fail_message(r);

        while (!result.done) {
                int32_t exit_status = 0;

                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, START_POLL_USEC);
                if (r == -EINTR)
                        continue;
                if (r < 0)
                        return fail(CTL_EXIT_NOT_RUNNING, "Lost the system bus: %s.", strerror(-r));
                if (!result.done && r == 0 && unit_failed(bus, &wait, &exit_status))
                        return fail_not_running(client, "it failed to start", exit_status);
                if (now_monotonic_usec() > wait.begin + START_TIMEOUT_USEC + USEC_PER_SEC)
                        return fail_not_running(client, "it does not start in time", 0);
        }

        status = sd_bus_error_is_set(&result.error) ? client_fail(client, &result.error, -EIO) : CTL_EXIT_OK;
        sd_bus_error_free(&result.error);
        return status;
}

CtlExitStatus client_open(const Options *options, Client *ret) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;

        if (!client_is_running(&client)) {
                status = start_daemon(&client);
                if (status != CTL_EXIT_OK)
                        return status;
        }

        *ret = client;
        client.bus = NULL;
        return CTL_EXIT_OK;
}

CtlExitStatus client_open_running(const Options *options, Client *ret) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        if (!client_is_running(&client))
                return fail_not_running(&client, "it is not on the system bus", 0);

        *ret = client;
        client.bus = NULL;
        return CTL_EXIT_OK;
}

static int append_option(sd_bus_message *m, const char *name, char type, uint32_t value) {
        const char signature[] = { type, 0 };

        return sd_bus_message_append(m, "{sv}", name, signature, value);
}

static int append_options(sd_bus_message *m, const Options *options) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && options->runtime)
                r = append_option(m, "runtime", 'b', true);
        if (r >= 0 && options->dry_run)
                r = append_option(m, "dry-run", 'b', true);
        if (r >= 0 && options->given & OPTION_WATERMARK)
                r = append_option(m, "watermark", 'u', options->watermark);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

typedef struct Method {
        const char *path;
        const char *interface;
        const char *member;
        bool options; /* takes an a{sv} of them */
} Method;

/* The interfaces that are not the daemon's own read. */
static bool may_ask(const Client *client, const Method *method) {
        return client->options->may_ask && (streq(method->interface, PASIDD_MANAGER_INTERFACE) ||
                                                   streq(method->interface, PASIDD_VM_INTERFACE));
}

static uint64_t call_timeout(const Client *client, const Method *method) {
        return may_ask(client, method) ? ASK_TIMEOUT_USEC : 0;
}

static Method own_method(const char *path, const char *member, bool options) {
        return (Method) {
                .path = path ?: PASIDD_OBJECT_PATH,
                .interface = path ? PASIDD_VM_INTERFACE : PASIDD_MANAGER_INTERFACE,
                .member = member,
                .options = options,
        };
}

static int new_call(const Client *client, const Method *method, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                client->bus, &m, PASIDD_BUS_NAME, method->path, method->interface, method->member);
        if (r < 0)
                return r;
        r = sd_bus_message_set_allow_interactive_authorization(m, may_ask(client, method));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

/* *ret_error is set when the call failed, unless the message could not even be made. */
static int call(const Client *client, const Method *method, sd_bus_error *ret_error,
        sd_bus_message **ret_reply, const char *types, va_list ap) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(client, method, &m);
        if (r >= 0 && !isempty(types))
                r = sd_bus_message_appendv(m, types, ap);
        if (r >= 0 && method->options)
                r = append_options(m, client->options);
        if (r < 0)
                return r;
        return sd_bus_call(client->bus, m, call_timeout(client, method), ret_error, ret_reply);
}

static CtlExitStatus call_status(const Client *client, const sd_bus_error *error, int r) {
        if (r >= 0)
                return CTL_EXIT_OK;
        return sd_bus_error_is_set(error) ? client_fail(client, error, r) : client_fail_message(r);
}

static CtlExitStatus callv(const Client *client, const Method *method, sd_bus_message **ret_reply,
        const char *types, va_list ap) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = call(client, method, &error, ret_reply, types, ap);
        return call_status(client, &error, r);
}

CtlExitStatus client_change_with(const Client *client, const char *member, sd_bus_message **ret_reply,
        ClientAppendFunc append, const void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const Method method = own_method(NULL, member, true);
        int r;

        r = new_call(client, &method, &m);
        if (r >= 0)
                r = append(m, userdata);
        if (r >= 0)
                r = append_options(m, client->options);
        if (r >= 0)
                r = sd_bus_call(client->bus, m, call_timeout(client, &method), &error, ret_reply);
        return call_status(client, &error, r);
}

void client_introduce(const Client *client) {
        (void) sd_bus_call_method(client->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL);
}

CtlExitStatus client_call(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...) {
        const Method method = own_method(path, member, false);
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, &method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

CtlExitStatus client_change(const Client *client, const char *path, const char *member,
        sd_bus_message **ret_reply, const char *types, ...) {
        const Method method = own_method(path, member, true);
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, &method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

/* For methods of interfaces that are not the daemon's own. */
static CtlExitStatus call_standard(
        const Client *client, const Method *method, sd_bus_message **ret_reply, const char *types, ...) {
        CtlExitStatus status;
        va_list ap;

        va_start(ap, types);
        status = callv(client, method, ret_reply, types, ap);
        va_end(ap);
        return status;
}

CtlExitStatus client_read(sd_bus_message *reply, const char *types, ...) {
        va_list ap;
        int r;

        va_start(ap, types);
        r = sd_bus_message_readv(reply, types, ap);
        va_end(ap);
        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_read_rows(sd_bus_message *reply, Rows *rows) {
        int r = bus_read_rows(reply, rows);

        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_call_rows(const Client *client, const char *member, Rows *rows) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;

        status = client_call(client, NULL, member, &reply, NULL);
        return status == CTL_EXIT_OK ? client_read_rows(reply, rows) : status;
}

/* There is no such VM; is there one of nearly that name? */
static CtlExitStatus fail_no_such_vm(const Client *client, const char *vm) {
        _cleanup_free_ char *escaped = text_escape(vm), *other = NULL;
        _cleanup_(vm_list_clear) VmList list = {};
        _cleanup_free_ const char **names = NULL;
        const char *meant;

        if (!escaped)
                return fail_oom();
        if (client_list_vms(client, &list) != CTL_EXIT_OK)
                return CTL_EXIT_NOT_FOUND;

        names = calloc(list.n_vms + 1, sizeof(*names));
        if (!names)
                return fail_oom();
        for (size_t i = 0; i < list.n_vms; i++)
                names[i] = list.vms[i].name;

        meant = suggest(vm, names, list.n_vms);
        if (meant) {
                other = text_escape(meant);
                if (!other)
                        return fail_oom();
                return fail(
                        CTL_EXIT_NOT_FOUND, "There is no VM \"%s\". Did you mean \"%s\"?", escaped, other);
        }
        return fail(CTL_EXIT_NOT_FOUND,
                "There is no VM \"%s\". 'pasidctl list' shows those that run; one that is off gets its quota "
                "from its metadata or a rule.",
                escaped);
}

static int get_vm(const Client *client, sd_bus_error *ret_error, sd_bus_message **ret_reply, ...) {
        const Method method = own_method(NULL, "GetVM", false);
        va_list ap;
        int r;

        va_start(ap, ret_reply);
        r = call(client, &method, ret_error, ret_reply, "s", ap);
        va_end(ap);
        return r;
}

CtlExitStatus client_find_vm(const Client *client, const char *vm, char **ret_path) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        const char *path;
        char *copy;
        int r;

        if (isempty(vm))
                return fail(CTL_EXIT_NOT_FOUND, "The name of the virtual machine is empty.");

        r = get_vm(client, &error, &reply, vm);
        if (r < 0) {
                if (streq_ptr(error.name, PASIDD_ERROR_NO_SUCH_VM))
                        return fail_no_such_vm(client, vm);
                if (sd_bus_error_is_set(&error))
                        return client_fail(client, &error, r);
                if (r == -EINVAL)
                        return fail(CTL_EXIT_USAGE, "The name of the virtual machine is not valid UTF-8.");
                return client_fail_message(r);
        }

        status = client_read(reply, "o", &path);
        if (status != CTL_EXIT_OK)
                return status;
        copy = strdup(path);
        if (!copy)
                return fail_oom();

        *ret_path = copy;
        return CTL_EXIT_OK;
}

static CtlExitStatus read_all(
        const Client *client, const char *path, const char *interface, const InfoTable *table, void *info) {
        const Method method = { path, "org.freedesktop.DBus.Properties", "GetAll", false };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        int r;

        status = call_standard(client, &method, &reply, "s", interface);
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_properties(reply, table, info);
        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_read_vm(const Client *client, const char *path, VmInfo *ret) {
        CtlExitStatus status;

        status = read_all(client, path, PASIDD_VM_INTERFACE, &vm_table, ret);
        if (status == CTL_EXIT_OK)
                vm_info_judge(ret);
        return status;
}

CtlExitStatus client_read_manager(const Client *client, ManagerInfo *ret) {
        return read_all(client, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, &manager_table, ret);
}

static int add_vm(const char *path, VmInfo *vm, void *userdata) {
        VmList *list = userdata;
        VmInfo *grown;

        grown = reallocarray(list->vms, list->n_vms + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        list->vms = grown;
        vm_info_judge(vm);
        list->vms[list->n_vms++] = *vm;
        *vm = (VmInfo) {};

        return 0;
}

CtlExitStatus client_list_vms(const Client *client, VmList *ret) {
        const Method method = { PASIDD_OBJECT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                false };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        CtlExitStatus status;
        int r;

        status = call_standard(client, &method, &reply, "");
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_managed_vms(reply, add_vm, ret);
        if (r < 0)
                return client_fail_message(r);

        vm_list_sort(ret);
        return CTL_EXIT_OK;
}

void vm_target_clear(VmTarget *target) {
        vm_info_clear(&target->vm);
        free(target->path);
        client_close(&target->client);
}

CtlExitStatus client_open_vm(const Options *options, const char *vm, VmTarget *ret) {
        CtlExitStatus status;

        status = client_open(options, &ret->client);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_find_vm(&ret->client, vm, &ret->path);
        if (status != CTL_EXIT_OK)
                return status;
        return client_read_vm(&ret->client, ret->path, &ret->vm);
}
