// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_PRIVATE memory in one process and across one fork.
 */
#include "vmobj_test.h"

#define PAGES	16

static char *mem;

static bool all_tags(uint32_t tag)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != tag)
			return false;
	return true;
}

static void put_all(uint32_t tag)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, tag);
}

/* Is the mapping at @addr listed, with @share ('p' or 's')? */
static bool listed_as(const void *addr, char share)
{
	char line[512], perms[5];
	unsigned long start, end;
	bool found = false;
	FILE *file;

	file = fopen("/proc/self/maps", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 &&
		    start == (unsigned long)addr && perms[3] == share)
			found = true;
	if (file)
		fclose(file);
	return found;
}

TEST(fresh_memory_is_zero_read_first)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(all_tags(0));
	put_all(1);
	EXPECT_TRUE(all_tags(1));
}

TEST(fresh_memory_is_zero_around_a_small_write)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	mem[vt_page_size + 17] = 'x';
	for (i = 0; i < PAGES * vt_page_size; i++)
		ASSERT_EQ(i == vt_page_size + 17 ? 'x' : 0, mem[i]);
}

TEST(used_pages_come_back_as_zero)
{
	int round;

	for (round = 0; round < 20; round++) {
		mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
		ASSERT_NE(NULL, mem);
		ASSERT_TRUE(all_tags(0));
		put_all(round + 1);
		ASSERT_EQ(0, munmap(mem, PAGES * vt_page_size));
	}
}

TEST(two_mappings_are_independent)
{
	char *other = vt_map(PAGES, VT_RW, MAP_PRIVATE);

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, other);
	put_all(5);
	EXPECT_EQ(0, vt_get(other, 0));
	vt_put(other, 3, 9);
	EXPECT_TRUE(all_tags(5));
}

TEST(the_last_part_of_a_page_is_usable)
{
	const size_t length = 2 * vt_page_size + 100;
	int fd = vt_open(O_RDWR);

	ASSERT_LE(0, fd);
	mem = mmap(NULL, length, VT_RW,
		   MAP_PRIVATE | (vt_is_anon() ? MAP_ANONYMOUS : 0), fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)mem);
	mem[3 * vt_page_size - 1] = 'e';
	EXPECT_EQ('e', mem[3 * vt_page_size - 1]);
	EXPECT_EQ(0, mem[length]);
}

TEST(memory_outlives_the_file_descriptor)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);	/* closes it */
	ASSERT_NE(NULL, mem);
	put_all(2);
	EXPECT_TRUE(all_tags(2));
}

TEST(prot_none_faults)
{
	mem = vt_map(PAGES, PROT_NONE, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(SIGSEGV, vt_try_read(mem));
	EXPECT_EQ(SIGSEGV, vt_try_write(mem, 1));
	ASSERT_EQ(0, mprotect(mem, vt_page_size, VT_RW));
	EXPECT_EQ(0, vt_try_write(mem, 1));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 1)));
}

TEST(read_only_faults_on_write_only)
{
	mem = vt_map(PAGES, PROT_READ, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, vt_try_read(mem));
	EXPECT_EQ(SIGSEGV, vt_try_write(mem, 1));
	EXPECT_EQ(SIGSEGV, vt_try_write(vt_page(mem, 1), 1));
	EXPECT_TRUE(all_tags(0));
}

TEST(contents_survive_mprotect_round_trips)
{
	static const int prots[] = { PROT_READ, PROT_NONE, VT_RW, PROT_NONE,
		PROT_READ, VT_RW };
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	put_all(3);
	for (i = 0; i < ARRAY_SIZE(prots); i++) {
		ASSERT_EQ(0, mprotect(mem, PAGES * vt_page_size, prots[i]));
		EXPECT_EQ(prots[i] & PROT_READ ? 0 : SIGSEGV, vt_try_read(mem));
		EXPECT_EQ(prots[i] & PROT_WRITE ? 0 : SIGSEGV,
			  vt_try_write(mem, !mem));
		if (prots[i] & PROT_WRITE)
			put_all(3);
		if (prots[i] & PROT_READ)
			EXPECT_TRUE(all_tags(3));
	}
}

/* ---- one fork ---- */

struct fork_case {
	struct vt_gate to_child;
	struct vt_gate to_parent;
};

static void fork_case_init(struct fork_case *fc)
{
	vt_gate_init(&fc->to_child);
	vt_gate_init(&fc->to_parent);
}

/* Sees what it had at the fork, whatever the parent does, until it writes. */
static void child_sees_the_past(void *arg)
{
	struct fork_case *fc = arg;

	vt_gate_pass(&fc->to_child);
	VT_CHECK(all_tags(1));
	put_all(3);
	VT_CHECK(all_tags(3));
	vt_gate_open(&fc->to_parent);
	vt_gate_pass(&fc->to_child);
	VT_CHECK(all_tags(3));
}

static int parent_and_child(struct fork_case *fc)
{
	pid_t pid = vt_fork(child_sees_the_past, fc);
	int bad = 0;

	put_all(2);
	vt_gate_open(&fc->to_child);
	vt_gate_pass(&fc->to_parent);
	bad |= !all_tags(2);
	put_all(4);
	vt_gate_open(&fc->to_child);
	bad |= vt_wait(pid);
	bad |= !all_tags(4);
	return bad;
}

TEST(writes_after_fork_stay_private)
{
	struct fork_case fc;

	fork_case_init(&fc);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	put_all(1);
	EXPECT_EQ(0, parent_and_child(&fc));
	/* and again, with what the first fork left */
	put_all(1);
	EXPECT_EQ(0, parent_and_child(&fc));
	EXPECT_TRUE(vt_check_ok());
}

/*
 * An instruction that reads and writes may fault for reading first (it does in an
 * emulator): if that maps the old page again, the write never gets anywhere.
 */
static void increment_all(void)
{
	size_t i;

	for (i = 0; i < PAGES; i++) {
#ifdef __x86_64__
		asm volatile("addb $1, %0" : "+m" (*vt_page(mem, i)));
#else
		(*(volatile char *)vt_page(mem, i))++;
#endif
	}
}

static bool all_incremented(int times)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (*vt_page(mem, i) != times)
			return false;
	return true;
}

TEST(read_modify_write_after_fork_gets_done)
{
	struct fork_case fc;
	pid_t pid;

	fork_case_init(&fc);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	increment_all();
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&fc.to_child);
		VT_CHECK(all_incremented(1));
		increment_all();
		increment_all();
		VT_CHECK(all_incremented(3));
		vt_gate_open(&fc.to_parent);
		_exit(0);
	}
	increment_all();
	vt_gate_open(&fc.to_child);
	vt_gate_pass(&fc.to_parent);
	EXPECT_TRUE(all_incremented(2));
	EXPECT_EQ(0, vt_wait(pid));
}

TEST(untouched_memory_is_independent_after_fork)
{
	struct fork_case fc;
	pid_t pid;

	fork_case_init(&fc);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&fc.to_child);
		VT_CHECK(all_tags(0));
		put_all(7);
		vt_gate_open(&fc.to_parent);
		_exit(0);
	}
	vt_put(mem, 0, 1);
	vt_gate_open(&fc.to_child);
	vt_gate_pass(&fc.to_parent);
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(0, vt_get(mem, 1));
	EXPECT_EQ(0, vt_wait(pid));
}

/*
 * A write-protected PTE that is still dirty becomes writable again by
 * mprotect(READ) and mprotect(READ|WRITE), and the process writes to a page that
 * it shares.
 */
static int leak_by_mprotect(bool parent_toggles)
{
	struct fork_case fc;
	const size_t length = PAGES * vt_page_size;
	pid_t pid;
	int bad = 0;

	fork_case_init(&fc);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	if (!mem)
		return 1;
	put_all(1);		/* dirty and writable */
	pid = fork();
	if (!pid) {
		if (!parent_toggles) {
			VT_CHECK(all_tags(1));
			VT_CHECK(!mprotect(mem, length, PROT_READ));
			VT_CHECK(!mprotect(mem, length, VT_RW));
			put_all(3);
		}
		vt_gate_open(&fc.to_parent);
		vt_gate_pass(&fc.to_child);
		VT_CHECK(all_tags(parent_toggles ? 1 : 3));
		_exit(0);
	}
	vt_gate_pass(&fc.to_parent);
	if (parent_toggles) {
		bad |= mprotect(mem, length, PROT_READ);
		bad |= mprotect(mem, length, VT_RW);
	} else {
		bad |= !all_tags(1);
	}
	put_all(2);
	vt_gate_open(&fc.to_child);
	bad |= vt_wait(pid);
	bad |= !all_tags(2);
	return bad;
}

TEST(mprotect_after_fork_leaks_no_parent_write_to_child)
{
	EXPECT_EQ(0, leak_by_mprotect(true));
}

TEST(mprotect_after_fork_leaks_no_child_write_to_parent)
{
	EXPECT_EQ(0, leak_by_mprotect(false));
}

/* The pages next to the one written to get their write right with it, or not. */
TEST(writes_in_any_order_after_fork_stay_private)
{
	uint64_t random = vt_seed();
	uint32_t mine[PAGES];
	struct fork_case fc;
	int round, i;

	fork_case_init(&fc);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		mine[i] = 0;
	for (round = 1; round <= 30; round++) {
		size_t first = vt_below(&random, PAGES);
		size_t nr = 1 + vt_below(&random, PAGES - first);
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			vt_gate_pass(&fc.to_child);
			for (i = 0; i < PAGES; i++)
				VT_CHECK(vt_get(mem, i) == mine[i]);
			for (i = PAGES - 1; i >= 0; i--)
				vt_put(mem, i, 1000);
			_exit(0);
		}
		for (i = first; i < (int)(first + nr); i++)
			vt_put(mem, i, round);
		vt_gate_open(&fc.to_child);
		ASSERT_EQ(0, vt_wait(pid));
		for (i = first; i < (int)(first + nr); i++)
			mine[i] = round;
		for (i = 0; i < PAGES; i++)
			ASSERT_EQ(mine[i], vt_get(mem, i));
	}
	EXPECT_TRUE(vt_check_ok());
}

TEST(proc_maps_says_p)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(listed_as(mem, 'p'));
}

TEST(proc_maps_says_s_for_shared)
{
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(listed_as(mem, 's'));
}

/* As a program of a few instructions: return 42. */
static const unsigned char code[] = {
#if defined(__x86_64__)
	0xb8, 42, 0, 0, 0, 0xc3,
#elif defined(__aarch64__)
	0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6,
#endif
};

TEST(code_runs_from_it)
{
	int (*function)(void);

	if (sizeof(code) == 0)
		SKIP(return, "no code for this architecture");
	mem = vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	memcpy(mem, code, sizeof(code));
	__builtin___clear_cache(mem, mem + sizeof(code));
	if (mprotect(mem, vt_page_size, PROT_READ | PROT_EXEC))
		SKIP(return, "/dev is mounted noexec: %s", strerror(errno));
	function = (int (*)(void))(void *)mem;
	EXPECT_EQ(42, function());
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* The kernel would look for the pages of such a mapping in the page cache. */
TEST(code_is_not_collapsed_into_huge_pages)
{
	size_t pages = (4 << 20) / vt_page_size;

	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, pages / 2, 5);
	if (mprotect(mem, pages * vt_page_size, PROT_READ | PROT_EXEC))
		SKIP(return, "/dev is mounted noexec: %s", strerror(errno));
	EXPECT_EQ(-1, madvise(mem, pages * vt_page_size, MADV_COLLAPSE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(5, vt_get(mem, pages / 2));
}

/* exec: this very program runs again, looks around, and gets no further. */
static const char exec_marker[] = "--exec-sees-nothing-at";

static void exec_self(void *arg)
{
	char addr[32];

	(void)arg;
	snprintf(addr, sizeof(addr), "%p", (void *)mem);
	execl("/proc/self/exe", "t_private", exec_marker, addr, NULL);
	_exit(99);
}

static void __attribute__((constructor)) after_exec(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], exec_marker))
		return;
	_exit(vt_try_read((char *)strtoul(argv[2], NULL, 16)) != SIGSEGV);
}

TEST(exec_drops_it)
{
	long long pages = vt_have_debugfs() ? vt_stat("pages") : 0;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	put_all(1);
	EXPECT_EQ(0, vt_in_child(exec_self, NULL));
	EXPECT_TRUE(all_tags(1));
	if (vt_have_debugfs())
		EXPECT_EQ(pages + PAGES, vt_stat("pages"));
}

TEST_HARNESS_MAIN
