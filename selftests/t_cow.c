// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-on-write and the kernel's own references to pages: whose page does a pin, or a
 * pipe, have after a fork?  The rules are Linux's, for its anonymous memory:
 *
 * - what a process has pinned stays its own, whoever writes first;
 * - whoever no longer maps a page, but still has it in a pipe, does not see what others
 *   write to it later.
 *
 * A pin that lasts: process_vm_readv() and _writev() pin the pages of one side, and then
 * copy.  If the other side is memory with a userfaultfd, the copy waits as long as we
 * like.  A device that reads or writes by DMA would not look different.
 */
#include "vmobj_test.h"

#include <linux/userfaultfd.h>
#include <linux/vmobj.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define SUPERPAGE	(2UL << 20)
#define OLD		0x11
#define FROM_PARENT	0x22
#define FROM_CHILD	0x33
#define FROM_DEVICE	0x44

static void fill(char *mem, size_t size, char c)
{
	memset(mem, c, size);
}

static bool is_full_of(const char *mem, size_t size, char c)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (mem[i] != c) {
			fprintf(stderr, "# byte %zu is %02x and not %02x\n", i,
				mem[i], c);
			return false;
		}
	return true;
}

/* ---- the memory ---- */

enum kind {
	SMALL,		/* one small page */
	SOME,		/* some */
	HUGE_PMD,	/* a superpage, mapped as such */
	HUGE_PTE,	/* ... mapped by PTEs */
	HUGE_ONE_PTE,	/* ... of which one page is left */
	HUGE_MOVED,	/* ... of which half has been moved elsewhere */
	HUGE_REST,	/* the half that has been moved */
	HUGE_SHARED,	/* ... of which one page has once been a child's, too */
};

FIXTURE(cow)
{
	char *mem;
	size_t size;
	char *other;		/* has OLD, and is nobody's business */
	size_t other_size;
};

FIXTURE_VARIANT(cow)
{
	enum kind kind;
};

FIXTURE_VARIANT_ADD(cow, page) { .kind = SMALL };
FIXTURE_VARIANT_ADD(cow, pages) { .kind = SOME };
FIXTURE_VARIANT_ADD(cow, superpage) { .kind = HUGE_PMD };
FIXTURE_VARIANT_ADD(cow, superpage_by_ptes) { .kind = HUGE_PTE };
FIXTURE_VARIANT_ADD(cow, page_of_superpage) { .kind = HUGE_ONE_PTE };
FIXTURE_VARIANT_ADD(cow, half_of_superpage) { .kind = HUGE_MOVED };
FIXTURE_VARIANT_ADD(cow, moved_half_of_superpage) { .kind = HUGE_REST };
FIXTURE_VARIANT_ADD(cow, superpage_once_shared) { .kind = HUGE_SHARED };

static void nothing(void *arg)
{
	(void)arg;
}

/* A whole superpage, filled, at an address that fits it. */
static char *superpage(void)
{
	size_t pages = SUPERPAGE / vt_page_size;
	char *mem = vt_map(2 * pages, VT_RW, MAP_PRIVATE), *start;

	if (!mem)
		return NULL;
	start = (char *)(((uintptr_t)mem + SUPERPAGE - 1) & -SUPERPAGE);
	munmap(mem, start - mem);
	munmap(start + SUPERPAGE, mem + SUPERPAGE - start);
	/* Without superpages the tests make sense all the same. */
	madvise(start, SUPERPAGE, MADV_HUGEPAGE);
	fill(start, SUPERPAGE, OLD);
	return start;
}

/* Give the upper half another address. */
static char *move_half(char *mem)
{
	size_t half = SUPERPAGE / 2;
	char *to = mmap(NULL, half, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	to = mremap(mem + half, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return to == MAP_FAILED ? NULL : to;
}

FIXTURE_SETUP(cow)
{
	size_t half = SUPERPAGE / 2, page = vt_page_size;

	self->other = NULL;
	self->other_size = 0;
	self->size = variant->kind == SOME ? 8 * page :
		     variant->kind == SMALL ? page : SUPERPAGE;
	if (variant->kind <= SOME) {
		self->mem = vt_map(self->size / page, VT_RW, MAP_PRIVATE);
		ASSERT_NE(NULL, self->mem);
		/* Not all kernels know superpages. */
		madvise(self->mem, self->size, MADV_NOHUGEPAGE);
		fill(self->mem, self->size, OLD);
		return;
	}
	self->mem = superpage();
	ASSERT_NE(NULL, self->mem);
	switch (variant->kind) {
	case HUGE_PTE:
		ASSERT_EQ(0, mprotect(self->mem + half, page, PROT_READ));
		ASSERT_EQ(0, mprotect(self->mem + half, page, VT_RW));
		fill(self->mem, self->size, OLD);
		break;
	case HUGE_ONE_PTE:
		ASSERT_EQ(0, munmap(self->mem + page, SUPERPAGE - page));
		self->size = page;
		break;
	case HUGE_MOVED:
	case HUGE_REST:
		self->other = move_half(self->mem);
		ASSERT_NE(NULL, self->other);
		self->size = half;
		self->other_size = half;
		if (variant->kind == HUGE_REST) {
			char *mem = self->mem;

			self->mem = self->other;
			self->other = mem;
		}
		break;
	case HUGE_SHARED:
		ASSERT_EQ(0, madvise(self->mem + page, SUPERPAGE - page,
				     MADV_DONTFORK));
		ASSERT_EQ(0, vt_in_child(nothing, NULL));
		ASSERT_EQ(0, madvise(self->mem + page, SUPERPAGE - page,
				     MADV_DOFORK));
		break;
	default:
		break;
	}
}

FIXTURE_TEARDOWN(cow)
{
	EXPECT_TRUE(is_full_of(self->other, self->other_size, OLD));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- a child that waits ---- */

struct child {
	struct vt_gate go, done;
	char *mem;
	size_t size;
	char want;		/* what it must see when it is let go */
};

static void child_init(struct child *c, char *mem, size_t size)
{
	vt_gate_init(&c->go);
	vt_gate_init(&c->done);
	c->mem = mem;
	c->size = size;
	c->want = OLD;
}

static void looks(void *arg)
{
	struct child *c = arg;

	vt_gate_pass(&c->go);
	VT_CHECK(is_full_of(c->mem, c->size, c->want));
}

/* Writes, tells so, and looks when it is let go. */
static void writes_and_looks(void *arg)
{
	struct child *c = arg;

	VT_CHECK(is_full_of(c->mem, c->size, OLD));
	fill(c->mem, c->size, FROM_CHILD);
	vt_gate_open(&c->done);
	vt_gate_pass(&c->go);
	VT_CHECK(is_full_of(c->mem, c->size, FROM_CHILD));
}

/* ---- no references ---- */

TEST_F(cow, child_keeps_what_the_parent_writes_over)
{
	struct child c;
	pid_t pid;

	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	fill(self->mem, self->size, FROM_PARENT);
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_PARENT));
}

TEST_F(cow, parent_keeps_what_the_child_writes_over)
{
	struct child c;
	pid_t pid;

	child_init(&c, self->mem, self->size);
	pid = vt_fork(writes_and_looks, &c);
	vt_gate_pass(&c.done);
	EXPECT_TRUE(is_full_of(self->mem, self->size, OLD));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, OLD));
}

/* mprotect() may make PTEs writable, if it thinks that nobody needs to be asked. */
TEST_F(cow, mprotect_does_not_undo_it)
{
	struct child c;
	pid_t pid;

	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	ASSERT_EQ(0, mprotect(self->mem, self->size, PROT_READ));
	ASSERT_EQ(0, mprotect(self->mem, self->size, VT_RW));
	fill(self->mem, self->size, FROM_PARENT);
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_PARENT));
}

/* ---- vmsplice() ---- */

#define PIPE_PAGES	8

static size_t spliced(size_t size)
{
	return size < PIPE_PAGES * vt_page_size ? size : PIPE_PAGES * vt_page_size;
}

static bool splice_into(int fd, char *mem, size_t size)
{
	struct iovec iov = { mem, spliced(size) };

	return vmsplice(fd, &iov, 1, 0) == (ssize_t)iov.iov_len;
}

static bool pipe_is_full_of(int fd, size_t size, char c)
{
	size_t total = spliced(size), done = 0;
	char *buf = malloc(total);
	bool good;
	ssize_t n;

	while (done < total) {
		n = read(fd, buf + done, total - done);
		if (n <= 0)
			return false;
		done += n;
	}
	good = is_full_of(buf, total, c);
	free(buf);
	return good;
}

/* The child's page is in a pipe, and is not mapped by it any more. */
static void splices_and_unmaps(void *arg)
{
	struct child *c = arg;
	int fd[2];

	VT_CHECK(!pipe(fd));
	VT_CHECK(splice_into(fd[1], c->mem, c->size));
	VT_CHECK(!munmap(c->mem, c->size));
	vt_gate_open(&c->done);
	vt_gate_pass(&c->go);
	VT_CHECK(pipe_is_full_of(fd[0], c->size, OLD));
}

static void parent_writes_what_the_child_has_spliced(struct __test_metadata *_metadata,
						     char *mem, size_t size,
						     bool protect)
{
	struct child c;
	pid_t pid;

	child_init(&c, mem, size);
	pid = vt_fork(splices_and_unmaps, &c);
	vt_gate_pass(&c.done);
	if (protect) {
		ASSERT_EQ(0, mprotect(mem, size, PROT_READ));
		ASSERT_EQ(0, mprotect(mem, size, VT_RW));
	}
	fill(mem, size, FROM_PARENT);
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(mem, size, FROM_PARENT));
}

TEST_F(cow, what_a_child_has_in_a_pipe_does_not_change)
{
	parent_writes_what_the_child_has_spliced(_metadata, self->mem,
						 self->size, false);
}

TEST_F(cow, what_a_child_has_in_a_pipe_does_not_change_after_mprotect)
{
	parent_writes_what_the_child_has_spliced(_metadata, self->mem,
						 self->size, true);
}

static void child_writes_what_the_parent_has_spliced(struct __test_metadata *_metadata,
						     char *mem, size_t size,
						     bool before)
{
	struct child c;
	struct vt_gate start;
	int fd[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(fd));
	child_init(&c, mem, size);
	vt_gate_init(&start);
	if (before)
		ASSERT_TRUE(splice_into(fd[1], mem, size));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_pass(&start);
		writes_and_looks(&c);
		_exit(0);
	}
	if (!before)
		ASSERT_TRUE(splice_into(fd[1], mem, size));
	ASSERT_EQ(0, munmap(mem, size));
	vt_gate_open(&start);
	vt_gate_pass(&c.done);
	EXPECT_TRUE(pipe_is_full_of(fd[0], size, OLD));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

TEST_F(cow, what_a_parent_had_in_a_pipe_does_not_change)
{
	child_writes_what_the_parent_has_spliced(_metadata, self->mem,
						 self->size, true);
}

TEST_F(cow, what_a_parent_puts_into_a_pipe_does_not_change)
{
	child_writes_what_the_parent_has_spliced(_metadata, self->mem,
						 self->size, false);
}

/* ---- pins ---- */

struct pin {
	pthread_t thread;
	int uffd;
	bool write;		/* the "device" writes to memory */
	char *mem, *buf;
	size_t size;
	ssize_t result;
};

static void *pin_thread(void *arg)
{
	struct pin *p = arg;
	struct iovec local = { p->buf, p->size }, remote = { p->mem, p->size };

	p->result = p->write ?
		process_vm_writev(getpid(), &local, 1, &remote, 1, 0) :
		process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	return NULL;
}

/* Why it cannot be done, or NULL; p->buf is memory that makes readers wait. */
static const char *pin_prepare(struct pin *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	p->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (p->uffd < 0)
		return "no userfaultfd() for us here";
	if (ioctl(p->uffd, UFFDIO_API, &api))
		return "UFFDIO_API is refused";
	p->buf = mmap(NULL, p->size, VT_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->buf == MAP_FAILED)
		return "no memory";
	reg.range.start = (uintptr_t)p->buf;
	reg.range.len = p->size;
	if (ioctl(p->uffd, UFFDIO_REGISTER, &reg))
		return "UFFDIO_REGISTER is refused";
	return NULL;
}

/* Pin [mem, mem + size); returns when it is pinned. */
static const char *pin_start(struct pin *p, bool write, char *mem, size_t size)
{
	const char *why;
	struct uffd_msg msg;

	*p = (struct pin) { .write = write, .mem = mem, .size = size };
	why = pin_prepare(p);
	if (why)
		return why;
	if (pthread_create(&p->thread, NULL, pin_thread, p))
		return "no thread";
	/* Pinned is all of it before the first byte is copied. */
	if (read(p->uffd, &msg, sizeof(msg)) != sizeof(msg))
		return "no fault arrived";
	return NULL;
}

/*
 * Let the copy go on: a write gives all of the memory @c, and a read must have seen @c
 * everywhere.
 */
static bool pin_finish(struct pin *p, char c)
{
	char *from = malloc(p->size);
	struct uffdio_copy copy = {
		.dst = (uintptr_t)p->buf,
		.src = (uintptr_t)from,
		.len = p->size,
	};
	bool good;

	memset(from, c, p->size);
	if (!p->write)
		memset(from, ~c, p->size);
	good = !ioctl(p->uffd, UFFDIO_COPY, &copy);
	pthread_join(p->thread, NULL);
	good = good && p->result == (ssize_t)p->size;
	if (good && !p->write)
		good = is_full_of(p->buf, p->size, c);
	close(p->uffd);
	munmap(p->buf, p->size);
	free(from);
	return good;
}

#define PIN(p, write, mem, size) \
	do { \
		const char *why = pin_start(p, write, mem, size); \
		if (why) \
			SKIP(return, "%s", why); \
	} while (0)

TEST_F(cow, what_arrives_after_a_fork_is_the_parents)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, true, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
}

TEST_F(cow, what_arrives_is_the_parents_if_it_has_written_before)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, true, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	fill(self->mem, self->size, FROM_PARENT);
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

TEST_F(cow, what_arrives_is_the_parents_if_the_child_has_written_before)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, true, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(writes_and_looks, &c);
	vt_gate_pass(&c.done);
	EXPECT_TRUE(is_full_of(self->mem, self->size, OLD));
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

/* The two objects become one again, and the pinned page is still the one. */
TEST_F(cow, what_arrives_after_the_childs_exit_is_the_parents)
{
	struct pin p;

	PIN(&p, true, self->mem, self->size);
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	fill(self->mem, self->size, FROM_PARENT);
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
}

TEST_F(cow, a_pin_survives_many_forks)
{
	struct child c[4];
	pid_t pid[4];
	struct pin p;
	int i;

	PIN(&p, true, self->mem, self->size);
	for (i = 0; i < 4; i++) {
		child_init(&c[i], self->mem, self->size);
		if (i)
			c[i].want = FROM_PARENT + i;
		pid[i] = vt_fork(looks, &c[i]);
		fill(self->mem, self->size, FROM_PARENT + i + 1);
	}
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
	for (i = 0; i < 4; i++) {
		vt_gate_open(&c[i].go);
		EXPECT_EQ(0, vt_wait(pid[i]));
	}
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
}

TEST_F(cow, what_is_pinned_for_reading_shows_what_the_parent_writes)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, false, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	fill(self->mem, self->size, FROM_PARENT);
	EXPECT_TRUE(pin_finish(&p, FROM_PARENT));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

TEST_F(cow, what_is_pinned_for_reading_does_not_show_what_the_child_writes)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, false, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(writes_and_looks, &c);
	vt_gate_pass(&c.done);
	EXPECT_TRUE(pin_finish(&p, OLD));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, OLD));
}

/*
 * Linux breaks the sharing for a pin that only reads, in VMAs that are private to it.
 * Here it is of the page that both see, and what is written later is another.
 */
TEST_F(cow, what_is_pinned_for_reading_after_a_fork_is_what_both_see)
{
	struct child c;
	struct pin p;
	pid_t pid;

	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	PIN(&p, false, self->mem, self->size);
	fill(self->mem, self->size, FROM_PARENT);
	EXPECT_TRUE(pin_finish(&p, vt_is_anon() ? FROM_PARENT : OLD));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_PARENT));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

/* Whoever pins for writing after the fork has a copy first. */
static void pins_and_waits(void *arg)
{
	struct child *c = arg;
	struct pin p;

	VT_CHECK(!pin_start(&p, true, c->mem, c->size));
	vt_gate_open(&c->done);
	vt_gate_pass(&c->go);
	VT_CHECK(is_full_of(c->mem, c->size, OLD));
	VT_CHECK(pin_finish(&p, FROM_DEVICE));
	VT_CHECK(is_full_of(c->mem, c->size, FROM_DEVICE));
}

TEST_F(cow, what_a_child_pins_is_its_own)
{
	struct child c;
	struct pin p = { .size = vt_page_size };
	const char *why = pin_prepare(&p);
	pid_t pid;

	if (why)
		SKIP(return, "%s", why);
	close(p.uffd);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(pins_and_waits, &c);
	vt_gate_pass(&c.done);
	fill(self->mem, self->size, FROM_PARENT);
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_PARENT));
}

/* A page that is not the process's any more is nobody's. */
TEST_F(cow, what_arrives_in_unmapped_memory_is_lost)
{
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, true, self->mem, self->size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	ASSERT_EQ(0, munmap(self->mem, self->size));
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

/* One page of a mapping is pinned; the others are shared as ever. */
TEST_F(cow, only_what_is_pinned_is_copied_early)
{
	size_t last = self->size - vt_page_size;
	struct child c;
	struct pin p;
	pid_t pid;

	PIN(&p, true, self->mem + last, vt_page_size);
	child_init(&c, self->mem, self->size);
	pid = vt_fork(looks, &c);
	fill(self->mem, self->size, FROM_PARENT);
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(self->mem, last, FROM_PARENT));
	EXPECT_TRUE(is_full_of(self->mem + last, vt_page_size, FROM_DEVICE));
	vt_gate_open(&c.go);
	EXPECT_EQ(0, vt_wait(pid));
}

/* ---- memory that is shared, or has a name ---- */

static void writes(void *arg)
{
	struct child *c = arg;

	fill(c->mem, c->size, FROM_CHILD);
}

/* What is in a pipe is the memory, whoever writes to it. */
static void pipe_shows_what_is_written(struct __test_metadata *_metadata,
				       char *mem, size_t size)
{
	struct child c;
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	child_init(&c, mem, size);
	ASSERT_TRUE(splice_into(fd[1], mem, size));
	ASSERT_EQ(0, vt_in_child(writes, &c));
	EXPECT_TRUE(is_full_of(mem, size, FROM_CHILD));
	EXPECT_TRUE(pipe_is_full_of(fd[0], size, FROM_CHILD));
	ASSERT_TRUE(splice_into(fd[1], mem, size));
	fill(mem, size, FROM_PARENT);
	EXPECT_TRUE(pipe_is_full_of(fd[0], size, FROM_PARENT));
	close(fd[0]);
	close(fd[1]);
	EXPECT_TRUE(vt_check_ok());
}

static char *map_full(size_t pages, int flags)
{
	char *mem = vt_map(pages, VT_RW, flags);

	if (mem)
		fill(mem, pages * vt_page_size, OLD);
	return mem;
}

TEST(a_pipe_shows_what_is_written_to_shared_memory)
{
	char *mem = map_full(8, MAP_SHARED);

	ASSERT_NE(NULL, mem);
	pipe_shows_what_is_written(_metadata, mem, 8 * vt_page_size);
}

/* Memory that has been copied once may have been seen by others; now it is shared. */
TEST(a_pipe_shows_what_is_written_to_memory_that_has_become_shared)
{
	char *mem = map_full(8, MAP_PRIVATE);

	VT_NEED_DEVICE();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	ASSERT_EQ(0, vt_inherit(mem, 0, 8, VMOBJ_INHERIT_SHARE));
	pipe_shows_what_is_written(_metadata, mem, 8 * vt_page_size);
}

static void waits(void *arg)
{
	struct child *c = arg;

	vt_gate_pass(&c->go);
	fill(c->mem, c->size, FROM_CHILD);
}

/* The same, where others share it and the next child will not. */
TEST(a_pipe_shows_what_a_sharer_writes)
{
	size_t size = 8 * vt_page_size;
	char *mem = map_full(8, MAP_SHARED);
	struct child c;
	pid_t pid;
	int fd[2];

	VT_NEED_DEVICE();
	ASSERT_NE(NULL, mem);
	child_init(&c, mem, size);
	pid = vt_fork(waits, &c);
	ASSERT_EQ(0, vt_inherit(mem, 0, 8, VMOBJ_INHERIT_COPY));
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_TRUE(splice_into(fd[1], mem, size));
	vt_gate_open(&c.go);
	ASSERT_EQ(0, vt_wait(pid));
	EXPECT_TRUE(is_full_of(mem, size, FROM_CHILD));
	EXPECT_TRUE(pipe_is_full_of(fd[0], size, FROM_CHILD));
	EXPECT_TRUE(vt_check_ok());
}

/* An object with a descriptor, and a child that has a private mapping of it. */
static void pipe_shows_what_is_written_to_named(struct __test_metadata *_metadata,
						int object)
{
	size_t size = 8 * vt_page_size;
	char *mem, *copy;

	ASSERT_LE(0, object);
	mem = mmap(NULL, size, VT_RW, MAP_SHARED, object, 0);
	ASSERT_NE(MAP_FAILED, mem);
	copy = mmap(NULL, size, VT_RW, MAP_PRIVATE, object, 0);
	ASSERT_NE(MAP_FAILED, copy);
	fill(mem, size, OLD);
	copy[0] = FROM_PARENT;
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	pipe_shows_what_is_written(_metadata, mem, size);
	EXPECT_EQ(FROM_PARENT, copy[0]);
	ASSERT_EQ(0, munmap(mem, size));
	ASSERT_EQ(0, munmap(copy, size));
	close(object);
}

TEST(a_pipe_shows_what_is_written_to_an_object)
{
	struct vmobj_create arg = {
		.size = sizeof(arg),
		.length = 8 * vt_page_size,
	};
	int dev;

	VT_NEED_DEVICE();
	dev = vt_open(O_RDWR);
	ASSERT_LE(0, dev);
	pipe_shows_what_is_written_to_named(_metadata,
					    ioctl(dev, VMOBJ_IOC_CREATE, &arg));
	close(dev);
}

TEST(a_pipe_shows_what_is_written_to_a_file)
{
	struct vmobj_attach arg = { .size = sizeof(arg) };
	char path[] = "/tmp/t_cow.XXXXXX";
	int dev;

	VT_NEED_DEVICE();
	dev = vt_open(O_RDWR);
	ASSERT_LE(0, dev);
	arg.fd = mkstemp(path);
	ASSERT_LE(0, arg.fd);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, ftruncate(arg.fd, 8 * vt_page_size));
	pipe_shows_what_is_written_to_named(_metadata,
					    ioctl(dev, VMOBJ_IOC_ATTACH, &arg));
	close(arg.fd);
	close(dev);
}

/* ---- small pages that become a superpage ---- */

/* Write to every eighth page from @first on. */
static void touch(char *mem, size_t first, size_t nr)
{
	for (; nr--; first += 8)
		fill(vt_page(mem, first), vt_page_size, FROM_PARENT);
}

static long long promotes(void)
{
	return vt_have_debugfs() ? vt_stat("promotes") : 0;
}

/* Fails if a copy takes the place of a page that a device will write to. */
TEST(a_pinned_page_is_not_put_into_a_superpage)
{
	size_t pages = SUPERPAGE / vt_page_size;
	char *mem = superpage();
	long long before;
	struct pin p;

	ASSERT_NE(NULL, mem);
	if (madvise(mem, SUPERPAGE, MADV_NOHUGEPAGE))
		SKIP(return, "no superpages in this kernel");
	ASSERT_EQ(mem, mmap(mem, SUPERPAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_EQ(mem, vt_map_at(mem, pages, VT_RW, MAP_PRIVATE | MAP_FIXED));
	ASSERT_EQ(0, madvise(mem, SUPERPAGE, MADV_NOHUGEPAGE));
	touch(mem, 0, 40);
	PIN(&p, true, mem, vt_page_size);
	ASSERT_EQ(0, madvise(mem, SUPERPAGE, MADV_HUGEPAGE));
	before = promotes();
	touch(mem, 320, 2);
	EXPECT_EQ(before, promotes());
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(mem, vt_page_size, FROM_DEVICE));
	touch(mem, 1, 40);
	touch(mem, 321, 2);
	if (!vt_is_anon() && vt_have_debugfs())
		EXPECT_LT(before, promotes());
	EXPECT_TRUE(is_full_of(mem, vt_page_size, FROM_DEVICE));
	EXPECT_TRUE(is_full_of(vt_page(mem, 1), vt_page_size, FROM_PARENT));
	EXPECT_TRUE(vt_check_ok());
}

/* ---- what it costs ---- */

/* A process that has pinned something once does not pay for it at each fork. */
TEST_F(cow, nothing_is_copied_early_when_the_pin_is_gone)
{
	long long kept;
	struct pin p;

	VT_NEED_DEBUGFS();
	PIN(&p, true, self->mem, self->size);
	kept = vt_stat("pins_kept");
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	EXPECT_LT(kept, vt_stat("pins_kept"));
	ASSERT_TRUE(pin_finish(&p, FROM_DEVICE));
	kept = vt_stat("pins_kept");
	ASSERT_EQ(0, vt_in_child(nothing, NULL));
	EXPECT_EQ(kept, vt_stat("pins_kept"));
	EXPECT_TRUE(is_full_of(self->mem, self->size, FROM_DEVICE));
}

TEST_HARNESS_MAIN
