// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of VFIO_IOMMU_PASID_REQUEST, /sys/class/vfio_pasid, the misc cgroup
 * resource "pasid" and the generic netlink family vfio_pasid.
 *
 * To run as root, with one or two devices behind a PASID-capable IOMMU, in
 * different IOMMU groups, bound to vfio-pci and otherwise unused.  What cannot
 * run for want of devices, of cgroup v2 or of the feature is skipped.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vfio.h>
#include <linux/vfio_pasid.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest_harness.h"

#define CLASS_DIR	"/sys/class/vfio_pasid"
#define DRIVER_DIR	"/sys/bus/pci/drivers/vfio-pci"
#define MDEV_CLASS_DIR	"/sys/class/mdev_bus"
#define MDEV_DIR	"/sys/bus/mdev/devices"
#define CGROUP_DIR	"/sys/fs/cgroup"
#define TEST_CGROUP	CGROUP_DIR "/vfio_pasid_test"
#define PARAM_DIR	"/sys/module/vfio_pasid/parameters"

#define MAX_GROUPS	4
#define NO_SET		0
#define NO_VALUE	(~0ULL)
#define MAX		(~0U)	/* no upper bound */

/* ---- files ---- */

static int read_file(const char *path, char *buf, size_t size)
{
	ssize_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else
		buf[len] = '\0';
	close(fd);
	return len < 0 ? len : 0;
}

static int write_file(const char *path, const char *text)
{
	ssize_t len;
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	if (len < 0)
		len = -errno;
	close(fd);
	return len < 0 ? len : 0;
}

static __u64 read_u64(const char *path)
{
	char buf[64];

	if (read_file(path, buf, sizeof(buf)))
		return NO_VALUE;
	return strtoull(buf, NULL, 10);
}

static __u64 set_get(__u64 id, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS_DIR "/set%llu/%s", id, name);
	return read_u64(path);
}

static int set_put_text(__u64 id, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS_DIR "/set%llu/%s", id, name);
	return write_file(path, text);
}

static int set_put(__u64 id, const char *name, __u64 value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", value);
	return set_put_text(id, name, text);
}

static int put_param(const char *name, __u64 value)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), PARAM_DIR "/%s", name);
	snprintf(text, sizeof(text), "%llu", value);
	return write_file(path, text);
}

static bool set_exists(__u64 id)
{
	return set_get(id, "quota") != NO_VALUE;
}

/* The newest set of a process; older ones can be left from before an exec. */
static __u64 set_of(pid_t pid)
{
	__u64 id, found = NO_SET;
	struct dirent *de;
	DIR *dir;

	dir = opendir(CLASS_DIR);
	if (!dir)
		return NO_SET;
	while ((de = readdir(dir))) {
		if (sscanf(de->d_name, "set%llu", &id) != 1)
			continue;
		if (set_get(id, "tgid") == (__u64)pid && id > found)
			found = id;
	}
	closedir(dir);
	return found;
}

/* Field 22 of /proc/PID/stat. */
static __u64 start_time_of(pid_t pid)
{
	char path[64], buf[1024], *p;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, buf, sizeof(buf)))
		return NO_VALUE;
	p = strrchr(buf, ')');
	for (i = 2; p && i < 22; i++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : NO_VALUE;
}

/* The line of "pasid", or of "pasid.max" in misc.events. */
static __u64 misc_get(const char *dir, const char *file, const char *key)
{
	char path[PATH_MAX], buf[1024], *line, *save;
	size_t len = strlen(key);

	snprintf(path, sizeof(path), "%s/misc.%s", dir, file);
	if (read_file(path, buf, sizeof(buf)))
		return NO_VALUE;
	for (line = strtok_r(buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoull(line + len + 1, NULL, 10);
	}
	return NO_VALUE;
}

static __u64 misc_total(void)
{
	return misc_get(CGROUP_DIR, "current", "pasid");
}

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* ---- VFIO ---- */

/* The groups of what is bound to vfio-pci, each one once. */
static int find_groups(int *groups, int max)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct dirent *de;
	ssize_t len;
	int n = 0, i;
	DIR *dir;

	dir = opendir(DRIVER_DIR);
	if (!dir)
		return 0;
	while (n < max && (de = readdir(dir))) {
		if (!strchr(de->d_name, ':'))
			continue;
		snprintf(path, sizeof(path), DRIVER_DIR "/%s/iommu_group",
			 de->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		groups[n] = atoi(strrchr(link, '/') + 1);
		for (i = 0; i < n && groups[i] != groups[n]; i++)
			;
		if (i == n)
			n++;
	}
	closedir(dir);
	return n;
}

static int open_group(int number)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Add the first group to a container.  Returns 0 or -errno. */
static int attach(int group, int container, bool set_iommu)
{
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    (set_iommu &&
	     ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)))
		return -errno;
	return 0;
}

/* A container that one group was added to.  Returns it or -errno. */
static int open_container(int group, bool set_iommu)
{
	int container, ret;

	container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		return -errno;
	ret = attach(group, container, set_iommu);
	if (ret) {
		close(container);
		return ret;
	}
	return container;
}

/*
 * Make a mediated device, of a parent that is behind an IOMMU or of one that is
 * not, and open its group.  Returns -ENODEV if there is no such parent.
 */
static int open_mdev(bool iommu, const char *uuid)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct dirent *parent, *type;
	int ret = -ENODEV;
	DIR *dir, *types;
	ssize_t len;

	dir = opendir(MDEV_CLASS_DIR);
	if (!dir)
		return -ENODEV;
	while (ret == -ENODEV && (parent = readdir(dir))) {
		if (parent->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), MDEV_CLASS_DIR "/%s/iommu",
			 parent->d_name);
		if (!access(path, F_OK) != iommu)
			continue;
		snprintf(path, sizeof(path),
			 MDEV_CLASS_DIR "/%s/mdev_supported_types",
			 parent->d_name);
		types = opendir(path);
		while (types && ret == -ENODEV && (type = readdir(types))) {
			if (type->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), MDEV_CLASS_DIR
				 "/%s/mdev_supported_types/%s/create",
				 parent->d_name, type->d_name);
			ret = write_file(path, uuid);
		}
		if (types)
			closedir(types);
	}
	closedir(dir);
	if (ret)
		return ret;

	snprintf(path, sizeof(path), MDEV_DIR "/%s/iommu_group", uuid);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = '\0';
	return open_group(atoi(strrchr(link, '/') + 1));
}

static void remove_mdev(const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), MDEV_DIR "/%s/remove", uuid);
	write_file(path, "1");
}

struct alloc_req {
	struct vfio_iommu_pasid_request hdr;
	struct vfio_pasid_request_alloc data;
};

struct many_req {
	__u32 argsz;
	__u32 flags;
	__u32 min;
	__u32 max;
	__u32 count;
	__u32 pasids[VFIO_PASID_REQUEST_MAX + 1];
};

struct free_req {
	struct vfio_iommu_pasid_request hdr;
	struct vfio_pasid_request_free data;
};

static int request(int container, void *req)
{
	return ioctl(container, VFIO_IOMMU_PASID_REQUEST, req) ? -errno : 0;
}

/* Returns the PASID or -errno. */
static int pasid_alloc_flags(int container, __u32 min, __u32 max,
			     __u32 flags)
{
	struct alloc_req req = {
		.hdr = { .argsz = sizeof(req), .flags = flags },
		.data = { .min = min, .max = max },
	};
	int ret;

	ret = request(container, &req);
	return ret ? ret : (int)req.data.result;
}

static int pasid_alloc(int container, __u32 min, __u32 max)
{
	return pasid_alloc_flags(container, min, max,
				 VFIO_PASID_REQUEST_ALLOC);
}

static int pasid_alloc_any(int container)
{
	return pasid_alloc(container, 1, MAX);
}

static int pasid_free_flags(int container, __u32 min, __u32 max,
			    __u32 flags)
{
	struct free_req req = {
		.hdr = { .argsz = sizeof(req), .flags = flags },
		.data = { .min = min, .max = max },
	};

	return request(container, &req);
}

static int pasid_free(int container, __u32 min, __u32 max)
{
	return pasid_free_flags(container, min, max, VFIO_PASID_REQUEST_FREE);
}

/*
 * Whether the kernel has no PASIDs for this container, and not merely one of
 * the other errors, which are for the tests to find.
 */
static bool no_pasids(int container)
{
	int ret;

	if (ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC) == 1)
		return false;
	ret = pasid_alloc_flags(container, 1, MAX, VFIO_PASID_REQUEST_ALLOC |
				VFIO_PASID_REQUEST_PROBE);
	return ret == -ENOTTY || ret == -EOPNOTSUPP;
}

/* The PASID capability of VFIO_IOMMU_GET_INFO; returns whether there is one. */
static bool info_cap(int container, struct vfio_iommu_type1_info_cap_pasid *cap)
{
	__u64 buf[512] = {};
	struct vfio_iommu_type1_info *info = (void *)buf;
	struct vfio_info_cap_header *hdr;
	__u32 off;

	info->argsz = sizeof(buf);
	if (ioctl(container, VFIO_IOMMU_GET_INFO, info) ||
	    !(info->flags & VFIO_IOMMU_INFO_CAPS))
		return false;
	for (off = info->cap_offset; off; off = hdr->next) {
		hdr = (void *)((char *)buf + off);
		if (hdr->id == VFIO_IOMMU_TYPE1_INFO_CAP_PASID) {
			memcpy(cap, hdr, sizeof(*cap));
			return true;
		}
	}
	return false;
}

/* ---- netlink ---- */

struct genl {
	int fd;
	__u16 family;
	__u32 group;
};

/* What a message of the family said; attributes that it lacked are zero. */
struct msg {
	__u8 cmd;
	__u64 set[VFIO_PASID_A_SET_MAX + 1];
	bool has[VFIO_PASID_A_SET_MAX + 1];
};

#define NLA_FIRST(nlh) ((struct nlattr *)((char *)NLMSG_DATA(nlh) + GENL_HDRLEN))
#define NLA_BODY(nla) ((void *)((char *)(nla) + NLA_HDRLEN))

static bool nla_ok(struct nlmsghdr *nlh, struct nlattr *nla)
{
	long left = (char *)nlh + nlh->nlmsg_len - (char *)nla;

	return left >= (long)sizeof(*nla) && nla->nla_len >= sizeof(*nla) &&
	       nla->nla_len <= left;
}

static struct nlattr *nla_next(struct nlattr *nla)
{
	return (void *)((char *)nla + NLA_ALIGN(nla->nla_len));
}

static int genl_send(struct genl *genl, __u16 type, __u8 cmd,
		     __u16 flags, __u16 attr, const void *data,
		     size_t len)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genlh;
		struct nlattr nla;
		char data[64];
	} req = {
		.nlh = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.genlh = { .cmd = cmd, .version = 1 },
	};

	if (data) {
		req.nla.nla_type = attr;
		req.nla.nla_len = NLA_HDRLEN + len;
		memcpy(req.data, data, len);
		req.nlh.nlmsg_len += NLA_ALIGN(req.nla.nla_len);
	}
	return send(genl->fd, &req, req.nlh.nlmsg_len, 0) < 0 ? -errno : 0;
}

static int genl_open(struct genl *genl)
{
	__u64 buf[1024];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *nla, *grp, *a;
	int ret, end;

	genl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (genl->fd < 0)
		return -errno;
	ret = genl_send(genl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0,
			CTRL_ATTR_FAMILY_NAME, VFIO_PASID_FAMILY_NAME,
			sizeof(VFIO_PASID_FAMILY_NAME));
	if (ret)
		goto err_close;
	if (recv(genl->fd, buf, sizeof(buf), 0) < 0) {
		ret = -errno;
		goto err_close;
	}
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		ret = ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
		goto err_close;
	}
	for (nla = NLA_FIRST(nlh); nla_ok(nlh, nla); nla = nla_next(nla)) {
		if (nla->nla_type == CTRL_ATTR_FAMILY_ID)
			genl->family = *(__u16 *)NLA_BODY(nla);
		if (nla->nla_type != CTRL_ATTR_MCAST_GROUPS)
			continue;
		grp = NLA_BODY(nla);
		end = grp->nla_len - NLA_HDRLEN;
		for (a = NLA_BODY(grp); end > 0;
		     end -= NLA_ALIGN(a->nla_len), a = nla_next(a))
			if (a->nla_type == CTRL_ATTR_MCAST_GRP_ID)
				genl->group = *(__u32 *)NLA_BODY(a);
	}
	return 0;

err_close:
	close(genl->fd);
	return ret;
}

static int genl_join(struct genl *genl)
{
	return setsockopt(genl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			  &genl->group, sizeof(genl->group)) ? -errno : 0;
}

static void msg_parse(struct nlmsghdr *nlh, struct msg *msg)
{
	struct nlattr *nla;
	int type;

	memset(msg, 0, sizeof(*msg));
	msg->cmd = ((struct genlmsghdr *)NLMSG_DATA(nlh))->cmd;
	for (nla = NLA_FIRST(nlh); nla_ok(nlh, nla); nla = nla_next(nla)) {
		type = nla->nla_type & NLA_TYPE_MASK;
		if (type > VFIO_PASID_A_SET_MAX)
			continue;
		if (nla->nla_len - NLA_HDRLEN == 8)
			memcpy(&msg->set[type], NLA_BODY(nla), 8);
		else if (nla->nla_len - NLA_HDRLEN == 4)
			msg->set[type] = *(__u32 *)NLA_BODY(nla);
		msg->has[type] = true;
	}
}

/* One reply, 0 or -errno. */
static int genl_do(struct genl *genl, __u8 cmd, __u16 attr,
		   const void *data, size_t len, struct msg *msg)
{
	__u64 buf[1024];
	struct nlmsghdr *nlh = (void *)buf;
	int ret;

	ret = genl_send(genl, genl->family, cmd, 0, attr, data, len);
	if (ret)
		return ret;
	if (recv(genl->fd, buf, sizeof(buf), 0) < 0)
		return -errno;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	msg_parse(nlh, msg);
	return 0;
}

/* Number of sets or -errno; at most max are stored. */
static int genl_dump(struct genl *genl, struct msg *msgs, int max)
{
	__u64 buf[4096];
	struct nlmsghdr *nlh;
	int ret, n = 0;
	ssize_t len;

	ret = genl_send(genl, genl->family, VFIO_PASID_CMD_SET_GET, NLM_F_DUMP,
			0, NULL, 0);
	if (ret)
		return ret;
	for (;;) {
		len = recv(genl->fd, buf, sizeof(buf), 0);
		if (len < 0)
			return -errno;
		for (nlh = (void *)buf; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return n;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			if (n < max)
				msg_parse(nlh, &msgs[n]);
			n++;
		}
	}
}

/* The next event, or false if none comes within the time. */
static bool genl_event(struct genl *genl, int timeout_ms, struct msg *msg)
{
	struct pollfd pfd = { .fd = genl->fd, .events = POLLIN };
	__u64 buf[1024];

	if (poll(&pfd, 1, timeout_ms) != 1 ||
	    recv(genl->fd, buf, sizeof(buf), 0) < 0)
		return false;
	msg_parse((void *)buf, msg);
	return true;
}

/* ---- fixtures ---- */

FIXTURE(pasid)
{
	int nr_groups;
	int groups[MAX_GROUPS];
	int group;
	int container;
	__u64 set;
	__u64 base;		/* PASIDs charged before the test */
	__u64 default_quota;	/* to be restored */
	__u64 max_sets;
	__u64 floor;
};

FIXTURE_SETUP(pasid)
{
	self->group = -1;
	self->container = -1;
	self->nr_groups = find_groups(self->groups, MAX_GROUPS);
	if (!self->nr_groups)
		SKIP(return, "no device is bound to vfio-pci");
	self->base = misc_total();
	self->group = open_group(self->groups[0]);
	if (self->group < 0)
		SKIP(return, "cannot open the group: %s", strerror(errno));
	self->container = open_container(self->group, true);
	ASSERT_GE(self->container, 0);
	self->default_quota = read_u64(PARAM_DIR "/default_quota");
	self->max_sets = read_u64(PARAM_DIR "/max_sets");
	self->floor = read_u64(PARAM_DIR "/floor");
	if (no_pasids(self->container))
		SKIP(return, "no PASID allocation here");
	self->set = set_of(getpid());
	ASSERT_NE(NO_SET, self->set);
}

FIXTURE_TEARDOWN(pasid)
{
	if (self->group >= 0)
		close(self->group);
	if (self->container >= 0)
		close(self->container);
	if (self->set != NO_SET) {
		put_param("default_quota", self->default_quota);
		put_param("max_sets", self->max_sets);
		put_param("floor", self->floor);
		/* The account stays for as long as the process. */
		EXPECT_EQ(0, set_get(self->set, "allocated"));
		EXPECT_EQ(self->base, misc_total());
	}
}

/* ---- the ioctl ---- */

TEST_F(pasid, extension)
{
	EXPECT_EQ(1, ioctl(self->container, VFIO_CHECK_EXTENSION,
			   VFIO_TYPE1_PASID_ALLOC));
}

TEST_F(pasid, before_set_iommu)
{
	int container, group;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	group = open_group(self->groups[1]);
	ASSERT_GE(group, 0);
	container = open_container(group, false);
	ASSERT_GE(container, 0);
	EXPECT_EQ(0, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(-EINVAL, pasid_alloc_any(container));
	EXPECT_EQ(-EINVAL, pasid_free(container, 0, MAX));
	ASSERT_EQ(0, ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	/* Removing the last group takes the container back to where it was. */
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(0, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(-EINVAL, pasid_alloc_any(container));
	close(container);
	close(group);
}

TEST_F(pasid, bad_arguments)
{
	static const __u32 bad_flags[] = {
		0,
		VFIO_PASID_REQUEST_PROBE,
		VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_FREE,
		VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_FREE |
			VFIO_PASID_REQUEST_PROBE,
		VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_ALLOC_MANY,
		VFIO_PASID_REQUEST_FREE | VFIO_PASID_REQUEST_ALLOC_MANY,
		VFIO_PASID_REQUEST_ALLOC | 1 << 4,
		VFIO_PASID_REQUEST_FREE | 1U << 31,
		MAX,
	};
	struct alloc_req alloc = {
		.hdr = { .flags = VFIO_PASID_REQUEST_ALLOC },
		.data = { .min = 1, .max = MAX, .result = 4711 },
	};
	struct free_req free = {
		.hdr = { .flags = VFIO_PASID_REQUEST_FREE },
		.data = { .max = MAX },
	};
	unsigned int probe, i;

	for (i = 0; i < ARRAY_SIZE(bad_flags); i++) {
		EXPECT_EQ(-EINVAL, pasid_alloc_flags(self->container, 1, 9,
						     bad_flags[i]));
	}

	for (probe = 0; probe <= VFIO_PASID_REQUEST_PROBE;
	     probe += VFIO_PASID_REQUEST_PROBE) {
		alloc.hdr.flags = VFIO_PASID_REQUEST_ALLOC | probe;
		for (i = 0; i < 20; i++) {
			alloc.hdr.argsz = i;
			EXPECT_EQ(-EINVAL, request(self->container, &alloc));
		}
		free.hdr.flags = VFIO_PASID_REQUEST_FREE | probe;
		for (i = 0; i < 16; i++) {
			free.hdr.argsz = i;
			EXPECT_EQ(-EINVAL, request(self->container, &free));
		}
		EXPECT_EQ(-EINVAL,
			  pasid_alloc_flags(self->container, 5, 4,
					    VFIO_PASID_REQUEST_ALLOC | probe));
		EXPECT_EQ(-EINVAL,
			  pasid_free_flags(self->container, 5, 4,
					   VFIO_PASID_REQUEST_FREE | probe));
	}
	EXPECT_EQ(4711, alloc.data.result);
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	EXPECT_EQ(0, set_get(self->set, "denied"));
}

TEST_F(pasid, larger_argsz)
{
	struct {
		struct alloc_req req;
		__u8 more[32];
	} alloc = {
		.req = {
			.hdr = {
				.argsz = MAX,
				.flags = VFIO_PASID_REQUEST_ALLOC,
			},
			.data = { .min = 7000, .max = 7000 },
		},
	}, expected;
	int i;

	memset(alloc.more, 0xa5, sizeof(alloc.more));
	expected = alloc;
	expected.req.data.result = 7000;
	ASSERT_EQ(0, request(self->container, &alloc));
	/* Nothing but the result is written. */
	for (i = 0; i < (int)sizeof(alloc); i++)
		EXPECT_EQ(((__u8 *)&expected)[i], ((__u8 *)&alloc)[i]);
	EXPECT_EQ(0, pasid_free(self->container, 7000, 7000));
}

TEST_F(pasid, faults)
{
	struct alloc_req *req;
	__u8 *page;
	long size = sysconf(_SC_PAGESIZE);

	EXPECT_EQ(-EFAULT, request(self->container, NULL));

	/* The header ends where the readable memory ends. */
	page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(0, mprotect(page + size, size, PROT_NONE));
	req = (void *)(page + size - sizeof(req->hdr));
	req->hdr.argsz = sizeof(*req);
	req->hdr.flags = VFIO_PASID_REQUEST_ALLOC;
	EXPECT_EQ(-EFAULT, request(self->container, req));
	req->hdr.flags = VFIO_PASID_REQUEST_FREE;
	EXPECT_EQ(-EFAULT, request(self->container, req));
	req->hdr.flags |= VFIO_PASID_REQUEST_PROBE;
	EXPECT_EQ(-EFAULT, request(self->container, req));

	/* The result cannot be written: the allocation must be undone. */
	req = (void *)page;
	req->hdr.argsz = sizeof(*req);
	req->hdr.flags = VFIO_PASID_REQUEST_ALLOC;
	req->data.min = 1;
	req->data.max = MAX;
	ASSERT_EQ(0, mprotect(page, size, PROT_READ));
	EXPECT_EQ(-EFAULT, request(self->container, req));
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	EXPECT_EQ(0, set_get(self->set, "peak"));
	EXPECT_EQ(0, set_get(self->set, "denied"));
	EXPECT_EQ(self->base, misc_total());

	/* So often that the quota would have been used up. */
	ASSERT_EQ(0, set_put(self->set, "quota", 3));
	EXPECT_EQ(-EFAULT, request(self->container, req));
	EXPECT_EQ(-EFAULT, request(self->container, req));
	EXPECT_EQ(-EFAULT, request(self->container, req));
	EXPECT_EQ(-EFAULT, request(self->container, req));
	munmap(page, 2 * size);
}

TEST_F(pasid, probe)
{
	int flags = VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_PROBE;
	int pasid;

	EXPECT_EQ(0, pasid_alloc_flags(self->container, 1, MAX, flags));
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	/* A range that this system can never serve. */
	EXPECT_EQ(-ENOSPC, pasid_alloc_flags(self->container, 0, 0, flags));
	EXPECT_EQ(-ENOSPC, pasid_alloc_flags(self->container, MAX,
					     MAX, flags));
	EXPECT_EQ(0, set_get(self->set, "denied"));

	pasid = pasid_alloc_any(self->container);
	ASSERT_GT(pasid, 0);
	EXPECT_EQ(0, pasid_free_flags(self->container, 0, MAX,
				      VFIO_PASID_REQUEST_FREE |
				      VFIO_PASID_REQUEST_PROBE));
	EXPECT_EQ(1, set_get(self->set, "allocated"));
}

TEST_F(pasid, ranges)
{
	int i, pasid;

	/* PASID 0 is never given out, both ends of a range are. */
	EXPECT_LT(0, pasid_alloc(self->container, 0, MAX));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 0, 0));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 1 << 20, MAX));
	EXPECT_EQ(2, set_get(self->set, "denied"));
	EXPECT_EQ(1, set_get(self->set, "allocated"));

	for (i = 0; i < 3; i++) {
		pasid = pasid_alloc(self->container, 5000, 5002);
		EXPECT_LE(5000, pasid);
		EXPECT_GE(5002, pasid);
	}
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 5000, 5002));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 5001, 5001));
	EXPECT_EQ(4, set_get(self->set, "denied"));
	EXPECT_EQ(4, set_get(self->set, "allocated"));
	EXPECT_EQ(self->base + 4, misc_total());

	/* Only what lies in the range is freed, and only once. */
	EXPECT_EQ(0, pasid_free(self->container, 5001, 5001));
	EXPECT_EQ(3, set_get(self->set, "allocated"));
	EXPECT_EQ(0, pasid_free(self->container, 5001, 5001));
	EXPECT_EQ(3, set_get(self->set, "allocated"));
	EXPECT_EQ(5001, pasid_alloc(self->container, 5000, 5002));
	EXPECT_EQ(0, pasid_free(self->container, 5001, MAX));
	EXPECT_EQ(2, set_get(self->set, "allocated"));
	EXPECT_EQ(5001, pasid_alloc(self->container, 5000, 5002));
	EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	EXPECT_EQ(4, set_get(self->set, "peak"));
	EXPECT_EQ(self->base, misc_total());
}

TEST_F(pasid, large_free)
{
	int i;

	ASSERT_EQ(0, set_put(self->set, "quota", 5000));
	for (i = 10000; i < 15000; i++)
		ASSERT_EQ(i, pasid_alloc(self->container, i, i));
	EXPECT_EQ(-EDQUOT, pasid_alloc(self->container, 10000, 19999));
	EXPECT_EQ(0, pasid_free(self->container, 10001, 14998));
	EXPECT_EQ(2, set_get(self->set, "allocated"));
	EXPECT_EQ(10001, pasid_alloc(self->container, 10001, 10001));
	EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
	EXPECT_EQ(0, set_get(self->set, "allocated"));
}

TEST_F(pasid, info)
{
	struct vfio_iommu_type1_info_cap_pasid cap = {};

	ASSERT_TRUE(info_cap(self->container, &cap));
	EXPECT_EQ(1, cap.header.version);
	EXPECT_LT(0, cap.min);
	EXPECT_LT(cap.min, cap.max);
	EXPECT_EQ(set_get(self->set, "quota"), cap.quota);
	EXPECT_EQ(0, cap.allocated);

	EXPECT_EQ(cap.max, pasid_alloc(self->container, cap.max, MAX));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, cap.max, MAX));
	ASSERT_EQ(0, set_put(self->set, "quota", 77));
	ASSERT_TRUE(info_cap(self->container, &cap));
	EXPECT_EQ(77, cap.quota);
	EXPECT_EQ(1, cap.allocated);
}

static int pasid_alloc_many(int container, struct many_req *req, __u32 count)
{
	req->argsz = sizeof(*req);
	req->flags = VFIO_PASID_REQUEST_ALLOC_MANY;
	req->count = count;
	memset(req->pasids, 0xa5, sizeof(req->pasids));
	return request(container, req);
}

TEST_F(pasid, many)
{
	static bool seen[100];
	struct many_req req = { .min = 22000, .max = 22099 }, *at_edge;
	long size = sysconf(_SC_PAGESIZE);
	__u32 flags, i;
	__u8 *page;

	ASSERT_EQ(0, pasid_alloc_many(self->container, &req, 64));
	EXPECT_EQ(64, set_get(self->set, "allocated"));
	EXPECT_EQ(self->base + 64, misc_total());
	for (i = 0; i < 64; i++) {
		ASSERT_LE(22000, req.pasids[i]);
		ASSERT_GE(22099, req.pasids[i]);
		EXPECT_FALSE(seen[req.pasids[i] - 22000]);
		seen[req.pasids[i] - 22000] = true;
	}
	EXPECT_EQ(0xa5a5a5a5, req.pasids[64]);
	EXPECT_EQ(64, req.count);

	/* All or none. */
	EXPECT_EQ(-ENOSPC, pasid_alloc_many(self->container, &req, 37));
	EXPECT_EQ(0xa5a5a5a5, req.pasids[0]);
	ASSERT_EQ(0, set_put(self->set, "quota", 66));
	EXPECT_EQ(-EDQUOT, pasid_alloc_many(self->container, &req, 3));
	EXPECT_EQ(2, set_get(self->set, "denied"));
	EXPECT_EQ(64, set_get(self->set, "allocated"));
	EXPECT_EQ(64, set_get(self->set, "peak"));
	EXPECT_EQ(self->base + 64, misc_total());
	EXPECT_EQ(0, pasid_alloc_many(self->container, &req, 2));
	EXPECT_EQ(0, pasid_free(self->container, 22000, 22099));
	EXPECT_EQ(0, set_get(self->set, "allocated"));

	/* What is wrong. */
	EXPECT_EQ(-EINVAL, pasid_alloc_many(self->container, &req, 0));
	EXPECT_EQ(-EINVAL, pasid_alloc_many(self->container, &req, 65));
	EXPECT_EQ(-EINVAL, pasid_alloc_many(self->container, &req, MAX));
	for (flags = 0; flags <= VFIO_PASID_REQUEST_PROBE;
	     flags += VFIO_PASID_REQUEST_PROBE) {
		req.flags = VFIO_PASID_REQUEST_ALLOC_MANY | flags;
		req.count = 8;
		for (i = 0; i < 52; i++) {
			req.argsz = i;
			EXPECT_EQ(-EINVAL, request(self->container, &req));
		}
	}
	req.argsz = 52;
	EXPECT_EQ(0, request(self->container, &req));
	EXPECT_EQ(0, set_get(self->set, "allocated"));

	/* The last of them cannot be written. */
	page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(0, mprotect(page + size, size, PROT_NONE));
	at_edge = (void *)(page + size - 48);
	req.flags = VFIO_PASID_REQUEST_ALLOC_MANY;
	memcpy(at_edge, &req, 48);
	EXPECT_EQ(-EFAULT, request(self->container, at_edge));
	at_edge = (void *)(page + size - 16);
	memcpy(at_edge, &req, 16);
	EXPECT_EQ(-EFAULT, request(self->container, at_edge));
	munmap(page, 2 * size);
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	EXPECT_EQ(66, set_get(self->set, "peak"));
	EXPECT_EQ(self->base, misc_total());
}

/* Low numbers are for those who can use no others. */
TEST_F(pasid, floor)
{
	__u32 probe = VFIO_PASID_REQUEST_ALLOC | VFIO_PASID_REQUEST_PROBE;
	struct vfio_iommu_type1_info_cap_pasid cap;

	ASSERT_TRUE(info_cap(self->container, &cap));
	ASSERT_EQ(0, put_param("floor", 30000));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 1, 29999));
	EXPECT_EQ(-ENOSPC, pasid_alloc_flags(self->container, 1, 29999, probe));
	EXPECT_EQ(30000, pasid_alloc(self->container, 1, 30000));
	EXPECT_EQ(0, pasid_alloc_flags(self->container, 1, 30000, probe));
	EXPECT_LT(30000, pasid_alloc_any(self->container));
	ASSERT_TRUE(info_cap(self->container, &cap));
	EXPECT_EQ(30000, cap.min);

	/* What is held stays. */
	ASSERT_EQ(0, put_param("floor", 31000));
	EXPECT_EQ(2, set_get(self->set, "allocated"));
	EXPECT_EQ(0, pasid_free(self->container, 1, 30000));
	EXPECT_EQ(1, set_get(self->set, "allocated"));

	/* A container that is not as wide gets the low ones. */
	ASSERT_EQ(0, put_param("floor", cap.max + 1));
	ASSERT_TRUE(info_cap(self->container, &cap));
	EXPECT_EQ(1, cap.min);
	EXPECT_GT(30000, pasid_alloc(self->container, 1, 29999));

	EXPECT_EQ(-EINVAL, write_file(PARAM_DIR "/floor", "1048577"));
}

/* Nobody is given what the one before may still be draining. */
TEST_F(pasid, freed_is_not_next)
{
	int i, pasid, last = 0;

	for (i = 0; i < 100; i++) {
		pasid = pasid_alloc(self->container, 21000, 21009);
		ASSERT_LE(21000, pasid);
		EXPECT_NE(last, pasid);
		last = pasid;
		ASSERT_EQ(0, pasid_free(self->container, pasid, pasid));
	}
}

/* Neither IOMMUFD nor what it offers to users of VFIO knows the ioctl. */
TEST(iommufd)
{
	int fd;

	fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		SKIP(return, "no IOMMUFD");
	EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(-ENOTTY, pasid_alloc_any(fd));
	EXPECT_EQ(-ENOTTY, pasid_free(fd, 0, MAX));
	close(fd);
}

/* ---- sets ---- */

TEST_F(pasid, identity)
{
	__u64 id = 0;

	EXPECT_EQ(getpid(), set_get(self->set, "tgid"));
	EXPECT_EQ(start_time_of(getpid()), set_get(self->set, "start_time"));
	id = set_get(self->set, "cgroup_id");
	EXPECT_NE(0, id);
	EXPECT_NE(NO_VALUE, id);
}

struct attach_args {
	int group;
	int container;
	int ret;
};

static void *attach_thread(void *arg)
{
	struct attach_args *args = arg;

	args->ret = attach(args->group, args->container, true);
	return NULL;
}

/*
 * Whichever thread sets up the container, the set is that of the process.  A new
 * process, as this one has its set already.
 */
TEST_F(pasid, attached_by_a_thread)
{
	struct attach_args args = {
		.group = self->group,
		.container = self->container,
	};
	pthread_t thread;
	int status;
	pid_t pid;

	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		__u64 set;

		/* The thread starts some clock ticks later than the process. */
		usleep(50 * 1000);
		if (pthread_create(&thread, NULL, attach_thread, &args) ||
		    pthread_join(thread, NULL) || args.ret)
			_exit(1);
		set = set_of(getpid());
		if (set == NO_SET || set == self->set)
			_exit(2);
		_exit(set_get(set, "start_time") == start_time_of(getpid()) ? 0 : 3);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* Nobody gets rid of a quota by setting up the container again. */
TEST_F(pasid, account_stays)
{
	int i;

	ASSERT_EQ(0, set_put(self->set, "quota", 2));
	ASSERT_EQ(0, set_put(self->set, "watermark", 1));
	for (i = 0; i < 3; i++) {
		ASSERT_GT(pasid_alloc_any(self->container), 0);
		ASSERT_GT(pasid_alloc_any(self->container), 0);
		EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
		EXPECT_EQ(i + 1, set_get(self->set, "denied"));

		ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
		EXPECT_EQ(0, set_get(self->set, "allocated"));
		EXPECT_EQ(2, set_get(self->set, "peak"));
		EXPECT_EQ(self->base, misc_total());
		if (i == 1) {
			close(self->container);
			self->container = open("/dev/vfio/vfio", O_RDWR);
			ASSERT_GE(self->container, 0);
		}
		ASSERT_EQ(0, attach(self->group, self->container, true));
		EXPECT_EQ(self->set, set_of(getpid()));
		EXPECT_EQ(2, set_get(self->set, "quota"));
		EXPECT_EQ(1, set_get(self->set, "watermark"));
	}
}

/* A process's set, or NO_SET if it could not be made. */
static __u64 set_of_child(int group_number)
{
	__u64 set = NO_SET;
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return NO_SET;
	pid = fork();
	if (!pid) {
		int group = open_group(group_number);

		open_container(group, true);
		set = set_of(getpid());
		_exit(write(fds[1], &set, sizeof(set)) != sizeof(set));
	}
	close(fds[1]);
	if (read(fds[0], &set, sizeof(set)) != sizeof(set))
		set = NO_SET;
	close(fds[0]);
	waitpid(pid, NULL, 0);
	return set;
}

/* Not even if everybody has gone and the module was to be unloaded. */
TEST_F(pasid, id_not_reused)
{
	__u64 old;

	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	close(self->group);
	close(self->container);
	self->container = -1;
	self->group = -1;
	old = set_of_child(self->groups[0]);
	EXPECT_LT(self->set, old);
	EXPECT_FALSE(set_exists(old));
	EXPECT_LT(old, set_of_child(self->groups[0]));
}

TEST(id_not_reused_after_unload)
{
	int groups[MAX_GROUPS];
	__u64 old;

	if (!find_groups(groups, MAX_GROUPS))
		SKIP(return, "no device is bound to vfio-pci");
	old = set_of_child(groups[0]);
	if (old == NO_SET)
		SKIP(return, "no PASID allocation here");
	/* The module of the KUnit tests, if it is loaded, is a user of it. */
	syscall(SYS_delete_module, "vfio_pasid_kunit", O_NONBLOCK);
	if (syscall(SYS_delete_module, "vfio_pasid", O_NONBLOCK) &&
	    errno != EBUSY && errno != ENOENT)
		SKIP(return, "delete_module: %s", strerror(errno));
	EXPECT_LT(old, set_of_child(groups[0]));
}

TEST_F(pasid, two_containers_one_set)
{
	int container, group, pasid;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	group = open_group(self->groups[1]);
	ASSERT_GE(group, 0);
	container = open_container(group, true);
	ASSERT_GE(container, 0);
	EXPECT_EQ(self->set, set_of(getpid()));

	pasid = pasid_alloc_any(container);
	ASSERT_GT(pasid, 0);
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_EQ(2, set_get(self->set, "allocated"));
	EXPECT_EQ(0, pasid_free(self->container, pasid, pasid));
	EXPECT_EQ(1, set_get(self->set, "allocated"));

	/* The set and what it holds outlive the first container to go. */
	close(container);
	close(group);
	EXPECT_TRUE(set_exists(self->set));
	EXPECT_EQ(1, set_get(self->set, "allocated"));
	EXPECT_EQ(self->base + 1, misc_total());
}

TEST_F(pasid, second_group)
{
	int group;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	group = open_group(self->groups[1]);
	ASSERT_GE(group, 0);
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_SET_CONTAINER, &self->container));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(1, ioctl(self->container, VFIO_CHECK_EXTENSION,
			   VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(1, set_get(self->set, "allocated"));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	close(group);
}

#define RACERS		2
#define RACE_STEP	4096
#define RACE_ROUNDS	((1 << 20) / RACE_STEP - 1)

struct racer {
	int container;
	unsigned int offset;
	unsigned int failed;
};

static atomic_uint arrived;

/* Wait for all, such that all go on at the same time. */
static void meet(unsigned int times)
{
	unsigned int spins = 0;

	atomic_fetch_add(&arrived, 1);
	while (arrived < times * RACERS) {
		if (++spins % 10000 == 0)
			sched_yield();
	}
}

/*
 * Allocate next to each other, where nobody has before; then allocate and free
 * in the same few places.
 */
static void *race(void *arg)
{
	struct racer *racer = arg;
	unsigned int i, where;
	int pasid;

	for (i = 1; i <= RACE_ROUNDS; i++) {
		where = i * RACE_STEP + racer->offset;
		meet(i);
		if (pasid_alloc(racer->container, where, where) < 0)
			racer->failed++;
	}
	meet(i);
	for (i = 0; i < 3000; i++) {
		pasid = pasid_alloc(racer->container, 20864, 20927);
		if (pasid < 0 || pasid_free(racer->container, pasid, pasid))
			racer->failed++;
	}
	return NULL;
}

TEST_F_TIMEOUT(pasid, threads, 300)
{
	struct vfio_iommu_type1_info_cap_pasid cap = {};
	struct racer racers[RACERS];
	pthread_t threads[RACERS];
	int i, n;

	ASSERT_TRUE(info_cap(self->container, &cap));
	if (cap.max < (1 << 20) - 1)
		SKIP(return, "needs 20 bits");
	for (n = 0; n < 4; n++) {
		/* Each time with new bitmaps. */
		ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
		ASSERT_EQ(0, attach(self->group, self->container, true));
		arrived = 0;
		for (i = 0; i < RACERS; i++) {
			racers[i].container = self->container;
			racers[i].offset = i;
			racers[i].failed = 0;
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, race,
						    &racers[i]));
		}
		for (i = 0; i < RACERS; i++) {
			pthread_join(threads[i], NULL);
			EXPECT_EQ(0, racers[i].failed);
		}
		EXPECT_EQ(RACE_ROUNDS * RACERS,
			  set_get(self->set, "allocated"));
		EXPECT_EQ(self->base + RACE_ROUNDS * RACERS, misc_total());
		EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
		EXPECT_EQ(0, set_get(self->set, "allocated"));
		EXPECT_EQ(self->base, misc_total());
	}
}

static atomic_bool stop_requests;

static void *loop_requests(void *arg)
{
	struct vfio_iommu_type1_info_cap_pasid cap;
	int container = *(int *)arg;

	while (!stop_requests) {
		info_cap(container, &cap);
		pasid_alloc_any(container);
		pasid_free(container, 0, MAX);
	}
	return NULL;
}

/* The driver's data goes with the last group, under the feet of nobody. */
TEST_F(pasid, detach_during_requests)
{
	time_t end = time(NULL) + 3;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, loop_requests,
				    &self->container));
	while (time(NULL) < end) {
		ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
		ASSERT_EQ(0, attach(self->group, self->container, true));
	}
	stop_requests = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(self->set, set_of(getpid()));
	EXPECT_EQ(0, set_get(self->set, "allocated"));
}

#define PEAK_MIN	20032
#define PEAK_MAX	(PEAK_MIN + 63)

/* Nobody can hold more of a range than it has, whatever is being freed. */
static void *take_range(void *arg)
{
	int container = *(int *)arg;

	while (!stop_requests)
		pasid_alloc(container, PEAK_MIN, PEAK_MAX);
	return NULL;
}

TEST_F(pasid, peak_while_freeing)
{
	time_t end = time(NULL) + 3;
	pthread_t thread;
	int i;

	stop_requests = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_range,
				    &self->container));
	while (time(NULL) < end) {
		for (i = 0; i < 64; i++)
			pasid_alloc(self->container, PEAK_MIN, PEAK_MAX);
		EXPECT_EQ(0, pasid_free(self->container, PEAK_MIN, PEAK_MAX));
	}
	stop_requests = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(64, set_get(self->set, "peak"));
}

struct two_attachers {
	int group;
	__u64 set;
	unsigned int other;
};

/* Attach and detach, and note whose set that makes. */
static void *attach_and_detach(void *arg)
{
	struct two_attachers *mine = arg;
	time_t end = time(NULL) + 3;
	int container;

	while (time(NULL) < end) {
		container = open_container(mine->group, true);
		if (container < 0 || set_of(getpid()) != mine->set ||
		    pasid_alloc_any(container) <= 0)
			mine->other++;
		ioctl(mine->group, VFIO_GROUP_UNSET_CONTAINER);
		close(container);
	}
	return NULL;
}

/* Who attaches while the last group leaves gets the same account. */
TEST_F(pasid, attach_while_the_last_group_leaves)
{
	struct two_attachers one = { .set = self->set }, two = one;
	pthread_t thread;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	one.group = self->group;
	two.group = open_group(self->groups[1]);
	ASSERT_GE(two.group, 0);
	/*
	 * No PASID is freed while either has a container, and one of them may
	 * have to wait for a CPU while it has.
	 */
	ASSERT_EQ(0, set_put(self->set, "quota", 1 << 20));
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_and_detach, &two));
	attach_and_detach(&one);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, one.other);
	EXPECT_EQ(0, two.other);
	EXPECT_EQ(0, set_get(self->set, "allocated"));
	EXPECT_EQ(self->base, misc_total());
	close(two.group);
}

TEST_F(pasid, fork_uses_the_parents_set)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(setsid() < 0 || pasid_alloc_any(self->container) <= 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, set_get(self->set, "allocated"));
	EXPECT_EQ(NO_SET, set_of(pid));
}

/* Runs after exec: make a container of one's own and report its set. */
static int after_exec(int group_number)
{
	int group, container;
	__u64 set;

	group = open_group(group_number);
	if (group < 0)
		return 2;
	container = open_container(group, true);
	if (container < 0)
		return 3;
	set = set_of(getpid());
	if (pasid_alloc_any(container) <= 0)
		return 4;
	if (set_get(set, "allocated") != 1)
		return 5;
	if (set_get(set, "start_time") != start_time_of(getpid()))
		return 6;
	printf("%llu\n", set);
	fflush(stdout);
	return 0;
}

TEST_F(pasid, exec_makes_another_set)
{
	char number[16], buf[64] = "", *end;
	__u64 old, new;
	int fds[2], status;
	pid_t pid;

	if (self->nr_groups < 3)
		SKIP(return, "needs three groups");
	ASSERT_EQ(0, pipe(fds));
	snprintf(number, sizeof(number), "%d", self->groups[2]);

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int group = open_group(self->groups[1]);
		int container = open_container(group, true);
		__u64 set = set_of(getpid());

		/* The container and the group stay open over the exec. */
		fcntl(group, F_SETFD, 0);
		if (container < 0 || pasid_alloc_any(container) <= 0)
			_exit(1);
		dup2(fds[1], STDOUT_FILENO);
		dprintf(STDOUT_FILENO, "%llu ", set);
		execl("/proc/self/exe", "vfio_pasid_test", "--after-exec",
		      number, NULL);
		_exit(1);
	}
	close(fds[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_LT(0, read(fds[0], buf, sizeof(buf) - 1));
	close(fds[0]);
	old = strtoull(buf, &end, 10);
	new = strtoull(end, NULL, 10);
	EXPECT_LT(self->set, old);
	EXPECT_LT(old, new);
	EXPECT_FALSE(set_exists(old));
	EXPECT_FALSE(set_exists(new));
}

/* A process that has no container any more has no set after exec. */
TEST_F(pasid, exec_ends_an_idle_set)
{
	char number[24];
	int status;
	pid_t pid;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int group = open_group(self->groups[1]);
		int container = open_container(group, true);
		__u64 set = set_of(getpid());

		if (container < 0 || set == NO_SET ||
		    ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ||
		    !set_exists(set))
			_exit(2);
		snprintf(number, sizeof(number), "%llu", set);
		execl("/proc/self/exe", "vfio_pasid_test", "--has-no-set",
		      number, NULL);
		_exit(3);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(pasid, killed_holder)
{
	int fds[2], status;
	__u64 set;
	pid_t pid;
	char c;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		int group = open_group(self->groups[1]);
		int container = open_container(group, true);

		while (container >= 0 && pasid_alloc_any(container) > 0)
			;
		close(fds[1]);
		pause();
		_exit(1);
	}
	close(fds[1]);
	EXPECT_EQ(0, read(fds[0], &c, 1));
	set = set_of(pid);
	ASSERT_NE(NO_SET, set);
	EXPECT_NE(self->set, set);
	EXPECT_EQ(set_get(set, "quota"), set_get(set, "allocated"));
	EXPECT_EQ(self->base + set_get(set, "quota"), misc_total());
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_FALSE(set_exists(set));
	EXPECT_EQ(self->base, misc_total());
	close(fds[0]);
}

TEST_F(pasid, max_sets)
{
	int group, container, status;

	if (self->nr_groups < 2)
		SKIP(return, "needs two groups");
	ASSERT_EQ(0, put_param("max_sets", 0));
	group = open_group(self->groups[1]);
	ASSERT_GE(group, 0);
	/* Our own set exists, and goes on being shared. */
	container = open_container(group, true);
	EXPECT_GE(container, 0);
	EXPECT_EQ(1, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	close(container);
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_UNSET_CONTAINER));

	if (!fork()) {
		/* Another process gets its container, but no set. */
		container = open_container(group, true);
		if (container < 0)
			_exit(1);
		if (ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC))
			_exit(2);
		if (pasid_alloc_any(container) != -EUSERS)
			_exit(3);
		put_param("max_sets", self->max_sets);
		if (pasid_alloc_any(container) != -EUSERS)
			_exit(4);
		if (ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ||
		    attach(group, container, true))
			_exit(5);
		if (pasid_alloc_any(container) <= 0)
			_exit(6);
		_exit(0);
	}
	ASSERT_LT(0, wait(&status));
	EXPECT_EQ(0, status);
	close(group);
}

/* A user who starts processes in a loop makes no more than 100 sets a second. */
TEST_F(pasid, rate_of_sets)
{
	__u64 begin = now_ms(), refused = 0, made = 0;
	int i, status;
	pid_t pid;

	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	/* A slow machine does not get that far. */
	for (i = 0; i < 1000 && !refused && now_ms() - begin < 5000; i++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			int ret;

			if (setgid(65534) || setuid(65534) ||
			    attach(self->group, self->container, true))
				_exit(1);
			ret = pasid_alloc_any(self->container);
			ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER);
			_exit(ret > 0 ? 0 : ret == -EAGAIN ? 2 : 3);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		if (WEXITSTATUS(status) == 2) {
			refused++;
		} else {
			EXPECT_EQ(0, WEXITSTATUS(status));
			made++;
		}
	}
	EXPECT_LE(made, 100 * (2 + (now_ms() - begin) / 1000));
	/* It lasts until the next attempt. */
	ASSERT_EQ(0, attach(self->group, self->container, true));
	EXPECT_LT(0, pasid_alloc_any(self->container));
}

/* ---- sysfs ---- */

TEST_F(pasid, quota)
{
	int i, pasid = 0;

	ASSERT_EQ(0, set_put(self->set, "quota", 3));
	for (i = 0; i < 3; i++) {
		pasid = pasid_alloc_any(self->container);
		ASSERT_GT(pasid, 0);
	}
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
	EXPECT_EQ(1, set_get(self->set, "denied"));

	/* The quota comes before the range. */
	EXPECT_EQ(-EDQUOT, pasid_alloc(self->container, 0, 0));

	/* Raised live. */
	ASSERT_EQ(0, set_put(self->set, "quota", 4));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));

	/* Lowered below what is held: nothing is taken, nothing is given. */
	ASSERT_EQ(0, set_put(self->set, "quota", 2));
	EXPECT_EQ(4, set_get(self->set, "allocated"));
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
	EXPECT_EQ(0, pasid_free(self->container, pasid, pasid));
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
	EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
	ASSERT_GT(pasid_alloc_any(self->container), 0);

	ASSERT_EQ(0, set_put(self->set, "quota", 0));
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
	EXPECT_EQ(4, set_get(self->set, "peak"));
	EXPECT_EQ(6, set_get(self->set, "denied"));
}

TEST_F(pasid, sysfs_bounds)
{
	static const struct {
		const char *text;
		int ret;
	} writes[] = {
		{ "0", 0 }, { "1048576\n", 0 }, { "12", 0 },
		{ "1048577", -ERANGE }, { "4294967296", -ERANGE },
		{ "99999999999999999999999", -ERANGE },
		{ "-1", -EINVAL }, { "\n", -EINVAL }, { "12x", -EINVAL },
		{ "12 13", -EINVAL }, { "0x10", -EINVAL }, { "max", -EINVAL },
		{ " 12", -EINVAL }, { "+12", -EINVAL },
	};
	static const char *const names[] = { "quota", "watermark" };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(writes); j++) {
			EXPECT_EQ(writes[j].ret,
				  set_put_text(self->set, names[i],
					       writes[j].text)) {
				TH_LOG("%s: '%s'", names[i], writes[j].text);
			}
		}
		EXPECT_EQ(12, set_get(self->set, names[i]));
	}
}

TEST_F(pasid, sysfs_modes)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {
		{ "quota", 0600 }, { "watermark", 0600 },
		{ "allocated", 0400 }, { "peak", 0400 }, { "denied", 0400 },
		{ "tgid", 0400 }, { "start_time", 0400 }, { "cgroup_id", 0400 },
	};
	char path[PATH_MAX];
	struct stat st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), CLASS_DIR "/set%llu/%s",
			 self->set, files[i].name);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(files[i].mode, st.st_mode & 0777);
	}
}

TEST_F(pasid, default_quota)
{
	int status;
	pid_t pid;

	EXPECT_EQ(self->default_quota, set_get(self->set, "quota"));
	EXPECT_EQ(-EINVAL, write_file(PARAM_DIR "/default_quota", "1048577"));
	EXPECT_EQ(-EINVAL, write_file(PARAM_DIR "/default_quota", "-1"));
	ASSERT_EQ(0, write_file(PARAM_DIR "/default_quota", "5"));
	/* Sets that exist keep theirs, new ones get it. */
	EXPECT_EQ(self->default_quota, set_get(self->set, "quota"));
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (attach(self->group, self->container, true))
			_exit(1);
		_exit(set_get(set_of(getpid()), "quota") != 5);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static int open_uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
		    NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)&addr, sizeof(addr))) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

/* A guest could make them by the thousand; netlink tells instead. */
TEST_F(pasid, no_uevents)
{
	char buf[8192];
	ssize_t len;
	__u64 set;
	int fd;

	fd = open_uevents();
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, set_put(self->set, "quota", 5));
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	close(self->group);
	set = set_of_child(self->groups[0]);
	EXPECT_LT(self->set, set);
	EXPECT_FALSE(set_exists(set));
	self->group = open_group(self->groups[0]);
	while ((len = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT)) > 0) {
		buf[len] = '\0';
		EXPECT_EQ(NULL, strstr(buf, "/vfio_pasid/set"));
	}
	close(fd);
}

/* ---- mediated devices ---- */

#define MDEV_UUID	"6a5fd3c8-0e6b-4c0c-9a53-1f4f1d6d2b11"

FIXTURE(pasid_mdev)
{
	int groups[MAX_GROUPS];
	int nr_groups;
	int mdev;
	__u64 base;
};

FIXTURE_SETUP(pasid_mdev)
{
	self->nr_groups = find_groups(self->groups, MAX_GROUPS);
	self->mdev = -1;
	self->base = misc_total();
}

FIXTURE_TEARDOWN(pasid_mdev)
{
	if (self->mdev >= 0)
		close(self->mdev);
	remove_mdev(MDEV_UUID);
	EXPECT_EQ(self->base, misc_total());
}

TEST_F(pasid_mdev, parent_without_iommu)
{
	int container;

	self->mdev = open_mdev(false, MDEV_UUID);
	if (self->mdev < 0)
		SKIP(return, "no mediated device without an IOMMU");
	container = open_container(self->mdev, true);
	ASSERT_GE(container, 0);
	EXPECT_EQ(0, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(-EOPNOTSUPP, pasid_alloc_any(container));
	EXPECT_EQ(-EOPNOTSUPP, pasid_free(container, 0, MAX));
	EXPECT_EQ(-EOPNOTSUPP,
		  pasid_alloc_flags(container, 1, 9, VFIO_PASID_REQUEST_ALLOC |
				    VFIO_PASID_REQUEST_PROBE));
	/* What is wrong with the request comes first. */
	EXPECT_EQ(-EINVAL, pasid_alloc(container, 2, 1));
	EXPECT_EQ(NO_SET, set_of(getpid()));
	close(container);
}

TEST_F(pasid_mdev, parent_with_iommu)
{
	struct vfio_iommu_type1_info_cap_pasid cap;
	int container;

	self->mdev = open_mdev(true, MDEV_UUID);
	if (self->mdev < 0)
		SKIP(return, "no mediated device behind an IOMMU");
	container = open_container(self->mdev, true);
	ASSERT_GE(container, 0);
	EXPECT_EQ(1, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_TRUE(info_cap(container, &cap));
	EXPECT_GT(pasid_alloc_any(container), 0);
	EXPECT_EQ(1, set_get(set_of(getpid()), "allocated"));
	close(container);
}

TEST_F(pasid_mdev, capable_group_leaves)
{
	struct vfio_iommu_type1_info_cap_pasid cap;
	int container, group;
	__u64 set;

	self->mdev = open_mdev(false, MDEV_UUID);
	if (self->mdev < 0 || !self->nr_groups)
		SKIP(return, "needs a device and a mediated one");
	container = open_container(self->mdev, true);
	ASSERT_GE(container, 0);
	group = open_group(self->groups[0]);
	ASSERT_GE(group, 0);
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	EXPECT_EQ(1, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_EQ(20600, pasid_alloc(container, 20600, 20600));
	EXPECT_EQ(20601, pasid_alloc(container, 20601, 20601));
	set = set_of(getpid());

	/* Nothing more to be had, but what is held can be freed. */
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(0, ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_PASID_ALLOC));
	EXPECT_FALSE(info_cap(container, &cap));
	EXPECT_EQ(-EOPNOTSUPP, pasid_alloc_any(container));
	EXPECT_EQ(-EOPNOTSUPP,
		  pasid_alloc_flags(container, 1, 9, VFIO_PASID_REQUEST_ALLOC |
				    VFIO_PASID_REQUEST_PROBE));
	EXPECT_EQ(2, set_get(set, "allocated"));
	EXPECT_EQ(0, pasid_free(container, 20600, 20600));
	EXPECT_EQ(1, set_get(set, "allocated"));

	/* Back again, with the same set. */
	ASSERT_EQ(0, ioctl(group, VFIO_GROUP_SET_CONTAINER, &container));
	EXPECT_EQ(20600, pasid_alloc(container, 20600, 20600));
	EXPECT_EQ(2, set_get(set, "allocated"));
	close(group);
	EXPECT_EQ(2, set_get(set, "allocated"));
	close(self->mdev);
	self->mdev = -1;
	EXPECT_EQ(0, set_get(set, "allocated"));
	close(container);
}

/* ---- misc cgroup ---- */

FIXTURE(pasid_cgroup)
{
	int groups[MAX_GROUPS];
	__u64 base;
};

static int cgroup_join(const char *dir)
{
	char path[PATH_MAX], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(pid, sizeof(pid), "%d", getpid());
	return write_file(path, pid);
}

/* Also removes what an interrupted test has left. */
static void cgroups_remove(void)
{
	cgroup_join(CGROUP_DIR);
	rmdir(TEST_CGROUP "/sub");
	rmdir(TEST_CGROUP "/other");
	rmdir(TEST_CGROUP);
}

static int cgroups_make(void)
{
	write_file(CGROUP_DIR "/cgroup.subtree_control", "+misc");
	cgroups_remove();
	if (mkdir(TEST_CGROUP, 0755))
		return -errno;
	if (write_file(TEST_CGROUP "/cgroup.subtree_control", "+misc") ||
	    mkdir(TEST_CGROUP "/sub", 0755) ||
	    mkdir(TEST_CGROUP "/other", 0755))
		return -EIO;
	return 0;
}

FIXTURE_SETUP(pasid_cgroup)
{
	if (!find_groups(self->groups, MAX_GROUPS))
		SKIP(return, "no device is bound to vfio-pci");
	self->base = misc_total();
	if (self->base == NO_VALUE)
		SKIP(return, "no misc controller with pasid");
	ASSERT_EQ(0, cgroups_make());
}

FIXTURE_TEARDOWN(pasid_cgroup)
{
	cgroups_remove();
	EXPECT_EQ(self->base, misc_total());
}

TEST_F(pasid_cgroup, limit)
{
	int group, container;
	struct stat st;
	__u64 set;

	ASSERT_EQ(0, cgroup_join(TEST_CGROUP "/sub"));
	group = open_group(self->groups[0]);
	ASSERT_GE(group, 0);
	container = open_container(group, true);
	ASSERT_GE(container, 0);
	if (no_pasids(container))
		SKIP(return, "no PASID allocation here");
	set = set_of(getpid());
	ASSERT_NE(NO_SET, set);
	ASSERT_EQ(0, stat(TEST_CGROUP "/sub", &st));
	EXPECT_EQ(st.st_ino, set_get(set, "cgroup_id"));

	ASSERT_EQ(0, write_file(TEST_CGROUP "/misc.max", "pasid 2"));
	ASSERT_GT(pasid_alloc_any(container), 0);
	ASSERT_GT(pasid_alloc_any(container), 0);
	EXPECT_EQ(-EBUSY, pasid_alloc_any(container));
	EXPECT_EQ(1, set_get(set, "denied"));
	EXPECT_EQ(2, misc_get(TEST_CGROUP, "current", "pasid"));
	EXPECT_EQ(2, misc_get(TEST_CGROUP "/sub", "current", "pasid"));
	EXPECT_EQ(1, misc_get(TEST_CGROUP, "events", "pasid.max"));

	/* A range that is full is never charged, not for a moment either. */
	ASSERT_EQ(0, write_file(TEST_CGROUP "/misc.max", "pasid 3"));
	EXPECT_EQ(-ENOSPC, pasid_alloc(container, 0, 0));
	EXPECT_EQ(2, misc_get(TEST_CGROUP, "current", "pasid"));
	EXPECT_EQ(2, misc_get(TEST_CGROUP, "peak", "pasid"));
	/* A refusal of the quota charges nothing. */
	ASSERT_EQ(0, set_put(set, "quota", 2));
	EXPECT_EQ(-EDQUOT, pasid_alloc_any(container));
	EXPECT_EQ(1, misc_get(TEST_CGROUP, "events", "pasid.max"));

	/* Charges stay where they were made. */
	ASSERT_EQ(0, set_put(set, "quota", 10));
	ASSERT_EQ(0, cgroup_join(CGROUP_DIR));
	ASSERT_GT(pasid_alloc_any(container), 0);
	EXPECT_EQ(2, misc_get(TEST_CGROUP, "current", "pasid"));
	EXPECT_EQ(self->base + 3, misc_total());

	/* Also when that cgroup is removed. */
	ASSERT_EQ(0, rmdir(TEST_CGROUP "/sub"));
	EXPECT_EQ(2, misc_get(TEST_CGROUP, "current", "pasid"));
	EXPECT_EQ(0, pasid_free(container, 0, MAX));
	EXPECT_EQ(0, misc_get(TEST_CGROUP, "current", "pasid"));

	close(container);
	close(group);
	EXPECT_EQ(0, set_get(set, "allocated"));
}

/* Who allocates pays, and not who has the set; until it is freed. */
TEST_F(pasid_cgroup, child_elsewhere)
{
	int group, container, status;
	pid_t pid;
	__u64 set;

	ASSERT_EQ(0, cgroup_join(TEST_CGROUP "/sub"));
	group = open_group(self->groups[0]);
	ASSERT_GE(group, 0);
	container = open_container(group, true);
	ASSERT_GE(container, 0);
	if (no_pasids(container))
		SKIP(return, "no PASID allocation here");
	set = set_of(getpid());
	EXPECT_EQ(20700, pasid_alloc(container, 20700, 20700));

	ASSERT_EQ(0, write_file(TEST_CGROUP "/other/misc.max", "pasid 1"));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (cgroup_join(TEST_CGROUP "/other"))
			_exit(1);
		if (pasid_alloc(container, 20701, 20701) != 20701)
			_exit(2);
		if (pasid_alloc(container, 20702, 20702) != -EBUSY)
			_exit(3);
		/* It may free what the parent has allocated. */
		_exit(pasid_free(container, 20700, 20700) ? 4 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, set_get(set, "allocated"));
	EXPECT_EQ(1, set_get(set, "denied"));
	EXPECT_EQ(0, misc_get(TEST_CGROUP "/sub", "current", "pasid"));
	EXPECT_EQ(1, misc_get(TEST_CGROUP "/other", "current", "pasid"));

	EXPECT_EQ(0, pasid_free(container, 20701, 20701));
	EXPECT_EQ(0, misc_get(TEST_CGROUP "/other", "current", "pasid"));
	close(container);
	close(group);
}

TEST_F(pasid_cgroup, capacity)
{
	__u64 capacity = misc_get(CGROUP_DIR, "capacity", "pasid");

	EXPECT_NE(NO_VALUE, capacity);
	EXPECT_LE(capacity, (1 << 20) - 1);
	EXPECT_GT(capacity, 0);
}

/* ---- netlink ---- */

FIXTURE(pasid_netlink)
{
	int nr_groups;
	int groups[MAX_GROUPS];
	int group;
	int container;
	__u64 set;
	struct genl genl;
	struct genl events;
	__u64 seq;
	bool in_cgroup;
};

FIXTURE_SETUP(pasid_netlink)
{
	struct msg msg;

	self->nr_groups = find_groups(self->groups, MAX_GROUPS);
	if (!self->nr_groups)
		SKIP(return, "no device is bound to vfio-pci");
	if (genl_open(&self->genl))
		SKIP(return, "no netlink family vfio_pasid");
	ASSERT_EQ(0, genl_open(&self->events));
	ASSERT_EQ(0, genl_join(&self->events));
	ASSERT_EQ(0, genl_do(&self->genl, VFIO_PASID_CMD_INFO_GET, 0, NULL, 0,
			     &msg));
	self->seq = msg.set[VFIO_PASID_A_INFO_SEQ];

	self->group = open_group(self->groups[0]);
	ASSERT_GE(self->group, 0);
	self->container = open_container(self->group, true);
	ASSERT_GE(self->container, 0);
	if (no_pasids(self->container))
		SKIP(return, "no PASID allocation here");
	self->set = set_of(getpid());
	ASSERT_NE(NO_SET, self->set);
}

FIXTURE_TEARDOWN(pasid_netlink)
{
	if (self->in_cgroup)
		cgroups_remove();
	close(self->container);
	close(self->group);
	close(self->genl.fd);
	close(self->events.fd);
}

/* The next event must be this one, with the next number, for this set. */
#define EXPECT_EVENT(command, field, value) do {			\
	struct msg m;							\
	ASSERT_TRUE(genl_event(&self->events, 2000, &m));		\
	EXPECT_EQ(VFIO_PASID_CMD_##command##_NTF, m.cmd);		\
	EXPECT_EQ(self->set, m.set[VFIO_PASID_A_SET_ID]);		\
	EXPECT_EQ(++self->seq, m.set[VFIO_PASID_A_SET_SEQ]);		\
	EXPECT_EQ(value, m.set[VFIO_PASID_A_SET_##field]);		\
	last = m;							\
} while (0)

#define EXPECT_NO_EVENT(ms) do {					\
	struct msg m;							\
	EXPECT_FALSE(genl_event(&self->events, ms, &m));		\
} while (0)

TEST_F(pasid_netlink, info)
{
	struct msg msg;

	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_EQ(0, genl_do(&self->genl, VFIO_PASID_CMD_INFO_GET, 0, NULL, 0,
			     &msg));
	EXPECT_EQ(VFIO_PASID_CMD_INFO_GET, msg.cmd);
	EXPECT_EQ(misc_get(CGROUP_DIR, "capacity", "pasid"),
		  msg.set[VFIO_PASID_A_INFO_CAPACITY]);
	EXPECT_EQ(misc_total(), msg.set[VFIO_PASID_A_INFO_ALLOCATED]);
	EXPECT_EQ(read_u64(PARAM_DIR "/default_quota"),
		  msg.set[VFIO_PASID_A_INFO_DEFAULT_QUOTA]);
	EXPECT_EQ(read_u64(PARAM_DIR "/max_sets"),
		  msg.set[VFIO_PASID_A_INFO_MAX_SETS]);
	EXPECT_EQ(1, msg.set[VFIO_PASID_A_INFO_SETS]);
	EXPECT_EQ(self->seq + 1, msg.set[VFIO_PASID_A_INFO_SEQ]);
}

TEST_F(pasid_netlink, set_get)
{
	__u32 short_id = self->set;
	__u64 unknown = ~0ULL;
	struct msg msg;
	int i;

	for (i = 20700; i < 20703; i++)
		ASSERT_EQ(i, pasid_alloc(self->container, i, i));
	EXPECT_EQ(0, pasid_free(self->container, 20700, 20700));
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 0, 0));
	ASSERT_EQ(0, set_put(self->set, "watermark", 9));
	ASSERT_EQ(0, genl_do(&self->genl, VFIO_PASID_CMD_SET_GET,
			     VFIO_PASID_A_SET_ID, &self->set,
			     sizeof(self->set), &msg));
	EXPECT_EQ(self->set, msg.set[VFIO_PASID_A_SET_ID]);
	EXPECT_EQ(getpid(), msg.set[VFIO_PASID_A_SET_TGID]);
	EXPECT_EQ(start_time_of(getpid()),
		  msg.set[VFIO_PASID_A_SET_START_TIME]);
	EXPECT_EQ(set_get(self->set, "cgroup_id"),
		  msg.set[VFIO_PASID_A_SET_CGROUP_ID]);
	EXPECT_EQ(set_get(self->set, "quota"), msg.set[VFIO_PASID_A_SET_QUOTA]);
	EXPECT_EQ(9, msg.set[VFIO_PASID_A_SET_WATERMARK]);
	EXPECT_EQ(2, msg.set[VFIO_PASID_A_SET_ALLOCATED]);
	EXPECT_EQ(3, msg.set[VFIO_PASID_A_SET_PEAK]);
	EXPECT_EQ(1, msg.set[VFIO_PASID_A_SET_DENIED]);
	EXPECT_EQ(self->seq + 2, msg.set[VFIO_PASID_A_SET_SEQ]);
	EXPECT_FALSE(msg.has[VFIO_PASID_A_SET_REASON]);
	EXPECT_FALSE(msg.has[VFIO_PASID_A_SET_SUPPRESSED]);

	EXPECT_EQ(-ENOENT, genl_do(&self->genl, VFIO_PASID_CMD_SET_GET,
				   VFIO_PASID_A_SET_ID, &unknown,
				   sizeof(unknown), &msg));
	EXPECT_EQ(-EINVAL, genl_do(&self->genl, VFIO_PASID_CMD_SET_GET, 0,
				   NULL, 0, &msg));
	EXPECT_EQ(-EINVAL, genl_do(&self->genl, VFIO_PASID_CMD_SET_GET,
				   VFIO_PASID_A_SET_ID, &short_id,
				   sizeof(short_id), &msg));
	EXPECT_EQ(-EINVAL, genl_do(&self->genl, VFIO_PASID_CMD_SET_GET,
				   VFIO_PASID_A_SET_QUOTA, &short_id,
				   sizeof(short_id), &msg));
}

TEST_F(pasid_netlink, dump)
{
	struct msg msgs[8];

	ASSERT_EQ(1, genl_dump(&self->genl, msgs, ARRAY_SIZE(msgs)));
	EXPECT_EQ(VFIO_PASID_CMD_SET_GET, msgs[0].cmd);
	EXPECT_EQ(self->set, msgs[0].set[VFIO_PASID_A_SET_ID]);
	EXPECT_EQ(self->seq + 1, msgs[0].set[VFIO_PASID_A_SET_SEQ]);
}

TEST_F(pasid_netlink, add_and_del)
{
	struct msg last;
	int fds[2];
	pid_t pid;
	char c;

	EXPECT_EVENT(SET_ADD, TGID, getpid());
	EXPECT_EQ(0, last.set[VFIO_PASID_A_SET_ALLOCATED]);
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));
	/* The process can come back, and finds the same set. */
	ASSERT_EQ(0, attach(self->group, self->container, true));
	EXPECT_NO_EVENT(50);
	EXPECT_EQ(1, genl_dump(&self->genl, NULL, 0));
	ASSERT_EQ(0, ioctl(self->group, VFIO_GROUP_UNSET_CONTAINER));

	/* A process that is killed takes all with it. */
	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		if (!attach(self->group, self->container, true) &&
		    pasid_alloc_any(self->container) > 0 &&
		    pasid_alloc_any(self->container) > 0)
			close(fds[1]);
		pause();
		_exit(1);
	}
	close(fds[1]);
	EXPECT_EQ(0, read(fds[0], &c, 1));
	close(fds[0]);
	self->set = set_of(pid);
	EXPECT_EVENT(SET_ADD, TGID, pid);
	/* So that the child has the last of each. */
	close(self->container);
	close(self->group);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EVENT(SET_DEL, ALLOCATED, 2);
	EXPECT_EQ(pid, last.set[VFIO_PASID_A_SET_TGID]);
	EXPECT_NO_EVENT(50);
	EXPECT_EQ(1, genl_dump(&self->genl, NULL, 0));
}

TEST_F(pasid_netlink, quota_change)
{
	struct msg last;

	EXPECT_EVENT(SET_ADD, ID, self->set);
	ASSERT_EQ(0, set_put(self->set, "quota", 17));
	EXPECT_EVENT(QUOTA_CHANGE, QUOTA, 17);
	EXPECT_FALSE(last.has[VFIO_PASID_A_SET_REASON]);
	/* Neither a refused write nor the watermark makes an event. */
	EXPECT_EQ(-EINVAL, set_put_text(self->set, "quota", "x"));
	ASSERT_EQ(0, set_put(self->set, "watermark", 5));
	EXPECT_NO_EVENT(50);
}

TEST_F(pasid_netlink, limit_hit)
{
	__u64 begin, refused = 1, reported = 1;
	unsigned int events = 0;
	struct msg last;
	int i;

	EXPECT_EVENT(SET_ADD, ID, self->set);
	begin = now_ms();
	EXPECT_EQ(-ENOSPC, pasid_alloc(self->container, 0, 0));
	EXPECT_EVENT(LIMIT_HIT, REASON, VFIO_PASID_LIMIT_REASON_RANGE);
	EXPECT_EQ(0, last.set[VFIO_PASID_A_SET_SUPPRESSED]);
	EXPECT_TRUE(last.has[VFIO_PASID_A_SET_SUPPRESSED]);

	ASSERT_EQ(0, set_put(self->set, "quota", 0));
	EXPECT_EVENT(QUOTA_CHANGE, QUOTA, 0);
	for (; refused < 11; refused++)
		EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));

	/* All are reported or counted, whatever else the machine is busy with. */
	for (i = 0; i < 100 && reported < refused; i++) {
		usleep(100 * 1000);
		EXPECT_EQ(-EDQUOT, pasid_alloc_any(self->container));
		refused++;
		while (genl_event(&self->events, 0, &last)) {
			EXPECT_EQ(VFIO_PASID_CMD_LIMIT_HIT_NTF, last.cmd);
			EXPECT_EQ(++self->seq, last.set[VFIO_PASID_A_SET_SEQ]);
			EXPECT_EQ(VFIO_PASID_LIMIT_REASON_QUOTA,
				  last.set[VFIO_PASID_A_SET_REASON]);
			reported += 1 + last.set[VFIO_PASID_A_SET_SUPPRESSED];
			events++;
		}
	}
	EXPECT_EQ(refused, reported);
	EXPECT_EQ(refused, last.set[VFIO_PASID_A_SET_DENIED]);
	/* One a second; jiffies may have stood still for a while. */
	EXPECT_LE(events, 2 + (now_ms() - begin) / 1000);
}

TEST_F(pasid_netlink, limit_hit_of_cgroup)
{
	struct msg last;

	if (misc_total() == NO_VALUE)
		SKIP(return, "no misc controller with pasid");
	ASSERT_EQ(0, cgroups_make());
	self->in_cgroup = true;
	ASSERT_EQ(0, cgroup_join(TEST_CGROUP "/sub"));
	ASSERT_EQ(0, write_file(TEST_CGROUP "/misc.max", "pasid 0"));
	EXPECT_EVENT(SET_ADD, ID, self->set);
	EXPECT_EQ(-EBUSY, pasid_alloc_any(self->container));
	EXPECT_EVENT(LIMIT_HIT, REASON, VFIO_PASID_LIMIT_REASON_CGROUP);
	EXPECT_EQ(1, last.set[VFIO_PASID_A_SET_DENIED]);
}

TEST_F(pasid_netlink, watermark_hit)
{
	struct msg last;
	int pasid, i;

	EXPECT_EVENT(SET_ADD, ID, self->set);
	ASSERT_EQ(0, set_put(self->set, "watermark", 3));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_NO_EVENT(50);
	pasid = pasid_alloc_any(self->container);
	ASSERT_GT(pasid, 0);
	EXPECT_EVENT(WATERMARK_HIT, ALLOCATED, 3);
	EXPECT_EQ(3, last.set[VFIO_PASID_A_SET_WATERMARK]);
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_NO_EVENT(50);

	/* Not armed before the count is below. */
	EXPECT_EQ(0, pasid_free(self->container, pasid, pasid));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_NO_EVENT(50);
	EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
	for (i = 0; i < 3; i++)
		ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_EVENT(WATERMARK_HIT, ALLOCATED, 3);

	/* A watermark below the count is not crossed, and 0 is off. */
	ASSERT_EQ(0, set_put(self->set, "watermark", 2));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	ASSERT_EQ(0, set_put(self->set, "watermark", 0));
	EXPECT_EQ(0, pasid_free(self->container, 0, MAX));
	ASSERT_GT(pasid_alloc_any(self->container), 0);
	EXPECT_NO_EVENT(50);
}

TEST_F(pasid_netlink, unprivileged)
{
	struct genl genl;
	struct msg msg;

	ASSERT_EQ(0, setgid(65534));
	ASSERT_EQ(0, setuid(65534));
	ASSERT_EQ(0, genl_open(&genl));
	EXPECT_EQ(-EPERM, genl_do(&genl, VFIO_PASID_CMD_INFO_GET, 0, NULL, 0,
				  &msg));
	EXPECT_EQ(-EPERM, genl_do(&genl, VFIO_PASID_CMD_SET_GET,
				  VFIO_PASID_A_SET_ID, &self->set,
				  sizeof(self->set), &msg));
	EXPECT_EQ(-EPERM, genl_dump(&genl, NULL, 0));
	EXPECT_EQ(-EPERM, genl_join(&genl));
	close(genl.fd);
}

TEST_F(pasid_netlink, other_namespace)
{
	struct genl genl;

	if (unshare(CLONE_NEWNET))
		SKIP(return, "no network namespaces");
	EXPECT_EQ(-ENOENT, genl_open(&genl));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--after-exec"))
		return after_exec(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "--has-no-set"))
		return set_exists(strtoull(argv[2], NULL, 10));
	return test_harness_run(argc, argv);
}
