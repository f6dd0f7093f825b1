// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superpages: that they are used, and that they are never shown where a page above
 * hides a part of them.  t_diff --superpages has the rest.
 */
#include "vmobj_test.h"

#define SUPERPAGE	(2UL << 20)
#define PAGES		(SUPERPAGE / vt_page_size)
#define PARAMETER	"/sys/module/vmobj/parameters/superpages"

static char *mem;		/* two superpages */

/* They look at the module's counters. */
#define NEED_SUPERPAGES() \
	do { \
		VT_NEED_DEVICE(); \
		VT_NEED_DEBUGFS(); \
	} while (0)

static bool map_two(int advice)
{
	mem = vt_map(2 * PAGES, VT_RW, MAP_PRIVATE);
	return mem && !madvise(mem, 2 * SUPERPAGE, advice);
}

/* KiB of the mapping at @addr that huge PMDs map. */
static long huge_kib(const char *addr)
{
	bool here = false;
	char line[512];
	unsigned long start, end;
	long kib = -1;
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (unsigned long)addr &&
				(unsigned long)addr < end;
		if (here && sscanf(line, "FilePmdMapped: %ld", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kib;
}

static void put_all(uint32_t tag)
{
	size_t i;

	for (i = 0; i < 2 * PAGES; i++)
		vt_put(mem, i, tag + i);
}

static bool all_but(size_t other, uint32_t tag)
{
	size_t i;

	for (i = 0; i < 2 * PAGES; i++)
		if (i != other && vt_get(mem, i) != tag + i)
			return false;
	return true;
}

TEST(one_touch_maps_a_superpage)
{
	long long before;

	NEED_SUPERPAGES();
	before = vt_stat("superpages");
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	EXPECT_EQ(0, (unsigned long)mem % SUPERPAGE);
	mem[vt_page_size * 7] = 1;
	EXPECT_EQ(before + 1, vt_stat("superpages"));
	EXPECT_EQ(2048, huge_kib(mem));
	EXPECT_EQ(0, vt_get(mem, 8));
	put_all(1000);
	EXPECT_EQ(4096, huge_kib(mem));
	EXPECT_TRUE(all_but(-1, 1000));
	EXPECT_TRUE(vt_check_ok());
}

TEST(not_for_those_who_do_not_want_them)
{
	long long before;

	NEED_SUPERPAGES();
	before = vt_stat("superpages");
	ASSERT_TRUE(map_two(MADV_NOHUGEPAGE));
	put_all(1000);
	EXPECT_EQ(before, vt_stat("superpages"));
	EXPECT_EQ(0, huge_kib(mem));
	EXPECT_TRUE(all_but(-1, 1000));
}

static bool set_parameter(const char *value)
{
	FILE *file = fopen(PARAMETER, "w");
	bool good = file && fputs(value, file) >= 0;

	return file && !fclose(file) && good;
}

TEST(the_parameter_decides)
{
	long long before;

	NEED_SUPERPAGES();
	if (access(PARAMETER, W_OK))
		SKIP(return, "no right to change the parameter");
	before = vt_stat("superpages");
	EXPECT_FALSE(set_parameter("sometimes"));
	ASSERT_TRUE(set_parameter("always"));
	mem = vt_map(2 * PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(mem);
	put_all(1);
	EXPECT_EQ(before + 2, vt_stat("superpages"));
	ASSERT_TRUE(set_parameter("never"));
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	put_all(1);
	EXPECT_EQ(before + 2, vt_stat("superpages"));
	EXPECT_TRUE(set_parameter("auto"));
}

/* In a range that begins or ends inside a superpage there is none. */
TEST(not_where_they_do_not_fit)
{
	long long before;

	NEED_SUPERPAGES();
	before = vt_stat("superpages");
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	ASSERT_EQ(0, munmap(mem, vt_page_size));
	ASSERT_EQ(0, munmap(mem + 2 * SUPERPAGE - vt_page_size, vt_page_size));
	vt_put(mem, 1, 1);
	vt_put(mem, 2 * PAGES - 2, 2);
	EXPECT_EQ(before, vt_stat("superpages"));
	EXPECT_EQ(1, vt_get(mem, 1));
	EXPECT_EQ(2, vt_get(mem, 2 * PAGES - 2));
}

/*
 * The page that the child has written hides a part of the superpage below.  Fails
 * if a read of another page maps that as a whole: then the child loses its write.
 */
static void write_one_and_look(void *arg)
{
	size_t own = (uintptr_t)arg, i;

	vt_put(mem, own, 5);
	for (i = 0; i < 3; i++) {
		/* Without PTEs the next fault may map what it likes. */
		VT_CHECK(!madvise(mem, 2 * SUPERPAGE, MADV_DONTNEED));
		VT_CHECK(vt_get(mem, (own + 1 + i) % PAGES) ==
			 1000 + (own + 1 + i) % PAGES);
		VT_CHECK(vt_get(mem, own) == 5);
	}
	VT_CHECK(all_but(own, 1000));
	VT_CHECK(vt_get(mem, own) == 5);
	VT_CHECK(vt_check_ok());
}

TEST(a_copied_page_hides_a_part)
{
	static const size_t own[] = { 0, 1, 100, 511 };
	long long before;
	size_t i;

	NEED_SUPERPAGES();
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	put_all(1000);
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		before = vt_stat("cow_copies");
		EXPECT_EQ(0, vt_in_child(write_one_and_look, (void *)own[i]));
		EXPECT_EQ(before + 1, vt_stat("cow_copies"));
	}
	EXPECT_TRUE(all_but(-1, 1000));
}

static void wait_at_gate(void *gate)
{
	vt_gate_pass(gate);
}

static void expect_huge(void *arg)
{
	VT_CHECK(vt_get(mem, 1) == 1001 && vt_get(mem, PAGES) == 1000 + PAGES);
	VT_CHECK(huge_kib(mem) == 4096);
}

/* The pages written while a child lived go back, and the page is whole again. */
TEST(whole_again_after_the_childs_exit)
{
	struct vt_gate *gate = mmap(NULL, vt_page_size, VT_RW,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long before;
	pid_t pid;
	size_t i;

	NEED_SUPERPAGES();
	ASSERT_NE(MAP_FAILED, gate);
	vt_gate_init(gate);
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	put_all(1000);
	pid = vt_fork(wait_at_gate, gate);
	for (i = 0; i < 2 * PAGES; i += 100)
		vt_put(mem, i, 7);
	EXPECT_NE(4096, huge_kib(mem));
	before = vt_stat("absorbs");
	vt_gate_open(gate);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(before + 11, vt_stat("absorbs"));

	for (i = 0; i < 2 * PAGES; i++)
		EXPECT_EQ(i % 100 ? 1000 + i : 7, vt_get(mem, i));
	/* The parent has page tables, and only the kernel could free them. */
	EXPECT_EQ(0, vt_in_child(expect_huge, NULL));
	put_all(2000);
	EXPECT_TRUE(all_but(-1, 2000));
	EXPECT_TRUE(vt_check_ok());
}

/* What is cut off is gone, and comes back as zeros; the rest stays. */
TEST(parts_can_be_unmapped_protected_and_moved)
{
	char *to;
	size_t i;

	NEED_SUPERPAGES();
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	put_all(1000);
	ASSERT_EQ(0, mprotect(mem + 10 * vt_page_size, vt_page_size, PROT_READ));
	EXPECT_EQ(SIGSEGV, vt_try_write(vt_page(mem, 10), 1));
	EXPECT_EQ(0, vt_try_write(vt_page(mem, 11), 0));
	vt_put(mem, 11, 1011);
	EXPECT_TRUE(all_but(-1, 1000));

	ASSERT_EQ(0, munmap(mem + 500 * vt_page_size, 100 * vt_page_size));
	for (i = 0; i < 2 * PAGES; i++)
		if (i < 500 || i >= 600)
			EXPECT_EQ(1000 + i, vt_get(mem, i));
	/* Grow over it again. */
	to = mremap(mem + 499 * vt_page_size, vt_page_size, 50 * vt_page_size, 0);
	ASSERT_EQ(mem + 499 * vt_page_size, to);
	for (i = 500; i < 549; i++)
		EXPECT_EQ(0, vt_get(mem, i));
	EXPECT_EQ(1499, vt_get(mem, 499));

	/* To where it does not fit any more. */
	to = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(to);
	ASSERT_EQ(to + vt_page_size,
		  mremap(mem + 700 * vt_page_size, 100 * vt_page_size,
			 100 * vt_page_size, MREMAP_MAYMOVE | MREMAP_FIXED,
			 to + vt_page_size));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(1700 + i, vt_get(to + vt_page_size, i));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
