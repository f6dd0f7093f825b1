// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMOBJ_IOC_RANGE against the object dump: both look at the same state, one with the
 * kernel's own walk along chains, the other is walked here.
 */
#include "vmobj_test.h"

#include <sys/ioctl.h>

#include <linux/vmobj.h>

#define PAGES		16
#define OBJECTS		64
#define RUNS		4096
#define GENERATIONS	6

/* ---- the dump ---- */

struct object {
	unsigned long long id;
	unsigned long long backing;	/* 0: none */
	unsigned long long offset;	/* in the backing object, bytes */
	bool named;
	unsigned int ref;
	unsigned int mappers;
	unsigned int ours;		/* of the mappers */
};

struct entry {
	unsigned long start, end;
	bool needs_copy;
	char inherit[8];
	struct object *object;
};

struct pages {
	unsigned long long object;
	unsigned long index, nr;
};

static struct object objects[OBJECTS];
static struct entry entries[OBJECTS];
static struct pages runs[RUNS];
static int nr_objects, nr_entries, nr_runs;

/* A mapper of the object before it; false if the line is none, or has no owner. */
static bool parse_entry(const char *line)
{
	struct object *object = &objects[nr_objects - 1];
	struct entry *entry = &entries[nr_entries];
	const char *at = strstr(line, " inherit ");
	int pid;

	if (!at || sscanf(line, "  mapped by %d", &pid) != 1)
		return false;
	object->mappers++;
	if (pid != getpid())
		return true;
	object->ours++;
	while (at[-1] != ' ')
		at--;
	entry->object = object;
	entry->needs_copy = strstr(at, "NEEDS_COPY");
	nr_entries++;
	return sscanf(at, "%lx-%lx inherit %7s", &entry->start, &entry->end,
		      entry->inherit) == 3 && nr_entries < OBJECTS;
}

static bool parse_object(const char *line)
{
	struct object *object = &objects[nr_objects++];
	const char *at = strstr(line, " backing ");
	char type[16];

	*object = (struct object) { 0 };
	if (nr_objects == OBJECTS || !at ||
	    sscanf(line, "object %llu family %*u type %15s size %*u resident %*u ref %u",
		   &object->id, type, &object->ref) != 3)
		return false;
	object->named = !strcmp(type, "vnode");
	return !strncmp(at, " backing -", 10) ||
	       sscanf(at, " backing %llu (ref %*u) offset %llx",
		      &object->backing, &object->offset) == 2;
}

static bool parse_objects(void)
{
	char *text = vt_read_file(VT_DEBUGFS "objects", 1 << 16, NULL);
	char *line, *save;
	bool good = text;

	nr_objects = 0;
	nr_entries = 0;
	for (line = good ? strtok_r(text, "\n", &save) : NULL; line && good;
	     line = strtok_r(NULL, "\n", &save))
		good = *line == ' ' ? parse_entry(line) : parse_object(line);
	free(text);
	return good;
}

static bool parse_pages(void)
{
	char *text = vt_read_file(VT_DEBUGFS "pages", 1 << 16, NULL);
	unsigned long long id = 0;
	char *line, *save;
	bool good = text;

	nr_runs = 0;
	for (line = good ? strtok_r(text, "\n", &save) : NULL; line && good;
	     line = strtok_r(NULL, "\n", &save)) {
		struct pages *run = &runs[nr_runs];

		if (sscanf(line, "object %llu", &id) == 1)
			continue;
		run->object = id;
		good = sscanf(line, "  index %lu pages %lu", &run->index,
			      &run->nr) == 2 && ++nr_runs < RUNS;
	}
	free(text);
	return good;
}

static struct object *find_object(unsigned long long id)
{
	int i;

	for (i = 0; i < nr_objects; i++)
		if (objects[i].id == id)
			return &objects[i];
	return NULL;
}

static struct entry *find_entry(unsigned long addr)
{
	int i;

	for (i = 0; i < nr_entries; i++)
		if (entries[i].start <= addr && addr < entries[i].end)
			return &entries[i];
	return NULL;
}

/* An index may be before the object's window, if the page is large: then it wraps. */
static bool has_page(const struct object *object, unsigned long index)
{
	int i;

	for (i = 0; i < nr_runs; i++)
		if (runs[i].object == object->id &&
		    index - runs[i].index < runs[i].nr)
			return true;
	return false;
}

/* ---- what the ioctl should say ---- */

/* How many objects from the top on does nobody else use? */
static int private_depth(const struct object *object)
{
	int depth = 0;

	if (object->ours != object->mappers || object->ref != object->mappers)
		return 0;
	do {
		depth++;
		object = find_object(object->backing);
	} while (object && object->ref == 1);
	return depth;
}

/* Count a page whose top object begins at address @origin. */
static void count_page(struct vmobj_range *want, unsigned long addr,
		       unsigned long origin)
{
	struct entry *entry = find_entry(addr);
	struct object *object = entry ? entry->object : NULL;
	unsigned long offset = addr - origin;
	int depth = 0;

	for (; object; object = find_object(object->backing)) {
		if (has_page(object, offset / vt_page_size))
			break;
		offset += object->offset;
		depth++;
	}
	if (!object)
		return;
	want->resident++;
	if (depth < private_depth(entry->object))
		want->private_pages++;
	else
		want->shared_pages++;
}

static int inheritance_of(const struct entry *entry)
{
	static const char * const names[] = { "copy", "share", "none", "zero" };
	int i = 0;

	while (strcmp(names[i], entry->inherit))
		i++;
	return i;
}

static void describe(struct vmobj_range *want, unsigned long addr,
		     unsigned long origin, bool named)
{
	struct entry *entry = find_entry(addr);
	struct object *object = entry ? entry->object : NULL;

	if (!entry)
		return;
	want->inheritance = inheritance_of(entry);
	/* A write would make another, unless nobody else has this one. */
	if (!entry->needs_copy || (object->ref == 1 && !object->named && !named)) {
		want->object = object->id;
		want->offset = addr - origin;
	}
	for (; object; object = find_object(object->backing))
		want->depth++;
}

static bool equal(const struct vmobj_range *have, const struct vmobj_range *want)
{
	if (have->object == want->object && have->offset == want->offset &&
	    have->depth == want->depth &&
	    have->inheritance == want->inheritance &&
	    have->resident == want->resident &&
	    have->private_pages == want->private_pages &&
	    have->shared_pages == want->shared_pages && !have->swapped)
		return true;
	fprintf(stderr, "# object %llu, offset %llx, depth %u, inheritance %u, resident %llu = %llu + %llu\n# not %llu, %llx, %u, %u, %llu = %llu + %llu\n",
		(unsigned long long)have->object,
		(unsigned long long)have->offset, have->depth, have->inheritance,
		(unsigned long long)have->resident,
		(unsigned long long)have->private_pages,
		(unsigned long long)have->shared_pages,
		(unsigned long long)want->object,
		(unsigned long long)want->offset, want->depth, want->inheritance,
		(unsigned long long)want->resident,
		(unsigned long long)want->private_pages,
		(unsigned long long)want->shared_pages);
	return false;
}

static bool agrees_on(char *mem, size_t page, size_t pages, char *origin,
		      bool named)
{
	unsigned long addr = (unsigned long)vt_page(mem, page);
	struct vmobj_range have, want = { 0 };
	size_t i;

	describe(&want, addr, (unsigned long)origin, named);
	for (i = 0; i < pages; i++)
		count_page(&want, addr + i * vt_page_size,
			   (unsigned long)origin);
	if (!vt_range(mem, page, pages, &have) && equal(&have, &want))
		return true;
	fprintf(stderr, "# page %zu, %zu pages\n", page, pages);
	return false;
}

/* All of it, each page, and halves; @origin is where the top object begins. */
static bool agrees_at(char *mem, size_t pages, char *origin, bool named)
{
	bool good = parse_objects() && parse_pages();
	size_t i;

	if (!good)
		fprintf(stderr, "# the dump cannot be read\n");
	good = good && agrees_on(mem, 0, pages, origin, named) &&
	       agrees_on(mem, pages / 2, pages / 2, origin, named);
	for (i = 0; i < pages && good; i += pages > 64 ? 37 : 1)
		good = agrees_on(mem, i, 1, origin, named);
	return good;
}

static bool agrees(char *mem, size_t pages)
{
	return agrees_at(mem, pages, mem, false);
}

/* ---- states ---- */

/* Without memory cgroups the dump does not say whose an entry is. */
static const char *no_owner(void)
{
	char *mem = vt_map(1, VT_RW, MAP_PRIVATE);
	bool owned;

	*mem = 1;
	owned = parse_objects() && nr_entries;
	munmap(mem, vt_page_size);
	return owned ? NULL : "this kernel does not know the owner of an entry";
}

#define SETUP() \
	do { \
		VT_NEED_DEBUGFS(); \
		if (no_owner()) \
			SKIP(return, "%s", no_owner()); \
	} while (0)

static char *map_small(size_t pages, int flags)
{
	char *mem = vt_map(pages, VT_RW, flags);

	if (mem)
		madvise(mem, pages * vt_page_size, MADV_NOHUGEPAGE);
	return mem;
}

TEST(fresh_memory)
{
	struct vmobj_range range;
	char *mem;

	SETUP();
	mem = map_small(PAGES, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, vt_range(mem, 0, PAGES, &range));
	EXPECT_EQ(0, range.object);
	EXPECT_EQ(0, range.depth);
	EXPECT_EQ(0, range.resident);
	vt_put(mem, 3, 3);
	vt_put(mem, 4, 4);
	EXPECT_TRUE(agrees(mem, PAGES));
	ASSERT_EQ(0, vt_range(mem, 0, PAGES, &range));
	EXPECT_NE(0, range.object);
	EXPECT_EQ(1, range.depth);
	EXPECT_EQ(range.resident, range.private_pages);
	munmap(mem, PAGES * vt_page_size);
}

static void forked_child(void *arg)
{
	char *mem = arg;

	VT_CHECK(agrees(mem, PAGES));
	vt_put(mem, 2, 20);
	vt_put(mem, 9, 90);
	VT_CHECK(agrees(mem, PAGES));
}

static void waits(void *arg)
{
	(void)arg;
	pause();
}

static void checks_and_waits(void *arg)
{
	forked_child(arg);
	pause();
}

TEST(forked_memory)
{
	struct vmobj_range range;
	char *mem;
	pid_t pid;
	size_t i;

	SETUP();
	mem = map_small(PAGES, MAP_PRIVATE);
	for (i = 0; i < PAGES; i += 2)
		vt_put(mem, i, i + 1);
	EXPECT_EQ(0, vt_in_child(forked_child, mem));
	EXPECT_TRUE(agrees(mem, PAGES));
	pid = vt_fork(checks_and_waits, mem);
	usleep(300000);
	EXPECT_TRUE(agrees(mem, PAGES));
	ASSERT_EQ(0, vt_range(mem, 0, PAGES, &range));
	EXPECT_EQ(0, range.object);		/* a write would make one */
	EXPECT_EQ(range.resident, range.shared_pages);
	vt_put(mem, 4, 40);
	EXPECT_TRUE(agrees(mem, PAGES));
	ASSERT_EQ(0, vt_range(mem, 4, 1, &range));
	EXPECT_EQ(2, range.depth);
	EXPECT_EQ(1, range.private_pages);
	vt_kill(pid);
	EXPECT_TRUE(agrees(mem, PAGES));
}

/* Each generation writes a page; the deepest looks, then each when its child has gone. */
static void generation(char *mem, int n)
{
	struct vmobj_range range;
	pid_t pid;

	vt_put(mem, n, n);
	if (n == GENERATIONS) {
		VT_CHECK(!vt_range(mem, 0, PAGES, &range));
		VT_CHECK(range.depth == GENERATIONS + 1);
		VT_CHECK(range.private_pages == 1);
		VT_CHECK(agrees(mem, PAGES));
		return;
	}
	pid = fork();
	VT_CHECK(pid >= 0);
	if (!pid) {
		generation(mem, n + 1);
		_exit(0);
	}
	/* So that the chain does not become shorter: a copy of our own. */
	vt_put(mem, PAGES - 1, n);
	VT_CHECK(!vt_wait(pid));
	VT_CHECK(agrees(mem, PAGES));
}

TEST(deep_chains)
{
	char *mem;

	SETUP();
	mem = map_small(PAGES, MAP_PRIVATE);
	vt_put(mem, PAGES - 1, 99);
	generation(mem, 0);
	EXPECT_TRUE(agrees(mem, PAGES));
}

TEST(shared_and_inherited_memory)
{
	char *mem;

	SETUP();
	mem = map_small(PAGES, MAP_SHARED);
	vt_put(mem, 1, 1);
	EXPECT_TRUE(agrees(mem, PAGES));
	EXPECT_EQ(0, vt_in_child(forked_child, mem));
	EXPECT_TRUE(agrees(mem, PAGES));
	ASSERT_EQ(0, vt_inherit(mem, 0, PAGES, VMOBJ_INHERIT_ZERO));
	EXPECT_TRUE(agrees(mem, PAGES));
	ASSERT_EQ(0, vt_inherit(mem, 4, PAGES - 4, VMOBJ_INHERIT_COPY));
	EXPECT_TRUE(agrees(mem, PAGES));
}

TEST(superpages)
{
	size_t pages = (4UL << 20) / vt_page_size;
	pid_t pid;
	char *mem;

	SETUP();
	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	madvise(mem, pages * vt_page_size, MADV_HUGEPAGE);
	vt_put(mem, 7, 7);
	EXPECT_TRUE(agrees(mem, pages));
	pid = vt_fork(waits, NULL);
	vt_put(mem, 8, 8);
	EXPECT_TRUE(agrees(mem, pages));
	vt_kill(pid);
	EXPECT_TRUE(agrees(mem, pages));
	/* A part goes, and the rest of the large page stays. */
	ASSERT_EQ(0, munmap(mem, 100 * vt_page_size));
	EXPECT_TRUE(parse_objects() && parse_pages());
	EXPECT_TRUE(agrees_on(mem, 100, 200, mem, false));
}

TEST(moved_memory)
{
	char *mem, *to;

	SETUP();
	mem = map_small(PAGES, MAP_PRIVATE);
	vt_put(mem, 2, 2);
	vt_put(mem, 9, 9);
	to = mmap(NULL, PAGES * vt_page_size, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(to, mremap(mem, PAGES * vt_page_size, PAGES * vt_page_size,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_TRUE(agrees(to, PAGES));
	EXPECT_EQ(9, vt_get(to, 9));
}

static int attach(int file)
{
	struct vmobj_attach arg = { .size = sizeof(arg), .fd = file };
	int dev = vt_open(O_RDWR), fd = ioctl(dev, VMOBJ_IOC_ATTACH, &arg);

	close(dev);
	return fd;
}

/* Shared and private mappings of a descriptor, which begin at its fourth page. */
static bool named_agrees(int fd)
{
	off_t skip = 4 * vt_page_size;
	size_t bytes = PAGES * vt_page_size;
	char *shared = mmap(NULL, bytes, VT_RW, MAP_SHARED, fd, skip);
	char *private = mmap(NULL, bytes, VT_RW, MAP_PRIVATE, fd, skip);
	struct vmobj_range range;
	bool good;

	madvise(shared, bytes, MADV_NOHUGEPAGE);
	madvise(private, bytes, MADV_NOHUGEPAGE);
	vt_put(shared, 1, 1);
	vt_put(shared, 6, 6);
	good = vt_get(private, 6) == 6;
	good = good && agrees_at(shared, PAGES, shared - skip, true) &&
	       agrees_at(private, PAGES, private - skip, true);
	good = good && !vt_range(private, 6, 1, &range) && !range.object &&
	       range.shared_pages == 1;
	vt_put(private, 6, 60);
	vt_put(private, 7, 70);
	good = good && agrees_at(shared, PAGES, shared - skip, true) &&
	       agrees_at(private, PAGES, private, false);
	good = good && !vt_range(private, 6, 1, &range) &&
	       range.private_pages == 1 && range.depth == 2;
	munmap(shared, bytes);
	munmap(private, bytes);
	return good;
}

TEST(objects_with_descriptors)
{
	int fd;

	SETUP();
	fd = vt_create(2 * PAGES * vt_page_size);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(named_agrees(fd));
	close(fd);
}

TEST(files)
{
	int file, fd;

	SETUP();
	file = open("/tmp", O_RDWR | O_TMPFILE, 0600);
	ASSERT_EQ(0, ftruncate(file, 2 * PAGES * vt_page_size));
	fd = attach(file);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(named_agrees(fd));
	close(fd);
	close(file);
}

TEST_HARNESS_MAIN
