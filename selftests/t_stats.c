// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters move when, and only when, they should: what happens to objects at
 * fork, write and exit, as it is seen from outside.
 */
#include "vmobj_test.h"
#include "puppet.h"

#define PAGES	4

static const char * const names[] = {
	"objects", "families", "maps", "entries", "pages", "pages_active",
	"pages_inactive", "pages_laundry", "pages_cache", "pages_wired", "worst_hold_ns",
	"objects_created",
	"objects_terminated", "objects_collapsed", "collapses", "bypasses",
	"shadows", "splits", "coalesces", "joins", "faults", "zero_fills", "cow_copies",
	"cow_moves", "cow_reuses", "mkwrites", "page_allocs", "page_frees",
	"superpages", "blocks", "absorbs", "copy_ups", "demotes",
	"promotes", "pins_kept", "pins_left",
	"resident_kib", "tail_allocs", "tail_frees", "pageins", "pageouts",
	"forks",
};

static char *mem;

/* ---- differences ---- */

struct change {
	const char *name;
	long long before;
};

static struct change begin(const char *name)
{
	return (struct change) { name, vt_stat(name) };
}

static long long so_far(struct change c)
{
	return vt_stat(c.name) - c.before;
}

/* ---- processes ---- */

static long do_map(void *arg)
{
	(void)arg;
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	return !mem;
}

static long do_write(void *arg)
{
	vt_put(mem, *(size_t *)arg, getpid());
	return 0;
}

static long do_read(void *arg)
{
	return vt_get(mem, *(size_t *)arg);
}

static long do_unmap(void *arg)
{
	(void)arg;
	return munmap(mem, PAGES * vt_page_size);
}

enum { P, C, D };		/* parent, child, another */

static bool w(int who, size_t page)
{
	return !puppet_call(who, do_write, &page, sizeof(page));
}

static bool r(int who, size_t page)
{
	return puppet_call(who, do_read, &page, sizeof(page)) != PUPPET_DEAD;
}

/* P, with a fresh region that is written all over: one object. */
static bool start(void)
{
	size_t i;

	puppet_init();
	if (!puppet_start(P) || puppet_call(P, do_map, NULL, 0))
		return false;
	for (i = 0; i < PAGES; i++)
		if (!w(P, i))
			return false;
	return true;
}

#define START() \
	do { \
		VT_NEED_DEBUGFS(); \
		ASSERT_TRUE(start()); \
		ASSERT_EQ(1, vt_stat("objects")); \
		ASSERT_EQ(PAGES, vt_stat("pages")); \
	} while (0)

#define FINISH() \
	do { \
		EXPECT_TRUE(vt_check_ok()); \
		puppet_kill_all(); \
		EXPECT_EQ(0, vt_stat_settles("objects", 0)); \
		EXPECT_EQ(0, vt_stat_settles("pages", 0)); \
		EXPECT_EQ(0, vt_stat_settles("entries", 0)); \
		EXPECT_EQ(0, vt_stat_settles("maps", 0)); \
		EXPECT_EQ(0, vt_stat_settles("families", 0)); \
	} while (0)

/* ---- the file ---- */

TEST(every_name_is_there_once)
{
	char *text, *p;
	size_t i;

	VT_NEED_DEBUGFS();
	text = vt_read_file(VT_DEBUGFS "stats", 4096, NULL);
	ASSERT_NE(NULL, text);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char line[64];

		sprintf(line, "\n%s ", names[i]);
		p = i ? strstr(text, line) : text;
		EXPECT_NE(NULL, p) TH_LOG("no %s", names[i]);
		if (p)
			EXPECT_EQ(NULL, strstr(p + 1, line));
		EXPECT_LE(0, vt_stat(names[i])) TH_LOG("%s", names[i]);
	}
}

TEST(every_line_is_a_name_and_a_number)
{
	char *text, *line, *end;

	VT_NEED_DEBUGFS();
	text = vt_read_file(VT_DEBUGFS "stats", 4096, NULL);
	ASSERT_NE(NULL, text);
	for (line = text; *line; line = end + 1) {
		size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");

		end = strchr(line, '\n');
		ASSERT_NE(NULL, end);
		ASSERT_LT(0, name);
		ASSERT_EQ(' ', line[name]);
		ASSERT_EQ(line + name + 1 + strspn(line + name + 1, "0123456789"),
			  end);
		ASSERT_LT(line + name + 1, end);
	}
}

/* ---- one process ---- */

TEST(mmap_makes_no_object_and_a_touch_makes_one)
{
	struct change objects, fills;

	VT_NEED_DEBUGFS();
	objects = begin("objects_created");
	fills = begin("zero_fills");
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, so_far(objects));
	EXPECT_EQ(1, vt_stat("families"));
	EXPECT_EQ(1, vt_stat("maps"));
	EXPECT_EQ(1, vt_stat("entries"));
	vt_put(mem, 0, 1);
	EXPECT_EQ(1, so_far(objects));
	EXPECT_EQ(1, so_far(fills));
	EXPECT_EQ(0, vt_get(mem, 1));		/* a read is a touch */
	EXPECT_EQ(2, so_far(fills));
	vt_put(mem, 0, 2);
	vt_put(mem, 1, 2);
	EXPECT_EQ(2, so_far(fills));
	EXPECT_EQ(2, vt_stat("pages"));
	ASSERT_EQ(0, munmap(mem, PAGES * vt_page_size));
	EXPECT_EQ(0, vt_stat_settles("pages", 0));
	EXPECT_EQ(0, vt_stat_settles("families", 0));
}

TEST(allocs_less_frees_are_pages)
{
	START();
	EXPECT_EQ(vt_stat("pages"),
		  vt_stat("page_allocs") - vt_stat("page_frees"));
	EXPECT_EQ(vt_stat("objects"),
		  vt_stat("objects_created") - vt_stat("objects_terminated") -
		  vt_stat("objects_collapsed"));
	EXPECT_EQ(vt_stat("pages"),
		  vt_stat("pages_active") + vt_stat("pages_inactive") +
		  vt_stat("pages_laundry") + vt_stat("pages_cache") + vt_stat("pages_wired"));
	FINISH();
}

/* ---- fork, write, exit ---- */

TEST(fork_alone_makes_no_object)
{
	struct change forks, created;

	START();
	forks = begin("forks");
	created = begin("objects_created");
	ASSERT_TRUE(puppet_fork(P, C));
	EXPECT_EQ(1, so_far(forks));
	EXPECT_EQ(0, so_far(created));
	EXPECT_EQ(2, vt_stat("maps"));
	FINISH();
}

TEST(fork_of_untouched_memory_shares_nothing)
{
	struct change shadows;

	VT_NEED_DEBUGFS();
	puppet_init();
	ASSERT_TRUE(puppet_start(P));
	ASSERT_EQ(0, puppet_call(P, do_map, NULL, 0));
	shadows = begin("shadows");
	ASSERT_TRUE(puppet_fork(P, C));
	EXPECT_EQ(0, vt_stat("objects"));
	ASSERT_TRUE(w(P, 0));
	ASSERT_TRUE(w(C, 0));
	EXPECT_EQ(2, vt_stat("objects"));
	EXPECT_EQ(0, so_far(shadows));
	FINISH();
}

TEST(write_after_fork_makes_one_shadow_and_one_copy)
{
	struct change shadows, copies;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	shadows = begin("shadows");
	copies = begin("cow_copies");
	ASSERT_TRUE(w(P, 0));
	EXPECT_EQ(1, so_far(shadows));
	EXPECT_EQ(1, so_far(copies));
	ASSERT_TRUE(w(P, 0));
	ASSERT_TRUE(r(C, 0));
	EXPECT_EQ(1, so_far(copies));
	ASSERT_TRUE(w(P, 1));
	EXPECT_EQ(1, so_far(shadows));
	EXPECT_EQ(2, so_far(copies));
	EXPECT_EQ(2, vt_stat("objects"));
	EXPECT_EQ(PAGES + 2, vt_stat("pages"));
	FINISH();
}

TEST(reads_after_fork_copy_nothing)
{
	struct change copies;
	size_t i;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	copies = begin("cow_copies");
	for (i = 0; i < PAGES; i++)
		ASSERT_TRUE(r(P, i) && r(C, i));
	EXPECT_EQ(0, so_far(copies));
	EXPECT_EQ(1, vt_stat("objects"));
	EXPECT_EQ(PAGES, vt_stat("pages"));
	FINISH();
}

/* U12: the child's exit merges the first object into the parent's shadow. */
TEST(childs_exit_collapses)
{
	struct change collapses;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	ASSERT_TRUE(w(P, 0));
	collapses = begin("collapses");
	ASSERT_TRUE(puppet_exit(C));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_EQ(1, so_far(collapses));
	FINISH();
}

/* U13: the parent's exit leaves the first object to the child. */
TEST(writers_exit_collapses_nothing)
{
	struct change collapses;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	ASSERT_TRUE(w(P, 0));
	collapses = begin("collapses");
	ASSERT_TRUE(puppet_exit(P));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_EQ(0, so_far(collapses));
	FINISH();
}

/* U14: nobody wrote; the survivor has the object for itself. */
TEST(write_after_silent_childs_exit_reuses_the_object)
{
	struct change created, copies;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	ASSERT_TRUE(puppet_exit(C));
	created = begin("objects_created");
	copies = begin("cow_copies");
	ASSERT_TRUE(w(P, 0));
	EXPECT_EQ(0, so_far(created));
	EXPECT_EQ(0, so_far(copies));
	EXPECT_EQ(1, vt_stat("objects"));
	FINISH();
}

/* U15 */
TEST(both_write_and_one_exits)
{
	struct change collapses;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	ASSERT_TRUE(w(P, 0));
	ASSERT_TRUE(w(C, 1));
	EXPECT_EQ(3, vt_stat("objects"));
	EXPECT_EQ(PAGES + 2, vt_stat("pages"));
	collapses = begin("collapses");
	ASSERT_TRUE(puppet_exit(C));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_EQ(1, so_far(collapses));
	FINISH();
}

/* U16: the parent has a page for each of the first object's: it lets go of it. */
TEST(second_fork_of_all_written_memory_bypasses)
{
	struct change bypasses;
	size_t i;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	for (i = 0; i < PAGES; i++)
		ASSERT_TRUE(w(P, i));
	bypasses = begin("bypasses");
	ASSERT_TRUE(puppet_fork(P, D));
	EXPECT_EQ(1, so_far(bypasses));
	ASSERT_TRUE(w(P, 0));
	ASSERT_TRUE(puppet_exit(D));
	/* P's own, and what is the child's alone now */
	EXPECT_EQ(2, vt_stat_settles("objects", 2));
	EXPECT_EQ(2 * PAGES, vt_stat_settles("pages", 2 * PAGES));
	FINISH();
}

/* U17: one page is missing. */
TEST(second_fork_of_partly_written_memory_does_not)
{
	struct change bypasses;
	size_t i;

	START();
	ASSERT_TRUE(puppet_fork(P, C));
	for (i = 0; i < PAGES - 1; i++)
		ASSERT_TRUE(w(P, i));
	bypasses = begin("bypasses");
	ASSERT_TRUE(puppet_fork(P, D));
	EXPECT_EQ(0, so_far(bypasses));
	ASSERT_TRUE(r(P, PAGES - 1) && r(D, PAGES - 1));
	FINISH();
}

/* U63: six forks, each with a page written after it, and six exits. */
TEST(six_living_children_and_one_object_after_them)
{
	struct change collapses;
	int i;

	START();
	for (i = 0; i < 6; i++) {
		ASSERT_TRUE(puppet_fork(P, C + i));
		ASSERT_TRUE(w(P, i % PAGES));
	}
	collapses = begin("collapses");
	for (i = 0; i < 6; i++)
		ASSERT_TRUE(puppet_exit(C + i));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	EXPECT_LT(0, so_far(collapses));
	FINISH();
}

TEST(unmap_by_all_leaves_nothing)
{
	START();
	ASSERT_TRUE(puppet_fork(P, C));
	ASSERT_TRUE(w(P, 0));
	ASSERT_TRUE(w(C, 1));
	ASSERT_EQ(0, puppet_call(P, do_unmap, NULL, 0));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
	ASSERT_EQ(0, puppet_call(C, do_unmap, NULL, 0));
	EXPECT_EQ(0, vt_stat_settles("objects", 0));
	FINISH();
}

/* Memory is what the process uses, for the OOM killer to see. */
static long rss(void)
{
	char *text = vt_read_file("/proc/self/statm", 256, NULL);
	long size = 0, resident = 0;

	if (text)
		sscanf(text, "%ld %ld", &size, &resident);
	free(text);
	return resident;
}

TEST(it_counts_as_resident_memory)
{
	const long pages = 1024;
	long before = rss();

	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	memset(mem, 1, pages * vt_page_size);
	/* The kernel counts in batches. */
	EXPECT_LE(before + pages - 256, rss());
	ASSERT_EQ(0, munmap(mem, pages * vt_page_size));
	EXPECT_GE(before + 256, rss());
}

TEST_HARNESS_MAIN
