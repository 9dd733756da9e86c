/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "announce.h"

#include "call-limits.h"
#include "cgroup-path.h"
#include "output.h"

/* The daemon accepts the largest metadata that the hook keeps: no metadata can make an announcement fail. */
_Static_assert(METADATA_SIZE_MAX + CALL_ANNOUNCEMENT_REST_MAX <= CALL_ARGUMENTS_SIZE_MAX,
        "an announcement must fit into a call");

static int append_metadata(sd_bus_message *m, const Metadata *metadata) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "metadata");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < metadata->n_items; i++)
                r = sd_bus_message_append(m, "(ss)", metadata->items[i].key, metadata->items[i].value);
        for (unsigned depth = 0; r >= 0 && depth < 3; depth++)
                r = sd_bus_message_close_container(m);

        return r;
}

int announce_append(sd_bus_message *m, AnnounceKind kind, const DomainXml *domain, const char *name,
        uint32_t libvirt_pid) {
        _cleanup_free_ char *escaped = NULL, *slice_path = NULL;
        int r;

        /* libvirt accepts control characters in a name, the daemon does not. */
        escaped = text_escape(name);
        if (!escaped)
                return -ENOMEM;

        r = sd_bus_message_append(m, "ss", domain->uuid, escaped);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && domain->quota_set)
                r = sd_bus_message_append(m, "{sv}", "quota", "u", domain->quota);
        if (r >= 0 && domain->watermark_set)
                r = sd_bus_message_append(m, "{sv}", "watermark", "u", domain->watermark);
        /* Replace a name that the daemon would reject, so that the announcement succeeds. */
        if (r >= 0 && cgroup_path_from_slice(domain->slice, &slice_path) >= 0)
                r = sd_bus_message_append(m, "{sv}", "slice", "s", domain->slice);
        if (r >= 0 && libvirt_pid > 0)
                r = sd_bus_message_append(m, "{sv}", "libvirt-pid", "u", libvirt_pid);
        if (r >= 0 && domain->metadata.n_items > 0)
                r = append_metadata(m, &domain->metadata);
        if (r >= 0 && kind == ANNOUNCE_RECONNECT)
                r = sd_bus_message_append(m, "{sv}", "reconnect", "b", true);
        if (r >= 0 && kind == ANNOUNCE_UPDATE)
                r = sd_bus_message_append(m, "{sv}", "update", "b", true);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}
