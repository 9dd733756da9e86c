/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Limits what one user of the daemon may use of a shared resource: time, by a
 * token bucket, and capacity, by a share. Pure: the caller passes the time.
 */

/* The rate at which a bucket fills, and its size. */
typedef struct BucketRate {
        uint64_t per_sec; /* tokens */
        uint64_t burst;   /* tokens in a full bucket */
} BucketRate;

/*
 * A bucket that can be overdrawn, because the cost of an operation is known only
 * after it. Zero-initialised: full.
 */
typedef struct Bucket {
        uint64_t drawn; /* tokens missing from a full bucket at time usec */
        uint64_t usec;  /* time of the last bucket_draw() */
} Bucket;

/* Takes tokens from the bucket. now_usec must come from a monotonic clock. */
void bucket_draw(Bucket *bucket, const BucketRate *rate, uint64_t now_usec, uint64_t tokens);

/* Microseconds until there is a token in the bucket; 0: there is one already. */
uint64_t bucket_wait(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec);

/* Is the bucket full, so that the caller can discard it? */
bool bucket_is_full(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec);

/*
 * May a user who has own units take amount more, if all users together have used
 * of max? A user may have at most half as many as remain free afterwards. So one
 * user gets at most a third of max, and each further user still gets a share.
 * The last unit is never given out.
 */
bool share_allows(uint64_t own, uint64_t used, uint64_t amount, uint64_t max);

/*
 * A limited number of places. A person with many uids counts as many users, so
 * for_root places are kept from all users together.
 */
typedef struct Places {
        uint64_t max;      /* including those for root */
        uint64_t for_root; /* places that only root can take */
        uint64_t per_user; /* maximum for any other user; 0: only share_allows() limits */
} Places;

typedef struct PlacesTaken {
        uint64_t own;   /* by the user in question */
        uint64_t users; /* by all users except root */
        uint64_t all;   /* by all users and root */
} PlacesTaken;

/* Adds places of one holder. is_own: the holder is the user in question. */
void places_count(PlacesTaken *taken, uint32_t uid, bool is_own, uint64_t amount);

/* May the user take amount more places? Root may as long as any are free; other users share those not kept for root. */
bool places_allow(const Places *places, const PlacesTaken *taken, uint32_t uid, uint64_t amount);
