// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that make and change mappings, where no other program has them: flags of
 * mmap(), growth as of a heap, locking, protection keys, sealing, clone().
 */
#include "vmobj_test.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define PAGES	8

static char *map(int flags)
{
	return vt_map(PAGES, VT_RW, flags);
}

static bool works(char *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i))
			return false;
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, i + 1);
	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != i + 1)
			return false;
	return !munmap(mem, PAGES * vt_page_size);
}

/* ---- mmap() ---- */

TEST(flags_of_mmap_that_change_nothing)
{
	static const int flags[] = {
		MAP_NORESERVE, MAP_POPULATE, MAP_POPULATE | MAP_NONBLOCK,
		MAP_STACK, MAP_LOCKED, MAP_DENYWRITE, MAP_EXECUTABLE,
#ifdef MAP_32BIT
		MAP_32BIT,
#endif
	};
	size_t i;
	char *mem;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		mem = map(MAP_PRIVATE | flags[i]);
		ASSERT_NE(NULL, mem) TH_LOG("flags %x", flags[i]);
		EXPECT_TRUE(works(mem)) TH_LOG("flags %x", flags[i]);
		mem = map(MAP_SHARED | flags[i]);
		ASSERT_NE(NULL, mem) TH_LOG("shared, flags %x", flags[i]);
		EXPECT_TRUE(works(mem)) TH_LOG("shared, flags %x", flags[i]);
	}
}

TEST(fixed_noreplace_does_not_replace)
{
	char *mem = map(MAP_PRIVATE), *other;

	ASSERT_NE(NULL, mem);
	vt_put(mem, 1, 5);
	other = vt_map_at(vt_page(mem, 1), 1, VT_RW,
			  MAP_PRIVATE | MAP_FIXED_NOREPLACE);
	EXPECT_EQ(NULL, other);
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(5, vt_get(mem, 1));
	ASSERT_EQ(0, munmap(vt_page(mem, 1), vt_page_size));
	other = vt_map_at(vt_page(mem, 1), 1, VT_RW,
			  MAP_PRIVATE | MAP_FIXED_NOREPLACE);
	EXPECT_EQ(vt_page(mem, 1), other);
	EXPECT_EQ(0, vt_get(mem, 1));
}

/* hugetlbfs has a device of its own. */
TEST(hugetlb_is_refused)
{
	int fd;
	char *mem;

	VT_NEED_DEVICE();
	fd = vt_open(O_RDWR);
	mem = mmap(NULL, 2 << 20, VT_RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0);
	EXPECT_EQ(MAP_FAILED, mem);
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

/* A kind that only Linux's own memory can be of (6.11). */
TEST(droppable_is_refused)
{
	int fd;

	VT_NEED_DEVICE();
	fd = vt_open(O_RDWR);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, vt_page_size, VT_RW, 8, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

/* ---- overcommit ---- */

static long committed_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Committed_AS: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* Has so much been accounted since?  Others may have a little to do, too. */
static bool committed(long before, size_t bytes)
{
	long kib = committed_kib() - before, want = bytes / 1024, slack = 16384;

	if (kib > want - slack && kib < want + slack)
		return true;
	fprintf(stderr, "# %ld KiB and not %ld\n", kib, want);
	return false;
}

/* What becomes writable later is left to the driver by Linux, as if it were shared. */
TEST(what_is_committed)
{
	size_t size = 256 << 20, pages = size / vt_page_size;
	long before = committed_kib();
	char *mem = vt_map(pages, VT_RW, MAP_PRIVATE);

	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(committed(before, size));
	ASSERT_EQ(0, munmap(mem, size));
	EXPECT_TRUE(committed(before, 0));
	mem = vt_map(pages, PROT_READ, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(committed(before, 0));
	ASSERT_EQ(0, mprotect(mem, size, VT_RW));
	EXPECT_TRUE(committed(before, vt_is_anon() ? size : 0));
	ASSERT_EQ(0, munmap(mem, size));
	EXPECT_TRUE(committed(before, 0));
	mem = vt_map(pages, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(committed(before, vt_is_anon() ? size : 0));
	ASSERT_EQ(0, munmap(mem, size));
	EXPECT_TRUE(committed(before, 0));
}

/* As a heap does: a mapping after the other, and one that gets longer. */
TEST(growth_as_of_a_heap)
{
	char *heap = vt_map(64, PROT_NONE, MAP_PRIVATE);
	size_t i;

	ASSERT_NE(NULL, heap);
	for (i = 0; i < 64; i += 4) {
		ASSERT_EQ(0, mprotect(vt_page(heap, i), 4 * vt_page_size, VT_RW));
		EXPECT_EQ(0, vt_get(heap, i + 3));
		vt_put(heap, i + 3, i + 1);
	}
	/* Trimmed, and grown again: nothing of before. */
	ASSERT_EQ(0, munmap(vt_page(heap, 32), 32 * vt_page_size));
	ASSERT_EQ(vt_page(heap, 32),
		  vt_map_at(vt_page(heap, 32), 32, VT_RW, MAP_PRIVATE | MAP_FIXED));
	for (i = 0; i < 32; i += 4)
		EXPECT_EQ(i + 1, vt_get(heap, i + 3));
	for (; i < 64; i++)
		EXPECT_EQ(0, vt_get(heap, i));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- clone() ---- */

static char *clone_mem;

static int clone_writes(void *arg)
{
	(void)arg;
	vt_put(clone_mem, 2, 77);
	return 0;
}

TEST(clone_with_and_without_the_memory)
{
	static char stack[65536] __attribute__((aligned(64)));
	pid_t pid;

	clone_mem = map(MAP_PRIVATE);
	ASSERT_NE(NULL, clone_mem);
	vt_put(clone_mem, 2, 1);
	pid = clone(clone_writes, stack + sizeof(stack), SIGCHLD, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(1, vt_get(clone_mem, 2));
	pid = clone(clone_writes, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(77, vt_get(clone_mem, 2));
}

/* ---- locking ---- */

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT	1
#endif

static size_t resident(char *mem, size_t pages)
{
	unsigned char vec[PAGES] = { 0 };
	size_t i, n = 0;

	mincore(mem, pages * vt_page_size, vec);
	for (i = 0; i < pages; i++)
		n += vec[i] & 1;
	return n;
}

TEST(mlock_fills_and_mlock2_on_fault_does_not)
{
	char *mem = map(MAP_PRIVATE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, syscall(SYS_mlock2, mem, PAGES * vt_page_size, MLOCK_ONFAULT));
	EXPECT_EQ(0, resident(mem, PAGES));
	mem[0] = 1;
	EXPECT_EQ(1, resident(mem, PAGES));
	ASSERT_EQ(0, munlock(mem, PAGES * vt_page_size));
	ASSERT_EQ(0, mlock(mem, PAGES * vt_page_size));
	EXPECT_EQ(PAGES, resident(mem, PAGES));
	EXPECT_EQ(-1, syscall(SYS_mlock2, mem, vt_page_size, 8));
	EXPECT_EQ(EINVAL, errno);
}

TEST(mlockall_of_what_is_to_come)
{
	char *mem;

	ASSERT_EQ(0, mlockall(MCL_FUTURE));
	mem = map(MAP_PRIVATE);
	ASSERT_EQ(0, munlockall());
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(PAGES, resident(mem, PAGES));
	mem = map(MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, resident(mem, PAGES));
}

TEST(locks_are_not_inherited)
{
	char *mem = map(MAP_PRIVATE);
	pid_t pid;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mlock(mem, PAGES * vt_page_size));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* A locked mapping would be EBUSY. */
		VT_CHECK(!msync(mem, vt_page_size, MS_INVALIDATE | MS_SYNC));
		_exit(0);
	}
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(-1, msync(mem, vt_page_size, MS_INVALIDATE | MS_SYNC));
	EXPECT_EQ(EBUSY, errno);
}

TEST(msync_of_all_kinds)
{
	char *mem = map(MAP_PRIVATE);

	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 3);
	EXPECT_EQ(0, msync(mem, PAGES * vt_page_size, MS_SYNC));
	EXPECT_EQ(0, msync(mem, PAGES * vt_page_size, MS_ASYNC));
	EXPECT_EQ(0, msync(mem, PAGES * vt_page_size, MS_INVALIDATE));
	EXPECT_EQ(-1, msync(mem, PAGES * vt_page_size, MS_SYNC | MS_ASYNC));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(3, vt_get(mem, 0));
}

/* mincore() tells what the process has mapped; Linux tells what there is. */
TEST(mincore_of_inherited_pages)
{
	char *mem = map(MAP_PRIVATE);
	pid_t pid;

	ASSERT_NE(NULL, mem);
	mem[0] = 1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		VT_CHECK(resident(mem, 1) == vt_is_anon());
		VT_CHECK(mem[0] == 1);
		VT_CHECK(resident(mem, 1) == 1);
		_exit(0);
	}
	EXPECT_EQ(0, vt_wait(pid));
}

/* ---- protection ---- */

static int pkey_alloc_or_no(void)
{
	return syscall(SYS_pkey_alloc, 0, 0);
}

TEST(protection_keys)
{
	char *mem = map(MAP_PRIVATE);
	int key = pkey_alloc_or_no();

	ASSERT_NE(NULL, mem);
	if (key < 0)
		SKIP(return, "no protection keys: the processor or the kernel");
	vt_put(mem, 0, 1);
	ASSERT_EQ(0, syscall(SYS_pkey_mprotect, mem, vt_page_size, VT_RW, key));
	EXPECT_EQ(1, vt_get(mem, 0));
	vt_put(mem, 0, 2);
	EXPECT_EQ(2, vt_get(mem, 0));
#ifdef __x86_64__
	/* Disable access with this key. */
	asm volatile(".byte 0x0f,0x01,0xef" : : "a" (1U << (2 * key)), "c" (0), "d" (0));
	EXPECT_EQ(SIGSEGV, vt_try_read(mem));
	asm volatile(".byte 0x0f,0x01,0xef" : : "a" (0), "c" (0), "d" (0));
	EXPECT_EQ(2, vt_get(mem, 0));
#endif
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE		65
#define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif

static void denies_execution(void *arg)
{
	char *mem = arg;

	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		_exit(4);
	VT_CHECK(mprotect(mem, vt_page_size, PROT_READ | PROT_EXEC) && errno == EACCES);
	VT_CHECK(!vt_map(1, VT_RW | PROT_EXEC, MAP_PRIVATE) && errno == EACCES);
	VT_CHECK(vt_map(1, PROT_READ | PROT_EXEC, MAP_PRIVATE));
}

TEST(memory_deny_write_execute)
{
	char *mem = map(MAP_PRIVATE);
	int status;

	ASSERT_NE(NULL, mem);
	status = vt_in_child(denies_execution, mem);
	if (status == 4)
		SKIP(return, "this kernel has no PR_SET_MDWE");
	EXPECT_EQ(0, status);
}

#ifndef __NR_mseal
#define __NR_mseal	462
#endif

TEST(sealed_memory_stays_as_it_is)
{
	size_t length = 2 * vt_page_size;
	char *mem = map(MAP_PRIVATE);

	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	if (syscall(__NR_mseal, mem, length, 0))
		SKIP(return, "this kernel has no mseal()");
	EXPECT_EQ(-1, munmap(mem, length));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, mprotect(mem, length, PROT_READ));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, mremap(mem, length, vt_page_size, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(NULL, vt_map_at(mem, 1, VT_RW, MAP_PRIVATE | MAP_FIXED));
	EXPECT_EQ(EPERM, errno);
	vt_put(mem, 0, 2);
	EXPECT_EQ(2, vt_get(mem, 0));
	EXPECT_EQ(0, munmap(vt_page(mem, 2), (PAGES - 2) * vt_page_size));
}

TEST_HARNESS_MAIN
