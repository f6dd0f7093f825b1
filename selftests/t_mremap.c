// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap(): the memory moves, grows and shrinks, also while others share it.
 */
#include "vmobj_test.h"

#define PAGES	8
#define ROOM	64	/* pages of free address space to move in */

static char *mem, *room;

static size_t bytes(size_t pages)
{
	return pages * vt_page_size;
}

/* @room is free, and the mapping is at its beginning. */
static bool map_and_fill(int flags)
{
	size_t i;

	room = mmap(NULL, bytes(ROOM), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (room == MAP_FAILED || munmap(room, bytes(ROOM)))
		return false;
	mem = vt_map_at(room, PAGES, VT_RW, flags | MAP_FIXED);
	for (i = 0; mem && i < PAGES; i++)
		vt_put(mem, i, i + 1);
	return mem;
}

/* Pages from @page on have the tags from @tag on. */
static bool tags_from(const char *at, size_t page, size_t nr, uint32_t tag)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (vt_get(at, page + i) == tag + i)
			continue;
		fprintf(stderr, "# page %zu has %u, not %u\n", page + i,
			vt_get(at, page + i), (uint32_t)(tag + i));
		return false;
	}
	return true;
}

static bool zeros(const char *at, size_t page, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (vt_get(at, page + i))
			return false;
	return true;
}

static bool move(size_t from, size_t nr, size_t new_nr, size_t to, int flags)
{
	char *target = vt_page(room, to);

	return mremap(vt_page(room, from), bytes(nr), bytes(new_nr),
		      MREMAP_MAYMOVE | MREMAP_FIXED | flags, target) == target;
}

/* 0 if it becomes so, or nobody can tell. */
static long long off_by(const char *name, long long wanted)
{
	return vt_have_debugfs() ? vt_stat_settles(name, wanted) - wanted : 0;
}

static int left_over(long long objects, long long pages)
{
	if (!vt_have_debugfs())
		return 0;
	return vt_stat_settles("objects", objects) != objects ||
		vt_stat_settles("pages", pages) != pages || !vt_check_ok();
}

/* ---- alone ---- */

TEST(move_takes_the_contents_along)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, PAGES, PAGES, 20, 0));
	EXPECT_EQ(SIGSEGV, vt_try_read(room));
	EXPECT_TRUE(tags_from(room, 20, PAGES, 1));
	vt_put(room, 20, 50);
	EXPECT_EQ(50, vt_get(room, 20));
	EXPECT_EQ(0, left_over(1, PAGES));
}

TEST(move_of_shared_memory)
{
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_TRUE(move(0, PAGES, PAGES, 20, 0));
	EXPECT_TRUE(tags_from(room, 20, PAGES, 1));
	EXPECT_EQ(0, left_over(1, PAGES));
}

TEST(shrink_frees_the_tail)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(mem, mremap(mem, bytes(PAGES), bytes(3), 0));
	EXPECT_TRUE(tags_from(mem, 0, 3, 1));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 3)));
	EXPECT_EQ(0, left_over(1, 3));
}

TEST(grow_in_place_reads_zero)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(mem, mremap(mem, bytes(PAGES), bytes(PAGES + 5), 0));
	EXPECT_TRUE(tags_from(mem, 0, PAGES, 1));
	EXPECT_TRUE(zeros(mem, PAGES, 5));
	vt_put(mem, PAGES + 4, 7);
	EXPECT_EQ(7, vt_get(mem, PAGES + 4));
	EXPECT_TRUE(vt_check_ok());
}

TEST(shrink_and_grow_gives_zeros_not_old_data)
{
	int i;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(mem, mremap(mem, bytes(PAGES), bytes(2), 0));
		ASSERT_EQ(mem, mremap(mem, bytes(2), bytes(PAGES), 0));
		EXPECT_TRUE(tags_from(mem, 0, 2, 1));
		EXPECT_TRUE(zeros(mem, 2, PAGES - 2));
		vt_put(mem, 5, 99);
	}
	EXPECT_TRUE(vt_check_ok());
}

TEST(grow_by_moving)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, PAGES, PAGES + 4, 30, 0));
	EXPECT_EQ(SIGSEGV, vt_try_read(room));
	EXPECT_TRUE(tags_from(room, 30, PAGES, 1));
	EXPECT_TRUE(zeros(room, 30 + PAGES, 4));
	vt_put(room, 30 + PAGES, 7);
	EXPECT_EQ(7, vt_get(room, 30 + PAGES));
	EXPECT_EQ(0, left_over(1, PAGES + 4));
}

TEST(grow_where_there_is_no_room_is_ENOMEM)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_NE(NULL, vt_map_at(vt_page(room, PAGES), 1, VT_RW,
				  MAP_PRIVATE | MAP_FIXED));
	EXPECT_EQ(MAP_FAILED, mremap(mem, bytes(PAGES), bytes(PAGES + 1), 0));
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_TRUE(tags_from(mem, 0, PAGES, 1));
}

TEST(shrink_by_moving)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, PAGES, 3, 30, 0));
	EXPECT_TRUE(tags_from(room, 30, 3, 1));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(room, 33)));
	EXPECT_EQ(SIGSEGV, vt_try_read(room));
	EXPECT_EQ(0, left_over(1, 3));
}

TEST(move_of_a_part)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(2, 3, 3, 20, 0));
	EXPECT_TRUE(tags_from(room, 0, 2, 1));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(room, 2)));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(room, 4)));
	EXPECT_TRUE(tags_from(room, 5, 3, 6));
	EXPECT_TRUE(tags_from(room, 20, 3, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(move_of_a_part_that_grows)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(2, 3, 6, 20, 0));
	EXPECT_TRUE(tags_from(room, 0, 2, 1));
	EXPECT_TRUE(tags_from(room, 5, 3, 6));
	EXPECT_TRUE(tags_from(room, 20, 3, 3));
	EXPECT_TRUE(zeros(room, 23, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(move_there_and_back)
{
	int i;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(move(2, 3, 3, 20, 0));
		ASSERT_TRUE(move(20, 3, 3, 2, 0));
	}
	EXPECT_TRUE(tags_from(room, 0, PAGES, 1));
	EXPECT_EQ(0, off_by("pages", PAGES));
	EXPECT_TRUE(vt_check_ok());
}

TEST(move_over_another_mapping)
{
	char *other;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	other = vt_map_at(vt_page(room, 20), PAGES, VT_RW,
			  MAP_PRIVATE | MAP_FIXED);
	ASSERT_NE(NULL, other);
	memset(other, 'o', bytes(PAGES));
	ASSERT_TRUE(move(0, 4, 4, 22, 0));
	EXPECT_EQ('o', *vt_page(room, 21));
	EXPECT_TRUE(tags_from(room, 22, 4, 1));
	EXPECT_EQ('o', *vt_page(room, 26));
	EXPECT_TRUE(tags_from(room, 4, 4, 5));
	EXPECT_EQ(0, off_by("pages", 2 * PAGES - 4));
	EXPECT_TRUE(vt_check_ok());
}

TEST(move_onto_itself_is_EINVAL)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_FALSE(move(0, 4, 4, 2, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(tags_from(mem, 0, PAGES, 1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(move_beyond_the_end_is_EFAULT)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_FALSE(move(4, PAGES, PAGES + 1, 30, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(tags_from(mem, 0, PAGES, 1));
	/* A move that failed must not confuse the next one. */
	ASSERT_TRUE(move(4, 2, 3, 30, 0));
	EXPECT_TRUE(tags_from(room, 30, 2, 5));
	EXPECT_TRUE(zeros(room, 32, 1));
	EXPECT_TRUE(tags_from(room, 6, 2, 7));
	EXPECT_TRUE(vt_check_ok());
}

TEST(dontunmap_leaves_zeros)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, PAGES, PAGES, 30, MREMAP_DONTUNMAP));
	EXPECT_TRUE(tags_from(room, 30, PAGES, 1));
	EXPECT_TRUE(zeros(room, 0, PAGES));
	vt_put(room, 0, 70);
	EXPECT_EQ(1, vt_get(room, 30));
	EXPECT_EQ(70, vt_get(room, 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST(dontunmap_of_a_part)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(2, 3, 3, 30, MREMAP_DONTUNMAP));
	EXPECT_TRUE(tags_from(room, 30, 3, 3));
	EXPECT_TRUE(tags_from(room, 0, 2, 1));
	EXPECT_TRUE(zeros(room, 2, 3));
	EXPECT_TRUE(tags_from(room, 5, 3, 6));
	EXPECT_TRUE(vt_check_ok());
}

TEST(old_length_zero_of_private_memory_is_EINVAL)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_FALSE(move(0, 0, PAGES, 30, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_FALSE(move(2, 0, 2, 30, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(room, 30)));
	EXPECT_TRUE(tags_from(mem, 0, PAGES, 1));
	vt_put(mem, 0, 9);
	EXPECT_EQ(0, off_by("pages", PAGES));
	EXPECT_TRUE(vt_check_ok());
	/* and a move after it */
	ASSERT_TRUE(move(2, 2, 2, 30, 0));
	EXPECT_TRUE(tags_from(room, 30, 2, 3));
	EXPECT_TRUE(tags_from(room, 4, 4, 5));
	EXPECT_TRUE(vt_check_ok());
}

TEST(old_length_zero_of_shared_memory_maps_it_twice)
{
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_TRUE(move(2, 0, 4, 30, 0));
	EXPECT_TRUE(tags_from(room, 30, 4, 3));
	vt_put(room, 30, 70);
	EXPECT_EQ(70, vt_get(room, 2));
	vt_put(room, 3, 71);
	EXPECT_EQ(71, vt_get(room, 31));
	ASSERT_EQ(0, munmap(mem, bytes(PAGES)));
	EXPECT_EQ(71, vt_get(room, 31));
	EXPECT_TRUE(vt_check_ok());
}

/* The range is of several VMAs, since an mprotect() has cut them. */
TEST(old_length_zero_across_cut_mappings)
{
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_EQ(0, mprotect(vt_page(mem, 3), bytes(1), PROT_READ));
	ASSERT_EQ(0, mprotect(vt_page(mem, 3), bytes(1), VT_RW));
	ASSERT_TRUE(move(1, 0, 6, 30, 0));
	EXPECT_TRUE(tags_from(room, 30, 6, 2));
	vt_put(room, 34, 70);
	EXPECT_EQ(70, vt_get(room, 5));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- with a child that shares it ---- */

static struct vt_gate gate;

static void sees_the_old(void *arg)
{
	(void)arg;
	vt_gate_pass(&gate);
	VT_CHECK(tags_from(mem, 0, PAGES, 1));
	vt_put(mem, 3, 33);
	VT_CHECK(vt_get(mem, 3) == 33);
}

static pid_t start_child(void)
{
	vt_gate_init(&gate);
	return vt_fork(sees_the_old, NULL);
}

static int finish_child(pid_t pid)
{
	vt_gate_open(&gate);
	return vt_wait(pid);
}

TEST(fork_then_move_then_write)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start_child();
	ASSERT_TRUE(move(0, PAGES, PAGES, 20, 0));
	EXPECT_TRUE(tags_from(room, 20, PAGES, 1));
	vt_put(room, 21, 50);
	EXPECT_EQ(0, finish_child(pid));
	EXPECT_EQ(50, vt_get(room, 21));
	EXPECT_EQ(4, vt_get(room, 23));
	EXPECT_EQ(0, left_over(1, PAGES));
}

TEST(fork_then_write_then_move)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start_child();
	vt_put(mem, 1, 50);
	ASSERT_TRUE(move(0, PAGES, PAGES, 20, 0));
	vt_put(room, 22, 51);
	EXPECT_EQ(0, finish_child(pid));
	EXPECT_EQ(50, vt_get(room, 21));
	EXPECT_EQ(51, vt_get(room, 22));
	EXPECT_TRUE(tags_from(room, 23, PAGES - 3, 4));
	EXPECT_EQ(0, left_over(1, PAGES));
}

TEST(fork_then_move_of_a_part)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start_child();
	ASSERT_TRUE(move(2, 3, 5, 20, 0));
	vt_put(room, 20, 50);
	vt_put(room, 5, 51);
	vt_put(room, 24, 52);
	EXPECT_EQ(0, finish_child(pid));
	EXPECT_EQ(50, vt_get(room, 20));
	EXPECT_TRUE(tags_from(room, 21, 2, 4));
	EXPECT_EQ(0, vt_get(room, 23));
	EXPECT_EQ(52, vt_get(room, 24));
	EXPECT_EQ(51, vt_get(room, 5));
	EXPECT_TRUE(vt_check_ok());
}

static void sees_the_moved(void *arg)
{
	(void)arg;
	VT_CHECK(tags_from(room, 20, PAGES, 1));
	VT_CHECK(vt_try_read(mem) == SIGSEGV);
	vt_put(room, 20, 60);
	/* the child moves it again */
	VT_CHECK(move(20, PAGES, PAGES, 40, 0));
	vt_put(room, 41, 61);
	VT_CHECK(vt_get(room, 40) == 60);
}

TEST(move_then_fork)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, PAGES, PAGES, 20, 0));
	EXPECT_EQ(0, vt_in_child(sees_the_moved, NULL));
	EXPECT_TRUE(tags_from(room, 20, PAGES, 1));
	vt_put(room, 20, 2);
	EXPECT_EQ(0, left_over(1, PAGES));
}

TEST(fork_then_shrink_and_grow_gives_zeros)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = start_child();
	ASSERT_EQ(mem, mremap(mem, bytes(PAGES), bytes(2), 0));
	ASSERT_EQ(mem, mremap(mem, bytes(2), bytes(PAGES), 0));
	EXPECT_TRUE(tags_from(mem, 0, 2, 1));
	EXPECT_TRUE(zeros(mem, 2, PAGES - 2));
	EXPECT_EQ(0, finish_child(pid));
	EXPECT_TRUE(zeros(mem, 2, PAGES - 2));
	EXPECT_TRUE(vt_check_ok());
}

static void writes_the_shared(void *arg)
{
	(void)arg;
	vt_put(mem, 4, 60);
}

TEST(moved_shared_memory_is_still_shared)
{
	struct vt_gate go;
	pid_t pid;

	vt_gate_init(&go);
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&go);
		writes_the_shared(NULL);
		_exit(0);
	}
	ASSERT_TRUE(move(2, 4, 4, 20, 0));
	vt_gate_open(&go);
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(3, vt_get(room, 20));
	EXPECT_EQ(60, vt_get(room, 22));
	EXPECT_TRUE(vt_check_ok());
}

/* Memory that has grown and nobody has touched is shared like the rest. */
TEST(grown_shared_memory_is_shared_at_fork)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_EQ(mem, mremap(mem, bytes(PAGES), bytes(PAGES + 5), 0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_put(mem, PAGES + 3, 77);
		_exit(0);
	}
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_EQ(77, vt_get(mem, PAGES + 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(untouched_shared_memory_is_shared_with_its_alias)
{
	room = mmap(NULL, bytes(ROOM), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	ASSERT_EQ(0, munmap(room, bytes(ROOM)));
	ASSERT_NE(NULL, vt_map_at(room, PAGES, VT_RW, MAP_SHARED | MAP_FIXED));
	ASSERT_TRUE(move(2, 0, 4, 30, 0));
	vt_put(room, 31, 70);
	EXPECT_EQ(70, vt_get(room, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(dontunmap_of_shared_memory_leaves_it_at_both_places)
{
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_TRUE(move(0, PAGES, PAGES, 30, MREMAP_DONTUNMAP));
	EXPECT_TRUE(tags_from(room, 0, PAGES, 1));
	vt_put(room, 0, 70);
	EXPECT_EQ(70, vt_get(room, 30));
	EXPECT_TRUE(vt_check_ok());
}

TEST(two_moved_parts_fork_together)
{
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(move(0, 2, 2, 20, 0));
	ASSERT_TRUE(move(6, 2, 2, 30, 0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		VT_CHECK(tags_from(room, 20, 2, 1));
		VT_CHECK(tags_from(room, 2, 4, 3));
		VT_CHECK(tags_from(room, 30, 2, 7));
		vt_put(room, 20, 90);
		vt_put(room, 3, 90);
		vt_put(room, 31, 90);
		_exit(0);
	}
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(tags_from(room, 20, 2, 1));
	EXPECT_TRUE(tags_from(room, 2, 4, 3));
	EXPECT_TRUE(tags_from(room, 30, 2, 7));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
