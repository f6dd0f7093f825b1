// SPDX-License-Identifier: GPL-2.0-only
/*
 * What children get, range by range: VMOBJ_IOC_INHERIT, minherit(2) of BSD.
 *
 * The last part is about CVE-2021-29626: a child that shares its copy with a grandchild
 * must see what the grandchild writes, in whatever order the family writes and exits.
 */
#include "vmobj_test.h"
#include "puppet.h"

#include <linux/vmobj.h>
#include <sys/uio.h>

#define PAGES	8

static char *mem;
static struct vt_gate go, go_copy, done;

#define SETUP(flags) \
	do { \
		size_t _i; \
		VT_NEED_DEVICE(); \
		mem = vt_map(PAGES, VT_RW, flags); \
		ASSERT_NE(NULL, mem); \
		for (_i = 0; _i < PAGES; _i++) \
			vt_put(mem, _i, _i + 1); \
		vt_gate_init(&go); \
		vt_gate_init(&go_copy); \
		vt_gate_init(&done); \
	} while (0)

#define ASSERT_INHERIT(page, pages, how) \
	ASSERT_EQ(0, vt_inherit(mem, page, pages, VMOBJ_INHERIT_##how))

static void sees_all(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < PAGES; i++)
		VT_CHECK(vt_get(mem, i) == i + 1);
}

/* ---- each kind ---- */

static void child_of_none(void *arg)
{
	struct iovec local = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	struct iovec remote = { .iov_base = vt_page(mem, 3), .iov_len = 1 };
	int fd[2];

	(void)arg;
	VT_CHECK(vt_get(mem, 1) == 2 && vt_get(mem, 4) == 5);
	VT_CHECK(vt_try_read(vt_page(mem, 2)) == SIGSEGV);
	VT_CHECK(vt_try_write(vt_page(mem, 3), 1) == SIGSEGV);
	VT_CHECK(!pipe(fd));
	VT_CHECK(write(fd[1], vt_page(mem, 2), 1) < 0 && errno == EFAULT);
	VT_CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 &&
		 errno == EFAULT);
	VT_CHECK(vt_inherit(mem, 2, 2, VMOBJ_INHERIT_COPY) == ENOMEM);
	VT_CHECK(vt_advise(mem, 0, PAGES, VMOBJ_ADV_WILLNEED) == ENOMEM);
	VT_CHECK(vt_check_ok());
}

static void none_in_both(void *arg)
{
	child_of_none(NULL);
	VT_CHECK(!vt_in_child(child_of_none, arg));
}

/* Also in the grandchild; beside it all is there. */
TEST(none_is_SIGSEGV_in_all_descendants)
{
	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(2, 2, NONE);
	EXPECT_EQ(0, vt_in_child(none_in_both, NULL));
	sees_all(NULL);
	EXPECT_TRUE(vt_check_ok());
}

static void reuses_none(void *arg)
{
	char *place, *other;

	(void)arg;
	place = mmap(NULL, vt_page_size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VT_CHECK(place != MAP_FAILED);
	/* moved, it is still nothing; and where it was something may be mapped */
	other = mremap(vt_page(mem, 2), vt_page_size, vt_page_size,
		       MREMAP_MAYMOVE | MREMAP_FIXED, place);
	VT_CHECK(other != MAP_FAILED);
	VT_CHECK(vt_try_read(other) == SIGSEGV);
	VT_CHECK(vt_map_at(vt_page(mem, 2), 2, VT_RW, MAP_PRIVATE | MAP_FIXED));
	VT_CHECK(vt_get(mem, 2) == 0 && vt_get(mem, 3) == 0);
	vt_put(mem, 3, 7);
	VT_CHECK(!mprotect(other, vt_page_size, PROT_READ));
	VT_CHECK(vt_try_read(other) == SIGSEGV);
	VT_CHECK(!munmap(other, vt_page_size));
	VT_CHECK(vt_check_ok());
}

TEST(what_is_not_inherited_can_be_mapped_anew)
{
	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(2, 2, NONE);
	EXPECT_EQ(0, vt_in_child(reuses_none, NULL));
	sees_all(NULL);
}

static void sees_zeros(void *arg)
{
	VT_CHECK(vt_get(mem, 1) == 2 && vt_get(mem, 4) == 5);
	VT_CHECK(!vt_get(mem, 2) && !vt_get(mem, 3));
	vt_put(mem, 2, 100);
	vt_put(mem, 1, 2);
	if (arg)
		VT_CHECK(!vt_in_child(sees_zeros, NULL));
	VT_CHECK(vt_get(mem, 2) == 100 && !vt_get(mem, 3));
	VT_CHECK(vt_check_ok());
}

TEST(zero_is_fresh_memory_in_all_descendants)
{
	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(2, 2, ZERO);
	EXPECT_EQ(0, vt_in_child(sees_zeros, mem));
	sees_all(NULL);
	EXPECT_TRUE(vt_check_ok());
}

static void writes_shared(void *arg)
{
	size_t first = arg ? 2 : 4;

	sees_all(NULL);
	vt_put(mem, first, 100 + first);
	vt_put(mem, 1, 99);
	if (arg)
		VT_CHECK(!vt_in_child(writes_shared, NULL));
	vt_put(mem, 4, 104);
	vt_put(mem, 2, 3);
}

TEST(private_memory_can_be_shared)
{
	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(4, 1, SHARE);
	EXPECT_EQ(0, vt_in_child(writes_shared, NULL));
	EXPECT_EQ(104, vt_get(mem, 4));
	EXPECT_EQ(2, vt_get(mem, 1));
	EXPECT_EQ(6, vt_get(mem, 5));
	EXPECT_TRUE(vt_check_ok());
}

static void writes_untouched(void *arg)
{
	vt_put(arg, 1, 5);
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(vt_get(arg, 2) == 6);
}

TEST(untouched_memory_is_shared_too)
{
	char *fresh;
	pid_t pid;

	SETUP(MAP_PRIVATE);
	fresh = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, fresh);
	ASSERT_EQ(0, vt_inherit(fresh, 0, PAGES, VMOBJ_INHERIT_SHARE));
	pid = vt_fork(writes_untouched, fresh);
	vt_gate_pass(&done);
	EXPECT_EQ(5, vt_get(fresh, 1));
	vt_put(fresh, 2, 6);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- shared mappings ---- */

static void sharer(void *arg)
{
	(void)arg;
	vt_gate_pass(&go);
	vt_put(mem, 3, 300);
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(vt_get(mem, 4) == 400);
}

static void snapshot(void *arg)
{
	(void)arg;
	vt_gate_pass(&go_copy);
	sees_all(NULL);
	vt_put(mem, 5, 1);
	vt_put(mem, 5, 6);
	VT_CHECK(vt_check_ok());
}

/* D2: in BSD the copy would show what a sharer writes later. */
TEST(a_copy_of_shared_memory_is_a_point_in_time)
{
	pid_t s, c;

	SETUP(MAP_SHARED);
	s = vt_fork(sharer, NULL);
	ASSERT_INHERIT(0, PAGES, COPY);
	c = vt_fork(snapshot, NULL);
	vt_gate_open(&go);
	vt_gate_pass(&done);
	EXPECT_EQ(300, vt_get(mem, 3));
	vt_put(mem, 4, 400);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(s));
	vt_gate_open(&go_copy);
	EXPECT_EQ(0, vt_wait(c));
	EXPECT_EQ(300, vt_get(mem, 3));
	EXPECT_EQ(6, vt_get(mem, 5));
	EXPECT_TRUE(vt_check_ok());
}

static void shared_none_and_zero(void *arg)
{
	(void)arg;
	VT_CHECK(vt_try_read(mem) == SIGSEGV);
	VT_CHECK(!vt_get(mem, 1));
	vt_put(mem, 1, 50);
	VT_CHECK(vt_get(mem, 2) == 3);
	vt_put(mem, 2, 60);
	VT_CHECK(vt_check_ok());
}

TEST(shared_mappings_need_not_be_inherited)
{
	SETUP(MAP_SHARED);
	ASSERT_INHERIT(0, 1, NONE);
	ASSERT_INHERIT(1, 1, ZERO);
	EXPECT_EQ(0, vt_in_child(shared_none_and_zero, NULL));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(2, vt_get(mem, 1));
	EXPECT_EQ(60, vt_get(mem, 2));
	/* and back */
	ASSERT_INHERIT(0, PAGES, SHARE);
	vt_put(mem, 2, 3);
	EXPECT_EQ(0, vt_in_child(sees_all, NULL));
}

static void has_one_memory_at_two_places(char *alias)
{
	VT_CHECK(vt_get(alias, 3) == 4);
	vt_put(mem, 3, 33);
	VT_CHECK(vt_get(alias, 3) == 33);
	vt_put(alias, 4, 44);
	VT_CHECK(vt_get(mem, 4) == 44);
	VT_CHECK(vt_check_ok());
}

static void aliases_its_copy(void *arg)
{
	char *alias;

	(void)arg;
	alias = mremap(mem, 0, PAGES * vt_page_size, MREMAP_MAYMOVE);
	VT_CHECK(alias != MAP_FAILED);
	has_one_memory_at_two_places(alias);
}

/* Fails if the two addresses of a lazy copy get one shadow each. */
TEST(an_alias_of_a_lazy_copy_is_the_same_memory)
{
	SETUP(MAP_SHARED);
	ASSERT_INHERIT(0, PAGES, COPY);
	EXPECT_EQ(0, vt_in_child(aliases_its_copy, NULL));
	sees_all(NULL);
	EXPECT_TRUE(vt_check_ok());
}

static void leaves_its_copy(void *arg)
{
	char *moved;

	moved = mremap(mem, PAGES * vt_page_size, PAGES * vt_page_size,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	*(bool *)arg = moved != MAP_FAILED;
	if (moved != MAP_FAILED)
		has_one_memory_at_two_places(moved);
}

/* It is shared memory, which is not taken away from where it was. */
TEST(a_lazy_copy_of_shared_memory_is_moved_and_left)
{
	bool *moved = mmap(NULL, sizeof(*moved), VT_RW,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)moved);
	SETUP(MAP_SHARED);
	ASSERT_INHERIT(0, PAGES, COPY);
	EXPECT_EQ(0, vt_in_child(leaves_its_copy, moved));
	if (!*moved)
		SKIP(return, "no MREMAP_DONTUNMAP for such mappings");
	sees_all(NULL);
	EXPECT_TRUE(vt_check_ok());
}

/* ---- with mremap ---- */

#define MORE	4

/* The first pages, @arg of them. */
static void is_zero(void *arg)
{
	size_t i;

	for (i = 0; i < (size_t)arg; i++)
		VT_CHECK(vt_get(mem, i) == 0);
}

static char *grow(void)
{
	return mremap(mem, PAGES * vt_page_size, (PAGES + MORE) * vt_page_size,
		      MREMAP_MAYMOVE);
}

/* What is grown by is as what is before it. */
TEST(growth_inherits_alike)
{
	char *to;

	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(0, PAGES, ZERO);
	to = grow();
	ASSERT_NE(MAP_FAILED, (void *)to);
	mem = to;
	vt_put(mem, PAGES + 3, 5);
	EXPECT_EQ(0, vt_in_child(is_zero, (void *)(size_t)(PAGES + MORE)));
	EXPECT_EQ(5, vt_get(mem, PAGES + 3));
	EXPECT_TRUE(vt_check_ok());
}

/* Also if that is gone before what is new is touched. */
TEST(growth_inherits_alike_from_what_is_gone)
{
	char *to;

	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(0, PAGES, ZERO);
	to = grow();
	ASSERT_NE(MAP_FAILED, (void *)to);
	ASSERT_EQ(0, munmap(to, PAGES * vt_page_size));
	mem = vt_page(to, PAGES);
	vt_put(mem, 2, 5);
	EXPECT_EQ(0, vt_in_child(is_zero, (void *)(size_t)MORE));
	EXPECT_EQ(5, vt_get(mem, 2));
	EXPECT_TRUE(vt_check_ok());
}

TEST(a_move_takes_inheritance_along)
{
	char *to;

	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(2, 2, ZERO);
	to = mmap(NULL, PAGES * vt_page_size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)to);
	to = mremap(mem, PAGES * vt_page_size, PAGES * vt_page_size,
		    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_NE(MAP_FAILED, (void *)to);
	mem = to;
	EXPECT_EQ(0, vt_in_child(sees_zeros, mem));
	sees_all(NULL);
}

static void zeros_at_old_place(void *arg)
{
	VT_CHECK(vt_get(arg, 2) == 0);
	VT_CHECK(vt_get(arg, 1) == 11);
}

TEST(what_a_move_leaves_behind_keeps_it)
{
	char *old;

	SETUP(MAP_PRIVATE);
	ASSERT_INHERIT(2, 2, ZERO);
	old = mem;
	mem = mremap(old, PAGES * vt_page_size, PAGES * vt_page_size,
		     MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (mem == MAP_FAILED)
		SKIP(return, "no MREMAP_DONTUNMAP for such mappings");
	sees_all(NULL);
	EXPECT_EQ(0, vt_get(old, 2));
	vt_put(old, 1, 11);
	vt_put(old, 2, 12);
	EXPECT_EQ(0, vt_in_child(zeros_at_old_place, old));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- arguments ---- */

TEST(bad_ranges)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(EINVAL, vt_inherit(mem + 1, 0, 1, VMOBJ_INHERIT_COPY));
	EXPECT_EQ(EINVAL, vt_inherit(mem, 0, 1, 4));
	EXPECT_EQ(EINVAL, vt_inherit(mem, 0, SIZE_MAX / vt_page_size,
				     VMOBJ_INHERIT_COPY));
	EXPECT_EQ(0, vt_inherit(mem, 0, 0, VMOBJ_INHERIT_NONE));
	ASSERT_EQ(0, munmap(vt_page(mem, 6), vt_page_size));
	/* and then nothing has changed */
	EXPECT_EQ(ENOMEM, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_NONE));
	ASSERT_NE(MAP_FAILED, mmap(vt_page(mem, 6), vt_page_size, VT_RW,
				   MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1,
				   0));
	EXPECT_EQ(ENOMEM, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_NONE));
	vt_put(mem, 6, 7);
	EXPECT_EQ(0, vt_in_child(sees_all, NULL));
}

TEST(many_changes_leave_one_entry)
{
	long long entries;
	int i;

	VT_NEED_DEBUGFS();
	SETUP(MAP_PRIVATE);
	entries = vt_stat("entries");
	for (i = 0; i < PAGES; i++)
		ASSERT_INHERIT(i, 1, NONE);
	EXPECT_EQ(entries, vt_stat("entries"));
	for (i = 0; i < PAGES; i += 2)
		ASSERT_INHERIT(i, 1, COPY);
	EXPECT_EQ(entries + PAGES - 1, vt_stat("entries"));
	ASSERT_INHERIT(0, PAGES, COPY);
	EXPECT_EQ(entries, vt_stat("entries"));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- CVE-2021-29626 ---- */

/*
 * Parent P, sibling S (or not), child C with a copy of P's memory, and C's child G who
 * shares that copy.  All have the pages mapped; then C and G write and P exits, in any
 * order.
 */
enum who { WHO_P, WHO_S, WHO_C, WHO_G, WHO_NR };
enum event { C_WRITES, G_WRITES, P_EXITS, EVENTS };

struct shadow_case {
	size_t pages;
	bool sibling;
	bool eager;		/* C has copied all before it shares */
	int order[EVENTS];
};

struct look {
	uint32_t tag;
	size_t pages;
	char *mem;
};

static const size_t lengths[] = { 1, 2, 511, 512, 513 };

/* First, middle, last; all others are touched. */
static size_t spot(size_t pages, int n)
{
	return n == 0 ? 0 : n == 1 ? pages / 2 : pages - 1;
}

static long look(void *arg)
{
	struct look *l = arg;
	size_t i;

	for (i = 0; i < l->pages; i++)
		if (vt_page(l->mem, i)[0] != (char)l->tag)
			return -1;
	for (i = 0; i < 3; i++)
		if (vt_get(l->mem, spot(l->pages, i)) != l->tag)
			return -1;
	return 0;
}

static long put(void *arg)
{
	struct look *l = arg;
	size_t i;

	for (i = 0; i < l->pages; i++)
		vt_page(l->mem, i)[0] = l->tag;
	for (i = 0; i < 3; i++)
		vt_put(l->mem, spot(l->pages, i), l->tag);
	return 0;
}

static long map(void *arg)
{
	struct look *l = arg;

	l->mem = vt_map(l->pages, VT_RW, MAP_PRIVATE);
	return l->mem ? put(l) : -1;
}

static long share(void *arg)
{
	struct look *l = arg;

	return vt_inherit(l->mem, 0, l->pages, VMOBJ_INHERIT_SHARE);
}

static bool call(int who, puppet_fn fn, struct look *l, uint32_t tag)
{
	l->tag = tag;
	return !puppet_call(who, fn, l, sizeof(*l));
}

/* What C and G see is @shared, what P and S see is 1. */
static bool all_see(struct look *l, uint32_t shared)
{
	return (!puppet_alive(WHO_P) || call(WHO_P, look, l, 1)) &&
		(!puppet_alive(WHO_S) || call(WHO_S, look, l, 1)) &&
		call(WHO_C, look, l, shared) && call(WHO_G, look, l, shared);
}

static bool set_up(const struct shadow_case *c, struct look *l)
{
	l->pages = c->pages;
	if (!puppet_start(WHO_P) || !call(WHO_P, map, l, 1))
		return false;
	if (c->sibling && !puppet_fork(WHO_P, WHO_S))
		return false;
	if (!puppet_fork(WHO_P, WHO_C))
		return false;
	if (c->eager && !call(WHO_C, put, l, 2))
		return false;
	return call(WHO_C, share, l, 0) &&
		call(WHO_C, look, l, c->eager ? 2 : 1) &&
		puppet_fork(WHO_C, WHO_G);
}

static bool event(enum event e, struct look *l, uint32_t *shared)
{
	if (e == P_EXITS)
		return puppet_exit(WHO_P);
	*shared = e == C_WRITES ? 10 : 20;
	return call(e == C_WRITES ? WHO_C : WHO_G, put, l, *shared);
}

static bool run_case(const struct shadow_case *c)
{
	uint32_t shared = c->eager ? 2 : 1;
	struct look l = { 0 };
	bool good;
	int i;

	good = set_up(c, &l) && all_see(&l, shared);
	for (i = 0; i < EVENTS && good; i++)
		good = event(c->order[i], &l, &shared) &&
			all_see(&l, shared);
	good = good && vt_check_ok();
	puppet_kill_all();
	if (!good)
		printf("# pages %zu, sibling %d, eager %d, order %d%d%d, after %d events\n",
		       c->pages, c->sibling, c->eager, c->order[0],
		       c->order[1], c->order[2], i);
	return good;
}

static bool all_orders(struct shadow_case *c)
{
	int a, b;

	for (a = 0; a < EVENTS; a++) {
		for (b = 0; b < EVENTS; b++) {
			if (a == b)
				continue;
			c->order[0] = a;
			c->order[1] = b;
			c->order[2] = EVENTS - a - b;
			if (!run_case(c))
				return false;
		}
	}
	return true;
}

static void shared_shadow(struct __test_metadata *_metadata, size_t pages)
{
	struct shadow_case c = { .pages = pages };
	int i;

	for (i = 0; i < 4; i++) {
		c.sibling = i & 1;
		c.eager = i & 2;
		EXPECT_TRUE(all_orders(&c));
	}
}

TEST(a_shared_shadow_has_no_stale_pages)
{
	size_t i;

	VT_NEED_DEVICE();
	puppet_init();
	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		shared_shadow(_metadata, lengths[i]);
}

TEST_HARNESS_MAIN
