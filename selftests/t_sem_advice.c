// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each value of madvise() does, held against Linux's own anonymous memory beside
 * it: the same, unless the table says what else.
 */
#include "vmobj_test.h"

#include <sys/syscall.h>

#define PAGES	4

#define SAME	(-1)

FIXTURE(advice)
{
	char *ours, *linux_s;
};

/* What is different: the error (0 for none), and that contents stay. */
FIXTURE_VARIANT(advice)
{
	int value;
	int err;
	bool keeps;
};

FIXTURE_VARIANT_ADD(advice, normal) { 0, SAME, false };
FIXTURE_VARIANT_ADD(advice, random) { 1, SAME, false };
FIXTURE_VARIANT_ADD(advice, sequential) { 2, SAME, false };
FIXTURE_VARIANT_ADD(advice, willneed) { 3, SAME, false };
/* To Linux the VMA is shared, and what is shared is not thrown away. */
FIXTURE_VARIANT_ADD(advice, dontneed) { 4, SAME, true };
FIXTURE_VARIANT_ADD(advice, free) { 8, EINVAL, true };
FIXTURE_VARIANT_ADD(advice, remove) { 9, SAME, false };
FIXTURE_VARIANT_ADD(advice, dontfork) { 10, SAME, false };
FIXTURE_VARIANT_ADD(advice, dofork) { 11, SAME, false };
FIXTURE_VARIANT_ADD(advice, mergeable) { 12, SAME, false };
FIXTURE_VARIANT_ADD(advice, unmergeable) { 13, SAME, false };
FIXTURE_VARIANT_ADD(advice, hugepage) { 14, SAME, false };
FIXTURE_VARIANT_ADD(advice, nohugepage) { 15, SAME, false };
FIXTURE_VARIANT_ADD(advice, dontdump) { 16, SAME, false };
FIXTURE_VARIANT_ADD(advice, dodump) { 17, SAME, false };
FIXTURE_VARIANT_ADD(advice, wipeonfork) { 18, EINVAL, false };
/* Nothing is to be undone. */
FIXTURE_VARIANT_ADD(advice, keeponfork) { 19, SAME, false };
FIXTURE_VARIANT_ADD(advice, cold) { 20, SAME, false };
FIXTURE_VARIANT_ADD(advice, pageout) { 21, SAME, false };
FIXTURE_VARIANT_ADD(advice, populate_read) { 22, SAME, false };
FIXTURE_VARIANT_ADD(advice, populate_write) { 23, SAME, false };
FIXTURE_VARIANT_ADD(advice, dontneed_locked) { 24, SAME, true };
FIXTURE_VARIANT_ADD(advice, unknown) { 77, SAME, false };

static void fill(char *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, i + 1);
}

static bool filled(const char *mem)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != i + 1)
			return false;
	return true;
}

FIXTURE_SETUP(advice)
{
	self->ours = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	self->linux_s = mmap(NULL, PAGES * vt_page_size, VT_RW,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(NULL, self->ours);
	ASSERT_NE(MAP_FAILED, self->linux_s);
	fill(self->ours);
	fill(self->linux_s);
}

FIXTURE_TEARDOWN(advice)
{
	EXPECT_TRUE(vt_check_ok());
}

static int advise(char *mem, int value)
{
	return madvise(mem, PAGES * vt_page_size, value) ? errno : 0;
}

TEST_F(advice, is_answered_alike)
{
	int theirs = advise(self->linux_s, variant->value);
	int ours = advise(self->ours, variant->value);
	bool differs = variant->err != SAME && !vt_is_anon();

	EXPECT_EQ(differs ? variant->err : theirs, ours);
}

TEST_F(advice, leaves_the_same_contents)
{
	bool kept;

	advise(self->linux_s, variant->value);
	advise(self->ours, variant->value);
	kept = filled(self->linux_s);
	if (!vt_is_anon())
		kept |= variant->keeps;
	EXPECT_EQ(kept, filled(self->ours));
	/* And it can be used as before. */
	fill(self->ours);
	EXPECT_TRUE(filled(self->ours));
}

/* Whatever one process says of its memory, its relative's is not touched. */
TEST_F(advice, leaves_the_relatives_contents)
{
	struct vt_gate go;
	pid_t pid;

	vt_gate_init(&go);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&go);
		VT_CHECK(filled(self->ours));
		_exit(0);
	}
	advise(self->ours, variant->value);
	fill(self->ours);
	vt_put(self->ours, 1, 99);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
}

/* ---- what two of them are for ---- */

TEST(dontfork_and_dofork)
{
	char *mem = vt_map(2, VT_RW, MAP_PRIVATE);
	pid_t pid;

	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	vt_put(mem, 1, 2);
	ASSERT_EQ(0, madvise(mem, 2 * vt_page_size, MADV_DONTFORK));
	ASSERT_EQ(0, madvise(mem, vt_page_size, MADV_DOFORK));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		VT_CHECK(vt_get(mem, 0) == 1);
		VT_CHECK(vt_try_read(vt_page(mem, 1)) == SIGSEGV);
		_exit(0);
	}
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(2, vt_get(mem, 1));
}

/* ---- process_madvise() ---- */

#ifndef __NR_process_madvise
#define __NR_process_madvise	440
#endif
#ifndef __NR_pidfd_open
#define __NR_pidfd_open		434
#endif

TEST(process_madvise_of_a_relative)
{
	char *mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	struct { void *base; size_t length; } iov = { mem, PAGES * vt_page_size };
	struct vt_gate go;
	pid_t pid;
	long n;
	int fd;

	ASSERT_NE(NULL, mem);
	fill(mem);
	vt_gate_init(&go);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&go);
		VT_CHECK(filled(mem));
		_exit(0);
	}
	fd = syscall(__NR_pidfd_open, pid, 0);
	n = fd < 0 ? -1 : syscall(__NR_process_madvise, fd, &iov, 1, 20 /* COLD */, 0);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(filled(mem));
	if (n < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP(return, "process_madvise() is not for us here");
	EXPECT_EQ(PAGES * vt_page_size, n);
}

/* ---- guard regions (6.13) ---- */

#define MADV_GUARD_INSTALL_	102
#define MADV_GUARD_REMOVE_	103

#define NEED_GUARDS(mem) \
	do { \
		if (madvise(mem, vt_page_size, MADV_GUARD_INSTALL_)) \
			SKIP(return, "this kernel has no guard regions%s", \
			     vt_is_anon() ? "" : " for files' memory"); \
	} while (0)

TEST(guard_region_faults_and_is_inherited)
{
	char *mem = vt_map(3, VT_RW, MAP_PRIVATE);
	pid_t pid;

	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	vt_put(mem, 2, 3);
	NEED_GUARDS(vt_page(mem, 1));
	EXPECT_EQ(SIGSEGV, vt_try_read(vt_page(mem, 1)));
	EXPECT_EQ(SIGSEGV, vt_try_write(vt_page(mem, 1), 1));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		VT_CHECK(vt_get(mem, 0) == 1);
		VT_CHECK(vt_try_read(vt_page(mem, 1)) == SIGSEGV);
		vt_put(mem, 0, 7);
		vt_put(mem, 2, 9);
		_exit(0);
	}
	vt_put(mem, 2, 5);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(1, vt_get(mem, 0));
	EXPECT_EQ(5, vt_get(mem, 2));
	ASSERT_EQ(0, madvise(vt_page(mem, 1), vt_page_size, MADV_GUARD_REMOVE_));
	EXPECT_EQ(0, vt_get(mem, 1));
	EXPECT_TRUE(vt_check_ok());
}

/* Linux discards what a guard region covers; here it is hidden. */
TEST(guard_region_over_contents)
{
	char *mem = vt_map(1, VT_RW, MAP_PRIVATE);

	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 1);
	NEED_GUARDS(mem);
	EXPECT_EQ(SIGSEGV, vt_try_read(mem));
	ASSERT_EQ(0, madvise(mem, vt_page_size, MADV_GUARD_REMOVE_));
	EXPECT_EQ(vt_is_anon() ? 0 : 1, vt_get(mem, 0));
}

/* ---- memory failure ---- */

#define MADV_SOFT_OFFLINE_	101

static void soft_offline(void *arg)
{
	char *mem = arg;

	/* It may move the page elsewhere, or be refused; it may not be lost. */
	if (madvise(mem, vt_page_size, MADV_SOFT_OFFLINE_) && errno == EINVAL)
		_exit(4);
	VT_CHECK(filled(mem));
}

TEST(soft_offline_loses_nothing)
{
	char *mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	int status;

	ASSERT_NE(NULL, mem);
	fill(mem);
	status = vt_in_child(soft_offline, mem);
	if (status == 4)
		SKIP(return, "no MADV_SOFT_OFFLINE in this kernel");
	EXPECT_EQ(0, status);
	EXPECT_TRUE(filled(mem));
}

#define MADV_HWPOISON_		100

/*
 * The kernel does not know what to do with our pages: it says so, and the program goes
 * on with a page that may be bad.  The page is not given to anybody after that.
 */
static void memory_fails(void *arg)
{
	char *mem = arg;
	int err = madvise(mem, vt_page_size, MADV_HWPOISON_) ? errno : 0;

	if (err == EINVAL || err == EPERM)
		_exit(4);
	/* Linux's own is taken away, and whoever touches it killed, if not before. */
	VT_CHECK(filled(mem));
	VT_CHECK(err);
}

TEST(memory_failure_is_reported_and_not_handled)
{
	char *mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	int status;

	ASSERT_NE(NULL, mem);
	/* Of a superpage more would be lost. */
	madvise(mem, PAGES * vt_page_size, MADV_NOHUGEPAGE);
	fill(mem);
	status = vt_in_child(memory_fails, mem);
	if (status == 4)
		SKIP(return, "no MADV_HWPOISON for us in this kernel");
	EXPECT_EQ(vt_is_anon() ? 128 + SIGBUS : 0, status);
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
