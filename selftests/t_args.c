// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments nobody should give, and the errno a Linux user expects for them.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#define PAGES	4

static int fd;
static char *mem;

#define SETUP() \
	do { \
		VT_NEED_DEVICE(); \
		fd = vt_open(O_RDWR); \
		ASSERT_LE(0, fd); \
	} while (0)

#define SETUP_MAPPED(flags) \
	do { \
		mem = vt_map(PAGES, VT_RW, flags); \
		ASSERT_NE(NULL, mem); \
	} while (0)

/* ---- mmap ---- */

static int mmap_errno(size_t length, int prot, int flags, int file, off_t offset)
{
	void *p = mmap(NULL, length, prot, flags, file, offset);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, length);
	return 0;
}

TEST(mmap_of_nothing_is_EINVAL)
{
	SETUP();
	EXPECT_EQ(EINVAL, mmap_errno(0, VT_RW, MAP_PRIVATE, fd, 0));
}

TEST(mmap_without_a_kind_is_EINVAL)
{
	SETUP();
	EXPECT_EQ(EINVAL, mmap_errno(vt_page_size, VT_RW, 0, fd, 0));
}

TEST(mmap_at_an_unaligned_offset_is_EINVAL)
{
	SETUP();
	EXPECT_EQ(EINVAL, mmap_errno(vt_page_size, VT_RW, MAP_PRIVATE, fd, 1));
	EXPECT_EQ(EINVAL, mmap_errno(vt_page_size, VT_RW, MAP_SHARED, fd,
				     vt_page_size - 1));
}

TEST(mmap_of_a_huge_length_is_ENOMEM)
{
	SETUP();
	EXPECT_EQ(ENOMEM, mmap_errno(SIZE_MAX & ~(vt_page_size - 1), VT_RW,
				     MAP_PRIVATE, fd, 0));
	EXPECT_EQ(ENOMEM, mmap_errno((size_t)1 << 62, VT_RW, MAP_PRIVATE, fd, 0));
}

TEST(mmap_of_all_lengths_and_offsets_that_make_sense)
{
	static const off_t offsets[] = { 0, 1, 12345, (off_t)1 << 40 };
	size_t i;

	SETUP();
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_EQ(0, mmap_errno(PAGES * vt_page_size, VT_RW, MAP_PRIVATE,
					fd, offsets[i] * vt_page_size));
	/* much more than there is memory; it is not touched */
	EXPECT_EQ(0, mmap_errno((size_t)1 << 40, VT_RW,
				MAP_PRIVATE | MAP_NORESERVE, fd, 0));
}

/* Each mmap is fresh memory, wherever it says that it begins. */
TEST(the_offset_means_nothing)
{
	char *one, *two;

	SETUP();
	one = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED, fd, 16 * vt_page_size);
	two = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED, fd, 16 * vt_page_size);
	ASSERT_NE(MAP_FAILED, (void *)one);
	ASSERT_NE(MAP_FAILED, (void *)two);
	vt_put(one, 0, 1);
	EXPECT_EQ(0, vt_get(two, 0));
}

TEST(mmap_near_the_end_of_offsets_overflows_or_works)
{
	const off_t last = INT64_MAX & ~(vt_page_size - 1);
	int err;

	SETUP();
	err = mmap_errno(vt_page_size, VT_RW, MAP_PRIVATE, fd, last);
	EXPECT_TRUE(err == 0 || err == EOVERFLOW);
	err = mmap_errno(2 * vt_page_size, VT_RW, MAP_SHARED, fd, last);
	EXPECT_TRUE(err == 0 || err == EOVERFLOW);
	EXPECT_TRUE(vt_check_ok());
}

TEST(mmap_growsdown_is_EINVAL)
{
	SETUP();
	EXPECT_EQ(EINVAL, mmap_errno(vt_page_size, VT_RW,
				     MAP_PRIVATE | MAP_GROWSDOWN, fd, 0));
}

TEST(mmap_on_a_read_only_file)
{
	VT_NEED_DEVICE();
	fd = vt_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EACCES, mmap_errno(vt_page_size, VT_RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, mmap_errno(vt_page_size, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, mmap_errno(vt_page_size, VT_RW, MAP_PRIVATE, fd, 0));
	/* nor later */
	mem = mmap(NULL, vt_page_size, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	EXPECT_EQ(-1, mprotect(mem, vt_page_size, VT_RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, vt_get(mem, 0));
	mem = mmap(NULL, vt_page_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	EXPECT_EQ(0, mprotect(mem, vt_page_size, VT_RW));
	EXPECT_EQ(0, vt_try_write(mem, 1));
}

TEST(mmap_on_a_write_only_file_is_EACCES)
{
	VT_NEED_DEVICE();
	fd = vt_open(O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EACCES, mmap_errno(vt_page_size, VT_RW, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, mmap_errno(vt_page_size, VT_RW, MAP_PRIVATE, fd, 0));
}

TEST(mmap_populate_and_locked)
{
	SETUP();
	mem = mmap(NULL, PAGES * vt_page_size, VT_RW, MAP_PRIVATE | MAP_POPULATE,
		   fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	EXPECT_EQ(0, vt_get(mem, PAGES - 1));
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, mmap_errno(vt_page_size, VT_RW, MAP_PRIVATE | MAP_LOCKED,
				fd, 0));
}

/* ---- the file ---- */

TEST(read_and_write_are_EINVAL)
{
	char c = 0;

	SETUP();
	EXPECT_EQ(-1, read(fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pread(fd, &c, 1, 4096));
	EXPECT_EQ(EINVAL, errno);
}

TEST(truncate_is_EINVAL)
{
	SETUP();
	EXPECT_EQ(-1, ftruncate(fd, 4096));
	EXPECT_EQ(EINVAL, errno);
}

/* ---- ioctl ---- */

TEST(unknown_ioctls_are_ENOTTY)
{
	static const unsigned long codes[] = {
		0, 1, ~0U, _IO('V', 0x40), _IO('V', 0x41), _IOWR('V', 0x41, int),
		_IOR('V', 0x40, struct vmobj_info), _IOWR('W', 0x40, struct vmobj_info),
	};
	char arg[256] = "";
	size_t i;

	SETUP();
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		EXPECT_EQ(-1, ioctl(fd, codes[i], arg));
		EXPECT_EQ(ENOTTY, errno);
	}
}

/* errno of VMOBJ_IOC_INFO, or 0. */
static int info(void *arg)
{
	return ioctl(fd, VMOBJ_IOC_INFO, arg) ? errno : 0;
}

TEST(info_tells_what_is_there)
{
	struct vmobj_info arg = { .size = sizeof(arg) };

	SETUP();
	ASSERT_EQ(0, info(&arg));
	EXPECT_EQ(sizeof(arg), arg.size);
	EXPECT_EQ(0, arg.flags);
	EXPECT_EQ(VMOBJ_ABI_VERSION, arg.abi_version);
	EXPECT_EQ(vt_page_size, arg.page_size);
	EXPECT_EQ(0, arg.reserved[0]);
	EXPECT_EQ(0, arg.reserved[1]);
}

TEST(info_works_on_a_read_only_file)
{
	struct vmobj_info arg = { .size = sizeof(arg) };

	VT_NEED_DEVICE();
	fd = vt_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, info(&arg));
}

TEST(info_at_a_bad_address_is_EFAULT)
{
	SETUP();
	SETUP_MAPPED(MAP_PRIVATE);
	EXPECT_EQ(EFAULT, info(NULL));
	EXPECT_EQ(EFAULT, info((void *)-1L));
	/* it ends where memory does */
	ASSERT_EQ(0, munmap(vt_page(mem, 1), vt_page_size));
	((struct vmobj_info *)(vt_page(mem, 1) - 8))->size = sizeof(struct vmobj_info);
	EXPECT_EQ(EFAULT, info(vt_page(mem, 1) - 8));
	/* can be read, cannot be written */
	((struct vmobj_info *)mem)->size = sizeof(struct vmobj_info);
	ASSERT_EQ(0, mprotect(mem, vt_page_size, PROT_READ));
	EXPECT_EQ(EFAULT, info(mem));
}

TEST(info_of_a_wrong_size)
{
	static const struct {
		uint32_t size;
		int err;
	} cases[] = {
		{ 0, EINVAL }, { 4, EINVAL }, { 8, EINVAL },
		{ VMOBJ_INFO_SIZE_VER0 - 1, EINVAL },
		{ VMOBJ_INFO_SIZE_VER0, 0 },
		{ sizeof(struct vmobj_info) + 8, 0 },	/* zeros behind */
		{ 4096, 0 },
		{ UINT32_MAX, E2BIG },
	};
	char arg[8192];
	size_t i;

	SETUP();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(arg, 0, sizeof(arg));
		*(uint32_t *)arg = cases[i].size;
		EXPECT_EQ(cases[i].err, info(arg))
			TH_LOG("size %u", cases[i].size);
	}
	memset(arg, 0, sizeof(arg));
	*(uint32_t *)arg = vt_page_size + 1;
	EXPECT_EQ(E2BIG, info(arg));
}

TEST(info_with_something_behind_it_is_E2BIG)
{
	char arg[256] = "";

	SETUP();
	*(uint32_t *)arg = sizeof(struct vmobj_info) + 16;
	arg[sizeof(struct vmobj_info) + 15] = 1;
	EXPECT_EQ(E2BIG, info(arg));
}

TEST(info_with_flags_or_reserved_is_EINVAL)
{
	struct vmobj_info arg;

	SETUP();
	arg = (struct vmobj_info) { .size = sizeof(arg), .flags = 1 };
	EXPECT_EQ(EINVAL, info(&arg));
	arg = (struct vmobj_info) { .size = sizeof(arg), .flags = 1U << 31 };
	EXPECT_EQ(EINVAL, info(&arg));
	arg = (struct vmobj_info) { .size = sizeof(arg), .reserved[0] = 1 };
	EXPECT_EQ(EINVAL, info(&arg));
	arg = (struct vmobj_info) { .size = sizeof(arg), .reserved[1] = 1ULL << 63 };
	EXPECT_EQ(EINVAL, info(&arg));
}

/* ---- calls on a mapping ---- */

TEST(madvise_contents)
{
	static const int harmless[] = { MADV_NORMAL, MADV_RANDOM,
		MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP,
		MADV_DONTFORK, MADV_DOFORK };
	size_t i;

	SETUP_MAPPED(MAP_PRIVATE);
	vt_put(mem, 0, 1);
	for (i = 0; i < ARRAY_SIZE(harmless); i++) {
		EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, harmless[i]))
			TH_LOG("advice %d", harmless[i]);
		EXPECT_EQ(1, vt_get(mem, 0));
	}
	EXPECT_EQ(-1, madvise(mem, vt_page_size, 9999));
	EXPECT_EQ(EINVAL, errno);
}

/* A documented difference: advice, not a command. */
TEST(madv_dontneed_keeps_the_contents)
{
	VT_NEED_DEVICE();
	SETUP_MAPPED(MAP_PRIVATE);
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_DONTNEED));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(0, vt_get(mem, 1));
	vt_put(mem, 0, 2);
	EXPECT_EQ(2, vt_get(mem, 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST(madv_free_is_EINVAL)
{
	VT_NEED_DEVICE();
	SETUP_MAPPED(MAP_PRIVATE);
	vt_put(mem, 0, 1);
	EXPECT_EQ(-1, madvise(mem, vt_page_size, MADV_FREE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, vt_get(mem, 0));
}

TEST(mincore_knows_what_is_there)
{
	unsigned char vec[PAGES];

	SETUP_MAPPED(MAP_PRIVATE);
	memset(mem, 1, PAGES * vt_page_size);
	ASSERT_EQ(0, mincore(mem, PAGES * vt_page_size, vec));
	EXPECT_EQ(1, vec[0] & 1);
	EXPECT_EQ(1, vec[PAGES - 1] & 1);
}

TEST(msync_is_all_right)
{
	int flags = MAP_PRIVATE;

	for (;; flags = MAP_SHARED) {
		SETUP_MAPPED(flags);
		vt_put(mem, 0, 1);
		EXPECT_EQ(0, msync(mem, PAGES * vt_page_size, MS_SYNC));
		EXPECT_EQ(0, msync(mem, PAGES * vt_page_size, MS_ASYNC));
		EXPECT_EQ(0, msync(mem, PAGES * vt_page_size,
				   MS_SYNC | MS_INVALIDATE));
		EXPECT_EQ(1, vt_get(mem, 0));
		if (flags == MAP_SHARED)
			break;
	}
}

TEST(mlock_and_munlock)
{
	SETUP_MAPPED(MAP_PRIVATE);
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, mlock(mem, PAGES * vt_page_size));
	EXPECT_EQ(1, vt_get(mem, 0));
	vt_put(mem, 1, 2);
	EXPECT_EQ(0, munlock(mem, vt_page_size));
	EXPECT_EQ(0, mlock2(mem, vt_page_size, MLOCK_ONFAULT));
	/* unmapped while it is locked */
	EXPECT_EQ(0, munmap(mem, PAGES * vt_page_size));
	EXPECT_TRUE(vt_check_ok());
}

static void write_all(void *arg)
{
	(void)arg;
	memset(mem, 2, PAGES * vt_page_size);
}

TEST(locked_memory_is_copied_at_fork)
{
	SETUP_MAPPED(MAP_PRIVATE);
	vt_put(mem, 0, 1);
	ASSERT_EQ(0, mlock(mem, PAGES * vt_page_size));
	EXPECT_EQ(0, vt_in_child(write_all, NULL));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(0, vt_get(mem, 1));
	vt_put(mem, 0, 3);
	EXPECT_EQ(3, vt_get(mem, 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST(munmap_of_wrong_ranges)
{
	SETUP_MAPPED(MAP_PRIVATE);
	EXPECT_EQ(-1, munmap(mem + 1, vt_page_size));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, munmap(mem, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, vt_get(mem, 0));
	/* a hole */
	EXPECT_EQ(0, munmap(vt_page(mem, 2), vt_page_size));
	EXPECT_EQ(0, munmap(vt_page(mem, 2), vt_page_size));
	EXPECT_EQ(-1, mprotect(mem, PAGES * vt_page_size, VT_RW));
	EXPECT_EQ(ENOMEM, errno);
}

TEST(remap_file_pages_is_refused)
{
	VT_NEED_DEVICE();
	SETUP_MAPPED(MAP_SHARED);
	vt_put(mem, 0, 1);
	EXPECT_EQ(-1, remap_file_pages(mem, vt_page_size, 0, 1, 0));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
