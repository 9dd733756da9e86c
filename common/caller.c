/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "macro.h"

int caller_copy(const Caller *caller, Caller *ret) {
        _cleanup_free_ char *unit = NULL, *polkit_vm = NULL;

        if (caller->unit && !(unit = strdup(caller->unit)))
                return -ENOMEM;
        if (caller->polkit_vm && !(polkit_vm = strdup(caller->polkit_vm)))
                return -ENOMEM;

        *ret = (Caller) { .uid = caller->uid, .pid = caller->pid };
        ret->unit = TAKE_PTR(unit);
        ret->polkit_vm = TAKE_PTR(polkit_vm);
        return 0;
}

void caller_clear(Caller *caller) {
        free(caller->unit);
        free(caller->polkit_vm);
        *caller = (Caller) {};
}
