/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-viommu.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "macro.h"
#include "metadata-merge.h"
#include "output.h"
#include "quota.h"
#include "viommu.h"

#define QEMU_NAMESPACE  "http://libvirt.org/schemas/domain/qemu/1.0"
#define PASID_BITS_MAX  20U
#define VIOMMU_DRIVER   "intel-iommu"
#define PASID_BITS_NAME "pasid-bits"

/* Longer arguments are not of a vIOMMU. This also limits the JSON object. */
#define ARGUMENT_MAX 4096U

enum {
        PLACE_NONE,
        PLACE_DOMAIN,
        PLACE_IOMMUFD,
        PLACE_DEVICES,
        PLACE_HOSTDEV,
        PLACE_DRIVER,
        PLACE_COMMANDLINE,
        PLACE_ARG,
};

static const XmlPlace places[] = {
        [PLACE_DOMAIN] = { PLACE_NONE, "domain", NULL, false },
        [PLACE_IOMMUFD] = { PLACE_DOMAIN, "iommufd", NULL, true },
        [PLACE_DEVICES] = { PLACE_DOMAIN, "devices", NULL, true },
        [PLACE_HOSTDEV] = { PLACE_DEVICES, "hostdev", NULL, false },
        [PLACE_DRIVER] = { PLACE_HOSTDEV, "driver", NULL, true },
        [PLACE_COMMANDLINE] = { PLACE_DOMAIN, "commandline", QEMU_NAMESPACE, true },
        [PLACE_ARG] = { PLACE_COMMANDLINE, "arg", QEMU_NAMESPACE, false },
};

_Static_assert(ELEMENTSOF(places) <= XML_PLACES_MAX, "all places must fit into a path");

static bool says_yes(const XmlElement *element, const char *attribute) {
        return streq_ptr(xml_element_attribute(element, attribute), "yes");
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

/* The argument after "-device" counts; of several the last, because a QEMU has one vIOMMU. */
static void read_argument(DomainViommu *viommu, const char *value) {
        uint32_t found = !viommu->device || strlen(value) > ARGUMENT_MAX ? 0
                         : *value == '{'                                 ? pasids_of_json(value)
                                                                         : pasids_of_options(value);

        if (found > 0)
                viommu->pasids = found;
        viommu->device = streq(value, "-device") || streq(value, "--device");
}

void domain_viommu_init(DomainViommu *viommu) {
        *viommu = (DomainViommu) { .path = { .places = places, .n_places = ELEMENTSOF(places) } };
}

/* iommufd applies to the domain or to one of its host devices. */
void domain_viommu_start(DomainViommu *viommu, const XmlElement *element) {
        switch (xml_path_enter(&viommu->path, element)) {
        case PLACE_IOMMUFD:
                if (says_yes(element, "enabled"))
                        viommu->iommufd = true;
                break;
        case PLACE_DRIVER:
                if (says_yes(element, "iommufd"))
                        viommu->iommufd = true;
                break;
        case PLACE_ARG:
                read_argument(viommu, strempty(xml_element_attribute(element, "value")));
                break;
        default:
                break;
        }
}

void domain_viommu_end(DomainViommu *viommu, unsigned depth) {
        (void) xml_path_leave(&viommu->path, depth);
}

int domain_viommu_collect(const DomainViommu *viommu, Metadata *ret) {
        char number[16];
        int r;

        if (viommu->iommufd) {
                r = metadata_add_fitting(ret, METADATA_IOMMUFD, "yes");
                if (r < 0)
                        return r;
        }
        if (viommu->pasids == 0)
                return 0;

        snprintf(number, sizeof(number), "%" PRIu32, viommu->pasids);
        return metadata_add_fitting(ret, METADATA_VIOMMU_PASIDS, number);
}
