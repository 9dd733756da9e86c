/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <systemd/sd-bus.h>

#include "vm-path.h"

static bool needs_no_escape(char c, bool first) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && !first);
}

const char *vm_path_of_uuid(const char *uuid, char buf[static VM_PATH_SIZE]) {
        static const char hex[] = "0123456789abcdef";
        char *p = stpcpy(buf, PASIDD_VM_PATH_PREFIX "/");

        for (const char *c = uuid; *c; c++)
                if (needs_no_escape(*c, c == uuid))
                        *p++ = *c;
                else {
                        *p++ = '_';
                        *p++ = hex[(unsigned char) *c >> 4];
                        *p++ = hex[(unsigned char) *c & 15];
                }
        *p = '\0';

        return buf;
}

const char *vm_path(const VM *vm, char buf[static VM_PATH_SIZE]) {
        return vm_path_of_uuid(vm->uuid, buf);
}

VM *vm_find_by_path(const World *w, const char *path) {
        _cleanup_free_ char *uuid = NULL;
        char own[VM_PATH_SIZE];
        VM *vm;

        if (sd_bus_path_decode(path, PASIDD_VM_PATH_PREFIX, &uuid) <= 0)
                return NULL;

        vm = vm_find_by_uuid(w, uuid);
        return vm && streq(vm_path(vm, own), path) ? vm : NULL;
}
