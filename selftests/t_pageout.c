// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page daemon, the limit it keeps, and the shrinker.  What becomes of the pages is
 * t_swap's subject.
 */
#include "vmobj_test.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <linux/vmobj.h>

#define MIB		(1024 * 1024UL)
#define LIMIT_MIB	"4"
#define LIMIT		(4 * MIB)
#define MANY		(3 * LIMIT)	/* bytes of memory in these tests */
#define THREADS		4

static char *mem;

static size_t pages_of(size_t bytes)
{
	return bytes / vt_page_size;
}

/* Small pages only: they are counted. */
static char *map_small(size_t pages)
{
	char *at = vt_map(pages, VT_RW, MAP_PRIVATE);

	if (at)
		madvise(at, pages * vt_page_size, MADV_NOHUGEPAGE);
	return at;
}

static void fill(char *at, size_t from, size_t to)
{
	for (; from < to; from++)
		vt_put(at, from, from + 1);
}

static bool holds(const char *at, size_t from, size_t to)
{
	for (; from < to; from++) {
		if (vt_get(at, from) != from + 1) {
			printf("# page %zu holds %u\n", from, vt_get(at, from));
			return false;
		}
	}
	return true;
}

static size_t resident(char *at, size_t page, size_t pages)
{
	struct vmobj_range range;

	return vt_range(at, page, pages, &range) ? (size_t)-1 :
						   (size_t)range.resident;
}

static bool limited(void)
{
	return vt_set_parameter("max_resident", LIMIT_MIB);
}

static void unlimited(void)
{
	vt_set_parameter("max_resident", "0");
}

#define SETUP() \
	do { \
		VT_NEED_DEVICE(); \
		VT_NEED_DEBUGFS(); \
		if (!limited()) \
			SKIP(return, "needs root, to set a parameter"); \
		unlimited(); \
		mem = map_small(pages_of(MANY)); \
		ASSERT_NE(NULL, mem); \
	} while (0)

#define TEARDOWN() \
	do { \
		unlimited(); \
		EXPECT_TRUE(vt_check_ok()); \
		EXPECT_EQ(0, munmap(mem, MANY)); \
	} while (0)

/* ---- the limit ---- */

TEST(the_limit_holds)
{
	long long out, throttles, most = 0;
	size_t i;

	SETUP();
	out = vt_stat("swapouts");
	throttles = vt_stat("throttles");
	ASSERT_TRUE(limited());
	for (i = 0; i < pages_of(MANY); i += 64) {
		long long now;

		fill(mem, i, i + 64);
		now = vt_stat("resident_kib");
		most = now > most ? now : most;
	}
	/* as much as one thread's reserve and a cluster that comes in */
	EXPECT_GE((LIMIT + MIB / 4) >> 10, most);
	EXPECT_LE(pages_of(MANY - LIMIT), vt_stat("swapouts") - out);
	EXPECT_LT(throttles, vt_stat("throttles"));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	EXPECT_GE((LIMIT + MIB / 4) >> 10, vt_stat("resident_kib"));
	TEARDOWN();
}

/* Microseconds in which somebody waited for memory; -1 if the kernel does not count them. */
static long long memory_stalls(void)
{
	char *text = vt_read_file("/proc/pressure/memory", 4096, NULL);
	char *at = text ? strstr(text, "total=") : NULL;
	long long n = at ? strtoll(at + strlen("total="), NULL, 10) : -1;

	free(text);
	return n;
}

TEST(who_waits_is_seen_as_under_pressure)
{
	long long before = memory_stalls();

	if (before < 0)
		SKIP(return, "needs /proc/pressure");
	SETUP();
	ASSERT_TRUE(limited());
	fill(mem, 0, pages_of(MANY));
	EXPECT_LT(before, memory_stalls());
	TEARDOWN();
}

/* Nobody has to wait: the daemon brings it about. */
TEST(a_limit_below_what_is_there)
{
	int i;

	SETUP();
	fill(mem, 0, pages_of(MANY));
	EXPECT_LE(MANY >> 10, vt_stat("resident_kib"));
	ASSERT_TRUE(limited());
	for (i = 0; i < 1200 && vt_stat("resident_kib") > (long long)(LIMIT >> 10); i++)
		usleep(100000);
	EXPECT_GE(LIMIT >> 10, vt_stat("resident_kib"));
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	TEARDOWN();
}

TEST(no_limit_no_paging)
{
	long long out, scans;

	SETUP();
	out = vt_stat("swapouts");
	scans = vt_stat("pageout_scans");
	fill(mem, 0, pages_of(MANY));
	EXPECT_EQ(out, vt_stat("swapouts"));
	EXPECT_EQ(scans, vt_stat("pageout_scans"));
	EXPECT_EQ(pages_of(MANY), resident(mem, 0, pages_of(MANY)));
	TEARDOWN();
}

/* What is touched all the time stays longer than what is touched once. */
TEST(what_is_used_stays)
{
	size_t hot = pages_of(MIB / 2), i, j, refaults = 0, total = 0;
	long long again;

	SETUP();
	again = vt_stat("reactivations");
	ASSERT_TRUE(limited());
	fill(mem, 0, hot);
	for (i = hot; i + 64 <= pages_of(MANY); i += 64) {
		fill(mem, i, i + 64);
		total += hot;
		refaults += hot - resident(mem, 0, hot);
		for (j = 0; j < hot; j++)
			vt_get(mem, j);
	}
	/* all would have gone many times if the queue were first in, first out */
	EXPECT_GT(total / 10, refaults);
	EXPECT_LT(again, vt_stat("reactivations"));
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	TEARDOWN();
}

TEST(locked_memory_stays)
{
	size_t locked = pages_of(2 * MIB);

	SETUP();
	ASSERT_EQ(0, mlock(mem, 2 * MIB));
	ASSERT_TRUE(limited());
	fill(mem, 0, pages_of(MANY));
	EXPECT_EQ(locked, resident(mem, 0, locked));
	EXPECT_EQ(0, munlock(mem, 2 * MIB));
	/* what was locked once is like the rest; twice, as it was active before */
	fill(mem, locked, pages_of(MANY));
	fill(mem, locked, pages_of(MANY));
	EXPECT_GT(locked, resident(mem, 0, locked));
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	TEARDOWN();
}

/* ---- no way out ---- */

static void more_than_may_be_locked(void *arg)
{
	(void)arg;
	VT_CHECK(mlock(mem, MANY));
}

/* Locked memory cannot go, so there is an error, and no wait without an end. */
TEST(more_locked_than_allowed)
{
	SETUP();
	ASSERT_TRUE(limited());
	EXPECT_EQ(0, vt_in_child(more_than_may_be_locked, NULL));
	/* the child has let go of it */
	fill(mem, 0, pages_of(MANY));
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	TEARDOWN();
}

static void reads_and_is_killed_for_a_write(void *arg)
{
	(void)arg;
	VT_CHECK(holds(mem, 0, 64));
	VT_CHECK(vt_try_write(mem, 1) == SIGBUS);
}

/* What is there may be used, also by who has not used it before. */
TEST(no_room_but_for_what_is_there)
{
	SETUP();
	ASSERT_EQ(0, mlock(mem, LIMIT + MIB));
	fill(mem, 0, pages_of(LIMIT + MIB));
	ASSERT_TRUE(limited());
	EXPECT_EQ(0, vt_in_child(reads_and_is_killed_for_a_write, NULL));
	TEARDOWN();
}

static void writes_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		fill(mem, 0, pages_of(MANY));
}

/* Whoever waits for the daemon can be killed. */
TEST(who_waits_can_be_killed)
{
	pid_t child;
	int i;

	SETUP();
	ASSERT_TRUE(limited());
	for (i = 0; i < 10; i++) {
		child = vt_fork(writes_for_ever, NULL);
		usleep(50000 + 30000 * i);
		EXPECT_EQ(128 + SIGKILL, vt_kill(child));
	}
	TEARDOWN();
}

/* ---- many at once ---- */

struct worker {
	pthread_t thread;
	size_t from, to;
	bool ok;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	int round;

	w->ok = true;
	for (round = 0; round < 2; round++) {
		fill(mem, w->from, w->to);
		w->ok &= holds(mem, w->from, w->to);
	}
	return NULL;
}

TEST(threads_at_the_limit)
{
	struct worker w[THREADS];
	size_t part = pages_of(MANY) / THREADS, i;

	SETUP();
	ASSERT_TRUE(limited());
	for (i = 0; i < THREADS; i++) {
		w[i].from = i * part;
		w[i].to = (i + 1) * part;
		ASSERT_EQ(0, pthread_create(&w[i].thread, NULL, work, &w[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(w[i].thread, NULL);
		EXPECT_TRUE(w[i].ok);
	}
	TEARDOWN();
}

#define SHARED	pages_of(LIMIT + LIMIT / 2)

static void reads_and_writes_a_third(void *arg)
{
	size_t first = (size_t)arg * SHARED / 3;

	VT_CHECK(holds(mem, 0, SHARED));
	fill(mem, first, first + SHARED / 3);
	VT_CHECK(holds(mem, 0, SHARED));
}

TEST(relatives_at_the_limit)
{
	pid_t child[3];
	size_t i;

	SETUP();
	fill(mem, 0, SHARED);
	ASSERT_TRUE(limited());
	for (i = 0; i < ARRAY_SIZE(child); i++)
		child[i] = vt_fork(reads_and_writes_a_third, (void *)i);
	fill(mem, 0, SHARED);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(0, vt_wait(child[i]));
	EXPECT_TRUE(holds(mem, 0, SHARED));
	TEARDOWN();
}

static void reads_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		VT_CHECK(holds(mem, 0, pages_of(LIMIT)));
}

/* Pages that others touch all the time go, too, sooner or later. */
TEST(room_where_all_is_in_use)
{
	pid_t child[3];
	size_t i;

	SETUP();
	fill(mem, 0, pages_of(LIMIT));
	ASSERT_TRUE(limited());
	for (i = 0; i < ARRAY_SIZE(child); i++)
		child[i] = vt_fork(reads_for_ever, NULL);
	fill(mem, pages_of(LIMIT), pages_of(MANY));
	EXPECT_TRUE(holds(mem, 0, pages_of(MANY)));
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(128 + SIGKILL, vt_kill(child[i]));
	TEARDOWN();
}

static void writes_half(void *arg)
{
	(void)arg;
	fill(mem, 0, pages_of(LIMIT / 2));
}

/*
 * Who waits for room gets it from those who exit, too: the daemon has nothing to do any more
 * then, and wakes nobody up.
 */
TEST(room_by_exits)
{
	size_t pages = pages_of(LIMIT / 2), round, at;
	pid_t child[3];
	size_t i;

	SETUP();
	ASSERT_TRUE(limited());
	for (round = 0; round < vt_scale(40, 4); round++) {
		for (i = 0; i < ARRAY_SIZE(child); i++)
			child[i] = vt_fork(writes_half, NULL);
		at = round % 4 * pages;
		fill(mem, at, at + pages);
		for (i = 0; i < ARRAY_SIZE(child); i++)
			ASSERT_EQ(0, vt_wait(child[i]));
	}
	TEARDOWN();
}

#define RIVALS		4
#define RIVAL_PAGES	300
#define RIVAL_SECONDS	120

/* Pages that each of some processes has got, in memory that they share. */
struct rivals {
	_Atomic bool over;
	_Atomic unsigned long pages[RIVALS];
};

static struct rivals *rivals;

static void wants_pages(void *arg)
{
	size_t me = (size_t)arg, at = 0;
	char *own = map_small(pages_of(LIMIT));

	VT_CHECK(own);
	while (!rivals->over) {
		vt_put(own, at, 1);
		at = (at + 1) % pages_of(LIMIT);
		rivals->pages[me]++;
	}
}

static unsigned long rivals_least(void)
{
	unsigned long least = ULONG_MAX;
	size_t i;

	for (i = 0; i < RIVALS; i++)
		least = rivals->pages[i] < least ? rivals->pages[i] : least;
	return least;
}

/* Who waits for room gets some, even if others never stop asking. */
TEST(no_rival_starves)
{
	pid_t child[RIVALS];
	time_t end;
	size_t i;

	SETUP();
	rivals = mmap(NULL, sizeof(*rivals), VT_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, rivals);
	ASSERT_TRUE(limited());
	for (i = 0; i < RIVALS; i++)
		child[i] = vt_fork(wants_pages, (void *)i);
	end = time(NULL) + RIVAL_SECONDS;
	while (rivals_least() < RIVAL_PAGES && time(NULL) < end)
		usleep(10000);
	rivals->over = true;
	for (i = 0; i < RIVALS; i++) {
		EXPECT_EQ(0, vt_wait(child[i]));
		printf("# rival %zu: %lu pages\n", i, (unsigned long)rivals->pages[i]);
	}
	EXPECT_LE(RIVAL_PAGES, rivals_least());
	EXPECT_EQ(0, munmap(rivals, sizeof(*rivals)));
	TEARDOWN();
}

/* ---- the shrinker ---- */

/* Ask all shrinkers for what they have. */
static bool drop_slab(void)
{
	return !vt_write_file("/proc/sys/vm/drop_caches", "2");
}

/* Until at most half of the pages are left. */
static bool half_goes(size_t pages)
{
	int tries;

	for (tries = 50; tries && resident(mem, 0, pages) > pages / 2; tries--) {
		if (!drop_slab())
			return false;
		usleep(100000);
	}
	return tries;
}

/* Zeros that were only read, and are not in use any longer, need no store. */
TEST(the_shrinker_frees_clean_pages)
{
	size_t pages = pages_of(4 * MIB), i;
	long long out;

	SETUP();
	for (i = 0; i < pages; i++)
		EXPECT_EQ(0, vt_get(mem, i));
	out = vt_stat("swapouts");
	EXPECT_EQ(0, vt_advise(mem, 0, pages, VMOBJ_ADV_COLD));
	EXPECT_TRUE(half_goes(pages));
	EXPECT_EQ(out, vt_stat("swapouts"));
	EXPECT_EQ(0, vt_get(mem, pages / 2));
	TEARDOWN();
}

static bool device_is_a_store(bool wanted)
{
	return !vt_write_file(VT_DEBUGFS "swap",
			      wanted ? "add /dev/ram0" : "remove /dev/ram0");
}

/* To write to a file in memory would free none: the system has no swap for it here. */
TEST(the_shrinker_writes_where_that_frees_memory)
{
	size_t pages = pages_of(4 * MIB);
	long long out;

	SETUP();
	if (access("/dev/ram0", F_OK))
		SKIP(return, "no /dev/ram0");
	fill(mem, 0, pages);
	out = vt_stat("swapouts");
	EXPECT_EQ(0, vt_advise(mem, 0, pages, VMOBJ_ADV_COLD));
	ASSERT_TRUE(drop_slab());
	usleep(500000);
	EXPECT_EQ(out, vt_stat("swapouts"));

	ASSERT_TRUE(device_is_a_store(true));
	EXPECT_TRUE(half_goes(pages));
	EXPECT_TRUE(holds(mem, 0, pages));
	EXPECT_TRUE(device_is_a_store(false));
	TEARDOWN();
}

TEST_HARNESS_MAIN
