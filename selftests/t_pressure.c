// SPDX-License-Identifier: GPL-2.0-only
/*
 * More memory than there is: pages go, come back, and none of them is lost, whatever
 * processes do meanwhile; and while swap is free nobody is killed for it.
 */
#include "pressure.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <linux/vmobj.h>

#define FOLDER		"/tmp/t_pressure"
#define FILE_NAME	FOLDER "/file"
#define SAMPLE		vt_scale(4000, 500)

static struct pt_area area;
static long long kills;

/* ---- stores ---- */

FIXTURE(store)
{
	int zram;		/* number of the device, or -1 */
	char device[32];
	const char *name;	/* of the store */
	bool mounted;
};

FIXTURE_VARIANT(store)
{
	const char *type;
	unsigned int percent;	/* of the memory is used, ... */
	unsigned int least;	/* ... or this where there is less time */
};

/* A file in memory, which the system swaps. */
FIXTURE_VARIANT_ADD(store, shmem)
{
	.type = "shmem",
	.percent = 300,
	.least = 140,
};

FIXTURE_VARIANT_ADD(store, device)
{
	.type = "device",
	.percent = 300,
	.least = 125,
};

FIXTURE_VARIANT_ADD(store, file)
{
	.type = "file",
	.percent = 115,
	.least = 115,
};

static bool write_file(const char *name, size_t pages)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static const char zeros[1 << 20];
	size_t left = pages * vt_page_size;
	ssize_t n = 1;

	while (fd >= 0 && left && n > 0) {
		n = write(fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros));
		left -= n > 0 ? n : 0;
	}
	return fd >= 0 && !left && !fsync(fd) && !close(fd);
}

FIXTURE_SETUP(store)
{
	char command[80];

	self->zram = -1;
	PT_SETUP();
	kills = pt_oom_kills();
	if (!strcmp(variant->type, "shmem"))
		return;
	self->zram = pt_zram_add(self->device, sizeof(self->device),
				 pt_percent(400));
	if (self->zram < 0)
		SKIP(return, "no zram");
	self->name = self->device;
	if (!strcmp(variant->type, "file")) {
		mkdir(FOLDER, 0700);
		snprintf(command, sizeof(command), "mke2fs -F -b 4096 %s >/dev/null 2>&1",
			 self->device);
		ASSERT_EQ(0, system(command));
		if (mount(self->device, FOLDER, "ext4", 0, NULL))
			SKIP(return, "no ext4: %s", strerror(errno));
		self->mounted = true;
		ASSERT_TRUE(write_file(FILE_NAME, pt_percent(100)));
		self->name = FILE_NAME;
	}
	ASSERT_EQ(0, pt_store_add(self->name, 10));
}

/* What the device holds of freed blocks does not matter. */
FIXTURE_TEARDOWN(store)
{
	pt_free(&area);
	if (self->zram < 0)
		return;
	if (pt_store(self->name, PT_BLOCKS) >= 0)
		EXPECT_EQ(0, pt_store_remove(self->name));
	if (self->mounted)
		EXPECT_TRUE(vt_unmount(FOLDER));
	pt_zram_remove(self->zram);
}

#define FINISH()	PT_FINISH(&area, kills)

TEST_F(store, more_than_there_is)
{
	unsigned int percent = vt_scale(variant->percent, variant->least);
	uint64_t seed = vt_seed();
	double start = pt_now();
	size_t pages;
	long long out, in;

	/* A larger scale is for more uses, there is no swap for more memory. */
	if (percent > variant->percent)
		percent = variant->percent;
	pages = pt_percent(percent);
	out = vt_stat("swapouts");
	in = vt_stat("swapins");
	ASSERT_TRUE(pt_fill(&area, pages));
	fprintf(stderr, "# %zu pages written in %.1f s\n", pages, pt_now() - start);
	EXPECT_LE(pages - pt_percent(100), vt_stat("swapouts") - out);
	start = pt_now();
	EXPECT_TRUE(pt_use(&area, vt_scale(10000, 1000), &seed));
	fprintf(stderr, "# used in any order in %.1f s\n", pt_now() - start);
	start = pt_now();
	EXPECT_TRUE(pt_holds(&area));
	fprintf(stderr, "# read in %.1f s\n", pt_now() - start);
	EXPECT_LT(in, vt_stat("swapins"));
	EXPECT_EQ(0, vt_stat("swap_errors"));
	if (self->name)
		EXPECT_LE(pages - pt_percent(100),
			  (size_t)pt_store(self->name, PT_PAGES_WRITTEN));
	FINISH();
}

/* ---- processes ---- */

static unsigned long tree_ops;

/* Two children for each, of which one is forked before it uses its memory, and one after. */
static void tree(int depth, uint64_t seed)
{
	struct { int depth; uint64_t seed; } arg;
	pid_t child[2];
	int i;

	arg.depth = depth;
	for (i = 0; i < 2 && depth; i++) {
		arg.seed = vt_random(&seed);
		child[i] = fork();
		VT_CHECK(child[i] >= 0);
		if (!child[i]) {
			tree(arg.depth - 1, arg.seed);
			_exit(0);
		}
		VT_CHECK(pt_use(&area, tree_ops, &seed));
	}
	VT_CHECK(pt_use(&area, tree_ops, &seed));
	for (i = 0; i < 2 && depth; i++)
		VT_CHECK(!vt_wait(child[i]));
	VT_CHECK(pt_sample(&area, 2 * tree_ops, &seed));
}

static void grow_tree(void *arg)
{
	tree(2, *(uint64_t *)arg);
}

TEST(trees_of_processes)
{
	uint64_t seed = vt_seed();

	PT_SETUP();
	kills = pt_oom_kills();
	tree_ops = vt_scale(1500, 200);
	ASSERT_TRUE(pt_fill(&area, pt_percent(110)));
	EXPECT_EQ(0, vt_in_child(grow_tree, &seed));
	EXPECT_TRUE(pt_sample(&area, SAMPLE, &seed));
	FINISH();
}

/* Whoever forks is not copied, and what a snapshot has kept goes when it ends. */
struct snapshot {
	size_t from, pages;
	uint64_t seed;
};

static void read_snapshot(void *arg)
{
	struct snapshot *s = arg;
	size_t i;

	for (i = 0; i < s->pages; i++)
		VT_CHECK(pt_touch(&area, (s->from + i) % area.pages, false));
	VT_CHECK(pt_sample(&area, 500, &s->seed));
}

static unsigned int depth_now(void)
{
	struct vmobj_range range;

	return vt_range(area.mem, 0, 1, &range) ? 0 : range.depth;
}

/* A server that dirties 1 % and forks a reader, again and again. */
TEST(snapshots)
{
	unsigned long rounds = vt_scale(15, 6), i, j;
	struct snapshot s = { .seed = vt_seed() };
	unsigned int depth = 0;
	long long objects = 0;

	PT_SETUP();
	kills = pt_oom_kills();
	ASSERT_TRUE(pt_fill(&area, pt_percent(110)));
	s.pages = area.pages / 20;
	for (i = 0; i < rounds; i++) {
		pid_t child = vt_fork(read_snapshot, &s);

		for (j = 0; j < area.pages / 100; j++)
			ASSERT_TRUE(pt_touch(&area, vt_random(&s.seed) % area.pages,
					     true));
		EXPECT_EQ(0, vt_wait(child));
		s.from += s.pages;
		if (i < 2) {
			depth = depth_now();
			objects = vt_stat("objects");
			continue;
		}
		EXPECT_GE(depth + 1, depth_now());
		EXPECT_GE(objects + 2, vt_stat("objects"));
		/* one page each, in memory or in swap or both, and what is being merged */
		EXPECT_GE(area.pages + area.pages / 20, vt_stat("pages_swapped"));
	}
	EXPECT_GE(objects, vt_stat_settles("objects", 1));
	EXPECT_TRUE(pt_holds(&area));
	FINISH();
}

static void use_for_ever(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		VT_CHECK(pt_use(&area, 100, &seed));
}

/* At any point of paging. */
TEST(killed_while_they_page)
{
	unsigned long rounds = vt_scale(15, 3), i, j;
	uint64_t seed = vt_seed(), seeds[3];
	pid_t child[3];

	PT_SETUP();
	kills = pt_oom_kills();
	ASSERT_TRUE(pt_fill(&area, pt_percent(110)));
	for (i = 0; i < rounds; i++) {
		for (j = 0; j < ARRAY_SIZE(child); j++) {
			seeds[j] = vt_random(&seed);
			child[j] = vt_fork(use_for_ever, &seeds[j]);
			EXPECT_TRUE(pt_use(&area, 50, &seed));
		}
		for (j = 0; j < ARRAY_SIZE(child); j++) {
			usleep(1000 * vt_below(&seed, 200));
			kill(child[j], SIGKILL);
		}
		for (j = 0; j < ARRAY_SIZE(child); j++)
			EXPECT_EQ(128 + SIGKILL, vt_wait(child[j]));
	}
	EXPECT_TRUE(pt_sample(&area, SAMPLE, &seed));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	FINISH();
}

static int *over;

static void use_until_over(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;
	unsigned long rounds = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(over, __ATOMIC_RELAXED) || rounds < 10) {
		VT_CHECK(pt_use(&area, 100, &seed));
		rounds++;
	}
	VT_CHECK(pt_sample(&area, 2000, &seed));
}

static void begin(void)
{
	over = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* A store is removed while processes fault on what is in it. */
TEST(a_store_is_drained)
{
	uint64_t seed = vt_seed(), seeds[2];
	unsigned long rounds = vt_scale(3, 1), i;
	pid_t child[2];
	char name[32];
	int zram;

	PT_SETUP();
	kills = pt_oom_kills();
	begin();
	zram = pt_zram_add(name, sizeof(name), pt_percent(200));
	if (zram < 0)
		SKIP(return, "no zram");
	ASSERT_EQ(0, pt_store_add(name, 10));
	ASSERT_TRUE(pt_fill(&area, pt_percent(110)));
	EXPECT_LT(0, pt_store(name, PT_USED));
	for (i = 0; i < ARRAY_SIZE(child); i++) {
		seeds[i] = vt_random(&seed);
		child[i] = vt_fork(use_until_over, &seeds[i]);
	}
	for (i = 0; i < rounds; i++) {
		EXPECT_TRUE(pt_use(&area, 500, &seed));
		EXPECT_EQ(0, pt_store_remove(name));
		EXPECT_EQ(-1, pt_store(name, PT_USED));
		EXPECT_TRUE(pt_use(&area, 500, &seed));
		EXPECT_EQ(0, pt_store_add(name, 10));
	}
	__atomic_store_n(over, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(0, vt_wait(child[i]));
	EXPECT_TRUE(pt_sample(&area, SAMPLE, &seed));
	FINISH();
	EXPECT_EQ(0, pt_store_remove(name));
	pt_zram_remove(zram);
}

/* ---- the freezer ---- */

#define STATE	"/sys/power/state"
#define LEVEL	"/sys/power/pm_test"
#define DELAY	"/sys/module/suspend/parameters/pm_test_delay"

/* All processes and the page daemon are frozen, while they page, and go on. */
TEST(frozen_while_they_page)
{
	unsigned long rounds = vt_scale(3, 1), i;
	uint64_t seed = vt_seed(), seeds[2];
	pid_t child[2];

	PT_SETUP();
	kills = pt_oom_kills();
	begin();
	if (!pt_write(LEVEL, "freezer"))
		SKIP(return, "the kernel has no test of its freezer");
	pt_write(DELAY, "1");
	ASSERT_TRUE(pt_fill(&area, pt_percent(110)));
	for (i = 0; i < ARRAY_SIZE(child); i++) {
		seeds[i] = vt_random(&seed);
		child[i] = vt_fork(use_until_over, &seeds[i]);
	}
	for (i = 0; i < rounds; i++) {
		EXPECT_TRUE(pt_use(&area, 500, &seed));
		EXPECT_TRUE(pt_write(STATE, "freeze"));
	}
	EXPECT_TRUE(pt_use(&area, 500, &seed));
	__atomic_store_n(over, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		EXPECT_EQ(0, vt_wait(child[i]));
	pt_write(LEVEL, "none");
	FINISH();
}

TEST_HARNESS_MAIN
