// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads: faults on the same pages, and forks beside writers.
 */
#include "vmobj_test.h"

#include <pthread.h>
#include <sched.h>

#define THREADS	4
#define PAGES	64

static char *mem;
static pthread_barrier_t barrier;
static volatile bool stop;

static volatile unsigned long *word(size_t page, size_t n)
{
	return (volatile unsigned long *)vt_page(mem, page) + n;
}

static bool run_threads(void *(*fn)(void *arg))
{
	pthread_t thread[THREADS];
	bool good = true;
	void *result;
	long i;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, fn, (void *)i))
			return false;
	for (i = 0; i < THREADS; i++)
		good &= !pthread_join(thread[i], &result) && !result;
	return good;
}

/* ---- the same page at the same time ---- */

/* All threads fault all pages, in step; each has a word in each page. */
static void *fault_together(void *arg)
{
	size_t me = (long)arg, page;

	for (page = 0; page < PAGES; page++) {
		pthread_barrier_wait(&barrier);
		*word(page, me) += me + 1;
	}
	pthread_barrier_wait(&barrier);
	return NULL;
}

static bool each_has_added(unsigned long times)
{
	size_t page, i;

	for (page = 0; page < PAGES; page++)
		for (i = 0; i < THREADS; i++)
			if (*word(page, i) != times * (i + 1))
				return false;
	return true;
}

TEST(first_touch_by_all_threads_gives_one_page)
{
	long long fills = 0;

	if (vt_have_debugfs())
		fills = vt_stat("zero_fills");
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_TRUE(run_threads(fault_together));
	EXPECT_TRUE(each_has_added(1));
	if (vt_have_debugfs())
		EXPECT_EQ(fills + PAGES, vt_stat("zero_fills"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(first_touch_of_shared_memory_by_all_threads)
{
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	ASSERT_TRUE(run_threads(fault_together));
	EXPECT_TRUE(each_has_added(1));
	EXPECT_TRUE(vt_check_ok());
}

/* In the child all pages are copied, by threads at the same time. */
static void copy_together(void *arg)
{
	(void)arg;
	VT_CHECK(run_threads(fault_together));
	VT_CHECK(each_has_added(2));
}

TEST(copy_by_all_threads_loses_no_write)
{
	int round;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_TRUE(run_threads(fault_together));
	for (round = 0; round < (int)vt_scale(10, 2); round++)
		ASSERT_EQ(0, vt_in_child(copy_together, NULL));
	EXPECT_TRUE(each_has_added(1));
	ASSERT_TRUE(run_threads(fault_together));
	EXPECT_TRUE(each_has_added(2));
	EXPECT_TRUE(vt_check_ok());
}

/* Half of them read what the others make copies of. */
static void *read_or_write(void *arg)
{
	size_t me = (long)arg, page;

	for (page = 0; page < PAGES; page++) {
		pthread_barrier_wait(&barrier);
		if (me % 2)
			*word(page, me) += me + 1;
		else if (*word(page, 0) != 1)
			return "not the old value";
	}
	/* A stale page is one that does not have what another thread wrote. */
	pthread_barrier_wait(&barrier);
	for (page = 0; page < PAGES; page++)
		if (*word(page, 1) != 4 || *word(page, 3) != 8)
			return "a stale page";
	return NULL;
}

static void read_or_write_together(void *arg)
{
	(void)arg;
	VT_CHECK(run_threads(read_or_write));
}

TEST(readers_beside_a_copying_thread_see_the_copy)
{
	int round;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_TRUE(run_threads(fault_together));
	for (round = 0; round < (int)vt_scale(20, 3); round++)
		ASSERT_EQ(0, vt_in_child(read_or_write_together, NULL));
	EXPECT_TRUE(each_has_added(1));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- writers beside a fork ---- */

/* Counts in its own word of each page; what it reads back is what it wrote. */
static void *count_in_all_pages(void *arg)
{
	size_t me = (long)arg, page;
	unsigned long count = 0;

	while (!stop) {
		for (page = 0; page < PAGES; page++) {
			if (*word(page, me) != count)
				return "a count went back";
			*word(page, me) = count + 1;
		}
		count++;
	}
	return NULL;
}

/* A child: a count is the same in all pages, or one less from some page on. */
static void counts_are_of_one_moment(void *arg)
{
	unsigned long seen[PAGES][THREADS];
	size_t page, i;
	int round;

	(void)arg;
	for (page = 0; page < PAGES; page++) {
		for (i = 0; i < THREADS - 1; i++) {
			seen[page][i] = *word(page, i);
			VT_CHECK(seen[page][i] <= seen[0][i]);
			VT_CHECK(seen[page][i] + 1 >= seen[0][i]);
			VT_CHECK(!page || seen[page][i] <= seen[page - 1][i]);
		}
	}
	for (round = 0; round < 2; round++) {
		sched_yield();
		for (page = 0; page < PAGES; page++)
			for (i = 0; i < THREADS - 1; i++)
				VT_CHECK(*word(page, i) == seen[page][i]);
	}
	for (page = 0; page < PAGES; page += 3)
		*word(page, 0) = -1UL;
}

static void *fork_beside_writers(void *arg)
{
	int i, bad = 0;

	if ((long)arg != THREADS - 1)
		return count_in_all_pages(arg);
	for (i = 0; i < (int)vt_scale(60, 10) && !bad; i++)
		bad = vt_in_child(counts_are_of_one_moment, NULL);
	stop = true;
	return bad ? "a child saw something else" : NULL;
}

TEST(counts_never_go_back_beside_forks)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(run_threads(fork_beside_writers));
	EXPECT_TRUE(vt_check_ok());
}

/* Children that live on while the next is forked, and end in any order. */
static void *fork_many_beside_writers(void *arg)
{
	uint64_t random = 1;
	pid_t pids[8] = { 0 };
	int i, bad = 0;

	if ((long)arg != THREADS - 1)
		return count_in_all_pages(arg);
	for (i = 0; i < (int)vt_scale(60, 10) && !bad; i++) {
		pid_t *pid = &pids[vt_below(&random, ARRAY_SIZE(pids))];

		if (*pid)
			bad |= vt_wait(*pid);
		*pid = vt_fork(counts_are_of_one_moment, NULL);
	}
	stop = true;
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++)
		if (pids[i])
			bad |= vt_wait(pids[i]);
	return bad ? "a child saw something else" : NULL;
}

TEST(counts_never_go_back_beside_many_living_children)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(run_threads(fork_many_beside_writers));
	EXPECT_TRUE(vt_check_ok());
}

/*
 * Memory in many VMAs, which was one when it was touched: what the module has for it is
 * still one.  Fork comes to one VMA after the other, and faults in the others may run
 * meanwhile (Linux 6.4).
 */
static bool map_and_cut(void)
{
	size_t page;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	if (!mem)
		return false;
	memset(mem, 0, PAGES * vt_page_size);
	for (page = 1; page < PAGES; page += 2)
		if (madvise(vt_page(mem, page), vt_page_size, MADV_DONTDUMP))
			return false;
	return true;
}

TEST(counts_in_many_vmas_never_go_back_beside_forks)
{
	ASSERT_TRUE(map_and_cut());
	EXPECT_TRUE(run_threads(fork_beside_writers));
	EXPECT_TRUE(vt_check_ok());
}

TEST(counts_in_many_vmas_never_go_back_beside_many_living_children)
{
	ASSERT_TRUE(map_and_cut());
	EXPECT_TRUE(run_threads(fork_many_beside_writers));
	EXPECT_TRUE(vt_check_ok());
}

/* Two threads fork at the same time. */
static void *fork_in_all_threads(void *arg)
{
	size_t me = (long)arg;
	int i;

	for (i = 0; i < (int)vt_scale(30, 5); i++) {
		pid_t pid = fork();

		if (!pid) {
			VT_CHECK(*word(me, me) == (unsigned long)i);
			*word(me, me) = 1000;
			_exit(0);
		}
		*word(me, me) = i + 1;
		if (pid < 0 || vt_wait(pid))
			return "a child failed";
		if (*word(me, me) != (unsigned long)i + 1)
			return "a value was lost";
	}
	return NULL;
}

TEST(all_threads_fork)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(run_threads(fork_in_all_threads));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- changes of the mapping beside faults ---- */

static void *remap_beside_faults(void *arg)
{
	size_t me = (long)arg;
	char *page;
	int i;

	for (i = 0; !stop; i++) {
		if (me) {
			/* the lower half stays as it is */
			(*word(i % (PAGES / 2), me))++;
			continue;
		}
		page = vt_page(mem, PAGES / 2 + i % (PAGES / 2));
		if (!vt_map_at(page, 1, VT_RW, MAP_PRIVATE | MAP_FIXED))
			return "mmap";
		if (*(volatile char *)page)
			return "a fresh page is not zero";
		*page = 1;
		if (mprotect(mem, PAGES / 4 * vt_page_size,
			     PROT_READ | PROT_WRITE))
			return "mprotect";
		if (i == (int)vt_scale(400, 50))
			stop = true;
	}
	return NULL;
}

TEST(mmap_and_mprotect_beside_faults)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(run_threads(remap_beside_faults));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
