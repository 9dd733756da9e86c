/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>

#include <ini.h>

#include "cgroup-path.h"
#include "config.h"
#include "quota.h"
#include "utf8.h"
#include "uuid.h"

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
#define BLANKS          " \t"

typedef enum Section {
        SECTION_NONE,
        SECTION_MANAGER,
        SECTION_RULE,
} Section;

typedef enum ManagerKey {
        MANAGER_DEFAULT_QUOTA,
        MANAGER_DEFAULT_WATERMARK,
        MANAGER_FOREIGN_CHANGE,
        MANAGER_HOOK_WITHOUT_DAEMON,
        MANAGER_SLICES,
        _MANAGER_KEY_MAX,
} ManagerKey;

typedef enum RuleKey {
        RULE_MATCH_NAME,
        RULE_MATCH_UUID,
        RULE_MATCH_SLICE,
        RULE_QUOTA,
        RULE_WATERMARK,
        _RULE_KEY_MAX,
} RuleKey;

static const char *const manager_keys[_MANAGER_KEY_MAX] = {
        [MANAGER_DEFAULT_QUOTA] = "DefaultQuota",
        [MANAGER_DEFAULT_WATERMARK] = "DefaultWatermark",
        [MANAGER_FOREIGN_CHANGE] = "ForeignChange",
        [MANAGER_HOOK_WITHOUT_DAEMON] = "HookWithoutDaemon",
        [MANAGER_SLICES] = "Slices",
};

static const char *const rule_keys[_RULE_KEY_MAX] = {
        [RULE_MATCH_NAME] = "MatchName",
        [RULE_MATCH_UUID] = "MatchUUID",
        [RULE_MATCH_SLICE] = "MatchSlice",
        [RULE_QUOTA] = "Quota",
        [RULE_WATERMARK] = "Watermark",
};

static const char *const foreign_changes[_FOREIGN_CHANGE_MAX] = {
        [FOREIGN_CHANGE_REVERT] = "revert",
        [FOREIGN_CHANGE_ADOPT] = "adopt",
};

static const char *const hooks_without_daemon[_HOOK_WITHOUT_DAEMON_MAX] = {
        [HOOK_WITHOUT_DAEMON_ALLOW] = "allow",
        [HOOK_WITHOUT_DAEMON_DENY] = "deny",
};

typedef struct Parser {
        Config *config;
        FILE *stream;
        const char *file;
        unsigned line; /* the one that inih is working on */
        Section section;
        unsigned manager_lines[_MANAGER_KEY_MAX]; /* where this file sets the key, 0: nowhere */
        unsigned rule_lines[_RULE_KEY_MAX];       /* the same for the current rule */
        int error;                                /* the first one, negative errno */
        char *message;
} Parser;

static int table_lookup(const char *const *table, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (streq(table[i], s))
                        return (int) i;

        return -EINVAL;
}

const char *foreign_change_to_string(ForeignChange f) {
        return f >= 0 && f < _FOREIGN_CHANGE_MAX ? foreign_changes[f] : NULL;
}

ForeignChange foreign_change_from_string(const char *s) {
        return (ForeignChange) table_lookup(foreign_changes, ELEMENTSOF(foreign_changes), s);
}

const char *hook_without_daemon_to_string(HookWithoutDaemon h) {
        return h >= 0 && h < _HOOK_WITHOUT_DAEMON_MAX ? hooks_without_daemon[h] : NULL;
}

HookWithoutDaemon hook_without_daemon_from_string(const char *s) {
        return (HookWithoutDaemon) table_lookup(hooks_without_daemon, ELEMENTSOF(hooks_without_daemon), s);
}

static char **strv_free(char **l) {
        for (char **s = l; s && *s; s++)
                free(*s);
        free(l);
        return NULL;
}

DEFINE_CLEANUP_FUNC(char **, strv_free, strv_freep);

static void rule_done(ConfigRule *rule) {
        free(rule->name);
        free(rule->file);
        free(rule->match_name);
        free(rule->match_uuid);
        free(rule->match_slice);
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_rules; i++)
                rule_done(&c->rules[i]);
        free(c->rules);
        strv_free(c->slices);
        free(c);
        return NULL;
}

Config *config_new(void) {
        _cleanup_(config_freep) Config *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;

        c->default_quota = QUOTA_DEFAULT;

        c->slices = calloc(2, sizeof(*c->slices));
        if (!c->slices)
                return NULL;

        c->slices[0] = strdup("machine.slice");
        if (!c->slices[0])
                return NULL;

        return TAKE_PTR(c);
}

static int parser_error(Parser *p, int error, unsigned line, const char *format, ...) _printf_(4, 5);

/* Keeps the first error only. */
static int parser_error(Parser *p, int error, unsigned line, const char *format, ...) {
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

#define parse_error(p, ...) parser_error(p, -EBADMSG, (p)->line, __VA_ARGS__)

static int parser_oom(Parser *p) {
        return parser_error(p, -ENOMEM, 0, "out of memory");
}

static ConfigRule *current_rule(Parser *p) {
        return &p->config->rules[p->config->n_rules - 1];
}

/* What can only be told when the section is complete. */
static int section_end(Parser *p) {
        const ConfigRule *rule;

        if (p->section != SECTION_RULE)
                return 0;

        rule = current_rule(p);
        if (!rule->match_name && !rule->match_uuid && !rule->match_slice)
                return parser_error(p, -EBADMSG, rule->line,
                        "rule \"%s\" has none of MatchName=, MatchUUID= and MatchSlice=", rule->name);
        if (!rule->quota_set && !rule->watermark_set)
                return parser_error(p, -EBADMSG, rule->line,
                        "rule \"%s\" sets neither Quota= nor Watermark=", rule->name);

        return 0;
}

static int rule_begin(Parser *p, const char *name) {
        Config *c = p->config;
        ConfigRule *rules;

        for (size_t i = 0; i < c->n_rules; i++)
                if (streq(c->rules[i].name, name))
                        return parse_error(p, "rule \"%s\" is defined already at %s:%u", name,
                                c->rules[i].file, c->rules[i].line);

        rules = reallocarray(c->rules, c->n_rules + 1, sizeof(*rules));
        if (!rules)
                return parser_oom(p);
        c->rules = rules;

        /* Counted at once, so that config_free() finds what there is of it. */
        rules[c->n_rules++] = (ConfigRule) {
                .name = strdup(name),
                .file = strdup(p->file),
                .line = p->line,
        };
        if (!current_rule(p)->name || !current_rule(p)->file)
                return parser_oom(p);

        memset(p->rule_lines, 0, sizeof(p->rule_lines));
        p->section = SECTION_RULE;
        return 0;
}

/* header: the line from its "[" on. */
static int section_begin(Parser *p, const char *header) {
        char name[LINE_LEN_MAX + 1];
        const char *end, *rest, *rule;
        size_t n;
        int r;

        r = section_end(p);
        if (r < 0)
                return r;
        p->section = SECTION_NONE;

        end = strchr(header, ']');
        if (!end)
                return parse_error(p, "section header without \"]\"");

        rest = end + 1 + strspn(end + 1, BLANKS);
        if (*rest && !strchr(INI_START_COMMENT_PREFIXES, *rest))
                return parse_error(p, "something follows the \"]\" of the section header");

        n = (size_t) (end - header - 1);
        if (n > SECTION_LEN_MAX)
                return parse_error(p, "section name is %zu bytes long, %d are possible", n, SECTION_LEN_MAX);

        *(char *) mempcpy(name, header + 1, n) = '\0';

        /* Where inih would see an inline comment begin. */
        for (size_t i = 1; i < n; i++)
                if (name[i] == ';' && strchr(BLANKS, name[i - 1]))
                        return parse_error(p, "comment inside the section header");

        if (streq(name, "Manager")) {
                p->section = SECTION_MANAGER;
                return 0;
        }

        if (strncmp(name, "Rule", strlen("Rule")) == 0) {
                rule = name + strlen("Rule");
                n = strspn(rule, BLANKS);

                if (rule[n] == '\0')
                        return parse_error(p, "a rule needs a name: [Rule NAME]");
                if (n > 0) {
                        rule += n;
                        n = strlen(rule);
                        while (strchr(BLANKS, rule[n - 1]))
                                n--;
                        name[(size_t) (rule - name) + n] = '\0';
                        return rule_begin(p, rule);
                }
        }

        return parse_error(p, "unknown section [%s]: there are [Manager] and [Rule NAME]", name);
}

/*
 * Reads a line into buf, with its leading blanks, a byte order mark and the
 * newline kept off. 0 at the end of the file, 1 for a line.
 */
static int line_get(Parser *p, char buf[static LINE_LEN_MAX + 1]) {
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

                return parser_error(p, -error, 0, "cannot read: %s", strerror(error));
        }

        if (n > 0 && buf[n - 1] == '\r')
                n--;
        buf[n] = '\0';
        return 1;
}

/* ini_reader: like fgets(); NULL ends the parsing, at the end of the file or after an error. */
static char *line_read(char *buf, int size, void *stream) {
        Parser *p = stream;
        const char *separator;
        int r;

        /* The handler or inih itself may have found something in the line before. */
        if (p->error < 0)
                return NULL;

        if (size < LINE_LEN_MAX + 2) {
                parser_error(p, -EINVAL, 0, "inih's line buffer is too small");
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

static int parse_quota(Parser *p, const char *key, const char *value, uint32_t *ret) {
        int r;

        r = quota_parse(value, 0, ret);
        if (r < 0)
                return parse_error(p, "%s=%s: %s", key, value, quota_parse_error(r));

        return 0;
}

static int parse_string(Parser *p, const char *value, char **ret) {
        char *copy;

        copy = strdup(value);
        if (!copy)
                return parser_oom(p);

        *ret = copy;
        return 0;
}

static int check_slice(Parser *p, const char *key, const char *slice) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = cgroup_path_from_slice(slice, &path);
        if (r == -ENOMEM)
                return parser_oom(p);
        if (r < 0)
                return parse_error(p, "%s=: \"%s\" is not the name of a slice", key, slice);

        return 0;
}

static int parse_slices(Parser *p, const char *key, const char *value, char ***slices) {
        _cleanup_(strv_freep) char **l = NULL;
        size_t n_slices = 0;
        int r;

        /* As many as there can be words, and the terminating NULL. */
        l = calloc(strlen(value) / 2 + 2, sizeof(*l));
        if (!l)
                return parser_oom(p);

        for (const char *word = value + strspn(value, BLANKS); *word; word += strspn(word, BLANKS)) {
                size_t n = strcspn(word, BLANKS);
                char *slice;

                l[n_slices] = slice = strndup(word, n);
                if (!slice)
                        return parser_oom(p);
                n_slices++;

                r = check_slice(p, key, slice);
                if (r < 0)
                        return r;

                for (size_t i = 0; i + 1 < n_slices; i++)
                        if (streq(l[i], slice))
                                return parse_error(p, "%s=: \"%s\" stands there twice", key, slice);

                word += n;
        }

        if (n_slices == 0)
                return parse_error(p, "%s= needs at least one slice", key);

        strv_free(*slices);
        *slices = TAKE_PTR(l);
        return 0;
}

/* Finds the key and notes that it is set here. */
static int find_key(Parser *p, const char *section, const char *const *keys, size_t n_keys, const char *key,
        unsigned *lines) {

        int i;

        i = table_lookup(keys, n_keys, key);
        if (i < 0)
                return parse_error(p, "unknown key %s= in section [%s]", key, section);

        if (lines[i] > 0)
                return parse_error(p, "%s= is set already at %s:%u", key, p->file, lines[i]);

        lines[i] = p->line;
        return i;
}

static int manager_set(Parser *p, const char *key, const char *value) {
        Config *c = p->config;
        int k;

        k = find_key(p, "Manager", manager_keys, ELEMENTSOF(manager_keys), key, p->manager_lines);
        if (k < 0)
                return k;

        switch ((ManagerKey) k) {
        case MANAGER_DEFAULT_QUOTA:
                return parse_quota(p, key, value, &c->default_quota);

        case MANAGER_DEFAULT_WATERMARK:
                return parse_quota(p, key, value, &c->default_watermark);

        case MANAGER_FOREIGN_CHANGE:
                k = table_lookup(foreign_changes, ELEMENTSOF(foreign_changes), value);
                if (k < 0)
                        return parse_error(p, "%s=%s: is neither \"revert\" nor \"adopt\"", key, value);
                c->foreign_change = (ForeignChange) k;
                return 0;

        case MANAGER_HOOK_WITHOUT_DAEMON:
                k = table_lookup(hooks_without_daemon, ELEMENTSOF(hooks_without_daemon), value);
                if (k < 0)
                        return parse_error(p, "%s=%s: is neither \"allow\" nor \"deny\"", key, value);
                c->hook_without_daemon = (HookWithoutDaemon) k;
                return 0;

        case MANAGER_SLICES:
                return parse_slices(p, key, value, &c->slices);

        case _MANAGER_KEY_MAX:
        default:
                return -EINVAL;
        }
}

static int rule_set(Parser *p, const char *key, const char *value) {
        ConfigRule *rule = current_rule(p);
        char uuid[UUID_STRING_SIZE];
        int k, r;

        k = find_key(p, "Rule", rule_keys, ELEMENTSOF(rule_keys), key, p->rule_lines);
        if (k < 0)
                return k;

        switch ((RuleKey) k) {
        case RULE_MATCH_NAME:
                if (isempty(value))
                        return parse_error(p, "%s= is empty", key);
                return parse_string(p, value, &rule->match_name);

        case RULE_MATCH_UUID:
                r = uuid_canonical(value, uuid);
                if (r < 0)
                        return parse_error(p, "%s=%s: is not a UUID", key, value);
                return parse_string(p, uuid, &rule->match_uuid);

        case RULE_MATCH_SLICE:
                r = check_slice(p, key, value);
                if (r < 0)
                        return r;
                return parse_string(p, value, &rule->match_slice);

        case RULE_QUOTA:
                r = parse_quota(p, key, value, &rule->quota);
                if (r < 0)
                        return r;
                rule->quota_set = true;
                return 0;

        case RULE_WATERMARK:
                r = parse_quota(p, key, value, &rule->watermark);
                if (r < 0)
                        return r;
                rule->watermark_set = true;
                return 0;

        case _RULE_KEY_MAX:
        default:
                return -EINVAL;
        }
}

/* ini_handler: 1 for success. */
static int key_handle(void *user, const char *section _unused_, const char *key, const char *value) {
        Parser *p = user;

        if (p->error < 0)
                return 0;

        switch (p->section) {
        case SECTION_MANAGER:
                return manager_set(p, key, value) >= 0;
        case SECTION_RULE:
                return rule_set(p, key, value) >= 0;
        case SECTION_NONE:
        default:
                parse_error(p, "%s= stands outside of any section", key);
                return 0;
        }
}

int config_parse_stream(Config *c, FILE *f, const char *file, char **ret_error) {
        Parser p = {
                .config = c,
                .stream = f,
                .file = file,
        };
        int r;

        errno = 0;
        r = ini_parse_stream(line_read, &p, key_handle, &p);

        /* line_read() lets nothing through that inih objects to, so this is memory, or a surprise. */
        if (r < 0)
                parser_oom(&p);
        else if (r > 0)
                parser_error(&p, -EBADMSG, (unsigned) r, "does not parse");

        if (p.error == 0)
                section_end(&p);

        if (p.error < 0) {
                *ret_error = p.message;
                return p.error;
        }

        return 0;
}
