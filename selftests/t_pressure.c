// SPDX-License-Identifier: GPL-2.0-only
/*
 * More memory than there is: Linux takes pages away, and none of them is lost.
 *
 * Only makes sense in a small guest whose system has swap: tools/pressure boots one.
 */
#include "vmobj_test.h"

#include <sys/sysinfo.h>
#include <time.h>

/* Memory that is used, in percent of what there is. */
#define PERCENT	250

struct area {
	char *mem;
	size_t pages;
	uint32_t *want;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static size_t all_pages(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : info.totalram / vt_page_size;
}

static bool have_swap(void)
{
	struct sysinfo info;

	return !sysinfo(&info) && info.totalswap > info.totalram;
}

static bool area_fill(struct area *a, size_t pages)
{
	size_t i;

	a->pages = pages;
	a->want = calloc(pages, sizeof(*a->want));
	a->mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	if (!a->want || !a->mem)
		return false;
	for (i = 0; i < pages; i++) {
		a->want[i] = i + 1;
		vt_put(a->mem, i, a->want[i]);
	}
	return true;
}

/* Read pages in any order, and write half of them anew; false if one is wrong. */
static bool area_use(struct area *a, unsigned long times, uint64_t *seed)
{
	while (times--) {
		size_t page = vt_random(seed) % a->pages;

		if (vt_get(a->mem, page) != a->want[page]) {
			printf("# page %zu holds %u, not %u\n", page,
			       vt_get(a->mem, page), a->want[page]);
			return false;
		}
		if (vt_random(seed) & 1)
			continue;
		a->want[page] += a->pages;
		vt_put(a->mem, page, a->want[page]);
	}
	return true;
}

static bool area_is_right(struct area *a)
{
	size_t i;

	for (i = 0; i < a->pages; i++)
		if (vt_get(a->mem, i) != a->want[i])
			return false;
	return true;
}

#define SETUP() \
	do { \
		if (!have_swap()) \
			SKIP(return, "needs a system with more swap than memory"); \
	} while (0)

TEST(more_than_there_is)
{
	size_t pages = all_pages() * PERCENT / 100;
	uint64_t seed = vt_seed();
	struct area a;
	double start;

	SETUP();
	start = now();
	ASSERT_TRUE(area_fill(&a, pages));
	printf("# filled %zu pages in %.1f s\n", pages, now() - start);
	start = now();
	EXPECT_TRUE(area_is_right(&a));
	printf("# read them in %.1f s\n", now() - start);
	start = now();
	EXPECT_TRUE(area_use(&a, vt_scale(20000, 1000), &seed));
	printf("# used pages in any order in %.1f s\n", now() - start);
	EXPECT_TRUE(vt_check_ok());
	munmap(a.mem, pages * vt_page_size);
}

static struct area forked;

static void child_uses_forked(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;

	VT_CHECK(area_use(&forked, 2000, &seed));
	VT_CHECK(area_is_right(&forked));
}

TEST(forks_with_more_than_there_is)
{
	size_t pages = all_pages();
	uint64_t seed = vt_seed();
	pid_t child[3];
	size_t i;

	SETUP();
	ASSERT_TRUE(area_fill(&forked, pages));
	for (i = 0; i < ARRAY_SIZE(child); i++) {
		seed++;
		child[i] = vt_fork(child_uses_forked, &seed);
		EXPECT_TRUE(area_use(&forked, 1000, &seed));
	}
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(0, vt_wait(child[i]));
	EXPECT_TRUE(area_is_right(&forked));
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
