// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the system-wide PASID space
 *
 * They work on the real space, with PASIDs that are hardly used, and need no
 * IOMMU: where there is none, they set the capacity of the misc controller.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/irqflags.h>
#include <linux/misc_cgroup.h>
#include <linux/module.h>
#include <linux/slab.h>

#define TEST_MIN	900000U
#define TEST_COUNT	100U
#define TEST_MAX	(TEST_MIN + TEST_COUNT - 1)
#define TEST_CAPACITY	(BIT(20) - 1)

/* Others that no other test uses. */
#define FRESH_MIN	902000U
#define FRESH_MAX	(FRESH_MIN + TEST_COUNT - 1)
#define FAR_MIN		910000U

struct iommu_pasid_test {
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

static void expect_clean(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used);
}

static void set_capacity(void)
{
	u32 capacity;

	iommu_global_pasid_usage(&capacity);
	misc_cg_set_capacity(MISC_CG_RES_PASID, capacity ?: TEST_CAPACITY);
}

static void free_range(u32 min, u32 max)
{
	u32 pasid;

	for (pasid = min; pasid <= max; pasid++)
		iommu_free_global_pasid(pasid);
}

/* All of a range, each one once. */
static void test_whole_range(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;
	DECLARE_BITMAP(seen, TEST_COUNT) = {};
	int pasid;
	u32 i;

	for (i = 0; i < TEST_COUNT; i++) {
		pasid = iommu_alloc_global_pasid_range(TEST_MIN, TEST_MAX);
		KUNIT_ASSERT_GE(test, pasid, TEST_MIN);
		KUNIT_ASSERT_LE(test, pasid, TEST_MAX);
		KUNIT_EXPECT_FALSE(test, __test_and_set_bit(pasid - TEST_MIN, seen));
	}
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL),
			t->used + TEST_COUNT);
	if (IS_ENABLED(CONFIG_CGROUP_MISC))
		KUNIT_EXPECT_EQ(test, total_charged(), t->charged + TEST_COUNT);

	/* A hole is filled if there is nothing else. */
	iommu_free_global_pasid(TEST_MIN + 7);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MAX),
			TEST_MIN + 7);

	free_range(TEST_MIN, TEST_MAX);
	expect_clean(test);
}

/* The next user does not get a PASID that may not be drained yet. */
static void test_freed_is_not_next(struct kunit *test)
{
	DECLARE_BITMAP(seen, TEST_COUNT) = {};
	int pasid, next;
	u32 i;

	/* Not before all the others, if none has been used before. */
	for (i = 0; i < TEST_COUNT; i++) {
		pasid = iommu_alloc_global_pasid_range(FRESH_MIN, FRESH_MAX);
		KUNIT_ASSERT_GE(test, pasid, FRESH_MIN);
		KUNIT_ASSERT_LE(test, pasid, FRESH_MAX);
		KUNIT_EXPECT_FALSE(test, __test_and_set_bit(pasid - FRESH_MIN, seen));
		iommu_free_global_pasid(pasid);
	}

	/* Not at once, as long as there are two. */
	for (i = 0; i < 10; i++) {
		pasid = iommu_alloc_global_pasid_range(FRESH_MIN, FRESH_MIN + 1);
		KUNIT_ASSERT_GE(test, pasid, FRESH_MIN);
		iommu_free_global_pasid(pasid);
		next = iommu_alloc_global_pasid_range(FRESH_MIN, FRESH_MIN + 1);
		KUNIT_EXPECT_EQ(test, next, 2 * FRESH_MIN + 1 - pasid);
		iommu_free_global_pasid(next);
	}

	/* Nor if both have been used, and it is the lower one. */
	for (i = 0; i < 2; i++) {
		pasid = iommu_alloc_global_pasid_range(FRESH_MIN + i, FRESH_MIN + i);
		KUNIT_ASSERT_EQ(test, pasid, FRESH_MIN + i);
	}
	iommu_free_global_pasid(FRESH_MIN + 1);
	iommu_free_global_pasid(FRESH_MIN);
	pasid = iommu_alloc_global_pasid_range(FRESH_MIN, FRESH_MIN + 1);
	KUNIT_EXPECT_EQ(test, pasid, FRESH_MIN + 1);
	iommu_free_global_pasid(pasid);
	expect_clean(test);
}

/* Several at once, or none. */
static void test_several(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;
	u32 *pasids, i;

	pasids = kunit_kcalloc(test, TEST_COUNT + 1, sizeof(*pasids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pasids);

	KUNIT_EXPECT_EQ(test, -ENOSPC,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, TEST_COUNT + 1));
	expect_clean(test);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, TEST_COUNT));
	KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + TEST_COUNT);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, 1));
	free_range(TEST_MIN, TEST_MAX);
	expect_clean(test);
	if (!IS_ENABLED(CONFIG_CGROUP_MISC))
		return;

	/* All or none is charged, too, and what was reserved can be had again. */
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged);
	misc_cg_set_capacity(MISC_CG_RES_PASID, t->charged + TEST_COUNT - 1);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, TEST_COUNT));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, TEST_COUNT - 1));
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged + TEST_COUNT - 1);
	for (i = 0; i < TEST_COUNT - 1; i++)
		iommu_free_global_pasid(pasids[i]);
	set_capacity();
	KUNIT_EXPECT_EQ(test, 0,
			iommu_alloc_global_pasids(TEST_MIN, TEST_MAX, pasids, TEST_COUNT));
	free_range(TEST_MIN, TEST_MAX);
	expect_clean(test);
}

/* Over more blocks than are kept empty, up and down. */
static void test_far_apart(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;
	int i, round;
	u32 pasid;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 60; i++) {
			pasid = FAR_MIN + i * 512;
			KUNIT_ASSERT_EQ(test, pasid,
					iommu_alloc_global_pasid_range(pasid, pasid));
		}
		KUNIT_EXPECT_EQ(test, iommu_global_pasid_usage(NULL), t->used + 60);
		for (i = 0; i < 60; i++)
			iommu_free_global_pasid(FAR_MIN + i * 512);
		expect_clean(test);
	}
}

static void test_range_full(struct kunit *test)
{
	/* The second one is stale now, and has to be found all the same. */
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN + 1, TEST_MIN + 1),
			TEST_MIN + 1);
	iommu_free_global_pasid(TEST_MIN + 1);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN), TEST_MIN);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN + 1),
			TEST_MIN + 1);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN + 1), -ENOSPC);

	/* What a refusal had charged was given back. */
	free_range(TEST_MIN, TEST_MIN + 1);
	expect_clean(test);
}

static void test_range_empty(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(0, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MAX, TEST_MIN), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(BIT(20), U32_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(U32_MAX, U32_MAX), -ENOSPC);
	expect_clean(test);
}

static void test_never_zero(struct kunit *test)
{
	int pasid;

	pasid = iommu_alloc_global_pasid_range(0, TEST_MAX);
	KUNIT_ASSERT_GT(test, pasid, 0);
	iommu_free_global_pasid(pasid);
	expect_clean(test);
}

static void test_capacity(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;

	if (!IS_ENABLED(CONFIG_CGROUP_MISC))
		kunit_skip(test, "needs CONFIG_CGROUP_MISC");

	misc_cg_set_capacity(MISC_CG_RES_PASID, t->charged + 2);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN), TEST_MIN);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN + 1, TEST_MIN + 1),
			TEST_MIN + 1);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MAX), -EBUSY);
	/* The number comes before the charge. */
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN), -ENOSPC);
	KUNIT_EXPECT_EQ(test, total_charged(), t->charged + 2);

	/* Without any IOMMU left, what is held can be freed. */
	misc_cg_set_capacity(MISC_CG_RES_PASID, 0);
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MAX), -ENOSPC);
	free_range(TEST_MIN, TEST_MIN + 1);
	expect_clean(test);
}

static void test_free_irqs_off(struct kunit *test)
{
	unsigned long flags;

	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN), TEST_MIN);
	local_irq_save(flags);
	iommu_free_global_pasid(TEST_MIN);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	local_irq_restore(flags);
	expect_clean(test);
}

static void test_kernels_own(struct kunit *test)
{
	struct iommu_pasid_test *t = test->priv;
	struct dev_iommu *param;
	struct device *dev;
	ioasid_t pasid;

	dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	param = kunit_kzalloc(test, sizeof(*param), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, param);
	dev->iommu = param;

	/* No PASID at all, and none but the one for untagged requests. */
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid(dev), IOMMU_PASID_INVALID);
	param->max_pasids = 1;
	KUNIT_EXPECT_EQ(test, iommu_alloc_global_pasid(dev), IOMMU_PASID_INVALID);
	expect_clean(test);

	param->max_pasids = TEST_MAX + 1;
	pasid = iommu_alloc_global_pasid(dev);
	KUNIT_ASSERT_NE(test, pasid, IOMMU_PASID_INVALID);
	KUNIT_EXPECT_GE(test, pasid, IOMMU_FIRST_GLOBAL_PASID);
	KUNIT_EXPECT_LE(test, pasid, TEST_MAX);
	if (IS_ENABLED(CONFIG_CGROUP_MISC))
		KUNIT_EXPECT_EQ(test, total_charged(), t->charged + 1);
	iommu_free_global_pasid(pasid);
	expect_clean(test);
}

/*
 * Whom the two functions charge.  A test runs in a kernel thread, in the root
 * cgroup; the suite is set up by whoever loads the module.
 */
static struct {
	bool valid;
	int ret;
	ioasid_t own;
	u64 charged[3];		/* the loader's cgroup: before, range, own */
	u64 total[3];
	int none;
	u64 peak[2];		/* of it, before and after a range that is full */
} charges;

#ifdef CONFIG_CGROUP_MISC
static void read_charges(struct misc_cg *cg, int i)
{
	charges.charged[i] = atomic64_read(&cg->res[MISC_CG_RES_PASID].usage);
	charges.total[i] = total_charged();
}

static void observe_charges(void)
{
	struct dev_iommu param = { .max_pasids = TEST_MAX + 1 };
	struct misc_cg *cg = get_current_misc_cg();
	struct device *dev;

	charges.valid = false;
	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev || !cg->css.parent)
		goto out;
	dev->iommu = &param;

	read_charges(cg, 0);
	charges.ret = iommu_alloc_global_pasid_range(TEST_MIN, TEST_MIN);
	read_charges(cg, 1);
	charges.peak[0] = atomic64_read(&cg->res[MISC_CG_RES_PASID].watermark);
	charges.none = iommu_alloc_global_pasid_range(0, 0);
	charges.peak[1] = atomic64_read(&cg->res[MISC_CG_RES_PASID].watermark);
	if (charges.ret >= 0)
		iommu_free_global_pasid(charges.ret);

	charges.own = iommu_alloc_global_pasid(dev);
	read_charges(cg, 2);
	if (charges.own != IOMMU_PASID_INVALID)
		iommu_free_global_pasid(charges.own);
	charges.valid = true;
out:
	kfree(dev);
	put_misc_cg(cg);
}
#else
static void observe_charges(void)
{
}
#endif

static void test_charges(struct kunit *test)
{
	if (!charges.valid)
		kunit_skip(test, "load the module in a cgroup with the misc controller");

	KUNIT_EXPECT_EQ(test, charges.ret, TEST_MIN);
	KUNIT_EXPECT_EQ(test, charges.charged[1], charges.charged[0] + 1);
	KUNIT_EXPECT_EQ(test, charges.total[1], charges.total[0] + 1);

	/* What finds no number was never used. */
	KUNIT_EXPECT_EQ(test, charges.none, -ENOSPC);
	KUNIT_EXPECT_EQ(test, charges.peak[1], charges.peak[0]);

	KUNIT_EXPECT_NE(test, charges.own, IOMMU_PASID_INVALID);
	KUNIT_EXPECT_EQ(test, charges.charged[2], charges.charged[0]);
	KUNIT_EXPECT_EQ(test, charges.total[2], charges.total[0] + 1);
}

static void restore_capacity(void)
{
	u32 capacity;

	iommu_global_pasid_usage(&capacity);
	misc_cg_set_capacity(MISC_CG_RES_PASID, capacity);
}

static int iommu_pasid_suite_init(struct kunit_suite *suite)
{
	set_capacity();
	observe_charges();
	restore_capacity();
	return 0;
}

static int iommu_pasid_test_init(struct kunit *test)
{
	struct iommu_pasid_test *t;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	test->priv = t;
	set_capacity();
	t->charged = total_charged();
	t->used = iommu_global_pasid_usage(NULL);
	return 0;
}

static void iommu_pasid_test_exit(struct kunit *test)
{
	restore_capacity();
}

static struct kunit_case iommu_pasid_test_cases[] = {
	KUNIT_CASE(test_whole_range),
	KUNIT_CASE(test_freed_is_not_next),
	KUNIT_CASE(test_several),
	KUNIT_CASE(test_far_apart),
	KUNIT_CASE(test_range_full),
	KUNIT_CASE(test_range_empty),
	KUNIT_CASE(test_never_zero),
	KUNIT_CASE(test_capacity),
	KUNIT_CASE(test_free_irqs_off),
	KUNIT_CASE(test_kernels_own),
	KUNIT_CASE(test_charges),
	{}
};

static struct kunit_suite iommu_pasid_test_suite = {
	.name = "iommu_pasid",
	.suite_init = iommu_pasid_suite_init,
	.init = iommu_pasid_test_init,
	.exit = iommu_pasid_test_exit,
	.test_cases = iommu_pasid_test_cases,
};

kunit_test_suite(iommu_pasid_test_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of the system-wide PASID space");
