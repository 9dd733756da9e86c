/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>

#include "file-util.h"
#include "instance-lock.h"
#include "log.h"

/* An open file description lock: closing another descriptor of the file does not release it. */
static int lock(int fd) {
        struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        if (fcntl(fd, F_OFD_SETLK, &whole) >= 0)
                return 0;

        return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int instance_lock_take(const char *root) {
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        path = path_under(root, INSTANCE_LOCK_FILE);
        if (!path)
                return log_oom();

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
        r = fd < 0 ? -errno : lock(fd);
        if (r == -EBUSY)
                return log_error_errno(r, "Another pasidd holds %s, exiting.", path);
        if (r < 0)
                return log_warning_errno(r,
                        "Cannot lock %s, continuing without; a second pasidd would not be noticed: %m", path);

        return TAKE_FD(fd);
}
