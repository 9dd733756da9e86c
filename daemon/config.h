/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "macro.h"

/*
 * pasidd.conf and its drop-ins, man page pasidd.conf(5).
 *
 * Parsing is all or nothing: a file with any error yields no Config at all, so
 * that the daemon can go on with the one it has.
 */

/* What to do when another writer changed a quota or limit that pasidd had set. */
typedef enum ForeignChange {
        FOREIGN_CHANGE_REVERT,
        FOREIGN_CHANGE_ADOPT, /* keep the new value as a runtime override */
        _FOREIGN_CHANGE_MAX,
        _FOREIGN_CHANGE_INVALID = -EINVAL,
} ForeignChange;

const char *foreign_change_to_string(ForeignChange f);
ForeignChange foreign_change_from_string(const char *s);

/* What the libvirt hook does with a starting VM when pasidd cannot be reached. The daemon itself has no use for it. */
typedef enum HookWithoutDaemon {
        HOOK_WITHOUT_DAEMON_ALLOW,
        HOOK_WITHOUT_DAEMON_DENY,
        _HOOK_WITHOUT_DAEMON_MAX,
        _HOOK_WITHOUT_DAEMON_INVALID = -EINVAL,
} HookWithoutDaemon;

const char *hook_without_daemon_to_string(HookWithoutDaemon h);
HookWithoutDaemon hook_without_daemon_from_string(const char *s);

/* [Rule NAME]: every Match…= given must hold. */
typedef struct ConfigRule {
        char *name;
        char *file; /* where the section header stands */
        unsigned line;
        char *match_name;  /* glob as fnmatch(3), on the VM's name, in which it does not match "/"; or NULL */
        char *match_uuid;  /* canonical UUID, or NULL */
        char *match_slice; /* "tenant-a.slice": the VM's slice or one above it; or NULL */
        uint32_t quota;
        uint32_t watermark;
        bool quota_set;
        bool watermark_set;
} ConfigRule;

typedef struct Config {
        uint32_t default_quota;                /* DefaultQuota= */
        uint32_t default_watermark;            /* DefaultWatermark=, 0 = off */
        ForeignChange foreign_change;          /* ForeignChange= */
        HookWithoutDaemon hook_without_daemon; /* HookWithoutDaemon= */
        char **slices;                         /* Slices=, NULL-terminated; {"machine.slice"} unless set */
        ConfigRule *rules;                     /* in the order in which they are tried */
        size_t n_rules;
} Config;

Config *config_free(Config *c);
DEFINE_CLEANUP_FUNC(Config *, config_free, config_freep);

/*
 * Reads main_file, then every *.conf of dropin_dir sorted by name. Files that
 * do not exist are skipped: all defaults. The caller frees *ret.
 *
 * Returns 0 or a negative errno: -EBADMSG for content that does not parse,
 * with *ret_error set to "FILE:LINE: what was wrong" (to be freed); other
 * values for I/O, with *ret_error naming the file. *ret is untouched on failure.
 */
int config_load(const char *main_file, const char *dropin_dir, Config **ret, char **ret_error);

/* The same from an open stream under the given file name, adding to c, whose content is of no use after a failure.
 * For config_load(), tests and fuzzing. */
int config_parse_stream(Config *c, FILE *f, const char *file, char **ret_error);

/* An empty configuration with all defaults. NULL when out of memory. */
Config *config_new(void);
