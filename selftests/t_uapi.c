// SPDX-License-Identifier: GPL-2.0-only
/*
 * All ioctls, with structs of wrong sizes, unknown flags, bad pointers, on descriptors
 * that do not know them, and with ranges that are none.
 *
 * Everything is done twice: as a 64-bit program does it, and by the system call of 32-bit
 * programs, which comes in through compat_ioctl.  A 64-bit program can make that, too, with
 * int $0x80 and a struct below 4 GiB.
 */
#include "vmobj_test.h"

#include <linux/vmobj.h>
#include <setjmp.h>
#include <sys/ioctl.h>

#define PAGES	4

/* A 32-bit program aligns 64-bit numbers to 4 bytes only; here it must not matter. */
#define SAME_FOR_32_BITS(type, member) \
	_Static_assert(!(offsetof(struct type, member) % 8) && \
		       !(sizeof(struct type) % 8), #type)

SAME_FOR_32_BITS(vmobj_info, features);
SAME_FOR_32_BITS(vmobj_range, addr);
SAME_FOR_32_BITS(vmobj_range, resident);
SAME_FOR_32_BITS(vmobj_inherit, addr);
SAME_FOR_32_BITS(vmobj_advise, addr);
SAME_FOR_32_BITS(vmobj_create, length);
SAME_FOR_32_BITS(vmobj_attach, offset);
SAME_FOR_32_BITS(vmobj_sync, offset);
_Static_assert(sizeof(struct vmobj_seal) == 16, "vmobj_seal");

/* ---- the two ways in; a result or -errno ---- */

static long enter_64(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

#ifdef __x86_64__
#define COMPAT_MAP	MAP_32BIT
#define COMPAT_GETPID	20
#define COMPAT_IOCTL	54

static long int80(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static sigjmp_buf no_int80;

static void caught(int sig)
{
	siglongjmp(no_int80, sig);
}

static const char *why_no_32(void)
{
	struct sigaction catch = { .sa_handler = caught }, old;
	const char *why = "this kernel has no 32-bit system calls";

	sigaction(SIGSEGV, &catch, &old);
	if (!sigsetjmp(no_int80, 1) &&
	    int80(COMPAT_GETPID, 0, 0, 0) == getpid())
		why = NULL;
	sigaction(SIGSEGV, &old, NULL);
	return why;
}

static long enter_32(int fd, unsigned long cmd, const void *arg)
{
	return int80(COMPAT_IOCTL, fd, cmd, (long)arg);
}
#else
#define COMPAT_MAP	0

static const char *why_no_32(void)
{
	return "no 32-bit system call from a 64-bit program here";
}

static long enter_32(int fd, unsigned long cmd, const void *arg)
{
	return enter_64(fd, cmd, arg);
}
#endif

/* ---- the ioctls ---- */

enum place { DEVICE, CREATED, ATTACHED, NR_PLACES };

static const char * const places[] = { "the device", "an object", "a file's object" };

static int fds[NR_PLACES];
static int file_fd;
static char *mem;			/* PAGES of the device */

static void fill_range(void *arg)
{
	struct vmobj_range *range = arg;

	range->addr = (uintptr_t)mem;
	range->length = PAGES * vt_page_size;
}

static void fill_inherit(void *arg)
{
	struct vmobj_inherit *inherit = arg;

	inherit->addr = (uintptr_t)mem;
	inherit->length = PAGES * vt_page_size;
}

static void fill_advise(void *arg)
{
	struct vmobj_advise *advise = arg;

	advise->addr = (uintptr_t)mem;
	advise->length = PAGES * vt_page_size;
}

static void fill_create(void *arg)
{
	struct vmobj_create *create = arg;

	create->length = 3 * vt_page_size + 5;
}

static void fill_attach(void *arg)
{
	struct vmobj_attach *attach = arg;

	attach->fd = file_fd;
}

static void fill_nothing(void *arg)
{
	(void)arg;
}

/*
 * @at: the descriptor it is for
 * @flags: those that have a name
 * @reserved, @reserved_end: bytes that must be zero
 * @answers: the struct is written back
 */
#define CALL(NAME, name, ...) \
	.cmd = VMOBJ_IOC_##NAME, .text = #NAME, \
	.size = sizeof(struct vmobj_##name), .least = VMOBJ_##NAME##_SIZE_VER0, \
	__VA_ARGS__

#define RESERVED(name) \
	.reserved = offsetof(struct vmobj_##name, reserved), \
	.reserved_end = offsetof(struct vmobj_##name, reserved) + \
			sizeof(((struct vmobj_##name *)0)->reserved)

static const struct call {
	unsigned long cmd;
	const char *text;
	size_t size;
	size_t least;
	enum place at;
	uint32_t flags;
	size_t reserved;
	size_t reserved_end;
	bool answers;
	void (*fill)(void *arg);
} calls[] = {
	{ CALL(INFO, info, RESERVED(info), .answers = true, .fill = fill_nothing) },
	{ CALL(RANGE, range, RESERVED(range), .answers = true, .fill = fill_range) },
	{ CALL(INHERIT, inherit, RESERVED(inherit), .fill = fill_inherit) },
	{ CALL(ADVISE, advise, RESERVED(advise), .fill = fill_advise) },
	{ CALL(CREATE, create, RESERVED(create), .fill = fill_create) },
	{ CALL(ATTACH, attach, RESERVED(attach), .fill = fill_attach) },
	{ CALL(SYNC, sync, .at = ATTACHED, .fill = fill_nothing,
	       .flags = VMOBJ_SYNC_WAIT | VMOBJ_SYNC_INVAL) },
	{ CALL(SEAL, seal, RESERVED(seal), .at = CREATED, .answers = true,
	       .fill = fill_nothing) },
};

static const struct call * const calls_end = calls + ARRAY_SIZE(calls);

/* Memory with nothing before it and nothing behind. */
static char *map_alone(void)
{
	char *all = vt_map(PAGES + 2, VT_RW, MAP_PRIVATE);

	if (!all || munmap(all, vt_page_size) ||
	    munmap(vt_page(all, PAGES + 1), vt_page_size))
		return NULL;
	return vt_page(all, 1);
}

/* Two pages for structs, and nothing behind them. */
static char *buf;
static long (*enter)(int fd, unsigned long cmd, const void *arg);

FIXTURE(uapi)
{
};

FIXTURE_VARIANT(uapi)
{
	bool compat;
};

FIXTURE_VARIANT_ADD(uapi, 64_bit)
{
	.compat = false,
};

FIXTURE_VARIANT_ADD(uapi, 32_bit)
{
	.compat = true,
};

FIXTURE_SETUP(uapi)
{
	struct vmobj_create create = { .size = sizeof(create) };
	struct vmobj_attach attach = { .size = sizeof(attach) };

	VT_NEED_DEVICE();
	if (variant->compat && why_no_32())
		SKIP(return, "%s", why_no_32());
	enter = variant->compat ? enter_32 : enter_64;
	buf = mmap(NULL, 3 * vt_page_size, VT_RW,
		   MAP_PRIVATE | MAP_ANONYMOUS |
		   (variant->compat ? COMPAT_MAP : 0), -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)buf);
	ASSERT_EQ(0, munmap(buf + 2 * vt_page_size, vt_page_size));
	mem = map_alone();
	ASSERT_NE(NULL, mem);

	fds[DEVICE] = vt_open(O_RDWR);
	create.length = PAGES * vt_page_size;
	fds[CREATED] = ioctl(fds[DEVICE], VMOBJ_IOC_CREATE, &create);
	file_fd = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	ASSERT_EQ(0, ftruncate(file_fd, PAGES * vt_page_size));
	attach.fd = file_fd;
	fds[ATTACHED] = ioctl(fds[DEVICE], VMOBJ_IOC_ATTACH, &attach);
	ASSERT_LE(0, fds[DEVICE]);
	ASSERT_LE(0, fds[CREATED]);
	ASSERT_LE(0, fds[ATTACHED]);
}

FIXTURE_TEARDOWN(uapi)
{
	EXPECT_TRUE(vt_check_ok());
}

/* A good struct of that size; what is behind what we know is zero. */
static void *fill(const struct call *c, char *arg, uint32_t size)
{
	memset(arg, 0, size > c->size ? size : c->size);
	c->fill(arg);
	*(uint32_t *)arg = size;
	return arg;
}

/* 0 or an errno; descriptors are closed again. */
static int result_at(const struct call *c, int fd, const void *arg)
{
	long ret = enter(fd, c->cmd, arg);

	if (ret > 0)
		close(ret);
	return ret < 0 ? -ret : 0;
}

static int result(const struct call *c, const void *arg)
{
	return result_at(c, fds[c->at], arg);
}

/* ---- structs ---- */

TEST_F(uapi, good_structs_are_taken_and_answered)
{
	const struct call *c;
	char other[256];

	for (c = calls; c < calls_end; c++) {
		fill(c, buf, c->size);
		EXPECT_EQ(0, result(c, buf))
			TH_LOG("%s", c->text);
		fill(c, other, c->size);
		if (c->answers)
			ASSERT_EQ(0, ioctl(fds[c->at], c->cmd, other));
		EXPECT_EQ(0, memcmp(other, buf, c->size))
			TH_LOG("%s", c->text);
		EXPECT_EQ(c->size, *(uint32_t *)other);
	}
}

TEST_F(uapi, too_small_is_EINVAL)
{
	const struct call *c;
	uint32_t size;

	for (c = calls; c < calls_end; c++) {
		ASSERT_LE(c->least, c->size);
		for (size = 0; size < c->least; size++) {
			fill(c, buf, c->size);
			*(uint32_t *)buf = size;
			EXPECT_EQ(EINVAL, result(c, buf))
				TH_LOG("%s of %u bytes", c->text, size);
		}
		fill(c, buf, c->least);
		EXPECT_EQ(0, result(c, buf))
			TH_LOG("%s", c->text);
	}
}

TEST_F(uapi, larger_with_zeros_behind_is_all_right)
{
	const struct call *c;

	for (c = calls; c < calls_end; c++) {
		uint32_t sizes[] = { c->size + 1, c->size + 8, c->size + 100,
				     vt_page_size - 1, vt_page_size };
		size_t i;

		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			fill(c, buf, sizes[i]);
			EXPECT_EQ(0, result(c, buf))
				TH_LOG("%s of %u bytes", c->text, sizes[i]);
			if (c->answers)
				EXPECT_EQ(c->size, *(uint32_t *)buf);
		}
	}
}

TEST_F(uapi, larger_with_something_behind_is_E2BIG)
{
	const struct call *c;
	size_t at;

	for (c = calls; c < calls_end; c++) {
		for (at = c->size; at < c->size + 24; at++) {
			fill(c, buf, c->size + 24);
			buf[at] = 1;
			EXPECT_EQ(E2BIG, result(c, buf))
				TH_LOG("%s, byte %zu", c->text, at);
		}
		fill(c, buf, vt_page_size);
		buf[vt_page_size - 1] = -1;
		EXPECT_EQ(E2BIG, result(c, buf))
			TH_LOG("%s", c->text);
		/* What is said to be no part of it does not matter. */
		fill(c, buf, c->size);
		memset(buf + c->size, 0xee, 64);
		EXPECT_EQ(0, result(c, buf))
			TH_LOG("%s", c->text);
		for (at = c->size; at < c->size + 64; at++)
			ASSERT_EQ('\xee', buf[at])
				TH_LOG("%s has written to byte %zu", c->text, at);
	}
}

TEST_F(uapi, more_than_a_page_is_E2BIG)
{
	const struct call *c;

	for (c = calls; c < calls_end; c++) {
		fill(c, buf, vt_page_size + 1);
		EXPECT_EQ(E2BIG, result(c, buf))
			TH_LOG("%s", c->text);
		*(uint32_t *)buf = UINT32_MAX;
		EXPECT_EQ(E2BIG, result(c, buf))
			TH_LOG("%s", c->text);
	}
}

TEST_F(uapi, unknown_flags_are_EINVAL)
{
	const struct call *c;
	int bit;

	for (c = calls; c < calls_end; c++) {
		for (bit = 0; bit < 32; bit++) {
			fill(c, buf, c->size);
			((uint32_t *)buf)[1] = 1U << bit;
			EXPECT_EQ(c->flags & 1U << bit ? 0 : EINVAL,
				  result(c, buf))
				TH_LOG("%s, flag %d", c->text, bit);
		}
	}
}

TEST_F(uapi, reserved_is_EINVAL)
{
	const struct call *c;
	size_t at;

	for (c = calls; c < calls_end; c++) {
		for (at = c->reserved; at < c->reserved_end; at++) {
			fill(c, buf, c->size);
			buf[at] = 1;
			EXPECT_EQ(EINVAL, result(c, buf))
				TH_LOG("%s, byte %zu", c->text, at);
		}
	}
}

TEST_F(uapi, bad_pointers_are_EFAULT)
{
	char *end = buf + 2 * vt_page_size;
	const struct call *c;
	size_t off;

	for (c = calls; c < calls_end; c++) {
		EXPECT_EQ(EFAULT, result(c, NULL))
			TH_LOG("%s", c->text);
		EXPECT_EQ(EFAULT, result(c, (void *)-1L))
			TH_LOG("%s", c->text);
		EXPECT_EQ(EFAULT, result(c, end))
			TH_LOG("%s", c->text);
		/* It ends where memory does. */
		for (off = 4; off < c->size; off += 4) {
			memset(end - off, 0, off);
			*(uint32_t *)(end - off) = c->size;
			EXPECT_EQ(EFAULT, result(c, end - off))
				TH_LOG("%s, %zu bytes", c->text, off);
		}
		fill(c, end - c->size, c->size);
		EXPECT_EQ(0, result(c, end - c->size))
			TH_LOG("%s", c->text);
		/* So does what the driver does not know. */
		*(uint32_t *)(end - c->size) = c->size + 8;
		EXPECT_EQ(EFAULT, result(c, end - c->size))
			TH_LOG("%s", c->text);
	}
}

TEST_F(uapi, memory_that_cannot_be_written)
{
	const struct call *c;

	for (c = calls; c < calls_end; c++) {
		fill(c, buf, c->size);
		ASSERT_EQ(0, mprotect(buf, vt_page_size, PROT_READ));
		EXPECT_EQ(c->answers ? EFAULT : 0, result(c, buf))
			TH_LOG("%s", c->text);
		ASSERT_EQ(0, mprotect(buf, vt_page_size, VT_RW));
	}
}

/* ---- descriptors ---- */

TEST_F(uapi, each_descriptor_knows_its_own)
{
	const struct call *c;
	int place, null = open("/dev/null", O_RDWR);
	int path = open("/dev/null", O_PATH);

	for (c = calls; c < calls_end; c++) {
		for (place = 0; place < NR_PLACES; place++) {
			fill(c, buf, c->size);
			EXPECT_EQ(place == (int)c->at ? 0 : ENOTTY,
				  result_at(c, fds[place], buf))
				TH_LOG("%s on %s", c->text, places[place]);
		}
		fill(c, buf, c->size);
		EXPECT_EQ(ENOTTY, result_at(c, null, buf));
		EXPECT_EQ(ENOTTY, result_at(c, file_fd, buf));
		EXPECT_EQ(EBADF, result_at(c, path, buf));
		EXPECT_EQ(EBADF, result_at(c, -1, buf));
		EXPECT_EQ(EBADF, result_at(c, 999, buf));
	}
}

TEST_F(uapi, a_read_only_device_knows_them_too)
{
	int fd = vt_open(O_RDONLY);
	const struct call *c;

	for (c = calls; c < calls_end; c++) {
		fill(c, buf, c->size);
		EXPECT_EQ(c->at == DEVICE ? 0 : ENOTTY,
			  result_at(c, fd, buf))
			TH_LOG("%s", c->text);
	}
	close(fd);
}

TEST_F(uapi, neighbouring_numbers_are_ENOTTY)
{
	const struct call *c;
	int place;

	for (c = calls; c < calls_end; c++) {
		struct call other = *c;

		fill(c, buf, c->size);
		for (place = 0; place < NR_PLACES; place++) {
			other.cmd = c->cmd ^ 1U << _IOC_SIZESHIFT;
			EXPECT_EQ(ENOTTY, result_at(&other, fds[place],
						    buf));
			other.cmd = c->cmd ^ _IOC_READ << _IOC_DIRSHIFT;
			EXPECT_EQ(ENOTTY, result_at(&other, fds[place],
						    buf));
			other.cmd = c->cmd ^ 0x10;
			EXPECT_EQ(ENOTTY, result_at(&other, fds[place],
						    buf));
		}
	}
}

/* ---- ranges ---- */

static const struct call *call_of(unsigned long cmd)
{
	const struct call *c = calls;

	while (c->cmd != cmd)
		c++;
	return c;
}

/* Address and length are at the same place in all of them. */
_Static_assert(offsetof(struct vmobj_range, addr) ==
	       offsetof(struct vmobj_inherit, addr), "addr");
_Static_assert(offsetof(struct vmobj_range, addr) ==
	       offsetof(struct vmobj_advise, addr), "addr");

static int range_result(unsigned long cmd, uint64_t addr, uint64_t length,
			uint32_t what)
{
	const struct call *c = call_of(cmd);
	struct vmobj_advise *arg = fill(c, buf, c->size);

	arg->addr = addr;
	arg->length = length;
	if (cmd != VMOBJ_IOC_RANGE)
		arg->advice = what;
	return result(c, arg);
}

static const struct {
	unsigned long cmd;
	uint32_t what;
} ranges[] = {
	{ VMOBJ_IOC_RANGE, 0 },
	{ VMOBJ_IOC_INHERIT, VMOBJ_INHERIT_NONE },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_WILLNEED },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_DONTNEED },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_FREE },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_DISCARD },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_COLD },
	{ VMOBJ_IOC_ADVISE, VMOBJ_ADV_PAGEOUT },
};

/* Has no ioctl done anything to a page that has @tag? */
static bool untouched(size_t page, uint32_t tag)
{
	struct vmobj_range range;

	return !vt_range(mem, page, 1, &range) &&
	       range.inheritance == VMOBJ_INHERIT_COPY &&
	       vt_get(mem, page) == tag;
}

TEST_F(uapi, ranges_that_are_none)
{
	uint64_t page = vt_page_size, addr = (uintptr_t)mem;
	const struct {
		uint64_t addr, length;
		int err;
	} bad[] = {
		{ addr + 1, page, EINVAL },
		{ addr + page - 1, 1, EINVAL },
		{ addr, UINT64_MAX, EINVAL },		/* wraps */
		{ addr, -addr, EINVAL },		/* to 0 */
		{ addr, -addr - 1, EINVAL },		/* when rounded */
		{ -page, 2 * page, EINVAL },
		{ addr, UINT64_MAX / 2, ENOMEM },
		{ -2 * page, page, ENOMEM },		/* the kernel's */
		{ 0, page, ENOMEM },
		{ addr - page, 2 * page, ENOMEM },
		{ addr, (PAGES + 1) * page, ENOMEM },
		{ addr, PAGES * page + 1, ENOMEM },
		{ addr + PAGES * page, page, ENOMEM },
		{ (uintptr_t)buf, page, ENOMEM },	/* Linux's own */
	};
	size_t i, j;

	vt_put(mem, 0, 7);
	vt_put(mem, PAGES - 1, 8);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (j = 0; j < ARRAY_SIZE(ranges); j++)
			EXPECT_EQ(bad[i].err,
				  range_result(ranges[j].cmd, bad[i].addr,
					       bad[i].length, ranges[j].what))
				TH_LOG("case %zu, range %zu", i, j);
	EXPECT_TRUE(untouched(0, 7));
	EXPECT_TRUE(untouched(PAGES - 1, 8));
}

/* A hole, and then memory of somebody else, in the middle: all or nothing. */
TEST_F(uapi, ranges_with_something_else_inside)
{
	size_t bytes = PAGES * vt_page_size, j;
	int round;

	vt_put(mem, 0, 7);
	vt_put(mem, PAGES - 1, 8);
	ASSERT_EQ(0, munmap(vt_page(mem, 1), vt_page_size));
	for (round = 0; round < 2; round++) {
		for (j = 0; j < ARRAY_SIZE(ranges); j++)
			EXPECT_EQ(ENOMEM, range_result(ranges[j].cmd,
						       (uintptr_t)mem, bytes,
						       ranges[j].what))
				TH_LOG("round %d, range %zu", round, j);
		EXPECT_TRUE(untouched(0, 7));
		EXPECT_TRUE(untouched(PAGES - 1, 8));
		ASSERT_EQ(vt_page(mem, 1),
			  mmap(vt_page(mem, 1), vt_page_size, VT_RW,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	}
	/* Another mapping of the device will do. */
	ASSERT_NE(NULL, vt_map_at(vt_page(mem, 1), 1, VT_RW,
				  MAP_SHARED | MAP_FIXED));
	for (j = 0; j < ARRAY_SIZE(ranges); j++)
		EXPECT_EQ(0, range_result(ranges[j].cmd, (uintptr_t)mem,
					  ranges[j].cmd == VMOBJ_IOC_INHERIT ?
					  0 : bytes, ranges[j].what))
			TH_LOG("range %zu", j);
	EXPECT_EQ(0, vt_get(mem, 0));		/* discarded */
}

TEST_F(uapi, nothing_is_a_range)
{
	size_t j;

	vt_put(mem, 0, 7);
	for (j = 0; j < ARRAY_SIZE(ranges); j++)
		EXPECT_EQ(0, range_result(ranges[j].cmd, (uintptr_t)mem, 0,
					  ranges[j].what))
			TH_LOG("range %zu", j);
	EXPECT_TRUE(untouched(0, 7));
}

TEST_F(uapi, a_part_of_a_page_is_a_page)
{
	vt_put(mem, 0, 7);
	vt_put(mem, 1, 8);
	vt_put(mem, 2, 9);
	EXPECT_EQ(0, range_result(VMOBJ_IOC_ADVISE, (uintptr_t)mem,
				  vt_page_size + 1, VMOBJ_ADV_DISCARD));
	EXPECT_EQ(0, vt_get(mem, 0));
	EXPECT_EQ(0, vt_get(mem, 1));
	EXPECT_EQ(9, vt_get(mem, 2));
}

TEST_F(uapi, unknown_advice_and_inheritance_are_EINVAL)
{
	static const uint32_t bad[] = { 6, 7, 100, 1U << 31, UINT32_MAX };
	size_t i;

	vt_put(mem, 0, 7);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(EINVAL, range_result(VMOBJ_IOC_ADVISE,
					       (uintptr_t)mem, vt_page_size,
					       bad[i]));
		EXPECT_EQ(EINVAL, range_result(VMOBJ_IOC_INHERIT,
					       (uintptr_t)mem, vt_page_size,
					       bad[i]));
	}
	EXPECT_EQ(EINVAL, range_result(VMOBJ_IOC_INHERIT, (uintptr_t)mem,
				       vt_page_size, VMOBJ_INHERIT_ZERO + 1));
	EXPECT_TRUE(untouched(0, 7));
}

/* ---- values of the others ---- */

static int create_result(uint64_t length)
{
	const struct call *c = call_of(VMOBJ_IOC_CREATE);
	struct vmobj_create *arg = fill(c, buf, c->size);

	arg->length = length;
	return result(c, arg);
}

TEST_F(uapi, lengths_of_objects)
{
	EXPECT_EQ(0, create_result(0));
	EXPECT_EQ(0, create_result(1));
	EXPECT_EQ(0, create_result(1ULL << 60));
	EXPECT_EQ(EFBIG, create_result(INT64_MAX));
	EXPECT_EQ(EINVAL, create_result(1ULL << 63));
	EXPECT_EQ(EINVAL, create_result(UINT64_MAX));
}

static int attach_result(int fd, uint64_t offset, uint64_t length)
{
	const struct call *c = call_of(VMOBJ_IOC_ATTACH);
	struct vmobj_attach *arg = fill(c, buf, c->size);

	arg->fd = fd;
	arg->offset = offset;
	arg->length = length;
	return result(c, arg);
}

TEST_F(uapi, parts_of_files)
{
	uint64_t page = vt_page_size;
	int path = open("/dev/null", O_PATH);

	EXPECT_EQ(0, attach_result(file_fd, page, page));
	EXPECT_EQ(0, attach_result(file_fd, 0, 1));
	EXPECT_EQ(0, attach_result(file_fd, 100 * page, 0));
	EXPECT_EQ(EINVAL, attach_result(file_fd, 1, 0));
	EXPECT_EQ(EINVAL, attach_result(file_fd, -page, 0));
	EXPECT_EQ(EINVAL, attach_result(file_fd, -page, 2 * page));
	EXPECT_EQ(EINVAL, attach_result(file_fd, page, INT64_MAX));
	EXPECT_EQ(EINVAL, attach_result(file_fd, page, UINT64_MAX));
	EXPECT_EQ(EBADF, attach_result(-1, 0, 0));
	EXPECT_EQ(EBADF, attach_result(999, 0, 0));
	EXPECT_EQ(EBADF, attach_result(path, 0, 0));
	EXPECT_EQ(EINVAL, attach_result(fds[DEVICE], 0, 0));
	EXPECT_EQ(EINVAL, attach_result(fds[CREATED], 0, 0));
	EXPECT_EQ(EINVAL, attach_result(fds[ATTACHED], 0, 0));
}

static int sync_result(uint64_t offset, uint64_t length)
{
	const struct call *c = call_of(VMOBJ_IOC_SYNC);
	struct vmobj_sync *arg = fill(c, buf, c->size);

	arg->offset = offset;
	arg->length = length;
	return result(c, arg);
}

TEST_F(uapi, parts_to_sync)
{
	uint64_t page = vt_page_size;

	EXPECT_EQ(0, sync_result(page, 1));
	EXPECT_EQ(0, sync_result(100 * page, 0));
	EXPECT_EQ(0, sync_result(0, UINT64_MAX));
	EXPECT_EQ(0, sync_result(page, UINT64_MAX));
	EXPECT_EQ(EINVAL, sync_result(1, 0));
	EXPECT_EQ(EINVAL, sync_result(page - 1, page));
	EXPECT_EQ(EINVAL, sync_result(-page, page));
}

TEST_F(uapi, seals_that_have_no_name)
{
	const struct call *c = call_of(VMOBJ_IOC_SEAL);
	struct vmobj_seal *arg;
	int bit;

	for (bit = 4; bit < 32; bit++) {
		arg = fill(c, buf, c->size);
		arg->seals = VMOBJ_SEAL_GROW | 1U << bit;
		EXPECT_EQ(EINVAL, result(c, arg))
			TH_LOG("seal %d", bit);
	}
	arg = fill(c, buf, c->size);
	EXPECT_EQ(0, result(c, arg));
	EXPECT_EQ(0, arg->seals);
	arg = fill(c, buf, c->size);
	arg->seals = VMOBJ_SEAL_GROW;
	EXPECT_EQ(0, result(c, arg));
	EXPECT_EQ(VMOBJ_SEAL_GROW, arg->seals);
}

TEST_HARNESS_MAIN
