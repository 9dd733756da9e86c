/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "since.h"

#include "clock.h"
#include "macro.h"

static int parse_number(const char **s, uint64_t *ret) {
        unsigned long long n;
        char *end;

        if (**s < '0' || **s > '9')
                return -EINVAL;
        errno = 0;
        n = strtoull(*s, &end, 10);
        if (errno != 0)
                return -EINVAL;

        *s = end;
        *ret = n;
        return 0;
}

static int parse_back(const char *s, uint64_t now_usec, uint64_t *ret) {
        static const struct {
                const char *name;
                uint64_t seconds;
        } units[] = {
                { "s", 1 },
                { "sec", 1 },
                { "second", 1 },
                { "m", 60 },
                { "min", 60 },
                { "minute", 60 },
                { "h", 60 * 60 },
                { "hour", 60 * 60 },
                { "d", 24 * 60 * 60 },
                { "day", 24 * 60 * 60 },
                { "w", 7 * 24 * 60 * 60 },
                { "week", 7 * 24 * 60 * 60 },
        };
        bool minus = *s == '-';
        uint64_t n, back;
        size_t length;

        s += minus;
        if (parse_number(&s, &n) < 0)
                return -EINVAL;
        s += strspn(s, " ");
        length = strspn(s, "abcdefghijklmnopqrstuvwxyz");
        if (s[length] && (minus || !streq(s + length, " ago")))
                return -EINVAL;
        if (length > 3 && s[length - 1] == 's') /* "hours" */
                length--;

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strlen(units[i].name) == length && strncmp(units[i].name, s, length) == 0) {
                        if (n > now_usec / USEC_PER_SEC / units[i].seconds)
                                return -EINVAL;
                        back = n * units[i].seconds * USEC_PER_SEC;
                        *ret = now_usec - back;
                        return 0;
                }
        return -EINVAL;
}

/* Parses all of s in this format. Fields that the format lacks keep their value in tm. */
static bool matches(const char *s, const char *format, struct tm *tm) {
        const char *end = strptime(s, format, tm);

        return end && !*end;
}

/* Parses the fraction of a second. Digits after the sixth are ignored. Returns the rest of the string. */
static const char *parse_fraction(const char *s, uint64_t *ret_usec) {
        uint64_t unit = USEC_PER_SEC, usec = 0;

        for (; *s >= '0' && *s <= '9'; s++) {
                unit /= 10;
                usec += unit * (uint64_t) (*s - '0');
        }

        *ret_usec = usec;
        return s;
}

/* RFC 3339 with an offset, the format of events in JSON. */
static int parse_rfc3339(const char *s, uint64_t *ret) {
        struct tm tm = {}, utc;
        uint64_t usec = 0;
        time_t t;

        s = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
        if (s && *s == '.')
                s = parse_fraction(s + 1, &usec);
        if (!s || !matches(s, "%z", &tm))
                return -EINVAL;

        utc = (struct tm) { .tm_year = tm.tm_year,
                .tm_mon = tm.tm_mon,
                .tm_mday = tm.tm_mday,
                .tm_hour = tm.tm_hour,
                .tm_min = tm.tm_min,
                .tm_sec = tm.tm_sec };
        t = timegm(&utc);
        if (utc.tm_mday != tm.tm_mday) /* there is no 30 February */
                return -EINVAL;
        t -= tm.tm_gmtoff;
        if (t < 0)
                return -EINVAL;
        *ret = (uint64_t) t * USEC_PER_SEC + usec;
        return 0;
}

static int parse_date(const char *s, uint64_t now_usec, uint64_t *ret) {
        static const struct {
                const char *format;
                bool dated;
        } formats[] = {
                { "%Y-%m-%d %H:%M:%S", true },
                { "%Y-%m-%dT%H:%M:%S", true },
                { "%Y-%m-%d %H:%M", true },
                { "%Y-%m-%d", true },
                { "%H:%M:%S", false },
                { "%H:%M", false },
        };
        time_t now = (time_t) (now_usec / USEC_PER_SEC), t;
        struct tm today;

        if (!localtime_r(&now, &today))
                return -EINVAL;
        today.tm_hour = today.tm_min = today.tm_sec = 0;

        for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
                struct tm tm = formats[i].dated ? (struct tm) {} : today;
                int day;

                if (!matches(s, formats[i].format, &tm))
                        continue;
                tm.tm_isdst = -1;
                day = tm.tm_mday;
                t = mktime(&tm);
                if (t < 0 || tm.tm_mday != day) /* there is no 30 February */
                        return -EINVAL;
                *ret = (uint64_t) t * USEC_PER_SEC;
                return 0;
        }
        return -EINVAL;
}

int since_parse(const char *s, uint64_t now_usec, uint64_t *ret) {
        static const struct {
                const char *word;
                int days; /* before the last midnight; -1: now */
        } words[] = { { "now", -1 }, { "today", 0 }, { "yesterday", 1 } };
        uint64_t n;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(s, words[i].word)) {
                        time_t t = (time_t) (now_usec / USEC_PER_SEC);
                        struct tm tm;

                        if (words[i].days < 0) {
                                *ret = now_usec;
                                return 0;
                        }
                        if (!localtime_r(&t, &tm))
                                return -EINVAL;
                        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
                        tm.tm_mday -= words[i].days;
                        tm.tm_isdst = -1;
                        *ret = (uint64_t) mktime(&tm) * USEC_PER_SEC;
                        return 0;
                }

        if (*s == '@') {
                s++;
                if (parse_number(&s, &n) < 0 || *s || n > UINT64_MAX / USEC_PER_SEC)
                        return -EINVAL;
                *ret = n * USEC_PER_SEC;
                return 0;
        }
        if (parse_back(s, now_usec, ret) >= 0 || parse_rfc3339(s, ret) >= 0)
                return 0;
        return parse_date(s, now_usec, ret);
}
