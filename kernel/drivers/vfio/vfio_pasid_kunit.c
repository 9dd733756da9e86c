// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of PASID sets
 *
 * They work on the real PASID space, and need neither an IOMMU nor a device.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/misc_cgroup.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/sched/user.h>
#include <net/genetlink.h>

#include <uapi/linux/vfio_pasid.h>

#include "vfio_pasid_nl.h"
#include "vfio_pasid_priv.h"

/* PASIDs that are hardly used by anybody else. */
#define TEST_MIN	800000U
#define TEST_MAX	(TEST_MIN + 9999)
#define TEST_CAPACITY	(BIT(20) - 1)
#define TEST_MMS	40

struct vfio_pasid_test {
	struct mm_struct *mm[TEST_MMS];	/* empty address spaces */
	struct vfio_pasid_set *sets[TEST_MMS];
	unsigned int binds[TEST_MMS];	/* to be undone */
	struct vfio_pasid_set *set;	/* of mm[0] */
	unsigned int default_quota;
	unsigned int max_sets;
	u64 charged;
	u32 used;
};

/* What is charged to the root and so to all cgroups. */
static u64 total_charged(void)
{
	u64 charged = 0;
#ifdef CONFIG_CGROUP_MISC
	struct misc_cg *cg = get_current_misc_cg(), *root = cg;

	while (root->css.parent)
		root = css_misc(root->css.parent);
	charged = atomic64_read(&root->res[MISC_CG_RES_PASID].usage);
	put_misc_cg(cg);
#endif
	return charged;
}

static struct vfio_pasid_set *try_bind(struct mm_struct *mm)
{
	vfio_pasid_ops.prepare(mm);
	return vfio_pasid_ops.bind(mm);
}

static struct vfio_pasid_set *bind(struct kunit *test, int i)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set;

	set = try_bind(t->mm[i]);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	t->sets[i] = set;
	t->binds[i]++;
	return set;
}

static void unbind(struct kunit *test, int i)
{
	struct vfio_pasid_test *t = test->priv;

	t->binds[i]--;
	vfio_pasid_ops.unbind(t->sets[i]);
}

/* The process whose set it is exits. */
static void end_mm(struct kunit *test, int i)
{
	struct vfio_pasid_test *t = test->priv;

	mmput(t->mm[i]);
	t->mm[i] = NULL;
}

/* Reserve and commit. */
static int take(struct vfio_pasid_set *set, u32 min, u32 max)
{
	u32 pasid;
	int ret;

	ret = vfio_pasid_reserve(set, min, max, &pasid, 1);
	if (ret)
		return ret;
	vfio_pasid_commit(set, &pasid, 1);
	return pasid;
}

static int take_any(struct vfio_pasid_set *set)
{
	return take(set, TEST_MIN, TEST_MAX);
}

static void free_all(struct vfio_pasid_set *set)
{
	vfio_pasid_ops.free(set, 0, U32_MAX);
}

static void test_sets(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *other;
	u64 last;

	/* One for each mm, however many containers. */
	KUNIT_EXPECT_PTR_EQ(test, bind(test, 0), t->set);
	unbind(test, 0);
	other = bind(test, 1);
	KUNIT_EXPECT_PTR_NE(test, other, t->set);
	KUNIT_EXPECT_GT(test, other->id, t->set->id);

	/* An id is never used again. */
	last = other->id;
	unbind(test, 1);
	end_mm(test, 1);
	other = bind(test, 2);
	KUNIT_EXPECT_GT(test, other->id, last);
	unbind(test, 2);
}

/* Without a container, the account stays with the process. */
static void test_account_stays(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u64 id = set->id;

	set->quota = 2;
	set->watermark = 1;
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);

	unbind(test, 0);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);

	KUNIT_ASSERT_PTR_EQ(test, bind(test, 0), set);
	KUNIT_EXPECT_EQ(test, set->id, id);
	KUNIT_EXPECT_EQ(test, set->quota, 2);
	KUNIT_EXPECT_EQ(test, set->watermark, 1);
	KUNIT_EXPECT_EQ(test, set->peak, 2);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&set->denied), 1);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
}

/* A container outlives the process that set it up. */
static void test_process_ends(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	u64 seq = vfio_pasid_last_seq();
	struct vfio_pasid_set *other;

	other = bind(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);
	KUNIT_ASSERT_GT(test, take_any(other), 0);
	end_mm(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);
	KUNIT_EXPECT_EQ(test, other->held, 1);
	KUNIT_ASSERT_GT(test, take_any(other), 0);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 2);
	unbind(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
}

static void test_mm_reference(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, atomic_read(&t->mm[1]->mm_count), 1);
	bind(test, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->mm[1]->mm_count), 2);
	bind(test, 1);
	unbind(test, 1);
	unbind(test, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->mm[1]->mm_count), 2);
	/* Not the address space. */
	KUNIT_EXPECT_EQ(test, atomic_read(&t->mm[1]->mm_users), 1);
}

static void test_last_unbind_frees(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *other;
	int i;

	other = bind(test, 1);
	bind(test, 1);
	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_GT(test, take_any(other), 0);
	KUNIT_ASSERT_GT(test, take_any(t->set), 0);

	/* Not before the last one. */
	unbind(test, 1);
	KUNIT_EXPECT_EQ(test, other->held, 10);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 11);
	unbind(test, 1);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 1);
	KUNIT_EXPECT_EQ(test, t->set->held, 1);
}

static void test_max_sets(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;

	vfio_pasid_max_sets = 0;
	KUNIT_EXPECT_PTR_EQ(test, bind(test, 0), t->set);
	unbind(test, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(try_bind(t->mm[1])), -EUSERS);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->mm[1]->mm_count), 1);
	/* That one could not be made is another matter. */
	vfio_pasid_max_sets = t->max_sets;
	KUNIT_EXPECT_EQ(test, PTR_ERR(vfio_pasid_ops.bind(t->mm[1])), -EAGAIN);

	/* There is room for one more, as long as it is not taken. */
	vfio_pasid_max_sets = vfio_pasid_nr_used + 1;
	bind(test, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(try_bind(t->mm[2])), -EUSERS);
	unbind(test, 1);
	/* What no container uses takes no room, and needs some to come back. */
	bind(test, 2);
	KUNIT_EXPECT_EQ(test, PTR_ERR(try_bind(t->mm[1])), -EUSERS);
	unbind(test, 2);
	bind(test, 1);
	unbind(test, 1);
}

static void test_rate_of_sets(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct ratelimit_state *rs = &current_user()->ratelimit;
	int interval = rs->interval, burst = rs->burst;

	/* Root has no limit otherwise. */
	rs->interval = HZ;
	rs->burst = 0;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(try_bind(t->mm[1])), -EAGAIN);
	/* Another container of a process that has its set needs no new one. */
	KUNIT_EXPECT_PTR_EQ(test, bind(test, 0), t->set);
	rs->interval = interval;
	rs->burst = burst;

	bind(test, 1);
}

static void test_default_quota(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *other;

	vfio_pasid_default_quota = 7;
	KUNIT_EXPECT_EQ(test, t->set->quota, t->default_quota);
	other = bind(test, 1);
	KUNIT_EXPECT_EQ(test, other->quota, 7);
	unbind(test, 1);
}

static void test_quota(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u32 quota, held;
	int pasids[2];

	set->quota = 2;
	pasids[0] = take_any(set);
	pasids[1] = take_any(set);
	KUNIT_ASSERT_GT(test, pasids[0], 0);
	KUNIT_ASSERT_GT(test, pasids[1], 0);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	vfio_pasid_ops.query(set, &quota, &held);
	KUNIT_EXPECT_EQ(test, quota, 2);
	KUNIT_EXPECT_EQ(test, held, 2);

	set->quota = 3;
	KUNIT_EXPECT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);

	/* Lowered below what is held, it takes nothing away. */
	set->quota = 1;
	KUNIT_EXPECT_EQ(test, set->held, 3);
	vfio_pasid_ops.free(set, pasids[0], pasids[0]);
	vfio_pasid_ops.free(set, pasids[1], pasids[1]);
	KUNIT_EXPECT_EQ(test, set->held, 1);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	free_all(set);
	KUNIT_EXPECT_GT(test, take_any(set), 0);

	set->quota = 0;
	free_all(set);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	KUNIT_EXPECT_EQ(test, set->peak, 3);
}

static void test_order_of_bounds(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;

	if (!IS_ENABLED(CONFIG_CGROUP_MISC))
		kunit_skip(test, "needs CONFIG_CGROUP_MISC");

	misc_cg_set_capacity(MISC_CG_RES_PASID, t->charged + 1);
	KUNIT_EXPECT_GT(test, take_any(set), 0);
	set->quota = 1;
	KUNIT_EXPECT_EQ(test, take(set, 0, 0), -EDQUOT);
	set->quota = 2;
	KUNIT_EXPECT_EQ(test, take(set, 0, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, take_any(set), -EBUSY);
	misc_cg_set_capacity(MISC_CG_RES_PASID, TEST_CAPACITY);
	KUNIT_EXPECT_EQ(test, atomic64_read(&set->denied), 3);
	KUNIT_EXPECT_EQ(test, set->held, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&set->charged), 1);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged + 1);
}

static void test_pending(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u32 pasid;

	set->quota = 1;
	set->watermark = 1;
	KUNIT_ASSERT_EQ(test, vfio_pasid_reserve(set, TEST_MIN, TEST_MAX, &pasid, 1), 0);
	/* It counts, but the user has not got it and cannot free it. */
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	free_all(set);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 1);

	/* Cancelled, it leaves no trace but the refusal that it caused. */
	vfio_pasid_cancel(set, &pasid, 1);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);
	KUNIT_EXPECT_EQ(test, set->peak, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&set->denied), 1);
	KUNIT_EXPECT_FALSE(test, set->watermark_due);
	KUNIT_EXPECT_EQ(test, take(set, pasid, pasid), pasid);
}

/* All or none, at each of the bounds. */
static void test_many(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u64 seq = vfio_pasid_last_seq();
	u32 pasids[10];

	set->quota = 15;
	set->watermark = 5;
	KUNIT_ASSERT_EQ(test, vfio_pasid_reserve(set, TEST_MIN, TEST_MAX, pasids, 10), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&set->charged), 10);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	vfio_pasid_commit(set, pasids, 10);
	KUNIT_EXPECT_EQ(test, set->held, 10);
	KUNIT_EXPECT_EQ(test, set->peak, 10);
	/* The watermark was passed on the way. */
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 1);

	KUNIT_EXPECT_EQ(test, -EDQUOT,
			vfio_pasid_reserve(set, TEST_MIN, TEST_MAX, pasids, 6));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			vfio_pasid_reserve(set, TEST_MIN, TEST_MIN + 3, pasids, 5));
	if (IS_ENABLED(CONFIG_CGROUP_MISC)) {
		misc_cg_set_capacity(MISC_CG_RES_PASID, t->charged + 14);
		KUNIT_EXPECT_EQ(test, -EBUSY,
				vfio_pasid_reserve(set, TEST_MIN, TEST_MAX, pasids, 5));
	}
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vfio_pasid_ops.alloc(set, TEST_MIN, TEST_MAX, NULL, 4));
	KUNIT_EXPECT_EQ(test, set->held, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&set->charged), 10);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 10);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged + 10);
	free_all(set);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
}

/* A result that cannot be written. */
static void test_fault(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;

	KUNIT_EXPECT_EQ(test, -EFAULT,
			vfio_pasid_ops.alloc(set, TEST_MIN, TEST_MAX, NULL, 1));
	KUNIT_EXPECT_EQ(test, set->held, 0);
	KUNIT_EXPECT_EQ(test, set->peak, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&set->charged), 0);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);
}

static void test_free(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *other, *set = t->set;
	int i;

	other = bind(test, 1);
	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_EQ(test, TEST_MIN + i,
				take(i & 1 ? other : set, TEST_MIN + i, TEST_MIN + i));

	/* Both ends are in the range, and others' PASIDs stay theirs. */
	vfio_pasid_ops.free(set, TEST_MIN + 2, TEST_MIN + 6);
	KUNIT_EXPECT_EQ(test, set->held, 2);
	KUNIT_EXPECT_EQ(test, other->held, 5);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 7);
	vfio_pasid_ops.free(set, TEST_MIN + 2, TEST_MIN + 6);
	KUNIT_EXPECT_EQ(test, set->held, 2);
	for (i = 2; i <= 6; i += 2)
		KUNIT_EXPECT_EQ(test, take(set, TEST_MIN + i, TEST_MIN + i),
				TEST_MIN + i);
	KUNIT_EXPECT_EQ(test, take(set, TEST_MIN, TEST_MIN + 9), -ENOSPC);

	vfio_pasid_ops.free(set, U32_MAX, U32_MAX);
	free_all(set);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	KUNIT_EXPECT_EQ(test, other->held, 5);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 5);
	unbind(test, 1);
}

/* Over more than two bitmaps, with a PASID in between that is not to be freed. */
static void test_free_bitmaps(struct kunit *test)
{
	const int count = 2 * VFIO_PASID_LEAF_BITS + 100;
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u32 pending;
	int i;

	set->quota = count;
	for (i = 0; i < count; i++) {
		if (i != 1000)
			KUNIT_ASSERT_EQ(test, take(set, TEST_MIN + i, TEST_MIN + i),
					TEST_MIN + i);
	}
	KUNIT_ASSERT_EQ(test, 0, vfio_pasid_reserve(set, TEST_MIN + 1000,
						    TEST_MIN + 1000, &pending, 1));
	KUNIT_ASSERT_EQ(test, pending, TEST_MIN + 1000);

	vfio_pasid_ops.free(set, TEST_MIN + 1, TEST_MIN + count - 2);
	KUNIT_EXPECT_EQ(test, set->held, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&set->charged), 3);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 3);
	vfio_pasid_commit(set, &pending, 1);
	KUNIT_EXPECT_EQ(test, set->held, 3);
	free_all(set);
	KUNIT_EXPECT_EQ(test, set->held, 0);
	KUNIT_EXPECT_EQ(test, set->peak, count - 1);
}

/* A set has room for 20 bits, whatever its caller says. */
static void test_widest(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;

	KUNIT_EXPECT_EQ(test, take(set, BIT(20), U32_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, take(set, BIT(20) - 1, U32_MAX), BIT(20) - 1);
	KUNIT_EXPECT_EQ(test, set->held, 1);
	free_all(set);
	KUNIT_EXPECT_EQ(test, set->held, 0);
}

static void test_watermark(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u64 seq = vfio_pasid_last_seq();
	int i, pasid;

	/* Off. */
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);

	/* Crossed upward, once. */
	set->watermark = 3;
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);
	pasid = take_any(set);
	KUNIT_ASSERT_GT(test, pasid, 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);

	/* Down to the watermark is not below it. */
	vfio_pasid_ops.free(set, pasid, pasid);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);

	/* Armed again. */
	free_all(set);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);

	/* Set below what is held, it was not crossed. */
	set->watermark = 2;
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);
}

/* No flood of events, and none of a crossing that is past. */
static void test_watermark_rate(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u64 seq = vfio_pasid_last_seq();
	int i;

	ratelimit_state_init(&set->watermark_rs, 3600 * HZ, 10);
	set->watermark = 1;
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_GT(test, take_any(set), 0);
		free_all(set);
	}
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 10);
	KUNIT_EXPECT_FALSE(test, set->watermark_due);

	/* Made up for as soon as the limit allows. */
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_TRUE(test, set->watermark_due);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 10);
	ratelimit_state_init(&set->watermark_rs, HZ, 10);
	KUNIT_ASSERT_GT(test, take_any(set), 0);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 11);
	KUNIT_EXPECT_FALSE(test, set->watermark_due);
}

static void test_limit_rate(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	struct vfio_pasid_set *set = t->set;
	u64 seq = vfio_pasid_last_seq();
	int i;

	ratelimit_state_init(&set->limit_rs, 3600 * HZ, 1);
	set->quota = 0;
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 1);
	KUNIT_EXPECT_EQ(test, set->suppressed, 4);
	KUNIT_EXPECT_EQ(test, atomic64_read(&set->denied), 5);

	ratelimit_state_init(&set->limit_rs, HZ, 1);
	KUNIT_EXPECT_EQ(test, take_any(set), -EDQUOT);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq + 2);
	KUNIT_EXPECT_EQ(test, set->suppressed, 0);
}

static void test_events_of_sets(struct kunit *test)
{
	u64 seq = vfio_pasid_last_seq();

	bind(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);
	bind(test, 1);
	unbind(test, 1);
	unbind(test, 1);
	/* However often it is attached and detached. */
	bind(test, 1);
	unbind(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), seq);
	end_mm(test, 1);
	KUNIT_EXPECT_EQ(test, vfio_pasid_last_seq(), ++seq);
}

/*
 * Check the sets in a part of a dump and return the id of the last one.  All of
 * them say that they include no more than the events before the dump.
 */
static u64 check_dump(struct kunit *test, struct sk_buff *skb, u64 seq,
		      u64 last, unsigned int *count)
{
	struct nlmsghdr *nlh = nlmsg_hdr(skb);
	int remaining = skb->len;
	struct nlattr *attr;

	while (nlmsg_ok(nlh, remaining)) {
		attr = nlmsg_find_attr(nlh, GENL_HDRLEN, VFIO_PASID_A_SET_ID);
		KUNIT_ASSERT_NOT_NULL(test, attr);
		KUNIT_EXPECT_GT(test, nla_get_u64(attr), last);
		last = nla_get_u64(attr);
		attr = nlmsg_find_attr(nlh, GENL_HDRLEN, VFIO_PASID_A_SET_SEQ);
		KUNIT_ASSERT_NOT_NULL(test, attr);
		KUNIT_EXPECT_EQ(test, nla_get_u64(attr), seq);
		(*count)++;
		nlh = nlmsg_next(nlh, &remaining);
	}
	return last;
}

/* Each set once, in the order of their ids, while sets come and go. */
static void test_dump(struct kunit *test)
{
	struct genl_family family = { .name = "test", .version = 1 };
	struct genlmsghdr genlhdr = { .cmd = VFIO_PASID_CMD_SET_GET };
	struct genl_dumpit_info dump = {
		.info = { .family = &family, .genlhdr = &genlhdr },
	};
	struct vfio_pasid_test *t = test->priv;
	unsigned int count = 0, parts = 0;
	struct netlink_callback *cb;
	struct sk_buff *skb;
	u64 seq, last = 0;
	int ret, i;

	if (!list_is_singular(&vfio_pasid_sets))
		kunit_skip(test, "there are sets in use");

	cb = kunit_kzalloc(test, sizeof(*cb), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cb);
	cb->data = &dump;

	/* All but the last two. */
	for (i = 1; i < TEST_MMS - 2; i++)
		bind(test, i);
	seq = vfio_pasid_last_seq();

	do {
		skb = alloc_skb(512, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		ret = vfio_pasid_nl_set_get_dumpit(skb, cb);
		if (ret)
			KUNIT_EXPECT_EQ(test, ret, -EMSGSIZE);
		KUNIT_EXPECT_GT(test, skb->len, 0);
		if (skb->len)
			last = check_dump(test, skb, seq, last, &count);
		else
			ret = 0;
		kfree_skb(skb);

		if (++parts == 1) {
			/* One that was shown, one that was not, and a new one. */
			KUNIT_EXPECT_EQ(test, last, t->sets[count - 1]->id);
			unbind(test, count - 1);
			end_mm(test, count - 1);
			unbind(test, TEST_MMS - 3);
			end_mm(test, TEST_MMS - 3);
			bind(test, TEST_MMS - 2);
		}
	} while (ret && parts < TEST_MMS);

	KUNIT_EXPECT_GT(test, parts, 2);
	KUNIT_EXPECT_EQ(test, count, TEST_MMS - 2);
	KUNIT_EXPECT_EQ(test, last, t->sets[TEST_MMS - 2]->id);
}

static int vfio_pasid_test_init(struct kunit *test)
{
	struct vfio_pasid_test *t;
	u32 capacity;
	int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	test->priv = t;
	for (i = 0; i < ARRAY_SIZE(t->mm); i++) {
		t->mm[i] = mm_alloc();
		if (!t->mm[i])
			goto err_put;
	}
	t->default_quota = vfio_pasid_default_quota;
	t->max_sets = vfio_pasid_max_sets;

	iommu_global_pasid_usage(&capacity);
	misc_cg_set_capacity(MISC_CG_RES_PASID, capacity ?: TEST_CAPACITY);
	t->charged = total_charged();
	t->used = iommu_global_pasid_usage(NULL);

	t->set = bind(test, 0);
	return 0;

err_put:
	while (i--)
		mmput(t->mm[i]);
	test->priv = NULL;
	return -ENOMEM;
}

static void vfio_pasid_test_exit(struct kunit *test)
{
	struct vfio_pasid_test *t = test->priv;
	u32 capacity;
	int i;

	if (!t)
		return;

	/* Also what a test that failed has left. */
	for (i = 0; i < TEST_MMS; i++) {
		while (t->binds[i])
			unbind(test, i);
		if (t->mm[i])
			end_mm(test, i);
	}
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);

	vfio_pasid_default_quota = t->default_quota;
	vfio_pasid_max_sets = t->max_sets;
	iommu_global_pasid_usage(&capacity);
	misc_cg_set_capacity(MISC_CG_RES_PASID, capacity);
}

static struct kunit_case vfio_pasid_test_cases[] = {
	KUNIT_CASE(test_sets),
	KUNIT_CASE(test_account_stays),
	KUNIT_CASE(test_process_ends),
	KUNIT_CASE(test_mm_reference),
	KUNIT_CASE(test_last_unbind_frees),
	KUNIT_CASE(test_max_sets),
	KUNIT_CASE(test_rate_of_sets),
	KUNIT_CASE(test_default_quota),
	KUNIT_CASE(test_quota),
	KUNIT_CASE(test_order_of_bounds),
	KUNIT_CASE(test_pending),
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_fault),
	KUNIT_CASE(test_free),
	KUNIT_CASE(test_free_bitmaps),
	KUNIT_CASE(test_widest),
	KUNIT_CASE(test_watermark),
	KUNIT_CASE(test_watermark_rate),
	KUNIT_CASE(test_limit_rate),
	KUNIT_CASE(test_events_of_sets),
	KUNIT_CASE(test_dump),
	{}
};

static struct kunit_suite vfio_pasid_test_suite = {
	.name = "vfio_pasid",
	.init = vfio_pasid_test_init,
	.exit = vfio_pasid_test_exit,
	.test_cases = vfio_pasid_test_cases,
};

kunit_test_suite(vfio_pasid_test_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of PASID sets");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
