// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages in swap: whatever can be done to memory is done to memory that is paged out.
 */
#include "vmobj_test.h"

#include <sched.h>

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <linux/vmobj.h>

#define SWAP		VT_DEBUGFS "swap"
#define PAGES		64
#define SUPERPAGE	(2UL << 20)
#define LIMIT_MIB	"16"
#define LIMIT		(16UL << 20)
#define FOLDER		"/tmp/t_swap"
#define FILE_NAME	FOLDER "/file"
#define FILE_BYTES	(4UL << 20)

static char *mem;
static struct vt_gate go, done;

#define SETUP(flags) \
	do { \
		VT_NEED_DEVICE(); \
		mem = vt_map(PAGES, VT_RW, flags); \
		ASSERT_NE(NULL, mem); \
		madvise(mem, PAGES * vt_page_size, MADV_NOHUGEPAGE); \
		fill(mem, 0, PAGES, 1); \
		vt_gate_init(&go); \
		vt_gate_init(&done); \
	} while (0)

static void fill(char *at, size_t from, size_t to, uint32_t tag)
{
	for (; from < to; from++)
		vt_put(at, from, tag + from);
}

static bool holds(const char *at, size_t from, size_t to, uint32_t tag)
{
	for (; from < to; from++) {
		if (vt_get(at, from) != tag + from) {
			printf("# page %zu holds %u, not %zu\n", from,
			       vt_get(at, from), tag + from);
			return false;
		}
	}
	return true;
}

static size_t swapped(char *at, size_t page, size_t pages)
{
	struct vmobj_range range;

	return vt_range(at, page, pages, &range) ? (size_t)-1 :
						   (size_t)range.swapped;
}

static size_t resident(char *at, size_t page, size_t pages)
{
	struct vmobj_range range;

	return vt_range(at, page, pages, &range) ? (size_t)-1 :
						   (size_t)range.resident;
}

static int out(char *at, size_t page, size_t pages)
{
	return vt_advise(at, page, pages, VMOBJ_ADV_PAGEOUT);
}

/* Write a command to the control file; 0 or an errno. */
static int control(const char *command)
{
	return vt_write_file(SWAP, command);
}

/* ---- out and in ---- */

TEST(what_is_paged_out_comes_back)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(PAGES, swapped(mem, 0, PAGES));
	EXPECT_EQ(0, resident(mem, 0, PAGES));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(holds(mem, 0, PAGES, 1));
	EXPECT_EQ(0, swapped(mem, 0, PAGES));
	EXPECT_EQ(PAGES, resident(mem, 0, PAGES));
	EXPECT_TRUE(vt_check_ok());
}

TEST(writes_to_what_is_paged_out)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	fill(mem, 10, 20, 100);
	EXPECT_EQ(0, out(mem, 5, 10));
	EXPECT_TRUE(holds(mem, 0, 10, 1));
	EXPECT_TRUE(holds(mem, 10, 20, 100));
	EXPECT_TRUE(holds(mem, 20, PAGES, 1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(willneed_brings_pages_in)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(0, vt_advise(mem, 8, 16, VMOBJ_ADV_WILLNEED));
	EXPECT_EQ(0, swapped(mem, 8, 16));
	EXPECT_EQ(16, resident(mem, 8, 16));
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_WILLNEED));
	EXPECT_EQ(0, swapped(mem, 0, PAGES));
	EXPECT_TRUE(holds(mem, 0, PAGES, 1));
}

TEST(untouched_zeros_take_no_swap)
{
	long long used;
	size_t i;

	VT_NEED_DEBUGFS();
	VT_NEED_DEVICE();
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(0, vt_get(mem, i));
	used = vt_stat("pages_swapped");
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(used, vt_stat("pages_swapped"));
	EXPECT_EQ(0, resident(mem, 0, PAGES));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(0, vt_get(mem, i));
}

/* Pages of superpages, all of them in swap. */
#define SUPERPAGES_IN_SWAP(pages) \
	do { \
		size_t _pages = (pages); \
		VT_NEED_DEVICE(); \
		mem = vt_map(_pages, VT_RW, MAP_PRIVATE); \
		ASSERT_NE(NULL, mem); \
		madvise(mem, _pages * vt_page_size, MADV_HUGEPAGE); \
		fill(mem, 0, _pages, 7); \
		EXPECT_EQ(0, out(mem, 0, _pages)); \
		ASSERT_EQ(_pages, swapped(mem, 0, _pages)); \
	} while (0)

TEST(superpages_go_and_come_back)
{
	size_t pages = 2 * SUPERPAGE / vt_page_size;

	SUPERPAGES_IN_SWAP(pages);
	EXPECT_TRUE(vt_check_ok());
	vt_put(mem, 100, 5);
	EXPECT_TRUE(holds(mem, 0, 100, 7));
	EXPECT_TRUE(holds(mem, 101, pages, 7));
	EXPECT_EQ(5, vt_get(mem, 100));
	EXPECT_TRUE(vt_check_ok());
}

/* Only what is read in a row does: else each read would bring in 2 MiB. */
TEST(superpages_come_back_whole)
{
	size_t nr = SUPERPAGE / vt_page_size, pages = 4 * nr, i;
	long long whole;

	VT_NEED_DEBUGFS();
	SUPERPAGES_IN_SWAP(pages);
	whole = vt_stat("superpage_swapins");
	EXPECT_TRUE(holds(mem, 3 * nr + 5, 3 * nr + 6, 7));
	EXPECT_EQ(whole, vt_stat("superpage_swapins"));
	EXPECT_TRUE(holds(mem, 0, nr, 7));
	for (i = nr; i < 3 * nr; i += nr / 2)
		EXPECT_TRUE(holds(mem, i, i + 1, 7));
	EXPECT_EQ(whole + 2, vt_stat("superpage_swapins"));
	EXPECT_EQ(2 * nr, resident(mem, nr, 2 * nr));
	EXPECT_TRUE(vt_check_ok());
	vt_put(mem, nr + 1, 5);
	EXPECT_EQ(0, out(mem, 0, pages));
	EXPECT_EQ(5, vt_get(mem, nr + 1));
	EXPECT_TRUE(holds(mem, 0, nr + 1, 7));
	EXPECT_TRUE(holds(mem, nr + 2, pages, 7));
	EXPECT_TRUE(vt_check_ok());
}

TEST(unmapping_and_discarding_frees_swap)
{
	long long used;

	VT_NEED_DEBUGFS();
	SETUP(MAP_PRIVATE);
	used = vt_stat("pages_swapped");
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(used + PAGES, vt_stat("pages_swapped"));
	EXPECT_EQ(0, vt_advise(mem, 0, 8, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(used + PAGES - 8, vt_stat("pages_swapped"));
	EXPECT_EQ(0, vt_get(mem, 3));
	EXPECT_EQ(0, munmap(vt_page(mem, 8), 8 * vt_page_size));
	EXPECT_EQ(used + PAGES - 16, vt_stat("pages_swapped"));
	EXPECT_TRUE(holds(mem, 16, PAGES, 1));
	EXPECT_EQ(0, out(mem, 16, PAGES - 16));
	EXPECT_EQ(0, munmap(mem, PAGES * vt_page_size));
	EXPECT_EQ(used, vt_stat("pages_swapped"));
	EXPECT_TRUE(vt_check_ok());
}

TEST(moved_and_grown_memory)
{
	char *at;

	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	at = mremap(mem, PAGES * vt_page_size, 2 * PAGES * vt_page_size,
		    MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(PAGES, swapped(at, 0, PAGES));
	EXPECT_TRUE(holds(at, 0, PAGES, 1));
	EXPECT_EQ(0, vt_get(at, PAGES + 3));
	EXPECT_TRUE(vt_check_ok());
}

TEST(locked_memory_stays)
{
	SETUP(MAP_PRIVATE);
	ASSERT_EQ(0, mlock(mem, 16 * vt_page_size));
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(16, resident(mem, 0, 16));
	EXPECT_EQ(PAGES - 16, swapped(mem, 16, PAGES - 16));
	EXPECT_EQ(0, munlock(mem, 16 * vt_page_size));
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(0, resident(mem, 0, PAGES));
	/* and brings back what has gone */
	ASSERT_EQ(0, mlock(mem, PAGES * vt_page_size));
	EXPECT_EQ(PAGES, resident(mem, 0, PAGES));
	EXPECT_TRUE(holds(mem, 0, PAGES, 1));
}

/* Room for a superpage, which it becomes when it is touched. */
#define ROOM_FOR_SUPERPAGE() \
	do { \
		VT_NEED_DEVICE(); \
		mem = vt_map(2 * SUPERPAGE / vt_page_size, VT_RW, MAP_PRIVATE); \
		ASSERT_NE(NULL, mem); \
		mem = (char *)(((uintptr_t)mem + SUPERPAGE - 1) & ~(SUPERPAGE - 1)); \
		madvise(mem, SUPERPAGE, MADV_HUGEPAGE); \
	} while (0)

TEST(locked_superpages_stay)
{
	size_t pages = SUPERPAGE / vt_page_size;

	ROOM_FOR_SUPERPAGE();
	fill(mem, 0, pages, 7);
	ASSERT_EQ(0, mlock(vt_page(mem, 5), vt_page_size));
	EXPECT_EQ(0, out(mem, 0, pages));
	EXPECT_EQ(1, resident(mem, 5, 1));
	EXPECT_EQ(0, munlock(vt_page(mem, 5), vt_page_size));
	EXPECT_EQ(0, out(mem, 0, pages));
	EXPECT_EQ(0, resident(mem, 0, pages));
	EXPECT_TRUE(holds(mem, 0, pages, 7));
}

static size_t pages_here;

static void pages_its_own_out(__attribute__((unused)) void *arg)
{
	vt_gate_pass(&go);
	fill(mem, 0, pages_here, 8);
	VT_CHECK(!out(mem, 0, pages_here));
	VT_CHECK(!resident(mem, 0, pages_here));
	VT_CHECK(holds(mem, 0, pages_here, 8));
}

/*
 * What relatives have at the same place is locked, or goes, by itself.  On one processor: others
 * would have batches of what was locked, with references, which munlock() does not empty.
 */
static void a_relative_locks(struct __test_metadata *_metadata, size_t pages)
{
	cpu_set_t one;
	pid_t child;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	pages_here = pages;
	vt_gate_init(&go);
	child = vt_fork(pages_its_own_out, NULL);
	ASSERT_EQ(0, mlock(mem, pages * vt_page_size));
	fill(mem, 0, pages, 7);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(child));
	EXPECT_EQ(0, out(mem, 0, pages));
	EXPECT_EQ(pages, resident(mem, 0, pages));
	EXPECT_TRUE(holds(mem, 0, pages, 7));
	EXPECT_EQ(0, munlock(mem, pages * vt_page_size));
	EXPECT_EQ(0, out(mem, 0, pages));
	EXPECT_EQ(0, resident(mem, 0, pages));
	EXPECT_TRUE(holds(mem, 0, pages, 7));
}

TEST(superpages_that_a_relative_locks)
{
	ROOM_FOR_SUPERPAGE();
	a_relative_locks(_metadata, SUPERPAGE / vt_page_size);
}

TEST(pages_that_a_relative_locks)
{
	SETUP(MAP_PRIVATE);
	a_relative_locks(_metadata, PAGES);
}

/* ---- fork ---- */

static void child_reads_and_writes(__attribute__((unused)) void *arg)
{
	VT_CHECK(holds(mem, 0, PAGES, 1));
	fill(mem, 0, 16, 200);
	VT_CHECK(!out(mem, 0, PAGES));
	VT_CHECK(holds(mem, 0, 16, 200));
	VT_CHECK(holds(mem, 16, PAGES, 1));
}

TEST(a_child_sees_what_its_parent_has_in_swap)
{
	SETUP(MAP_PRIVATE);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(0, vt_in_child(child_reads_and_writes, NULL));
	EXPECT_TRUE(holds(mem, 0, PAGES, 1));
	EXPECT_TRUE(vt_check_ok());
}

static void child_of_paged_chains(__attribute__((unused)) void *arg)
{
	fill(mem, 0, 32, 300);
	vt_gate_open(&done);
	vt_gate_pass(&go);
	VT_CHECK(holds(mem, 0, 32, 300));
	VT_CHECK(holds(mem, 32, PAGES, 1));
}

TEST(both_go_on_with_a_chain_in_swap)
{
	pid_t child;

	SETUP(MAP_PRIVATE);
	child = vt_fork(child_of_paged_chains, NULL);
	fill(mem, 16, 48, 400);
	vt_gate_pass(&done);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_TRUE(vt_check_ok());
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(child));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_TRUE(holds(mem, 0, 16, 1));
	EXPECT_TRUE(holds(mem, 16, 48, 400));
	EXPECT_TRUE(holds(mem, 48, PAGES, 1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(shared_memory_in_swap_is_shared)
{
	pid_t child;

	SETUP(MAP_SHARED);
	child = vt_fork(child_of_paged_chains, NULL);
	vt_gate_pass(&done);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_TRUE(holds(mem, 0, 32, 300));
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(child));
	EXPECT_TRUE(holds(mem, 0, 32, 300));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- descriptors ---- */

TEST(an_object_with_a_descriptor_in_swap)
{
	struct vmobj_create arg = { .size = sizeof(arg) };
	char *buffer = malloc(PAGES * vt_page_size);
	int dev, fd;

	VT_NEED_DEVICE();
	arg.length = PAGES * vt_page_size;
	dev = vt_open(O_RDWR);
	fd = ioctl(dev, VMOBJ_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	mem = mmap(NULL, arg.length, VT_RW, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	/* What is touched, and no more, wherever it is mapped. */
	madvise(mem, arg.length, MADV_NOHUGEPAGE);
	fill(mem, 8, 40, 1);
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(32, swapped(mem, 0, PAGES));
	/* holes and data are where they were */
	EXPECT_EQ(8 * vt_page_size, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(40 * vt_page_size, lseek(fd, 8 * vt_page_size, SEEK_HOLE));
	EXPECT_EQ(arg.length, pread(fd, buffer, arg.length, 0));
	EXPECT_TRUE(holds(buffer, 8, 40, 1));
	/* a page that is cut keeps its first half, and has zeros after that */
	EXPECT_EQ(0, out(mem, 0, PAGES));
	EXPECT_EQ(0, ftruncate(fd, 20 * vt_page_size + 100));
	EXPECT_EQ(0, ftruncate(fd, arg.length));
	EXPECT_EQ(vt_page_size, pread(fd, buffer + 64, vt_page_size,
				      20 * vt_page_size));
	EXPECT_EQ(0, memcmp(buffer + 64, buffer + 20 * vt_page_size, 100));
	EXPECT_EQ(0, buffer[64 + 100]);
	EXPECT_EQ(0, vt_get(mem, 30));
	/* and what is written over is what was written */
	EXPECT_EQ(0, out(mem, 0, PAGES));
	vt_put(buffer, 0, 99);
	EXPECT_EQ(vt_page_size, pwrite(fd, buffer, vt_page_size,
				       10 * vt_page_size));
	EXPECT_EQ(99, vt_get(mem, 10));
	EXPECT_TRUE(holds(mem, 11, 20, 1));
	EXPECT_TRUE(vt_check_ok());
	close(fd);
	close(dev);
	free(buffer);
}

/* ---- more than there may be ---- */

static void fork_tree(char *at, size_t pages, uint64_t *seed, int depth)
{
	size_t i;
	pid_t child;

	child = fork();
	if (child < 0)
		return;
	for (i = 0; i < 200; i++) {
		size_t page = vt_random(seed) % pages;
		uint32_t was = vt_get(at, page);

		if (was == VT_TORN) {
			printf("# page %zu is torn\n", page);
			_exit(1);
		}
		vt_put(at, page, was + 1);
		if (vt_get(at, page) != was + 1) {
			printf("# page %zu lost a write\n", page);
			_exit(1);
		}
	}
	if (!child) {
		if (depth)
			fork_tree(at, pages, seed, depth - 1);
		_exit(0);
	}
	if (vt_wait(child))
		_exit(1);
}

/* Four times the limit, in any order; nothing is lost. */
TEST(memory_over_the_limit)
{
	size_t pages = 4 * LIMIT / vt_page_size, i;
	uint32_t *want = calloc(pages, sizeof(*want));
	uint64_t seed = vt_seed();

	VT_NEED_DEBUGFS();
	VT_NEED_DEVICE();
	if (!vt_set_parameter("max_resident", LIMIT_MIB))
		SKIP(return, "needs root, to set a parameter");
	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < pages; i++) {
		want[i] = i + 1;
		vt_put(mem, i, want[i]);
	}
	EXPECT_GE(LIMIT + LIMIT / 8, vt_stat("resident_kib") * 1024);
	for (i = 0; i < vt_scale(pages / 2, 100); i++) {
		size_t page = vt_random(&seed) % pages;

		EXPECT_EQ(want[page], vt_get(mem, page));
		if (vt_random(&seed) & 1) {
			want[page] += pages;
			vt_put(mem, page, want[page]);
		}
	}
	fork_tree(mem, pages, &seed, 3);
	EXPECT_TRUE(vt_check_ok());
	EXPECT_LT(0, vt_stat("swapins"));
	EXPECT_EQ(0, munmap(mem, pages * vt_page_size));
	EXPECT_EQ(0, vt_stat("pages_swapped"));
	EXPECT_TRUE(vt_set_parameter("max_resident", "0"));
	free(want);
}

/* A store of 4 MiB; what does not fit is refused, what is there stays. */
TEST(swap_full)
{
	size_t pages = 3 * LIMIT / vt_page_size, i;
	static const char zeros[65536];
	int fd, got = 0;

	VT_NEED_DEBUGFS();
	VT_NEED_DEVICE();
	mkdir(FOLDER, 0700);
	if (mount("tmpfs", FOLDER, "tmpfs", 0, "size=8m"))
		SKIP(return, "needs root, to mount a tmpfs");
	fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	/* What tmpfs has allocated and not written to is a hole. */
	for (i = 0; i < FILE_BYTES; i += sizeof(zeros))
		ASSERT_EQ(sizeof(zeros), write(fd, zeros, sizeof(zeros)));
	close(fd);
	ASSERT_TRUE(vt_set_parameter("swap_size", "0"));
	control("remove shmem");
	ASSERT_EQ(0, control("add " FILE_NAME " 10"));
	ASSERT_TRUE(vt_set_parameter("max_resident", LIMIT_MIB));

	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	madvise(mem, pages * vt_page_size, MADV_NOHUGEPAGE);
	for (i = 0; i < pages && !got; i++) {
		got = vt_try_write(vt_page(mem, i), 1);
		if (!got)
			vt_put(mem, i, i + 1);
	}
	EXPECT_EQ(SIGBUS, got);
	EXPECT_LT((LIMIT + FILE_BYTES / 2) / vt_page_size, i);
	/* With room again all is there, and there may be more. */
	EXPECT_TRUE(vt_set_parameter("max_resident", "0"));
	EXPECT_TRUE(holds(mem, 0, i - 1, 1));
	EXPECT_EQ(0, vt_try_write(vt_page(mem, i), 1));
	EXPECT_TRUE(vt_check_ok());
	EXPECT_EQ(0, control("remove " FILE_NAME));
	EXPECT_TRUE(holds(mem, 0, i - 1, 1));
	EXPECT_EQ(0, vt_stat("pages_swapped"));
	EXPECT_EQ(0, munmap(mem, pages * vt_page_size));
	EXPECT_TRUE(vt_set_parameter("swap_size", "-1"));
	EXPECT_EQ(0, umount(FOLDER));
}

TEST_HARNESS_MAIN
