/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-metadata.h"

#include "domain-xml.h"
#include "macro.h"
#include "xml-element.h"

/* Strips blanks around a text, which are indentation. NULL when out of memory. */
static char *trimmed(const char *text) {
        static const char blanks[] = " \t\r\n";
        size_t n;

        text += strspn(text, blanks);
        n = strlen(text);
        while (n > 0 && strchr(blanks, text[n - 1]))
                n--;

        return strndup(text, n);
}

/* Skips items that metadata_add() rejects. */
static int add_text(Metadata *metadata, const char *key, const char *text) {
        _cleanup_free_ char *value = trimmed(text);
        int r;

        if (!value)
                return -ENOMEM;
        if (isempty(value))
                return 0;

        r = metadata_add(metadata, key, value);
        return r == -ENOMEM ? r : 0;
}

static int add_content(Metadata *metadata, const char *key, const xmlNode *node) {
        _cleanup_(xml_freep) xmlChar *text = xmlNodeGetContent(node);

        return text ? add_text(metadata, key, (const char *) text) : -ENOMEM;
}

static int add_attribute(Metadata *metadata, const char *key, const xmlNode *node, const char *attribute) {
        _cleanup_(xml_freep) xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *) attribute);

        return text ? add_text(metadata, key, (const char *) text) : 0;
}

/* Takes the attribute node: looking up each attribute by name would take quadratic time. */
static int add_attribute_node(Metadata *metadata, const char *key, const xmlAttr *attribute) {
        _cleanup_(xml_freep) xmlChar *text = xmlNodeListGetString(attribute->doc, attribute->children, 1);

        return text ? add_text(metadata, key, (const char *) text) : 0;
}

/* The metadata is full: skip the rest. */
static bool is_full(const Metadata *metadata) {
        return metadata->n_items >= METADATA_ITEMS_MAX;
}

/* The first child with this name in the parent's namespace. */
static const xmlNode *find_sibling_child(const xmlNode *parent, const char *name) {
        if (!parent)
                return NULL;

        for (const xmlNode *node = parent->children; node; node = node->next)
                if (node->type == XML_ELEMENT_NODE && node->ns == parent->ns &&
                        streq((const char *) node->name, name))
                        return node;

        return NULL;
}

static int add_extra_specs(Metadata *metadata, const xmlNode *flavor) {
        const xmlNode *specs = find_sibling_child(flavor, "extraSpecs");

        for (const xmlNode *spec = specs ? specs->children : NULL; spec; spec = spec->next) {
                _cleanup_(xml_freep) xmlChar *name = NULL;
                _cleanup_free_ char *key = NULL;
                int r;

                if (spec->type != XML_ELEMENT_NODE || !streq((const char *) spec->name, "extraSpec"))
                        continue;
                name = xmlGetNoNsProp(spec, (const xmlChar *) "name");
                if (!name)
                        continue;

                if (asprintf(&key, METADATA_NOVA_EXTRA_SPEC "%s", (const char *) name) < 0) {
                        key = NULL;
                        return -ENOMEM;
                }
                r = add_content(metadata, key, spec);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int add_nova(Metadata *metadata, const xmlNode *instance) {
        const xmlNode *flavor = find_sibling_child(instance, "flavor");
        const xmlNode *owner = find_sibling_child(instance, "owner");
        const xmlNode *name = find_sibling_child(instance, "name");
        const xmlNode *root = find_sibling_child(instance, "root");
        const xmlNode *project = find_sibling_child(owner, "project");
        const xmlNode *user = find_sibling_child(owner, "user");
        const struct {
                const char *key;
                const xmlNode *node;
                const char *attribute; /* NULL for the content */
        } items[] = {
                { METADATA_NOVA_FLAVOR, flavor, "name" },
                { METADATA_NOVA_FLAVOR "-id", flavor, "id" },
                { METADATA_NOVA_PROJECT, project, NULL },
                { METADATA_NOVA_PROJECT_UUID, project, "uuid" },
                { "nova:user", user, NULL },
                { "nova:user-uuid", user, "uuid" },
                { "nova:name", name, NULL },
                { "nova:image", root, "uuid" },
        };

        for (size_t i = 0; i < ELEMENTSOF(items); i++) {
                int r;

                if (!items[i].node)
                        continue;
                r = items[i].attribute
                            ? add_attribute(metadata, items[i].key, items[i].node, items[i].attribute)
                            : add_content(metadata, items[i].key, items[i].node);
                if (r < 0)
                        return r;
        }

        return add_extra_specs(metadata, flavor);
}

/*
 * key: that of the parent element, with a slash; or "{NAMESPACE}". libxml2 limits the depth of the
 * document.
 */
static int add_element(Metadata *metadata, const char *above, const xmlNode *node) {
        _cleanup_free_ char *key = NULL, *inside = NULL;
        bool leaf = true;
        int r;

        if (asprintf(&key, "%s%s", above, (const char *) node->name) < 0) {
                key = NULL;
                return -ENOMEM;
        }
        if (strlen(key) >= METADATA_TEXT_MAX)
                return 0; /* nothing in the element would fit either */

        for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
                _cleanup_free_ char *attribute_key = NULL;

                if (is_full(metadata))
                        return 0;
                if (attribute->ns)
                        continue;
                if (asprintf(&attribute_key, "%s@%s", key, (const char *) attribute->name) < 0) {
                        attribute_key = NULL;
                        return -ENOMEM;
                }
                r = add_attribute_node(metadata, attribute_key, attribute);
                if (r < 0)
                        return r;
        }

        if (asprintf(&inside, "%s/", key) < 0) {
                inside = NULL;
                return -ENOMEM;
        }
        for (const xmlNode *child = node->children; child; child = child->next)
                if (child->type == XML_ELEMENT_NODE) {
                        if (is_full(metadata))
                                return 0;
                        leaf = false;
                        r = add_element(metadata, inside, child);
                        if (r < 0)
                                return r;
                }

        return leaf ? add_content(metadata, key, node) : 0;
}

static bool is_of_nova(const char *namespace) {
        return streq(namespace, NOVA_NAMESPACE) || streq(namespace, NOVA_NAMESPACE_1_0);
}

static bool is_foreign(const xmlNode *node) {
        return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
               !is_of_nova((const char *) node->ns->href) &&
               !streq((const char *) node->ns->href, DOMAIN_XML_NAMESPACE);
}

static int collect_element(const xmlNode *node, Metadata *ret) {
        _cleanup_free_ char *namespace = NULL;

        if (asprintf(&namespace, "{%s}", (const char *) node->ns->href) < 0) {
                namespace = NULL;
                return -ENOMEM;
        }

        return add_element(ret, namespace, node);
}

/*
 * Adds one item of each namespace in turn, so that the first items of all namespaces fit, however many
 * items one has.
 */
static int add_in_turn(Metadata *metadata, const Metadata *parts, size_t n_parts) {
        bool more = true;

        for (size_t i = 0; more; i++) {
                more = false;
                for (const Metadata *part = parts; part < parts + n_parts; part++) {
                        int r;

                        if (i >= part->n_items)
                                continue;
                        more = true;
                        r = metadata_add(metadata, part->items[i].key, part->items[i].value);
                        if (r == -ENOMEM)
                                return r;
                }
        }

        return 0;
}

/*
 * Each namespace has its own author, and libvirt keeps one element for each: a
 * long element must not displace those that a rule matches on.
 */
static int add_foreign(Metadata *metadata, const xmlNode *top) {
        Metadata parts[METADATA_ITEMS_MAX] = {};
        size_t n_parts = 0;
        int r = 0;

        for (const xmlNode *node = top ? top->children : NULL; node && r >= 0; node = node->next)
                if (is_foreign(node) && n_parts < ELEMENTSOF(parts)) {
                        r = collect_element(node, &parts[n_parts]);
                        if (r < 0 || parts[n_parts].n_items > 0)
                                n_parts++;
                }
        if (r >= 0)
                r = add_in_turn(metadata, parts, n_parts);

        for (size_t i = 0; i < n_parts; i++)
                metadata_clear(&parts[i]);
        return r;
}

/* Nova's element first: it is short, and rules are most likely to match on it. */
int domain_metadata_collect(const xmlNode *root, Metadata *metadata, char **ret_error) {
        xmlNode *top;
        int r;

        r = xml_find_child(root, "metadata", &top, ret_error);
        if (r < 0)
                return r;

        for (const xmlNode *node = top ? top->children : NULL; node; node = node->next)
                if (node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
                        is_of_nova((const char *) node->ns->href) &&
                        streq((const char *) node->name, "instance")) {
                        r = add_nova(metadata, node);
                        if (r < 0)
                                return r;
                }

        for (const xmlNode *node = root->children; node; node = node->next)
                if (xml_is_element(node, "title") || xml_is_element(node, "description")) {
                        r = add_content(metadata, (const char *) node->name, node);
                        if (r < 0)
                                return r;
                }

        return add_foreign(metadata, top);
}
