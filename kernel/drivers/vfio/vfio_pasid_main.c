// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets of VFIO users
 *
 * A set is the account of one process: the PASIDs that were allocated through
 * its VFIO containers, how many it may hold, and what was refused.  The IOMMU
 * core owns the PASIDs themselves and the cgroup charged for each; see
 * iommu_alloc_global_pasid_range().
 *
 * Identity.  The key of a set is the mm that attached the container's first
 * PASID-capable group.  The MMU notifier of the set has a reference on mm_count,
 * so no other process can get the address of the mm while the set exists.  A
 * container keeps its set, whatever its holder does: a child that inherited it
 * over fork() uses the parent's set, and so does a process after exec() or
 * setsid(), and one that received the file descriptor from a process that has
 * exited since.  A container set up after exec() has another mm and gets another
 * set.
 *
 * Lifetime.  A set exists until both its mm and its last container are gone.
 * While the mm lives, a process cannot get rid of its quota, its counters or its
 * id: it finds the same set when it sets up a container again.  The PASIDs are
 * freed with the last container.  vfio_pasid_unbind() then takes the bitmaps out
 * of the set under vfio_pasid_sets_lock, so a container that binds the set at
 * that moment starts with new ones, and frees their PASIDs afterwards.  Until
 * they are free they count towards the quota.
 *
 * A container unbinds when its last group has gone, under the write side of its
 * group_lock, while all ioctls run under the read side.  No alloc or free can
 * therefore meet bitmaps that were taken out.
 *
 * What does not end a set: an IOMMU-backed device that is unplugged while
 * another group stays in the container, which only disables allocation, as
 * type1 remembers the width of a group and not the device; and the removal of a
 * cgroup that is charged, which stays as a dying cgroup until its last PASID is
 * freed.
 *
 * The module has no exit function, so it stays once it is loaded.  The ids of
 * sets and the numbers of events therefore never begin anew within a boot, and
 * the account of a process that has no container at the moment is not lost.
 *
 * References.  A container counts in the set's users.  A set has a reference on
 * mm_count, which pins the mm_struct and not the address space, but delays
 * mm_pasid_drop() if the process uses SVA; and the first one on its struct
 * device, which may outlive the set.  A PASID has one on the cgroup charged for
 * it; the IOMMU core keeps it, and can drop it in any context, see
 * iommu_free_global_pasid().  A netlink dump remembers the id of a set, never
 * the set.
 *
 * Locks, outermost first:
 *
 *	vfio_container.group_lock	set stays bound during an ioctl
 *	  vfio.iommu_drivers_lock	(in VFIO_SET_IOMMU only)
 *	    vfio_pasid_sets_lock	the list, the hash, users
 *	      vfio_pasid_set.lock	bitmaps and counters of one set
 *	    event lock of the netlink family
 *	    lock of the IOMMU core's PASID space, interrupts off
 *
 * A set is made with none of them held, as its MMU notifier is registered under
 * the mmap_lock of the process: a file system in user space can keep that, and
 * all users of VFIO_SET_IOMMU would wait for the one.  What vfio_pasid_bind()
 * does under them is to look up and count.
 *
 * A set can end in the notifier's release, wherever the last user of the address
 * space drops it; exec() does so with exec_update_lock held.  That removes the
 * set's files and waits for those who read or write one, who take no lock there.
 *
 * The locks of this module are spinlocks.  Nothing is allocated, no device is
 * made or removed, and the IOMMU core is not called with one of them held, so a
 * task that is preempted or throttled does not make others wait.  type1 calls
 * with its own lock held for reading the counters only, which takes none.
 *
 * No lock of this module is held while user memory is accessed: a page fault
 * can be delayed for ever, and a set is shared by containers.  (The read side
 * of the container's group_lock is, as in any ioctl of the container; what
 * waits for it are groups that come and go.)  Until the result of an allocation
 * has been copied, its PASID is therefore charged to the quota but not in the
 * bitmaps, so that nobody can free it, and have it given to somebody else,
 * before the allocating thread has disposed of it.  A PASID that is freed leaves
 * the bitmap first, so that only one thread gives it back, and the quota last:
 * a quota is not exceeded for a moment either.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

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
MODULE_PARM_DESC(max_sets, "Most sets that containers may use at once (4096)");

static int vfio_pasid_param_set_floor(const char *val,
				      const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, VFIO_PASID_LAST + 1);
}

static const struct kernel_param_ops vfio_pasid_floor_ops = {
	.set = vfio_pasid_param_set_floor,
	.get = param_get_uint,
};

/*
 * What the kernel takes for itself, and for processes that share their address
 * space with a device, comes from below, as devices may be narrow.
 */
static unsigned int vfio_pasid_floor = 4096;
module_param_cb(floor, &vfio_pasid_floor_ops, &vfio_pasid_floor, 0644);
MODULE_PARM_DESC(floor, "Lowest PASID that is given to users, but for those of a container that is not as wide (4096)");

/* Protects the list, the hash, the counts, and users and mm_gone of each set. */
DEFINE_SPINLOCK(vfio_pasid_sets_lock);
LIST_HEAD(vfio_pasid_sets);
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_sets);
static DEFINE_HASHTABLE(vfio_pasid_sets_by_mm, 8);
unsigned int vfio_pasid_nr_sets;
unsigned int vfio_pasid_nr_used;	/* sets with users */
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_nr_used);
static atomic64_t vfio_pasid_last_id;

static const struct class vfio_pasid_class = {
	.name		= "vfio_pasid",
	.dev_groups	= vfio_pasid_set_groups,
};

/* The id of the cgroup of the process, wherever its single threads are. */
static u64 vfio_pasid_current_cgroup_id(void)
{
	u64 id;

	rcu_read_lock();
	id = vfio_pasid_task_cgroup_id(current->group_leader);
	rcu_read_unlock();
	return id;
}

static void vfio_pasid_dev_release(struct device *dev)
{
	kfree(dev);
}

/* The files of a set in sysfs.  The netlink family reports it, not a uevent. */
static int vfio_pasid_make_device(struct vfio_pasid_set *set)
{
	struct device *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return -ENOMEM;

	device_initialize(dev);
	dev->class = &vfio_pasid_class;
	dev->release = vfio_pasid_dev_release;
	dev_set_drvdata(dev, set);
	dev_set_uevent_suppress(dev, true);
	ret = dev_set_name(dev, "set%llu", set->id);
	if (!ret)
		ret = device_add(dev);
	if (ret) {
		put_device(dev);
		return ret;
	}
	set->dev = dev;
	return 0;
}

static struct vfio_pasid_map *vfio_pasid_take_map(struct vfio_pasid_set *set)
{
	struct vfio_pasid_map *map;

	spin_lock(&set->lock);
	map = set->map;
	set->map = NULL;
	/* The event that ends a set tells what it held at last. */
	if (!set->mm_gone) {
		WRITE_ONCE(set->held, 0);
		set->watermark_due = false;
	}
	spin_unlock(&set->lock);
	return map;
}

static void vfio_pasid_release_map(struct vfio_pasid_set *set,
				   struct vfio_pasid_map *map)
{
	unsigned long bit, *leaf;
	unsigned int i;

	if (!map)
		return;

	for (i = 0; i < VFIO_PASID_LEAVES; i++) {
		leaf = map->leaves[i];
		if (!leaf)
			continue;
		for_each_set_bit(bit, leaf, VFIO_PASID_LEAF_BITS)
			iommu_free_global_pasid(i * VFIO_PASID_LEAF_BITS + bit);
		atomic_sub(bitmap_weight(leaf, VFIO_PASID_LEAF_BITS),
			   &set->charged);
		bitmap_free(leaf);
		cond_resched();
	}
	kfree(map);
}

/* Whether nothing needs the set any more.  If so, it leaves the list. */
static bool vfio_pasid_set_done(struct vfio_pasid_set *set)
{
	lockdep_assert_held(&vfio_pasid_sets_lock);

	if (set->users || set->releasing || !set->mm_gone)
		return false;

	list_del(&set->entry);
	vfio_pasid_nr_sets--;
	return true;
}

static void vfio_pasid_end_set(struct vfio_pasid_set *set,
			       struct vfio_pasid_map *map)
{
	device_unregister(set->dev);
	vfio_pasid_release_map(set, map);

	/* Who hears of it finds all uncharged; held still has the last count. */
	vfio_pasid_notify(set, VFIO_PASID_EVENT_SET_DEL);

	mmu_notifier_put(&set->notifier);
}

/* The process has exited, or called exec(). */
static void vfio_pasid_mm_release(struct mmu_notifier *notifier,
				  struct mm_struct *mm)
{
	struct vfio_pasid_set *set = container_of(notifier, typeof(*set),
						  notifier);
	bool done;

	spin_lock(&vfio_pasid_sets_lock);
	hash_del(&set->by_mm);
	set->mm_gone = true;
	done = vfio_pasid_set_done(set);
	spin_unlock(&vfio_pasid_sets_lock);

	if (done)
		vfio_pasid_end_set(set, NULL);
}

static void vfio_pasid_free_notifier(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct vfio_pasid_set, notifier));
}

static const struct mmu_notifier_ops vfio_pasid_mm_ops = {
	.release	= vfio_pasid_mm_release,
	.free_notifier	= vfio_pasid_free_notifier,
};

static struct vfio_pasid_set *vfio_pasid_make_set(struct mm_struct *mm)
{
	struct vfio_pasid_set *set;

	/* Each process gets one, but processes come fast, too. */
	if (!__ratelimit(&current_user()->ratelimit))
		return NULL;

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;

	set->id = atomic64_inc_return(&vfio_pasid_last_id);
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

	if (vfio_pasid_make_device(set))
		goto err_free;

	set->notifier.ops = &vfio_pasid_mm_ops;
	if (mmu_notifier_register(&set->notifier, mm))
		goto err_device;
	return set;

err_device:
	device_unregister(set->dev);
err_free:
	kfree(set);
	return NULL;
}

/* Whether as many sets are in use as may be. */
static bool vfio_pasid_full(void)
{
	lockdep_assert_held(&vfio_pasid_sets_lock);

	return vfio_pasid_nr_used >= READ_ONCE(vfio_pasid_max_sets);
}

/* Returns NULL if the process has no set. */
static struct vfio_pasid_set *vfio_pasid_find(struct mm_struct *mm)
{
	struct vfio_pasid_set *set;

	lockdep_assert_held(&vfio_pasid_sets_lock);

	hash_for_each_possible(vfio_pasid_sets_by_mm, set, by_mm,
			       (unsigned long)mm)
		if (set->notifier.mm == mm)
			return set;
	return NULL;
}

/* By ascending id: sets that are made at the same time can overtake. */
static void vfio_pasid_add(struct vfio_pasid_set *set)
{
	struct vfio_pasid_set *before;

	lockdep_assert_held(&vfio_pasid_sets_lock);

	list_for_each_entry_reverse(before, &vfio_pasid_sets, entry)
		if (before->id < set->id)
			break;
	list_add(&set->entry, &before->entry);
	hash_add(vfio_pasid_sets_by_mm, &set->by_mm,
		 (unsigned long)set->notifier.mm);
	vfio_pasid_nr_sets++;
}

static void vfio_pasid_prepare_set(struct mm_struct *mm)
{
	struct vfio_pasid_set *new;
	bool enough;

	spin_lock(&vfio_pasid_sets_lock);
	enough = vfio_pasid_find(mm) || vfio_pasid_full();
	spin_unlock(&vfio_pasid_sets_lock);
	if (enough)
		return;

	new = vfio_pasid_make_set(mm);
	if (!new)
		return;

	spin_lock(&vfio_pasid_sets_lock);
	enough = vfio_pasid_find(mm);
	if (!enough)
		vfio_pasid_add(new);
	spin_unlock(&vfio_pasid_sets_lock);

	if (!enough) {
		vfio_pasid_notify(new, VFIO_PASID_EVENT_SET_ADD);
	} else {
		/* Another thread was faster. */
		device_unregister(new->dev);
		mmu_notifier_put(&new->notifier);
	}
}

static struct vfio_pasid_set *vfio_pasid_bind(struct mm_struct *mm)
{
	struct vfio_pasid_set *set;

	spin_lock(&vfio_pasid_sets_lock);
	set = vfio_pasid_find(mm);
	if ((!set || !set->users) && vfio_pasid_full()) {
		set = ERR_PTR(-EUSERS);
	} else if (!set) {
		/* It could not be made, which may be over the next time. */
		set = ERR_PTR(-EAGAIN);
	} else if (!set->users++) {
		/* It was idle, or has just been made. */
		vfio_pasid_nr_used++;
	}
	spin_unlock(&vfio_pasid_sets_lock);
	return set;
}

static void vfio_pasid_unbind(struct vfio_pasid_set *set)
{
	struct vfio_pasid_map *map;
	bool done;

	spin_lock(&vfio_pasid_sets_lock);
	if (--set->users) {
		spin_unlock(&vfio_pasid_sets_lock);
		return;
	}
	vfio_pasid_nr_used--;
	map = vfio_pasid_take_map(set);
	done = vfio_pasid_set_done(set);
	if (!done)
		set->releasing++;
	spin_unlock(&vfio_pasid_sets_lock);

	if (!done) {
		vfio_pasid_release_map(set, map);
		map = NULL;

		/* The process may have gone meanwhile. */
		spin_lock(&vfio_pasid_sets_lock);
		set->releasing--;
		done = vfio_pasid_set_done(set);
		spin_unlock(&vfio_pasid_sets_lock);
	}
	if (done)
		vfio_pasid_end_set(set, map);
}

/* Have a bitmap for a PASID, so that it can be committed in any case. */
static int vfio_pasid_prepare_leaf(struct vfio_pasid_set *set, u32 pasid)
{
	struct vfio_pasid_map *map = READ_ONCE(set->map);
	unsigned long *leaf, **slot;

	if (!map) {
		map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
		if (!map)
			return -ENOMEM;
		/* Another thread may have been faster, here and below. */
		if (cmpxchg(&set->map, NULL, map)) {
			kfree(map);
			map = READ_ONCE(set->map);
		}
	}

	slot = &map->leaves[pasid / VFIO_PASID_LEAF_BITS];
	if (READ_ONCE(*slot))
		return 0;
	leaf = bitmap_zalloc(VFIO_PASID_LEAF_BITS, GFP_KERNEL_ACCOUNT);
	if (!leaf)
		return -ENOMEM;
	if (cmpxchg(slot, NULL, leaf))
		bitmap_free(leaf);
	return 0;
}

/* Count a refusal, and report it unless that has just been done. */
static void vfio_pasid_refused(struct vfio_pasid_set *set, int err)
{
	u32 suppressed = 0;
	bool report;

	atomic64_inc(&set->denied);
	spin_lock(&set->lock);
	report = __ratelimit(&set->limit_rs);
	if (report)
		swap(suppressed, set->suppressed);
	else
		set->suppressed++;
	spin_unlock(&set->lock);

	if (report)
		vfio_pasid_notify_limit(set, err, suppressed);
}

/* Charge the quota, which is not exceeded for a moment either. */
static bool vfio_pasid_charge(struct vfio_pasid_set *set, unsigned int count)
{
	unsigned int charged = atomic_read(&set->charged);
	int old;

	do {
		if (charged + count > READ_ONCE(set->quota))
			return false;
		old = charged;
		charged = atomic_cmpxchg(&set->charged, old, old + count);
	} while (charged != old);
	return true;
}

static void vfio_pasid_uncharge(struct vfio_pasid_set *set, unsigned int count)
{
	atomic_sub(count, &set->charged);
}

/* Give reserved PASIDs back. */
VISIBLE_IF_KUNIT void vfio_pasid_cancel(struct vfio_pasid_set *set,
					const u32 *pasids, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		iommu_free_global_pasid(pasids[i]);
	vfio_pasid_uncharge(set, count);
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_cancel);

/* Allocate PASIDs, all or none, that are charged and that nobody can free. */
VISIBLE_IF_KUNIT int vfio_pasid_reserve(struct vfio_pasid_set *set, u32 first,
					u32 last, u32 *pasids,
					unsigned int count)
{
	unsigned int i;
	int ret;

	if (!vfio_pasid_charge(set, count)) {
		ret = -EDQUOT;
		goto err_refused;
	}

	/* Whatever an IOMMU says of its width, there are bitmaps for 20 bits. */
	last = min(last, VFIO_PASID_LAST);
	ret = iommu_alloc_global_pasids(first, last, pasids, count);
	if (ret) {
		vfio_pasid_uncharge(set, count);
		goto err_refused;
	}

	for (i = 0; i < count; i++) {
		ret = vfio_pasid_prepare_leaf(set, pasids[i]);
		if (ret) {
			vfio_pasid_cancel(set, pasids, count);
			return ret;
		}
	}
	return 0;

err_refused:
	if (ret != -ENOMEM)
		vfio_pasid_refused(set, ret);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_reserve);

/*
 * Whether to report that the watermark was reached.  A crossing that the rate
 * limit held back is made up for by the next allocation, unless the count has
 * fallen below the watermark by then.
 */
static bool vfio_pasid_watermark_hit(struct vfio_pasid_set *set,
				     unsigned int added)
{
	u32 watermark = READ_ONCE(set->watermark);

	lockdep_assert_held(&set->lock);

	if (!watermark || set->held < watermark) {
		set->watermark_due = false;
		return false;
	}
	if (set->held - added < watermark)
		set->watermark_due = true;
	if (!set->watermark_due || !__ratelimit(&set->watermark_rs))
		return false;

	set->watermark_due = false;
	return true;
}

/* Make reserved PASIDs the set's own. */
VISIBLE_IF_KUNIT void vfio_pasid_commit(struct vfio_pasid_set *set,
					const u32 *pasids, unsigned int count)
{
	unsigned long *leaf;
	unsigned int i;
	bool report;

	spin_lock(&set->lock);
	for (i = 0; i < count; i++) {
		leaf = set->map->leaves[pasids[i] / VFIO_PASID_LEAF_BITS];
		__set_bit(pasids[i] % VFIO_PASID_LEAF_BITS, leaf);
	}
	/* Whoever reads one after the other finds no count above the peak. */
	if (set->held + count > set->peak)
		WRITE_ONCE(set->peak, set->held + count);
	WRITE_ONCE(set->held, set->held + count);
	report = vfio_pasid_watermark_hit(set, count);
	spin_unlock(&set->lock);

	if (report)
		vfio_pasid_notify(set, VFIO_PASID_EVENT_WATERMARK_HIT);
}
EXPORT_SYMBOL_IF_KUNIT(vfio_pasid_commit);

static int vfio_pasid_alloc(struct vfio_pasid_set *set, u32 first, u32 last,
			    u32 __user *result, unsigned int count)
{
	u32 pasids[VFIO_PASID_ALLOC_MAX];
	int ret;

	ret = vfio_pasid_reserve(set, first, last, pasids, count);
	if (ret)
		return ret;

	if (copy_to_user(result, pasids, array_size(count, sizeof(*pasids)))) {
		vfio_pasid_cancel(set, pasids, count);
		return -EFAULT;
	}
	vfio_pasid_commit(set, pasids, count);
	return 0;
}

/* Free the PASIDs that @mask selects of one word of a bitmap. */
static void vfio_pasid_free_word(struct vfio_pasid_set *set,
				 unsigned long *word, unsigned long mask,
				 u32 base)
{
	unsigned long bit, taken;

	/* Most of a wide range is empty. */
	if (!(READ_ONCE(*word) & mask))
		return;

	spin_lock(&set->lock);
	taken = *word & mask;
	WRITE_ONCE(*word, *word & ~taken);
	WRITE_ONCE(set->held, set->held - hweight_long(taken));
	if (set->held < READ_ONCE(set->watermark))
		set->watermark_due = false;
	spin_unlock(&set->lock);

	for_each_set_bit(bit, &taken, BITS_PER_LONG)
		iommu_free_global_pasid(base + bit);
	vfio_pasid_uncharge(set, hweight_long(taken));

	cond_resched();
}

static void vfio_pasid_free(struct vfio_pasid_set *set, u32 first, u32 last)
{
	struct vfio_pasid_map *map = READ_ONCE(set->map);
	unsigned long *leaf;
	u32 end;

	if (!map)
		return;

	/* A word at a time, so that a wide range keeps nobody waiting. */
	last = min(last, VFIO_PASID_LAST);
	for (; first <= last; first = end + 1) {
		leaf = READ_ONCE(map->leaves[first / VFIO_PASID_LEAF_BITS]);
		if (!leaf) {
			end = first | (VFIO_PASID_LEAF_BITS - 1);
			continue;
		}
		end = min(last, first | (u32)(BITS_PER_LONG - 1));
		vfio_pasid_free_word(set,
				     leaf + BIT_WORD(first % VFIO_PASID_LEAF_BITS),
				     GENMASK(end % BITS_PER_LONG,
					     first % BITS_PER_LONG),
				     round_down(first, BITS_PER_LONG));
	}
}

static u32 vfio_pasid_first(u32 max_pasids)
{
	u32 floor = READ_ONCE(vfio_pasid_floor);

	return floor && floor < max_pasids ? floor : 1;
}

static void vfio_pasid_query(struct vfio_pasid_set *set, u32 *quota,
			     u32 *allocated)
{
	*quota = READ_ONCE(set->quota);
	*allocated = READ_ONCE(set->held);
}

const struct vfio_pasid_ops vfio_pasid_ops = {
	.prepare = vfio_pasid_prepare_set,
	.bind	= vfio_pasid_bind,
	.unbind	= vfio_pasid_unbind,
	.alloc	= vfio_pasid_alloc,
	.free	= vfio_pasid_free,
	.first	= vfio_pasid_first,
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
module_init(vfio_pasid_init);

/* No exit function: see "Lifetime" above. */

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PASID sets of VFIO users");
