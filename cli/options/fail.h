/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "exit-status.h"
#include "macro.h"

/* Prints "pasidctl: MESSAGE" on stderr and returns status, so that the caller can return it. */
CtlExitStatus fail(CtlExitStatus status, const char *format, ...) _printf_(2, 3);
CtlExitStatus fail_oom(void);
