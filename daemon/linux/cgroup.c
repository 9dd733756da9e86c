/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "cgroup.h"
#include "file-util.h"

/* libvirt makes two levels below a machine's scope; container managers inside a service may make more. */
#define CGROUP_DEPTH_MAX 16U

DEFINE_CLEANUP_FUNC(DIR *, closedir, closedirp);

int cgroup_is_unified(const char *root) {
        struct statfs fs;

        if (!isempty(root))
                return true;

        if (statfs(CGROUP_MOUNT, &fs) < 0)
                return -errno;

        return fs.f_type == CGROUP2_SUPER_MAGIC;
}

char *cgroup_file(const char *root, const char *cgroup, const char *attribute) {
        /* The root cgroup is "/": no double slash then. */
        const char *below = cgroup + (streq(cgroup, "/") ? 1 : 0);

        return path_under(root, CGROUP_MOUNT "%s%s%s", below, attribute ? "/" : "", strempty(attribute));
}

static bool has_word(const char *text, const char *word) {
        size_t n = strlen(word);

        for (const char *p = text; *p; p += strcspn(p, " \n")) {
                p += strspn(p, " \n");
                if (strcspn(p, " \n") == n && strncmp(p, word, n) == 0)
                        return true;
        }

        return false;
}

int cgroup_enable_misc(const char *root, const char *cgroup) {
        _cleanup_free_ char *available = NULL, *control = NULL, *text = NULL;
        int r;

        available = cgroup_file(root, cgroup, "cgroup.controllers");
        control = cgroup_file(root, cgroup, "cgroup.subtree_control");
        if (!available || !control)
                return -ENOMEM;

        r = read_text_file(control, &text);
        if (r < 0)
                return r;
        if (has_word(text, "misc"))
                return 0;

        free(TAKE_PTR(text));
        r = read_text_file(available, &text);
        if (r < 0)
                return r;
        if (!has_word(text, "misc"))
                return -EOPNOTSUPP;

        r = write_text_file(control, "+misc");
        if (r < 0)
                return r;

        return 1;
}

int cgroup_get_process(const char *root, const char *cgroup, pid_t *ret) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        uint64_t pid;
        int r;

        path = cgroup_file(root, cgroup, "cgroup.procs");
        if (!path)
                return -ENOMEM;

        r = read_text_file(path, &text);
        if (r < 0)
                return r;

        text[strcspn(text, "\n")] = '\0';
        if (parse_u64(text, &pid) < 0 || pid == 0 || pid > INT_MAX)
                return -ESRCH;

        *ret = (pid_t) pid;
        return 0;
}

/* The caller frees *ret. */
static int read_misc(const char *root, const char *cgroup, const char *attribute, char **ret) {
        _cleanup_free_ char *path = NULL;

        path = cgroup_file(root, cgroup, attribute);
        if (!path)
                return -ENOMEM;

        return read_text_file(path, ret);
}

static int read_misc_value(
        const char *root, const char *cgroup, const char *attribute, MiscResource resource, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_misc(root, cgroup, attribute, &text);
        if (r < 0)
                return r;

        return misc_file_get(text, misc_resource_to_string(resource), ret);
}

int cgroup_get_capacity(const char *root, CgroupCapacity *ret) {
        _cleanup_free_ char *text = NULL;
        MiscValues values = {};
        uint64_t pasids;
        int r;

        r = read_misc(root, "/", "misc.capacity", &text);
        if (r >= 0)
                r = misc_file_get_values(text, &values);
        if (r < 0 && r != -ENODATA && r != -ENOENT)
                return r;

        pasids = values.present[MISC_PASID] ? values.value[MISC_PASID] : 0;
        *ret = (CgroupCapacity) {
                .pasids = pasids < UINT32_MAX ? (uint32_t) pasids : UINT32_MAX,
                .counts_attached = values.present[MISC_PASID_ATTACH],
        };
        return 0;
}

int cgroup_get_current(const char *root, const char *cgroup, MiscResource resource, uint64_t *ret) {
        return read_misc_value(root, cgroup, "misc.current", resource, ret);
}

int cgroup_get_peak(const char *root, const char *cgroup, MiscResource resource, uint64_t *ret) {
        return read_misc_value(root, cgroup, "misc.peak", resource, ret);
}

bool cgroup_exists(const char *root, const char *cgroup) {
        uint64_t id;

        return cgroup_get_id(root, cgroup, &id) >= 0;
}

int cgroup_get_id(const char *root, const char *cgroup, uint64_t *ret) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        path = cgroup_file(root, cgroup, NULL);
        if (!path)
                return -ENOMEM;

        if (stat(path, &st) < 0)
                return -errno;

        *ret = st.st_ino;
        return 0;
}

/* Takes possession of fd, a directory. */
static int walk_at(int fd, CgroupHandler handler, void *userdata, unsigned depth) {
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *de;
        struct stat st;
        int r;

        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                close(fd);
                return r;
        }

        if (fstat(fd, &st) < 0)
                return -errno;

        r = handler(st.st_ino, userdata);
        if (r < 0 || depth >= CGROUP_DEPTH_MAX)
                return r;

        while ((de = readdir(d))) {
                int child;

                if (de->d_type != DT_DIR || de->d_name[0] == '.')
                        continue;

                child = openat(fd, de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (child < 0)
                        continue; /* gone meanwhile */

                r = walk_at(child, handler, userdata, depth + 1);
                if (r < 0)
                        return r;
        }

        return 0;
}

int cgroup_walk(const char *root, const char *cgroup, CgroupHandler handler, void *userdata) {
        _cleanup_free_ char *path = NULL;
        int fd;

        path = cgroup_file(root, cgroup, NULL);
        if (!path)
                return -ENOMEM;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;

        return walk_at(fd, handler, userdata, 0);
}

/* systemd makes cgroups as root. Whoever owns one can write its user.* attributes. Our own are a test's. */
static bool is_trusted_owner(uid_t uid) {
        return uid == 0 || uid == geteuid();
}

static int read_invocation_id(const char *path, const char *attribute, sd_id128_t *ret) {
        char text[SD_ID128_STRING_MAX];
        sd_id128_t id;
        ssize_t n;

        n = getxattr(path, attribute, text, sizeof(text) - 1);
        if (n < 0)
                return -errno;

        text[n] = '\0';
        if (sd_id128_from_string(text, &id) < 0 || sd_id128_is_null(id))
                return -ENODATA;

        *ret = id;
        return 0;
}

int cgroup_get_invocation_id(const char *root, const char *cgroup, sd_id128_t *ret) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        path = cgroup_file(root, cgroup, NULL);
        if (!path)
                return -ENOMEM;

        if (stat(path, &st) >= 0 && is_trusted_owner(st.st_uid) &&
                read_invocation_id(path, "user.invocation_id", ret) >= 0)
                return 0;

        return read_invocation_id(path, "trusted.invocation_id", ret) >= 0 ? 0 : -ENODATA;
}
