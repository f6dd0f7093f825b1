// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of a process, which hold for the memory as for any.
 */
#include "vmobj_test.h"

#include <sys/resource.h>

#define PAGES	16

static char *mem;

static int set_limit(int which, rlim_t value)
{
	struct rlimit limit = { value, value };

	return setrlimit(which, &limit);
}

/* Bytes of address space in use, and some. */
static rlim_t address_space_and(size_t more)
{
	char *text = vt_read_file("/proc/self/statm", 256, NULL);
	unsigned long pages = text ? strtoul(text, NULL, 10) : 0;

	free(text);
	return pages * vt_page_size + more;
}

static void map_too_much(void *arg)
{
	(void)arg;
	VT_CHECK(!set_limit(RLIMIT_AS, address_space_and(1 << 20)));
	VT_CHECK(!vt_map((8 << 20) / vt_page_size, VT_RW, MAP_PRIVATE));
	VT_CHECK(errno == ENOMEM);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	VT_CHECK(mem);
	vt_put(mem, 0, 1);
	VT_CHECK(mremap(mem, PAGES * vt_page_size, 8 << 20, MREMAP_MAYMOVE) ==
		 MAP_FAILED);
	VT_CHECK(errno == ENOMEM);
	VT_CHECK(vt_get(mem, 0) == 1);
}

TEST(address_space)
{
	EXPECT_EQ(0, vt_in_child(map_too_much, NULL));
	EXPECT_TRUE(vt_check_ok());
}

/* Root may lock what it likes: be somebody else, after the mmap. */
static void lock_too_much(void *arg)
{
	(void)arg;
	VT_CHECK(!set_limit(RLIMIT_MEMLOCK, PAGES / 2 * vt_page_size));
	VT_CHECK(!setuid(12345));
	VT_CHECK(mlock(mem, PAGES * vt_page_size) == -1);
	VT_CHECK(errno == ENOMEM || errno == EAGAIN);
	VT_CHECK(!mlock(mem, PAGES / 2 * vt_page_size));
	VT_CHECK(vt_get(mem, 0) == 1);
}

TEST(locked_memory)
{
	if (getuid())
		SKIP(return, "not root, cannot become somebody else");
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, vt_in_child(lock_too_much, NULL));
	EXPECT_TRUE(vt_check_ok());
}

/* The device is for root, as it comes. */
static void open_as_somebody(void *arg)
{
	int fd;

	(void)arg;
	VT_CHECK(!setgid(12345));
	VT_CHECK(!setuid(12345));
	fd = open(getenv("VMOBJ_DEV") ?: "/dev/vmobj", O_RDWR);
	VT_CHECK(fd < 0 && errno == EACCES);
	/* What was mapped before is there. */
	VT_CHECK(vt_get(mem, 0) == 1);
	vt_put(mem, 0, 2);
}

TEST(others_cannot_open_the_device)
{
	VT_NEED_DEVICE();
	if (getuid())
		SKIP(return, "not root, cannot become somebody else");
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, vt_in_child(open_as_somebody, NULL));
	EXPECT_EQ(1, vt_get(mem, 0));
}

/* As many VMAs as a process may have: cut until it is refused, then go on. */
TEST(number_of_mappings)
{
	const char *path = "/proc/sys/vm/max_map_count";
	char *text = vt_read_file(path, 64, NULL), small[] = "500";
	int fd, err = 0;
	size_t i;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (!text || fd < 0)
		SKIP(return, "cannot set %s", path);
	mem = vt_map(2000, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 1, 1);
	ASSERT_LT(0, write(fd, small, strlen(small)));
	for (i = 1; i < 2000 && !err; i += 2)
		err = mprotect(vt_page(mem, i), vt_page_size, PROT_READ);
	err = err ? errno : 0;
	EXPECT_LT(0, pwrite(fd, text, strlen(text), 0));
	EXPECT_EQ(ENOMEM, err);
	EXPECT_EQ(1, vt_get(mem, 1));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_EQ(0, mprotect(mem, 2000 * vt_page_size, VT_RW));
	vt_put(mem, 1, 2);
	EXPECT_EQ(2, vt_get(mem, 1));
	EXPECT_EQ(0, munmap(mem, 2000 * vt_page_size));
}

TEST_HARNESS_MAIN
