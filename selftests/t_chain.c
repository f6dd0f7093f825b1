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

/* With a bound so low that the fork after next already copies. */
static void forks_with_living_children(struct __test_metadata *_metadata,
				       int forks, int depth)
{
	pid_t *pids = calloc(forks + 1, sizeof(*pids));
	long long copies = vt_stat("copy_ups");
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
	EXPECT_EQ(PAGES, vt_stat_settles("pages", PAGES));
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

TEST_HARNESS_MAIN
