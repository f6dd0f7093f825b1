// SPDX-License-Identifier: GPL-2.0-only
/*
 * A debugger at work: it reads the memory of another process, and writes to it,
 * also where that process may not write (as it does to set a breakpoint).
 */
#include "vmobj_test.h"

#include <sys/ptrace.h>

#define PAGES	4
#define BEFORE	0x1111111111111111L
#define POKED	0x2222222222222222L

static long *mem;

static long *at(size_t page)
{
	return (long *)vt_page((char *)mem, page);
}

static bool map_and_fill(int flags)
{
	size_t i;

	mem = (long *)vt_map(PAGES, VT_RW, flags);
	for (i = 0; mem && i < PAGES; i++)
		*at(i) = BEFORE + i;
	return mem;
}

/* Stops; when it goes on, it must see what was poked. */
struct tracee {
	size_t page;
	int prot;
	long must_see;
};

static void stop_and_look(void *arg)
{
	struct tracee *t = arg;

	VT_CHECK(!mprotect(at(t->page), vt_page_size, t->prot));
	VT_CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	VT_CHECK(!mprotect(at(t->page), vt_page_size, VT_RW));
	VT_CHECK(*at(t->page) == t->must_see);
	*at(t->page) = 3;
	VT_CHECK(*at(t->page) == 3);
}

static pid_t start(struct tracee *t)
{
	pid_t pid = vt_fork(stop_and_look, t);
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	return pid;
}

static long peek(pid_t pid, size_t page)
{
	errno = 0;
	return ptrace(PTRACE_PEEKDATA, pid, at(page), NULL);
}

static long poke(pid_t pid, size_t page, long value)
{
	return ptrace(PTRACE_POKEDATA, pid, at(page), value);
}

static int finish(pid_t pid)
{
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL))
		return -1;
	return vt_wait(pid);
}

TEST(peek_sees_the_data)
{
	struct tracee t = { .page = 1, .prot = VT_RW, .must_see = BEFORE + 1 };
	pid_t pid;
	size_t i;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start(&t);
	ASSERT_LT(0, pid);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(BEFORE + (long)i, peek(pid, i));
	EXPECT_EQ(0, finish(pid));
}

TEST(peek_of_untouched_memory_is_zero)
{
	struct tracee t = { .page = 1, .prot = VT_RW };
	pid_t pid;

	mem = (long *)vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	pid = start(&t);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, peek(pid, 0));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, finish(pid));
}

/* The page is the tracer's, too: it is the tracer's parent. */
static int poke_private(int prot)
{
	struct tracee t = { .page = 2, .prot = prot, .must_see = POKED };
	pid_t pid;
	int bad = 0;

	if (!map_and_fill(MAP_PRIVATE))
		return 1;
	pid = start(&t);
	bad |= pid < 0 || poke(pid, 2, POKED) || peek(pid, 2) != POKED;
	bad |= *at(2) != BEFORE + 2;
	bad |= finish(pid);
	bad |= *at(2) != BEFORE + 2;
	*at(2) = 5;
	return bad || *at(2) != 5 || !vt_check_ok();
}

TEST(poke_into_writable_memory)
{
	EXPECT_EQ(0, poke_private(VT_RW));
}

TEST(poke_into_read_only_memory)
{
	EXPECT_EQ(0, poke_private(PROT_READ));
}

TEST(poke_into_inaccessible_memory)
{
	EXPECT_EQ(0, poke_private(PROT_NONE));
}

TEST(poke_into_an_untouched_page)
{
	struct tracee t = { .page = 0, .prot = PROT_READ, .must_see = POKED };
	pid_t pid;

	mem = (long *)vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	pid = start(&t);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, poke(pid, 0, POKED));
	EXPECT_EQ(0, finish(pid));
	EXPECT_EQ(0, *mem);
}

TEST(poke_into_shared_memory_is_seen_by_all)
{
	struct tracee t = { .page = 2, .prot = VT_RW, .must_see = POKED };
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	pid = start(&t);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, poke(pid, 2, POKED));
	EXPECT_EQ(POKED, *at(2));
	EXPECT_EQ(0, finish(pid));
	EXPECT_EQ(3, *at(2));
}

/* As for any shared memory: nobody's protection is overruled for others. */
TEST(poke_into_read_only_shared_memory_is_EIO)
{
	struct tracee t = { .page = 2, .prot = PROT_READ,
			    .must_see = BEFORE + 2 };
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	pid = start(&t);
	ASSERT_LT(0, pid);
	EXPECT_EQ(-1, poke(pid, 2, POKED));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(BEFORE + 2, *at(2));
	EXPECT_EQ(0, finish(pid));
}

TEST(proc_mem_reads_and_writes_across_pages)
{
	struct tracee t = { .page = 2, .prot = PROT_READ, .must_see = POKED };
	char path[32], *buf = malloc(2 * vt_page_size);
	pid_t pid;
	int fd;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start(&t);
	ASSERT_LT(0, pid);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(2 * vt_page_size,
		  pread(fd, buf, 2 * vt_page_size, (off_t)(uintptr_t)at(1)));
	EXPECT_EQ(0, memcmp(buf, at(1), 2 * vt_page_size));
	*(long *)(buf + vt_page_size) = POKED;
	ASSERT_EQ(2 * vt_page_size,
		  pwrite(fd, buf, 2 * vt_page_size, (off_t)(uintptr_t)at(1)));
	close(fd);
	EXPECT_EQ(BEFORE + 2, *at(2));
	EXPECT_EQ(0, finish(pid));
}

#if defined(__x86_64__)
/* return 1; the operand is at byte 1 */
static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };

static void run_code(void *arg)
{
	int (*function)(void) = (int (*)(void))(void *)mem;

	(void)arg;
	VT_CHECK(function() == 1);
	VT_CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	VT_CHECK(function() == 2);
}

TEST(poke_into_code_changes_what_runs)
{
	unsigned char poked[sizeof(long)];
	pid_t pid;
	int status;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	memcpy(mem, code, sizeof(code));
	if (mprotect(mem, vt_page_size, PROT_READ | PROT_EXEC))
		SKIP(return, "/dev is mounted noexec: %s", strerror(errno));
	pid = vt_fork(run_code, NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	memcpy(poked, mem, sizeof(poked));
	poked[1] = 2;
	EXPECT_EQ(0, poke(pid, 0, *(long *)poked));
	EXPECT_EQ(0, finish(pid));
	EXPECT_EQ(1, ((unsigned char *)mem)[1]);
}
#endif

/* What a debugger wrote is in the tracee's memory for good: its child has it. */
static void stop_and_fork(void *arg)
{
	pid_t pid;

	(void)arg;
	VT_CHECK(!mprotect(mem, PAGES * vt_page_size, PROT_READ));
	VT_CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);
	pid = fork();
	if (!pid)
		_exit(*at(1) != POKED || *at(0) != BEFORE);
	VT_CHECK(vt_wait(pid) == 0);
}

TEST(poked_data_is_inherited)
{
	pid_t pid;
	int status;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = vt_fork(stop_and_fork, NULL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(0, poke(pid, 1, POKED));
	EXPECT_EQ(0, finish(pid));
	EXPECT_EQ(BEFORE + 1, *at(1));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
