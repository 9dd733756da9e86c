/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "ascii.h"
#include "cgroup-path.h"
#include "macro.h"

#define UNIT_NAME_CHARS                                                                                      \
        "abcdefghijklmnopqrstuvwxyz"                                                                         \
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                                                         \
        "0123456789:-_.\\"

#define SLICE_SUFFIX ".slice"

/* systemd escapes a unit name in a cgroup path if it begins with one of these and a dot. */
static const char *const controllers[] = {
        "cgroup",
        "cpu",
        "cpuacct",
        "cpuset",
        "io",
        "blkio",
        "memory",
        "devices",
        "pids",
        "bpf-firewall",
        "bpf-devices",
        "bpf-foreign",
        "bpf-socket-bind",
        "bpf-restrict-network-interfaces",
};

/* Could name collide with the kernel's files in a cgroup? systemd then prepends an underscore. */
static bool cgroup_needs_escape(const char *name, size_t n) {
        if (name[0] == '_' || name[0] == '.')
                return true;

        for (size_t i = 0; i < ELEMENTSOF(controllers); i++) {
                size_t k = strlen(controllers[i]);

                if (n > k && memcmp(name, controllers[i], k) == 0 && name[k] == '.')
                        return true;
        }

        return false;
}

/* Does s end with suffix, with at least one character before it? */
static bool has_suffix(const char *s, size_t n, const char *suffix) {
        size_t k = strlen(suffix);

        return n > k && memcmp(s + n - k, suffix, k) == 0;
}

/* The length of the slice's name without ".slice"; 0 for the root slice. Returns -EINVAL for an invalid name. */
static int slice_prefix_len(const char *slice, size_t *ret) {
        size_t n = strlen(slice);

        if (n > NAME_MAX || !has_suffix(slice, n, SLICE_SUFFIX) || strspn(slice, UNIT_NAME_CHARS) != n)
                return -EINVAL;

        n -= strlen(SLICE_SUFFIX);

        if (n == 1 && slice[0] == '-') {
                *ret = 0;
                return 0;
        }

        /* Dashes separate levels, and no level may be empty. */
        if (slice[0] == '-' || slice[n - 1] == '-' || memmem(slice, n, "--", 2))
                return -EINVAL;

        *ret = n;
        return 0;
}

int cgroup_path_from_slice(const char *slice, char **ret) {
        _cleanup_free_ char *path = NULL;
        size_t n, levels = 1;
        char *p;
        int r;

        r = slice_prefix_len(slice, &n);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++)
                levels += slice[i] == '-';

        p = path = malloc(levels * (n + sizeof("/_" SLICE_SUFFIX)));
        if (!path)
                return -ENOMEM;

        if (n == 0)
                p = stpcpy(p, "/");

        for (size_t i = 1; i <= n; i++) {
                if (i < n && slice[i] != '-')
                        continue;

                /* slice[i] ends a level: it is the dash, or the dot of ".slice". */
                char *name = stpcpy(p, "/");

                p = stpcpy(mempcpy(name, slice, i), SLICE_SUFFIX);
                if (cgroup_needs_escape(name, (size_t) (p - name))) {
                        memmove(name + 1, name, (size_t) (p - name) + 1);
                        *name = '_';
                        p++;
                }
        }

        *ret = TAKE_PTR(path);
        return 0;
}

/* Moves to the next component of an absolute path; *n is 0 at the end. */
static const char *next_component(const char *p, size_t *n) {
        p += strspn(p, "/");
        *n = strcspn(p, "/");
        return p;
}

static bool is_unit(const char *s, size_t n) {
        return has_suffix(s, n, ".scope") || has_suffix(s, n, ".service") ||
               has_suffix(s, n, CGROUP_LIBVIRT_SUFFIX);
}

bool cgroup_name_is_user_manager(const char *s, size_t n) {
        static const char prefix[] = "user@";

        return n > strlen(prefix) && memcmp(s, prefix, strlen(prefix)) == 0 && has_suffix(s, n, ".service");
}

/* Paths with ".." are outside our cgroup namespace. */
static bool path_is_sane(const char *path) {
        const char *p = path;
        size_t n;

        if (*path != '/')
                return false;

        for (p = next_component(p, &n); n > 0; p = next_component(p + n, &n))
                if (n <= 2 && memcmp(p, "..", n) == 0)
                        return false;

        return true;
}

int cgroup_path_get_unit(const char *path, char **ret_unit, char **ret_unit_path) {
        _cleanup_free_ char *unit = NULL, *unit_path = NULL;
        const char *found = NULL, *p;
        size_t n, found_len = 0;

        if (!path_is_sane(path))
                return -EINVAL;

        for (p = next_component(path, &n); n > 0; p = next_component(p + n, &n)) {
                if (!is_unit(p, n))
                        continue;

                found = p;
                found_len = n;
                if (!cgroup_name_is_user_manager(p, n))
                        break;
        }

        if (!found)
                return -ENXIO;

        if (ret_unit) {
                size_t skip = found[0] == '_';

                unit = strndup(found + skip, found_len - skip);
                if (!unit)
                        return -ENOMEM;
        }

        if (ret_unit_path) {
                unit_path = strndup(path, (size_t) (found - path) + found_len);
                if (!unit_path)
                        return -ENOMEM;
                *ret_unit_path = TAKE_PTR(unit_path);
        }

        if (ret_unit)
                *ret_unit = TAKE_PTR(unit);
        return 0;
}

/* Is the component a slice in the place that systemd gives it? above: the name of the slice above without ".slice". */
static bool is_slice_in(const char *s, size_t n, const char *above, size_t n_above) {
        if (!has_suffix(s, n, SLICE_SUFFIX))
                return false;

        n -= strlen(SLICE_SUFFIX);
        if (n_above > 0) {
                if (n <= n_above || memcmp(s, above, n_above) != 0 || s[n_above] != '-')
                        return false;
                s += n_above + 1;
                n -= n_above + 1;
        }

        return n > 0 && !memchr(s, '-', n) && strspn(s, UNIT_NAME_CHARS) >= n;
}

const char *cgroup_path_skip_slices(const char *path, const char **ret_slice, size_t *ret_n) {
        const char *slice = "", *p;
        size_t n, n_slice = 0;

        for (p = next_component(path, &n);; p = next_component(p + n, &n)) {
                size_t skip = p[0] == '_';

                if (n <= skip || !is_slice_in(p + skip, n - skip, slice, n_slice))
                        break;
                slice = p + skip;
                n_slice = n - skip - strlen(SLICE_SUFFIX);
        }

        if (ret_slice) {
                *ret_slice = slice;
                *ret_n = n_slice;
        }
        return p;
}

int cgroup_path_get_slice(const char *path, char **ret) {
        const char *slice;
        size_t n;
        char *copy;

        if (!path_is_sane(path))
                return -EINVAL;

        (void) cgroup_path_skip_slices(path, &slice, &n);
        if (n > 0)
                copy = strndup(slice, n + strlen(SLICE_SUFFIX));
        else
                copy = strdup("-" SLICE_SUFFIX);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}

bool cgroup_path_is_of_libvirt(const char *path) {
        const char *p, *last = "";
        size_t n, last_len = 0;

        for (p = next_component(path, &n); n > 0; p = next_component(p + n, &n)) {
                /* Check the component above this one. */
                if (last_len > 0 &&
                        !(last_len == strlen("machine") && memcmp(last, "machine", last_len) == 0) &&
                        !has_suffix(last, last_len, ".partition") &&
                        !has_suffix(last, last_len, SLICE_SUFFIX))
                        return false;
                last = p;
                last_len = n;
        }

        return path_is_sane(path) && has_suffix(last, last_len, CGROUP_LIBVIRT_SUFFIX);
}

bool cgroup_path_is_below(const char *path, const char *prefix) {
        size_t n = 0, k = 0;

        for (;;) {
                prefix = next_component(prefix + k, &k);
                path = next_component(path + n, &n);

                if (k == 0)
                        return true;
                if (n != k || memcmp(path, prefix, n) != 0)
                        return false;
        }
}

bool slice_is_below(const char *slice, const char *above) {
        size_t n, k;

        if (slice_prefix_len(slice, &n) < 0 || slice_prefix_len(above, &k) < 0)
                return false;

        if (k == 0)
                return true;

        return n >= k && memcmp(slice, above, k) == 0 && (n == k || slice[k] == '-');
}

static int unhex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

int unit_name_unescape(const char *s, char **ret) {
        _cleanup_free_ char *out = NULL;
        char *p;

        p = out = malloc(strlen(s) + 1);
        if (!out)
                return -ENOMEM;

        while (*s) {
                int high, low;

                if (*s != '\\') {
                        *p++ = *s++;
                        continue;
                }

                if (s[1] != 'x' || (high = unhex(s[2])) < 0 || (low = unhex(s[3])) < 0 || (high | low) == 0)
                        return -EINVAL;

                *p++ = (char) (high << 4 | low);
                s += strlen("\\xNN");
        }
        *p = '\0';

        *ret = TAKE_PTR(out);
        return 0;
}

/*
 * Returns the part of libvirt's machine name that is made from the domain's name, or NULL if the name is not
 * libvirt's.
 */
static const char *libvirt_machine_suffix(const char *machine) {
        /* The drivers of libvirt that register VMs: DRIVER-ID-NAME. */
        static const char *const prefixes[] = { "qemu-", "ch-" };

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++) {
                size_t k = strlen(prefixes[i]), digits;

                if (strncmp(machine, prefixes[i], k) != 0)
                        continue;

                digits = strspn(machine + k, "0123456789");
                if (digits > 0 && machine[k + digits] == '-' && machine[k + digits + 1] != '\0')
                        return machine + k + digits + 1;
        }

        return NULL;
}

int machine_name_to_vm_name(const char *machine, char **ret) {
        const char *name = libvirt_machine_suffix(machine);
        char *copy;

        copy = strdup(name ? name : machine);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}

int unit_name_to_libvirt_machine(const char *unit, char **ret) {
        static const char prefix[] = "machine-", suffix[] = ".scope";
        _cleanup_free_ char *escaped = NULL, *machine = NULL;
        size_t n = strlen(unit);
        int r;

        if (strncmp(unit, prefix, strlen(prefix)) != 0 || !has_suffix(unit, n, suffix) ||
                n <= strlen(prefix) + strlen(suffix))
                return -ENXIO;

        escaped = strndup(unit + strlen(prefix), n - strlen(prefix) - strlen(suffix));
        if (!escaped)
                return -ENOMEM;

        r = unit_name_unescape(escaped, &machine);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !libvirt_machine_suffix(machine))
                return -ENXIO;

        *ret = TAKE_PTR(machine);
        return 0;
}

/* Returns the next letter or digit, and moves *p behind it. Returns '\0' at the end. */
static char next_alphanumeric(const char **p) {
        while (**p) {
                char c = *(*p)++;

                if (ascii_is_alnum(c))
                        return c;
        }

        return '\0';
}

/* libvirt cuts machine names to this length, and then removes a dash or dot at the end. */
#define LIBVIRT_MACHINE_MAX 64U

bool machine_name_fits_vm(const char *machine, const char *vm_name, bool *ret_exact) {
        const char *shortened = libvirt_machine_suffix(machine), *p = shortened, *q = vm_name;
        char a, b;

        if (!shortened)
                return false;

        /* Versions of libvirt differ in which dashes and dots they drop, so compare only letters and digits. */
        do {
                a = next_alphanumeric(&p);
                b = next_alphanumeric(&q);
        } while (a != '\0' && a == b);
        if (a != '\0' || (b != '\0' && strlen(machine) < LIBVIRT_MACHINE_MAX - 1))
                return false;

        *ret_exact = streq(shortened, vm_name);
        return true;
}

int proc_cgroup_parse(const char *text, char **ret) {
        static const char deleted[] = " (deleted)";

        for (const char *line = text; *line;) {
                size_t n = strcspn(line, "\n");

                if (n > strlen("0::") && memcmp(line, "0::/", strlen("0::/")) == 0) {
                        char *path;

                        line += strlen("0::");
                        n -= strlen("0::");
                        if (has_suffix(line, n, deleted))
                                n -= strlen(deleted);

                        path = strndup(line, n);
                        if (!path)
                                return -ENOMEM;

                        *ret = path;
                        return 0;
                }

                line += n;
                if (*line == '\n')
                        line++;
        }

        return -ENODATA;
}
