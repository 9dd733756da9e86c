/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ini.h>

#include "ascii.h"
#include "config-parser.h"
#include "utf8.h"

/*
 * inih splits lines into keys and values, but it silently cuts lines and section
 * names that do not fit its buffers, does not report sections without keys,
 * stops at a NUL byte, and this build of it does not pass line numbers to the
 * handler. So it is fed line by line by line_read(), which rejects what would be
 * cut, and keeps track of line and section. inih's section is ignored.
 */

#define LINE_LEN_MAX    (INI_MAX_LINE - 2) /* inih's buffer also has the newline and the NUL */
#define SECTION_LEN_MAX 49                 /* inih's MAX_SECTION, which is not in its header */

/* Checks that can only be made when the section is complete. */
static int section_end(ConfigParser *p) {
        const ConfigRule *rule;

        if (p->section != SECTION_RULE)
                return 0;

        rule = config_parser_rule(p);
        if (!rule->match_name && !rule->match_uuid && !rule->match_slice && rule->n_matches == 0)
                return config_parser_error(p, -EBADMSG, rule->line, "rule \"%s\" has no Match…=", rule->name);
        if (!rule->quota_set && !rule->watermark_set)
                return config_parser_error(p, -EBADMSG, rule->line,
                        "rule \"%s\" sets neither Quota= nor Watermark=", rule->name);

        return 0;
}

static int rule_begin(ConfigParser *p, const char *name) {
        Config *c = p->config;
        ConfigRule *rules;

        for (size_t i = 0; i < c->n_rules; i++)
                if (streq(c->rules[i].name, name))
                        return parse_error(p, "rule \"%s\" is already defined at %s:%u", name,
                                c->rules[i].file, c->rules[i].line);

        rules = reallocarray(c->rules, c->n_rules + 1, sizeof(*rules));
        if (!rules)
                return config_parser_oom(p);
        c->rules = rules;

        /* Count the element first, so that config_free() frees it if a strdup() fails. */
        rules[c->n_rules++] = (ConfigRule) {
                .name = strdup(name),
                .file = strdup(p->file),
                .line = p->line,
        };
        if (!config_parser_rule(p)->name || !config_parser_rule(p)->file)
                return config_parser_oom(p);

        memset(p->rule_lines, 0, sizeof(p->rule_lines));
        p->section = SECTION_RULE;
        return 0;
}

static int slice_begin(ConfigParser *p, const char *name) {
        Config *c = p->config;
        ConfigSlice *slices;
        int r;

        r = config_parser_check_slice(p, "[Slice]", name);
        if (r < 0)
                return r;
        if (streq(name, "-.slice"))
                return parse_error(p, "the root slice cannot have a limit");

        memset(p->slice_lines, 0, sizeof(p->slice_lines));
        p->section = SECTION_SLICE;

        /* As with [Manager], a later file can change settings of the same slice. */
        for (p->slice = 0; p->slice < c->n_slice_sections; p->slice++) {
                const ConfigSlice *known = config_parser_slice(p);

                if (!streq(known->name, name))
                        continue;
                if (streq(known->file, p->file))
                        return parse_error(p, "slice \"%s\" already has a section at %s:%u", name,
                                known->file, known->line);
                return 0;
        }

        slices = reallocarray(c->slice_sections, c->n_slice_sections + 1, sizeof(*slices));
        if (!slices)
                return config_parser_oom(p);
        c->slice_sections = slices;

        slices[c->n_slice_sections++] = (ConfigSlice) {
                .name = strdup(name),
                .file = strdup(p->file),
                .line = p->line,
        };
        return config_parser_slice(p)->name && config_parser_slice(p)->file ? 0 : config_parser_oom(p);
}

/* Parses [TYPE NAME]. Returns 1 with *ret_name pointing into section; 0 for another type; or a negative errno. */
static int section_has_type(ConfigParser *p, char *section, const char *type, char **ret_name) {
        char *name = section + strlen(type);
        size_t n;

        /* Type names are not case-sensitive. */
        if (!ascii_is_prefix_case(section, type))
                return 0;

        n = strspn(name, CONFIG_BLANKS);
        if (name[n] == '\0')
                return parse_error(p, "section name is missing, must be [%s NAME]", type);
        if (n == 0)
                return 0;

        name += n;
        n = strlen(name);
        while (strchr(CONFIG_BLANKS, name[n - 1]))
                n--;
        name[n] = '\0';

        *ret_name = name;
        return 1;
}

/* header: the line, beginning at "[". */
static int section_begin(ConfigParser *p, const char *header) {
        char name[LINE_LEN_MAX + 1], *of;
        const char *end, *rest;
        size_t n;
        int r;

        r = section_end(p);
        if (r < 0)
                return r;
        p->section = SECTION_NONE;

        end = strchr(header, ']');
        if (!end)
                return parse_error(p, "section header without \"]\"");

        rest = end + 1 + strspn(end + 1, CONFIG_BLANKS);
        if (*rest && !strchr(INI_START_COMMENT_PREFIXES, *rest))
                return parse_error(p, "trailing characters after the section header");

        n = (size_t) (end - header - 1);
        if (n > SECTION_LEN_MAX)
                return parse_error(
                        p, "section name is %zu bytes long, the maximum is %d", n, SECTION_LEN_MAX);

        *(char *) mempcpy(name, header + 1, n) = '\0';

        /* inih would start an inline comment here. */
        for (size_t i = 1; i < n; i++)
                if (name[i] == ';' && strchr(CONFIG_BLANKS, name[i - 1]))
                        return parse_error(p, "comment inside the section header");

        if (ascii_streq_case(name, "Manager")) {
                p->section = SECTION_MANAGER;
                return 0;
        }

        r = section_has_type(p, name, "Rule", &of);
        if (r != 0)
                return r < 0 ? r : rule_begin(p, of);

        r = section_has_type(p, name, "Slice", &of);
        if (r != 0)
                return r < 0 ? r : slice_begin(p, of);

        return parse_error(p, "unknown section [%s], must be [Manager], [Rule NAME] or [Slice NAME]", name);
}

/*
 * Reads a line into buf, without leading blanks, a byte order mark, and the
 * newline. Returns 1 for a line, 0 at the end of the file, or a negative errno.
 */
static int line_get(ConfigParser *p, char buf[static LINE_LEN_MAX + 1]) {
        size_t n = 0;
        int c;

        c = getc_unlocked(p->stream);
        if (c == EOF && !ferror(p->stream))
                return 0;

        p->line++;

        for (; c != '\n' && c != EOF; c = getc_unlocked(p->stream)) {
                if (c == '\0')
                        return parse_error(p, "NUL byte");
                if (n == 0 && (c == ' ' || c == '\t'))
                        continue;
                if (n >= LINE_LEN_MAX)
                        return parse_error(p, "line is longer than %d bytes", LINE_LEN_MAX);

                buf[n++] = (char) c;
                if (p->line == 1 && n == 3 && memcmp(buf, "\xef\xbb\xbf", n) == 0)
                        n = 0;
        }

        if (ferror(p->stream)) {
                int error = errno > 0 ? errno : EIO;

                return config_parser_error(p, -error, 0, "cannot read: %s", strerror(error));
        }

        if (n > 0 && buf[n - 1] == '\r')
                n--;
        buf[n] = '\0';
        return 1;
}

/* The ini_reader: like fgets(). Returns NULL at the end of the file or after an error. */
static char *line_read(char *buf, int size, void *stream) {
        ConfigParser *p = stream;
        const char *separator;
        int r;

        /* The handler may have reported an error in the previous line. */
        if (p->error < 0)
                return NULL;

        if (size < LINE_LEN_MAX + 2) {
                config_parser_error(p, -EINVAL, 0, "inih's line buffer is too small");
                return NULL;
        }

        r = line_get(p, buf);
        if (r <= 0)
                return NULL;

        for (char *t = buf; *t; t++)
                /* inih handles tabs and spaces in the same way. */
                if (*t == '\t')
                        *t = ' ';
        if (!utf8_is_printable(buf)) {
                parse_error(p, "control character or invalid UTF-8");
                return NULL;
        }

        if (*buf == '[') {
                if (section_begin(p, buf) < 0)
                        return NULL;
        } else if (*buf && !strchr(INI_START_COMMENT_PREFIXES, *buf)) {
                /* Reject inih's KEY: VALUE form, and a " ;" before the "=", where inih begins a comment. */
                const char *comment = strstr(buf, " ;");

                separator = strpbrk(buf, "=:");
                if (!separator || *separator != '=' || (comment && comment < separator)) {
                        parse_error(p, "must be [SECTION], KEY=VALUE or a comment");
                        return NULL;
                }
        }

        return strcat(buf, "\n");
}

/*
 * The ini_handler. Returns 1 for success. An inih built with
 * INI_CALL_HANDLER_ON_NEW_SECTION also reports sections, with key being NULL;
 * line_read() has handled those.
 */
static int key_handle(void *user, const char *section _unused_, const char *key, const char *value) {
        ConfigParser *p = user;

        if (!key)
                return p->error >= 0;

        return p->error >= 0 && config_parser_set(p, key, value) >= 0;
}

int config_parse_stream(Config *c, FILE *f, const char *file, char **ret_error) {
        ConfigParser p = {
                .config = c,
                .stream = f,
                .file = file,
        };
        int r;

        errno = 0;
        r = ini_parse_stream(line_read, &p, key_handle, &p);

        /* line_read() rejects everything that inih would, so a negative value means out of memory. */
        if (r < 0)
                config_parser_oom(&p);
        else if (r > 0)
                config_parser_error(&p, -EBADMSG, (unsigned) r, "does not parse");

        if (p.error == 0)
                section_end(&p);

        if (p.error < 0) {
                *ret_error = p.message;
                return p.error;
        }

        return 0;
}
