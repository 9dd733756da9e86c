/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config-file.h"

/* Shared by the parts of the parser: config-parse.c parses lines and sections, config-keys.c the keys. */

#define CONFIG_BLANKS " \t"

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

typedef struct ConfigParser {
        Config *config;
        FILE *stream;
        const char *file;
        unsigned line; /* current line */
        Section section;
        size_t slice;                             /* index of the current slice section */
        unsigned manager_lines[_MANAGER_KEY_MAX]; /* line in which this file sets the key; 0: not set */
        unsigned rule_lines[_RULE_KEY_MAX];       /* the same for the current rule */
        unsigned slice_lines[_SLICE_KEY_MAX];     /* the same for the current slice */
        int error;                                /* first error, negative errno */
        char *message;
} ConfigParser;

/* Stores an error and its message, unless there is one already. line 0: none. Returns the stored error. */
int config_parser_error(ConfigParser *p, int error, unsigned line, const char *format, ...) _printf_(4, 5);
int config_parser_oom(ConfigParser *p);

/* Stores an error in the current line. */
#define parse_error(p, ...) config_parser_error(p, -EBADMSG, (p)->line, __VA_ARGS__)

/* Checks that slice is a valid slice name. where: the key or section for the message. Returns 0 or a negative errno. */
int config_parser_check_slice(ConfigParser *p, const char *where, const char *slice);

ConfigRule *config_parser_rule(ConfigParser *p);
ConfigSlice *config_parser_slice(ConfigParser *p);

/* Sets a key of the current section. Returns 0 or a negative errno. */
int config_parser_set(ConfigParser *p, const char *key, const char *value);
