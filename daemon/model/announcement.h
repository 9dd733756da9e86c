/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "policy.h"

/* What the libvirt hook announced about a VM's start. Zero-initialised: nothing was announced. */
typedef struct Announcement {
        QuotaSetting quota;          /* the domain's own <pasid:quota> */
        Metadata domain;             /* metadata for rules to match on */
        char *slice;                 /* slice that the VM will run in; NULL: not announced */
        uint32_t libvirt_pid;        /* process that starts the VM; 0: not announced */
        uint64_t libvirt_start_time; /* start time of that process, see proc.h */
} Announcement;

void announcement_clear(Announcement *a);

/* Makes a deep copy. *ret must be empty, and stays empty on failure. Returns 0 or -ENOMEM. */
int announcement_copy(const Announcement *a, Announcement *ret);

bool announcement_equal(const Announcement *a, const Announcement *b);

bool setting_equal(const QuotaSetting *a, const QuotaSetting *b);
bool setting_is_empty(const QuotaSetting *q);
