// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel shows of the memory, and does with it by itself: /proc, userfaultfd,
 * memory policy, io_uring, soft-dirty bits.
 */
#include "vmobj_test.h"

#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGES	4

static char *mem;

static bool map_and_fill(int flags)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, flags);
	for (i = 0; mem && i < PAGES; i++)
		vt_put(mem, i, i + 1);
	return mem;
}

static bool filled(void)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != i + 1)
			return false;
	return true;
}

/* ---- /proc ---- */

/* A line of the mapping at mem in smaps, after its name. */
static bool smaps_line(const char *name, char *value, size_t room)
{
	unsigned long start, end;
	bool here = false, found = false;
	char line[512];
	FILE *file = fopen("/proc/self/smaps", "r");

	while (file && !found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start == (unsigned long)mem;
		found = here && !strncmp(line, name, strlen(name));
	}
	if (file)
		fclose(file);
	if (found)
		snprintf(value, room, "%s", line + strlen(name));
	return found;
}

static long smaps_kib(const char *name)
{
	char value[512];

	return smaps_line(name, value, sizeof(value)) ? strtol(value, NULL, 10) : -1;
}

TEST(smaps_counts_what_is_resident)
{
	long kib = PAGES * vt_page_size / 1024;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_EQ(kib, smaps_kib("Size:"));
	EXPECT_EQ(kib, smaps_kib("Rss:"));
	EXPECT_EQ(kib, smaps_kib("Pss:"));
	EXPECT_EQ(0, smaps_kib("Swap:"));
	/* To Linux it is a file's. */
	EXPECT_EQ(vt_is_anon() ? kib : 0, smaps_kib("Anonymous:"));
	EXPECT_EQ(kib, smaps_kib("Private_Dirty:"));
}

TEST(smaps_has_the_flags_of_a_shared_mapping)
{
	char flags[512];

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(smaps_line("VmFlags:", flags, sizeof(flags)));
	EXPECT_EQ(!vt_is_anon(), !!strstr(flags, " sh "));
	/* Only what was mapped as shared may be. */
	EXPECT_EQ(NULL, strstr(flags, " ms "));
	EXPECT_NE(NULL, strstr(flags, " rd wr "));
}

#define BIT_ULL(n)	(1ULL << (n))
#define PM_SOFT_DIRTY	BIT_ULL(55)
#define PM_FILE		BIT_ULL(61)
#define PM_SWAP		BIT_ULL(62)
#define PM_PRESENT	BIT_ULL(63)

static uint64_t pagemap(size_t page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof(entry),
		  (uintptr_t)vt_page(mem, page) / vt_page_size * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

TEST(pagemap_shows_what_is_mapped)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, pagemap(1) & (PM_PRESENT | PM_SWAP));
	vt_put(mem, 1, 1);
	EXPECT_EQ(PM_PRESENT, pagemap(1) & (PM_PRESENT | PM_SWAP));
	EXPECT_EQ(vt_is_anon() ? 0 : PM_FILE, pagemap(1) & PM_FILE);
	EXPECT_EQ(0, pagemap(2) & PM_PRESENT);
}

static bool clear_refs(const char *what)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool good = write(fd, what, 1) == 1;

	close(fd);
	return good;
}

static bool have_soft_dirty(void)
{
	char *twin = mem;
	bool good;

	mem = mmap(NULL, vt_page_size, VT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mem[0] = 1;
	good = clear_refs("4") && !(pagemap(0) & PM_SOFT_DIRTY);
	mem[0] = 2;
	good = good && pagemap(0) & PM_SOFT_DIRTY;
	munmap(mem, vt_page_size);
	mem = twin;
	return good;
}

TEST(clear_refs_makes_soft_dirty_bits_new)
{
	if (!have_soft_dirty())
		SKIP(return, "this kernel has no soft-dirty bits");
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(clear_refs("4"));
	EXPECT_EQ(0, pagemap(0) & PM_SOFT_DIRTY);
	EXPECT_EQ(0, pagemap(1) & PM_SOFT_DIRTY);
	EXPECT_TRUE(filled());
	vt_put(mem, 1, 2);
	EXPECT_EQ(0, pagemap(0) & PM_SOFT_DIRTY);
	EXPECT_EQ(PM_SOFT_DIRTY, pagemap(1) & PM_SOFT_DIRTY);
	EXPECT_TRUE(filled());
	EXPECT_TRUE(vt_check_ok());
}

/* Also between a fork and the writes after it. */
TEST(clear_refs_does_not_undo_copy_on_write)
{
	struct vt_gate go;
	pid_t pid;

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	vt_gate_init(&go);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&go);
		VT_CHECK(filled());
		_exit(0);
	}
	clear_refs("4");
	clear_refs("1");
	vt_put(mem, 0, 50);
	vt_put(mem, 3, 51);
	vt_gate_open(&go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_EQ(50, vt_get(mem, 0));
}

TEST(referenced_bits_can_be_cleared)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_TRUE(clear_refs("1"));
	EXPECT_EQ(0, smaps_kib("Referenced:"));
	EXPECT_TRUE(filled());
}

/* ---- userfaultfd ---- */

static int uffd_register(int fd, uint64_t mode)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)mem, PAGES * vt_page_size },
		.mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
}

TEST(userfaultfd_is_for_linuxs_own_memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		SKIP(return, "no userfaultfd() for us here");
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_EQ(vt_is_anon() ? 0 : EINVAL,
		  uffd_register(fd, UFFDIO_REGISTER_MODE_MISSING));
	/* Minor faults are for shared memory. */
	EXPECT_EQ(EINVAL, uffd_register(fd, UFFDIO_REGISTER_MODE_MINOR));
	EXPECT_EQ(vt_is_anon() ? 0 : EINVAL,
		  uffd_register(fd, UFFDIO_REGISTER_MODE_WP));
	EXPECT_TRUE(filled());
	close(fd);
}

/* ---- memory policy ---- */

#define NEED_NUMA() \
	do { \
		if (syscall(SYS_get_mempolicy, NULL, NULL, 0UL, NULL, 0UL) && \
		    errno == ENOSYS) \
			SKIP(return, "this kernel has no memory policy"); \
	} while (0)

TEST(memory_policy_is_accepted_and_kept)
{
	unsigned long node = 1;
	int policy = -1;

	NEED_NUMA();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_EQ(0, syscall(SYS_mbind, mem, PAGES * vt_page_size, MPOL_BIND,
			     &node, 8UL, 0));
	/* The driver has no policy of its own; that of the VMA is what counts. */
	EXPECT_EQ(0, syscall(SYS_get_mempolicy, &policy, NULL, 0UL, mem, MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, policy);
	EXPECT_TRUE(filled());
	EXPECT_EQ(0, syscall(SYS_set_mempolicy, MPOL_PREFERRED, &node, 8UL));
	vt_put(mem, 0, 1);
	EXPECT_EQ(0, syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL));
	EXPECT_TRUE(filled());
}

TEST(moving_pages_loses_nothing)
{
	void *pages[PAGES];
	int status[PAGES], nodes[PAGES] = { 0 };
	unsigned long node = 1;
	size_t i;

	NEED_NUMA();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	for (i = 0; i < PAGES; i++) {
		pages[i] = vt_page(mem, i);
		status[i] = -999;
	}
	/* Where they are. */
	ASSERT_EQ(0, syscall(SYS_move_pages, 0, (unsigned long)PAGES, pages, NULL, status, 0));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(0, status[i]);
	/* Whatever it says: with one node there is nowhere to go. */
	syscall(SYS_move_pages, 0, (unsigned long)PAGES, pages, nodes, status, MPOL_MF_MOVE);
	syscall(SYS_migrate_pages, 0, 8UL, &node, &node);
	EXPECT_TRUE(filled());
	EXPECT_TRUE(vt_check_ok());
}

/* ---- io_uring ---- */

static int io_uring_fd(void)
{
	struct io_uring_params params = { 0 };

	return syscall(SYS_io_uring_setup, 4, &params);
}

/*
 * Long pins for writing: kernels refuse them for memory of a file that is told of
 * writes, io_uring of 6.1 for all memory of files.
 */
TEST(io_uring_takes_no_fixed_buffers)
{
	int fd = io_uring_fd(), err;
	struct iovec iov;

	if (fd < 0)
		SKIP(return, "no io_uring for us here");
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	iov = (struct iovec) { mem, PAGES * vt_page_size };
	err = syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &iov, 1) ?
		errno : 0;
	EXPECT_TRUE(vt_is_anon() ? !err : err == EFAULT || err == EOPNOTSUPP);
	EXPECT_TRUE(filled());
	close(fd);
	EXPECT_TRUE(vt_check_ok());
}

/* ---- memory cgroups ---- */

#define CGROUP_LIMIT	(8UL << 20)

static bool cgroup_write(const char *group, const char *file, const char *text)
{
	char path[128];
	bool good;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* A group with a limit; why there is none, or NULL. */
static const char *cgroup_make(char *root, char *group, size_t room)
{
	if (!mkdtemp(root) || mount("none", root, "cgroup2", 0, NULL))
		return "no cgroups, or not for us";
	snprintf(group, room, "%s/t_sem_kernel", root);
	if (!cgroup_write(root, "cgroup.subtree_control", "+memory") ||
	    mkdir(group, 0700))
		return "no memory controller";
	return cgroup_write(group, "memory.max", "8388608") ? NULL :
		"memory.max is refused";
}

static void cgroup_remove(const char *root, const char *group)
{
	rmdir(group);
	umount(root);
	rmdir(root);
}

struct hog {
	const char *group;
	size_t bytes;
};

static void hog(void *arg)
{
	struct hog *hog = arg;
	size_t i;

	VT_CHECK(cgroup_write(hog->group, "cgroup.procs", "0"));
	mem = vt_map(hog->bytes / vt_page_size, VT_RW, MAP_PRIVATE);
	VT_CHECK(mem);
	for (i = 0; i < hog->bytes; i += vt_page_size)
		mem[i] = 1;
}

TEST(memory_counts_for_the_cgroup)
{
	char root[] = "/tmp/cgroup.XXXXXX", group[64] = "";
	const char *why = cgroup_make(root, group, sizeof(group));
	struct hog small = { group, CGROUP_LIMIT / 2 };
	struct hog big = { group, CGROUP_LIMIT * 4 };

	if (!why) {
		EXPECT_EQ(0, vt_in_child(hog, &small));
		EXPECT_EQ(128 + SIGKILL, vt_in_child(hog, &big));
	}
	cgroup_remove(root, group);
	if (why)
		SKIP(return, "%s", why);
}

/* ---- KSM ---- */

TEST(ksm_merges_nothing)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	vt_put(mem, 1, 1);
	if (madvise(mem, PAGES * vt_page_size, MADV_MERGEABLE))
		SKIP(return, "this kernel has no KSM");
	vt_put(mem, 0, 9);
	EXPECT_EQ(1, vt_get(mem, 1));
	EXPECT_EQ(0, madvise(mem, PAGES * vt_page_size, MADV_UNMERGEABLE));
}

TEST_HARNESS_MAIN
