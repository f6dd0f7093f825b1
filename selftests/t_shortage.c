// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is short, and something else goes wrong, too: others want it, swap is full, a
 * device fails, a cgroup has a limit.
 */
#include "pressure.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/swap.h>

#include <linux/vmobj.h>

#define LINUX_SWAP	"/dev/zram0"

static struct pt_area area;
static long long kills;

/* ---- others ---- */

/* Ordinary anonymous memory, of which all is needed all the time. */
static void hog(void *arg)
{
	size_t pages = pt_percent(70), i, round;
	unsigned long rounds = *(unsigned long *)arg;
	char *mem = mmap(NULL, pages * vt_page_size, VT_RW,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	VT_CHECK(mem != MAP_FAILED);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < pages; i++)
		pt_put(mem, i, 1);
	for (round = 1; round <= rounds; round++) {
		for (i = 0; i < pages; i++) {
			VT_CHECK(pt_is(mem, i, round));
			pt_put(mem, i, round + 1);
		}
	}
}

static void use_and_hold(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	VT_CHECK(pt_fill(&area, pt_percent(70)));
	VT_CHECK(pt_use(&area, vt_scale(20000, 2000), &seed));
	VT_CHECK(pt_holds(&area));
}

/* Both go on, and nobody is killed. */
TEST(beside_memory_of_linux)
{
	unsigned long rounds = vt_scale(3, 1);
	uint64_t seed = vt_seed();
	pid_t other, ours;
	long long out;

	PT_SETUP();
	kills = pt_oom_kills();
	out = vt_stat("swapouts");
	other = vt_fork(hog, &rounds);
	ours = vt_fork(use_and_hold, &seed);
	EXPECT_EQ(0, vt_wait(other));
	EXPECT_EQ(0, vt_wait(ours));
	EXPECT_LT(out, vt_stat("swapouts"));
	EXPECT_EQ(kills, pt_oom_kills());
	EXPECT_TRUE(pt_swap_empty());
	EXPECT_TRUE(vt_check_ok());
}

/* ---- no room left ---- */

static void takes_all(void *arg)
{
	(void)arg;
	pt_oom_score("1000");
	/* more at once than there can be is refused by mmap() */
	for (;;)
		VT_CHECK(pt_fill(&area, pt_percent(50)));
}

static void takes_some(void *arg)
{
	size_t pages = pt_percent(*(unsigned int *)arg);

	VT_CHECK(pt_fill(&area, pages));
	VT_CHECK(pt_holds(&area));
}

/*
 * Who takes more than memory and stores have is killed by the OOM killer, as with Linux's
 * own memory: soon, and nobody else.  What he had is there for the next one.
 */
static void taken_by_the_next(struct __test_metadata *_metadata, unsigned int percent)
{
	struct pt_area kept;
	int i;

	ASSERT_TRUE(pt_fill(&kept, pt_percent(10)));
	for (i = 0; i < 2; i++) {
		kills = pt_oom_kills();
		EXPECT_EQ(128 + SIGKILL, vt_in_child(takes_all, NULL));
		EXPECT_EQ(kills + 1, pt_oom_kills());
		EXPECT_TRUE(vt_check_ok());
		EXPECT_TRUE(pt_swap_agrees());
		EXPECT_TRUE(pt_holds(&kept));
		EXPECT_EQ(1, vt_stat_settles("objects", 1));
		EXPECT_EQ(0, vt_in_child(takes_some, &percent));
		EXPECT_EQ(kills + 1, pt_oom_kills());
	}
	pt_free(&kept);
	EXPECT_TRUE(pt_swap_empty());
}

TEST(a_full_store)
{
	char name[32];
	int zram;

	PT_SETUP();
	zram = pt_zram_add(name, sizeof(name), pt_percent(40));
	if (zram < 0)
		SKIP(return, "no zram");
	ASSERT_TRUE(vt_set_parameter("swap_size", "0"));
	pt_store_remove("shmem");
	ASSERT_EQ(0, pt_store_add(name, 0));
	taken_by_the_next(_metadata, 80);
	EXPECT_LT(pt_percent(30), (size_t)pt_store(name, PT_PAGES_WRITTEN));
	EXPECT_EQ(0, pt_store(name, PT_USED));
	EXPECT_EQ(0, pt_store_remove(name));
	EXPECT_TRUE(vt_set_parameter("swap_size", "-1"));
	pt_zram_remove(zram);
}

/* Then the default store is of no use. */
TEST(a_system_without_swap)
{
	PT_SETUP();
	ASSERT_EQ(0, swapoff(LINUX_SWAP));
	taken_by_the_next(_metadata, 40);
	EXPECT_EQ(0, swapon(LINUX_SWAP, 0));
}

/* ---- a device that fails ---- */

#define CONFIG		"/sys/kernel/config"
#define NULLB		CONFIG "/nullb/failing"
#define NULLB_MIB	"8"
#define NULLB_SECTORS	16384
#define NULLB_PIECE	512		/* that the kernel's list of bad blocks takes */
#define PAGES		((size_t)(4UL << 20) / vt_page_size)
#define BAD		16

static char failing[64];

static bool nullb_set(const char *what, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), NULLB "/%s", what);
	return pt_write(path, value);
}

/* A device in memory whose blocks go bad when it is told so. */
static bool nullb_add(void)
{
	mkdir(CONFIG, 0755);
	mount("configfs", CONFIG, "configfs", 0, NULL);
	if (mkdir(NULLB, 0755))
		return false;
	if (!nullb_set("size", NULLB_MIB) || !nullb_set("memory_backed", "1") ||
	    !nullb_set("blocksize", "4096") || !nullb_set("power", "1"))
		return false;
	snprintf(failing, sizeof(failing), "/dev/nullb%lld", pt_read(NULLB "/index"));
	if (access(failing, F_OK))
		snprintf(failing, sizeof(failing), "/dev/failing");
	return !access(failing, F_OK);
}

/* Make all blocks bad, or good again. */
static bool nullb_all(char sign)
{
	bool good = true;
	char range[32];
	int i;

	for (i = 0; i < NULLB_SECTORS; i += NULLB_PIECE) {
		snprintf(range, sizeof(range), "%c%d-%d", sign, i, i + NULLB_PIECE - 1);
		good = good && nullb_set("badblocks", range);
	}
	return good;
}

static void nullb_remove(void)
{
	nullb_set("power", "0");
	rmdir(NULLB);
	umount(CONFIG);
}

#define SETUP_FAILING() \
	do { \
		PT_SETUP(); \
		kills = pt_oom_kills(); \
		if (access("/sys/module/null_blk", F_OK)) \
			SKIP(return, "no null_blk"); \
		ASSERT_TRUE(nullb_add()); \
		ASSERT_EQ(0, pt_store_add(failing, 10)); \
	} while (0)

#define TEARDOWN_FAILING() \
	do { \
		PT_FINISH(&area, kills); \
		if (pt_store(failing, PT_BLOCKS) >= 0) \
			EXPECT_EQ(0, pt_store_remove(failing)); \
		nullb_remove(); \
	} while (0)

static bool fill_small(void)
{
	area.pages = PAGES;
	area.want = calloc(PAGES, sizeof(*area.want));
	area.mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	if (!area.want || !area.mem ||
	    madvise(area.mem, PAGES * vt_page_size, MADV_NOHUGEPAGE))
		return false;
	for (size_t i = 0; i < PAGES; i++)
		pt_put(area.mem, i, area.want[i] = i + 1);
	return true;
}

static size_t swapped(void)
{
	struct vmobj_range range;

	return vt_range(area.mem, 0, PAGES, &range) ? 0 : range.swapped;
}

/* Only what is on bad blocks is lost, and it is there again when the device is well. */
TEST(blocks_that_cannot_be_read)
{
	size_t i, lost = 0;
	char range[32];

	SETUP_FAILING();
	ASSERT_TRUE(fill_small());
	EXPECT_EQ(0, vt_advise(area.mem, 0, PAGES, VMOBJ_ADV_PAGEOUT));
	EXPECT_EQ(PAGES, swapped());
	EXPECT_EQ(PAGES, (size_t)pt_store(failing, PT_USED));
	/* in the middle of the first half, which is used */
	snprintf(range, sizeof(range), "+%zu-%zu", 300 * vt_page_size / 512,
		 (300 + BAD) * vt_page_size / 512 - 1);
	ASSERT_TRUE(nullb_set("badblocks", range));
	for (i = 0; i < PAGES; i++) {
		int sig = vt_try_read(vt_page(area.mem, i));

		EXPECT_TRUE(sig ? sig == SIGBUS : pt_touch(&area, i, false));
		lost += !!sig;
	}
	EXPECT_EQ(BAD, lost);
	EXPECT_EQ(lost, swapped());
	EXPECT_TRUE(vt_check_ok());
	/* Nor can the store go. */
	EXPECT_EQ(EIO, pt_store_remove(failing));
	EXPECT_LE(0, pt_store(failing, PT_USED));
	range[0] = '-';
	ASSERT_TRUE(nullb_set("badblocks", range));
	EXPECT_TRUE(pt_holds(&area));
	EXPECT_EQ(0, swapped());
	TEARDOWN_FAILING();
}

/* Nothing is lost, bad blocks are not used again, and the rest of the device is. */
TEST(blocks_that_cannot_be_written)
{
	long bad;

	SETUP_FAILING();
	ASSERT_TRUE(fill_small());
	ASSERT_TRUE(nullb_all('+'));
	vt_advise(area.mem, 0, BAD, VMOBJ_ADV_PAGEOUT);
	bad = pt_store(failing, PT_BAD);
	EXPECT_LT(0, bad);
	EXPECT_GT(pt_store(failing, PT_BLOCKS), bad + PAGES / 2);
	EXPECT_EQ(0, pt_store(failing, PT_USED));
	EXPECT_TRUE(pt_holds(&area));
	EXPECT_TRUE(vt_check_ok());
	ASSERT_TRUE(nullb_all('-'));
	sleep(2);		/* it is left alone for one */
	vt_advise(area.mem, 0, PAGES, VMOBJ_ADV_PAGEOUT);
	EXPECT_EQ(bad, pt_store(failing, PT_BAD));
	EXPECT_LT(0, pt_store(failing, PT_USED));
	EXPECT_TRUE(pt_holds(&area));
	TEARDOWN_FAILING();
}

/* A store that fails is no obstacle while there is another. */
TEST(a_broken_device_beside_a_good_one)
{
	uint64_t seed = vt_seed();

	PT_SETUP();
	/* The default store is opened when there is no other. */
	ASSERT_TRUE(fill_small());
	vt_advise(area.mem, 0, PAGES, VMOBJ_ADV_PAGEOUT);
	pt_free(&area);
	ASSERT_LE(0, pt_store("shmem", PT_BLOCKS));

	SETUP_FAILING();
	ASSERT_TRUE(nullb_all('+'));
	ASSERT_TRUE(pt_fill(&area, pt_percent(120)));
	EXPECT_LT(0, pt_store(failing, PT_BAD));
	EXPECT_EQ(0, pt_store(failing, PT_USED));
	EXPECT_TRUE(pt_use(&area, vt_scale(5000, 500), &seed));
	EXPECT_TRUE(pt_holds(&area));
	TEARDOWN_FAILING();
}

/* ---- memory cgroups ---- */

#define CGROUP		"/sys/fs/cgroup/vmobj"
#define GROUP_LIMIT	(48UL << 20)
#define MOST_LOOKS	40

static long long group_kills(void)
{
	char *text = vt_read_file(CGROUP "/memory.events", 4096, NULL);
	char *at = text ? strstr(text, "oom_kill ") : NULL;
	long long n = at ? strtoll(at + strlen("oom_kill "), NULL, 10) : -1;

	free(text);
	return n;
}

static bool group_make(const char *limit)
{
	mkdir(CGROUP, 0755);
	return pt_write(CGROUP "/memory.max", limit);
}

static bool group_remove(void)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		if (!rmdir(CGROUP))
			return true;
		usleep(100000);
	}
	return false;
}

static void sample(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;

	VT_CHECK(pt_sample(&area, vt_scale(1000, 200), &seed));
}

static void in_group(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;
	int i;

	VT_CHECK(pt_write(CGROUP "/cgroup.procs", "0"));
	VT_CHECK(pt_fill(&area, 2 * GROUP_LIMIT / vt_page_size));
	VT_CHECK(pt_use(&area, vt_scale(5000, 500), &seed));
	for (i = 0; i < 5; i++) {
		pid_t child = vt_fork(sample, &seed);

		VT_CHECK(pt_use(&area, vt_scale(1000, 200), &seed));
		VT_CHECK(!vt_wait(child));
	}
	VT_CHECK(pt_holds(&area));
}

/*
 * Twice as much as its cgroup may have: the process goes on, as with Linux's own memory, and
 * nobody outside notices.
 */
static void more_than_a_cgroup_may_have(struct __test_metadata *_metadata)
{
	uint64_t seed = vt_seed();
	long long looks, freed;
	struct pt_area outside;
	char limit[32];

	snprintf(limit, sizeof(limit), "%lu", GROUP_LIMIT);
	if (!group_make(limit))
		SKIP(return, "no memory cgroups: %s", strerror(errno));
	ASSERT_TRUE(pt_fill(&outside, pt_percent(20)));
	kills = pt_oom_kills();
	looks = vt_stat("pageout_scans");
	freed = vt_stat("reclaims");
	EXPECT_EQ(0, vt_in_child(in_group, &seed));
	looks = vt_stat("pageout_scans") - looks;
	freed = vt_stat("reclaims") - freed;
	fprintf(stderr, "# %lld pages freed, %lld looked at\n", freed, looks);
	EXPECT_LT(0, freed);
	/* the others' pages are not passed each time */
	EXPECT_GE(MOST_LOOKS * freed, looks);
	EXPECT_EQ(0, group_kills());
	EXPECT_EQ(kills, pt_oom_kills());
	fprintf(stderr, "# peak %lld\n", pt_read(CGROUP "/memory.peak"));
	EXPECT_GE((long long)(GROUP_LIMIT + GROUP_LIMIT / 8),
		  pt_read(CGROUP "/memory.peak"));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(pt_holds(&outside));
	pt_free(&outside);
	EXPECT_TRUE(pt_swap_empty());
	EXPECT_TRUE(group_remove());
}

/* What is paged out to the default store is charged to the cgroup, until Linux swaps it. */
TEST(a_cgroup_at_its_limit)
{
	PT_SETUP();
	more_than_a_cgroup_may_have(_metadata);
}

/*
 * A device frees at once.  What faults need besides pages, with locks held that the page
 * daemon needs, must not have the process killed.
 */
TEST(a_cgroup_at_its_limit_beside_a_device)
{
	char device[32];
	int number;

	PT_SETUP();
	number = pt_zram_add(device, sizeof(device), pt_percent(100));
	if (number < 0)
		SKIP(return, "needs the module zram");
	ASSERT_EQ(0, pt_store_add(device, 10));
	more_than_a_cgroup_may_have(_metadata);
	EXPECT_EQ(0, pt_store_remove(device));
	pt_zram_remove(number);
}

TEST_HARNESS_MAIN
