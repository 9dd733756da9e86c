/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * MESSAGE_ID= of records that are described in the journal catalog
 * (conf/pasidd.catalog). Generated with "systemd-id128 new". The meaning of an
 * id never changes.
 */

#define MESSAGE_VM_ADDED           "cf19d23db8a94c7eb7867b650ee8036c"
#define MESSAGE_VM_REMOVED         "f99d7c0bc8e8474b888a05ec028a1c25"
#define MESSAGE_QUOTA_SET          "8ac09661c27b4ff4a3fc7e288f8d1540"
#define MESSAGE_QUOTA_NOT_APPLIED  "d61725c412b241e189107987899a6f6e"
#define MESSAGE_QUOTA_EXCEEDED     "4897a2b7c03943b59556d6dc602a6bca"
#define MESSAGE_WATERMARK_REACHED  "0dae07b8277349cdb12a17b01ef9e4cd"
#define MESSAGE_FOREIGN_CHANGE     "3f9cf2cc48fa4c01a21c90b59d8edd12"
#define MESSAGE_RESYNC             "51be6bade2f443e79ab1aba26270cef7"
#define MESSAGE_STATE_CORRUPT      "80fb7e17c7934139b239a1f1ea9f3cbb"
#define MESSAGE_CONFIG_REJECTED    "bd73933180ad40068ced73db47771728"
#define MESSAGE_NO_KERNEL_SUPPORT  "39788a8d6ef24b6aa0433852ba36b95f"
#define MESSAGE_SET_UNMATCHED      "cc7f0e7f3ba84797b4dd6c035dd7bd57"
#define MESSAGE_RESERVATION_LAPSED "9c9ac6fead0a415daba238bfddf39a2a"
#define MESSAGE_DEFAULT_QUOTA_SET  "a6a111473d574eb88531b0719325a0eb"
#define MESSAGE_OVERCOMMITTED      "742ba7812fe34fb6b38b62efc0be22df"
#define MESSAGE_NOT_ADMITTED       "a8495fa817594edd88b9cd3a3e6e383b"
#define MESSAGE_SLICE_LIMIT_SET    "bc079a926c004614a80a57068cfbf01d"

#define MESSAGE_VIOMMU_ABOVE_QUOTA      "54abf307a1a14b8aa2313ba97faa9c35"
#define MESSAGE_SLICE_LIMIT_NOT_APPLIED "9e26732bf8ce4a218a32d930615e5165"
