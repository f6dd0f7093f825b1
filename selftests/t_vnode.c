// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects that are files: VMOBJ_IOC_ATTACH, on several file systems.
 *
 * What the memory shows is held against the file.  t_fsx does that with random operations,
 * and kills processes.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGES	8
#define FILE_SIZE(pages)	((off_t)((pages) * vt_page_size))

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
};

FIXTURE_VARIANT_ADD(vnode, tmpfs)
{
	.fs = "tmpfs",
};

FIXTURE_VARIANT_ADD(vnode, ext4)
{
	.fs = "ext4",
};

FIXTURE_VARIANT_ADD(vnode, overlay)
{
	.fs = "overlay",
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
	if (vt_mount(variant->fs, self->dir))
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
	if (self->dir[0])
		EXPECT_TRUE(vt_unmount(self->dir));
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

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

/* A fault that is tried again has let the address space go while it read. */
TEST_F(vnode, reads_do_not_hold_the_address_space)
{
	char *private = map_object(self->object, PAGES, MAP_PRIVATE);
	long before;

	ASSERT_NE(MAP_FAILED, private);
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	before = major_faults();
	EXPECT_EQ(1, vt_get(self->mem, 0));
	EXPECT_EQ(before + 1, major_faults());
	EXPECT_EQ(2, vt_get(self->mem, 1));	/* came with it */
	EXPECT_EQ(before + 1, major_faults());
	ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
	before = major_faults();
	vt_put(private, 3, 30);
	EXPECT_EQ(before + 1, major_faults());
	EXPECT_EQ(4, vt_get(self->mem, 3));
	munmap(private, FILE_SIZE(PAGES));
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

/* ---- holes ---- */

#define PUNCH	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : st.st_size;
}

TEST_F(vnode, seeking_data_and_holes)
{
	int part = attach_at(self->fd, FILE_SIZE(1), FILE_SIZE(5) + 100);

	ASSERT_EQ(0, ftruncate(self->fd, 0));
	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(PAGES) - 5));
	EXPECT_EQ(-1, lseek(self->object, 0, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	vt_put(self->mem, 2, 20);		/* nobody has written it back */
	ASSERT_TRUE(file_put(self->fd, 5, 50));
	/* ext4 of 6.12 does not see what it has not given a place yet. */
	ASSERT_EQ(0, fsync(self->fd));
	EXPECT_EQ(FILE_SIZE(2), lseek(self->object, 0, SEEK_DATA));
	EXPECT_EQ(FILE_SIZE(2) + 9, lseek(self->object, FILE_SIZE(2) + 9,
					  SEEK_DATA));
	EXPECT_EQ(FILE_SIZE(2) + 9, lseek(self->object, 0, SEEK_CUR));
	EXPECT_EQ(FILE_SIZE(3), lseek(self->object, FILE_SIZE(2), SEEK_HOLE));
	EXPECT_EQ(0, lseek(self->object, 0, SEEK_HOLE));
	EXPECT_EQ(FILE_SIZE(5), lseek(self->object, FILE_SIZE(3), SEEK_DATA));
	EXPECT_EQ(FILE_SIZE(6), lseek(self->object, FILE_SIZE(5), SEEK_HOLE));
	EXPECT_EQ(-1, lseek(self->object, FILE_SIZE(6), SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->object, FILE_SIZE(PAGES) - 5, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->object, -1, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(FILE_SIZE(PAGES) - 5, lseek(self->object, 0, SEEK_END));

	vt_put(self->mem, 6, 60);
	EXPECT_EQ(FILE_SIZE(1), lseek(part, 0, SEEK_DATA));
	EXPECT_EQ(FILE_SIZE(2), lseek(part, FILE_SIZE(1), SEEK_HOLE));
	EXPECT_EQ(FILE_SIZE(4), lseek(part, FILE_SIZE(2), SEEK_DATA));
	/* Its end is a hole, whatever comes then. */
	EXPECT_EQ(FILE_SIZE(5) + 100, lseek(part, FILE_SIZE(4), SEEK_HOLE));
	EXPECT_EQ(-1, lseek(part, FILE_SIZE(5) + 100, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	close(part);
}

/* Memory, the file, and what a descriptor reads, all of them zeros? */
static bool all_zero(struct _test_data_vnode *self, off_t from, off_t to)
{
	char data[2][FILE_SIZE(PAGES)];
	off_t i;

	if (pread(self->object, data[0], to - from, from) != to - from ||
	    msync(self->mem, FILE_SIZE(PAGES), MS_SYNC) ||
	    pread(self->fd, data[1], to - from, from) != to - from)
		return false;
	for (i = from; i < to; i++)
		if (self->mem[i] || data[0][i - from] || data[1][i - from])
			return false;
	return true;
}

TEST_F(vnode, a_hole_in_dirty_memory)
{
	off_t from = FILE_SIZE(1) / 2, to = FILE_SIZE(3) + 10;
	char *private = map_object(self->object, PAGES, MAP_PRIVATE);

	ASSERT_NE(MAP_FAILED, private);
	memset(self->mem, 'x', FILE_SIZE(PAGES));
	vt_put(private, 2, 22);
	ASSERT_EQ(0, fallocate(self->object, PUNCH, from, to - from));
	EXPECT_EQ('x', self->mem[from - 1]);
	EXPECT_EQ('x', self->mem[to]);
	EXPECT_TRUE(all_zero(self, from, to));
	EXPECT_EQ('x', self->mem[from - 1]);
	EXPECT_EQ('x', self->mem[to]);
	EXPECT_EQ(FILE_SIZE(1), lseek(self->object, FILE_SIZE(1), SEEK_HOLE));
	EXPECT_EQ(FILE_SIZE(PAGES), size_of(self->fd));
	/* As in Linux: a copy is a copy. */
	EXPECT_EQ(22, vt_get(private, 2));
	EXPECT_EQ(0, vt_get(private, 1));
	/* It can be filled again. */
	vt_put(self->mem, 1, 11);
	ASSERT_EQ(0, fsync(self->object));
	EXPECT_EQ(11, file_get(self->fd, 1));
	EXPECT_EQ(0, file_get(self->fd, 2));
	munmap(private, FILE_SIZE(PAGES));
}

TEST_F(vnode, a_hole_in_clean_memory)
{
	int part = attach_at(self->fd, FILE_SIZE(1), FILE_SIZE(3));

	EXPECT_EQ(3, vt_get(self->mem, 2));
	ASSERT_EQ(0, fallocate(part, PUNCH, FILE_SIZE(1), FILE_SIZE(1) + 1));
	EXPECT_EQ(2, vt_get(self->mem, 1));
	EXPECT_TRUE(all_zero(self, FILE_SIZE(2), FILE_SIZE(3) + 1));
	EXPECT_EQ(5, vt_get(self->mem, 4));
	EXPECT_EQ(-1, fallocate(part, PUNCH, FILE_SIZE(2), FILE_SIZE(1) + 1));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(5, vt_get(self->mem, 4));
	close(part);
}

TEST_F(vnode, fallocate_makes_room)
{
	int fd = open(self->name, O_RDONLY), object = attach(fd);
	char *mem;

	ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(1) + 100));
	mem = map_object(self->object, 2 * PAGES, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, mem);
	memset(mem + FILE_SIZE(1), 'x', vt_page_size);
	if (fallocate(self->fd, 0, 0, 1)) {
		/* As ext4 in the old format does. */
		ASSERT_EQ(EOPNOTSUPP, errno);
		EXPECT_EQ(-1, fallocate(self->object, 0, 0, FILE_SIZE(PAGES)));
		EXPECT_EQ(EOPNOTSUPP, errno);
		ASSERT_EQ(0, ftruncate(self->fd, FILE_SIZE(2 * PAGES)));
		goto refused;
	}
	ASSERT_EQ(0, fallocate(self->object, FALLOC_FL_KEEP_SIZE, 0,
			       FILE_SIZE(PAGES)));
	EXPECT_EQ(FILE_SIZE(1) + 100, size_of(self->fd));
	EXPECT_EQ(SIGBUS, vt_try_read(vt_page(mem, 3)));
	ASSERT_EQ(0, fallocate(self->object, 0, FILE_SIZE(PAGES),
			       FILE_SIZE(PAGES)));
	EXPECT_EQ(FILE_SIZE(2 * PAGES), size_of(self->fd));
	EXPECT_EQ('x', mem[FILE_SIZE(1) + 99]);
	EXPECT_EQ(0, mem[FILE_SIZE(1) + 100]);
	EXPECT_EQ(0, vt_get(mem, PAGES + 1));
	vt_put(mem, PAGES + 1, 9);
	ASSERT_EQ(0, msync(mem, FILE_SIZE(2 * PAGES), MS_SYNC));
	EXPECT_EQ(9, file_get(self->fd, PAGES + 1));
refused:
	EXPECT_EQ(-1, fallocate(self->object, FALLOC_FL_COLLAPSE_RANGE, 0,
				FILE_SIZE(1)));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fallocate(self->object, PUNCH, -1, FILE_SIZE(1)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(object, PUNCH, 0, FILE_SIZE(1)));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(FILE_SIZE(2 * PAGES), size_of(self->fd));
	munmap(mem, FILE_SIZE(2 * PAGES));
	close(object);
	close(fd);
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

struct mover {
	pthread_t thread;
	int object;
	volatile bool stop;
};

static void *map_for_ever(void *arg)
{
	struct mover *m = arg;

	while (!m->stop) {
		char *mem = map_object(m->object, PAGES, MAP_SHARED);

		vt_try_read(mem);
		munmap(mem, FILE_SIZE(PAGES));
	}
	return NULL;
}

/* A VMA may be gone before the page is there that a fault in it has asked for. */
static void *unmap_under(void *arg)
{
	char *mem = *(char **)arg;

	munmap(mem, FILE_SIZE(PAGES));
	return NULL;
}

TEST_F(vnode, reads_beside_unmapping)
{
	unsigned long i, rounds = vt_scale(400, 40);
	struct mover m = { .object = self->object };
	int result = 0;

	ASSERT_EQ(0, pthread_create(&m.thread, NULL, map_for_ever, &m));
	for (i = 0; i < rounds; i++) {
		char *mem = map_object(self->object, PAGES, MAP_SHARED);
		pthread_t thread;

		ASSERT_NE(MAP_FAILED, mem);
		ASSERT_EQ(0, sync_object(self->object, VMOBJ_SYNC_INVAL));
		ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_under, &mem));
		/* By the kernel: there is no signal to catch. */
		result |= pwrite(self->fd, mem + vt_page_size, 1, 0) < 0 &&
			  errno != EFAULT;
		pthread_join(thread, NULL);
	}
	m.stop = true;
	pthread_join(m.thread, NULL);
	EXPECT_EQ(0, result);
	EXPECT_TRUE(vt_check_ok());
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
	for (j = 0; j < 2; j++)
		EXPECT_EQ(128 + SIGKILL, vt_kill(pid[j]));
	ASSERT_EQ(0, fsync(self->object));
	ASSERT_EQ(4, pread(self->fd, &j, 4, FILE_SIZE(5) + rounds % 100 * 4));
	EXPECT_EQ(rounds, j);
}

static void write_first_byte(void *arg)
{
	volatile char *at = arg;

	for (;;)
		*at = 'w';
}

/* Fails if what was there before is written over a hole, or comes back with a page. */
TEST_F(vnode, a_hole_beside_writers_stays)
{
	unsigned long i, rounds = vt_scale(500, 50);
	struct stir s = { .fd = self->fd, .random = vt_seed() };
	char *at = vt_page(self->mem, 4), data[vt_page_size];
	pid_t pid[2];
	int j;

	pid[0] = vt_fork(write_first_byte, at);
	pid[1] = vt_fork(sync_for_ever, &s);
	for (i = 0; i < rounds; i++) {
		memset(at + 1, 'x', vt_page_size - 1);
		ASSERT_EQ(0, fallocate(self->object, PUNCH, FILE_SIZE(4),
				       vt_page_size));
		ASSERT_EQ(0, at[100]);
		if (i % 16)
			continue;
		ASSERT_EQ(0, fsync(self->object));
		ASSERT_EQ((ssize_t)vt_page_size,
			  pread(self->fd, data, vt_page_size, FILE_SIZE(4)));
		ASSERT_EQ(0, data[100]);
		ASSERT_EQ(0, data[vt_page_size - 1]);
	}
	for (j = 0; j < 2; j++)
		EXPECT_EQ(128 + SIGKILL, vt_kill(pid[j]));
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
		for (i = 0; i < STIR_PROCESSES; i++)
			EXPECT_EQ(128 + SIGKILL, vt_kill(pid[i]));
		EXPECT_TRUE(vt_check_ok());
	}
	self->object = attach(self->fd);
	EXPECT_LE(0, self->object);
}

/* ---- errors ---- */

TEST(a_file_system_without_holes)
{
	static const char dir[] = "/tmp/vnode-ramfs";
	int fd, object;
	char *mem;

	VT_NEED_DEVICE();
	mkdir(dir, 0755);
	ASSERT_EQ(0, mount("ramfs", dir, "ramfs", 0, NULL));
	fd = open("/tmp/vnode-ramfs/file", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(0, ftruncate(fd, FILE_SIZE(2)));
	object = attach(fd);
	ASSERT_LE(0, object);
	mem = map_object(object, 2, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, mem);
	vt_put(mem, 1, 5);
	EXPECT_EQ(-1, fallocate(object, PUNCH, 0, FILE_SIZE(2)));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, fallocate(object, 0, 0, FILE_SIZE(3)));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(5, vt_get(mem, 1));
	/* Then all of it is data. */
	EXPECT_EQ(0, lseek(object, 0, SEEK_DATA));
	EXPECT_EQ(FILE_SIZE(2), lseek(object, 0, SEEK_HOLE));
	munmap(mem, FILE_SIZE(2));
	close(object);
	close(fd);
	EXPECT_TRUE(vt_unmount(dir));
}

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
	EXPECT_TRUE(vt_unmount(dir));
}

TEST_HARNESS_MAIN
