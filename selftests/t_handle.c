// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects with a descriptor: VMOBJ_IOC_CREATE.
 *
 * With VMOBJ_DEV=anon the descriptors are memfds: what is expected here is what Linux
 * does with those, but for the tests that say otherwise.
 */
#include "vmobj_test.h"

#include <linux/falloc.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/vmobj.h>

#define PAGES	8
#define LARGE	(2UL << 20)

static size_t page;

/* A new object; -1 and errno if it is refused. */
static int create(uint64_t length)
{
	int fd;

	if (!vt_is_anon())
		return vt_create(length);
	fd = memfd_create("object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd >= 0 && ftruncate(fd, length) ? -1 : fd;
}

/* Add seals; all there are then, or -errno. */
static int seal(int fd, unsigned int seals)
{
	struct vmobj_seal arg = { .size = sizeof(arg), .seals = seals };

	if (vt_is_anon()) {
		if (seals && fcntl(fd, F_ADD_SEALS, seals))
			return -errno;
		return fcntl(fd, F_GET_SEALS);
	}
	return ioctl(fd, VMOBJ_IOC_SEAL, &arg) ? -errno : (int)arg.seals;
}

static char *map(int fd, size_t pages, int prot, int flags, size_t first)
{
	char *mem = mmap(NULL, pages * page, prot, flags, fd, first * page);

	return mem == MAP_FAILED ? NULL : mem;
}

static size_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? (size_t)-1 : (size_t)st.st_size;
}

#define SETUP(length) \
	int fd; \
	page = vt_page_size; \
	fd = create(length); \
	ASSERT_LE(0, fd)

#define DONE() \
	do { \
		close(fd); \
		EXPECT_TRUE(vt_check_ok()); \
	} while (0)

TEST(a_descriptor_is_close_on_exec_and_has_its_size)
{
	struct stat st;

	SETUP(3 * 4096 + 7);
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(3 * 4096 + 7, st.st_size);
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(0, st.st_blocks);
	DONE();
}

TEST(two_shared_mappings_and_read_and_write_see_the_same)
{
	char *a, *b, c;

	SETUP(PAGES * 4096);
	a = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	b = map(fd, PAGES - 2, VT_RW, MAP_SHARED, 2);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	vt_put(a, 3, 33);
	EXPECT_EQ(33, vt_get(b, 1));
	b[0] = 'b';
	EXPECT_EQ('b', a[2 * page]);
	ASSERT_EQ(1, pread(fd, &c, 1, 2 * page));
	EXPECT_EQ('b', c);
	ASSERT_EQ(1, pwrite(fd, "w", 1, 5 * page + 9));
	EXPECT_EQ('w', a[5 * page + 9]);
	EXPECT_EQ('w', b[3 * page + 9]);
	munmap(a, PAGES * page);
	munmap(b, (PAGES - 2) * page);
	DONE();
}

TEST(a_private_mapping_writes_to_itself_only)
{
	char *shared, *private;

	SETUP(PAGES * 4096);
	shared = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	private = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, shared);
	ASSERT_NE(NULL, private);
	vt_put(shared, 1, 11);
	vt_put(shared, 2, 22);
	EXPECT_EQ(11, vt_get(private, 1));
	vt_put(private, 1, 99);
	vt_put(private, 4, 44);
	EXPECT_EQ(11, vt_get(shared, 1));
	EXPECT_EQ(0, vt_get(shared, 4));
	EXPECT_EQ(22, vt_get(private, 2));
	/* not written by us: what others write may show, and here it does */
	vt_put(shared, 2, 23);
	EXPECT_EQ(23, vt_get(private, 2));
	/* a hole that was read is no different */
	EXPECT_EQ(0, vt_get(private, 5));
	vt_put(shared, 5, 55);
	EXPECT_EQ(55, vt_get(private, 5));
	vt_put(shared, 1, 12);
	EXPECT_EQ(99, vt_get(private, 1));
	munmap(shared, PAGES * page);
	munmap(private, PAGES * page);
	DONE();
}

static void adds_one(void *mem)
{
	vt_put(mem, 0, vt_get(mem, 0) + 1);
}

/* Shared and private, one after the other in memory and in the object. */
static void beside_each_other(struct __test_metadata *_metadata, int fd, int first,
			      int second)
{
	char data[vt_page_size];
	int flags[] = { first, second };
	char *mem = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	size_t half = PAGES / 2;
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, munmap(mem, PAGES * page));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(mem + i * half * page,
			  mmap(mem + i * half * page, half * page, VT_RW,
			       MAP_FIXED | flags[i], fd, i * half * page));
	for (i = 0; i < PAGES; i++) {
		bool shared = flags[i / (PAGES / 2)] == MAP_SHARED;

		ASSERT_EQ((ssize_t)page, pread(fd, data, page, i * page));
		vt_put(mem, i, vt_get(data, 0) + 1);
		EXPECT_EQ(0, vt_in_child(adds_one, mem + i * page));
		EXPECT_EQ(vt_get(data, 0) + (shared ? 2 : 1), vt_get(mem, i));
		EXPECT_EQ((ssize_t)page, pread(fd, data, page, i * page));
		EXPECT_EQ(shared, vt_get(data, 0) == vt_get(mem, i));
	}
	munmap(mem, PAGES * page);
}

TEST(shared_and_private_beside_each_other)
{
	SETUP(PAGES * 4096);
	beside_each_other(_metadata, fd, MAP_SHARED, MAP_PRIVATE);
	beside_each_other(_metadata, fd, MAP_PRIVATE, MAP_SHARED);
	beside_each_other(_metadata, fd, MAP_SHARED, MAP_PRIVATE);
	DONE();
}

TEST(a_private_write_makes_one_copy)
{
	long long before, pages;
	char *private;
	size_t i;

	VT_NEED_DEVICE();
	VT_NEED_DEBUGFS();
	SETUP(64 * 4096);
	for (i = 0; i < 64; i++)
		ASSERT_EQ(1, pwrite(fd, "x", 1, i * page));
	private = map(fd, 64, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, private);
	before = vt_stat("cow_copies");
	pages = vt_stat("pages");
	for (i = 0; i < 64; i++)
		private[i * page] = 'y';
	EXPECT_EQ(before + 64, vt_stat("cow_copies"));
	EXPECT_LE(vt_stat("pages"), pages + 64 + 16);
	munmap(private, 64 * page);
	DONE();
}

TEST(mappings_keep_the_object_and_the_descriptor_does)
{
	char *a, *b;

	SETUP(PAGES * 4096);
	a = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, a);
	vt_put(a, 1, 5);
	munmap(a, PAGES * page);
	b = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, b);
	close(fd);
	EXPECT_EQ(5, vt_get(b, 1));
	vt_put(b, 1, 6);
	EXPECT_EQ(6, vt_get(b, 1));
	EXPECT_EQ(0, vt_get(b, 2));
	EXPECT_TRUE(vt_check_ok());
	munmap(b, PAGES * page);
	EXPECT_TRUE(vt_check_ok());
}

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	VT_CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void create_and_send(void *arg)
{
	int *sock = arg, fd;
	char *mem;

	page = vt_page_size;
	fd = create(2 * page);
	VT_CHECK(fd >= 0);
	mem = map(fd, 2, VT_RW, MAP_SHARED, 0);
	VT_CHECK(mem);
	vt_put(mem, 1, 77);
	send_fd(*sock, fd);
	/* until the other has answered through the memory */
	while (!*(volatile char *)mem)
		usleep(1000);
	VT_CHECK(vt_get(mem, 1) == 78);
}

TEST(an_object_goes_over_a_socket)
{
	int socks[2], fd;
	char *mem;
	pid_t pid;

	page = vt_page_size;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = vt_fork(create_and_send, &socks[1]);
	fd = receive_fd(socks[0]);
	ASSERT_LE(0, fd);
	mem = map(fd, 2, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(77, vt_get(mem, 1));
	vt_put(mem, 1, 78);
	mem[0] = 1;
	EXPECT_EQ(0, vt_wait(pid));
	munmap(mem, 2 * page);
	DONE();
}

TEST(behind_the_end_is_SIGBUS)
{
	char *shared, *private;

	SETUP(2 * 4096 + 1);
	shared = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	private = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, shared);
	ASSERT_NE(NULL, private);
	EXPECT_EQ(0, vt_try_write(shared + 2 * page + 100, 1));
	EXPECT_EQ(SIGBUS, vt_try_read(shared + 3 * page));
	EXPECT_EQ(SIGBUS, vt_try_write(shared + 7 * page, 1));
	EXPECT_EQ(SIGBUS, vt_try_read(private + 3 * page));
	EXPECT_EQ(SIGBUS, vt_try_write(private + 3 * page, 1));
	ASSERT_EQ(0, ftruncate(fd, 5 * page));
	EXPECT_EQ(0, vt_try_read(shared + 3 * page));
	EXPECT_EQ(0, vt_try_write(private + 4 * page, 1));
	EXPECT_EQ(SIGBUS, vt_try_read(shared + 5 * page));
	munmap(shared, PAGES * page);
	munmap(private, PAGES * page);
	DONE();
}

TEST(what_is_cut_off_is_zero_when_it_comes_back)
{
	char *shared, *private, c;

	SETUP(PAGES * 4096);
	shared = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	private = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, shared);
	ASSERT_NE(NULL, private);
	memset(shared, 's', PAGES * page);
	memset(private + 4 * page, 'p', 2 * page);
	ASSERT_EQ(0, ftruncate(fd, 2 * page + 10));
	EXPECT_EQ(SIGBUS, vt_try_read(shared + 3 * page));
	EXPECT_EQ(SIGBUS, vt_try_read(private + 4 * page));
	EXPECT_EQ(0, shared[2 * page + 10]);
	EXPECT_EQ('s', shared[2 * page + 9]);
	ASSERT_EQ(0, ftruncate(fd, PAGES * page));
	EXPECT_EQ(0, shared[2 * page + 10]);
	EXPECT_EQ(0, shared[5 * page]);
	EXPECT_EQ(0, private[4 * page]);
	EXPECT_EQ(0, private[2 * page + 10]);
	EXPECT_EQ('s', private[2 * page + 9]);
	ASSERT_EQ(1, pread(fd, &c, 1, 3 * page));
	EXPECT_EQ(0, c);
	munmap(shared, PAGES * page);
	munmap(private, PAGES * page);
	DONE();
}

TEST(a_superpage_can_be_cut)
{
	size_t size = 2 * LARGE;
	char *mem, *at;

	SETUP(size);
	/* aligned as the object is */
	mem = mmap(NULL, size + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	at = (char *)(((uintptr_t)mem + LARGE - 1) & ~(LARGE - 1));
	ASSERT_EQ(at, mmap(at, size, VT_RW, MAP_SHARED | MAP_FIXED, fd, 0));
	madvise(at, size, MADV_HUGEPAGE);
	memset(at, 'h', size);
	ASSERT_EQ(0, ftruncate(fd, LARGE + 3 * page + 5));
	EXPECT_EQ('h', at[LARGE + 3 * page + 4]);
	EXPECT_EQ(0, at[LARGE + 3 * page + 5]);
	EXPECT_EQ(SIGBUS, vt_try_read(at + LARGE + 4 * page));
	EXPECT_EQ(SIGBUS, vt_try_read(at + size - 1));
	EXPECT_TRUE(vt_check_ok());
	ASSERT_EQ(0, ftruncate(fd, size));
	EXPECT_EQ(0, at[LARGE + 4 * page]);
	EXPECT_EQ(0, at[size - 1]);
	EXPECT_EQ('h', at[LARGE]);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       page + 1, 5 * page));
	EXPECT_EQ('h', at[page]);
	EXPECT_EQ(0, at[page + 1]);
	EXPECT_EQ(0, at[6 * page]);
	EXPECT_EQ('h', at[6 * page + 1]);
	munmap(mem, size + LARGE);
	DONE();
}

TEST(read_and_write_know_the_end)
{
	char buf[64] = "0123456789";

	SETUP(0);
	EXPECT_EQ(0, read(fd, buf, sizeof(buf)));
	ASSERT_EQ(10, write(fd, "abcdefghij", 10));
	EXPECT_EQ(10, size_of(fd));
	EXPECT_EQ(10, lseek(fd, 0, SEEK_CUR));
	ASSERT_EQ(3, pwrite(fd, "xyz", 3, 2 * page - 1));
	EXPECT_EQ(2 * page + 2, size_of(fd));
	EXPECT_EQ(3, pread(fd, buf, sizeof(buf), 2 * page - 1));
	EXPECT_EQ(0, memcmp(buf, "xyz", 3));
	EXPECT_EQ(64, pread(fd, buf, sizeof(buf), 8));
	EXPECT_EQ('i', buf[0]);
	EXPECT_EQ(0, buf[2]);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND));
	ASSERT_EQ(1, write(fd, "!", 1));
	EXPECT_EQ(2 * page + 3, size_of(fd));
	EXPECT_EQ(-1, pwrite(fd, "x", 1, -1));
	EXPECT_EQ(EINVAL, errno);
	DONE();
}

TEST(copying_from_and_to_a_mapping_of_itself)
{
	char *mem;

	SETUP(PAGES * 4096);
	mem = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, mem);
	memset(mem, 'm', page);
	ASSERT_EQ(page, pwrite(fd, mem, page, page));
	ASSERT_EQ(page, pwrite(fd, mem + page, page, page));
	EXPECT_EQ('m', mem[2 * page - 1]);
	ASSERT_EQ(2 * page, pread(fd, mem + 3 * page, 2 * page, 0));
	EXPECT_EQ('m', mem[5 * page - 1]);
	/* nothing mapped there: no byte, and not longer than before */
	EXPECT_EQ(-1, pwrite(fd, (void *)8, page, 20 * page));
	EXPECT_EQ(EFAULT, errno);
	if (!vt_is_anon())	/* a memfd may get longer all the same */
		EXPECT_EQ(PAGES * page, size_of(fd));
	munmap(mem, PAGES * page);
	DONE();
}

TEST(seeking_data_and_holes)
{
	SETUP(PAGES * 4096 + 5);
	ASSERT_EQ(1, pwrite(fd, "x", 1, 2 * page + 7));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 3 * page));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 6 * page));
	EXPECT_EQ(2 * page, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(2 * page + 9, lseek(fd, 2 * page + 9, SEEK_DATA));
	EXPECT_EQ(4 * page, lseek(fd, 2 * page, SEEK_HOLE));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(6 * page, lseek(fd, 4 * page, SEEK_DATA));
	EXPECT_EQ(7 * page, lseek(fd, 6 * page, SEEK_HOLE));
	EXPECT_EQ(-1, lseek(fd, 7 * page, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(fd, PAGES * page + 5, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(PAGES * page + 5, lseek(fd, 0, SEEK_END));
	DONE();
}

TEST(fallocate_makes_room_and_holes)
{
	struct stat st;
	char *mem;

	SETUP(4096);
	ASSERT_EQ(0, fallocate(fd, 0, 0, PAGES * page));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(PAGES * page, st.st_size);
	EXPECT_EQ(PAGES * page / 512, st.st_blocks);
	mem = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, mem);
	memset(mem, 'f', PAGES * page);
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       page / 2, 2 * page));
	EXPECT_EQ('f', mem[page / 2 - 1]);
	EXPECT_EQ(0, mem[page / 2]);
	EXPECT_EQ(0, mem[page]);
	EXPECT_EQ(0, mem[2 * page + page / 2 - 1]);
	EXPECT_EQ('f', mem[2 * page + page / 2]);
	EXPECT_EQ(PAGES * page, size_of(fd));
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 * PAGES * page, page));
	EXPECT_EQ(PAGES * page, size_of(fd));
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, page));
	EXPECT_EQ(EOPNOTSUPP, errno);
	munmap(mem, PAGES * page);
	DONE();
}

TEST(seals_are_promises)
{
	char *mem, *ro, c = 'c';

	SETUP(PAGES * 4096);
	EXPECT_EQ(0, seal(fd, 0));
	mem = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 7);
	EXPECT_EQ(-EBUSY, seal(fd, VMOBJ_SEAL_WRITE));
	EXPECT_EQ(VMOBJ_SEAL_SHRINK, seal(fd, VMOBJ_SEAL_SHRINK));
	EXPECT_EQ(-1, ftruncate(fd, page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, ftruncate(fd, (PAGES + 1) * page));
	EXPECT_LT(0, seal(fd, VMOBJ_SEAL_GROW));
	EXPECT_EQ(-1, ftruncate(fd, (PAGES + 2) * page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pwrite(fd, &c, 1, (PAGES + 1) * page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(fd, 0, 0, (PAGES + 2) * page));
	EXPECT_EQ(EPERM, errno);
	munmap(mem, PAGES * page);
	EXPECT_LT(0, seal(fd, VMOBJ_SEAL_WRITE));
	EXPECT_EQ(-1, pwrite(fd, &c, 1, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				0, page));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(NULL, map(fd, 1, VT_RW, MAP_SHARED, 0));
	EXPECT_EQ(EPERM, errno);
	mem = map(fd, 1, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 0, 8);
	EXPECT_EQ(VMOBJ_SEAL_SHRINK | VMOBJ_SEAL_GROW | VMOBJ_SEAL_WRITE, seal(fd, 0));
	if (!vt_is_anon()) {	/* memfd allows it since 6.7 */
		ro = map(fd, 1, PROT_READ, MAP_SHARED, 0);
		ASSERT_NE(NULL, ro);
		EXPECT_EQ(7, vt_get(ro, 0));
		EXPECT_EQ(-1, mprotect(ro, page, VT_RW));
		EXPECT_EQ(EACCES, errno);
		munmap(ro, page);
	}
	EXPECT_LT(0, seal(fd, VMOBJ_SEAL_SEAL));
	EXPECT_EQ(-EPERM, seal(fd, VMOBJ_SEAL_SHRINK));
	munmap(mem, page);
	DONE();
}

static void child_writes(void *arg)
{
	char **mem = arg;

	VT_CHECK(vt_get(mem[0], 1) == 1 && vt_get(mem[1], 1) == 2);
	vt_put(mem[0], 1, 3);
	vt_put(mem[1], 1, 4);
	VT_CHECK(vt_get(mem[0], 2) == 0);
}

TEST(fork_shares_what_is_shared_and_copies_what_is_private)
{
	char *mem[2];

	SETUP(PAGES * 4096);
	mem[0] = map(fd, PAGES, VT_RW, MAP_SHARED, 0);
	mem[1] = map(fd, PAGES, VT_RW, MAP_PRIVATE, 0);
	ASSERT_NE(NULL, mem[0]);
	ASSERT_NE(NULL, mem[1]);
	vt_put(mem[0], 1, 1);
	vt_put(mem[1], 1, 2);
	EXPECT_EQ(0, vt_in_child(child_writes, mem));
	EXPECT_EQ(3, vt_get(mem[0], 1));
	EXPECT_EQ(2, vt_get(mem[1], 1));
	munmap(mem[0], PAGES * page);
	munmap(mem[1], PAGES * page);
	DONE();
}

TEST(a_mapping_grows_over_the_object)
{
	char *mem;

	SETUP(PAGES * 4096);
	ASSERT_EQ(1, pwrite(fd, "g", 1, 5 * page));
	mem = map(fd, 2, VT_RW, MAP_SHARED, 0);
	ASSERT_NE(NULL, mem);
	vt_put(mem, 1, 9);
	mem = mremap(mem, 2 * page, PAGES * page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ('g', mem[5 * page]);
	EXPECT_EQ(9, vt_get(mem, 1));
	mem[6 * page] = 'h';
	munmap(mem, PAGES * page);
	mem = map(fd, 1, VT_RW, MAP_PRIVATE, 6);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ('h', mem[0]);
	munmap(mem, page);
	DONE();
}

TEST(sendfile_and_splice)
{
	char buf[16] = "";
	int pipes[2];
	off_t at;

	SETUP(2 * 4096);
	at = page + 1;
	ASSERT_EQ(5, pwrite(fd, "hello", 5, page + 1));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(5, sendfile(pipes[1], fd, &at, 5));
	ASSERT_EQ(5, read(pipes[0], buf, 5));
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	ASSERT_EQ(3, write(pipes[1], "abc", 3));
	at = 7;
	ASSERT_EQ(3, splice(pipes[0], NULL, fd, &at, 3, 0));
	ASSERT_EQ(3, pread(fd, buf, 3, 7));
	EXPECT_EQ(0, memcmp(buf, "abc", 3));
	close(pipes[0]);
	close(pipes[1]);
	DONE();
}

TEST(bad_arguments)
{
	struct vmobj_create arg = { .size = sizeof(arg), .length = 4096 };
	struct vmobj_seal seals = { .size = sizeof(seals), .seals = 1U << 20 };
	int fd, dev;

	VT_NEED_DEVICE();
	page = vt_page_size;
	dev = vt_open(O_RDWR);
	arg.flags = 1;
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.flags = 0;
	arg.reserved[1] = 1;
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.reserved[1] = 0;
	arg.length = -1;
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.length = INT64_MAX;
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(EFBIG, errno);
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, NULL));
	EXPECT_EQ(EFAULT, errno);
	arg.size = VMOBJ_CREATE_SIZE_VER0 - 1;
	EXPECT_EQ(-1, ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.size = sizeof(arg);
	arg.length = 1ULL << 50;
	fd = ioctl(dev, VMOBJ_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "x", 1, (1ULL << 50) - 1));
	EXPECT_EQ(-1, ioctl(fd, VMOBJ_IOC_SEAL, &seals));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, VMOBJ_IOC_CREATE, &arg));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, VT_RW, MAP_SHARED, fd,
				   (off_t)0x7ffffffffffff000));
	close(dev);
	DONE();
}

/* An O_PATH descriptor outlives everything but the inode. */
TEST(the_inode_outlives_the_object)
{
	char path[64];
	struct stat st;
	int opath;

	SETUP(4096);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opath = open(path, O_PATH);
	ASSERT_LE(0, opath);
	close(fd);
	EXPECT_EQ(0, fstat(opath, &st));
	close(opath);
	EXPECT_TRUE(vt_check_ok());
}

TEST_HARNESS_MAIN
