/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "budget.h"

#define USEC_PER_SEC UINT64_C(1000000)

static uint64_t drawn_at(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec) {
        uint64_t elapsed = now_usec > bucket->usec ? now_usec - bucket->usec : 0;
        uint64_t fill;

        /* Avoids an overflow below: the bucket is full by then. */
        if (elapsed / USEC_PER_SEC > bucket->drawn / rate->per_sec)
                return 0;

        fill = elapsed * rate->per_sec / USEC_PER_SEC;
        return fill < bucket->drawn ? bucket->drawn - fill : 0;
}

void bucket_draw(Bucket *bucket, const BucketRate *rate, uint64_t now_usec, uint64_t tokens) {
        bucket->drawn = drawn_at(bucket, rate, now_usec) + tokens;
        bucket->usec = now_usec;
}

uint64_t bucket_wait(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec) {
        uint64_t drawn = drawn_at(bucket, rate, now_usec);

        if (drawn < rate->burst)
                return 0;

        return (drawn - rate->burst + 1) * USEC_PER_SEC / rate->per_sec + 1;
}

bool bucket_is_full(const Bucket *bucket, const BucketRate *rate, uint64_t now_usec) {
        return drawn_at(bucket, rate, now_usec) == 0;
}

bool share_allows(uint64_t own, uint64_t used, uint64_t amount, uint64_t max) {
        if (used >= max || amount >= max - used)
                return false;

        return own + amount <= (max - used - amount + 1) / 2;
}

void places_count(PlacesTaken *taken, uint32_t uid, bool is_own, uint64_t amount) {
        taken->all += amount;
        if (uid != 0)
                taken->users += amount;
        if (is_own)
                taken->own += amount;
}

bool places_allow(const Places *places, const PlacesTaken *taken, uint32_t uid, uint64_t amount) {
        if (taken->all > places->max || amount > places->max - taken->all)
                return false;
        if (uid == 0)
                return true;
        if (places->per_user > 0 && taken->own + amount > places->per_user)
                return false;

        return share_allows(taken->own, taken->users, amount, places->max - places->for_root);
}
