// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of processes that share private memory: who sees what.
 *
 * Each test keeps what every process must see in a table, and looks at all pages
 * of all living processes after each step.
 */
#include "vmobj_test.h"
#include "puppet.h"

#define PAGES	8

static char *mem;
static uint32_t want[MAX_PUPPETS][PAGES];

struct write {
	size_t page;
	uint32_t tag;
};

static long do_map(void *arg)
{
	(void)arg;
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	return !mem;
}

static long do_write(void *arg)
{
	struct write *w = arg;

	vt_put(mem, w->page, w->tag);
	return 0;
}

static long do_read_all(void *arg)
{
	uint32_t *tags = arg;
	size_t i;

	for (i = 0; i < PAGES; i++)
		tags[i] = vt_get(mem, i);
	return 0;
}

static bool start(void)
{
	puppet_init();
	memset(want, 0, sizeof(want));
	return puppet_start(0) && !puppet_call(0, do_map, NULL, 0);
}

static bool write_page(int who, size_t page, uint32_t tag)
{
	struct write w = { page, tag };

	want[who][page] = tag;
	return !puppet_call(who, do_write, &w, sizeof(w));
}

static bool write_all(int who, uint32_t tag)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (!write_page(who, i, tag + i))
			return false;
	return true;
}

static bool fork_one(int who, int child)
{
	memcpy(want[child], want[who], sizeof(want[0]));
	return puppet_fork(who, child);
}

static bool sees_what_it_must(int who)
{
	uint32_t seen[PAGES];
	size_t i;

	if (puppet_call(who, do_read_all, seen, sizeof(seen)))
		return false;
	for (i = 0; i < PAGES; i++) {
		if (seen[i] != want[who][i]) {
			fprintf(stderr, "# process %d, page %zu: %u, not %u\n",
				who, i, seen[i], want[who][i]);
			return false;
		}
	}
	return true;
}

static bool all_see(void)
{
	int i;

	for (i = 0; i < MAX_PUPPETS; i++)
		if (puppet_alive(i) && !sees_what_it_must(i))
			return false;
	return vt_check_ok();
}

/* The stack of the test ends with this. */
#define FINISH() \
	do { \
		puppet_kill_all(); \
		if (vt_have_debugfs()) { \
			EXPECT_EQ(0, vt_stat_settles("objects", 0)); \
			EXPECT_EQ(0, vt_stat_settles("pages", 0)); \
		} \
	} while (0)

TEST(child_and_parent_write_different_pages)
{
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(0, 0, 1));
	ASSERT_TRUE(write_page(1, 1, 2));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(puppet_exit(1));
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(child_and_parent_write_the_same_page)
{
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(0, 0, 1));
	ASSERT_TRUE(write_page(1, 0, 2));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(write_page(0, 0, 3));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(puppet_exit(0));
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(chain_of_generations)
{
	int i;

	ASSERT_TRUE(start());
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(write_page(i, i % PAGES, 10 + i));
		ASSERT_TRUE(fork_one(i, i + 1));
	}
	EXPECT_TRUE(all_see());
	for (i = 0; i <= 10; i++)
		ASSERT_TRUE(write_page(i, 7, 1000 + i));
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(many_children_of_one_parent)
{
	int i;

	ASSERT_TRUE(start());
	for (i = 1; i <= 12; i++) {
		ASSERT_TRUE(write_page(0, i % PAGES, 10 + i));
		ASSERT_TRUE(fork_one(0, i));
		ASSERT_TRUE(write_page(i, (i + 1) % PAGES, 100 + i));
	}
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(grandchildren_outlive_everybody)
{
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(1, 1, 1));
	ASSERT_TRUE(fork_one(1, 2));
	ASSERT_TRUE(write_page(2, 2, 2));
	ASSERT_TRUE(fork_one(2, 3));
	ASSERT_TRUE(puppet_exit(0));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(puppet_exit(1));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(puppet_exit(2));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(write_all(3, 500));
	EXPECT_TRUE(all_see());
	FINISH();
}

/* The parent has gone; its child forks, and all write. */
TEST(child_of_a_child_after_its_parents_exit)
{
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(fork_one(1, 2));
	ASSERT_TRUE(puppet_exit(1));
	ASSERT_TRUE(fork_one(2, 3));
	ASSERT_TRUE(write_page(2, 3, 7));
	ASSERT_TRUE(write_page(0, 3, 8));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(puppet_exit(0));
	ASSERT_TRUE(fork_one(3, 1));
	ASSERT_TRUE(write_all(1, 900));
	EXPECT_TRUE(all_see());
	FINISH();
}

/* "Generation daemon": forks its successor and exits. */
TEST(two_hundred_generations)
{
	long long objects = 0;
	int i;

	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	for (i = 0; i < 200; i++) {
		int parent = i & 1, child = !parent;

		ASSERT_TRUE(fork_one(parent, child));
		ASSERT_TRUE(write_page(child, i % PAGES, 1000 + i));
		ASSERT_TRUE(puppet_exit(parent));
	}
	EXPECT_TRUE(all_see());
	if (vt_have_debugfs()) {
		objects = vt_stat_settles("objects", 1);
		EXPECT_EQ(1, objects);
		EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	}
	FINISH();
}

TEST(kill_does_what_exit_does)
{
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(0, 0, 1));
	ASSERT_TRUE(puppet_kill(0));
	EXPECT_TRUE(all_see());
	ASSERT_TRUE(write_all(1, 50));
	EXPECT_TRUE(all_see());
	FINISH();
}

static uint64_t random_state;

TEST(random_trees)
{
	int round, step;

	random_state = vt_seed();
	ASSERT_TRUE(start());
	for (round = 0; round < (int)vt_scale(10, 2); round++) {
		if (!puppet_alive(0)) {
			ASSERT_TRUE(puppet_start(0));
			ASSERT_EQ(0, puppet_call(0, do_map, NULL, 0));
			memset(want[0], 0, sizeof(want[0]));
		}
		for (step = 0; step < 60; step++) {
			int who = vt_below(&random_state, 10);
			int child = vt_below(&random_state, 10);

			if (!puppet_alive(who))
				continue;
			if (vt_below(&random_state, 3)) {
				size_t page = vt_below(&random_state, PAGES);

				ASSERT_TRUE(write_page(who, page, step));
			} else if (!puppet_alive(child)) {
				ASSERT_TRUE(fork_one(who, child));
			} else if (who) {
				ASSERT_TRUE(puppet_exit(who));
			}
		}
		ASSERT_TRUE(all_see());
		puppet_kill_all();
	}
	FINISH();
}

/* ---- the survivor's writes ---- */

/*
 * When the child has gone, the parent's memory is the parent's: its writes cost
 * no copy and no object.
 */
static bool write_costs_nothing(int who, uint32_t tag)
{
	long long copies = vt_stat("cow_copies");
	long long created = vt_stat("objects_created");

	return write_all(who, tag) && vt_stat("cow_copies") == copies &&
		vt_stat("objects_created") == created;
}

TEST(write_after_childs_exit_copies_nothing)
{
	VT_NEED_DEBUGFS();
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(puppet_exit(1));
	EXPECT_TRUE(write_costs_nothing(0, 200));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(write_after_childs_exit_copies_nothing_if_both_had_written)
{
	VT_NEED_DEBUGFS();
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(0, 0, 1));
	ASSERT_TRUE(write_page(1, 1, 2));
	ASSERT_TRUE(puppet_exit(1));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_TRUE(write_costs_nothing(0, 200));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_TRUE(all_see());
	FINISH();
}

TEST(write_after_parents_exit_copies_nothing)
{
	VT_NEED_DEBUGFS();
	ASSERT_TRUE(start());
	ASSERT_TRUE(write_all(0, 100));
	ASSERT_TRUE(fork_one(0, 1));
	ASSERT_TRUE(write_page(0, 0, 1));
	ASSERT_TRUE(puppet_exit(0));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_TRUE(write_costs_nothing(1, 200));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_TRUE(all_see());
	FINISH();
}

/* ---- fork's variants ---- */

static void sees_a_hole(void *arg)
{
	(void)arg;
	VT_CHECK(vt_get(mem, 0) == 1);
	VT_CHECK(vt_try_read(vt_page(mem, 2)) == SIGSEGV);
	VT_CHECK(vt_try_read(vt_page(mem, 3)) == SIGSEGV);
	VT_CHECK(vt_get(mem, 4) == 5);
	vt_put(mem, 4, 50);
	/* The place is free. */
	VT_CHECK(vt_map_at(vt_page(mem, 2), 2, VT_RW,
			   MAP_PRIVATE | MAP_FIXED_NOREPLACE));
	VT_CHECK(vt_get(mem, 2) == 0);
}

TEST(madv_dontfork_leaves_a_hole_in_the_child)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, i + 1);
	ASSERT_EQ(0, madvise(vt_page(mem, 2), 2 * vt_page_size, MADV_DONTFORK));
	ASSERT_EQ(0, vt_in_child(sees_a_hole, NULL));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 1, vt_get(mem, i));
	/* written after the fork, too: the hole's pages never became shared */
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, i + 10);
	ASSERT_EQ(0, madvise(vt_page(mem, 2), 2 * vt_page_size, MADV_DOFORK));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i + 10, vt_get(mem, i));
	EXPECT_TRUE(vt_check_ok());
}

TEST(vfork_shares_all_memory)
{
	pid_t pid;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	pid = vfork();
	if (!pid) {
		vt_put(mem, 0, 2);
		_exit(0);
	}
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(2, vt_get(mem, 0));
}

TEST_HARNESS_MAIN
