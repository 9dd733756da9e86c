/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/vfio_pasid.h>

/*
 * Attributes of a set that only newer kernels send: what is attached through
 * iommufd. Kernel headers without them lack the names, so they stand here with
 * the same numbers; meson.build looks which it is. Once kernel/ has a header
 * with all of them, that one takes over and this file goes.
 */

#if !HAVE_VFIO_PASID_A_SET_ATTACHED
#        define VFIO_PASID_A_SET_ATTACHED      (VFIO_PASID_A_SET_SUPPRESSED + 1) /* u32: attached now */
#        define VFIO_PASID_A_SET_ATTACHED_PEAK (VFIO_PASID_A_SET_SUPPRESSED + 2) /* u32: most ever attached */
#endif

#if !HAVE_VFIO_PASID_A_SET_COUNT
#        define VFIO_PASID_A_SET_COUNT                                                                       \
                (VFIO_PASID_A_SET_SUPPRESSED + 3) /* u32: which of two counts an event is about */
#endif

/* What VFIO_PASID_A_SET_COUNT says. Without it an event is about numbers. */
#define GENL_COUNT_NUMBER_PASIDS   0U
#define GENL_COUNT_NUMBER_ATTACHED 1U

/* The highest attribute that is looked at. */
#define GENL_SET_ATTR_MAX VFIO_PASID_A_SET_COUNT
