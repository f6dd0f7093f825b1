// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel itself as reader and writer of the memory: plain system calls,
 * get_user_pages() by process_vm_readv(), O_DIRECT and vmsplice().
 */
#include "vmobj_test.h"

#include <sys/uio.h>

#define PAGES	8

static char *mem;

static bool map_and_fill(int flags)
{
	size_t i;

	mem = vt_map(PAGES, VT_RW, flags);
	for (i = 0; mem && i < PAGES; i++)
		vt_put(mem, i, i + 1);
	return mem;
}

static bool filled_from(uint32_t tag)
{
	size_t i;

	for (i = 0; i < PAGES; i++)
		if (vt_get(mem, i) != tag + i)
			return false;
	return true;
}

/* ---- read() and write() ---- */

static ssize_t through_a_pipe(const char *from, char *to, size_t length)
{
	int fd[2];
	ssize_t n;

	if (pipe(fd))
		return -1;
	n = write(fd[1], from, length);
	if (n > 0)
		n = read(fd[0], to, length);
	close(fd[0]);
	close(fd[1]);
	return n;
}

TEST(write_takes_data_from_it)
{
	char *buf = malloc(2 * vt_page_size);

	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(2 * vt_page_size, through_a_pipe(vt_page(mem, 3), buf, 2 * vt_page_size));
	EXPECT_EQ(0, memcmp(vt_page(mem, 3), buf, 2 * vt_page_size));
}

static void read_into_untouched(void *arg)
{
	static const char text[] = "across the end of a page";

	(void)arg;
	VT_CHECK(through_a_pipe(text, vt_page(mem, 2) - 5, sizeof(text)) ==
		 sizeof(text));
	VT_CHECK(!memcmp(vt_page(mem, 2) - 5, text, sizeof(text)));
}

TEST(read_puts_data_into_untouched_pages)
{
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	read_into_untouched(NULL);
}

TEST(read_in_the_child_copies_first)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	EXPECT_EQ(0, vt_in_child(read_into_untouched, NULL));
	EXPECT_TRUE(filled_from(1));
}

TEST(read_into_read_only_or_no_memory_is_EFAULT)
{
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(0, mprotect(mem, vt_page_size, PROT_READ));
	ASSERT_EQ(0, mprotect(vt_page(mem, 1), vt_page_size, PROT_NONE));
	EXPECT_EQ(-1, through_a_pipe("abc", mem, 3));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, through_a_pipe("abc", vt_page(mem, 1), 3));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, through_a_pipe(vt_page(mem, 1), vt_page(mem, 2), 3));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, vt_get(mem, 0));
}

/* ---- process_vm_readv() and writev() ---- */

static ssize_t remote(bool write, pid_t pid, void *here, void *there,
		      size_t length)
{
	struct iovec local = { here, length }, other = { there, length };

	return write ? process_vm_writev(pid, &local, 1, &other, 1, 0) :
		process_vm_readv(pid, &local, 1, &other, 1, 0);
}

static bool have_process_vm(void)
{
	char a = 1, b = 0;

	return remote(false, getpid(), &b, &a, 1) == 1 || errno != ENOSYS;
}

#define NEED_PROCESS_VM() \
	do { \
		if (!have_process_vm()) \
			SKIP(return, "this kernel has no process_vm_readv()"); \
	} while (0)

struct two_gates {
	struct vt_gate to_child, to_parent;
};

static void two_gates_init(struct two_gates *g)
{
	vt_gate_init(&g->to_child);
	vt_gate_init(&g->to_parent);
}

/* Writes half of the pages, is written to from outside, sees that. */
static void written_from_outside(void *arg)
{
	struct two_gates *g = arg;
	size_t i;

	for (i = 0; i < PAGES / 2; i++)
		vt_put(mem, i, 101 + i);
	vt_gate_open(&g->to_parent);
	vt_gate_pass(&g->to_child);
	for (i = 0; i < PAGES; i++)
		VT_CHECK(vt_get(mem, i) == 201 + i);
}

TEST(process_vm_sees_and_changes_the_childs_pages_only)
{
	struct two_gates g;
	char *buf = malloc(PAGES * vt_page_size);
	pid_t pid;
	size_t i;

	NEED_PROCESS_VM();
	two_gates_init(&g);
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = vt_fork(written_from_outside, &g);
	vt_gate_pass(&g.to_parent);
	ASSERT_EQ(PAGES * vt_page_size,
		  remote(false, pid, buf, mem, PAGES * vt_page_size));
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ((i < PAGES / 2 ? 101 : 1) + i, vt_get(buf, i));
	for (i = 0; i < PAGES; i++)
		vt_put(buf, i, 201 + i);
	/* Half of these are copied for it, half the child's own. */
	ASSERT_EQ(PAGES * vt_page_size,
		  remote(true, pid, buf, mem, PAGES * vt_page_size));
	EXPECT_TRUE(filled_from(1));
	vt_gate_open(&g.to_child);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(filled_from(1));
	EXPECT_TRUE(vt_check_ok());
}

static void reads_its_parent(void *arg)
{
	char *buf = malloc(PAGES * vt_page_size);
	size_t i;

	(void)arg;
	VT_CHECK(remote(false, getppid(), buf, mem, PAGES * vt_page_size) ==
		 (ssize_t)(PAGES * vt_page_size));
	for (i = 0; i < PAGES; i++)
		VT_CHECK(vt_get(buf, i) == i + 1);
	vt_put(buf, 0, 77);
	VT_CHECK(remote(true, getppid(), buf, mem, vt_page_size) ==
		 (ssize_t)vt_page_size);
	VT_CHECK(vt_get(mem, 0) == 1);
}

TEST(process_vm_write_to_the_parent_leaves_the_childs_page)
{
	NEED_PROCESS_VM();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(0, vt_in_child(reads_its_parent, NULL));
	EXPECT_EQ(77, vt_get(mem, 0));
	EXPECT_EQ(2, vt_get(mem, 1));
}

static void waits(void *arg)
{
	struct two_gates *g = arg;

	VT_CHECK(!mprotect(vt_page(mem, 1), vt_page_size, PROT_READ));
	VT_CHECK(!munmap(vt_page(mem, 2), vt_page_size));
	vt_gate_open(&g->to_parent);
	vt_gate_pass(&g->to_child);
	VT_CHECK(vt_get(mem, 1) == 2);
}

TEST(process_vm_obeys_protection)
{
	struct two_gates g;
	char c = 'x';
	pid_t pid;

	NEED_PROCESS_VM();
	two_gates_init(&g);
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	pid = vt_fork(waits, &g);
	vt_gate_pass(&g.to_parent);
	EXPECT_EQ(1, remote(false, pid, &c, vt_page(mem, 1), 1));
	EXPECT_EQ(-1, remote(true, pid, &c, vt_page(mem, 1), 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, remote(false, pid, &c, vt_page(mem, 2), 1));
	EXPECT_EQ(EFAULT, errno);
	vt_gate_open(&g.to_child);
	EXPECT_EQ(0, vt_wait(pid));
}

/* ---- O_DIRECT ---- */

/*
 * A file for O_DIRECT: a RAM disk nobody uses (O_EXCL), or a file where a file
 * system can do it; tmpfs cannot.
 */
static int open_direct(void)
{
	const char *ram = "/dev/ram0", *dirs[] = { ".", "/var/tmp", "/tmp" };
	size_t i;
	char path[64];
	int fd;

	fd = open(ram, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/t_gup.%d", dirs[i], getpid());
		fd = open(path, O_RDWR | O_DIRECT | O_CREAT | O_EXCL | O_CLOEXEC,
			  0600);
		unlink(path);
		if (fd >= 0 && !ftruncate(fd, PAGES * vt_page_size))
			return fd;
	}
	return -1;
}

static int direct_fd;

#define NEED_DIRECT() \
	do { \
		direct_fd = open_direct(); \
		if (direct_fd < 0) \
			SKIP(return, "neither /dev/ram0 nor a file system with O_DIRECT"); \
	} while (0)

TEST(o_direct_write_and_read_back)
{
	const size_t length = PAGES * vt_page_size;

	NEED_DIRECT();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(length, pwrite(direct_fd, mem, length, 0));
	/* into pages that are there, */
	memset(mem, 'x', length);
	ASSERT_EQ(length, pread(direct_fd, mem, length, 0));
	EXPECT_TRUE(filled_from(1));
	/* and into fresh ones */
	ASSERT_EQ(0, munmap(mem, length));
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(length, pread(direct_fd, mem, length, 0));
	EXPECT_TRUE(filled_from(1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(o_direct_with_shared_memory)
{
	const size_t length = PAGES * vt_page_size;

	NEED_DIRECT();
	ASSERT_TRUE(map_and_fill(MAP_SHARED));
	ASSERT_EQ(length, pwrite(direct_fd, mem, length, 0));
	memset(mem, 0, length);
	ASSERT_EQ(length, pread(direct_fd, mem, length, 0));
	EXPECT_TRUE(filled_from(1));
}

static void direct_read_in_child(void *arg)
{
	const size_t length = PAGES * vt_page_size;

	(void)arg;
	VT_CHECK(filled_from(50));
	VT_CHECK(pread(direct_fd, mem, length, 0) == (ssize_t)length);
	VT_CHECK(filled_from(1));
	/* Write out what is partly the parent's. */
	vt_put(mem, 0, 7);
	VT_CHECK(pwrite(direct_fd, mem, length, 0) == (ssize_t)length);
}

TEST(o_direct_read_in_the_child_copies_first)
{
	const size_t length = PAGES * vt_page_size;
	size_t i;

	NEED_DIRECT();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(length, pwrite(direct_fd, mem, length, 0));
	for (i = 0; i < PAGES; i++)
		vt_put(mem, i, 50 + i);
	ASSERT_EQ(0, vt_in_child(direct_read_in_child, NULL));
	EXPECT_TRUE(filled_from(50));
	ASSERT_EQ(length, pread(direct_fd, mem, length, 0));
	EXPECT_EQ(7, vt_get(mem, 0));
	EXPECT_EQ(2, vt_get(mem, 1));
	EXPECT_TRUE(vt_check_ok());
}

TEST(o_direct_into_a_page_read_before)
{
	const size_t length = PAGES * vt_page_size;
	size_t i;

	NEED_DIRECT();
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	ASSERT_EQ(length, pwrite(direct_fd, mem, length, 0));
	ASSERT_EQ(0, munmap(mem, length));
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(0, vt_get(mem, i));	/* mapped read-only now */
	ASSERT_EQ(length, pread(direct_fd, mem, length, 0));
	EXPECT_TRUE(filled_from(1));
}

/* ---- vmsplice() ---- */

TEST(vmsplice_gives_its_pages_to_a_pipe)
{
	char *buf = malloc(2 * vt_page_size);
	struct iovec iov;
	int fd[2];
	size_t i;

	ASSERT_EQ(0, pipe(fd));
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	iov = (struct iovec) { vt_page(mem, 2), 2 * vt_page_size };
	ASSERT_EQ(2 * vt_page_size, vmsplice(fd[1], &iov, 1, 0));
	/* Unmapped memory stays in the pipe. */
	ASSERT_EQ(0, munmap(mem, PAGES * vt_page_size));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(vt_page_size, read(fd[0], vt_page(buf, i), vt_page_size));
	EXPECT_EQ(3, vt_get(buf, 0));
	EXPECT_EQ(4, vt_get(buf, 1));
	EXPECT_TRUE(vt_check_ok());
}

/* The child's write makes a copy; the pipe has the page of before. */
TEST(vmsplice_then_fork)
{
	char *buf = malloc(vt_page_size);
	struct iovec iov;
	int fd[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fd));
	ASSERT_TRUE(map_and_fill(MAP_PRIVATE));
	iov = (struct iovec) { mem, vt_page_size };
	ASSERT_EQ(vt_page_size, vmsplice(fd[1], &iov, 1, 0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_put(mem, 0, 99);
		_exit(vt_get(mem, 0) != 99);
	}
	ASSERT_EQ(0, vt_wait(pid));
	ASSERT_EQ(vt_page_size, read(fd[0], buf, vt_page_size));
	EXPECT_EQ(1, vt_get(buf, 0));
	EXPECT_TRUE(filled_from(1));
}

TEST_HARNESS_MAIN
