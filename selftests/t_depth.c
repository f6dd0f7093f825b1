// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deep chains, and many children of one parent.
 */
#include "vmobj_test.h"
#include "puppet.h"

#include <sys/prctl.h>

#include <linux/vmobj.h>

#define DEPTH	1000
#define PAGES	64

static char *mem;

/* The first byte of a page is enough here: whole pages are others' business. */
static void put(size_t page, int value)
{
	*(volatile int *)vt_page(mem, page) = value;
}

static int get(size_t page)
{
	return *(volatile int *)vt_page(mem, page);
}

static void shuffle(int *order, int n)
{
	uint64_t random = vt_seed();
	int i, j, swap;

	for (i = n - 1; i > 0; i--) {
		j = vt_below(&random, i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
}

/* ---- a chain of a thousand generations ---- */

/*
 * Generation g writes g to page g % PAGES and forks the next; so it sees in
 * page i the last generation up to itself that wrote it.
 */
static bool sees_its_generation(int g)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		int last = g - (g - i + PAGES) % PAGES;

		if (g >= i ? get(i) != last : get(i) != 0)
			return false;
	}
	return true;
}

/* The deepest exits first: each waits for its child, and then looks again. */
static void generation_waits(int g, int depth)
{
	pid_t pid;

	for (; g < depth; g++) {
		put(g % PAGES, g);
		VT_CHECK(sees_its_generation(g));
		pid = fork();
		VT_CHECK(pid >= 0);
		if (pid) {
			VT_CHECK(vt_wait(pid) == 0);
			VT_CHECK(sees_its_generation(g));
			_exit(0);
		}
	}
}

static int first_or_last(int depth)
{
	pid_t pid = fork();

	if (!pid) {
		generation_waits(1, depth);
		_exit(0);
	}
	return vt_wait(pid);
}

TEST(a_thousand_generations_exit_deepest_first)
{
	int depth = vt_scale(DEPTH, 100);

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, first_or_last(depth));
	if (vt_have_debugfs())
		EXPECT_EQ(0, vt_stat_settles("objects", 0));
	EXPECT_TRUE(vt_check_ok());
}

/*
 * All wait at the gate until the deepest has written; then each exits when its
 * turn has come: it lets the next through.
 */
struct queue {
	struct vt_gate to_test;		/* the deepest is there */
	struct vt_gate *turn;		/* of each generation */
	int depth;
};

static void generation_queues(struct queue *q)
{
	int g;

	for (g = 1; g <= q->depth; g++) {
		pid_t pid = 0;

		put(g % PAGES, g);
		if (g < q->depth)
			pid = fork();
		VT_CHECK(pid >= 0);
		if (g == q->depth) {
			vt_gate_open(&q->to_test);
			pid = 1;
		}
		if (!pid)
			continue;
		vt_gate_pass(&q->turn[g - 1]);
		VT_CHECK(sees_its_generation(g));
		put(0, -1);
		_exit(0);
	}
}

/* Exits in an order; orphans come to the test, which lets the next go then. */
static int exits_in_turn(const int *order, int depth)
{
	struct queue q = { .depth = depth };
	int i, bad = 0, status;
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	q.turn = calloc(depth, sizeof(*q.turn));
	vt_gate_init(&q.to_test);
	for (i = 0; i < depth; i++)
		vt_gate_init(&q.turn[i]);
	pid = fork();
	if (!pid) {
		generation_queues(&q);
		_exit(0);
	}
	vt_gate_pass(&q.to_test);
	for (i = 0; i < depth; i++)
		vt_gate_open(&q.turn[order[i]]);
	while (wait(&status) > 0)
		bad |= status;
	free(q.turn);
	return bad;
}

/* So many generations exit, eldest first or in any order, and nothing is left. */
static void generations_leave_nothing(struct __test_metadata *_metadata,
				      int depth, bool any_order)
{
	int *order = calloc(depth, sizeof(*order)), i;

	ASSERT_NE(NULL, order);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < depth; i++)
		order[i] = i;
	if (any_order)
		shuffle(order, depth);
	EXPECT_EQ(0, exits_in_turn(order, depth));
	free(order);
	if (vt_have_debugfs())
		EXPECT_EQ(0, vt_stat_settles("objects", 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST(four_hundred_generations_exit_eldest_first)
{
	generations_leave_nothing(_metadata, vt_scale(400, 40), false);
}

TEST(generations_exit_in_random_order)
{
	generations_leave_nothing(_metadata, vt_scale(200, 30), true);
}

/* ---- many children that live, and a parent that writes in between ---- */

#define CHILDREN	64

static long do_map(void *arg)
{
	(void)arg;
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	return !mem;
}

static long do_put(void *arg)
{
	int page = *(int *)arg;

	put(page, page + 1);
	return 0;
}

/* Child n was forked when pages 0..n-1 had been written. */
static long do_look(void *arg)
{
	int n = *(int *)arg, i;

	for (i = 0; i < PAGES; i++)
		if (get(i) != (i < n ? i + 1 : 0))
			return i + 1;
	return 0;
}

static bool look(int who, int n)
{
	return puppet_call(who, do_look, &n, sizeof(n)) == 0;
}

/* Puppet 0 is the parent, puppet n its nth child. */
static bool make_children(int children)
{
	int i, page;

	puppet_init();
	if (!puppet_start(0) || puppet_call(0, do_map, NULL, 0))
		return false;
	for (i = 1; i <= children; i++) {
		page = i - 1;
		if (puppet_call(0, do_put, &page, sizeof(page)) ||
		    !puppet_fork(0, i))
			return false;
	}
	for (i = 1; i <= children; i++)
		if (!look(i, i))
			return false;
	return look(0, children);
}

static bool exits_leave_one_object(const int *order, int children)
{
	int i;

	for (i = 0; i < children; i++) {
		if (!puppet_exit(order[i]))
			return false;
		if (i % 16 == 0 && !vt_check_ok())
			return false;
	}
	if (!look(0, children) || !vt_check_ok())
		return false;
	if (vt_have_debugfs() &&
	    (vt_stat_settles("objects", 1) != 1 ||
	     vt_stat_settles("pages", PAGES) != PAGES)) {
		fprintf(stderr, "# %lld objects, %lld pages are left\n",
			vt_stat("objects"), vt_stat("pages"));
		return false;
	}
	puppet_kill_all();
	return true;
}

TEST(children_exit_first_to_last)
{
	int order[CHILDREN], children = vt_scale(CHILDREN, 16), i;

	for (i = 0; i < children; i++)
		order[i] = i + 1;
	ASSERT_TRUE(make_children(children));
	EXPECT_TRUE(exits_leave_one_object(order, children));
}

TEST(children_exit_last_to_first)
{
	int order[CHILDREN], children = vt_scale(CHILDREN, 16), i;

	for (i = 0; i < children; i++)
		order[i] = children - i;
	ASSERT_TRUE(make_children(children));
	EXPECT_TRUE(exits_leave_one_object(order, children));
}

TEST(children_exit_in_random_order)
{
	int order[CHILDREN], i;

	for (i = 0; i < CHILDREN; i++)
		order[i] = i + 1;
	shuffle(order, CHILDREN);
	ASSERT_TRUE(make_children(CHILDREN));
	EXPECT_TRUE(exits_leave_one_object(order, CHILDREN));
}

TEST(the_parent_exits_before_its_children)
{
	int i;

	ASSERT_TRUE(make_children(16));
	ASSERT_TRUE(puppet_exit(0));
	for (i = 1; i <= 16; i++)
		EXPECT_TRUE(look(i, i));
	EXPECT_TRUE(vt_check_ok());
	for (i = 16; i > 1; i--)
		ASSERT_TRUE(puppet_exit(i));
	EXPECT_TRUE(look(1, 1));
	puppet_kill_all();
	if (vt_have_debugfs())
		EXPECT_EQ(0, vt_stat_settles("objects", 0));
}

/* ---- what is in swap ---- */

#define MAX_DEPTH	32	/* objects behind one, the parameter's default */
#define SWAPPED		96	/* children that live */
#define TRIES		600	/* a tenth of a second each */

static void waits_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static unsigned int depth_of(size_t page)
{
	struct vmobj_range range;

	return vt_range(mem, page, 1, &range) ? 0 : range.depth;
}

/* Write to a page, fork a child that lives, and page out all. */
static pid_t writes_and_forks(int g)
{
	pid_t child;

	put(g % PAGES, g);
	child = vt_fork(waits_for_ever, NULL);
	vt_advise(mem, 0, PAGES, VMOBJ_ADV_PAGEOUT);
	return child;
}

/* Nothing of the chain is in memory.  It is shortened all the same, in its own time. */
TEST(a_chain_in_swap_is_bounded)
{
	pid_t child[SWAPPED + 1];
	int g, tries;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (g = 1; g <= SWAPPED; g++)
		child[g] = writes_and_forks(g);
	for (tries = TRIES; tries && depth_of(0) > 1 + MAX_DEPTH; tries--) {
		pid_t another = vt_fork(waits_for_ever, NULL);

		usleep(100000);
		EXPECT_EQ(128 + SIGKILL, vt_kill(another));
	}
	printf("# bounded after %d forks more\n", TRIES - tries);
	EXPECT_GE(1 + MAX_DEPTH, depth_of(0));
	EXPECT_TRUE(sees_its_generation(SWAPPED));
	EXPECT_TRUE(vt_check_ok());
	for (g = 1; g <= SWAPPED; g++)
		EXPECT_EQ(128 + SIGKILL, vt_kill(child[g]));
	EXPECT_TRUE(sees_its_generation(SWAPPED));
	EXPECT_EQ(0, munmap(mem, PAGES * vt_page_size));
	if (vt_have_debugfs())
		EXPECT_EQ(0, vt_stat_settles("objects", 0));
}

TEST_HARNESS_MAIN
