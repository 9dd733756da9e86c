/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Arguments of D-Bus methods. A client at one end of a socket pair makes the
 * calls that the input describes, sometimes with the right types; at the other
 * end are the daemon's own objects, on a directory that looks like the kernel's
 * files. The client also answers the daemon's questions to the bus about callers.
 *
 * The input: a member, how to call it, then arguments, one type after the other.
 */

#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "bus-names.h"
#include "daemon.h"
#include "fuzz.h"
#include "kernel-source.h"
#include "log.h"
#include "overrides.h"
#include "vm-life.h"
#include "vm-path.h"
#include "vm-quota.h"
#include "vm-reserve.h"

#define WEB     "aaaabbbb-0000-4000-8000-000000000001"
#define SENDER  ":1.7"
#define VMS_MAX 8U

typedef struct Input {
        const uint8_t *data;
        size_t size;
} Input;

static const struct {
        const char *member, *types;
        bool of_vm;
} members[] = {
        { "SetQuota", "ua{sv}", true },
        { "ResetQuota", "a{sv}", true },
        { "GetVM", "s" },
        { "GetVMByPID", "u" },
        { "GetVMByControlGroup", "s" },
        { "ListVMs", "" },
        { "SetDefaultQuota", "ua{sv}" },
        { "ResetDefaultQuota", "a{sv}" },
        { "Reserve", "ssa{sv}" },
        { "Confirm", "s" },
        { "Release", "s" },
        { "ListEvents", "t" },
        { "GetMetrics", "" },
        { "Subscribe", "" },
        { "Unsubscribe", "" },
        { "Explain", "s" },
        { "ListSlices", "" },
        { "SetSliceQuota", "sua{sv}" },
        { "ResetSliceQuota", "sa{sv}" },
        { "ListOverrides", "" },
        { "SetOverride", "ssssa{sv}a{sv}" },
        { "Reconcile", "" },
        { "SetOverrides", "a(ssssa{sv})a{sv}" },
};

static const char *const option_names[] = {
        "runtime",
        "dry-run",
        "quota",
        "watermark",
        "reconnect",
        "slice",
        "metadata",
        "libvirt-pid",
};

static const char *const strings[] = {
        WEB,
        "aaaabbbb",
        "web",
        "/machine.slice/machine-web.scope",
        "machine.slice",
        "persistent",
        "runtime",
        "vm",
        "slice",
        "default",
};

static uint8_t take(Input *in) {
        if (in->size == 0)
                return 0;

        in->size--;
        return *in->data++;
}

static uint64_t take_number(Input *in) {
        static const uint64_t special[] = { 0, 1, 1048576, 1048577, INT32_MAX, UINT32_MAX, UINT64_MAX };
        uint8_t how = take(in);
        uint64_t value = 0;

        if (how < ELEMENTSOF(special))
                return special[how];
        for (unsigned i = 0; i < how % 9; i++)
                value = value << 8 | take(in);
        return value;
}

/* Without NUL and well-formed, because sd-bus does not send other strings. */
static void take_string(Input *in, char buf[static 64]) {
        uint8_t how = take(in);
        size_t n = 0;

        if (how < ELEMENTSOF(strings)) {
                snprintf(buf, 64, "%s", strings[how]);
                return;
        }

        for (; n < how % 64U && in->size > 0; n++) {
                buf[n] = (char) (take(in) & 0x7f);
                if (buf[n] == '\0')
                        buf[n] = ' ';
        }
        buf[n] = '\0';
}

static int append(sd_bus_message *message, Input *in, const char *types, unsigned depth);

static int append_variant(sd_bus_message *message, Input *in, unsigned depth) {
        static const char *const types[] = { "b", "u", "s", "t", "as", "a(ss)", "a{sv}", "d", "y", "(su)",
                "v" };
        const char *type = types[take(in) % (depth > 3 ? 4 : ELEMENTSOF(types))];
        int r;

        r = sd_bus_message_open_container(message, 'v', type);
        if (r >= 0)
                r = append(message, in, type, depth + 1);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_entry(sd_bus_message *message, Input *in, unsigned depth) {
        uint8_t which = take(in);
        char text[64];
        int r;

        if (which < 200)
                snprintf(text, sizeof(text), "%s", option_names[which % ELEMENTSOF(option_names)]);
        else
                take_string(in, text);

        r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", text);
        if (r >= 0)
                r = append_variant(message, in, depth);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_array(sd_bus_message *message, Input *in, const char *item, unsigned depth) {
        int r;

        r = sd_bus_message_open_container(message, 'a', item);
        for (unsigned n = take(in) % 5; r >= 0 && n > 0; n--)
                r = item[0] == '{' ? append_entry(message, in, depth) : append(message, in, item, depth + 1);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_struct(sd_bus_message *message, Input *in, const char *types, unsigned depth) {
        int r;

        r = sd_bus_message_open_container(message, 'r', types);
        if (r >= 0)
                r = append(message, in, types, depth + 1);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

/* The length of the first type of the signature: one character, or up to the closing bracket. */
static size_t type_length(const char *types) {
        size_t n = 0, depth = 0;

        do {
                if (strchr("({", types[n]))
                        depth++;
                else if (strchr(")}", types[n]))
                        depth--;
                n++;
        } while (depth > 0);

        return n;
}

/* Only the types that occur above. */
static int append(sd_bus_message *message, Input *in, const char *types, unsigned depth) {
        char text[64], inner[16];
        int r = 0;

        for (const char *t = types; *t && r >= 0; t++)
                switch (*t) {

                case 'b':
                        r = sd_bus_message_append(message, "b", take(in) & 1);
                        break;

                case 'y':
                        r = sd_bus_message_append(message, "y", take(in));
                        break;

                case 'u':
                        r = sd_bus_message_append(message, "u", (uint32_t) take_number(in));
                        break;

                case 't':
                        r = sd_bus_message_append(message, "t", take_number(in));
                        break;

                case 'd':
                        r = sd_bus_message_append(message, "d", (double) take_number(in));
                        break;

                case 's':
                        take_string(in, text);
                        r = sd_bus_message_append(message, "s", text);
                        break;

                case 'v':
                        r = append_variant(message, in, depth);
                        break;

                case '(':
                        snprintf(inner, sizeof(inner), "%.*s", (int) type_length(t) - 2, t + 1);
                        r = append_struct(message, in, inner, depth);
                        t += strlen(inner) + 1;
                        break;

                case 'a':
                        snprintf(inner, sizeof(inner), "%.*s", (int) type_length(t + 1), t + 1);
                        r = append_array(message, in, inner, depth);
                        t += strlen(inner);
                        break;
                }

        return r;
}

static void make_file(const char *root, const char *name, const char *text) {
        _cleanup_free_ char *path = NULL;
        FILE *f;

        FUZZ_CHECK(asprintf(&path, "%s/%s", root, name) > 0);
        for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
                *p = '\0';
                (void) mkdir(path, 0755);
        }

        f = fopen(path, "we");
        FUZZ_CHECK(f);
        fputs(text, f);
        fclose(f);
}

static char *make_root(void) {
        char *root = strdup("/dev/shm/pasidd-fuzz-XXXXXX");

        FUZZ_CHECK(root && mkdtemp(root));
        make_file(root, "sys/module/vfio_pasid/parameters/default_quota", "1000\n");
        make_file(root, "sys/class/vfio_pasid/none", "");
        make_file(root, "sys/fs/cgroup/misc.capacity", "pasid 100000\n");
        make_file(root, "sys/fs/cgroup/misc.current", "pasid 0\n");
        make_file(root, "sys/fs/cgroup/machine.slice/machine-web.scope/misc.max", "pasid max\n");
        make_file(root, "run/pasidd/none", "");
        make_file(root, "var/lib/pasidd/none", "");
        make_file(root, "etc/pasidd/pasidd.conf", "");
        return root;
}

/* The client is the bus as well. All callers are root, so that every method reads its arguments. */
static int on_call(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        if (sd_bus_message_is_method_call(message, NULL, "GetConnectionUnixUser") > 0)
                return sd_bus_reply_method_return(message, "u", 0);
        if (sd_bus_message_is_method_call(message, NULL, "GetConnectionUnixProcessID") > 0)
                return sd_bus_reply_method_return(message, "u", 1000);
        if (sd_bus_message_is_method_call(message, NULL, "NameHasOwner") > 0)
                return sd_bus_reply_method_return(message, "b", true);

        return 0;
}

/* There are no sets. */
static int no_sets(KernelSource *source) {
        return -EOPNOTSUPP;
}

static void nothing_to_free(KernelSource *source) {
}

static Daemon *make_daemon(const char *root) {
        static const KernelSourceOps ops = { .resync = no_sets, .free = nothing_to_free };
        static KernelSource kernel = { .ops = &ops };
        Daemon *d;

        log_setup(LOG_EMERG - 1);
        FUZZ_CHECK(daemon_block_signals() >= 0);
        FUZZ_CHECK(daemon_new(&(DaemonOptions) { .root = root, .sockets = PASSED_SOCKETS_NONE }, &d) >= 0);
        FUZZ_CHECK(daemon_prepare(d) >= 0);
        d->control->kernel = &kernel;
        d->control->world.kernel_present = true;
        d->control->world.capacity = 100000;
        return d;
}

static void connect_ends(Daemon *d, sd_bus **ret_client) {
        sd_id128_t id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);
        sd_bus *bus, *client;
        int fds[2];

        FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) >= 0);

        FUZZ_CHECK(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
        FUZZ_CHECK(sd_bus_set_server(bus, true, id) >= 0 && sd_bus_set_anonymous(bus, true) >= 0);
        FUZZ_CHECK(sd_bus_negotiate_fds(bus, false) >= 0 && sd_bus_start(bus) >= 0);
        FUZZ_CHECK(api_connected(d->api, bus) >= 0);
        FUZZ_CHECK(sd_bus_attach_event(bus, d->event, SD_EVENT_PRIORITY_NORMAL) >= 0);

        FUZZ_CHECK(sd_bus_new(&client) >= 0 && sd_bus_set_fd(client, fds[1], fds[1]) >= 0);
        FUZZ_CHECK(sd_bus_set_anonymous(client, true) >= 0 && sd_bus_start(client) >= 0);
        FUZZ_CHECK(sd_bus_add_filter(client, NULL, on_call, NULL) >= 0);
        *ret_client = client;
}

static void add_vm(Control *control) {
        VM *vm;

        FUZZ_CHECK(vm_create(control, VM_KIND_MACHINE, WEB, NULL, "web", &vm) >= 0);
        FUZZ_CHECK(vm_set_machine(vm, "qemu-1-web", "machine-web.scope", 1000) >= 0);
        FUZZ_CHECK(vm_set_cgroup(vm, "/machine.slice/machine-web.scope") >= 0);
        vm_apply(vm, NULL);
        vm_announce(vm);
}

/* Processes messages until there are none left. Returns whether the reply was among them. */
static bool run(Daemon *d, sd_bus *client, uint64_t cookie) {
        bool replied = false, busy = true;

        while (busy) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
                uint64_t to = 0;

                /* GetMetrics is answered later, and so are writes to the disk. */
                busy = sd_event_run(d->event,
                               d->api->metrics_calls.timer || overrides_are_busy(d->control->overrides)
                                       ? UINT64_MAX
                                       : 0) > 0;
                busy |= sd_bus_process(client, &message) > 0;
                if (message && sd_bus_message_get_reply_cookie(message, &to) >= 0 && to == cookie)
                        replied = true;
        }

        return replied;
}

static char *root;

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *where) {
        return remove(path);
}

static void remove_root(void) {
        (void) nftw(root, remove_file, 16, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static sd_bus *client;
        static Daemon *d;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        Input in = { .data = data, .size = size };
        uint64_t cookie;
        char path[VM_PATH_SIZE];
        uint8_t which, how;
        VM *vm;
        int r;

        if (!d) {
                root = make_root();
                (void) atexit(remove_root);
                d = make_daemon(root);
                connect_ends(d, &client);
                add_vm(d->control);
        }

        which = take(&in) % ELEMENTSOF(members);
        how = take(&in);
        vm = vm_find_by_uuid(&d->control->world, WEB);
        FUZZ_CHECK(vm);

        FUZZ_CHECK(sd_bus_message_new_method_call(client, &call, NULL,
                           members[which].of_vm ? vm_path(vm, path) : PASIDD_OBJECT_PATH,
                           members[which].of_vm ? PASIDD_VM_INTERFACE : PASIDD_MANAGER_INTERFACE,
                           members[which].member) >= 0);
        FUZZ_CHECK(sd_bus_message_set_sender(call, SENDER) >= 0);

        /* Sometimes with the types of a different method. */
        if (how % 16 == 15)
                which = how / 16 % ELEMENTSOF(members);
        r = append(call, &in, members[which].types, 0);
        if (r < 0)
                return 0;

        FUZZ_CHECK(sd_bus_send(client, call, &cookie) >= 0);
        /* Every call must be answered exactly once. */
        FUZZ_CHECK(run(d, client, cookie));
        FUZZ_CHECK(TAILQ_EMPTY(&d->api->authorization.requests));

        while (d->control->world.n_vms > VMS_MAX) {
                char uuid[UUID_STRING_SIZE];

                snprintf(uuid, sizeof(uuid), "%s", TAILQ_LAST(&d->control->world.vms, VMList)->uuid);
                vm_release(d->control, uuid, NULL);
        }
        return 0;
}
