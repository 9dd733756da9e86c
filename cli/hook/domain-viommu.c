/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-viommu.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "macro.h"
#include "output.h"
#include "quota.h"
#include "viommu.h"

#define QEMU_NAMESPACE  "http://libvirt.org/schemas/domain/qemu/1.0"
#define PASID_BITS_MAX  20U
#define VIOMMU_DRIVER   "intel-iommu"
#define PASID_BITS_NAME "pasid-bits"

static inline void xml_freep(xmlChar **p) {
        if (*p)
                xmlFree(*p);
}

static bool is_element(const xmlNode *node, const char *namespace, const char *name) {
        if (node->type != XML_ELEMENT_NODE || !streq((const char *) node->name, name))
                return false;

        return namespace ? node->ns && streq_ptr((const char *) node->ns->href, namespace) : !node->ns;
}

/* The next matching element after a node, or the first if the node is NULL. */
static const xmlNode *next_element(
        const xmlNode *parent, const xmlNode *after, const char *namespace, const char *name) {
        const xmlNode *node = after ? after->next : parent ? parent->children : NULL;

        while (node && !is_element(node, namespace, name))
                node = node->next;

        return node;
}

static bool says_yes(const xmlNode *node, const char *attribute) {
        _cleanup_(xml_freep) xmlChar *text = node ? xmlGetNoNsProp(node, (const xmlChar *) attribute) : NULL;

        return text && streq((const char *) text, "yes");
}

/* Applies to the domain or to one of its host devices. */
static bool uses_iommufd(const xmlNode *root) {
        const xmlNode *devices = next_element(root, NULL, NULL, "devices"), *hostdev = NULL;

        if (says_yes(next_element(root, NULL, NULL, "iommufd"), "enabled"))
                return true;

        while ((hostdev = next_element(devices, hostdev, NULL, "hostdev")))
                if (says_yes(next_element(hostdev, NULL, NULL, "driver"), "iommufd"))
                        return true;

        return false;
}

static uint32_t bits_to_pasids(const char *text, size_t n) {
        char number[8];
        uint32_t bits;

        if (n >= sizeof(number))
                return 0;

        memcpy(number, text, n);
        number[n] = '\0';
        return quota_parse(number, 0, &bits) >= 0 && bits > 0 && bits <= PASID_BITS_MAX ? UINT32_C(1) << bits
                                                                                        : 0;
}

/* "intel-iommu,caching-mode=on,pasid-bits=16" */
static uint32_t pasids_of_options(const char *device) {
        size_t n = strcspn(device, ",");
        uint32_t pasids = 0;

        if (n != strlen(VIOMMU_DRIVER) || strncmp(device, VIOMMU_DRIVER, n) != 0)
                return 0;

        for (const char *option = device + n; *option; option += n) {
                option++;
                n = strcspn(option, ",");
                if (n > strlen(PASID_BITS_NAME "=") &&
                        strncmp(option, PASID_BITS_NAME "=", strlen(PASID_BITS_NAME "=")) == 0)
                        pasids = bits_to_pasids(
                                option + strlen(PASID_BITS_NAME "="), n - strlen(PASID_BITS_NAME "="));
        }

        return pasids;
}

/* {"driver":"intel-iommu","pasid-bits":16} */
static uint32_t pasids_of_json(const char *device) {
        _cleanup_json_ json_object *object = json_tokener_parse(device);
        json_object *driver, *bits;
        const char *text;

        if (!object || !json_object_is_type(object, json_type_object) ||
                !json_object_object_get_ex(object, "driver", &driver) ||
                !streq_ptr(json_object_get_string(driver), VIOMMU_DRIVER) ||
                !json_object_object_get_ex(object, PASID_BITS_NAME, &bits))
                return 0;

        text = json_object_get_string(bits);
        return text ? bits_to_pasids(text, strlen(text)) : 0;
}

/* The argument of "-device". The last one counts, because a QEMU has one vIOMMU. */
static uint32_t find_pasids(const xmlNode *root) {
        const xmlNode *arguments = next_element(root, NULL, QEMU_NAMESPACE, "commandline"), *node = NULL;
        uint32_t pasids = 0;
        bool device = false;

        while ((node = next_element(arguments, node, QEMU_NAMESPACE, "arg"))) {
                _cleanup_(xml_freep) xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *) "value");
                const char *value = text ? (const char *) text : "";
                uint32_t found = !device         ? 0
                                 : *value == '{' ? pasids_of_json(value)
                                                 : pasids_of_options(value);

                if (found > 0)
                        pasids = found;
                device = streq(value, "-device") || streq(value, "--device");
        }

        return pasids;
}

/* Skip items that do not fit, as with all metadata. */
static int add(Metadata *metadata, const char *key, const char *value) {
        int r = metadata_add(metadata, key, value);

        return r == -ENOMEM ? r : 0;
}

int domain_viommu_collect(const xmlNode *root, Metadata *ret) {
        uint32_t pasids = find_pasids(root);
        char number[16];
        int r;

        if (uses_iommufd(root)) {
                r = add(ret, METADATA_IOMMUFD, "yes");
                if (r < 0)
                        return r;
        }
        if (pasids == 0)
                return 0;

        snprintf(number, sizeof(number), "%" PRIu32, pasids);
        return add(ret, METADATA_VIOMMU_PASIDS, number);
}
