/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The most that the arguments of one call may take, which the daemon keeps while
 * polkit thinks: the bytes of all strings, and 8 for each value and each container.
 */
#define CALL_ARGUMENTS_SIZE_MAX 16384U

/* The part of it for all that an announcement has besides metadata: a UUID, two names of up to 255 bytes, numbers. */
#define CALL_ANNOUNCEMENT_REST_MAX 1024U
