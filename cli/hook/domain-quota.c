/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-quota.h"

#include "error-text.h"
#include "macro.h"
#include "metadata.h"
#include "quota.h"
#include "utf8.h"

/* Messages are one line of limited length. */
static const char *shown(const char *text) {
        return strlen(text) <= METADATA_TEXT_MAX && utf8_is_printable(text) ? text : "...";
}

static int parse_number(const char *name, const char *value, uint32_t *ret, char **ret_error) {
        int r;

        r = quota_parse(value, 0, ret);
        if (r < 0)
                return error_text(ret_error, "has <pasid:quota %s=\"%s\"> in its metadata, which %s", name,
                        shown(value), quota_parse_error(r));
        return 0;
}

static int parse_element(const XmlElement *element, DomainXml *domain, char **ret_error) {
        const char *name, *value;
        size_t i = 0;
        int r;

        /* Not attributes of other namespaces. */
        while (xml_element_next_attribute(element, &i, &name, &value)) {
                if (streq(name, "max")) {
                        r = parse_number(name, value, &domain->quota, ret_error);
                        domain->quota_set = true;
                } else if (streq(name, "watermark")) {
                        r = parse_number(name, value, &domain->watermark, ret_error);
                        domain->watermark_set = true;
                } else
                        r = error_text(ret_error,
                                "has <pasid:quota> in its metadata with the unknown attribute \"%s\"",
                                shown(name));
                if (r < 0)
                        return r;
        }

        if (!domain->quota_set && !domain->watermark_set)
                return error_text(ret_error, "has <pasid:quota> in its metadata without max= or watermark=");
        return 0;
}

int domain_quota_read(DomainQuota *quota, const XmlElement *element, DomainXml *domain) {
        int r;

        if (quota->error)
                return 0;

        if (!streq(element->name, "quota"))
                r = error_text(&quota->error, "has <pasid:%s> in its metadata; there is only <pasid:quota>",
                        shown(element->name));
        else if (quota->seen)
                r = error_text(&quota->error, "has two <pasid:quota> elements in its metadata");
        else
                r = parse_element(element, domain, &quota->error);
        quota->seen = true;

        return r == -EBADMSG ? 0 : r;
}

void domain_quota_clear(DomainQuota *quota) {
        free(quota->error);
        *quota = (DomainQuota) {};
}
