// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superpages: that they are used, and that they are never shown where a page above
 * hides a part of them.  t_diff --superpages has the rest.
 */
#include "vmobj_test.h"

#include <pthread.h>
#include <sys/uio.h>

#define SUPERPAGE	(2UL << 20)
#define PAGES		(SUPERPAGE / vt_page_size)

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

#define NEED_PARAMETER() \
	do { \
		if (!vt_set_parameter("superpages", "auto")) \
			SKIP(return, "no right to change the parameter"); \
	} while (0)

TEST(the_parameter_decides)
{
	long long before;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	before = vt_stat("superpages");
	EXPECT_FALSE(vt_set_parameter("superpages", "sometimes"));
	ASSERT_TRUE(vt_set_parameter("superpages", "always"));
	mem = vt_map(2 * PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(mem);
	put_all(1);
	EXPECT_EQ(before + 2, vt_stat("superpages"));
	ASSERT_TRUE(vt_set_parameter("superpages", "never"));
	ASSERT_TRUE(map_two(MADV_HUGEPAGE));
	put_all(1);
	EXPECT_EQ(before + 2, vt_stat("superpages"));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
}

#define FILLED		4	/* superpages filled in the tests below */

/* Memory that nobody gave advice for, where they are given ahead of use. */
static bool map_adaptive(size_t superpages)
{
	mem = vt_set_parameter("superpages", "adaptive") ?
		vt_map(superpages * PAGES, VT_RW, MAP_PRIVATE) : NULL;
	return mem;
}

static bool holds(size_t first, size_t nr)
{
	size_t i;

	for (i = first; i < first + nr; i++)
		if (vt_get(mem, i) != 1000 + i)
			return false;
	return true;
}

/* Who fills memory gets superpages, up or down, but for the first of them. */
TEST(filling_upwards_gets_them)
{
	long long before;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(FILLED));
	before = vt_stat("superpages");
	for (i = 0; i < FILLED * PAGES; i++)
		vt_put(mem, i, 1000 + i);
	EXPECT_EQ(before + FILLED - 1, vt_stat("superpages"));
	EXPECT_EQ(2048 * (FILLED - 1), huge_kib(mem));
	EXPECT_TRUE(holds(0, FILLED * PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(filling_downwards_gets_them)
{
	long long before;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(FILLED));
	before = vt_stat("superpages");
	for (i = FILLED * PAGES; i--; )
		vt_put(mem, i, 1000 + i);
	EXPECT_EQ(before + FILLED - 1, vt_stat("superpages"));
	EXPECT_TRUE(holds(0, FILLED * PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

/* KiB of memory the process has. */
static long resident_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssShmem: %ld", &kib) == 1 ||
		    (kib < 0 && sscanf(line, "RssFile: %ld", &kib) == 1))
			break;
	if (file)
		fclose(file);
	return kib;
}

/* Fails if memory that is touched here and there grows to superpages. */
TEST(touching_here_and_there_does_not)
{
	enum { STRIDES = 3, SUPERPAGES = 32 };
	static const size_t stride[STRIDES] = { 512, 100, 16 };
	long long superpages, promotes, zero_fills, blocks;
	size_t i, s;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	for (s = 0; s < STRIDES; s++) {
		ASSERT_TRUE(map_adaptive(SUPERPAGES));
		superpages = vt_stat("superpages");
		promotes = vt_stat("promotes");
		blocks = vt_stat("blocks");
		zero_fills = vt_stat("zero_fills");
		for (i = 0; i < SUPERPAGES * PAGES; i += stride[s])
			vt_put(mem, i, 1000 + i);
		EXPECT_EQ(superpages, vt_stat("superpages"));
		EXPECT_EQ(promotes, vt_stat("promotes"));
		EXPECT_EQ(blocks, vt_stat("blocks"));
		EXPECT_EQ(zero_fills + (SUPERPAGES * PAGES + stride[s] - 1) / stride[s],
			  vt_stat("zero_fills"));
		ASSERT_EQ(0, munmap(mem, SUPERPAGES * SUPERPAGE));
	}
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
}

/* KiB of large pages that have never been used, in all objects. */
static long wasted_kib(void)
{
	FILE *file = fopen(VT_DEBUGFS "waste", "r");
	long kib, sum = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "object %*u: superpages %*u blocks %*u kib %*u zero_kib %ld",
			   &kib) == 1)
			sum += kib;
	if (file)
		fclose(file);
	return sum;
}

/*
 * Fill one piece, then touch one page in each of many others.  Fails if the belief
 * that they will be filled is never given up.
 */
TEST(what_is_given_ahead_is_bounded)
{
	enum { SUPERPAGES = 100 };
	long long before;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(SUPERPAGES));
	before = vt_stat("superpages");
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 1000 + i);
	for (; i < SUPERPAGES * PAGES; i += PAGES)
		vt_put(mem, i, 1000 + i);
	EXPECT_EQ(before + 32, vt_stat("superpages"));
	EXPECT_EQ(32 * (PAGES - 1) * vt_page_size / 1024, wasted_kib());
	EXPECT_TRUE(holds(0, PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	ASSERT_EQ(0, munmap(mem, SUPERPAGES * SUPERPAGE));
	EXPECT_GT(SUPERPAGE / 1024, resident_kib());
}

/* Each time that who has used up what he got fills another piece, he gets twice that. */
TEST(what_is_given_ahead_grows)
{
	enum { SUPERPAGES = 120 };
	long long superpages;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(SUPERPAGES));
	superpages = vt_stat("superpages");
	for (i = 0; i < SUPERPAGES * PAGES; i++)
		vt_put(mem, i, 1000 + i);
	/* 1 is filled, 32 given, 1 filled, 64 given, 1 filled, the rest given. */
	EXPECT_EQ(superpages + SUPERPAGES - 3, vt_stat("superpages"));
	EXPECT_TRUE(holds(0, SUPERPAGES * PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- small pages become a superpage where they are ---- */

#define ENOUGH		(PAGES / 16)	/* that many small pages are needed */

/* The nth page to be touched: here and there, each page once in PAGES. */
static size_t scattered(size_t n)
{
	return n * 77 % PAGES;
}

static void touch_scattered(size_t from, size_t to)
{
	size_t n;

	for (n = from; n < to; n++)
		vt_put(mem, scattered(n), 1000 + scattered(n));
}

/* Those up to @nr that have been touched, and zeros. */
static bool holds_scattered(size_t nr)
{
	size_t n;

	for (n = 0; n < PAGES; n++)
		if (vt_get(mem, scattered(n)) !=
		    (n < nr ? 1000 + scattered(n) : 0))
			return false;
	return true;
}

TEST(pages_here_and_there_become_a_superpage)
{
	long long before;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(2));
	before = vt_stat("promotes");
	touch_scattered(0, ENOUGH);
	EXPECT_EQ(before, vt_stat("promotes"));
	touch_scattered(ENOUGH, ENOUGH + 1);
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(holds_scattered(ENOUGH + 1));
	touch_scattered(ENOUGH + 1, PAGES);
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(holds(0, PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(but_not_if_nobody_wants_it)
{
	static const char * const policy[] = { "never", "blocks", "madvise" };
	long long before;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	before = vt_stat("promotes");
	for (i = 0; i <= ARRAY_SIZE(policy); i++) {
		ASSERT_TRUE(map_adaptive(2));
		ASSERT_TRUE(i < ARRAY_SIZE(policy) ?
			    vt_set_parameter("superpages", policy[i]) :
			    !madvise(mem, 2 * SUPERPAGE, MADV_NOHUGEPAGE));
		touch_scattered(0, PAGES);
		EXPECT_TRUE(holds(0, PAGES));
	}
	EXPECT_EQ(before, vt_stat("promotes"));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
}

/* Fails if small pages that were asked for are unmapped while others are made. */
TEST(what_is_populated_is_mapped)
{
	unsigned char there[PAGES / 2];
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(2));
	ASSERT_EQ(0, madvise(mem, SUPERPAGE / 2, MADV_POPULATE_WRITE));
	ASSERT_EQ(0, mincore(mem, SUPERPAGE / 2, there));
	for (i = 0; i < PAGES / 2; i++)
		EXPECT_EQ(1, there[i] & 1);
	touch_scattered(0, PAGES);
	EXPECT_TRUE(holds(0, PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

/* Only the last promise that the memory will be used can be late. */
TEST(advice_may_come_late)
{
	long long before;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(vt_set_parameter("superpages", "madvise"));
	ASSERT_TRUE(map_two(MADV_NORMAL));
	before = vt_stat("promotes");
	touch_scattered(0, ENOUGH);
	ASSERT_EQ(0, madvise(mem, 2 * SUPERPAGE, MADV_HUGEPAGE));
	touch_scattered(ENOUGH, PAGES);
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(holds(0, PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

#define THREADS		4
#define PIECES		8

static pthread_barrier_t barrier;

static volatile unsigned long *own_word(size_t page, size_t thread)
{
	return (volatile unsigned long *)vt_page(mem, page) + 8 + thread;
}

/* Each thread goes through all pages, in an order of its own. */
static void *write_all(void *arg)
{
	size_t me = (long)arg, step = 2 * me + 77, n, page;

	pthread_barrier_wait(&barrier);
	for (n = 0; n < PIECES * PAGES; n++) {
		page = n * step % (PIECES * PAGES);
		*own_word(page, me) += page + me;
		/* What was written elsewhere is still there. */
		page = n / 2 * step % (PIECES * PAGES);
		if (*own_word(page, me) != page + me)
			return (void *)1;
	}
	return NULL;
}

/* Fails if a write that comes while pages are copied is lost. */
TEST(promotion_beside_writers)
{
	pthread_t thread[THREADS];
	size_t round, i, page;
	long long before;
	void *result;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	before = vt_stat("promotes");
	for (round = 0; round < 4; round++) {
		ASSERT_TRUE(map_adaptive(PIECES));
		pthread_barrier_init(&barrier, NULL, THREADS);
		for (i = 0; i < THREADS; i++)
			ASSERT_EQ(0, pthread_create(&thread[i], NULL, write_all,
						    (void *)i));
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(thread[i], &result));
			EXPECT_EQ(NULL, result);
		}
		for (page = 0; page < PIECES * PAGES; page++)
			for (i = 0; i < THREADS; i++)
				ASSERT_EQ(page + i, *own_word(page, i));
		EXPECT_TRUE(vt_check_ok());
		ASSERT_EQ(0, munmap(mem, PIECES * SUPERPAGE));
	}
	EXPECT_LT(before, vt_stat("promotes"));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
}

/* Fails if a page that somebody else writes to, or reads, is left behind. */
TEST(not_while_a_page_is_in_use)
{
	char *buf = malloc(vt_page_size);
	long long before;
	struct iovec iov;
	int fd[2];

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_EQ(0, pipe(fd));
	ASSERT_TRUE(map_adaptive(2));
	before = vt_stat("promotes");
	touch_scattered(0, ENOUGH);
	iov = (struct iovec) { vt_page(mem, scattered(3)), vt_page_size };
	ASSERT_EQ(vt_page_size, vmsplice(fd[1], &iov, 1, 0));
	touch_scattered(ENOUGH, 2 * ENOUGH);
	EXPECT_EQ(before, vt_stat("promotes"));
	vt_put(mem, scattered(3), 5);
	ASSERT_EQ(vt_page_size, read(fd[0], buf, vt_page_size));
	EXPECT_EQ(5, vt_get(buf, 0));
	vt_put(mem, scattered(3), 1000 + scattered(3));

	touch_scattered(2 * ENOUGH, PAGES);
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(holds(0, PAGES));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
	free(buf);
}

static void still_holds(void *gate)
{
	vt_gate_pass(gate);
	VT_CHECK(holds_scattered(ENOUGH + 1));
	vt_put(mem, scattered(0), 1);
	VT_CHECK(vt_get(mem, scattered(0)) == 1);
	VT_CHECK(vt_get(mem, scattered(1)) == 1000 + scattered(1));
}

/* Fails if a child sees what its parent writes into the page it was promoted to. */
TEST(promotion_around_a_fork)
{
	struct vt_gate *gate = mmap(NULL, vt_page_size, VT_RW,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long before;
	size_t after, n;
	pid_t pid;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_NE(MAP_FAILED, gate);
	vt_gate_init(gate);
	for (after = 0; after < 2; after++) {
		ASSERT_TRUE(map_adaptive(2));
		before = vt_stat("promotes");
		touch_scattered(0, ENOUGH + 1);
		EXPECT_EQ(before + 1, vt_stat("promotes"));
		if (after)
			EXPECT_TRUE(holds_scattered(ENOUGH + 1));
		pid = vt_fork(still_holds, gate);
		for (n = 0; n < PAGES; n++)
			vt_put(mem, scattered(n), 5000 + n);
		vt_gate_open(gate);
		EXPECT_EQ(0, vt_wait(pid));
		EXPECT_EQ(before + 1, vt_stat("promotes"));
		for (n = 0; n < PAGES; n++)
			EXPECT_EQ(5000 + n, vt_get(mem, scattered(n)));
		EXPECT_TRUE(vt_check_ok());
		ASSERT_EQ(0, munmap(mem, 2 * SUPERPAGE));
	}
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
}

static void fill_more(void *gate)
{
	touch_scattered(ENOUGH / 2, PAGES);
	VT_CHECK(holds(0, PAGES));
	vt_gate_pass(gate);
	VT_CHECK(holds(0, PAGES));
}

/* Fails if pages that a relative looks through to are taken away. */
TEST(no_promotion_of_what_relatives_see)
{
	struct vt_gate *gate = mmap(NULL, vt_page_size, VT_RW,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long before;
	size_t n;
	pid_t pid;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_NE(MAP_FAILED, gate);
	vt_gate_init(gate);
	ASSERT_TRUE(map_adaptive(2));
	before = vt_stat("promotes");
	touch_scattered(0, ENOUGH / 2);
	pid = vt_fork(fill_more, gate);
	for (n = 0; n < PAGES; n++)
		vt_put(mem, scattered(n), 5000 + n);
	EXPECT_EQ(before, vt_stat("promotes"));
	vt_gate_open(gate);
	EXPECT_EQ(0, vt_wait(pid));
	for (n = 0; n < PAGES; n++)
		EXPECT_EQ(5000 + n, vt_get(mem, scattered(n)));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(promotion_around_a_move)
{
	long long before;
	char *to;
	size_t n;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(map_adaptive(1));
	before = vt_stat("promotes");
	touch_scattered(0, ENOUGH / 2);
	/* First to where it fits, then to where it does not. */
	to = vt_map(4 * PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(to);
	ASSERT_EQ(to, mremap(mem, SUPERPAGE, SUPERPAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	mem = to;
	touch_scattered(ENOUGH / 2, ENOUGH + 1);
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(holds_scattered(ENOUGH + 1));
	to += SUPERPAGE + vt_page_size;
	ASSERT_EQ(to, mremap(mem, SUPERPAGE, SUPERPAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	mem = to;
	EXPECT_TRUE(holds_scattered(ENOUGH + 1));
	touch_scattered(ENOUGH + 1, PAGES);
	for (n = 0; n < PAGES; n++)
		EXPECT_EQ(1000 + n, vt_get(mem, n));
	EXPECT_EQ(before + 1, vt_stat("promotes"));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
}

static void sees_no_change(void *gate)
{
	size_t i;

	vt_gate_pass(gate);
	for (i = 0; i < 16; i++)
		VT_CHECK(vt_get(mem, i) == (i == 1 ? 7 : 0));
}

/*
 * Of a large page that was read first, one page is written; then the protection is
 * changed there and back.  7.x makes all of its PTEs writable then.  Fails if the
 * next fork does not know: the child would see what the parent writes.
 */
TEST(protection_there_and_back)
{
	struct vt_gate *gate = mmap(NULL, vt_page_size, VT_RW,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	size_t i;

	ASSERT_NE(MAP_FAILED, gate);
	vt_gate_init(gate);
	mem = vt_map(32, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(mem);
	/* Too small for a superpage: with this advice it has blocks. */
	ASSERT_EQ(0, madvise(mem, 32 * vt_page_size, MADV_HUGEPAGE));
	/* An aligned block is somewhere in it. */
	mem = (char *)(((uintptr_t)mem + 16 * vt_page_size - 1) &
		       -(16 * vt_page_size));
	EXPECT_EQ(0, vt_get(mem, 0));
	vt_put(mem, 1, 7);
	ASSERT_EQ(0, mprotect(mem, 16 * vt_page_size, PROT_READ));
	ASSERT_EQ(0, mprotect(mem, 16 * vt_page_size, VT_RW));
	pid = vt_fork(sees_no_change, gate);
	for (i = 0; i < 16; i++)
		vt_put(mem, i, 1000 + i);
	vt_gate_open(gate);
	EXPECT_EQ(0, vt_wait(pid));
	if (!vt_is_anon() && vt_have_debugfs())
		EXPECT_TRUE(vt_check_ok());
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

/* Blocks of 16 pages, where the administrator wants no more. */
TEST(blocks_alone)
{
	long long superpages, blocks;
	size_t i;

	NEED_SUPERPAGES();
	NEED_PARAMETER();
	ASSERT_TRUE(vt_set_parameter("superpages", "blocks"));
	mem = vt_map(2 * PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_TRUE(mem);
	superpages = vt_stat("superpages");
	blocks = vt_stat("blocks");
	for (i = 5; i < 2 * PAGES; i += 16)
		vt_put(mem, i, 1000 + i);
	EXPECT_EQ(superpages, vt_stat("superpages"));
	EXPECT_EQ(blocks + 2 * PAGES / 16, vt_stat("blocks"));
	put_all(1000);
	EXPECT_EQ(blocks + 2 * PAGES / 16, vt_stat("blocks"));
	EXPECT_EQ(0, vt_in_child(write_one_and_look, (void *)17));
	EXPECT_TRUE(all_but(-1, 1000));
	EXPECT_TRUE(vt_set_parameter("superpages", "auto"));
	EXPECT_TRUE(vt_check_ok());
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
	(void)arg;
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
