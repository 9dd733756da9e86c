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
 * Parsing is all or nothing: a file with any error yields no Config at all, so
 * that the daemon can go on with the one it has.
 */

/* What to do when another writer changed a quota or limit that pasidd had set. */
typedef enum ForeignChange {
        FOREIGN_CHANGE_REVERT,
        FOREIGN_CHANGE_ADOPT,  /* keep the new value as a runtime override */
        FOREIGN_CHANGE_REPORT, /* leave it and say so */
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

/* What is done when quotas are promised beyond what there is. */
typedef enum Admission {
        ADMISSION_OFF,
        ADMISSION_WARN,
        ADMISSION_ENFORCE, /* a VM that does not fit is not let start */
        _ADMISSION_MAX,
        _ADMISSION_INVALID = -EINVAL,
} Admission;

const char *admission_to_string(Admission a);
Admission admission_from_string(const char *s);

/* OvercommitRatio= is counted in thousandths. */
#define RATIO_ONE UINT32_C(1000)
#define RATIO_MAX (RATIO_ONE * 1000)

/* A glob on a domain's metadata. */
typedef struct ConfigMatch {
        const char *option; /* how the configuration says it: "MatchNovaFlavor" */
        char *key;
        const char *alternative; /* a second key whose value may match, or NULL */
        char *glob;
} ConfigMatch;

/* [Rule NAME]: every Match…= given must hold. */
typedef struct ConfigRule {
        char *name;
        char *file; /* where the section header stands */
        unsigned line;
        char *match_name;  /* glob as fnmatch(3), on the VM's name, in which it does not match "/"; or NULL */
        char *match_uuid;  /* canonical UUID, or NULL */
        char *match_slice; /* "tenant-a.slice": the VM's slice or one above it; or NULL */
        ConfigMatch *matches; /* on metadata */
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
        ConfigRule *rules;                     /* in the order in which they are tried */
        size_t n_rules;
        ConfigSlice *slice_sections;
        size_t n_slice_sections;
} Config;

Config *config_free(Config *c);
DEFINE_CLEANUP_FUNC(Config *, config_free, config_freep);

/* NULL when it has no section. */
const ConfigSlice *config_find_slice(const Config *c, const char *slice);

char **strv_free(char **l);
DEFINE_CLEANUP_FUNC(char **, strv_free, strv_freep);

/* An empty configuration with all defaults. NULL when out of memory. */
Config *config_new(void);
