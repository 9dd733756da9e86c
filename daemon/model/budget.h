/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What one of several users of the daemon may use of something that all of
 * them share: time, by a token bucket, and room, by a share. Pure: the clock is
 * an argument.
 */

/* How fast a bucket fills up, and how far. */
typedef struct BucketRate {
        uint64_t per_sec; /* tokens */
        uint64_t burst;   /* tokens in a bucket that is full */
} BucketRate;

/*
 * A bucket that can be overdrawn, because the price of something is known only
 * when it has been done. All zero: full.
 */
typedef struct Bucket {
        uint64_t drawn; /* tokens that are missing from a full bucket at usec */
        uint64_t usec;
} Bucket;

/* Takes tokens out of the bucket. now_usec: of a clock that does not go back. */
void bucket_draw(Bucket *bucket, const BucketRate *rate, uint64_t now_usec, uint64_t tokens);

/* Microseconds until there is a token in the bucket; 0: there is one now. */
uint64_t bucket_wait(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec);

/* Nothing is missing from the bucket, so that it can be forgotten. */
bool bucket_is_full(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec);

/*
 * May somebody who has own take another amount, where all together have used
 * of max? Each may have half as much as is left after it, so that a single one
 * gets at most a third of all and every further one still gets a share; the
 * last unit is nobody's.
 */
bool share_allows(uint64_t own, uint64_t used, uint64_t amount, uint64_t max);

/*
 * Places that are limited. Whoever owns many uids can call from as many users
 * as he likes, so all users together never get those that are root's.
 */
typedef struct Places {
        uint64_t max;      /* root's included */
        uint64_t for_root; /* of these, for root alone */
        uint64_t per_user; /* most that any other user may have; 0: share_allows() alone says it */
} Places;

typedef struct PlacesTaken {
        uint64_t own;   /* by this user */
        uint64_t users; /* by all users but root */
        uint64_t all;   /* root included */
} PlacesTaken;

/* Counts places that somebody has: for is_own this user, for uid 0 root. */
void places_count(PlacesTaken *taken, uint32_t uid, bool is_own, uint64_t amount);

/* May the user have so many more? Root may while there are any; the others share what is not root's. */
bool places_allow(const Places *places, const PlacesTaken *taken, uint32_t uid, uint64_t amount);
