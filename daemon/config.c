/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <stdarg.h>
#include <strings.h>

#include <ini.h>

#include "cgroup-path.h"
#include "config.h"
#include "metadata.h"
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

/* From the hook's word to the machine pass seconds. What takes longer than this is looked after. */
#define RESERVATION_TIMEOUT_SEC_DEFAULT UINT32_C(180)
#define RESERVATION_TIMEOUT_SEC_MAX     UINT32_C(86400)

typedef enum Section {
        SECTION_NONE,
        SECTION_MANAGER,
        SECTION_RULE,
        SECTION_SLICE,
} Section;

typedef enum ManagerKey {
        MANAGER_DEFAULT_QUOTA,
        MANAGER_DEFAULT_WATERMARK,
        MANAGER_FOREIGN_CHANGES,
        MANAGER_FOREIGN_CHANGE, /* the same, in the singular */
        MANAGER_HOOK_WITHOUT_DAEMON,
        MANAGER_SLICES,
        MANAGER_ADMISSION,
        MANAGER_OVERCOMMIT_RATIO,
        MANAGER_RESERVATION_TIMEOUT,
        _MANAGER_KEY_MAX,
} ManagerKey;

typedef enum RuleKey {
        RULE_MATCH_NAME,
        RULE_MATCH_UUID,
        RULE_MATCH_SLICE,
        RULE_MATCH_METADATA,
        RULE_MATCH_NOVA_FLAVOR,
        RULE_MATCH_NOVA_PROJECT,
        RULE_MATCH_NOVA_EXTRA_SPEC,
        RULE_QUOTA,
        RULE_WATERMARK,
        _RULE_KEY_MAX,
} RuleKey;

typedef enum SliceKey {
        SLICE_LIMIT,
        SLICE_ADMISSION,
        SLICE_OVERCOMMIT_RATIO,
        _SLICE_KEY_MAX,
} SliceKey;

static const char *const manager_keys[_MANAGER_KEY_MAX] = {
        [MANAGER_DEFAULT_QUOTA] = "DefaultQuota",
        [MANAGER_DEFAULT_WATERMARK] = "DefaultWatermark",
        [MANAGER_FOREIGN_CHANGES] = "ForeignChanges",
        [MANAGER_FOREIGN_CHANGE] = "ForeignChange",
        [MANAGER_HOOK_WITHOUT_DAEMON] = "HookWithoutDaemon",
        [MANAGER_SLICES] = "Slices",
        [MANAGER_ADMISSION] = "Admission",
        [MANAGER_OVERCOMMIT_RATIO] = "OvercommitRatio",
        [MANAGER_RESERVATION_TIMEOUT] = "ReservationTimeoutSec",
};

static const char *const rule_keys[_RULE_KEY_MAX] = {
        [RULE_MATCH_NAME] = "MatchName",
        [RULE_MATCH_UUID] = "MatchUUID",
        [RULE_MATCH_SLICE] = "MatchSlice",
        [RULE_MATCH_METADATA] = "MatchMetadata",
        [RULE_MATCH_NOVA_FLAVOR] = "MatchNovaFlavor",
        [RULE_MATCH_NOVA_PROJECT] = "MatchNovaProject",
        [RULE_MATCH_NOVA_EXTRA_SPEC] = "MatchNovaExtraSpec",
        [RULE_QUOTA] = "Quota",
        [RULE_WATERMARK] = "Watermark",
};

static const char *const slice_keys[_SLICE_KEY_MAX] = {
        [SLICE_LIMIT] = "Limit",
        [SLICE_ADMISSION] = "Admission",
        [SLICE_OVERCOMMIT_RATIO] = "OvercommitRatio",
};

static const char *const admissions[_ADMISSION_MAX] = {
        [ADMISSION_OFF] = "off",
        [ADMISSION_WARN] = "warn",
        [ADMISSION_ENFORCE] = "enforce",
};

static const char *const foreign_changes[_FOREIGN_CHANGE_MAX] = {
        [FOREIGN_CHANGE_REVERT] = "revert",
        [FOREIGN_CHANGE_ADOPT] = "adopt",
        [FOREIGN_CHANGE_REPORT] = "report",
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
        size_t slice;                             /* the current one */
        unsigned manager_lines[_MANAGER_KEY_MAX]; /* where this file sets the key, 0: nowhere */
        unsigned rule_lines[_RULE_KEY_MAX];       /* the same for the current rule */
        unsigned slice_lines[_SLICE_KEY_MAX];     /* the same for the current slice */
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

const char *admission_to_string(Admission a) {
        return a >= 0 && a < _ADMISSION_MAX ? admissions[a] : NULL;
}

Admission admission_from_string(const char *s) {
        return (Admission) table_lookup(admissions, ELEMENTSOF(admissions), s);
}

char **strv_free(char **l) {
        for (char **s = l; s && *s; s++)
                free(*s);
        free(l);
        return NULL;
}

static void rule_done(ConfigRule *rule) {
        free(rule->name);
        free(rule->file);
        free(rule->match_name);
        free(rule->match_uuid);
        free(rule->match_slice);
        for (size_t i = 0; i < rule->n_matches; i++) {
                free(rule->matches[i].key);
                free(rule->matches[i].glob);
        }
        free(rule->matches);
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_rules; i++)
                rule_done(&c->rules[i]);
        free(c->rules);
        for (size_t i = 0; i < c->n_slice_sections; i++) {
                free(c->slice_sections[i].name);
                free(c->slice_sections[i].file);
        }
        free(c->slice_sections);
        strv_free(c->slices);
        free(c);
        return NULL;
}

const ConfigSlice *config_find_slice(const Config *c, const char *slice) {
        for (size_t i = 0; i < c->n_slice_sections; i++)
                if (streq(c->slice_sections[i].name, slice))
                        return &c->slice_sections[i];

        return NULL;
}

Config *config_new(void) {
        _cleanup_(config_freep) Config *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;

        c->default_quota = QUOTA_DEFAULT;
        c->overcommit_ratio = RATIO_ONE;
        c->reservation_timeout_sec = RESERVATION_TIMEOUT_SEC_DEFAULT;

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
        if (!rule->match_name && !rule->match_uuid && !rule->match_slice && rule->n_matches == 0)
                return parser_error(p, -EBADMSG, rule->line, "rule \"%s\" has no Match…=", rule->name);
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

static int check_slice(Parser *p, const char *where, const char *slice) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = cgroup_path_from_slice(slice, &path);
        if (r == -ENOMEM)
                return parser_oom(p);
        if (r < 0)
                return parse_error(p, "%s: \"%s\" is not the name of a slice", where, slice);

        return 0;
}

static ConfigSlice *current_slice(Parser *p) {
        return &p->config->slice_sections[p->slice];
}

static int slice_begin(Parser *p, const char *name) {
        Config *c = p->config;
        ConfigSlice *slices;
        int r;

        r = check_slice(p, "[Slice]", name);
        if (r < 0)
                return r;
        if (streq(name, "-.slice"))
                return parse_error(p, "the root slice has no limit of its own");

        memset(p->slice_lines, 0, sizeof(p->slice_lines));
        p->section = SECTION_SLICE;

        /* As with [Manager], a later file can say another thing of the same slice. */
        for (p->slice = 0; p->slice < c->n_slice_sections; p->slice++) {
                const ConfigSlice *known = current_slice(p);

                if (!streq(known->name, name))
                        continue;
                if (streq(known->file, p->file))
                        return parse_error(p, "slice \"%s\" has a section already at %s:%u", name,
                                known->file, known->line);
                return 0;
        }

        slices = reallocarray(c->slice_sections, c->n_slice_sections + 1, sizeof(*slices));
        if (!slices)
                return parser_oom(p);
        c->slice_sections = slices;

        slices[c->n_slice_sections++] = (ConfigSlice) {
                .name = strdup(name),
                .file = strdup(p->file),
                .line = p->line,
        };
        return current_slice(p)->name && current_slice(p)->file ? 0 : parser_oom(p);
}

/* Where the limit stands is what is shown for the slice. */
static int slice_note_place(Parser *p, ConfigSlice *slice) {
        char *file = strdup(p->file);

        if (!file)
                return parser_oom(p);

        free(slice->file);
        slice->file = file;
        slice->line = p->line;
        return 0;
}

/* [TYPE NAME]: 1 with *ret_name pointing to the name, which is cut at its end; 0 for another type. */
static int section_has_type(Parser *p, char *section, const char *type, char **ret_name) {
        char *name = section + strlen(type);
        size_t n;

        /* The case does not matter: "[slice a.slice]" is plain enough. */
        if (strncasecmp(section, type, strlen(type)) != 0)
                return 0;

        n = strspn(name, BLANKS);
        if (name[n] == '\0')
                return parse_error(p, "the name is missing: [%s NAME]", type);
        if (n == 0)
                return 0;

        name += n;
        n = strlen(name);
        while (strchr(BLANKS, name[n - 1]))
                n--;
        name[n] = '\0';

        *ret_name = name;
        return 1;
}

/* header: the line from its "[" on. */
static int section_begin(Parser *p, const char *header) {
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

        if (strcasecmp(name, "Manager") == 0) {
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

                r = check_slice(p, "Slices=", slice);
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

/* Several lines of these must all match. */
static const char *const repeatable_keys[] = { "MatchMetadata", "MatchNovaExtraSpec", NULL };

static bool strv_has(const char *const *l, const char *s) {
        for (; *l; l++)
                if (streq(*l, s))
                        return true;

        return false;
}

/* N or N%. */
static int parse_watermark(Parser *p, const char *key, const char *value, uint32_t *ret, bool *ret_percent) {
        _cleanup_free_ char *number = NULL;
        size_t n = strlen(value);
        uint32_t percent;

        if (n == 0 || value[n - 1] != '%') {
                *ret_percent = false;
                return parse_quota(p, key, value, ret);
        }

        number = strndup(value, n - 1);
        if (!number)
                return parser_oom(p);
        if (quota_parse(number, 0, &percent) < 0 || percent > 100)
                return parse_error(p, "%s=%s: is not a percentage from 0%% to 100%%", key, value);

        *ret = percent;
        *ret_percent = true;
        return 0;
}

static int parse_admission(Parser *p, const char *key, const char *value, Admission *ret) {
        int k;

        k = table_lookup(admissions, ELEMENTSOF(admissions), value);
        if (k < 0)
                return parse_error(p, "%s=%s: is none of \"off\", \"warn\" and \"enforce\"", key, value);

        *ret = (Admission) k;
        return 0;
}

/* Digits with up to three places after the point, whatever the locale. */
static int parse_ratio(Parser *p, const char *key, const char *value, uint32_t *ret) {
        static const char digits[] = "0123456789";
        size_t whole = strspn(value, digits), places = 0;
        const char *fraction = value + whole;
        uint32_t ratio = 0, unit = RATIO_ONE;

        if (*fraction == '.') {
                places = strspn(++fraction, digits);
                if (places == 0)
                        whole = 0;
        }
        if (whole == 0 || whole > 4 || places > 3 || fraction[places] != '\0')
                return parse_error(
                        p, "%s=%s: is not a number like 1 or 1.5, with three places at most", key, value);

        for (size_t i = 0; i < whole; i++)
                ratio = ratio * 10 + (uint32_t) (value[i] - '0') * RATIO_ONE;
        for (size_t i = 0; i < places; i++) {
                unit /= 10;
                ratio += (uint32_t) (fraction[i] - '0') * unit;
        }
        if (ratio > RATIO_MAX)
                return parse_error(p, "%s=%s: is more than %" PRIu32, key, value, RATIO_MAX / RATIO_ONE);

        *ret = ratio;
        return 0;
}

static int parse_seconds(Parser *p, const char *key, const char *value, uint32_t *ret) {
        uint32_t seconds;

        if (quota_parse(value, 0, &seconds) < 0 || seconds == 0 || seconds > RESERVATION_TIMEOUT_SEC_MAX)
                return parse_error(p, "%s=%s: is not a number of seconds from 1 to %" PRIu32, key, value,
                        RESERVATION_TIMEOUT_SEC_MAX);

        *ret = seconds;
        return 0;
}

/* Takes over key, also on failure; NULL is one that could not be made. */
static int add_match(Parser *p, const char *option, char *key, const char *alternative, const char *glob) {
        ConfigRule *rule = current_rule(p);
        ConfigMatch *matches;

        matches = reallocarray(rule->matches, rule->n_matches + 1, sizeof(*matches));
        if (!matches || !key) {
                if (matches)
                        rule->matches = matches;
                free(key);
                return parser_oom(p);
        }

        rule->matches = matches;
        matches[rule->n_matches++] = (ConfigMatch) {
                .option = option,
                .key = key,
                .alternative = alternative,
                .glob = strdup(glob),
        };
        return matches[rule->n_matches - 1].glob ? 0 : parser_oom(p);
}

/* KEY=GLOB. Keys of libvirt's metadata have "=" in them as rarely as globs begin with one: the first counts. */
static int parse_match(Parser *p, const char *option, const char *prefix, const char *value) {
        const char *equals = strchr(value, '=');
        char *key;

        if (!equals || equals == value)
                return parse_error(p, "%s=%s: is not KEY=PATTERN", option, value);

        if (asprintf(&key, "%s%.*s", prefix, (int) (equals - value), value) < 0)
                key = NULL;
        return add_match(p, option, key, NULL, equals + 1);
}

static int parse_nova_match(
        Parser *p, const char *option, const char *key, const char *alternative, const char *value) {
        if (isempty(value))
                return parse_error(p, "%s= is empty", option);

        return add_match(p, option, strdup(key), alternative, value);
}

/* Finds the key and notes that it is set here. */
static int find_key(Parser *p, const char *section, const char *const *keys, size_t n_keys, const char *key,
        unsigned *lines) {

        int i;

        i = table_lookup(keys, n_keys, key);
        if (i < 0)
                return parse_error(p, "unknown key %s= in section [%s]", key, section);

        if (lines[i] > 0 && !strv_has(repeatable_keys, key))
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
                return parse_watermark(p, key, value, &c->default_watermark, &c->default_watermark_percent);

        case MANAGER_FOREIGN_CHANGES:
        case MANAGER_FOREIGN_CHANGE:
                k = table_lookup(foreign_changes, ELEMENTSOF(foreign_changes), value);
                if (k < 0)
                        return parse_error(
                                p, "%s=%s: is none of \"revert\", \"adopt\" and \"report\"", key, value);
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

        case MANAGER_ADMISSION:
                return parse_admission(p, key, value, &c->admission);

        case MANAGER_OVERCOMMIT_RATIO:
                return parse_ratio(p, key, value, &c->overcommit_ratio);

        case MANAGER_RESERVATION_TIMEOUT:
                return parse_seconds(p, key, value, &c->reservation_timeout_sec);

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
                r = check_slice(p, "MatchSlice=", value);
                if (r < 0)
                        return r;
                return parse_string(p, value, &rule->match_slice);

        case RULE_MATCH_METADATA:
                return parse_match(p, rule_keys[k], "", value);

        case RULE_MATCH_NOVA_FLAVOR:
                return parse_nova_match(p, rule_keys[k], METADATA_NOVA_FLAVOR, NULL, value);

        case RULE_MATCH_NOVA_PROJECT:
                return parse_nova_match(
                        p, rule_keys[k], METADATA_NOVA_PROJECT, METADATA_NOVA_PROJECT_UUID, value);

        case RULE_MATCH_NOVA_EXTRA_SPEC:
                return parse_match(p, rule_keys[k], METADATA_NOVA_EXTRA_SPEC, value);

        case RULE_QUOTA:
                r = parse_quota(p, key, value, &rule->quota);
                if (r < 0)
                        return r;
                rule->quota_set = true;
                return 0;

        case RULE_WATERMARK:
                r = parse_watermark(p, key, value, &rule->watermark, &rule->watermark_percent);
                if (r < 0)
                        return r;
                rule->watermark_set = true;
                return 0;

        case _RULE_KEY_MAX:
        default:
                return -EINVAL;
        }
}

static int slice_set(Parser *p, const char *key, const char *value) {
        ConfigSlice *slice = current_slice(p);
        int k, r;

        k = find_key(p, "Slice", slice_keys, ELEMENTSOF(slice_keys), key, p->slice_lines);
        if (k < 0)
                return k;

        switch ((SliceKey) k) {
        case SLICE_LIMIT:
                r = slice_note_place(p, slice);
                if (r < 0)
                        return r;
                slice->limit_set = true;
                if (streq(value, "max")) {
                        slice->limit = LIMIT_NONE;
                        return 0;
                }
                return parse_quota(p, key, value, &slice->limit);

        case SLICE_ADMISSION:
                slice->admission_set = true;
                return parse_admission(p, key, value, &slice->admission);

        case SLICE_OVERCOMMIT_RATIO:
                r = parse_ratio(p, key, value, &slice->overcommit_ratio);
                slice->overcommit_ratio_set = true;
                return r;

        case _SLICE_KEY_MAX:
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
        case SECTION_SLICE:
                return slice_set(p, key, value) >= 0;
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
