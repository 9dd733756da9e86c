/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"
#include "fuzz.h"
#include "macro.h"
#include "quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *error = NULL;
        char canonical[UUID_STRING_SIZE];
        int r;

        r = domain_xml_parse((const char *) data, size, &domain, &error);
        FUZZ_CHECK(r == 0 || r == -ENOMEM || (r == -EBADMSG && error && !strchr(error, '\n')));
        if (r < 0)
                return 0;

        FUZZ_CHECK(domain.name);
        FUZZ_CHECK(uuid_canonical(domain.uuid, canonical) >= 0 && streq(canonical, domain.uuid));
        FUZZ_CHECK(!domain.quota_set || domain.quota <= QUOTA_MAX);
        return 0;
}
