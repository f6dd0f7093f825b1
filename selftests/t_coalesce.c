// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped beside other memory of ours, or grows, extends the object that is
 * there; and no page of an earlier mapping ever comes back.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>

#define SPAN	64	/* pages of a place where nothing else is */

static char *place;

#define SETUP() \
	do { \
		VT_NEED_DEBUGFS(); \
		place = mmap(NULL, (SPAN + 2) * vt_page_size, PROT_NONE, \
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); \
		ASSERT_NE(MAP_FAILED, (void *)place); \
		place += vt_page_size; \
		ASSERT_EQ(0, munmap(place, SPAN * vt_page_size)); \
	} while (0)

static char *map_at(size_t page, size_t pages, int flags)
{
	return vt_map_at(vt_page(place, page), pages, VT_RW,
			 flags | MAP_FIXED);
}

static void fill(size_t page, size_t pages)
{
	for (; pages--; page++)
		vt_put(place, page, page + 1);
}

/* All as fill() left it? */
static bool filled(size_t page, size_t pages)
{
	for (; pages--; page++)
		if (vt_get(place, page) != page + 1)
			return false;
	return true;
}

static bool zero(size_t page, size_t pages)
{
	for (; pages--; page++)
		if (vt_get(place, page))
			return false;
	return true;
}

/* ---- mmap ---- */

TEST(mappings_behind_each_other_are_one_object)
{
	long long families, objects;
	size_t i;

	SETUP();
	families = vt_stat("families");
	objects = vt_stat("objects");
	for (i = 0; i < 8; i++) {
		ASSERT_NE(NULL, map_at(2 * i, 2, MAP_PRIVATE));
		EXPECT_TRUE(zero(2 * i, 2));
		fill(2 * i, 2);
	}
	EXPECT_TRUE(filled(0, 16));
	EXPECT_EQ(families + 1, vt_stat("families"));
	EXPECT_EQ(objects + 1, vt_stat("objects"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(mappings_before_each_other_are_one_object)
{
	long long families, objects, coalesces, joins;
	long i;

	SETUP();
	families = vt_stat("families");
	objects = vt_stat("objects");
	coalesces = vt_stat("coalesces");
	joins = vt_stat("joins");
	for (i = 7; i >= 0; i--) {
		ASSERT_NE(NULL, map_at(2 * i, 2, MAP_PRIVATE));
		EXPECT_TRUE(zero(2 * i, 2));
		fill(2 * i, 2);
	}
	EXPECT_TRUE(filled(0, 16));
	EXPECT_EQ(families + 1, vt_stat("families"));
	EXPECT_EQ(objects + 1, vt_stat("objects"));
	EXPECT_EQ(joins + 7, vt_stat("joins"));
	EXPECT_EQ(coalesces + 7, vt_stat("coalesces"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(a_hole_that_is_mapped_again_is_zero)
{
	long long objects;

	SETUP();
	ASSERT_NE(NULL, map_at(0, 16, MAP_PRIVATE));
	fill(0, 16);
	objects = vt_stat("objects");
	ASSERT_EQ(0, munmap(vt_page(place, 4), 4 * vt_page_size));
	ASSERT_NE(NULL, map_at(4, 4, MAP_PRIVATE));
	EXPECT_TRUE(zero(4, 4));
	EXPECT_TRUE(filled(0, 4));
	EXPECT_TRUE(filled(8, 8));
	EXPECT_EQ(objects, vt_stat("objects"));
	EXPECT_TRUE(vt_check_ok());
	/* over what is there, at both ends and in the middle */
	ASSERT_NE(NULL, map_at(0, 2, MAP_PRIVATE));
	ASSERT_NE(NULL, map_at(14, 2, MAP_PRIVATE));
	ASSERT_NE(NULL, map_at(9, 2, MAP_PRIVATE));
	EXPECT_TRUE(zero(0, 2) && zero(14, 2) && zero(9, 2));
	EXPECT_TRUE(filled(2, 2) && filled(11, 3));
	EXPECT_TRUE(vt_check_ok());
}

static void child_writes(void *arg)
{
	(void)arg;
	VT_CHECK(filled(0, 8));
	vt_put(place, 1, 100);
	vt_put(place, 6, 100);
	VT_CHECK(vt_check_ok());
}

TEST(fork_over_the_seam)
{
	SETUP();
	ASSERT_NE(NULL, map_at(4, 4, MAP_PRIVATE));
	fill(4, 4);
	ASSERT_NE(NULL, map_at(0, 4, MAP_PRIVATE));
	fill(0, 4);
	EXPECT_EQ(0, vt_in_child(child_writes, NULL));
	EXPECT_TRUE(filled(0, 8));
	fill(0, 8);
	EXPECT_TRUE(vt_check_ok());
	ASSERT_EQ(0, munmap(vt_page(place, 2), 4 * vt_page_size));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(place, 3)));
	EXPECT_TRUE(filled(0, 2) && filled(6, 2));
	EXPECT_TRUE(vt_check_ok());
}

static struct vt_gate go, done;

static void child_keeps(void *arg)
{
	(void)arg;
	VT_CHECK(filled(0, 8));
	/* a neighbour of what is a lazy copy here */
	VT_CHECK(map_at(8, 4, MAP_PRIVATE));
	VT_CHECK(zero(8, 4));
	fill(8, 4);
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(filled(0, 12));
	VT_CHECK(vt_check_ok());
}

/* Fails if a mapping shows what a relative still has at its place. */
TEST(what_a_child_keeps_does_not_come_back)
{
	pid_t pid;

	SETUP();
	vt_gate_init(&go);
	vt_gate_init(&done);
	ASSERT_NE(NULL, map_at(0, 8, MAP_PRIVATE));
	fill(0, 8);
	pid = vt_fork(child_keeps, NULL);
	vt_gate_pass(&done);
	ASSERT_EQ(0, munmap(vt_page(place, 4), 4 * vt_page_size));
	ASSERT_NE(NULL, map_at(4, 8, MAP_PRIVATE));
	EXPECT_TRUE(zero(4, 8));
	fill(4, 8);
	EXPECT_TRUE(vt_check_ok());
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(filled(0, 12));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- who does not join ---- */

TEST(only_private_memory_joins_private_memory)
{
	long long joins;

	SETUP();
	ASSERT_NE(NULL, map_at(8, 4, MAP_PRIVATE));
	joins = vt_stat("joins");
	ASSERT_NE(NULL, map_at(12, 4, MAP_SHARED));
	ASSERT_NE(NULL, map_at(16, 4, MAP_SHARED));
	ASSERT_NE(NULL, map_at(20, 4, MAP_PRIVATE));
	EXPECT_EQ(joins, vt_stat("joins"));
	ASSERT_EQ(0, madvise(vt_page(place, 20), 4 * vt_page_size,
			     MADV_DONTFORK));
	ASSERT_NE(NULL, map_at(24, 4, MAP_PRIVATE));
	EXPECT_EQ(joins, vt_stat("joins"));
	ASSERT_NE(NULL, map_at(28, 4, MAP_PRIVATE));
	EXPECT_EQ(joins + 1, vt_stat("joins"));
	EXPECT_TRUE(vt_check_ok());
}

static void child_has_copy_of_middle(void *arg)
{
	(void)arg;
	VT_CHECK(zero(0, 4) && filled(4, 4) && zero(8, 4));
	VT_CHECK(vt_check_ok());
}

/* Fails if new memory takes over what was said of the memory beside it. */
TEST(inheritance_is_not_taken_over)
{
	SETUP();
	ASSERT_NE(NULL, map_at(0, 4, MAP_PRIVATE));
	ASSERT_NE(NULL, map_at(8, 4, MAP_PRIVATE));
	fill(0, 4);
	fill(8, 4);
	ASSERT_EQ(0, vt_inherit(place, 0, 4, VMOBJ_INHERIT_ZERO));
	ASSERT_EQ(0, vt_inherit(place, 8, 4, VMOBJ_INHERIT_ZERO));
	ASSERT_NE(NULL, map_at(4, 4, MAP_PRIVATE));
	fill(4, 4);
	EXPECT_EQ(0, vt_in_child(child_has_copy_of_middle, NULL));
	EXPECT_TRUE(filled(0, 12));
	EXPECT_TRUE(vt_check_ok());
}

TEST(a_moved_neighbour_is_none)
{
	long long joins;

	SETUP();
	ASSERT_NE(NULL, map_at(0, 4, MAP_PRIVATE));
	fill(0, 4);
	joins = vt_stat("joins");
	ASSERT_NE(MAP_FAILED, mremap(place, 4 * vt_page_size, 4 * vt_page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     vt_page(place, 20)));
	ASSERT_NE(NULL, map_at(24, 4, MAP_PRIVATE));
	EXPECT_EQ(joins, vt_stat("joins"));
	ASSERT_NE(NULL, map_at(0, 4, MAP_PRIVATE));
	EXPECT_TRUE(zero(0, 4));
	/* back beside what has taken its place */
	ASSERT_NE(MAP_FAILED, mremap(vt_page(place, 20), 4 * vt_page_size,
				     4 * vt_page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     vt_page(place, 4)));
	EXPECT_EQ(1, vt_get(place, 4));
	ASSERT_NE(NULL, map_at(8, 4, MAP_PRIVATE));
	EXPECT_TRUE(zero(8, 4));
	EXPECT_TRUE(vt_check_ok());
}

static void child_reads(void *arg)
{
	(void)arg;
	VT_CHECK(filled(0, 16));
	VT_CHECK(vt_check_ok());
}

/*
 * Both have the same file, so newer kernels shift the boundary between them without
 * telling the module.
 */
TEST(a_boundary_between_neighbours_may_shift)
{
	SETUP();
	ASSERT_NE(NULL, map_at(0, 8, MAP_PRIVATE));
	ASSERT_NE(NULL, map_at(8, 8, MAP_PRIVATE));
	fill(0, 16);
	ASSERT_EQ(0, mprotect(vt_page(place, 8), 4 * vt_page_size, PROT_READ));
	ASSERT_EQ(0, mprotect(vt_page(place, 8), 2 * vt_page_size, VT_RW));
	ASSERT_EQ(0, mprotect(vt_page(place, 6), 2 * vt_page_size, PROT_READ));
	fill(8, 2);
	EXPECT_EQ(0, vt_in_child(child_reads, NULL));
	EXPECT_TRUE(filled(0, 16));
	ASSERT_EQ(0, munmap(vt_page(place, 7), 4 * vt_page_size));
	ASSERT_NE(NULL, map_at(7, 4, MAP_PRIVATE));
	EXPECT_TRUE(filled(0, 7) && zero(7, 4) && filled(11, 5));
	EXPECT_TRUE(vt_check_ok());
}

/* The first mapping of a family goes first. */
TEST(moves_after_the_first_mapping_has_gone)
{
	SETUP();
	ASSERT_NE(NULL, map_at(0, 4, MAP_PRIVATE));
	ASSERT_NE(NULL, map_at(4, 8, MAP_PRIVATE));
	fill(4, 8);
	ASSERT_EQ(0, munmap(place, 4 * vt_page_size));
	ASSERT_NE(MAP_FAILED, mremap(vt_page(place, 6), 2 * vt_page_size,
				     2 * vt_page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     vt_page(place, 40)));
	ASSERT_NE(MAP_FAILED, mremap(vt_page(place, 40), 2 * vt_page_size,
				     2 * vt_page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     vt_page(place, 6)));
	EXPECT_TRUE(filled(4, 8));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- growth ---- */

/* VMAs of the place. */
static int vmas(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start;
	char line[512];
	int nr = 0;

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-", &start) == 1)
			nr += start - (unsigned long)place <
				SPAN * vt_page_size;
	if (maps)
		fclose(maps);
	return nr;
}

TEST(growth_extends_the_object)
{
	long long objects, coalesces;
	size_t pages;

	SETUP();
	ASSERT_NE(NULL, map_at(0, 1, MAP_PRIVATE));
	fill(0, 1);
	objects = vt_stat("objects");
	coalesces = vt_stat("coalesces");
	for (pages = 1; pages < 16; pages++) {
		ASSERT_NE(MAP_FAILED, mremap(place, pages * vt_page_size,
					     (pages + 1) * vt_page_size, 0));
		EXPECT_TRUE(zero(pages, 1));
		fill(pages, 1);
	}
	EXPECT_EQ(1, vmas());
	EXPECT_EQ(objects, vt_stat("objects"));
	EXPECT_EQ(coalesces + 15, vt_stat("coalesces"));
	/* U51: shrink, and grow over the stale tail */
	ASSERT_NE(MAP_FAILED, mremap(place, 16 * vt_page_size,
				     5 * vt_page_size, 0));
	ASSERT_NE(MAP_FAILED, mremap(place, 5 * vt_page_size,
				     16 * vt_page_size, 0));
	EXPECT_TRUE(filled(0, 5));
	EXPECT_TRUE(zero(5, 11));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- an allocator ---- */

/*
 * Arenas mapped, written and unmapped at random, as an allocator does; a model says what
 * each page has.  What is mapped must be zeros.
 */
TEST(an_allocator_has_few_objects)
{
	unsigned long rounds = vt_scale(2000, 200), i, mapped = 0;
	long long objects, most = 0, now;
	static uint32_t model[SPAN];
	uint64_t random = vt_seed();
	static bool there[SPAN];
	size_t page, pages, at;

	SETUP();
	objects = vt_stat("objects");
	for (i = 0; i < rounds; i++) {
		page = vt_below(&random, SPAN);
		pages = 1 + vt_below(&random, 4);
		if (page + pages > SPAN)
			pages = SPAN - page;
		if (vt_below(&random, 3)) {
			ASSERT_NE(NULL, map_at(page, pages, MAP_PRIVATE));
			mapped++;
			for (at = page; at < page + pages; at++) {
				ASSERT_EQ(0, vt_get(place, at));
				model[at] = vt_below(&random, 2) ? i + 1 : 0;
				if (model[at])
					vt_put(place, at, model[at]);
				there[at] = true;
			}
		} else {
			ASSERT_EQ(0, munmap(vt_page(place, page),
					    pages * vt_page_size));
			for (at = page; at < page + pages; at++)
				there[at] = false;
		}
		for (at = 0; at < SPAN; at++)
			if (there[at])
				ASSERT_EQ(model[at], vt_get(place, at));
		now = vt_stat("objects") - objects;
		most = now > most ? now : most;
		if (i % 100 == 0)
			ASSERT_TRUE(vt_check_ok());
	}
	printf("# %lu mappings, at most %lld objects at once\n", mapped, most);
	EXPECT_GE(SPAN / 4, most);
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
