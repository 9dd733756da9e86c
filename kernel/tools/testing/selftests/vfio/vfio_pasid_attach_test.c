// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs of a device that a user attaches to page tables of an iommufd: that it
 * works, and that whoever does it pays for it.
 *
 * Any device that is bound to vfio-pci does, with PASIDs or without: a page table
 * can be attached to a PASID that the device cannot use.  The IOMMU driver must
 * have page tables for PASIDs, or all tests are skipped.
 *
 * The tests of cgroups want the unified hierarchy in /sys/fs/cgroup.
 */
#include <linux/limits.h>
#include <linux/vfio.h>
#include <linux/iommufd.h>

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvfio.h>
#include "kselftest_harness.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"

/* No IOMMU has as many PASIDs: a request has 20 bits for them. */
#define NO_SUCH_PASID	0x100000

/* Seconds in which thousands are attached, also on a kernel with debug options. */
#define MANY_TIMEOUT	600

static const char *cdev_path;
static bool no_pasids;

static int pasid_attach(int fd, u32 pasid, u32 pt_id)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_ATTACH_PASID,
		.pt_id = pt_id,
		.pasid = pasid,
	};

	return ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args) ? -errno : 0;
}

static int pasid_detach(int fd, u32 pasid)
{
	struct vfio_device_detach_iommufd_pt args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	return ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &args) ? -errno : 0;
}

static int object_destroy(int iommufd, u32 id)
{
	struct iommu_destroy args = { .size = sizeof(args), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &args) ? -errno : 0;
}

/* A device that is bound to an iommufd, with two page tables for PASIDs. */
struct user {
	int cdev;
	int iommufd;
	u32 dev_id;
	u32 ioas_id;
	u32 pts[2];
};

static int pt_alloc(struct user *user, u32 flags, u32 *pt_id)
{
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = flags,
		.dev_id = user->dev_id,
		.pt_id = user->ioas_id,
	};

	if (ioctl(user->iommufd, IOMMU_HWPT_ALLOC, &hwpt))
		return -errno;
	*pt_id = hwpt.out_hwpt_id;
	return 0;
}

static int user_open(struct user *user)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	int i, ret;

	user->cdev = open(cdev_path, O_RDWR | O_CLOEXEC);
	user->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	bind.iommufd = user->iommufd;
	if (user->cdev < 0 || user->iommufd < 0 ||
	    ioctl(user->cdev, VFIO_DEVICE_BIND_IOMMUFD, &bind) ||
	    ioctl(user->iommufd, IOMMU_IOAS_ALLOC, &ioas))
		return -errno;
	user->dev_id = bind.out_devid;
	user->ioas_id = ioas.out_ioas_id;

	for (i = 0; i < 2; i++) {
		ret = pt_alloc(user, IOMMU_HWPT_ALLOC_PASID, &user->pts[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void user_close(struct user *user)
{
	/* In this order, so that the device's page tables are there to the end. */
	if (user->cdev >= 0)
		close(user->cdev);
	if (user->iommufd >= 0)
		close(user->iommufd);
	user->cdev = -1;
	user->iommufd = -1;
}

/* In legacy mode, VT-d has page tables for PASIDs all the same. */
static bool iommu_has_no_pasids(void)
{
	struct user user;
	int ret;

	ret = user_open(&user);
	if (!ret)
		ret = pasid_attach(user.cdev, 1, user.pts[0]);
	user_close(&user);
	return ret == -EINVAL;
}

FIXTURE(pasid_attach) {
	struct user user;
	char cgroup[PATH_MAX];
};

FIXTURE_SETUP(pasid_attach)
{
	int ret;

	if (no_pasids)
		SKIP(return, "the IOMMU has no PASIDs");
	ret = user_open(&self->user);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "no page tables for PASIDs");
	ASSERT_EQ(0, ret);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* The number in a file, or the one after @key at the beginning of a line; -1 if there is none. */
static long long read_number(const char *dir, const char *name, const char *key)
{
	size_t key_len = key ? strlen(key) : 0;
	char path[PATH_MAX], line[256], *end;
	long long value, found = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (found < 0 && fgets(line, sizeof(line), file)) {
		if (key && (strncmp(line, key, key_len) || line[key_len] != ' '))
			continue;
		value = strtoll(line + key_len, &end, 10);
		if (end != line + key_len)
			found = value;
	}
	fclose(file);
	return found;
}

/* Make a cgroup with @controller, and go there. */
static int cgroup_enter(char *path, const char *controller, const char *name)
{
	char enable[32];

	snprintf(enable, sizeof(enable), "+%s", controller);
	if (write_file(CGROUP_ROOT, "cgroup.subtree_control", enable))
		return -1;
	snprintf(path, PATH_MAX, CGROUP_ROOT "/vfio_pasid_attach.%s.%d", name, getpid());
	if (mkdir(path, 0755))
		return -1;
	return write_file(path, "cgroup.procs", "0");
}

FIXTURE_TEARDOWN(pasid_attach)
{
	user_close(&self->user);
	if (self->cgroup[0]) {
		write_file(CGROUP_ROOT, "cgroup.procs", "0");
		rmdir(self->cgroup);
	}
}

TEST_F(pasid_attach, replace_detach)
{
	struct user *user = &self->user;

	ASSERT_EQ(0, pasid_attach(user->cdev, 1, user->pts[0]));
	ASSERT_EQ(-EBUSY, object_destroy(user->iommufd, user->pts[0]));

	/* The same again changes nothing, another one takes its place. */
	ASSERT_EQ(0, pasid_attach(user->cdev, 1, user->pts[0]));
	ASSERT_EQ(0, pasid_attach(user->cdev, 1, user->pts[1]));
	ASSERT_EQ(0, object_destroy(user->iommufd, user->pts[0]));
	ASSERT_EQ(-EBUSY, object_destroy(user->iommufd, user->pts[1]));

	ASSERT_EQ(0, pasid_detach(user->cdev, 1));
	ASSERT_EQ(0, pasid_detach(user->cdev, 1));
	ASSERT_EQ(0, object_destroy(user->iommufd, user->pts[1]));
}

TEST_F(pasid_attach, no_such_pasid)
{
	struct user *user = &self->user;

	ASSERT_EQ(-EINVAL, pasid_attach(user->cdev, NO_SUCH_PASID, user->pts[0]));
	ASSERT_EQ(-EINVAL, pasid_attach(user->cdev, INT32_MAX, user->pts[0]));
	ASSERT_EQ(-ENOSPC, pasid_attach(user->cdev, 1U << 31, user->pts[0]));
	ASSERT_EQ(-ENOSPC, pasid_attach(user->cdev, UINT32_MAX, user->pts[0]));
	ASSERT_EQ(0, pasid_detach(user->cdev, NO_SUCH_PASID));
	ASSERT_EQ(0, pasid_detach(user->cdev, UINT32_MAX));
	ASSERT_EQ(0, object_destroy(user->iommufd, user->pts[0]));
}

TEST_F(pasid_attach, no_such_pt)
{
	struct user *user = &self->user;

	ASSERT_EQ(-ENOENT, pasid_attach(user->cdev, 1, UINT32_MAX));
	/* It left nothing behind that would make this a replacement. */
	ASSERT_EQ(0, pasid_attach(user->cdev, 1, user->pts[0]));
	ASSERT_EQ(-ENOENT, pasid_attach(user->cdev, 1, UINT32_MAX));
	ASSERT_EQ(-EBUSY, object_destroy(user->iommufd, user->pts[0]));
}

TEST_F_TIMEOUT(pasid_attach, close_device, MANY_TIMEOUT)
{
	struct user *user = &self->user;
	u32 pasid;

	for (pasid = 1; pasid <= 1000; pasid++)
		ASSERT_EQ(0, pasid_attach(user->cdev, pasid * 7, user->pts[pasid % 2]));
	ASSERT_EQ(0, close(user->cdev));
	user->cdev = -1;
	ASSERT_EQ(0, object_destroy(user->iommufd, user->pts[0]));
	ASSERT_EQ(0, object_destroy(user->iommufd, user->pts[1]));
}

/* Kernel memory of the whole system that attached PASIDs can take. */
static long long system_memory(void)
{
	return (read_number("/proc", "meminfo", "Slab:") +
		read_number("/proc", "meminfo", "SecPageTables:")) * 1024;
}

/*
 * Objects in use in caches of kmalloc() that charge no cgroup; 0 if the kernel
 * does not tell.  Those of the accounted caches begin with "kmalloc-cg-".
 */
static long long uncharged_objects(void)
{
	unsigned long active;
	long long sum = 0;
	char line[512];
	FILE *file;

	file = fopen("/proc/slabinfo", "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "kmalloc-%*[^cg ] %lu", &active) == 1)
			sum += active;
	fclose(file);
	return sum;
}

/*
 * What an attach takes differs, but the XArray in which it has its devices has
 * a node of 576 bytes.  Attach more than the charges that the kernel batches,
 * which would hide it.
 */
TEST_F_TIMEOUT(pasid_attach, memory_is_accounted, MANY_TIMEOUT)
{
	const char *count_env = getenv("VFIO_PASID_ATTACH_COUNT");
	const char *step_env = getenv("VFIO_PASID_ATTACH_STEP");
	const u32 count = count_env ? atoi(count_env) : 8000;
	const u32 step = step_env ? atoi(step_env) : 1;
	struct user *user = &self->user;
	long long before, attached, after, system, uncharged, kept;
	u32 i;

	if (cgroup_enter(self->cgroup, "memory", "memory"))
		SKIP(return, "no memory controller");

	/* What is allocated once. */
	ASSERT_EQ(0, pasid_attach(user->cdev, step, user->pts[0]));
	before = read_number(self->cgroup, "memory.current", NULL);
	system = system_memory();
	uncharged = uncharged_objects();

	for (i = 2; i <= count + 1; i++)
		ASSERT_EQ(0, pasid_attach(user->cdev, i * step, user->pts[0]));
	attached = read_number(self->cgroup, "memory.current", NULL) - before;
	system = system_memory() - system;
	uncharged = uncharged_objects() - uncharged;

	for (i = 2; i <= count + 1; i++)
		ASSERT_EQ(0, pasid_detach(user->cdev, i * step));
	/*
	 * The XArrays free their nodes after an RCU grace period.  An IOMMU driver
	 * may keep the pages of a table, with 64 entries or more in 4 KiB.
	 */
	kept = attached / 10 + count * (step < 64 ? step * 64LL : 4096);
	for (i = 0; i < 100; i++) {
		after = read_number(self->cgroup, "memory.current", NULL) - before;
		if (after <= kept)
			break;
		usleep(50000);
	}

	TH_LOG("%u PASIDs %u apart: all %lld KiB, cgroup %lld KiB, kept %lld KiB; %lld uncharged",
	       count, step, system / 1024, attached / 1024, after / 1024, uncharged);
	EXPECT_GE(attached, count * 576LL);
	EXPECT_LE(after, kept);
}

int main(int argc, char *argv[])
{
	const char *device_bdf = vfio_selftests_get_bdf(&argc, argv);

	cdev_path = vfio_pci_get_cdev_path(device_bdf);
	printf("Using cdev device %s\n", cdev_path);
	no_pasids = iommu_has_no_pasids();

	return test_harness_run(argc, argv);
}
