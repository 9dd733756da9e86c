/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Scope-bound cleanup as in systemd: when a variable marked _cleanup_(f) leaves
 * its scope, f(&variable) is called. TAKE_PTR() and TAKE_FD() pass the resource
 * on instead.
 */

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _unused_       __attribute__((unused))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/* Defines fp(), which calls f() on the pointer that its argument points to, unless it is NULL. */
#define DEFINE_CLEANUP_FUNC(type, f, fp)                                                                     \
        static inline void fp(type *p) {                                                                     \
                if (*p)                                                                                      \
                        f(*p);                                                                               \
        }                                                                                                    \
        struct macro_needs_a_semicolon

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

/* The structure of this type whose member p points to. */
#define CONTAINER_OF(p, type, member)                                                                        \
        ({                                                                                                   \
                const typeof(((type *) NULL)->member) *_member = (p);                                        \
                (type *) ((uintptr_t) _member - offsetof(type, member));                                     \
        })

#define TAKE_PTR(p)                                                                                          \
        ({                                                                                                   \
                typeof(p) _taken = (p);                                                                      \
                (p) = NULL;                                                                                  \
                _taken;                                                                                      \
        })

#define TAKE_FD(fd)                                                                                          \
        ({                                                                                                   \
                int _taken = (fd);                                                                           \
                (fd) = -EBADF;                                                                               \
                _taken;                                                                                      \
        })

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

DEFINE_CLEANUP_FUNC(FILE *, fclose, fclosep);

#define _cleanup_free_   _cleanup_(freep)
#define _cleanup_close_  _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* NULL is equal to NULL only. */
static inline bool streq_ptr(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static inline bool isempty(const char *s) {
        return !s || !*s;
}

static inline const char *strempty(const char *s) {
        return s ? s : "";
}
