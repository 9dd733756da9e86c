/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>

#include "cgroup-path.h"
#include "config-parser.h"

/* Only the first error is kept. */
int config_parser_error(ConfigParser *p, int error, unsigned line, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        if (p->error < 0)
                return p->error;

        p->error = error;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return p->error = -ENOMEM;
        }

        r = line > 0 ? asprintf(&p->message, "%s:%u: %s", p->file, line, text)
                     : asprintf(&p->message, "%s: %s", p->file, text);
        if (r < 0) {
                p->message = NULL;
                p->error = -ENOMEM;
        }

        return p->error;
}

int config_parser_oom(ConfigParser *p) {
        return config_parser_error(p, -ENOMEM, 0, "out of memory");
}

int config_parser_check_slice(ConfigParser *p, const char *where, const char *slice) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = cgroup_path_from_slice(slice, &path);
        if (r == -ENOMEM)
                return config_parser_oom(p);
        if (r < 0)
                return parse_error(p, "%s: \"%s\" is not a valid slice name", where, slice);

        return 0;
}

ConfigRule *config_parser_rule(ConfigParser *p) {
        return &p->config->rules[p->config->n_rules - 1];
}

ConfigSlice *config_parser_slice(ConfigParser *p) {
        return &p->config->slice_sections[p->slice];
}
