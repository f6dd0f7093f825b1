// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings with holes: MAP_FIXED over old ones, munmap() of parts, mprotect()
 * that cuts them.
 */
#include "vmobj_test.h"

#define PAGES	16

static char *mem;

static size_t bytes(size_t pages)
{
	return pages * vt_page_size;
}

static bool map_and_fill(int flags)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, flags);
	for (i = 0; mem && i < PAGES; i++)
		vt_put(mem, i, i + 1);
	return mem;
}

/* Fresh memory over [page, page + nr). */
static bool refill(size_t page, size_t nr)
{
	return vt_map_at(vt_page(mem, page), nr, VT_RW,
			 MAP_PRIVATE | MAP_FIXED);
}

static bool unmap(size_t page, size_t nr)
{
	return !munmap(vt_page(mem, page), bytes(nr));
}

/* Page i has tag i + 1, but for [hole, hole + nr), which has zeros. */
static bool filled_but(size_t hole, size_t nr)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != (i - hole < nr ? 0 : i + 1))
			return false;
	return true;
}

TEST(fixed_over_the_middle_is_zero)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(refill(4, 3));
	EXPECT_TRUE(filled_but(4, 3));
	vt_put(mem, 5, 50);
	EXPECT_EQ(50, vt_get(mem, 5));
	EXPECT_EQ(4, vt_get(mem, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(fixed_over_the_beginning_the_end_and_all)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(refill(0, 2));
	EXPECT_TRUE(filled_but(0, 2));
	vt_put(mem, 0, 1);
	vt_put(mem, 1, 2);
	ASSERT_TRUE(refill(PAGES - 2, 2));
	EXPECT_TRUE(filled_but(PAGES - 2, 2));
	ASSERT_TRUE(refill(0, PAGES));
	EXPECT_TRUE(filled_but(0, PAGES));
	EXPECT_TRUE(vt_check_ok());
}

TEST(fixed_over_and_over_keeps_nothing)
{
	int i;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	for (i = 0; i < 200; i++) {
		ASSERT_TRUE(refill(i % PAGES, 1));
		ASSERT_EQ(0, vt_get(mem, i % PAGES));
		vt_put(mem, i % PAGES, 1000 + i);
	}
	if (vt_have_debugfs())
		EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_TRUE(vt_check_ok());
}

TEST(other_memory_over_the_middle)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_NE(MAP_FAILED,
		  mmap(vt_page(mem, 4), bytes(3), VT_RW,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_TRUE(filled_but(4, 3));
	EXPECT_TRUE(vt_check_ok());
}

static void child_of_holes(void *arg)
{
	size_t i;

	(void)arg;
	VT_CHECK(vt_try_read(vt_page(mem, 6)) == SIGSEGV);
	VT_CHECK(refill(6, 2));
	VT_CHECK(filled_but(6, 2));
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 500);
}

TEST(hole_then_fork_then_refill)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(unmap(6, 2));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 7)));
	ASSERT_EQ(0, vt_in_child(child_of_holes, NULL));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 6)));
	ASSERT_TRUE(refill(6, 2));
	EXPECT_TRUE(filled_but(6, 2));
	EXPECT_TRUE(vt_check_ok());
}

static struct vt_gate gate;

static void sees_all(void *arg)
{
	(void)arg;
	vt_gate_pass(&gate);
	VT_CHECK(filled_but(PAGES, 0));
	vt_put(mem, 6, 60);
	VT_CHECK(unmap(0, 4));
	VT_CHECK(vt_get(mem, 6) == 60);
}

TEST(fork_then_hole_then_refill)
{
	pid_t pid;

	vt_gate_init(&gate);
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = vt_fork(sees_all, NULL);
	ASSERT_TRUE(unmap(6, 2));
	ASSERT_TRUE(refill(6, 2));
	EXPECT_TRUE(filled_but(6, 2));
	vt_gate_open(&gate);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(filled_but(6, 2));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- what is freed ---- */

TEST(unmap_of_a_part_frees_its_pages)
{
	VT_NEED_DEBUGFS();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(unmap(4, 4));
	EXPECT_EQ(PAGES - 4, vt_stat_settles("pages", PAGES - 4));
	ASSERT_TRUE(unmap(0, 2));
	EXPECT_EQ(PAGES - 6, vt_stat_settles("pages", PAGES - 6));
	ASSERT_TRUE(unmap(PAGES - 1, 1));
	EXPECT_EQ(PAGES - 7, vt_stat_settles("pages", PAGES - 7));
	EXPECT_EQ(1, vt_stat("objects"));
	EXPECT_TRUE(vt_check_ok());
	ASSERT_TRUE(unmap(0, PAGES));
	EXPECT_EQ(0, vt_stat_settles("pages", 0));
	EXPECT_EQ(0, vt_stat_settles("objects", 0));
}

TEST(unmap_of_a_part_after_the_childs_exit_frees_its_pages)
{
	pid_t pid;

	VT_NEED_DEBUGFS();
	vt_gate_init(&gate);
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = vt_fork(sees_all, NULL);
	vt_gate_open(&gate);
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	ASSERT_TRUE(unmap(4, 4));
	EXPECT_EQ(PAGES - 4, vt_stat_settles("pages", PAGES - 4));
	EXPECT_TRUE(vt_check_ok());
}

TEST(unmap_of_a_part_of_shared_memory)
{
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_TRUE(unmap(4, 4));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 4)));
	EXPECT_EQ(4, vt_get(mem, 3));
	EXPECT_EQ(9, vt_get(mem, 8));
	ASSERT_TRUE(refill(4, 4));
	EXPECT_TRUE(filled_but(4, 4));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- mprotect that cuts ---- */

static bool protect_every_other(int prot)
{
	size_t i;

	for (i = 1; i < PAGES; i += 2)
		if (mprotect(vt_page(mem, i), bytes(1), prot))
			return false;
	return true;
}

static void child_of_cuts(void *arg)
{
	size_t i;

	(void)arg;
	VT_CHECK(filled_but(PAGES, 0));
	for (i = 0; i < PAGES; i++)
		VT_CHECK(vt_try_write(vt_page(mem, i), 'c') ==
			 (i % 2 ? SIGSEGV : 0));
	VT_CHECK(!mprotect(mem, bytes(PAGES), VT_RW));
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 700 + i);
}

TEST(cut_by_mprotect_and_forked)
{
	size_t i;
	int round;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	for (round = 0; round < 10; round++) {
		ASSERT_TRUE(protect_every_other(PROT_READ));
		ASSERT_EQ(0, vt_in_child(child_of_cuts, NULL));
		ASSERT_TRUE(protect_every_other(VT_RW));
		ASSERT_EQ(0, mprotect(mem, bytes(PAGES), PROT_READ));
		ASSERT_EQ(0, mprotect(mem, bytes(PAGES), VT_RW));
		EXPECT_TRUE(filled_but(PAGES, 0));
		for (i = 0; i < PAGES; i++)
			vt_put(mem, i, i + 1);
	}
	if (vt_have_debugfs()) {
		EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
		EXPECT_EQ(1, vt_stat_settles("objects", 1));
	}
	EXPECT_TRUE(vt_check_ok());
}

/* Cut before anything is touched: all parts are one memory in the end. */
TEST(cut_before_the_first_touch)
{
	size_t i;

	mem = vt_map(PAGES, PROT_NONE, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, mprotect(vt_page(mem, PAGES - 1 - i), bytes(1),
				      VT_RW));
	EXPECT_TRUE(filled_but(0, PAGES));
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, i + 1);
	EXPECT_TRUE(filled_but(PAGES, 0));
	EXPECT_TRUE(vt_check_ok());
}

static void write_even_pages(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < PAGES; i += 2)
		vt_put(mem, i, 900);
	VT_CHECK(filled_but(PAGES, 0) == false);
	VT_CHECK(vt_get(mem, 1) == 2);
}

TEST(cut_and_unmapped_and_forked)
{
	size_t i;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	/* Every fourth page goes, between two forks. */
	ASSERT_EQ(0, vt_in_child(write_even_pages, NULL));
	for (i = 3; i < PAGES; i += 4)
		ASSERT_TRUE(unmap(i, 1));
	for (i = 3; i < PAGES; i += 4)
		ASSERT_TRUE(refill(i, 1));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(i % 4 == 3 ? 0 : i + 1, vt_get(mem, i));
	for (i = 3; i < PAGES; i += 4)
		vt_put(mem, i, i + 1);
	ASSERT_EQ(0, vt_in_child(write_even_pages, NULL));
	EXPECT_TRUE(filled_but(PAGES, 0));
	if (vt_have_debugfs())
		EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
