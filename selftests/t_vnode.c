// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects that are files: VMOBJ_IOC_ATTACH, on several file systems.
 *
 * What the memory shows is held against the file, and both against a plain array.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PAGES	8
#define FILE_SIZE(pages)	((off_t)((pages) * vt_page_size))

/* ---- file systems ---- */

static int mount_tmpfs(const char *dir)
{
	return mount("tmpfs", dir, "tmpfs", 0, "size=64m");
}

static int mount_ext4(const char *dir)
{
	if (access("/dev/ram0", F_OK))
		return -1;
	if (system("mke2fs -F /dev/ram0 >/dev/null 2>&1"))
		return -1;
	return mount("/dev/ram0", dir, "ext4", 0, NULL);
}

static int mount_overlay(const char *dir)
{
	char options[256];

	if (mount_tmpfs(dir))
		return -1;
	snprintf(options, sizeof(options), "%s/lower", dir);
	mkdir(options, 0755);
	snprintf(options, sizeof(options), "%s/upper", dir);
	mkdir(options, 0755);
	snprintf(options, sizeof(options), "%s/work", dir);
	mkdir(options, 0755);
	snprintf(options, sizeof(options),
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", dir,
		 dir, dir);
	return mount("overlay", dir, "overlay", 0, options);
}

FIXTURE(vnode)
{
	char dir[64];
	char name[96];
	int fd;			/* of the file */
	int object;		/* of its object */
	char *mem;		/* shared mapping of PAGES pages */
};

FIXTURE_VARIANT(vnode)
{
	const char *fs;
	int (*mount)(const char *dir);
};

FIXTURE_VARIANT_ADD(vnode, tmpfs)
{
	.fs = "tmpfs",
	.mount = mount_tmpfs,
};

FIXTURE_VARIANT_ADD(vnode, ext4)
{
	.fs = "ext4",
	.mount = mount_ext4,
};

FIXTURE_VARIANT_ADD(vnode, overlay)
{
	.fs = "overlay",
	.mount = mount_overlay,
};

static int attach_at(int fd, uint64_t offset, uint64_t length)
{
	struct vmobj_attach arg = {
		.size = sizeof(arg),
		.fd = fd,
		.offset = offset,
		.length = length,
	};
	int dev = vt_open(O_RDWR), object, err;

	object = ioctl(dev, VMOBJ_IOC_ATTACH, &arg);
	err = errno;
	close(dev);
	errno = err;
	return object;
}

static int attach(int fd)
{
	return attach_at(fd, 0, 0);
}

static int sync_object(int object, unsigned int flags)
{
	struct vmobj_sync arg = { .size = sizeof(arg), .flags = flags };

	return ioctl(object, VMOBJ_IOC_SYNC, &arg);
}

static char *map_object(int object, size_t pages, int flags)
{
	return mmap(NULL, pages * vt_page_size, VT_RW, flags, object, 0);
}

static bool fill_file(int fd, size_t pages)
{
	char page[vt_page_size];
	size_t i;

	for (i = 0; i < pages; i++) {
		vt_put(page, 0, i + 1);
		if (pwrite(fd, page, vt_page_size, FILE_SIZE(i)) !=
		    (ssize_t)vt_page_size)
			return false;
	}
	return true;
}

/* What the file has in a page, for vt_get() alike. */
static uint32_t file_get(int fd, size_t page)
{
	char data[vt_page_size];

	if (pread(fd, data, vt_page_size, FILE_SIZE(page)) !=
	    (ssize_t)vt_page_size)
		return VT_TORN;
	return vt_get(data, 0);
}

static bool file_put(int fd, size_t page, uint32_t tag)
{
	char data[vt_page_size];

	vt_put(data, 0, tag);
	return pwrite(fd, data, vt_page_size, FILE_SIZE(page)) ==
	       (ssize_t)vt_page_size;
}

FIXTURE_SETUP(vnode)
{
	VT_NEED_DEVICE();
	self->fd = -1;
	self->object = -1;
	self->mem = MAP_FAILED;
	snprintf(self->dir, sizeof(self->dir), "/tmp/vnode-%s", variant->fs);
	snprintf(self->name, sizeof(self->name), "%s/file", self->dir);
	mkdir(self->dir, 0755);
	if (variant->mount(self->dir))
		SKIP(return, "no %s here", variant->fs);
	self->fd = open(self->name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(fill_file(self->fd, PAGES));
	self->object = attach(self->fd);
	ASSERT_LE(0, self->object) {
		TH_LOG("attach: %s", strerror(errno));
	}
	self->mem = map_object(self->object, PAGES, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, self->mem) {
		TH_LOG("mmap: %s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(vnode)
{
	if (self->mem && self->mem != MAP_FAILED)
		munmap(self->mem, PAGES * vt_page_size);
	if (self->object >= 0)
		close(self->object);
	if (self->fd >= 0)
		close(self->fd);
	while (self->dir[0] && !umount2(self->dir, 0))
		;
}

/* ---- in ---- */

TEST_F(vnode, memory_shows_the_file)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 1, vt_get(self->mem, i));
}

TEST_F(vnode, end_of_file)
{
	off_t size = FILE_SIZE(2) + 100;
	char *at = vt_page(self->mem, 2);
	size_t i;

	memset(at, 'x', vt_page_size);
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	ASSERT_EQ(0, ftruncate(self->fd, size));
	EXPECT_EQ(2, vt_get(self->mem, 1));
	EXPECT_EQ('x', at[99]);
	for (i = 100; i < vt_page_size; i++)
		if (at[i])
			break;
	EXPECT_EQ(vt_page_size, i);
	EXPECT_EQ(SIGBUS, vt_try_read(vt_page(self->mem, 3)));
	EXPECT_EQ(SIGBUS, vt_try_write(vt_page(self->mem, 7), 1));
	/* Longer again: zeros, and not what was there. */
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(PAGES)));
	EXPECT_EQ(0, at[100]);
	EXPECT_EQ(0, vt_get(self->mem, 3));
	EXPECT_EQ(0, vt_get(self->mem, 7));
}

TEST_F(vnode, private_copies_do_not_survive_truncation)
{
	char *mem = map_object(self->object, PAGES, MAP_PRIVATE);

	ASSERT_NE(MAP_FAILED, mem);
	vt_put(mem, 1, 10);
	vt_put(mem, 6, 60);
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(2)));
	EXPECT_EQ(10, vt_get(mem, 1));
	EXPECT_EQ(SIGBUS, vt_try_read(vt_page(mem, 6)));
	EXPECT_EQ(SIGBUS, vt_try_write(vt_page(mem, 6), 1));
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(PAGES)));
	EXPECT_EQ(0, vt_get(mem, 6));
	munmap(mem, PAGES * vt_page_size);
}

TEST_F(vnode, dirty_pages_do_not_survive_truncation)
{
	ASSERT_EQ(0, vt_try_write(vt_page(self->mem, 2) + 200, 'x'));
	vt_put(self->mem, 5, 99);
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(2) + 100));
	EXPECT_EQ(SIGBUS, vt_try_read(vt_page(self->mem, 5)));
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(PAGES)));
	EXPECT_EQ(0, vt_page(self->mem, 2)[200]);
	EXPECT_EQ(0, vt_get(self->mem, 5));
	ASSERT_EQ(0, msync(self->mem, PAGES * vt_page_size, MS_SYNC));
	EXPECT_EQ(0, file_get(self->fd, 5));
}

TEST_F(vnode, writeback_does_not_extend_the_file)
{
	struct stat st;

	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(1) + 10));
	memset(vt_page(self->mem, 1), 'x', vt_page_size);
	ASSERT_EQ(0, msync(self->mem, PAGES * vt_page_size, MS_SYNC));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(FILE_SIZE(1) + 10, st.st_size);
}

TEST_F(vnode, write_behind_its_back_is_seen)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 1, vt_get(self->mem, i));
	for (i = 0; i < PAGES; i++) {
		ASSERT_TRUE(file_put(self->fd, i, 50 + i));
		EXPECT_EQ(50 + i, vt_get(self->mem, i));
	}
}

TEST_F(vnode, append_to_a_dirty_last_page)
{
	char data[100];

	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(1) + 100));
	memset(vt_page(self->mem, 1), 'm', 200);
	memset(data, 'a', sizeof(data));
	ASSERT_EQ(100, pwrite(self->fd, data, 100, FILE_SIZE(1) + 100));
	ASSERT_EQ(0, msync(self->mem, PAGES * vt_page_size, MS_SYNC));
	ASSERT_EQ(100, pread(self->fd, data, 100, FILE_SIZE(1)));
	EXPECT_EQ('m', data[0]);
	EXPECT_EQ('m', data[99]);
	ASSERT_EQ(100, pread(self->fd, data, 100, FILE_SIZE(1) + 100));
	EXPECT_EQ('a', data[0]);
	EXPECT_EQ('a', data[99]);
	EXPECT_EQ('a', vt_page(self->mem, 1)[150]);
}

/* Writes through the page cache tell nobody; INVAL has a look. */
TEST_F(vnode, write_through_another_mapping_is_seen_after_inval)
{
	char *cache = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED, self->fd, 0);

	ASSERT_NE(MAP_FAILED, cache);
	EXPECT_EQ(1, vt_get(self->mem, 0));
	vt_put(cache, 0, 77);
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	EXPECT_EQ(77, vt_get(self->mem, 0));
	/* The other way the file's page cache is between. */
	vt_put(self->mem, 0, 78);
	ASSERT_EQ(0, sync_object(self->object, 0));
	EXPECT_EQ(78, vt_get(cache, 0));
	munmap(cache, vt_page_size);
}

TEST_F(vnode, sparse_file)
{
	off_t far = FILE_SIZE(1UL << 18);
	int fd = open(self->name, O_RDWR), object;
	char *mem;

	ASSERT_EQ(0, ftruncate(fd, far + FILE_SIZE(1)));
	object = attach(fd);
	ASSERT_LE(0, object);
	mem = mmap(NULL, far + FILE_SIZE(1), VT_RW, MAP_SHARED, object, 0);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(0, vt_get(mem, 1UL << 17));
	EXPECT_EQ(1, vt_get(mem, 0));
	vt_put(mem, 1UL << 18, 5);
	ASSERT_EQ(0, msync(mem, far + FILE_SIZE(1), MS_SYNC));
	EXPECT_EQ(5, file_get(fd, 1UL << 18));
	EXPECT_EQ(0, file_get(fd, (1UL << 18) - 1));
	munmap(mem, far + FILE_SIZE(1));
	close(object);
	close(fd);
}

/* ---- out ---- */

TEST_F(vnode, shared_writes_reach_the_file)
{
	vt_put(self->mem, 2, 20);
	vt_put(self->mem, 4, 40);
	EXPECT_EQ(3, file_get(self->fd, 2));
	ASSERT_EQ(0, msync(vt_page(self->mem, 2), vt_page_size, MS_SYNC));
	EXPECT_EQ(20, file_get(self->fd, 2));
	EXPECT_EQ(5, file_get(self->fd, 4));	/* was not in the range */
	ASSERT_EQ(0, fsync(self->object));
	EXPECT_EQ(40, file_get(self->fd, 4));
	vt_put(self->mem, 2, 21);
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_WAIT));
	EXPECT_EQ(21, file_get(self->fd, 2));
	EXPECT_EQ(21, vt_get(self->mem, 2));
}

TEST_F(vnode, last_user_writes_back)
{
	vt_put(self->mem, 2, 20);
	close(self->object);
	self->object = -1;
	munmap(self->mem, PAGES * vt_page_size);
	self->mem = MAP_FAILED;
	EXPECT_EQ(20, file_get(self->fd, 2));
}

static void write_all(void *arg)
{
	char *mem = arg;
	size_t i;

	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 60 + i);
}

TEST_F(vnode, one_object_per_file)
{
	int fd = open(self->name, O_RDWR), object = attach(fd);
	char *mem = map_object(object, PAGES, MAP_SHARED);
	size_t i;

	ASSERT_NE(MAP_FAILED, mem);
	vt_put(mem, 3, 33);
	EXPECT_EQ(33, vt_get(self->mem, 3));
	ASSERT_EQ(0, vt_in_child(write_all, mem));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(60 + i, vt_get(self->mem, i));
	munmap(mem, PAGES * vt_page_size);
	close(object);
	close(fd);
	EXPECT_TRUE(vt_check_ok());
}

TEST_F(vnode, private_writes_do_not)
{
	char *mem = map_object(self->object, PAGES, MAP_PRIVATE);
	size_t i;

	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(3, vt_get(mem, 2));
	vt_put(mem, 2, 20);
	vt_put(mem, 3, 30);			/* without a look at it */
	EXPECT_EQ(3, vt_get(self->mem, 2));
	vt_put(self->mem, 5, 50);
	EXPECT_EQ(50, vt_get(mem, 5));		/* not copied yet */
	vt_put(self->mem, 2, 22);
	EXPECT_EQ(20, vt_get(mem, 2));
	ASSERT_EQ(0, msync(mem, PAGES * vt_page_size, MS_SYNC));
	EXPECT_EQ(22, file_get(self->fd, 2));
	EXPECT_EQ(4, file_get(self->fd, 3));
	ASSERT_EQ(0, vt_in_child(write_all, mem));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i == 2 ? 20 : i == 3 ? 30 : i == 5 ? 50 : i + 1,
			  vt_get(mem, i));
	EXPECT_TRUE(vt_check_ok());
	munmap(mem, PAGES * vt_page_size);
}

/* The file's lock is held when our memory faults. */
TEST_F(vnode, write_from_own_mapping)
{
	char *from = map_object(self->object, PAGES, MAP_SHARED);

	ASSERT_NE(MAP_FAILED, from);
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	ASSERT_EQ((ssize_t)vt_page_size,
		  pwrite(self->fd, vt_page(from, 6), vt_page_size, 0));
	EXPECT_EQ(7, file_get(self->fd, 0));
	EXPECT_EQ(7, vt_get(self->mem, 0));
	ASSERT_EQ((ssize_t)vt_page_size,
		  pread(self->fd, vt_page(from, 1), vt_page_size,
			FILE_SIZE(5)));
	EXPECT_EQ(6, vt_get(self->mem, 1));
	ASSERT_EQ(0, fsync(self->object));
	EXPECT_EQ(6, file_get(self->fd, 1));
	munmap(from, PAGES * vt_page_size);
}

TEST_F(vnode, unlinked_file)
{
	ASSERT_EQ(0, unlink(self->name));
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	EXPECT_EQ(4, vt_get(self->mem, 3));
	vt_put(self->mem, 3, 30);
	ASSERT_EQ(0, msync(self->mem, PAGES * vt_page_size, MS_SYNC));
	EXPECT_EQ(30, file_get(self->fd, 3));
}

TEST_F(vnode, descriptor_is_coherent)
{
	char page[vt_page_size];

	vt_put(self->mem, 2, 20);
	ASSERT_EQ((ssize_t)vt_page_size,
		  pread(self->object, page, vt_page_size, FILE_SIZE(2)));
	EXPECT_EQ(20, vt_get(page, 0));
	vt_put(page, 0, 21);
	ASSERT_EQ((ssize_t)vt_page_size,
		  pwrite(self->object, page, vt_page_size, FILE_SIZE(2)));
	EXPECT_EQ(21, vt_get(self->mem, 2));
	EXPECT_EQ(21, file_get(self->fd, 2));
}

/* ---- who may do what ---- */

TEST_F(vnode, read_only_file)
{
	int fd = open(self->name, O_RDONLY), object = attach(fd);
	char *mem;

	ASSERT_LE(0, object);
	errno = 0;
	EXPECT_EQ(MAP_FAILED, map_object(object, PAGES, MAP_SHARED));
	EXPECT_EQ(EACCES, errno);
	mem = mmap(NULL, PAGES * vt_page_size, PROT_READ, MAP_SHARED, object,
		   0);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(2, vt_get(mem, 1));
	errno = 0;
	EXPECT_EQ(-1, mprotect(mem, vt_page_size, VT_RW));
	EXPECT_EQ(EACCES, errno);
	munmap(mem, PAGES * vt_page_size);
	mem = map_object(object, PAGES, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, mem);
	vt_put(mem, 1, 20);
	EXPECT_EQ(2, vt_get(self->mem, 1));
	munmap(mem, PAGES * vt_page_size);
	EXPECT_EQ(-1, pwrite(object, "x", 1, 0));
	close(object);
	close(fd);
}

TEST_F(vnode, what_cannot_be_attached)
{
	int fd = open(self->dir, O_RDONLY | O_DIRECTORY);

	EXPECT_EQ(-1, attach(fd));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	EXPECT_EQ(-1, attach(fd));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
	EXPECT_EQ(-1, attach(-1));
	EXPECT_EQ(EBADF, errno);
	fd = open(self->name, O_WRONLY);
	EXPECT_EQ(-1, attach(fd));
	EXPECT_EQ(EACCES, errno);
	close(fd);
	EXPECT_EQ(-1, attach(self->object));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, attach_at(self->fd, 100, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(vnode, part_of_a_file)
{
	int object = attach_at(self->fd, FILE_SIZE(3), FILE_SIZE(2));
	char tag[100], *mem;

	ASSERT_LE(0, object);
	EXPECT_EQ(MAP_FAILED, map_object(object, 3, MAP_SHARED));
	EXPECT_EQ(EINVAL, errno);
	mem = map_object(object, 2, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(4, vt_get(mem, 0));
	EXPECT_EQ(5, vt_get(mem, 1));
	vt_put(mem, 0, 40);
	EXPECT_EQ(40, vt_get(self->mem, 3));
	ASSERT_EQ(0, msync(mem, vt_page_size, MS_SYNC));
	EXPECT_EQ(40, file_get(self->fd, 3));
	EXPECT_EQ(FILE_SIZE(2), lseek(object, 0, SEEK_END));
	EXPECT_EQ(4, pread(object, tag, 100, FILE_SIZE(2) - 4));
	EXPECT_EQ(0, pread(object, tag, 4, FILE_SIZE(2)));
	EXPECT_EQ(-1, pwrite(object, tag, 4, FILE_SIZE(2)));
	EXPECT_EQ(ENOSPC, errno);
	munmap(mem, 2 * vt_page_size);
	close(object);
}

/* ---- kill -9 ---- */

struct killed {
	char *mem;
	volatile uint32_t *done;	/* writes that have been made */
	uint32_t first;
};

static void write_for_ever(void *arg)
{
	struct killed *k = arg;
	uint32_t i;

	for (i = k->first;; i++) {
		*(volatile uint32_t *)vt_page(k->mem, i % PAGES) = i;
		*k->done = i;
	}
}

TEST_F(vnode, kill_loses_nothing)
{
	struct killed k = { .mem = self->mem };
	uint64_t random = vt_seed();
	unsigned long round, rounds = vt_scale(40, 8);
	uint32_t i, value, last;

	k.done = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	munmap(self->mem, PAGES * vt_page_size);
	close(self->object);
	for (round = 0; round < rounds; round++) {
		pid_t pid;

		*k.done = 0;
		k.first = (round + 1) << 20;
		self->object = attach(self->fd);
		ASSERT_LE(0, self->object);
		self->mem = map_object(self->object, PAGES, MAP_SHARED);
		ASSERT_NE(MAP_FAILED, self->mem);
		k.mem = self->mem;
		pid = vt_fork(write_for_ever, &k);
		/* It is the only one. */
		munmap(self->mem, PAGES * vt_page_size);
		close(self->object);
		usleep(vt_below(&random, 20000));
		kill(pid, SIGKILL);
		ASSERT_EQ(128 + SIGKILL, vt_wait(pid));
		last = *k.done;
		for (i = 0; last && i < PAGES && last >= k.first + i; i++) {
			ASSERT_EQ(4, pread(self->fd, &value, 4,
					   FILE_SIZE((last - i) % PAGES)));
			/* One more may have been made. */
			ASSERT_TRUE(value == last - i ||
				    value == last - i + PAGES) {
				TH_LOG("round %lu: %u instead of %u", round,
				       value, last - i);
			}
		}
	}
	self->object = -1;
	self->mem = MAP_FAILED;
	munmap((void *)k.done, vt_page_size);
}

/* ---- random operations ---- */

#define FSX_PAGES	24

struct fsx {
	int fd;
	int object;
	char *mem;
	char *private;
	char *model;
	char *data;
	size_t size;
	size_t limit;
	uint64_t random;
};

static bool fsx_open(struct fsx *x)
{
	x->object = attach(x->fd);
	x->mem = map_object(x->object, FSX_PAGES, MAP_SHARED);
	x->private = map_object(x->object, FSX_PAGES, MAP_PRIVATE);
	return x->object >= 0 && x->mem != MAP_FAILED &&
	       x->private != MAP_FAILED;
}

static void fsx_close(struct fsx *x)
{
	munmap(x->mem, x->limit);
	munmap(x->private, x->limit);
	close(x->object);
}

/* What is dirty here is written over what others write to the page. */
static bool fsx_write(struct fsx *x, size_t from, size_t length)
{
	size_t i;

	if (msync(x->mem, x->limit, MS_SYNC))
		return false;
	for (i = 0; i < length; i++)
		x->data[i] = vt_random(&x->random);
	if (pwrite(x->fd, x->data, length, from) != (ssize_t)length)
		return false;
	if (from > x->size)
		memset(x->model + x->size, 0, from - x->size);
	memcpy(x->model + from, x->data, length);
	if (from + length > x->size)
		x->size = from + length;
	return true;
}

static bool fsx_truncate(struct fsx *x, size_t size)
{
	if (size > x->size)
		memset(x->model + x->size, 0, size - x->size);
	x->size = size;
	return !ftruncate(x->fd, size);
}

static bool fsx_punch(struct fsx *x, size_t from, size_t length)
{
	if (from >= x->size)
		return true;
	if (msync(x->mem, x->limit, MS_SYNC))
		return false;
	if (fallocate(x->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
		      length))
		return errno == EOPNOTSUPP;
	if (from + length > x->size)
		length = x->size - from;
	memset(x->model + from, 0, length);
	return true;
}

static bool fsx_same(struct fsx *x, const char *what, const char *data,
		     size_t from, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		if (data[i] == x->model[from + i])
			continue;
		printf("# %s: byte %zu is %02x instead of %02x, size %zu\n",
		       what, from + i, data[i] & 255, x->model[from + i] & 255,
		       x->size);
		return false;
	}
	return true;
}

static bool fsx_compare_file(struct fsx *x)
{
	struct stat st;

	if (msync(x->mem, x->limit, MS_SYNC) || fstat(x->fd, &st))
		return false;
	if (st.st_size != (off_t)x->size) {
		printf("# the file has %lld bytes instead of %zu\n",
		       (long long)st.st_size, x->size);
		return false;
	}
	return pread(x->fd, x->data, x->limit, 0) == (ssize_t)x->size &&
	       fsx_same(x, "file", x->data, 0, x->size);
}

static bool fsx_step(struct fsx *x)
{
	size_t from = vt_below(&x->random, x->limit - 1);
	size_t length = 1 + vt_below(&x->random, 3 * vt_page_size);
	unsigned int op = vt_below(&x->random, 16);
	size_t i, inside;

	if (from + length > x->limit)
		length = x->limit - from;
	inside = from < x->size ? x->size - from : 0;
	if (inside > length)
		inside = length;
	switch (op) {
	case 0 ... 3:
		return fsx_same(x, "memory", x->mem + from, from, inside);
	case 4:
		return fsx_same(x, "private", x->private + from, from, inside);
	case 5 ... 8:
		for (i = 0; i < inside; i++)
			x->model[from + i] = vt_random(&x->random);
		memcpy(x->mem + from, x->model + from, inside);
		return true;
	case 9:
	case 10:
		return fsx_write(x, from, length);
	case 11:
		return fsx_truncate(x, from);
	case 12:
		return fsx_punch(x, from, length);
	case 13:
		return !sync_object(x->object, VMOBJ_SYNC_INVAL);
	case 14:
		return fsx_compare_file(x);
	default:
		if (vt_below(&x->random, 4))
			return true;
		fsx_close(x);
		return fsx_open(x);
	}
}

TEST_F(vnode, random_operations)
{
	unsigned long i, steps = vt_scale(4000, 400);
	struct fsx x = {
		.fd = self->fd,
		.limit = FSX_PAGES * vt_page_size,
		.size = PAGES * vt_page_size,
		.random = vt_seed(),
	};

	x.model = calloc(1, x.limit);
	x.data = calloc(1, x.limit);
	ASSERT_EQ((ssize_t)x.size, pread(x.fd, x.model, x.size, 0));
	ASSERT_TRUE(fsx_open(&x));
	for (i = 0; i < steps; i++) {
		ASSERT_TRUE(fsx_step(&x)) {
			TH_LOG("step %lu: %s", i, strerror(errno));
		}
	}
	EXPECT_TRUE(fsx_compare_file(&x));
	EXPECT_TRUE(fsx_same(&x, "memory", x.mem, 0, x.size));
	EXPECT_TRUE(vt_check_ok());
	fsx_close(&x);
	free(x.model);
	free(x.data);
}

/* ---- all at once ---- */

#define STIR_PROCESSES	4

struct stir {
	const char *name;
	int fd;
	uint64_t random;
};

static void stir_object(struct stir *s, int object, char *mem)
{
	char *at = vt_page(mem, vt_below(&s->random, PAGES));
	char buf[64];

	switch (vt_below(&s->random, 12)) {
	case 0 ... 2:
		vt_try_write(at, 1);		/* may be behind the end */
		break;
	case 3 ... 4:
		vt_try_read(at);
		break;
	case 5:
		msync(mem, PAGES * vt_page_size, MS_SYNC);
		break;
	case 6:
		sync_object(object, VMOBJ_SYNC_INVAL);
		break;
	case 7:
		/* EFAULT when our own memory has no page there. */
		if (pwrite(s->fd, at, vt_page_size, vt_below(&s->random, 9000)))
			break;
		break;
	case 8:
		if (pread(object, buf, sizeof(buf), vt_below(&s->random, 9000)))
			break;
		break;
	case 9:
		if (pwrite(object, buf, sizeof(buf),
			   vt_below(&s->random, 30000)))
			break;
		break;
	case 10:
		if (ftruncate(s->fd, vt_below(&s->random, FILE_SIZE(PAGES))))
			break;
		break;
	default:
		vt_fork(write_all, map_object(object, PAGES, MAP_PRIVATE));
		break;
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void stir_for_ever(void *arg)
{
	struct stir *s = arg;
	int i;

	for (;;) {
		int object = attach(s->fd);
		char *mem = map_object(object, PAGES, vt_below(&s->random, 3) ?
				       MAP_SHARED : MAP_PRIVATE);

		VT_CHECK(object >= 0 && mem != MAP_FAILED);
		for (i = vt_below(&s->random, 60); i; i--)
			stir_object(s, object, mem);
		munmap(mem, PAGES * vt_page_size);
		close(object);
	}
}

static void write_elsewhere(void *arg)
{
	struct stir *s = arg;

	for (;;)
		VT_CHECK(file_put(s->fd, vt_below(&s->random, 3), 5));
}

static void sync_for_ever(void *arg)
{
	struct stir *s = arg;
	int object = attach(s->fd);

	for (;;)
		VT_CHECK(!sync_object(object, vt_below(&s->random, 2) ?
				      VMOBJ_SYNC_INVAL : 0));
}

/* Fails if a page shows what it was before, because others change the file. */
TEST_F(vnode, own_writes_stay)
{
	unsigned long i, rounds = vt_scale(30000, 3000);
	struct stir s = { .fd = self->fd, .random = vt_seed() };
	volatile uint32_t *own = (void *)vt_page(self->mem, 5);
	pid_t pid[2];
	int j;

	pid[0] = vt_fork(write_elsewhere, &s);
	pid[1] = vt_fork(sync_for_ever, &s);
	for (i = 1; i <= rounds; i++) {
		own[i % 100] = i;
		for (j = 0; j < 4; j++)
			ASSERT_EQ(i, own[i % 100]);
		if (i > 100)
			ASSERT_EQ(i - 50, own[(i - 50) % 100]);
	}
	for (j = 0; j < 2; j++) {
		kill(pid[j], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, vt_wait(pid[j]));
	}
	ASSERT_EQ(0, fsync(self->object));
	ASSERT_EQ(4, pread(self->fd, &j, 4, FILE_SIZE(5) + rounds % 100 * 4));
	EXPECT_EQ(rounds, j);
}

/* Fails if something hangs, or the kernel complains. */
TEST_F(vnode, everything_at_once)
{
	unsigned long rounds = vt_scale(10, 2);
	struct stir s = { .fd = self->fd, .random = vt_seed() };
	pid_t pid[STIR_PROCESSES];
	int i;

	munmap(self->mem, PAGES * vt_page_size);
	self->mem = MAP_FAILED;
	close(self->object);
	self->object = -1;
	while (rounds--) {
		for (i = 0; i < STIR_PROCESSES; i++) {
			s.random += i + 1;
			pid[i] = vt_fork(stir_for_ever, &s);
		}
		usleep(200000 + vt_below(&s.random, 100000));
		for (i = 0; i < STIR_PROCESSES; i++) {
			kill(pid[i], SIGKILL);
			EXPECT_EQ(128 + SIGKILL, vt_wait(pid[i]));
		}
		EXPECT_TRUE(vt_check_ok());
	}
	self->object = attach(self->fd);
	EXPECT_LE(0, self->object);
}

/* ---- errors ---- */

TEST(write_error_is_reported_once_per_descriptor)
{
	static const char dir[] = "/tmp/vnode-small";
	int fd, a, b;
	char *mem;

	VT_NEED_DEVICE();
	mkdir(dir, 0755);
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", 0, "size=64k"));
	fd = open("/tmp/vnode-small/file", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(0, ftruncate(fd, FILE_SIZE(64)));
	a = attach(fd);
	b = attach(fd);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	mem = map_object(a, 64, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, mem);
	memset(mem, 'x', FILE_SIZE(64));
	errno = 0;
	EXPECT_EQ(-1, fsync(a));
	EXPECT_EQ(ENOSPC, errno);
	/* Room for all of it: now nothing is to be complained about. */
	ASSERT_EQ(0, mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=1m"));
	EXPECT_EQ(0, fsync(a));
	errno = 0;
	EXPECT_EQ(-1, fsync(b));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, fsync(b));
	munmap(mem, FILE_SIZE(64));
	close(a);
	close(b);
	mem = mmap(NULL, FILE_SIZE(64), PROT_READ, MAP_SHARED, fd, 0);
	EXPECT_EQ('x', mem[FILE_SIZE(64) - 1]);
	munmap(mem, FILE_SIZE(64));
	close(fd);
	EXPECT_EQ(0, umount2(dir, 0));
}

TEST_HARNESS_MAIN
