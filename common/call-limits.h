/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The most that the arguments of one call may take, which the daemon keeps while
 * polkit thinks: the bytes of all strings and of variants' types, and 8 for each
 * value and each container.
 */
#define CALL_ARGUMENTS_SIZE_MAX 16384U

/*
 * The same for a call that sets many overrides (SetOverrides): two layers for each of a thousand VMs and more, with
 * names. It takes as many places as it could have been calls, wherever the daemon keeps calls: that many bytes of them
 * it keeps of one user, and no more.
 */
#define CALL_OVERRIDES_SIZE_MAX (64U * CALL_ARGUMENTS_SIZE_MAX)
#define CALL_OVERRIDES_MAX      4096U

/* The part of CALL_ARGUMENTS_SIZE_MAX for all that an announcement has besides metadata: a UUID, two names of up to 255 bytes, numbers. */
#define CALL_ANNOUNCEMENT_REST_MAX 1024U
