// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice: VMOBJ_IOC_ADVISE, and what Linux's madvise() does to our memory.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>

#define PAGES		8
#define SUPERPAGE	(2UL << 20)

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

static char *mem;
static struct vt_gate go, go_copy, done;

static void fill(char *at, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		vt_put(at, i, i + 1);
}

#define SETUP(flags) \
	do { \
		VT_NEED_DEVICE(); \
		mem = vt_map(PAGES, VT_RW, flags); \
		ASSERT_NE(NULL, mem); \
		fill(mem, PAGES); \
		vt_gate_init(&go); \
		vt_gate_init(&go_copy); \
		vt_gate_init(&done); \
	} while (0)

/* Zeros in [from, to), the rest as it was? */
static bool zeros(const char *at, size_t pages, size_t from, size_t to)
{
	size_t i;

	for (i = 0; i < pages; i++)
		if (vt_get(at, i) != (i >= from && i < to ? 0 : i + 1))
			return false;
	return true;
}

/* ---- advice that changes nothing ---- */

TEST(advice_keeps_contents)
{
	static const int advice[] = { VMOBJ_ADV_WILLNEED, VMOBJ_ADV_DONTNEED,
		VMOBJ_ADV_FREE, VMOBJ_ADV_COLD, VMOBJ_ADV_PAGEOUT };
	size_t i;

	SETUP(MAP_PRIVATE);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, vt_advise(mem, 0, PAGES, advice[i]));
		EXPECT_EQ(0, vt_advise(mem, 3, 2, advice[i]));
		EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
		fill(mem, PAGES);
		EXPECT_TRUE(vt_check_ok());
	}
}

TEST(cold_pages_are_inactive_until_needed)
{
	long long active;

	VT_NEED_DEBUGFS();
	SETUP(MAP_PRIVATE);
	active = vt_stat("pages_active");
	EXPECT_EQ(0, vt_advise(mem, 2, 4, VMOBJ_ADV_COLD));
	EXPECT_EQ(active - 4, vt_stat("pages_active"));
	EXPECT_EQ(0, vt_advise(mem, 2, 2, VMOBJ_ADV_WILLNEED));
	EXPECT_EQ(active - 2, vt_stat("pages_active"));
	EXPECT_EQ(0, vt_advise(mem, 0, PAGES, VMOBJ_ADV_PAGEOUT));
	EXPECT_EQ(active - PAGES, vt_stat("pages_active"));
	/* the kernel's own call comes to the same */
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_WILLNEED));
	EXPECT_EQ(active, vt_stat("pages_active"));
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
}

TEST(free_is_for_who_has_no_copies_only)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, vt_advise(mem, 0, PAGES, VMOBJ_ADV_FREE));
	vt_put(mem, 2, 30);
	EXPECT_EQ(30, vt_get(mem, 2));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- discard, private ---- */

TEST(discard_is_zero_at_once)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, vt_advise(mem, 2, 3, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(mem, PAGES, 2, 5));
	vt_put(mem, 3, 4);
	EXPECT_EQ(4, vt_get(mem, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(discard_frees_pages_and_makes_no_object)
{
	long long pages, objects, entries;

	VT_NEED_DEBUGFS();
	SETUP(MAP_PRIVATE);
	pages = vt_stat("pages");
	objects = vt_stat("objects");
	entries = vt_stat("entries");
	EXPECT_EQ(0, vt_advise(mem, 2, 3, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(pages - 3, vt_stat("pages"));
	vt_put(mem, 3, 4);
	EXPECT_EQ(pages - 2, vt_stat("pages"));
	EXPECT_EQ(objects, vt_stat("objects"));
	EXPECT_EQ(entries, vt_stat("entries"));
	EXPECT_EQ(0, vt_advise(mem, 0, PAGES, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(pages - PAGES, vt_stat("pages"));
	EXPECT_TRUE(zeros(mem, PAGES, 0, PAGES));
}

static void discards_its_copy(void *arg)
{
	(void)arg;
	VT_CHECK(zeros(mem, PAGES, 0, 0));
	vt_put(mem, 3, 4);
	VT_CHECK(!vt_advise(mem, 2, 3, VMOBJ_ADV_DISCARD));
	VT_CHECK(zeros(mem, PAGES, 2, 5));
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(zeros(mem, PAGES, 2, 5));
	vt_put(mem, 2, 100);
	VT_CHECK(vt_get(mem, 2) == 100);
	VT_CHECK(vt_check_ok());
}

/* Fails if what was copied from shows through, or is thrown away with the copy. */
TEST(discard_of_a_copy_is_nobody_elses)
{
	pid_t pid;

	SETUP(MAP_PRIVATE);
	pid = vt_fork(discards_its_copy, NULL);
	vt_gate_pass(&done);
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
	EXPECT_EQ(0, vt_advise(mem, 4, 2, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(mem, PAGES, 4, 6));
	EXPECT_TRUE(vt_check_ok());
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(zeros(mem, PAGES, 4, 6));
	EXPECT_TRUE(vt_check_ok());
}

static void sees_some(void *arg)
{
	(void)arg;
	VT_CHECK(zeros(mem, PAGES, 4, 6));
}

TEST(what_was_discarded_stays_so_at_fork)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, vt_advise(mem, 4, 2, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(0, vt_in_child(sees_some, NULL));
	EXPECT_TRUE(zeros(mem, PAGES, 4, 6));
}

/* Part of a superpage: that part is zeros, the rest is not. */
TEST(discard_of_part_of_a_superpage)
{
	size_t pages = SUPERPAGE / vt_page_size;
	char *big, *two;

	VT_NEED_DEVICE();
	big = vt_map(2 * pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, big);
	two = (char *)(((uintptr_t)big + SUPERPAGE - 1) & -SUPERPAGE);
	madvise(two, SUPERPAGE, MADV_HUGEPAGE);
	fill(two, pages);
	EXPECT_EQ(0, vt_advise(two, 100, 50, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(two, pages, 100, 150));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_EQ(0, vt_advise(two, 0, pages, VMOBJ_ADV_COLD));
	/* what Linux does with its own lists */
	EXPECT_EQ(0, madvise(vt_page(two, 7), vt_page_size, MADV_COLD));
	EXPECT_EQ(0, madvise(vt_page(two, 7), vt_page_size, MADV_PAGEOUT));
	EXPECT_EQ(0, madvise(two, SUPERPAGE, MADV_COLD));
	EXPECT_EQ(0, madvise(two, SUPERPAGE, MADV_PAGEOUT));
	EXPECT_TRUE(zeros(two, pages, 100, 150));
	EXPECT_EQ(0, vt_advise(two, 0, pages, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(two, pages, 0, pages));
	EXPECT_TRUE(vt_check_ok());
}

TEST(discard_of_locked_memory_is_EINVAL)
{
	SETUP(MAP_PRIVATE);
	ASSERT_EQ(0, mlock(vt_page(mem, 5), vt_page_size));
	EXPECT_EQ(EINVAL, vt_advise(mem, 0, PAGES, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
	EXPECT_EQ(0, vt_advise(mem, 0, PAGES, VMOBJ_ADV_COLD));
}

/* ---- discard, shared ---- */

static void sees_zeros_of_others(void *arg)
{
	VT_CHECK(zeros(mem, PAGES, 0, 0));
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(zeros(mem, PAGES, 2, 5));
	vt_put(mem, 3, 77);
	(void)arg;
}

static void for_all_sharers(struct __test_metadata *_metadata, bool by_linux)
{
	pid_t pid;

	pid = vt_fork(sees_zeros_of_others, NULL);
	vt_gate_pass(&done);
	EXPECT_EQ(0, by_linux ?
		  madvise(vt_page(mem, 2), 3 * vt_page_size, MADV_REMOVE) :
		  vt_advise(mem, 2, 3, VMOBJ_ADV_DISCARD));
	EXPECT_TRUE(zeros(mem, PAGES, 2, 5));
	EXPECT_TRUE(vt_check_ok());
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(77, vt_get(mem, 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(discard_of_shared_memory_is_for_all)
{
	SETUP(MAP_SHARED);
	for_all_sharers(_metadata, false);
}

TEST(madv_remove_of_shared_memory_is_for_all)
{
	SETUP(MAP_SHARED);
	for_all_sharers(_metadata, true);
}

TEST(discard_of_what_is_shared_by_inheritance)
{
	SETUP(MAP_PRIVATE);
	ASSERT_EQ(0, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_SHARE));
	for_all_sharers(_metadata, false);
}

static void keeps_its_copy(void *arg)
{
	(void)arg;
	VT_CHECK(vt_get(mem, 2) == 3);
	vt_gate_open(&done);
	vt_gate_pass(&go_copy);
	VT_CHECK(zeros(mem, PAGES, 0, 0));
	VT_CHECK(vt_check_ok());
}

/* The sharers' object has another behind it: that must not show. */
TEST(discard_leaves_copies_of_shared_memory_alone)
{
	pid_t copy;

	SETUP(MAP_SHARED);
	ASSERT_EQ(0, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_COPY));
	copy = vt_fork(keeps_its_copy, NULL);
	vt_gate_pass(&done);
	ASSERT_EQ(0, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_SHARE));
	for_all_sharers(_metadata, false);
	vt_gate_open(&go_copy);
	EXPECT_EQ(0, vt_wait(copy));
	EXPECT_TRUE(vt_check_ok());
}

TEST(madv_remove_after_a_move)
{
	char *to;

	SETUP(MAP_SHARED);
	to = mmap(NULL, PAGES * vt_page_size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)to);
	ASSERT_NE(MAP_FAILED, mremap(mem, PAGES * vt_page_size,
				     PAGES * vt_page_size,
				     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	/* the old place again: the same indexes twice */
	ASSERT_NE(NULL, vt_map_at(mem, PAGES, VT_RW, MAP_SHARED | MAP_FIXED));
	fill(mem, PAGES);
	EXPECT_EQ(0, madvise(vt_page(to, 1), vt_page_size, MADV_REMOVE));
	EXPECT_TRUE(zeros(to, PAGES, 1, 2));
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
}

TEST(madv_remove_of_private_memory_is_EINVAL)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(-1, madvise(mem, PAGES * vt_page_size, MADV_REMOVE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
}

/* ---- Linux's advice that is not for us ---- */

TEST(linux_advice_is_harmless)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_COLD));
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_PAGEOUT));
	EXPECT_EQ(-1, madvise(mem, PAGES * vt_page_size, MADV_FREE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_DONTNEED));
	EXPECT_TRUE(zeros(mem, PAGES, 0, 0));
	EXPECT_TRUE(vt_check_ok());
}

TEST(bad_advice)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(EINVAL, vt_advise(mem, 0, 1, 6));
	EXPECT_EQ(EINVAL, vt_advise(mem + 1, 0, 1, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(0, vt_advise(mem, 0, 0, VMOBJ_ADV_DISCARD));
	ASSERT_EQ(0, munmap(vt_page(mem, 6), vt_page_size));
	EXPECT_EQ(ENOMEM, vt_advise(mem, 0, PAGES, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(ENOMEM, vt_advise(mem, 0, PAGES, VMOBJ_ADV_WILLNEED));
}

TEST_HARNESS_MAIN
