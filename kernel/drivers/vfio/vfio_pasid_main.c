// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets of VFIO users
 *
 * A set is the account of one process: the PASIDs that were allocated through
 * its VFIO containers, how many it may hold, and what was refused.  The PASIDs
 * themselves, and the cgroup charged for each, are the business of the IOMMU
 * core; see iommu_alloc_global_pasid_range().
 *
 * Identity.  A set is keyed by the mm that attached the container's first
 * PASID-capable group.  The set holds an mm_count reference, so that the
 * address of the mm cannot be given to another process while the set exists,
 * and comparing pointers is enough.  A container keeps its set, whatever its
 * holder does: a child that inherited it over fork() uses the parent's set, and
 * so does a process after exec() or setsid(), and one that was passed the file
 * descriptor by a process that has exited since.  A container set up after
 * exec() has another mm and gets another set.
 *
 * Lifetime.  vfio_pasid_unbind() of the last container takes the set off the
 * list, so that nobody new finds it; removes its device, which waits for sysfs
 * handlers; and only then frees what is left.  The container unbinds when its
 * last group has gone, under the write side of its group_lock, while all ioctls
 * run under the read side; hence no alloc, commit, abort or free can meet a set
 * that is being torn down.
 *
 * What does not end a set: an IOMMU-backed device that is unplugged while
 * another group stays in the container, which only disables allocation, as
 * type1 remembers how many PASIDs were behind a group and not the device; and
 * the removal of a cgroup that is charged, which stays as a dying cgroup until
 * its last PASID is freed.
 *
 * References.  A container counts in the set's users, and has a reference on
 * this module by symbol_get(), so that a module with sets cannot be unloaded.
 * A set has one on mm_count, which pins the mm_struct and not the address
 * space, but delays mm_pasid_drop() if the process uses SVA; and the first one
 * on its struct device, which the driver core alone releases, and which may
 * outlive both the set and this module.  A PASID has one on the cgroup charged
 * for it; the IOMMU core keeps it, and can drop it in any context, see
 * iommu_free_global_pasid().  A netlink dump has one on this module, and
 * remembers the id of a set, never the set.
 *
 * Locks, outermost first:
 *
 *	vfio_container.group_lock	set stays bound during an ioctl
 *	  vfio.iommu_drivers_lock	(in VFIO_SET_IOMMU only)
 *	    vfio_pasid_sets_lock	the list, users, making the device
 *	      event lock of the netlink family, also taken alone
 *	  vfio_pasid_set.lock		PASIDs and counters of one set
 *	  xa_lock of the IOMMU core's PASID space, interrupts off
 *
 * The set lock is a spinlock for a few instructions at a time.  The IOMMU core
 * is not called with it held, nothing is allocated and no event sent; and it
 * never nests with the sets lock.  Nothing is taken inside the event lock but
 * what allocating and queueing a message takes.  type1 calls with its own lock
 * held for reading the counters only, which takes none.
 *
 * No lock of this module is held while user memory is accessed: a page fault
 * can be delayed for ever, and a set is shared by containers.  (The read side
 * of the container's group_lock is, as in any ioctl of the container; what
 * waits for it are groups that come and go.)  Until the result of an allocation
 * has been copied, its PASID is therefore pending: counted before it is asked
 * for, so that the quota holds, but not in the set, so that nobody can free it,
 * and have it given to somebody else, before the allocating thread has disposed
 * of it.  A PASID that is freed leaves the bitmap first, so that only one thread
 * gives it back, and the count last: what is charged is never more than what is
 * held or pending, and a quota is not exceeded for a moment either.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/iommu.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include "vfio_pasid_priv.h"

static int vfio_pasid_param_set_quota(const char *val,
				      const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VFIO_PASID_QUOTA_MAX);
}

static const struct kernel_param_ops vfio_pasid_quota_ops = {
	.set = vfio_pasid_param_set_quota,
	.get = param_get_uint,
};

unsigned int vfio_pasid_default_quota = 1000;
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_default_quota);
module_param_cb(default_quota, &vfio_pasid_quota_ops, &vfio_pasid_default_quota,
		0644);
MODULE_PARM_DESC(default_quota, "Quota that a new set starts with (1000)");

unsigned int vfio_pasid_max_sets = 4096;
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_max_sets);
module_param_named(max_sets, vfio_pasid_max_sets, uint, 0644);
MODULE_PARM_DESC(max_sets, "Most sets that may exist at once (4096)");

/* The sets, each one's users, and making and listing a device for it. */
DEFINE_MUTEX(vfio_pasid_sets_lock);
LIST_HEAD(vfio_pasid_sets);
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_sets);
unsigned int vfio_pasid_nr_sets;
static u64 vfio_pasid_last_id;

static const struct class vfio_pasid_class = {
	.name		= "vfio_pasid",
	.dev_groups	= vfio_pasid_set_groups,
};

static u64 vfio_pasid_current_cgroup_id(void)
{
	u64 id = 0;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
#endif
	return id;
}

static struct vfio_pasid_set *vfio_pasid_set_make(struct mm_struct *mm)
{
	struct vfio_pasid_set *set;

	lockdep_assert_held(&vfio_pasid_sets_lock);

	if (vfio_pasid_nr_sets >= READ_ONCE(vfio_pasid_max_sets)) {
		pr_notice_ratelimited("no more than %u sets, see max_sets\n",
				      vfio_pasid_nr_sets);
		return ERR_PTR(-ENOMEM);
	}

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);

	set->id = ++vfio_pasid_last_id;
	set->tgid = task_tgid_nr(current);
	set->start_time = div_u64(current->group_leader->start_boottime,
				  NSEC_PER_SEC / USER_HZ);
	set->cgroup_id = vfio_pasid_current_cgroup_id();
	set->quota = READ_ONCE(vfio_pasid_default_quota);
	spin_lock_init(&set->lock);

	/* Whatever the user does, at most so many events are sent. */
	ratelimit_state_init(&set->limit_rs, HZ, 1);
	ratelimit_set_flags(&set->limit_rs, RATELIMIT_MSG_ON_RELEASE);
	ratelimit_state_init(&set->watermark_rs, HZ, 10);
	ratelimit_set_flags(&set->watermark_rs, RATELIMIT_MSG_ON_RELEASE);

	set->dev = device_create(&vfio_pasid_class, NULL, MKDEV(0, 0), set,
				 "set%llu", set->id);
	if (IS_ERR(set->dev)) {
		kfree(set);
		return ERR_PTR(-ENOMEM);
	}

	mmgrab(mm);
	set->mm = mm;
	return set;
}

static struct vfio_pasid_set *vfio_pasid_bind(struct mm_struct *mm)
{
	struct vfio_pasid_set *set;

	mutex_lock(&vfio_pasid_sets_lock);
	list_for_each_entry(set, &vfio_pasid_sets, entry) {
		if (set->mm == mm) {
			set->users++;
			goto out_unlock;
		}
	}

	set = vfio_pasid_set_make(mm);
	if (IS_ERR(set))
		goto out_unlock;

	set->users = 1;
	list_add_tail(&set->entry, &vfio_pasid_sets);
	vfio_pasid_nr_sets++;
	vfio_pasid_notify(set, VFIO_PASID_EVENT_SET_ADD);

out_unlock:
	mutex_unlock(&vfio_pasid_sets_lock);
	return set;
}

static void vfio_pasid_unbind(struct vfio_pasid_set *set)
{
	unsigned long bit, *leaf;
	unsigned int i;

	mutex_lock(&vfio_pasid_sets_lock);
	if (--set->users) {
		mutex_unlock(&vfio_pasid_sets_lock);
		return;
	}
	list_del(&set->entry);
	vfio_pasid_nr_sets--;
	mutex_unlock(&vfio_pasid_sets_lock);

	device_unregister(set->dev);

	WARN_ON(set->pending);
	for (i = 0; i < VFIO_PASID_LEAVES; i++) {
		leaf = set->leaves[i];
		if (!leaf)
			continue;
		for_each_set_bit(bit, leaf, VFIO_PASID_LEAF_BITS)
			iommu_free_global_pasid(i * VFIO_PASID_LEAF_BITS + bit);
		bitmap_free(leaf);
		cond_resched();
	}

	/* Who hears of it finds all uncharged; held still has the last count. */
	vfio_pasid_notify(set, VFIO_PASID_EVENT_SET_DEL);

	mmdrop(set->mm);
	kfree(set);
}

/* Have a bitmap for a PASID, so that it can be committed in any case. */
static int vfio_pasid_prepare_leaf(struct vfio_pasid_set *set, u32 pasid)
{
	unsigned long **slot = &set->leaves[pasid / VFIO_PASID_LEAF_BITS];
	unsigned long *leaf;

	if (READ_ONCE(*slot))
		return 0;
	leaf = bitmap_zalloc(VFIO_PASID_LEAF_BITS, GFP_KERNEL_ACCOUNT);
	if (!leaf)
		return -ENOMEM;
	/* Another thread may have been faster. */
	if (cmpxchg(slot, NULL, leaf))
		bitmap_free(leaf);
	return 0;
}

/* Count a refusal.  Returns whether it is to be reported. */
static bool vfio_pasid_refused(struct vfio_pasid_set *set, u32 *suppressed)
{
	lockdep_assert_held(&set->lock);

	atomic64_inc(&set->denied);
	if (!__ratelimit(&set->limit_rs)) {
		set->suppressed++;
		return false;
	}

	*suppressed = set->suppressed;
	set->suppressed = 0;
	return true;
}

static int vfio_pasid_alloc(struct vfio_pasid_set *set, u32 min, u32 max)
{
	bool report = false;
	u32 suppressed;
	int pasid, ret;

	spin_lock(&set->lock);
	if (set->held + set->pending >= READ_ONCE(set->quota)) {
		ret = -EDQUOT;
		goto out_refused;
	}
	set->pending++;
	spin_unlock(&set->lock);

	/* Whatever an IOMMU says of its width, there are bitmaps for 20 bits. */
	max = min(max, VFIO_PASID_LAST);
	pasid = iommu_alloc_global_pasid_range(min, max);
	ret = pasid;
	if (pasid >= 0) {
		ret = vfio_pasid_prepare_leaf(set, pasid);
		if (!ret)
			return pasid;
		iommu_free_global_pasid(pasid);
	}

	spin_lock(&set->lock);
	set->pending--;
	if (ret != -EBUSY && ret != -ENOSPC)
		goto out_unlock;

out_refused:
	report = vfio_pasid_refused(set, &suppressed);
out_unlock:
	spin_unlock(&set->lock);
	if (report)
		vfio_pasid_notify_limit(set, ret, suppressed);
	return ret;
}

/*
 * Whether to report that the watermark was reached.  A crossing that the rate
 * limit held back is made up for by the next allocation, unless the count has
 * fallen below the watermark by then.
 */
static bool vfio_pasid_watermark_hit(struct vfio_pasid_set *set)
{
	u32 watermark = READ_ONCE(set->watermark);

	lockdep_assert_held(&set->lock);

	if (!watermark || set->held < watermark) {
		set->watermark_due = false;
		return false;
	}
	if (set->held == watermark)
		set->watermark_due = true;
	if (!set->watermark_due || !__ratelimit(&set->watermark_rs))
		return false;

	set->watermark_due = false;
	return true;
}

static void vfio_pasid_commit(struct vfio_pasid_set *set, u32 pasid)
{
	unsigned long *leaf = READ_ONCE(set->leaves[pasid / VFIO_PASID_LEAF_BITS]);
	bool report;

	spin_lock(&set->lock);
	__set_bit(pasid % VFIO_PASID_LEAF_BITS, leaf);
	set->pending--;
	/* Whoever reads one after the other finds no count above the peak. */
	if (set->held >= set->peak)
		WRITE_ONCE(set->peak, set->held + 1);
	WRITE_ONCE(set->held, set->held + 1);
	report = vfio_pasid_watermark_hit(set);
	spin_unlock(&set->lock);

	if (report)
		vfio_pasid_notify(set, VFIO_PASID_EVENT_WATERMARK_HIT);
}

static void vfio_pasid_abort(struct vfio_pasid_set *set, u32 pasid)
{
	iommu_free_global_pasid(pasid);

	spin_lock(&set->lock);
	set->pending--;
	spin_unlock(&set->lock);
}

/* Free the PASIDs that @mask selects of one word of a bitmap. */
static void vfio_pasid_free_word(struct vfio_pasid_set *set,
				 unsigned long *word, unsigned long mask,
				 u32 first)
{
	unsigned long bit, taken;

	/* Most of a wide range is empty. */
	if (!(READ_ONCE(*word) & mask))
		return;

	spin_lock(&set->lock);
	taken = *word & mask;
	WRITE_ONCE(*word, *word & ~taken);
	spin_unlock(&set->lock);

	for_each_set_bit(bit, &taken, BITS_PER_LONG)
		iommu_free_global_pasid(first + bit);

	spin_lock(&set->lock);
	WRITE_ONCE(set->held, set->held - hweight_long(taken));
	if (set->held < READ_ONCE(set->watermark))
		set->watermark_due = false;
	spin_unlock(&set->lock);

	cond_resched();
}

static void vfio_pasid_free(struct vfio_pasid_set *set, u32 min, u32 max)
{
	unsigned long *leaf;
	u32 last;

	/* A word at a time, so that a wide range keeps nobody waiting. */
	max = min(max, VFIO_PASID_LAST);
	for (; min <= max; min = last + 1) {
		leaf = READ_ONCE(set->leaves[min / VFIO_PASID_LEAF_BITS]);
		if (!leaf) {
			last = min | (VFIO_PASID_LEAF_BITS - 1);
			continue;
		}
		last = min(max, min | (u32)(BITS_PER_LONG - 1));
		vfio_pasid_free_word(set,
				     leaf + BIT_WORD(min % VFIO_PASID_LEAF_BITS),
				     GENMASK(last % BITS_PER_LONG,
					     min % BITS_PER_LONG),
				     round_down(min, BITS_PER_LONG));
	}
}

static void vfio_pasid_query(struct vfio_pasid_set *set, u32 *quota,
			     u32 *allocated)
{
	*quota = READ_ONCE(set->quota);
	*allocated = READ_ONCE(set->held);
}

const struct vfio_pasid_ops vfio_pasid_ops = {
	.bind	= vfio_pasid_bind,
	.unbind	= vfio_pasid_unbind,
	.alloc	= vfio_pasid_alloc,
	.commit	= vfio_pasid_commit,
	.abort	= vfio_pasid_abort,
	.free	= vfio_pasid_free,
	.query	= vfio_pasid_query,
};
EXPORT_SYMBOL_GPL(vfio_pasid_ops);

static int __init vfio_pasid_init(void)
{
	int ret;

	ret = class_register(&vfio_pasid_class);
	if (ret)
		return ret;

	ret = vfio_pasid_netlink_init();
	if (ret)
		class_unregister(&vfio_pasid_class);
	return ret;
}

static void __exit vfio_pasid_exit(void)
{
	vfio_pasid_netlink_exit();
	class_unregister(&vfio_pasid_class);
}

module_init(vfio_pasid_init);
module_exit(vfio_pasid_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PASID sets of VFIO users");
