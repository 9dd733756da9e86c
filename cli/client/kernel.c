/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kernel.h"

#include <sys/utsname.h>

#include "macro.h"

#define MODULE "vfio_pasid"

/* Does the line name the module: "kernel/drivers/vfio/vfio_pasid.ko.xz: …" */
static bool line_is_about(const char *line, const char *module) {
        const char *colon = strchr(line, ':'), *name = line;

        for (const char *p = line; *p && p != colon; p++)
                if (*p == '/')
                        name = p + 1;

        for (; *module; module++, name++)
                if (*name != *module && !(*module == '_' && *name == '-'))
                        return false;
        return strncmp(name, ".ko", 3) == 0;
}

bool modules_dep_has(FILE *f, const char *module) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        while (getline(&line, &size, f) >= 0)
                if (line_is_about(line, module))
                        return true;
        return false;
}

bool kernel_has_vfio_pasid(void) {
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *path = NULL;
        struct utsname u;

        /* Loaded, or built in. */
        if (access("/sys/module/" MODULE, F_OK) >= 0)
                return true;

        if (uname(&u) < 0 || asprintf(&path, "/lib/modules/%s/modules.dep", u.release) < 0) {
                path = NULL;
                return false;
        }
        f = fopen(path, "re");
        return f && modules_dep_has(f, MODULE);
}
