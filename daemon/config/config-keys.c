/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "config-parser.h"
#include "metadata.h"
#include "quota.h"
#include "uuid.h"

/* The keys of each section and the ranges of their values. */

#define RESERVATION_TIMEOUT_SEC_MAX UINT32_C(86400)

static const char *const manager_keys[_MANAGER_KEY_MAX] = {
        [MANAGER_DEFAULT_QUOTA] = "DefaultQuota",
        [MANAGER_DEFAULT_WATERMARK] = "DefaultWatermark",
        [MANAGER_FOREIGN_CHANGES] = "ForeignChanges",
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

/* Keys that can be set more than once. All lines must match. */
static const char *const repeatable_keys[] = { "MatchMetadata", "MatchNovaExtraSpec", NULL };

static int parse_quota(ConfigParser *p, const char *key, const char *value, uint32_t *ret) {
        int r;

        r = quota_parse(value, 0, ret);
        if (r < 0)
                return parse_error(p, "%s=%s: %s", key, value, quota_parse_error(r));

        return 0;
}

static int parse_string(ConfigParser *p, const char *value, char **ret) {
        char *copy;

        copy = strdup(value);
        if (!copy)
                return config_parser_oom(p);

        *ret = copy;
        return 0;
}

static int parse_slices(ConfigParser *p, const char *key, const char *value, char ***slices) {
        _cleanup_(strv_freep) char **l = NULL;
        size_t n_slices = 0;
        int r;

        /* Room for the largest possible number of words, and the terminating NULL. */
        l = calloc(strlen(value) / 2 + 2, sizeof(*l));
        if (!l)
                return config_parser_oom(p);

        for (const char *word = value + strspn(value, CONFIG_BLANKS); *word;
                word += strspn(word, CONFIG_BLANKS)) {
                size_t n = strcspn(word, CONFIG_BLANKS);
                char *slice;

                l[n_slices] = slice = strndup(word, n);
                if (!slice)
                        return config_parser_oom(p);
                n_slices++;

                r = config_parser_check_slice(p, "Slices=", slice);
                if (r < 0)
                        return r;

                for (size_t i = 0; i + 1 < n_slices; i++)
                        if (streq(l[i], slice))
                                return parse_error(p, "%s=: \"%s\" is listed twice", key, slice);

                word += n;
        }

        if (n_slices == 0)
                return parse_error(p, "%s= needs at least one slice", key);

        strv_free(*slices);
        *slices = TAKE_PTR(l);
        return 0;
}

static bool strv_has(const char *const *l, const char *s) {
        for (; *l; l++)
                if (streq(*l, s))
                        return true;

        return false;
}

/* Parses N or N%. */
static int parse_watermark(
        ConfigParser *p, const char *key, const char *value, uint32_t *ret, bool *ret_percent) {
        _cleanup_free_ char *number = NULL;
        size_t n = strlen(value);
        uint32_t percent;

        if (n == 0 || value[n - 1] != '%') {
                *ret_percent = false;
                return parse_quota(p, key, value, ret);
        }

        number = strndup(value, n - 1);
        if (!number)
                return config_parser_oom(p);
        if (quota_parse(number, 0, &percent) < 0 || percent > 100)
                return parse_error(p, "%s=%s: must be a percentage from 0%% to 100%%", key, value);

        *ret = percent;
        *ret_percent = true;
        return 0;
}

static int parse_admission(ConfigParser *p, const char *key, const char *value, Admission *ret) {
        int k;

        k = (int) admission_from_string(value);
        if (k < 0)
                return parse_error(p, "%s=%s: must be \"off\", \"warn\" or \"enforce\"", key, value);

        *ret = (Admission) k;
        return 0;
}

/* Parses digits with up to three decimal places, independent of the locale. */
static int parse_ratio(ConfigParser *p, const char *key, const char *value, uint32_t *ret) {
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
                return parse_error(p,
                        "%s=%s: must be a number like 1 or 1.5, with at most three decimal places", key,
                        value);

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

static int parse_seconds(ConfigParser *p, const char *key, const char *value, uint32_t *ret) {
        uint32_t seconds;

        if (quota_parse(value, 0, &seconds) < 0 || seconds == 0 || seconds > RESERVATION_TIMEOUT_SEC_MAX)
                return parse_error(p, "%s=%s: must be a number of seconds from 1 to %" PRIu32, key, value,
                        RESERVATION_TIMEOUT_SEC_MAX);

        *ret = seconds;
        return 0;
}

/* Takes ownership of key, also on failure. key may be NULL, which means out of memory. */
static int add_match(
        ConfigParser *p, const char *option, char *key, const char *alternative, const char *glob) {
        ConfigRule *rule = config_parser_rule(p);
        ConfigMatch *matches;

        matches = reallocarray(rule->matches, rule->n_matches + 1, sizeof(*matches));
        if (!matches || !key) {
                if (matches)
                        rule->matches = matches;
                free(key);
                return config_parser_oom(p);
        }

        rule->matches = matches;
        matches[rule->n_matches++] = (ConfigMatch) {
                .option = option,
                .key = key,
                .alternative = alternative,
                .glob = strdup(glob),
        };
        return matches[rule->n_matches - 1].glob ? 0 : config_parser_oom(p);
}

/* Parses KEY=GLOB. Splits at the first "=", because keys of libvirt's metadata rarely contain one. */
static int parse_match(ConfigParser *p, const char *option, const char *prefix, const char *value) {
        const char *equals = strchr(value, '=');
        char *key;

        if (!equals || equals == value)
                return parse_error(p, "%s=%s: must be KEY=PATTERN", option, value);

        if (asprintf(&key, "%s%.*s", prefix, (int) (equals - value), value) < 0)
                key = NULL;
        return add_match(p, option, key, NULL, equals + 1);
}

static int parse_nova_match(
        ConfigParser *p, const char *option, const char *key, const char *alternative, const char *value) {
        if (isempty(value))
                return parse_error(p, "%s= is empty", option);

        return add_match(p, option, strdup(key), alternative, value);
}

/* Finds the key and stores in which line it is set. Returns its index, or a negative errno. */
static int find_key(ConfigParser *p, const char *section, const char *const *keys, size_t n_keys,
        const char *key, unsigned *lines) {

        size_t i = 0;

        while (i < n_keys && !streq(keys[i], key))
                i++;
        if (i == n_keys)
                return parse_error(p, "unknown key %s= in section [%s]", key, section);

        if (lines[i] > 0 && !strv_has(repeatable_keys, key))
                return parse_error(p, "%s= is already set at %s:%u", key, p->file, lines[i]);

        lines[i] = p->line;
        return (int) i;
}

static int manager_set(ConfigParser *p, const char *key, const char *value) {
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
                k = (int) foreign_change_from_string(value);
                if (k < 0)
                        return parse_error(
                                p, "%s=%s: must be \"revert\", \"adopt\" or \"report\"", key, value);
                c->foreign_change = (ForeignChange) k;
                return 0;

        case MANAGER_HOOK_WITHOUT_DAEMON:
                k = (int) hook_without_daemon_from_string(value);
                if (k < 0)
                        return parse_error(p, "%s=%s: must be \"allow\" or \"deny\"", key, value);
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

static int rule_set(ConfigParser *p, const char *key, const char *value) {
        ConfigRule *rule = config_parser_rule(p);
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
                r = config_parser_check_slice(p, "MatchSlice=", value);
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

/* Stores the location of Limit=, which is shown as the origin of the slice's limit. */
static int slice_note_place(ConfigParser *p, ConfigSlice *slice) {
        char *file = strdup(p->file);

        if (!file)
                return config_parser_oom(p);

        free(slice->file);
        slice->file = file;
        slice->line = p->line;
        return 0;
}

static int slice_set(ConfigParser *p, const char *key, const char *value) {
        ConfigSlice *slice = config_parser_slice(p);
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

int config_parser_set(ConfigParser *p, const char *key, const char *value) {
        switch (p->section) {
        case SECTION_MANAGER:
                return manager_set(p, key, value);
        case SECTION_RULE:
                return rule_set(p, key, value);
        case SECTION_SLICE:
                return slice_set(p, key, value);
        case SECTION_NONE:
        default:
                return parse_error(p, "%s= is outside of any section", key);
        }
}
