// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four processes, every shape of their tree, every order of their exits.
 *
 * Everybody writes one page of its own after each fork; after each exit, the
 * survivors must see what they saw, and write on; at the end nothing is left.
 * With a VMOBJ_SCALE below 100, it is some orders, other ones for each seed.
 */
#include "vmobj_test.h"
#include "puppet.h"

#define PROCESSES	4
#define PAGES		6

static char *mem;
static uint32_t want[PROCESSES][PAGES];

struct table {
	uint32_t tag[PAGES];
};

static long do_map(void *arg)
{
	size_t i;

	(void)arg;
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	if (!mem)
		return 1;
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 100 + i);
	return 0;
}

/* Write what differs, and see whether all is as in the table. */
static long do_write_and_look(void *arg)
{
	struct table *table = arg;
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (table->tag[i] & 0x80000000)
			vt_put(mem, i, table->tag[i] &= 0x7fffffff);
	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != table->tag[i])
			return i + 1;
	return 0;
}

static bool write_and_look(int who, size_t page, uint32_t tag)
{
	struct table table;
	long bad;

	memcpy(table.tag, want[who], sizeof(table.tag));
	if (tag) {
		want[who][page] = tag;
		table.tag[page] = tag | 0x80000000;
	}
	bad = puppet_call(who, do_write_and_look, &table, sizeof(table));
	if (bad)
		fprintf(stderr, "# process %d: page %ld is wrong\n", who,
			bad - 1);
	return !bad;
}

/* All who live write page @who and look at all others. */
static bool all_write(uint32_t tag)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (puppet_alive(i) && !write_and_look(i, i, tag + i))
			return false;
	for (i = 0; i < PROCESSES; i++)
		if (puppet_alive(i) && !write_and_look(i, 0, 0))
			return false;
	return true;
}

/* parent[i] forks i. */
static bool grow_tree(const int *parent)
{
	int i;

	if (!puppet_start(0) || puppet_call(0, do_map, NULL, 0))
		return false;
	for (i = 0; i < PAGES; i++)
		want[0][i] = 100 + i;
	for (i = 1; i < PROCESSES; i++) {
		memcpy(want[i], want[parent[i]], sizeof(want[0]));
		if (!puppet_fork(parent[i], i) || !all_write(1000 * i))
			return false;
	}
	return true;
}

static bool one_order(const int *parent, const int *order)
{
	int i;

	if (!grow_tree(parent))
		return false;
	for (i = 0; i < PROCESSES; i++)
		if (!puppet_exit(order[i]) || !all_write(10000 * (i + 1)))
			return false;
	if (!vt_have_debugfs())
		return true;
	return !vt_stat_settles("objects", 0) && !vt_stat_settles("pages", 0) &&
		vt_check_ok();
}

static bool all_orders(const int *parent)
{
	int order[PROCESSES], code, i, j;
	unsigned int orders = vt_scale(24, 4);
	uint64_t random = vt_seed();

	puppet_init();
	for (code = 0; code < PROCESSES * PROCESSES * PROCESSES * PROCESSES;
	     code++) {
		int rest = code;
		bool twice = false;

		for (i = 0; i < PROCESSES; i++, rest /= PROCESSES) {
			order[i] = rest % PROCESSES;
			for (j = 0; j < i; j++)
				twice |= order[i] == order[j];
		}
		if (twice || vt_below(&random, 24) >= orders)
			continue;
		if (!one_order(parent, order)) {
			fprintf(stderr, "# order of exits: %d %d %d %d\n",
				order[0], order[1], order[2], order[3]);
			puppet_kill_all();
			return false;
		}
	}
	return true;
}

TEST(three_children_of_one_parent)
{
	static const int parent[PROCESSES] = { -1, 0, 0, 0 };

	EXPECT_TRUE(all_orders(parent));
}

TEST(a_chain_of_four_generations)
{
	static const int parent[PROCESSES] = { -1, 0, 1, 2 };

	EXPECT_TRUE(all_orders(parent));
}

TEST(two_children_and_a_grandchild_of_the_first)
{
	static const int parent[PROCESSES] = { -1, 0, 0, 1 };

	EXPECT_TRUE(all_orders(parent));
}

TEST(two_children_and_a_grandchild_of_the_second)
{
	static const int parent[PROCESSES] = { -1, 0, 0, 2 };

	EXPECT_TRUE(all_orders(parent));
}

TEST(a_child_with_two_children)
{
	static const int parent[PROCESSES] = { -1, 0, 1, 1 };

	EXPECT_TRUE(all_orders(parent));
}

TEST(a_grandchild_and_then_a_second_child)
{
	static const int parent[PROCESSES] = { -1, 0, 1, 0 };

	EXPECT_TRUE(all_orders(parent));
}

TEST_HARNESS_MAIN
