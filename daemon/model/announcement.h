/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "policy.h"

/* What the libvirt hook says of a VM's start. All zero says nothing. */
typedef struct Announcement {
        QuotaSetting quota;          /* the domain's own <pasid:quota> */
        Metadata domain;             /* for rules to match on */
        char *slice;                 /* that it is going to run in; NULL: not told */
        uint32_t libvirt_pid;        /* the process that starts it; 0: not told */
        uint64_t libvirt_start_time; /* its, see proc.h */
} Announcement;

void announcement_clear(Announcement *a);

/* *ret must be empty, and stays so on failure. -ENOMEM. */
int announcement_copy(const Announcement *a, Announcement *ret);

bool announcement_equal(const Announcement *a, const Announcement *b);

bool setting_equal(const QuotaSetting *a, const QuotaSetting *b);
bool setting_is_empty(const QuotaSetting *q);
