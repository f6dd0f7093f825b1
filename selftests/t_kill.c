// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at any moment, to processes that fault, fork, map and unmap: nothing
 * may be left, and whoever survives must see what it saw.
 */
#include "vmobj_test.h"

#include <pthread.h>
#include <sys/prctl.h>

#define PAGES	32

static char *mem;

static void put(size_t page, int value)
{
	*(volatile int *)vt_page(mem, page) = value;
}

static int get(size_t page)
{
	return *(volatile int *)vt_page(mem, page);
}

/* Write, fork, map, unmap and move at random; never ends. */
static void live(uint64_t random, int depth)
{
	for (;;) {
		size_t page = vt_below(&random, PAGES / 2);

		switch (vt_below(&random, 12)) {
		case 0:
			if (depth > 4 || fork())
				break;
			depth++;
			random += depth;
			break;
		case 1:
			vt_map_at(vt_page(mem, page), 1, VT_RW,
				  MAP_PRIVATE | MAP_FIXED);
			break;
		case 2:
			mprotect(vt_page(mem, page), vt_page_size, PROT_READ);
			mprotect(vt_page(mem, page), vt_page_size, VT_RW);
			break;
		case 3:
			mremap(vt_page(mem, page), vt_page_size, vt_page_size,
			       MREMAP_MAYMOVE | MREMAP_FIXED,
			       vt_page(mem, (page + 1) % (PAGES / 2)));
			vt_map_at(vt_page(mem, page), 1, VT_RW,
				  MAP_PRIVATE | MAP_FIXED);
			break;
		case 4:
			if (depth && !vt_below(&random, 4))
				_exit(0);
			break;
		default:
			put(page, random);
			break;
		}
	}
}

static void *live_thread(void *arg)
{
	live((uintptr_t)arg, 5);	/* forks no more */
	return NULL;
}

static void live_with_threads(uint64_t random)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 2; i++)
		pthread_create(&thread, NULL, live_thread,
			       (void *)(uintptr_t)(random + i));
	live(random, 3);
}

/* A whole tree is a process group; kill one of it after the other, or all. */
static bool kill_a_tree(uint64_t *random, bool threads)
{
	pid_t group = fork();

	if (!group) {
		setpgid(0, 0);
		signal(SIGCHLD, SIG_IGN);
		if (threads)
			live_with_threads(*random);
		live(*random, 0);
	}
	if (group < 0)
		return false;
	setpgid(group, group);
	usleep(vt_below(random, 20000));
	if (vt_below(random, 2)) {
		/* the eldest alone at first */
		kill(group, SIGKILL);
		usleep(vt_below(random, 3000));
	}
	/* A fork that is under way is in the group, too, or is restarted. */
	while (!kill(-group, SIGKILL) || errno == EPERM) {
		while (waitpid(-group, NULL, WNOHANG) > 0)
			;
		usleep(1000);
	}
	return true;
}

static bool upper_half_is_ours(void)
{
	size_t i;

	for (i = PAGES / 2; i < PAGES; i++)
		if (get(i) != (int)i)
			return false;
	return true;
}

static int kill_trees(int trees, bool threads)
{
	uint64_t random = vt_seed();
	size_t i;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	if (!mem)
		return -1;
	for (i = 0; i < PAGES; i++)
		put(i, i);
	while (trees--) {
		if (!kill_a_tree(&random, threads) || !upper_half_is_ours())
			return -1;
		if (vt_have_debugfs() &&
		    (vt_stat_settles("objects", 1) != 1 ||
		     vt_stat_settles("pages", PAGES) != PAGES)) {
			fprintf(stderr, "# %lld objects, %lld pages are left\n",
				vt_stat("objects"), vt_stat("pages"));
			return -1;
		}
		if (!vt_check_ok())
			return -1;
	}
	for (i = 0; i < PAGES; i++) {
		if (get(i) != (int)i)
			return -1;
		put(i, -1);
	}
	return munmap(mem, PAGES * vt_page_size);
}

#define NOTHING_LEFT() \
	do { \
		if (vt_have_debugfs()) { \
			EXPECT_EQ(0, vt_stat_settles("objects", 0)); \
			EXPECT_EQ(0, vt_stat_settles("families", 0)); \
			EXPECT_EQ(0, vt_stat_settles("maps", 0)); \
			EXPECT_EQ(0, vt_stat_settles("entries", 0)); \
			EXPECT_EQ(0, vt_stat_settles("pages", 0)); \
		} \
		EXPECT_TRUE(vt_check_ok()); \
	} while (0)

TEST(trees_of_processes)
{
	EXPECT_EQ(0, kill_trees(vt_scale(60, 6), false));
	NOTHING_LEFT();
}

TEST(trees_of_processes_with_threads)
{
	EXPECT_EQ(0, kill_trees(vt_scale(60, 6), true));
	NOTHING_LEFT();
}

static void touch_much(void *arg)
{
	const size_t pages = 4096;
	size_t i;
	int round;

	(void)arg;
	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	VT_CHECK(mem);
	for (round = 0;; round++)
		for (i = 0; i < pages; i++)
			put(i, round);
}

TEST(in_the_middle_of_faults)
{
	uint64_t random = vt_seed();
	int i;

	for (i = 0; i < (int)vt_scale(20, 3); i++) {
		pid_t pid = vt_fork(touch_much, NULL);

		usleep(vt_below(&random, 20000));
		EXPECT_EQ(128 + SIGKILL, vt_kill(pid));
	}
	NOTHING_LEFT();
}

TEST_HARNESS_MAIN
