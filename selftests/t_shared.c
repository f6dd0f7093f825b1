// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_SHARED memory: one memory for a process and its descendants.
 */
#include "vmobj_test.h"

#define PAGES	16

static char *mem;

TEST(fresh_memory_is_zero)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(0, vt_get(mem, i));
}

TEST(two_mappings_are_not_the_same_memory)
{
	char *other = vt_map(PAGES, VT_RW, MAP_SHARED);

	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, other);
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, vt_get(other, 0));
}

static void write_odd_pages(void *arg)
{
	size_t i;

	for (i = 1; i < PAGES; i += 2)
		vt_put(mem, i, (uintptr_t)arg);
}

TEST(parent_sees_the_childs_writes)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 1, 7);		/* one it had, the others it had not */
	ASSERT_EQ(0, vt_in_child(write_odd_pages, (void *)9));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i % 2 ? 9 : 0, vt_get(mem, i));
}

static void ping_pong(void *arg)
{
	struct vt_gate *gate = arg;
	int i;

	for (i = 0; i < 100; i++) {
		vt_gate_pass(&gate[0]);
		VT_CHECK(vt_get(mem, i % PAGES) == 2 * i + 1U);
		vt_put(mem, i % PAGES, 2 * i + 2);
		vt_gate_open(&gate[1]);
	}
}

TEST(both_see_each_others_writes_at_once)
{
	struct vt_gate gate[2];
	pid_t pid;
	int i;

	vt_gate_init(&gate[0]);
	vt_gate_init(&gate[1]);
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	pid = vt_fork(ping_pong, gate);
	for (i = 0; i < 100; i++) {
		vt_put(mem, i % PAGES, 2 * i + 1);
		vt_gate_open(&gate[0]);
		vt_gate_pass(&gate[1]);
		ASSERT_EQ(2 * i + 2, vt_get(mem, i % PAGES));
	}
	EXPECT_EQ(0, vt_wait(pid));
}

static void add_one(int depth)
{
	VT_CHECK(vt_get(mem, 0) == (uint32_t)depth);
	vt_put(mem, 0, depth + 1);
	if (depth < 10) {
		pid_t pid = fork();

		if (!pid) {
			add_one(depth + 1);
			_exit(0);
		}
		VT_CHECK(vt_wait(pid) == 0);
	}
	/* The deepest one's write, all the way up. */
	VT_CHECK(vt_get(mem, 0) == 11);
}

TEST(ten_generations_share_one_page)
{
	mem = vt_map(1, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 0);
	add_one(0);
	EXPECT_TRUE(vt_check_ok());
}

/* The memory is more than a window to the parent's: it outlives the parent. */
static void parent_that_exits(void *arg)
{
	struct vt_gate *gate = arg;
	pid_t pid;

	vt_put(mem, 0, 3);
	pid = fork();
	if (!pid) {
		vt_gate_pass(&gate[0]);		/* the parent is gone */
		VT_CHECK(vt_get(mem, 0) == 3);
		vt_put(mem, 0, 4);
		vt_gate_open(&gate[1]);
		_exit(0);
	}
}

TEST(memory_outlives_the_parent)
{
	struct vt_gate gate[2];

	vt_gate_init(&gate[0]);
	vt_gate_init(&gate[1]);
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, vt_in_child(parent_that_exits, gate));
	vt_gate_open(&gate[0]);
	vt_gate_pass(&gate[1]);
	EXPECT_EQ(4, vt_get(mem, 0));
}

static void toggle_and_write(void *arg)
{
	(void)arg;
	VT_CHECK(!mprotect(mem, PAGES * vt_page_size, PROT_READ));
	VT_CHECK(vt_try_write(mem, 1) == SIGSEGV);
	VT_CHECK(!mprotect(mem, PAGES * vt_page_size, VT_RW));
	vt_put(mem, 0, 2);
}

TEST(mprotect_is_each_processs_own)
{
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	ASSERT_EQ(0, mprotect(vt_page(mem, 1), vt_page_size, PROT_NONE));
	ASSERT_EQ(0, vt_in_child(toggle_and_write, NULL));
	EXPECT_EQ(2, vt_get(mem, 0));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 1)));
}

static void unmap_all(void *arg)
{
	(void)arg;
	vt_put(mem, 5, 6);
	VT_CHECK(!munmap(mem, PAGES * vt_page_size));
}

TEST(unmapping_in_the_child_takes_nothing_from_the_parent)
{
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	ASSERT_EQ(0, vt_in_child(unmap_all, NULL));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(6, vt_get(mem, 5));
}

/* No page is copied, whoever writes; and none is left. */
TEST(nothing_is_copied)
{
	long long copies, objects, pages;
	int i;

	VT_NEED_DEBUGFS();
	objects = vt_stat("objects");
	pages = vt_stat("pages");
	mem = vt_map(PAGES, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	copies = vt_stat("cow_copies");
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, vt_in_child(write_odd_pages, (void *)9));
	vt_put(mem, 0, 2);
	EXPECT_EQ(copies, vt_stat("cow_copies"));
	EXPECT_EQ(objects + 1, vt_stat("objects"));
	EXPECT_EQ(pages + 1 + PAGES / 2, vt_stat("pages"));
	ASSERT_EQ(0, munmap(mem, PAGES * vt_page_size));
	EXPECT_EQ(objects, vt_stat_settles("objects", objects));
	EXPECT_EQ(pages, vt_stat_settles("pages", pages));
}

TEST_HARNESS_MAIN
