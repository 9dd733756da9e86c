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
 * and comparing pointers is enough.  A container keeps its set: a child that
 * inherited the container over fork() uses the parent's, and so does a process
 * after exec() or setsid().  A container set up after exec() has another mm
 * and gets another set.  The mm_count reference pins the mm_struct only, not
 * the address space, but delays mm_pasid_drop() if the process uses SVA.
 *
 * Lifetime.  Each container with a set counts in set->users, and holds a
 * reference on this module.  vfio_pasid_unbind() of the last container takes
 * the set off the list, so that nobody new finds it; removes its device, which
 * waits for sysfs handlers; and only then frees what is left.  The container
 * unbinds when its last group has gone, under the write side of its group_lock,
 * while all ioctls run under the read side; hence no alloc, commit, abort or
 * free can meet a set that is being torn down.  The struct device is released
 * by the driver core alone and may outlive both the set and this module.
 *
 * What does not end a set: an IOMMU-backed device that is unplugged while
 * another group stays in the container, which only disables allocation; and
 * the removal of a cgroup that is charged, which stays as a dying cgroup until
 * its last PASID is freed, since the IOMMU core has a reference on it for each.
 *
 * Locks, outermost first:
 *
 *	vfio_container.group_lock	set stays bound during an ioctl
 *	  vfio.iommu_drivers_lock	(in VFIO_SET_IOMMU only)
 *	    vfio_pasid_sets_lock	the list, users, making the device
 *	  vfio_pasid_set.lock		PASIDs and counters of one set
 *	    xa_lock of the IOMMU core's PASID space, interrupts off
 *	event lock of the netlink family
 *
 * The set lock and the sets lock never nest.  The event lock is taken with
 * neither of them held, or inside the sets lock, and nothing is taken inside
 * it but memory allocation.  No lock of this module is held while user memory
 * is accessed: a page fault can be delayed for ever, and a set is shared by
 * containers.  Between alloc and the copy of the result a PASID is therefore
 * pending, and nobody but the allocating thread can dispose of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/iommu.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include "vfio_pasid_priv.h"

/* States of an entry in vfio_pasid_set.pasids. */
#define VFIO_PASID_PENDING	xa_mk_value(1)
#define VFIO_PASID_HELD		xa_mk_value(2)

/* Most PASIDs to look at with the set lock held. */
#define VFIO_PASID_FREE_BATCH	512

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
	mutex_init(&set->lock);
	xa_init_flags(&set->pasids, XA_FLAGS_ACCOUNT);

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
	unsigned long pasid;
	void *entry;

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
	xa_for_each(&set->pasids, pasid, entry) {
		iommu_free_global_pasid(pasid);
		cond_resched();
	}
	xa_destroy(&set->pasids);

	/* Who hears of it finds all uncharged; held still has the last count. */
	vfio_pasid_notify(set, VFIO_PASID_EVENT_SET_DEL);

	mmdrop(set->mm);
	kfree(set);
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

	mutex_lock(&set->lock);
	if (set->held + set->pending >= READ_ONCE(set->quota)) {
		ret = -EDQUOT;
		goto out_refused;
	}

	pasid = iommu_alloc_global_pasid_range(min, max);
	if (pasid == -EBUSY || pasid == -ENOSPC) {
		ret = pasid;
		goto out_refused;
	}
	if (pasid < 0) {
		ret = pasid;
		goto out_unlock;
	}

	ret = xa_err(xa_store(&set->pasids, pasid, VFIO_PASID_PENDING,
			      GFP_KERNEL));
	if (ret) {
		iommu_free_global_pasid(pasid);
		goto out_unlock;
	}
	set->pending++;
	mutex_unlock(&set->lock);

	return pasid;

out_refused:
	report = vfio_pasid_refused(set, &suppressed);
out_unlock:
	mutex_unlock(&set->lock);
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
	bool report;

	mutex_lock(&set->lock);
	/* Replaces an entry, so needs no memory and cannot fail. */
	xa_store(&set->pasids, pasid, VFIO_PASID_HELD, 0);
	set->pending--;
	WRITE_ONCE(set->held, set->held + 1);
	if (set->held > set->peak)
		WRITE_ONCE(set->peak, set->held);
	report = vfio_pasid_watermark_hit(set);
	mutex_unlock(&set->lock);

	if (report)
		vfio_pasid_notify(set, VFIO_PASID_EVENT_WATERMARK_HIT);
}

static void vfio_pasid_abort(struct vfio_pasid_set *set, u32 pasid)
{
	mutex_lock(&set->lock);
	xa_erase(&set->pasids, pasid);
	set->pending--;
	mutex_unlock(&set->lock);

	iommu_free_global_pasid(pasid);
}

static void vfio_pasid_free(struct vfio_pasid_set *set, u32 min, u32 max)
{
	unsigned long pasid = min;
	unsigned int budget;
	void *entry;

	/* Batches, so that a large range does not keep others from the set. */
	do {
		budget = VFIO_PASID_FREE_BATCH;
		mutex_lock(&set->lock);
		xa_for_each_range(&set->pasids, pasid, entry, pasid, max) {
			if (entry == VFIO_PASID_HELD) {
				xa_erase(&set->pasids, pasid);
				WRITE_ONCE(set->held, set->held - 1);
				iommu_free_global_pasid(pasid);
			}
			if (!--budget)
				break;
		}
		if (set->held < READ_ONCE(set->watermark))
			set->watermark_due = false;
		mutex_unlock(&set->lock);
		cond_resched();
	} while (!budget && pasid++ < max);
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
