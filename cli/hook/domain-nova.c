/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-nova.h"

#include "macro.h"
#include "metadata-merge.h"

enum {
        NOVA_OUTSIDE,
        NOVA_INSTANCE,
        NOVA_NAME,
        NOVA_FLAVOR,
        NOVA_EXTRA_SPECS,
        NOVA_EXTRA_SPEC,
        NOVA_OWNER,
        NOVA_PROJECT,
        NOVA_USER,
        NOVA_ROOT,
        _NOVA_PLACE_MAX,
};

/* All in the namespace of <instance>, but for the extra specs. */
static const XmlPlace places[] = {
        [NOVA_INSTANCE] = { NOVA_OUTSIDE, "instance", XML_NAMESPACE_ANY, false },
        [NOVA_NAME] = { NOVA_INSTANCE, "name", XML_NAMESPACE_ANY, true },
        [NOVA_FLAVOR] = { NOVA_INSTANCE, "flavor", XML_NAMESPACE_ANY, true },
        [NOVA_EXTRA_SPECS] = { NOVA_FLAVOR, "extraSpecs", XML_NAMESPACE_ANY, true },
        [NOVA_EXTRA_SPEC] = { NOVA_EXTRA_SPECS, "extraSpec", XML_NAMESPACE_ANY, false },
        [NOVA_OWNER] = { NOVA_INSTANCE, "owner", XML_NAMESPACE_ANY, true },
        [NOVA_PROJECT] = { NOVA_OWNER, "project", XML_NAMESPACE_ANY, true },
        [NOVA_USER] = { NOVA_OWNER, "user", XML_NAMESPACE_ANY, true },
        [NOVA_ROOT] = { NOVA_INSTANCE, "root", XML_NAMESPACE_ANY, true },
};

_Static_assert(ELEMENTSOF(places) <= XML_PLACES_MAX, "all places must fit into a path");

/* In the order of the metadata. */
static const struct {
        const char *key;
        unsigned place;
        const char *attribute; /* NULL for the text */
} items[] = {
        { METADATA_NOVA_FLAVOR, NOVA_FLAVOR, "name" },
        { METADATA_NOVA_FLAVOR "-id", NOVA_FLAVOR, "id" },
        { METADATA_NOVA_PROJECT, NOVA_PROJECT, NULL },
        { METADATA_NOVA_PROJECT_UUID, NOVA_PROJECT, "uuid" },
        { "nova:user", NOVA_USER, NULL },
        { "nova:user-uuid", NOVA_USER, "uuid" },
        { "nova:name", NOVA_NAME, NULL },
        { "nova:image", NOVA_ROOT, "uuid" },
};

_Static_assert(ELEMENTSOF(items) == NOVA_VALUES, "there must be a value for each item");

bool domain_nova_owns(const char *namespace) {
        return streq(namespace, NOVA_NAMESPACE) || streq(namespace, NOVA_NAMESPACE_1_0);
}

bool domain_nova_is_instance(const XmlElement *element) {
        return domain_nova_owns(element->namespace) && streq(element->name, "instance");
}

static int keep_value(char **value, const char *text) {
        char *copy;

        if (!text)
                return 0; /* too long */
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;

        free(*value);
        *value = copy;
        return 0;
}

static int keep_attributes(DomainNova *nova, unsigned place, const XmlElement *element) {
        for (size_t i = 0; i < ELEMENTSOF(items); i++) {
                const char *value;
                XmlText text;
                int r;

                if (items[i].place != place || !items[i].attribute)
                        continue;
                value = xml_element_attribute(element, items[i].attribute);
                if (!value)
                        continue;

                xml_text_begin_trimmed(&text, METADATA_TEXT_MAX);
                xml_text_add(&text, value, strlen(value));
                r = keep_value(&nova->values[i], xml_text_end(&text));
                if (r < 0)
                        return r;
        }

        return 0;
}

static int begin_spec(DomainNova *nova, const XmlElement *element) {
        const char *name = xml_element_attribute(element, "name");

        if (!name || strlen(METADATA_NOVA_EXTRA_SPEC) + strlen(name) > METADATA_TEXT_MAX)
                return 0;
        if (asprintf(&nova->spec, METADATA_NOVA_EXTRA_SPEC "%s", name) < 0) {
                nova->spec = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* Is the element in the namespace where this document has Nova's elements? */
static bool is_in_namespace(const DomainNova *nova, const XmlElement *element) {
        return nova->path.place == NOVA_EXTRA_SPECS || streq_ptr(element->namespace, nova->namespace);
}

static void begin_instance(DomainNova *nova, const XmlElement *element) {
        nova->namespace = streq(element->namespace, NOVA_NAMESPACE) ? NOVA_NAMESPACE : NOVA_NAMESPACE_1_0;
        nova->path = (XmlPath) {
                .places = places,
                .n_places = ELEMENTSOF(places),
                .depth = element->depth - 1,
        };
}

int domain_nova_start(DomainNova *nova, const XmlElement *element) {
        unsigned place;
        int r = 0;

        if (nova->path.place == NOVA_OUTSIDE)
                begin_instance(nova, element);
        if (!is_in_namespace(nova, element))
                return 0;

        place = xml_path_enter(&nova->path, element);
        if (place == NOVA_EXTRA_SPEC)
                r = begin_spec(nova, element);
        else
                r = keep_attributes(nova, place, element);
        if (place == NOVA_NAME || place == NOVA_PROJECT || place == NOVA_USER || place == NOVA_EXTRA_SPEC)
                xml_text_begin_trimmed(&nova->text, METADATA_TEXT_MAX);
        return r;
}

void domain_nova_text(DomainNova *nova, const char *text, size_t n) {
        xml_text_add(&nova->text, text, n);
}

static int end_spec(DomainNova *nova, const char *text) {
        _cleanup_free_ char *key = TAKE_PTR(nova->spec);

        return key && text ? metadata_add_fitting(&nova->specs, key, text) : 0;
}

static int end_value(DomainNova *nova, unsigned place, const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                if (items[i].place == place && !items[i].attribute)
                        return keep_value(&nova->values[i], text);

        return 0;
}

static void clear_instance(DomainNova *nova) {
        for (size_t i = 0; i < ELEMENTSOF(nova->values); i++) {
                free(nova->values[i]);
                nova->values[i] = NULL;
        }
        metadata_clear(&nova->specs);
        free(nova->spec);
        nova->spec = NULL;
}

static int end_instance(DomainNova *nova) {
        for (size_t i = 0; i < ELEMENTSOF(items); i++) {
                int r;

                if (!nova->values[i])
                        continue;
                r = metadata_add_fitting(&nova->metadata, items[i].key, nova->values[i]);
                if (r < 0)
                        return r;
        }

        return metadata_merge(&nova->metadata, &nova->specs, 1);
}

int domain_nova_end(DomainNova *nova, unsigned depth) {
        unsigned place = xml_path_leave(&nova->path, depth);
        int r;

        switch (place) {
        case NOVA_NAME:
        case NOVA_PROJECT:
        case NOVA_USER:
                return end_value(nova, place, xml_text_end(&nova->text));
        case NOVA_EXTRA_SPEC:
                return end_spec(nova, xml_text_end(&nova->text));
        case NOVA_INSTANCE:
                r = end_instance(nova);
                clear_instance(nova);
                return r;
        default:
                return 0;
        }
}

void domain_nova_clear(DomainNova *nova) {
        clear_instance(nova);
        metadata_clear(&nova->metadata);
}
