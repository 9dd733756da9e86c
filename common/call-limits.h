/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Maximum size of the arguments of one call, which the daemon stores while
 * polkit decides: the bytes of all strings and of the type strings of variants,
 * plus 8 for each value and each container.
 */
#define CALL_ARGUMENTS_SIZE_MAX 16384U

/*
 * The same for SetOverrides: enough for both layers of more than a thousand VMs, with names. In every queue of the
 * daemon such a call takes as many places as CALL_ARGUMENTS_SIZE_MAX fits into it. The daemon stores at most this many
 * bytes of SetOverrides calls for each user.
 */
#define CALL_OVERRIDES_SIZE_MAX (64U * CALL_ARGUMENTS_SIZE_MAX)
#define CALL_OVERRIDES_MAX      4096U

/*
 * The part of CALL_ARGUMENTS_SIZE_MAX for an announcement without its metadata: a UUID, two names of up to 255 bytes,
 * numbers.
 */
#define CALL_ANNOUNCEMENT_REST_MAX 1024U
