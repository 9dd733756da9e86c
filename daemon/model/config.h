/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macro.h"
#include "quota.h"

/*
 * pasidd.conf and its drop-ins, man page pasidd.conf(5).
 *
 * Parsing is all or nothing: a file with any error yields no Config, and the
 * daemon keeps the one in use.
 */

/* What to do if another process changes a quota or limit that pasidd has set. */
typedef enum ForeignChange {
        FOREIGN_CHANGE_REVERT,
        FOREIGN_CHANGE_ADOPT,  /* keep the new value as a runtime override */
        FOREIGN_CHANGE_REPORT, /* leave it in place and report it */
        _FOREIGN_CHANGE_MAX,
        _FOREIGN_CHANGE_INVALID = -EINVAL,
} ForeignChange;

const char *foreign_change_to_string(ForeignChange f);
ForeignChange foreign_change_from_string(const char *s);

/* What the libvirt hook does with a starting VM if it cannot reach pasidd. Not used by the daemon. */
typedef enum HookWithoutDaemon {
        HOOK_WITHOUT_DAEMON_ALLOW,
        HOOK_WITHOUT_DAEMON_DENY,
        _HOOK_WITHOUT_DAEMON_MAX,
        _HOOK_WITHOUT_DAEMON_INVALID = -EINVAL,
} HookWithoutDaemon;

const char *hook_without_daemon_to_string(HookWithoutDaemon h);
HookWithoutDaemon hook_without_daemon_from_string(const char *s);

/* What to do if the committed quotas exceed the commit limit. */
typedef enum Admission {
        ADMISSION_OFF,
        ADMISSION_WARN,
        ADMISSION_ENFORCE, /* refuse the start of a VM that does not fit */
        _ADMISSION_MAX,
        _ADMISSION_INVALID = -EINVAL,
} Admission;

const char *admission_to_string(Admission a);
Admission admission_from_string(const char *s);

/* OvercommitRatio= in thousandths. */
#define RATIO_ONE UINT32_C(1000)
#define RATIO_MAX (RATIO_ONE * 1000)

/* A glob to match against a domain's metadata. */
typedef struct ConfigMatch {
        const char *option; /* the configuration key: "MatchNovaFlavor" */
        char *key;
        const char *alternative; /* a second metadata key whose value may match instead, or NULL */
        char *glob;
} ConfigMatch;

/* [Rule NAME]: matches if every Match…= holds. */
typedef struct ConfigRule {
        char *name;
        char *file; /* location of the section header */
        unsigned line;
        char *match_name;     /* fnmatch(3) glob for the VM's name, with FNM_PATHNAME; or NULL */
        char *match_uuid;     /* canonical UUID, or NULL */
        char *match_slice;    /* "tenant-a.slice": the VM's slice or one above it; or NULL */
        ConfigMatch *matches; /* globs for metadata */
        size_t n_matches;
        uint32_t quota;
        uint32_t watermark;
        bool quota_set;
        bool watermark_set;
        bool watermark_percent; /* of the VM's quota */
} ConfigRule;

/* [Slice NAME] */
typedef struct ConfigSlice {
        char *name;
        char *file;
        unsigned line;
        uint32_t limit; /* LIMIT_NONE for "max" */
        bool limit_set;
        Admission admission;
        bool admission_set;
        uint32_t overcommit_ratio;
        bool overcommit_ratio_set;
} ConfigSlice;

typedef struct Config {
        uint32_t default_quota;                /* DefaultQuota= */
        uint32_t default_watermark;            /* DefaultWatermark=, 0 = off */
        bool default_watermark_percent;        /* of the VM's quota */
        ForeignChange foreign_change;          /* ForeignChanges= */
        HookWithoutDaemon hook_without_daemon; /* HookWithoutDaemon= */
        Admission admission;                   /* Admission= */
        uint32_t overcommit_ratio;             /* OvercommitRatio=, of RATIO_ONE */
        uint32_t reservation_timeout_sec;      /* ReservationTimeoutSec= */
        char **slices;                         /* Slices=, NULL-terminated; {"machine.slice"} unless set */
        ConfigRule *rules;                     /* in order of precedence */
        size_t n_rules;
        ConfigSlice *slice_sections;
        size_t n_slice_sections;
} Config;

Config *config_free(Config *c);
DEFINE_CLEANUP_FUNC(Config *, config_free, config_freep);

/* Returns NULL if the slice has no section. */
const ConfigSlice *config_find_slice(const Config *c, const char *slice);

char **strv_free(char **l);
DEFINE_CLEANUP_FUNC(char **, strv_free, strv_freep);

/* Returns a configuration with all defaults, or NULL when out of memory. */
Config *config_new(void);
