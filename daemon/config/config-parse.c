/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ini.h>

#include "ascii.h"
#include "config-parser.h"
#include "utf8.h"

/*
 * inih does the splitting into keys and values, but it cuts lines and section
 * names that do not fit its buffers without a word, hides sections without
 * keys, stops at a NUL byte, and this build of it does not give the handler a
 * line number. So it is fed line by line through line_read(), which refuses
 * what would be cut and keeps track of line and section, and inih's own idea
 * of the section is ignored.
 */

#define LINE_LEN_MAX    (INI_MAX_LINE - 2) /* inih's buffer also holds the newline and the NUL */
#define SECTION_LEN_MAX 49                 /* inih: MAX_SECTION, which its header does not have */

/* What can only be told when the section is complete. */
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
                        return parse_error(p, "rule \"%s\" is defined already at %s:%u", name,
                                c->rules[i].file, c->rules[i].line);

        rules = reallocarray(c->rules, c->n_rules + 1, sizeof(*rules));
        if (!rules)
                return config_parser_oom(p);
        c->rules = rules;

        /* Counted at once, so that config_free() finds what there is of it. */
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
                return parse_error(p, "the root slice has no limit of its own");

        memset(p->slice_lines, 0, sizeof(p->slice_lines));
        p->section = SECTION_SLICE;

        /* As with [Manager], a later file can say another thing of the same slice. */
        for (p->slice = 0; p->slice < c->n_slice_sections; p->slice++) {
                const ConfigSlice *known = config_parser_slice(p);

                if (!streq(known->name, name))
                        continue;
                if (streq(known->file, p->file))
                        return parse_error(p, "slice \"%s\" has a section already at %s:%u", name,
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

/* [TYPE NAME]: 1 with *ret_name pointing to the name, which is cut at its end; 0 for another type. */
static int section_has_type(ConfigParser *p, char *section, const char *type, char **ret_name) {
        char *name = section + strlen(type);
        size_t n;

        /* The case does not matter: "[slice a.slice]" is plain enough. */
        if (!ascii_is_prefix_case(section, type))
                return 0;

        n = strspn(name, CONFIG_BLANKS);
        if (name[n] == '\0')
                return parse_error(p, "the name is missing: [%s NAME]", type);
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

/* header: the line from its "[" on. */
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
                return parse_error(p, "something follows the \"]\" of the section header");

        n = (size_t) (end - header - 1);
        if (n > SECTION_LEN_MAX)
                return parse_error(p, "section name is %zu bytes long, %d are possible", n, SECTION_LEN_MAX);

        *(char *) mempcpy(name, header + 1, n) = '\0';

        /* Where inih would see an inline comment begin. */
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

        return parse_error(
                p, "unknown section [%s]: there are [Manager], [Rule NAME] and [Slice NAME]", name);
}

/*
 * Reads a line into buf, with its leading blanks, a byte order mark and the
 * newline kept off. 0 at the end of the file, 1 for a line.
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

/* ini_reader: like fgets(); NULL ends the parsing, at the end of the file or after an error. */
static char *line_read(char *buf, int size, void *stream) {
        ConfigParser *p = stream;
        const char *separator;
        int r;

        /* The handler or inih itself may have found something in the line before. */
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
                /* For inih a blank is a blank. */
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
                /* inih also takes KEY: VALUE. One form is enough. And it sees a comment in " ;". */
                const char *comment = strstr(buf, " ;");

                separator = strpbrk(buf, "=:");
                if (!separator || *separator != '=' || (comment && comment < separator)) {
                        parse_error(p, "neither a [SECTION] nor KEY=VALUE nor a comment");
                        return NULL;
                }
        }

        return strcat(buf, "\n");
}

/*
 * ini_handler: 1 for success. An inih that was built with
 * INI_CALL_HANDLER_ON_NEW_SECTION tells of each section, too, without a key;
 * line_read() has dealt with that.
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

        /* line_read() lets nothing through that inih objects to, so this is memory, or a surprise. */
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
