/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-foreign.h"

#include "macro.h"
#include "metadata-merge.h"

/* That of the current element; NULL if there are too many elements. */
static Metadata *current(DomainForeign *foreign) {
        return foreign->n_parts < ELEMENTSOF(foreign->parts) ? &foreign->parts[foreign->n_parts] : NULL;
}

static void skip(DomainForeign *foreign, unsigned depth) {
        foreign->skipped = depth;
        foreign->leaf = false;
}

static int add_attributes(DomainForeign *foreign, const XmlElement *element) {
        Metadata *part = current(foreign);
        const char *name, *value;
        size_t i = 0;

        while (part->n_items < METADATA_ITEMS_MAX && xml_element_next_attribute(element, &i, &name, &value)) {
                _cleanup_free_ char *key = NULL;
                const char *trimmed;
                XmlText text;
                int r;

                if (strlen(foreign->key) + strlen("@") + strlen(name) > METADATA_TEXT_MAX)
                        continue;
                xml_text_begin_trimmed(&text, METADATA_TEXT_MAX);
                xml_text_add(&text, value, strlen(value));
                trimmed = xml_text_end(&text);
                if (!trimmed)
                        continue;

                if (asprintf(&key, "%s@%s", foreign->key, name) < 0) {
                        key = NULL;
                        return -ENOMEM;
                }
                r = metadata_add_fitting(part, key, trimmed);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* before: what precedes the name in the key of the current element, after the n bytes that stay. */
static int enter(DomainForeign *foreign, const XmlElement *element, size_t n, const char *before) {
        size_t length = n + strlen(before) + strlen(element->name);

        /* If the key of the element has the maximum length, no key below it fits. */
        if (length >= METADATA_TEXT_MAX) {
                skip(foreign, element->depth);
                return 0;
        }
        snprintf(foreign->key + n, sizeof(foreign->key) - n, "%s%s", before, element->name);

        foreign->leaf = true;
        xml_text_begin_trimmed(&foreign->text, METADATA_TEXT_MAX);
        return add_attributes(foreign, element);
}

int domain_foreign_begin(DomainForeign *foreign, const XmlElement *element) {
        int n;

        foreign->skipped = 0;
        if (!current(foreign)) {
                skip(foreign, element->depth);
                return 0;
        }

        n = snprintf(foreign->key, sizeof(foreign->key), "{%s}", element->namespace);
        foreign->prefix = (size_t) n;
        if (n < 0 || foreign->prefix >= sizeof(foreign->key)) {
                skip(foreign, element->depth);
                return 0;
        }
        return enter(foreign, element, foreign->prefix, "");
}

int domain_foreign_start(DomainForeign *foreign, const XmlElement *element) {
        if (foreign->skipped > 0)
                return 0;
        if (current(foreign)->n_items >= METADATA_ITEMS_MAX) {
                skip(foreign, element->depth);
                return 0;
        }

        return enter(foreign, element, strlen(foreign->key), "/");
}

void domain_foreign_text(DomainForeign *foreign, const char *text, size_t n) {
        if (foreign->leaf)
                xml_text_add(&foreign->text, text, n);
}

int domain_foreign_end(DomainForeign *foreign, unsigned depth) {
        const char *text;
        char *slash;
        int r = 0;

        if (foreign->skipped > 0) {
                if (foreign->skipped == depth)
                        foreign->skipped = 0;
                return 0;
        }

        text = foreign->leaf ? xml_text_end(&foreign->text) : NULL;
        if (text)
                r = metadata_add_fitting(current(foreign), foreign->key, text);
        foreign->leaf = false;

        /* The names of elements have no slash. */
        slash = strrchr(foreign->key + foreign->prefix, '/');
        if (slash)
                *slash = '\0';
        return r;
}

int domain_foreign_finish(DomainForeign *foreign, unsigned depth) {
        Metadata *part = current(foreign);
        int r;

        r = domain_foreign_end(foreign, depth);
        if (part && part->n_items > 0)
                foreign->n_parts++;
        return r;
}

void domain_foreign_clear(DomainForeign *foreign) {
        for (size_t i = 0; i < ELEMENTSOF(foreign->parts); i++)
                metadata_clear(&foreign->parts[i]);
        foreign->n_parts = 0;
}
