// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets of VFIO users: /sys/class/vfio_pasid/set<ID>/
 *
 * Removing a set waits for the handlers that are running, so none of them may
 * wait for a set to be removed.  They take no lock but that of the events, under
 * which nothing does.  All files are for root only: the netlink family, which
 * tells the same, wants CAP_NET_ADMIN.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "vfio_pasid_priv.h"

static int vfio_pasid_parse_count(const char *buf, u32 *count)
{
	int ret;

	/* kstrtou32() would take a sign. */
	if (!isdigit(*buf))
		return -EINVAL;
	ret = kstrtou32(buf, 10, count);
	if (ret)
		return ret;
	return *count > VFIO_PASID_QUOTA_MAX ? -ERANGE : 0;
}

static ssize_t quota_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(set->quota));
}

static ssize_t quota_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t len)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);
	u32 quota;
	int ret;

	ret = vfio_pasid_parse_count(buf, &quota);
	if (ret)
		return ret;

	/* A quota below what is held takes nothing away, it only refuses. */
	WRITE_ONCE(set->quota, quota);
	vfio_pasid_notify(set, VFIO_PASID_EVENT_QUOTA_CHANGE);
	return len;
}
static DEVICE_ATTR_ADMIN_RW(quota);

static ssize_t watermark_show(struct device *dev,
			      struct device_attribute *attr, char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(set->watermark));
}

static ssize_t watermark_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t len)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);
	u32 watermark;
	int ret;

	ret = vfio_pasid_parse_count(buf, &watermark);
	if (ret)
		return ret;

	WRITE_ONCE(set->watermark, watermark);
	return len;
}
static DEVICE_ATTR_ADMIN_RW(watermark);

static ssize_t allocated_show(struct device *dev,
			      struct device_attribute *attr, char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(set->held));
}
static DEVICE_ATTR_ADMIN_RO(allocated);

static ssize_t peak_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(set->peak));
}
static DEVICE_ATTR_ADMIN_RO(peak);

static ssize_t denied_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", (u64)atomic64_read(&set->denied));
}
static DEVICE_ATTR_ADMIN_RO(denied);

static ssize_t tgid_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", set->tgid);
}
static DEVICE_ATTR_ADMIN_RO(tgid);

static ssize_t start_time_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", set->start_time);
}
static DEVICE_ATTR_ADMIN_RO(start_time);

static ssize_t cgroup_id_show(struct device *dev,
			      struct device_attribute *attr, char *buf)
{
	struct vfio_pasid_set *set = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%llu\n", set->cgroup_id);
}
static DEVICE_ATTR_ADMIN_RO(cgroup_id);

static struct attribute *vfio_pasid_set_attrs[] = {
	&dev_attr_quota.attr,
	&dev_attr_watermark.attr,
	&dev_attr_allocated.attr,
	&dev_attr_peak.attr,
	&dev_attr_denied.attr,
	&dev_attr_tgid.attr,
	&dev_attr_start_time.attr,
	&dev_attr_cgroup_id.attr,
	NULL
};

static const struct attribute_group vfio_pasid_set_group = {
	.attrs = vfio_pasid_set_attrs,
};

const struct attribute_group *vfio_pasid_set_groups[] = {
	&vfio_pasid_set_group,
	NULL
};
