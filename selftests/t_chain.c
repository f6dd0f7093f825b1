// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains are kept short, and merges do not keep anybody waiting for long.
 */
#include "vmobj_test.h"
#include "puppet.h"

#define PAGES		64
#define DEFAULT_DEPTH	"32"

static char *mem;

/* ---- the parameter ---- */

static int depth_parameter(void)
{
	char *text = vt_read_file("/sys/module/vmobj/parameters/max_chain_depth",
				  64, NULL);
	int value = text ? atoi(text) : -1;

	free(text);
	return value;
}

#define NEED_PARAMETER() \
	do { \
		VT_NEED_DEVICE(); \
		VT_NEED_DEBUGFS(); \
		if (!vt_set_parameter("max_chain_depth", DEFAULT_DEPTH)) \
			SKIP(return, "no right to change the parameter"); \
	} while (0)

TEST(the_parameter_refuses_nonsense)
{
	static const char * const bad[] = {
		"0", "1", "-1", "65537", "99999999999", "many",
	};
	size_t i;

	NEED_PARAMETER();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FALSE(vt_set_parameter("max_chain_depth", bad[i]));
	EXPECT_EQ(32, depth_parameter());
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", "2"));
	EXPECT_EQ(2, depth_parameter());
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", "65536"));
	EXPECT_EQ(65536, depth_parameter());
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", DEFAULT_DEPTH));
}

/* ---- how deep the deepest chain is ---- */

static int depth_of(const unsigned long *backing, unsigned long id)
{
	int depth = 0;

	while ((id = backing[id]))
		depth++;
	return depth;
}

/* From the objects file: object N ... backing M. */
static int deepest(void)
{
	char *text = vt_read_file(VT_DEBUGFS "objects", 1 << 20, NULL);
	unsigned long id, max_id = 0, *backing;
	int depth, found = -1, pass;
	char *line;

	for (pass = 0, backing = NULL; text && pass < 3; pass++) {
		for (line = text; line && *line; line = strchr(line, '\n'),
		     line += !!line) {
			if (sscanf(line, "object %lu ", &id) != 1)
				continue;
			if (!pass && id > max_id)
				max_id = id;
			if (pass == 1)
				sscanf(strstr(line, " backing "),
				       " backing %lu", &backing[id]);
			depth = pass == 2 ? depth_of(backing, id) : -1;
			if (depth > found)
				found = depth;
		}
		if (!pass)
			backing = calloc(max_id + 1, sizeof(*backing));
	}
	free(backing);
	free(text);
	return found;
}

static int deepest_settles(int wanted)
{
	int tries = 500;

	while (deepest() > wanted && tries--)
		usleep(10000);
	return deepest();
}

/* ---- many children that live ---- */

/*
 * Before fork n the parent writes n to page n % PAGES; so child n must see in each
 * page the last number up to its own.
 */
static bool sees_up_to(int n)
{
	int page;

	for (page = 0; page < PAGES; page++) {
		int last = n - (n - page + PAGES) % PAGES;

		if (vt_get(mem, page) != (uint32_t)(last > 0 ? last : 0))
			return false;
	}
	return true;
}

struct child {
	struct vt_gate *gate;
	int n;
};

/* Looks, so that it has pages mapped; waits; looks again, writes, looks again. */
static void live(void *arg)
{
	struct child *child = arg;

	VT_CHECK(sees_up_to(child->n));
	vt_gate_pass(child->gate);
	VT_CHECK(sees_up_to(child->n));
	vt_put(mem, child->n % PAGES, 100000 + child->n);
	VT_CHECK(vt_get(mem, child->n % PAGES) == 100000 + (uint32_t)child->n);
	vt_put(mem, child->n % PAGES, child->n);
	VT_CHECK(sees_up_to(child->n));
}

static void wait_at(void *arg)
{
	struct child *child = arg;

	vt_gate_pass(child->gate);
}

/* With a bound so low that the fork after next already copies. */
static void forks_with_living_children(struct __test_metadata *_metadata,
				       int forks, int depth)
{
	pid_t *pids = calloc(forks + 1, sizeof(*pids));
	long long copies = vt_stat("copy_ups");
	long long kib = PAGES * vt_page_size / 1024;
	struct vt_gate gate;
	int n, i;

	ASSERT_NE(NULL, pids);
	vt_gate_init(&gate);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 0);
	for (n = 1; n <= forks; n++) {
		struct child child = { &gate, n };

		vt_put(mem, n % PAGES, n);
		pids[n] = vt_fork(live, &child);
		if (n % 10 == 0)
			EXPECT_GE(2 * depth, deepest());
	}
	EXPECT_TRUE(sees_up_to(forks));
	EXPECT_GE(depth, deepest_settles(depth));
	EXPECT_GT(vt_stat("copy_ups"), copies);
	EXPECT_TRUE(vt_check_ok());
	for (n = 1; n <= forks; n++)
		vt_gate_open(&gate);
	for (n = 1; n <= forks; n++)
		EXPECT_EQ(0, vt_wait(pids[n]));
	EXPECT_TRUE(sees_up_to(forks));
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	/* Not "pages": some may be in large ones. */
	EXPECT_EQ(kib, vt_stat_settles("resident_kib", kib));
	EXPECT_TRUE(vt_check_ok());
	free(pids);
}

TEST(two_hundred_children_live)
{
	NEED_PARAMETER();
	forks_with_living_children(_metadata, vt_scale(200, 80), 32);
}

TEST(a_chain_of_no_more_than_two)
{
	NEED_PARAMETER();
	ASSERT_TRUE(vt_set_parameter("max_chain_depth", "2"));
	forks_with_living_children(_metadata, vt_scale(100, 30), 2);
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", DEFAULT_DEPTH));
}

/* Fails if a lower bound is for new chains only. */
TEST(lowering_the_bound_shortens_what_is_there)
{
	struct child child;
	struct vt_gate gate;
	pid_t pids[21];
	int n;

	NEED_PARAMETER();
	vt_gate_init(&gate);
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (n = 1; n <= 20; n++) {
		child = (struct child) { &gate, n };
		vt_put(mem, n % PAGES, n);
		pids[n] = vt_fork(live, &child);
	}
	EXPECT_LT(15, deepest());
	ASSERT_TRUE(vt_set_parameter("max_chain_depth", "4"));
	EXPECT_GE(4, deepest_settles(4));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", DEFAULT_DEPTH));
	for (n = 1; n <= 20; n++)
		vt_gate_open(&gate);
	for (n = 1; n <= 20; n++)
		EXPECT_EQ(0, vt_wait(pids[n]));
	EXPECT_TRUE(sees_up_to(20));
}

/* ---- a page that is copied up, and then becomes somebody else's ---- */

static long do_map(void *arg)
{
	int i;

	(void)arg;
	mem = vt_map(4, VT_RW, MAP_PRIVATE);
	for (i = 0; mem && i < 4; i++)
		vt_put(mem, i, 10 + i);
	return !mem;
}

static long do_write(void *arg)
{
	int *to = arg;

	vt_put(mem, to[0], to[1]);
	return 0;
}

static long do_read(void *arg)
{
	return vt_get(mem, *(int *)arg);
}

static bool write_to(int who, int page, int tag)
{
	int to[2] = { page, tag };

	return !puppet_call(who, do_write, to, sizeof(to));
}

static long read_from(int who, int page)
{
	return puppet_call(who, do_read, &page, sizeof(page));
}

/*
 * Puppets 0 to 4 look at page 3, which is in the first object; copies of it go to the
 * objects above.  Then all exit but two, who see the same page, and one of them
 * writes.  Fails if the other still has the old page mapped.
 */
static void two_are_left(struct __test_metadata *_metadata, int writer,
			 int reader)
{
	int i;

	puppet_init();
	ASSERT_TRUE(puppet_start(0));
	ASSERT_EQ(0, puppet_call(0, do_map, NULL, 0));
	for (i = 1; i <= 4; i++) {
		ASSERT_TRUE(puppet_fork(0, i));
		EXPECT_EQ(13, read_from(i, 3));
		ASSERT_TRUE(write_to(0, i % 3, 100 + i));
		EXPECT_EQ(13, read_from(0, 3));
	}
	EXPECT_GE(2, deepest_settles(2));
	for (i = 0; i <= 4; i++)
		if (i != writer && i != reader)
			ASSERT_TRUE(puppet_exit(i));
	EXPECT_EQ(13, read_from(reader, 3));
	ASSERT_TRUE(write_to(writer, 3, 50));
	EXPECT_EQ(13, read_from(reader, 3));
	EXPECT_EQ(50, read_from(writer, 3));
	ASSERT_TRUE(write_to(reader, 3, 60));
	EXPECT_EQ(50, read_from(writer, 3));
	EXPECT_TRUE(vt_check_ok());
	puppet_kill_all();
	EXPECT_EQ(0, vt_stat_settles("objects", 0));
}

TEST(nobody_keeps_a_page_that_was_copied_for_him)
{
	int writer, reader;

	NEED_PARAMETER();
	ASSERT_TRUE(vt_set_parameter("max_chain_depth", "2"));
	for (writer = 0; writer <= 4; writer++)
		for (reader = 0; reader <= 4; reader++)
			if (writer != reader)
				two_are_left(_metadata, writer, reader);
	EXPECT_TRUE(vt_set_parameter("max_chain_depth", DEFAULT_DEPTH));
}

/* ---- a child that exits when much was written on both sides ---- */

struct writer {
	struct vt_gate written;
	struct vt_gate gate;
	size_t pages;
};

static void write_all_and_wait(void *arg)
{
	struct writer *writer = arg;
	size_t i;

	for (i = 0; i < writer->pages; i++)
		vt_put(mem, i, 500000 + i);
	vt_gate_open(&writer->written);
	vt_gate_pass(&writer->gate);
}

/* The parent has tag + i in all pages but every eighth, which it writes now. */
static bool writes_on(size_t pages, uint32_t tag)
{
	bool good = true;
	size_t i;

	for (i = 0; i < pages; i++) {
		if (i % 8)
			good &= vt_get(mem, i) == tag + i;
		else
			vt_put(mem, i, 7 * tag + i);
	}
	for (i = 0; i < pages; i += 8)
		good &= vt_get(mem, i) == 7 * tag + i;
	return good;
}

/*
 * Fails if the parent's pages get lost in a merge that is done in pieces, or it never
 * ends.  With @fork there is another child in between.
 */
static void much_was_written(struct __test_metadata *_metadata, bool fork,
			     int advice)
{
	size_t pages = vt_scale(16384, 6000), i;
	struct writer writer = { .pages = pages };
	struct vt_gate gate;
	struct child child = { .gate = &gate };
	pid_t pid, other = 0;

	vt_gate_init(&writer.written);
	vt_gate_init(&writer.gate);
	vt_gate_init(&gate);
	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, madvise(mem, pages * vt_page_size, advice));
	for (i = 0; i < pages; i++)
		vt_put(mem, i, i);
	pid = vt_fork(write_all_and_wait, &writer);
	vt_gate_pass(&writer.written);
	for (i = 0; i < pages; i++)
		vt_put(mem, i, 1000000 + i);
	vt_gate_open(&writer.gate);
	EXPECT_EQ(0, vt_wait(pid));
	if (fork)
		other = vt_fork(wait_at, &child);
	EXPECT_TRUE(writes_on(pages, 1000000));
	EXPECT_TRUE(vt_check_ok());
	if (fork) {
		vt_gate_open(&gate);
		EXPECT_EQ(0, vt_wait(other));
	}
	EXPECT_EQ(1, vt_stat_settles("objects", 1));
	EXPECT_EQ(pages * vt_page_size / 1024,
		  vt_stat_settles("resident_kib", pages * vt_page_size / 1024));
	for (i = 0; i < pages; i++)
		EXPECT_EQ((i % 8 ? 1000000 : 7000000) + i, vt_get(mem, i));
	EXPECT_TRUE(vt_check_ok());
	ASSERT_EQ(0, munmap(mem, pages * vt_page_size));
}

static void forget_worst_hold(void)
{
	FILE *file = fopen(VT_DEBUGFS "stats", "w");

	if (file) {
		fputs("0", file);
		fclose(file);
	}
}

TEST(a_merge_of_much_does_not_take_long)
{
	VT_NEED_DEVICE();
	VT_NEED_DEBUGFS();
	forget_worst_hold();
	much_was_written(_metadata, false, MADV_NOHUGEPAGE);
	EXPECT_LT(0, vt_stat("worst_hold_ns"));
	TH_LOG("family lock held for %lld us at most",
	       vt_stat("worst_hold_ns") / 1000);
	forget_worst_hold();
	EXPECT_EQ(0, vt_stat("worst_hold_ns"));
}

TEST(a_fork_in_a_merge_of_much)
{
	VT_NEED_DEVICE();
	VT_NEED_DEBUGFS();
	much_was_written(_metadata, true, MADV_NOHUGEPAGE);
}

TEST(a_merge_of_much_with_large_pages)
{
	VT_NEED_DEVICE();
	VT_NEED_DEBUGFS();
	much_was_written(_metadata, false, MADV_HUGEPAGE);
	much_was_written(_metadata, true, MADV_HUGEPAGE);
}

TEST_HARNESS_MAIN
