/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"

#include "domain-metadata.h"
#include "domain-viommu.h"
#include "error-text.h"
#include "macro.h"
#include "metadata-merge.h"
#include "xml-path.h"
#include "xml-reader.h"
#include "xml-text.h"

enum {
        PLACE_NONE,
        PLACE_DOMAIN,
        PLACE_NAME,
        PLACE_UUID,
        PLACE_TITLE,
        PLACE_DESCRIPTION,
        PLACE_RESOURCE,
        PLACE_PARTITION,
        PLACE_METADATA,
};

static const XmlPlace places[] = {
        [PLACE_DOMAIN] = { PLACE_NONE, "domain", NULL, false },
        [PLACE_NAME] = { PLACE_DOMAIN, "name", NULL, false },
        [PLACE_UUID] = { PLACE_DOMAIN, "uuid", NULL, false },
        [PLACE_TITLE] = { PLACE_DOMAIN, "title", NULL, false },
        [PLACE_DESCRIPTION] = { PLACE_DOMAIN, "description", NULL, false },
        [PLACE_RESOURCE] = { PLACE_DOMAIN, "resource", NULL, false },
        [PLACE_PARTITION] = { PLACE_RESOURCE, "partition", NULL, false },
        [PLACE_METADATA] = { PLACE_DOMAIN, "metadata", NULL, false },
};

_Static_assert(ELEMENTSOF(places) <= XML_PLACES_MAX, "all places must fit into a path");

/* A domain while it is read. What is wrong with it is found at the end, so that its order in the document does not matter. */
typedef struct DomainReader {
        DomainXml domain;
        XmlPath path;
        XmlText text;
        char *name;      /* NULL: none, or too long */
        char *uuid;      /* the same */
        char *partition; /* the same */
        Metadata own;    /* title and description */
        DomainMetadata metadata;
        DomainViommu viommu;
} DomainReader;

void domain_xml_clear(DomainXml *domain) {
        free(domain->name);
        free(domain->slice);
        metadata_clear(&domain->metadata);
        *domain = (DomainXml) {};
}

static void reader_clear(DomainReader *reader) {
        domain_xml_clear(&reader->domain);
        free(reader->name);
        free(reader->uuid);
        free(reader->partition);
        metadata_clear(&reader->own);
        domain_metadata_clear(&reader->metadata);
}

static int on_start(void *userdata, const XmlElement *element) {
        DomainReader *reader = userdata;

        domain_viommu_start(&reader->viommu, element);
        if (reader->path.place == PLACE_METADATA)
                return domain_metadata_start(&reader->metadata, element, &reader->domain);

        switch (xml_path_enter(&reader->path, element)) {
        case PLACE_DOMAIN:
                /* libvirt gives running domains an id. */
                reader->domain.running = xml_element_attribute(element, "id");
                break;
        case PLACE_NAME:
        case PLACE_UUID:
        case PLACE_PARTITION:
                xml_text_begin(&reader->text, XML_TEXT_MAX);
                break;
        case PLACE_TITLE:
        case PLACE_DESCRIPTION:
                xml_text_begin_trimmed(&reader->text, METADATA_TEXT_MAX);
                break;
        default:
                break;
        }
        return 0;
}

static int on_text(void *userdata, const char *text, size_t n) {
        DomainReader *reader = userdata;

        xml_text_add(&reader->text, text, n);
        domain_metadata_text(&reader->metadata, text, n);
        return 0;
}

/* Replaces *p by a copy; by NULL if the text is too long. */
static int keep(char **p, const char *text) {
        char *copy = text ? strdup(text) : NULL;

        free(*p);
        *p = copy;
        return text && !copy ? -ENOMEM : 0;
}

static int keep_own(DomainReader *reader, const char *key, const char *text) {
        return text ? metadata_add_fitting(&reader->own, key, text) : 0;
}

static int on_end(void *userdata, unsigned depth) {
        DomainReader *reader = userdata;
        unsigned place;

        domain_viommu_end(&reader->viommu, depth);
        place = xml_path_leave(&reader->path, depth);
        if (reader->path.place == PLACE_METADATA)
                return domain_metadata_end(&reader->metadata, depth);

        switch (place) {
        case PLACE_NAME:
                return keep(&reader->name, xml_text_end(&reader->text));
        case PLACE_UUID:
                return keep(&reader->uuid, xml_text_end(&reader->text));
        case PLACE_PARTITION:
                return keep(&reader->partition, xml_text_end(&reader->text));
        case PLACE_TITLE:
        case PLACE_DESCRIPTION:
                return keep_own(reader, places[place].name, xml_text_end(&reader->text));
        default:
                return 0;
        }
}

/*
 * Escapes a partition as libvirt does for systemd: "/machine/a-b" is "machine-a\x2db.slice". NULL when out
 * of memory.
 */
static char *partition_to_slice(const char *partition) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
        char *slice = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&slice, &size);
        if (!f)
                return NULL;

        while (*partition == '/')
                partition++;
        for (const char *p = partition; *p; p++)
                if (*p == '/')
                        fputc('-', f);
                else if (!strchr(plain, *p) || (p == partition && *p == '.'))
                        fprintf(f, "\\x%02x", (unsigned) (unsigned char) *p);
                else
                        fputc(*p, f);
        fputs(".slice", f);

        if (fclose(f) != 0) {
                free(slice);
                return NULL;
        }

        return slice;
}

static int check_at_most_one(const DomainReader *reader, unsigned place, char **ret_error) {
        if (reader->path.seen[place] > 1)
                return error_text(ret_error, "has two <%s> elements", places[place].name);
        return 0;
}

static int check_one(const DomainReader *reader, unsigned place, char **ret_error) {
        if (reader->path.seen[place] == 0)
                return error_text(ret_error, "has no <%s> element", places[place].name);

        return check_at_most_one(reader, place, ret_error);
}

static int check_length(unsigned place, const char *text, char **ret_error) {
        if (!text)
                return error_text(
                        ret_error, "has a <%s> of more than %u bytes", places[place].name, XML_TEXT_MAX);
        return 0;
}

static int check_name(const DomainReader *reader, char **ret_error) {
        int r;

        r = check_one(reader, PLACE_NAME, ret_error);
        if (r >= 0)
                r = check_length(PLACE_NAME, reader->name, ret_error);
        if (r < 0)
                return r;
        if (isempty(reader->name))
                return error_text(ret_error, "has an empty <name>");
        return 0;
}

static int check_partition(const DomainReader *reader, char **ret_error) {
        int r;

        r = check_at_most_one(reader, PLACE_RESOURCE, ret_error);
        if (r >= 0)
                r = check_at_most_one(reader, PLACE_PARTITION, ret_error);
        if (r >= 0 && reader->path.seen[PLACE_PARTITION] > 0)
                r = check_length(PLACE_PARTITION, reader->partition, ret_error);
        return r;
}

static int check_quota(const DomainReader *reader, char **ret_error) {
        int r;

        r = check_at_most_one(reader, PLACE_METADATA, ret_error);
        if (r < 0)
                return r;
        if (reader->metadata.quota.error)
                return error_text(ret_error, "%s", reader->metadata.quota.error);
        return 0;
}

/* Completes the domain after the end of the document. */
static int finish(DomainReader *reader, char **ret_error) {
        DomainXml *domain = &reader->domain;
        int r;

        if (reader->path.seen[PLACE_DOMAIN] == 0)
                return error_text(ret_error, "is not a libvirt domain");

        r = check_name(reader, ret_error);
        if (r >= 0)
                r = check_one(reader, PLACE_UUID, ret_error);
        if (r < 0)
                return r;
        if (!reader->uuid || uuid_canonical(reader->uuid, domain->uuid) < 0)
                return error_text(ret_error, "has an invalid <uuid>");
        r = check_partition(reader, ret_error);
        if (r >= 0)
                r = check_quota(reader, ret_error);
        if (r < 0)
                return r;

        domain->name = TAKE_PTR(reader->name);
        domain->slice = partition_to_slice(reader->partition ?: "/machine");
        if (!domain->slice)
                return -ENOMEM;
        r = domain_viommu_collect(&reader->viommu, &domain->metadata);
        if (r >= 0)
                r = domain_metadata_collect(&reader->metadata, &reader->own, &domain->metadata);
        return r;
}

int domain_xml_parse(const char *xml, size_t size, DomainXml *ret, char **ret_error) {
        static const XmlHandlers handlers = { .start = on_start, .text = on_text, .end = on_end };
        _cleanup_(reader_clear) DomainReader reader = {
                .path = { .places = places, .n_places = ELEMENTSOF(places) },
        };
        int r;

        if (size == 0)
                return error_text(ret_error, "is empty");
        if (size > DOMAIN_XML_SIZE_MAX)
                return error_text(ret_error, "is larger than %zu bytes", DOMAIN_XML_SIZE_MAX);

        domain_viommu_init(&reader.viommu);
        r = xml_read(xml, size, &handlers, &reader, ret_error);
        if (r >= 0)
                r = finish(&reader, ret_error);
        if (r < 0)
                return r;

        *ret = reader.domain;
        reader.domain = (DomainXml) {};
        return 0;
}
