/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

/* The commands that both clients understand, one a line:
 *
 *   alloc [N] [MIN MAX]        N allocations (1), each with a line of its own, up to the first that fails
 *   free MIN MAX
 *   probe-alloc [MIN MAX]
 *   probe-free MIN MAX
 *   info                       the capability of VFIO_IOMMU_GET_INFO
 *   extension                  the answer of VFIO_CHECK_EXTENSION
 *   raw ARGSZ FLAGS [WORD…]    the ioctl as given, header and payload words unchecked
 *   raw-null                   the ioctl with a null pointer
 *
 * Results go to out as "COMMAND ok …" or "COMMAND failed ERRNO". */

/* Runs one command on a container. Returns 0 if all of it succeeded, 1 if the kernel refused, 2 if the line is wrong. */
int pasid_request_line(int container, const char *line, FILE *out);
