/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "announcement.h"

bool setting_is_empty(const QuotaSetting *q) {
        return !q->quota_set && !q->watermark_set;
}

bool setting_equal(const QuotaSetting *a, const QuotaSetting *b) {
        return a->quota_set == b->quota_set && a->watermark_set == b->watermark_set &&
               (!a->quota_set || a->quota == b->quota) && (!a->watermark_set || a->watermark == b->watermark);
}

void announcement_clear(Announcement *a) {
        metadata_clear(&a->domain);
        free(a->slice);
        *a = (Announcement) {};
}

int announcement_copy(const Announcement *a, Announcement *ret) {
        Announcement copy = *a;
        int r;

        copy.domain = (Metadata) {};
        r = metadata_copy(&a->domain, &copy.domain);
        if (r < 0)
                return r;

        if (a->slice) {
                copy.slice = strdup(a->slice);
                if (!copy.slice) {
                        metadata_clear(&copy.domain);
                        return -ENOMEM;
                }
        }

        *ret = copy;
        return 0;
}

bool announcement_equal(const Announcement *a, const Announcement *b) {
        return setting_equal(&a->quota, &b->quota) && metadata_equal(&a->domain, &b->domain) &&
               streq_ptr(a->slice, b->slice) && a->libvirt_pid == b->libvirt_pid &&
               a->libvirt_start_time == b->libvirt_start_time;
}
