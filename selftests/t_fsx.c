// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on objects with descriptors, held against a copy in plain memory.
 *
 * After fsx of Apple and Linux: a file is read, written, mapped, truncated and punched in any
 * order, and each byte that is read must be what was written there last.  Here it goes
 * through several descriptors and mappings at once, which begin anywhere in the file.
 *
 *	a file		(VMOBJ_IOC_ATTACH): after a sync the file itself must be the same
 *	an object	(VMOBJ_IOC_CREATE): a memfd is done to alike, and must answer alike
 *
 * When it fails the last operations are printed, and the seed always is.
 */
#include "vmobj_test.h"

#include <linux/falloc.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/vmobj.h>

#define PAGES		24		/* the file is never longer */
#define DESCRIPTORS	3
#define MAPPINGS	4		/* the last one is private, and only read */
#define LOG		12

#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* A descriptor or mapping, and where in the file it begins. */
struct window {
	int fd;
	char *mem;
	size_t start;
};

struct fsx {
	bool named;
	int file;		/* the file, or the memfd */
	int first;		/* named: a descriptor that stays */
	struct window desc[DESCRIPTORS];
	struct window map[MAPPINGS];
	char *model;
	char *data;
	size_t size;
	size_t limit;
	bool holes;		/* the file system can */
	bool room;
	uint64_t random;
	char log[LOG][80];
	unsigned long step;
};

/* ---- telling ---- */

static void __attribute__((format(printf, 2, 3)))
note(struct fsx *x, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(x->log[x->step % LOG], sizeof(x->log[0]), format, ap);
	va_end(ap);
}

static bool wrong(struct fsx *x, const char *what)
{
	unsigned long i = x->step < LOG ? 0 : x->step - LOG + 1;

	for (; i <= x->step; i++)
		printf("# %lu: %s\n", i, x->log[i % LOG]);
	printf("# step %lu: %s: %s; size %zu\n", x->step, what, strerror(errno),
	       x->size);
	fflush(stdout);		/* the harness leaves by _exit() */
	return false;
}

static bool same(struct fsx *x, const char *what, const char *data, size_t from,
		 size_t length)
{
	char text[120];
	size_t i;

	if (!memcmp(data, x->model + from, length))
		return true;
	for (i = 0; data[i] == x->model[from + i]; i++)
		;
	snprintf(text, sizeof(text), "%s: byte %zu is %02x instead of %02x",
		 what, from + i, data[i] & 255, x->model[from + i] & 255);
	errno = 0;
	return wrong(x, text);
}

/* ---- descriptors and mappings ---- */

static int attach(int fd, size_t offset)
{
	struct vmobj_attach arg = {
		.size = sizeof(arg),
		.fd = fd,
		.offset = offset,
	};
	int dev = vt_open(O_RDWR), object = ioctl(dev, VMOBJ_IOC_ATTACH, &arg);

	close(dev);
	return object;
}

static size_t random_page(struct fsx *x)
{
	return vt_below(&x->random, PAGES / 2) * vt_page_size;
}

static bool open_descriptor(struct fsx *x, struct window *desc)
{
	desc->start = x->named ? 0 : random_page(x);
	desc->fd = x->named ? dup(x->first) : attach(x->file, desc->start);
	return desc->fd >= 0;
}

static bool open_mapping(struct fsx *x, struct window *map)
{
	struct window *desc = &x->desc[vt_below(&x->random, DESCRIPTORS)];
	size_t skip = random_page(x);
	int flags = map == &x->map[MAPPINGS - 1] ? MAP_PRIVATE : MAP_SHARED;

	if (desc->start + skip >= x->limit)
		skip = 0;
	map->start = desc->start + skip;
	map->mem = mmap(NULL, x->limit - map->start, VT_RW, flags, desc->fd,
			skip);
	return map->mem != MAP_FAILED;
}

static void close_mapping(struct fsx *x, struct window *map)
{
	munmap(map->mem, x->limit - map->start);
}

static bool begin(struct fsx *x)
{
	int i;

	for (i = 0; i < DESCRIPTORS; i++)
		if (!open_descriptor(x, &x->desc[i]))
			return wrong(x, "open");
	for (i = 0; i < MAPPINGS; i++)
		if (!open_mapping(x, &x->map[i]))
			return wrong(x, "mmap");
	return true;
}

static void end(struct fsx *x)
{
	int i;

	for (i = 0; i < MAPPINGS; i++)
		close_mapping(x, &x->map[i]);
	for (i = 0; i < DESCRIPTORS; i++)
		close(x->desc[i].fd);
}

/* What is dirty gets into the file. */
static bool sync_all(struct fsx *x)
{
	struct vmobj_sync arg = { .size = sizeof(arg) };
	int fd = x->named ? -1 : attach(x->file, 0);
	int err = x->named ? 0 : ioctl(fd, VMOBJ_IOC_SYNC, &arg);

	close(fd);
	return !err || wrong(x, "sync");
}

/* ---- operations ---- */

/* Where in the file an operation is, as seen from a window. */
struct part {
	struct window *w;
	size_t from;		/* in the file */
	size_t length;		/* at least 1 */
	size_t off;		/* in the window */
};

static struct part choose(struct fsx *x, struct window *windows, int nr)
{
	struct part p = { .w = &windows[vt_below(&x->random, nr)] };

	p.from = p.w->start + vt_below(&x->random, x->limit - p.w->start - 1);
	p.length = 1 + vt_below(&x->random, vt_below(&x->random, 2) ?
				5 * vt_page_size : 100);
	if (p.from + p.length > x->limit)
		p.length = x->limit - p.from;
	p.off = p.from - p.w->start;
	return p;
}

/* Only what is inside of the file; false if nothing is. */
static bool clip(struct fsx *x, struct part *p)
{
	if (p->from >= x->size)
		return false;
	if (p->from + p->length > x->size)
		p->length = x->size - p->from;
	return true;
}

static void fill(struct fsx *x, size_t length)
{
	uint64_t number = vt_random(&x->random) | 0x0101010101010101;
	size_t i;

	for (i = 0; i < length; i++)
		x->data[i] = number >> i % 8 * 8;
}

static void grow_model(struct fsx *x, size_t size)
{
	if (size <= x->size)
		return;
	memset(x->model + x->size, 0, size - x->size);
	x->size = size;
}

static bool op_read(struct fsx *x)
{
	struct part p = choose(x, x->desc, DESCRIPTORS);
	size_t want = clip(x, &p) ? p.length : 0;

	note(x, "read %zu+%zu", p.from, p.length);
	if (pread(p.w->fd, x->data, p.length, p.off) != (ssize_t)want)
		return wrong(x, "read");
	return same(x, "read", x->data, p.from, want);
}

static bool op_read_mapped(struct fsx *x)
{
	struct part p = choose(x, x->map, MAPPINGS);

	note(x, "mapped read %zu+%zu", p.from, p.length);
	if (!clip(x, &p)) {
		size_t pages = (x->size + vt_page_size - 1) / vt_page_size;

		return p.from < pages * vt_page_size ||
		       vt_try_read(p.w->mem + p.off) == SIGBUS ||
		       wrong(x, "no SIGBUS");
	}
	return same(x, "memory", p.w->mem + p.off, p.from, p.length);
}

static bool op_write_mapped(struct fsx *x)
{
	struct part p = choose(x, x->map, MAPPINGS - 1);

	note(x, "mapped write %zu+%zu", p.from, p.length);
	if (!clip(x, &p))
		return true;
	fill(x, p.length);
	memcpy(p.w->mem + p.off, x->data, p.length);
	memcpy(x->model + p.from, x->data, p.length);
	if (x->named && pwrite(x->file, x->data, p.length, p.from) !=
			(ssize_t)p.length)
		return wrong(x, "write to the memfd");
	return true;
}

/* Through one of our descriptors, or to the file when nothing is dirty. */
static bool op_write(struct fsx *x)
{
	struct part p = choose(x, x->desc, DESCRIPTORS);
	bool direct = !x->named && !vt_below(&x->random, 3);

	note(x, "%swrite %zu+%zu", direct ? "direct " : "", p.from, p.length);
	fill(x, p.length);
	if (direct && !sync_all(x))
		return false;
	if (!direct && pwrite(p.w->fd, x->data, p.length, p.off) !=
		       (ssize_t)p.length)
		return wrong(x, "write");
	if ((direct || x->named) && pwrite(x->file, x->data, p.length, p.from) !=
				    (ssize_t)p.length)
		return wrong(x, "write to the file");
	grow_model(x, p.from + p.length);
	memcpy(x->model + p.from, x->data, p.length);
	return true;
}

static bool op_truncate(struct fsx *x)
{
	size_t size = vt_below(&x->random, x->limit);

	note(x, "truncate %zu", size);
	if (ftruncate(x->file, size) || (x->named && ftruncate(x->first, size)))
		return wrong(x, "truncate");
	grow_model(x, size);
	x->size = size;
	return true;
}

/* The same on both sides; false if it could not be done at all. */
static bool allocate(struct fsx *x, struct part *p, int mode, bool direct)
{
	int err = 0;

	if (!direct && fallocate(p->w->fd, mode, p->off, p->length))
		err = errno;
	if (direct || x->named)
		if (fallocate(x->file, mode, p->from, p->length) && !err)
			err = errno;
	errno = err;
	return !err;
}

static bool op_punch(struct fsx *x)
{
	struct part p = choose(x, x->desc, DESCRIPTORS);
	bool direct = !x->named && !vt_below(&x->random, 3);

	note(x, "%spunch %zu+%zu", direct ? "direct " : "", p.from, p.length);
	if (!x->holes || (direct && !sync_all(x)))
		return !x->holes;
	if (!allocate(x, &p, PUNCH, direct))
		return wrong(x, "punch");
	if (clip(x, &p))
		memset(x->model + p.from, 0, p.length);
	return true;
}

static bool op_room(struct fsx *x)
{
	struct part p = choose(x, x->desc, DESCRIPTORS);
	bool keep = vt_below(&x->random, 2);

	note(x, "room%s %zu+%zu", keep ? " inside" : "", p.from, p.length);
	if (!x->room)
		return true;
	if (!allocate(x, &p, keep ? FALLOC_FL_KEEP_SIZE : 0, false))
		return wrong(x, "fallocate");
	if (!keep)
		grow_model(x, p.from + p.length);
	return true;
}

static bool op_sync(struct fsx *x)
{
	struct part p = choose(x, x->desc, DESCRIPTORS);
	struct vmobj_sync arg = {
		.size = sizeof(arg),
		.flags = vt_below(&x->random, 4),
		.offset = p.off & ~(vt_page_size - 1),
		.length = vt_below(&x->random, 2) ? p.length : 0,
	};
	struct window *map = &x->map[vt_below(&x->random, MAPPINGS)];

	note(x, "sync %zu+%llu, flags %u", p.from,
	     (unsigned long long)arg.length, arg.flags);
	if (x->named || vt_below(&x->random, 2))
		return !msync(map->mem, x->limit - map->start, MS_SYNC) ||
		       wrong(x, "msync");
	return !ioctl(p.w->fd, VMOBJ_IOC_SYNC, &arg) || wrong(x, "sync");
}

/*
 * What is between is a hole: zero.  Or else the file itself says so: on 6.12 ext4 without
 * extents does not find what it has not yet given a place on the device.
 */
static bool is_hole(struct fsx *x, size_t from, size_t to)
{
	size_t pos = from;
	off_t data;

	while (pos < to && !x->model[pos])
		pos++;
	if (pos == to)
		return true;
	data = lseek(x->file, from, SEEK_DATA);
	return !x->named && (data < 0 ? to == x->size : data == (off_t)to);
}

/* From data to hole to data: what is no data is zero. */
static bool op_seek(struct fsx *x)
{
	struct window *desc = &x->desc[vt_below(&x->random, DESCRIPTORS)];
	size_t pos = desc->start;
	off_t data, hole;

	note(x, "seek from %zu", pos);
	while (pos < x->size) {
		data = lseek(desc->fd, pos - desc->start, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			return wrong(x, "SEEK_DATA");
		if (data < 0)
			return is_hole(x, pos, x->size) ||
			       wrong(x, "data behind the last");
		data += desc->start;
		if (!is_hole(x, pos, data))
			return wrong(x, "data in a hole");
		hole = lseek(desc->fd, data - desc->start, SEEK_HOLE);
		if (hole <= data - (off_t)desc->start)
			return wrong(x, "SEEK_HOLE");
		pos = hole + desc->start;
		if (pos > x->size)
			return wrong(x, "a hole behind the end");
	}
	return (lseek(desc->fd, pos - desc->start, SEEK_DATA) < 0 &&
		errno == ENXIO) || wrong(x, "data behind the end");
}

static bool op_again(struct fsx *x)
{
	int i = vt_below(&x->random, DESCRIPTORS + MAPPINGS);
	struct window *map;

	note(x, "again %d", i);
	if (i < DESCRIPTORS) {
		close(x->desc[i].fd);
		return open_descriptor(x, &x->desc[i]) || wrong(x, "open");
	}
	map = &x->map[i - DESCRIPTORS];
	close_mapping(x, map);
	return open_mapping(x, map) || wrong(x, "mmap");
}

/* Nobody has it any more: what is dirty goes to the file. */
static bool op_all_again(struct fsx *x)
{
	note(x, "all again");
	end(x);
	if (!x->named && pread(x->file, x->data, x->limit, 0) !=
			 (ssize_t)x->size)
		return begin(x) && wrong(x, "read of the file");
	return begin(x) && (x->named ||
			    same(x, "file at rest", x->data, 0, x->size));
}

static bool op_drop(struct fsx *x)
{
	struct window *map = &x->map[vt_below(&x->random, MAPPINGS)];

	note(x, "drop PTEs");
	return !madvise(map->mem, x->limit - map->start, MADV_DONTNEED) ||
	       wrong(x, "madvise");
}

/* A private mapping is written to; nobody else may see that. */
static bool op_private(struct fsx *x)
{
	struct window copy, *map = &x->map[MAPPINGS - 1];
	struct part p;

	copy = *map;
	note(x, "private write");
	if (!open_mapping(x, map))
		return wrong(x, "mmap");
	p = choose(x, map, 1);
	if (clip(x, &p)) {
		memset(p.w->mem + p.off, '#', p.length);
		if (!same(x, "before it", map->mem, map->start,
			  p.off))
			return false;
	}
	close_mapping(x, map);
	*map = copy;
	return true;
}

/* Another process writes. */
static bool op_child(struct fsx *x)
{
	struct part p = choose(x, x->map, MAPPINGS - 1);
	pid_t pid;

	note(x, "child's write %zu+%zu", p.from, p.length);
	if (!clip(x, &p))
		return true;
	fill(x, p.length);
	pid = fork();
	if (!pid) {
		bool good = same(x, "child's memory", p.w->mem + p.off, p.from,
				 p.length);

		memcpy(p.w->mem + p.off, x->data, p.length);
		_exit(!good);
	}
	if (vt_wait(pid))
		return wrong(x, "the child");
	memcpy(x->model + p.from, x->data, p.length);
	return !x->named || pwrite(x->file, x->data, p.length, p.from) ==
			    (ssize_t)p.length || wrong(x, "memfd");
}

static bool op_compare(struct fsx *x)
{
	struct window *desc = &x->desc[0];
	struct stat st;

	note(x, "compare");
	if (!sync_all(x))
		return false;
	if (fstat(x->file, &st) || st.st_size != (off_t)x->size)
		return wrong(x, "size of the file");
	if (pread(x->file, x->data, x->limit, 0) != (ssize_t)x->size)
		return wrong(x, "read of the file");
	if (!same(x, "file", x->data, 0, x->size))
		return false;
	if (!x->named && desc->start > x->size)
		return true;
	return lseek(desc->fd, 0, SEEK_END) == (off_t)(x->size - desc->start) ||
	       wrong(x, "SEEK_END");
}

static const struct {
	bool (*fn)(struct fsx *x);
	unsigned int weight;
} ops[] = {
	{ op_read, 12 },	{ op_read_mapped, 20 },
	{ op_write_mapped, 24 }, { op_write, 14 },
	{ op_truncate, 6 },	{ op_punch, 8 },
	{ op_room, 4 },		{ op_sync, 6 },
	{ op_seek, 5 },		{ op_again, 6 },
	{ op_all_again, 1 },	{ op_drop, 2 },
	{ op_private, 3 },	{ op_child, 1 },
	{ op_compare, 3 },
};

static bool step(struct fsx *x)
{
	unsigned int n = 0, i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		n += ops[i].weight;
	n = vt_below(&x->random, n);
	for (i = 0; n >= ops[i].weight; i++)
		n -= ops[i].weight;
	return ops[i].fn(x);
}

static bool run(struct fsx *x, unsigned long steps)
{
	bool good;

	x->limit = PAGES * vt_page_size;
	x->model = calloc(1, x->limit);
	x->data = calloc(1, x->limit);
	good = begin(x);
	for (x->step = 0; good && x->step < steps; x->step++)
		good = step(x);
	good = good && op_compare(x);
	end(x);
	free(x->model);
	free(x->data);
	return good && vt_check_ok();
}

/* ---- file systems ---- */

#define DIR	"/tmp/fsx"

FIXTURE(fsx)
{
	struct fsx x;
};

FIXTURE_VARIANT(fsx)
{
	const char *fs;
};

FIXTURE_VARIANT_ADD(fsx, object)
{
	.fs = NULL,
};

FIXTURE_VARIANT_ADD(fsx, tmpfs)
{
	.fs = "tmpfs",
};

FIXTURE_VARIANT_ADD(fsx, ext4)
{
	.fs = "ext4",
};

FIXTURE_VARIANT_ADD(fsx, overlay)
{
	.fs = "overlay",
};

FIXTURE_SETUP(fsx)
{
	struct fsx *x = &self->x;

	VT_NEED_DEVICE();
	x->random = vt_seed();
	x->named = !variant->fs;
	x->first = -1;
	mkdir(DIR, 0755);
	if (variant->fs && vt_mount(variant->fs, DIR))
		SKIP(return, "no %s here", variant->fs);
	if (x->named) {
		x->first = vt_create(0);
		ASSERT_LE(0, x->first);
		x->file = memfd_create("twin", 0);
	} else {
		x->file = open(DIR "/file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	}
	ASSERT_LE(0, x->file);
	x->room = !fallocate(x->file, FALLOC_FL_KEEP_SIZE, 0, 1);
	x->holes = !fallocate(x->file, PUNCH, 0, 1);
}

FIXTURE_TEARDOWN(fsx)
{
	close(self->x.first);
	close(self->x.file);
	if (variant->fs)
		EXPECT_TRUE(vt_unmount(DIR));
}

TEST_F(fsx, each_byte_is_what_was_written_last)
{
	EXPECT_TRUE(run(&self->x, vt_scale(12000, 1200)));
	EXPECT_TRUE(self->x.holes);
}

/* ---- kill -9 ---- */

#define WRITERS		3
#define OWN		4		/* pages of each writer */

/*
 * What a writer has done, in memory that outlives it: numbers go up, each is written to the
 * next of its pages.
 */
struct diary {
	volatile uint32_t begun;	/* number that is being written */
	volatile uint32_t done;		/* the last that has been */
	volatile uint32_t synced;	/* all up to this are in the file */
};

struct writer {
	int file;
	int index;
	uint64_t random;
	uint32_t first;
	struct diary *diary;
};

static off_t place(int writer, uint32_t number)
{
	return (writer * OWN + number % OWN) * vt_page_size + 8;
}

static void write_one(struct writer *w, int object, char *mem, uint32_t number)
{
	off_t at = place(w->index, number);

	if (vt_below(&w->random, 4))
		*(volatile uint32_t *)(mem + at) = number;
	else
		VT_CHECK(pwrite(object, &number, 4, at) == 4);
}

static void sync_some(struct writer *w, int object, char *mem)
{
	struct vmobj_sync arg = {
		.size = sizeof(arg),
		.flags = vt_below(&w->random, 4),
	};
	uint32_t done = w->diary->done;

	if (vt_below(&w->random, 2))
		VT_CHECK(!ioctl(object, VMOBJ_IOC_SYNC, &arg));
	else
		VT_CHECK(!msync(mem, WRITERS * OWN * vt_page_size, MS_SYNC));
	w->diary->synced = done;
}

static void write_for_ever(void *arg)
{
	struct writer *w = arg;
	int object = attach(w->file, 0);
	char *mem = mmap(NULL, WRITERS * OWN * vt_page_size, VT_RW, MAP_SHARED,
			 object, 0);
	uint32_t number;

	VT_CHECK(object >= 0 && mem != MAP_FAILED);
	for (number = w->first;; number++) {
		w->diary->begun = number;
		write_one(w, object, mem, number);
		w->diary->done = number;
		if (!vt_below(&w->random, 50))
			sync_some(w, object, mem);
	}
}

/* Are all numbers up to @last, of those from @first on, in the file, or later ones? */
static bool has_all(struct writer *w, uint32_t last, bool exact)
{
	uint32_t value, i;

	for (i = 0; i < OWN && last >= w->first + i; i++) {
		if (pread(w->file, &value, 4, place(w->index, last - i)) != 4)
			return false;
		if (value == last - i ||
		    (value > last && (!exact || value == w->diary->begun)))
			continue;
		printf("# writer %d: %u instead of %u\n", w->index, value,
		       last - i);
		return false;
	}
	return true;
}

static bool killed_round(struct writer *w, uint64_t *random)
{
	pid_t pid[WRITERS];
	bool good = true;
	int i;

	for (i = 0; i < WRITERS; i++) {
		memset(w[i].diary, 0, sizeof(*w[i].diary));
		pid[i] = vt_fork(write_for_ever, &w[i]);
	}
	usleep(vt_below(random, 60000));
	for (i = 0; i < WRITERS; i++)
		good = good && has_all(&w[i], w[i].diary->synced, false);
	for (i = 0; i < WRITERS; i++) {
		usleep(vt_below(random, 3) * 1000);
		kill(pid[i], SIGKILL);
	}
	for (i = 0; i < WRITERS; i++)
		good = vt_wait(pid[i]) == 128 + SIGKILL && good;
	/* Nobody has the object now. */
	for (i = 0; i < WRITERS; i++)
		good = good && has_all(&w[i], w[i].diary->done, true);
	return good;
}

TEST_F(fsx, what_killed_processes_wrote_is_in_the_file)
{
	unsigned long round, rounds = vt_scale(60, 10);
	struct writer w[WRITERS];
	struct diary *diaries;
	int i;

	if (self->x.named)
		SKIP(return, "an object without a file goes with who has it");
	diaries = mmap(NULL, vt_page_size, VT_RW, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	ASSERT_NE(MAP_FAILED, (void *)diaries);
	ASSERT_EQ(0, ftruncate(self->x.file, WRITERS * OWN * vt_page_size));
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < WRITERS; i++)
			w[i] = (struct writer) {
				.file = self->x.file,
				.index = i,
				.random = vt_random(&self->x.random),
				.first = (round + 1) << 20,
				.diary = &diaries[i],
			};
		ASSERT_TRUE(killed_round(w, &self->x.random)) {
			TH_LOG("round %lu", round);
		}
		ASSERT_TRUE(vt_check_ok());
	}
}

TEST_HARNESS_MAIN
