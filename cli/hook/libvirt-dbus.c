/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-dbus.h"

#include "announce.h"
#include "bus-names.h"
#include "clock.h"
#include "config-file.h"
#include "error-map.h"
#include "macro.h"
#include "output.h"

/* VIR_CONNECT_LIST_DOMAINS_ACTIVE */
#define LIST_ACTIVE 1U

/* libvirt answers at once, unless it waits for the hook of a domain. */
#define CALL_TIMEOUT_USEC (30 * USEC_PER_SEC)

static bool means_unusable(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                       SD_BUS_ERROR_ACCESS_DENIED, "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
                       "org.freedesktop.DBus.Error.Spawn.ExecFailed") > 0;
}

static int call(sd_bus *bus, const char *path, const char *interface, const char *member, uint32_t flags,
        sd_bus_error *error, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, LIBVIRT_DBUS_NAME, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", flags);
        if (r < 0)
                return r;

        r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, error, ret);
        return r < 0 && means_unusable(error) ? LIBVIRT_DBUS_UNUSABLE : r;
}

int libvirt_dbus_list(sd_bus *bus, char ***ret_paths, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        const char *path;
        size_t n = 0;
        int r;

        r = call(bus, LIBVIRT_DBUS_QEMU, LIBVIRT_DBUS_CONNECT, "ListDomains", LIST_ACTIVE, error, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "o");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(reply, "o", &path)) > 0) {
                char **grown = reallocarray(paths, n + 2, sizeof(*paths));

                if (!grown)
                        return -ENOMEM;
                paths = grown;
                paths[n + 1] = NULL;
                paths[n] = strdup(path);
                if (!paths[n++])
                        return -ENOMEM;
        }
        if (r < 0)
                return r;

        if (!paths) {
                paths = calloc(1, sizeof(*paths));
                if (!paths)
                        return -ENOMEM;
        }
        *ret_paths = TAKE_PTR(paths);
        return 0;
}

int libvirt_dbus_read(sd_bus *bus, const char *path, DomainXml *ret, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *why = NULL;
        const char *xml;
        int r;

        r = call(bus, path, LIBVIRT_DBUS_DOMAIN, "GetXMLDesc", 0, error, &reply);
        /* A transient domain that has ended. */
        if (r < 0 && sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT))
                return -ENOENT;
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &xml);
        if (r < 0)
                return r;

        r = domain_xml_parse(xml, strlen(xml), &domain, &why);
        if (r == -EBADMSG)
                (void) sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "The XML of %s %s", path, why);
        if (r < 0)
                return r;
        if (!domain.running)
                return -ENOENT;

        *ret = domain;
        domain = (DomainXml) {};
        return 0;
}

void libvirt_update_clear(LibvirtUpdate *update) {
        free(update->name);
        free(update->source);
        *update = (LibvirtUpdate) {};
}

int libvirt_dbus_update(sd_bus *bus, const char *path, LibvirtUpdate *ret, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(libvirt_update_clear) LibvirtUpdate update = {};
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        const char *source;
        int r;

        r = libvirt_dbus_read(bus, path, &domain, error);
        if (r == -ENOENT) {
                sd_bus_error_free(error);
                return 0;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_call(
                bus, &m, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "Reserve");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0)
                r = announce_append(m, ANNOUNCE_UPDATE, &domain, domain.name, 0);
        if (r < 0)
                return r;

        r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, error, &reply);
        if (r < 0 && (error_is_unreachable(error->name) ||
                             sd_bus_error_has_name(error, PASIDD_ERROR_NO_SUCH_VM))) {
                sd_bus_error_free(error);
                return 0;
        }
        if (r >= 0)
                r = sd_bus_message_read(reply, "us", &update.quota, &source);
        if (r < 0)
                return r;

        update.name = text_escape(domain.name);
        update.source = strdup(source);
        if (!update.name || !update.source)
                return -ENOMEM;
        memcpy(update.uuid, domain.uuid, sizeof(update.uuid));

        *ret = update;
        update = (LibvirtUpdate) {};
        return 1;
}
