// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debugfs files: what they say about a state we know, and that they can be
 * read, in pieces of any size, while everything changes.
 */
#include "vmobj_test.h"
#include "puppet.h"

#define PAGES	4

static char *mem;

static char *read_file(const char *name, size_t read_size)
{
	char path[64];

	snprintf(path, sizeof(path), VT_DEBUGFS "%s", name);
	return vt_read_file(path, read_size, NULL);
}

static int count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* ---- parsers; what they return is wrong, or NULL ---- */

struct seen {
	int objects;
	int mappers;
	int shadows;		/* objects that have a backing object */
	long resident;
	long run_pages;
};

/* "objects": a line for each object, then its mappers. */
static const char *parse_objects(char *text, struct seen *seen)
{
	unsigned long long id, family, backing;
	unsigned long size, resident, start, end;
	unsigned int ref, shadows;
	char type[16], inherit[16];
	char *line, *save, *at;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "object %llu family %llu type %15s size %lu resident %lu ref %u shadows %u flags",
			   &id, &family, type, &size, &resident, &ref,
			   &shadows) == 7) {
			seen->objects++;
			seen->resident += resident;
			if (resident > size || !ref || shadows > ref)
				return line;
			at = strstr(line, " backing ");
			if (!at)
				return line;
			if (sscanf(at, " backing %llu", &backing) == 1)
				seen->shadows++;
			else if (strcmp(at, " backing -"))
				return line;
			continue;
		}
		at = strstr(line, " inherit ");
		if (!seen->objects || strncmp(line, "  mapped by ", 12) || !at)
			return line;
		while (at > line && at[-1] != ' ')
			at--;
		if (sscanf(at, "%lx-%lx inherit %15s", &start, &end,
			   inherit) != 3 || start >= end)
			return line;
		seen->mappers++;
	}
	return NULL;
}

/* "pages": the runs of an object add up to what is resident. */
static const char *parse_runs(char *text, struct seen *seen, bool quiet)
{
	unsigned long index, nr, pfn, next = 0;
	unsigned long resident = 0, have = 0;
	unsigned long long id;
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "object %llu resident %lu", &id,
			   &resident) == 2) {
			if (quiet && have != (unsigned long)seen->run_pages)
				return line;
			have += resident;
			seen->objects++;
			next = 0;
			continue;
		}
		if (sscanf(line, "  index %lu pages %lu pfn 0x%lx", &index,
			   &nr, &pfn) != 3 || !nr || index < next)
			return line;
		next = index + nr;
		seen->run_pages += nr;
	}
	return quiet && have != (unsigned long)seen->run_pages ? "the sum" : NULL;
}

static const char *parse_pages(char *text, struct seen *seen)
{
	return parse_runs(text, seen, true);
}

/* The same while pages come and go: then nothing adds up. */
static const char *parse_moving_pages(char *text, struct seen *seen)
{
	return parse_runs(text, seen, false);
}

/* "graph": braces and quotes in balance, edges from and to known nodes. */
static const char *parse_graph(char *text, struct seen *seen)
{
	bool quoted = false, escaped = false;
	int brackets = 0, braces = 0;
	const char *p;

	if (strncmp(text, "digraph ", 8))
		return "no digraph";
	for (p = text; *p; p++) {
		if (escaped) {
			escaped = false;
			continue;
		}
		escaped = quoted && *p == '\\';
		if (*p == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		brackets += (*p == '[') - (*p == ']');
		braces += (*p == '{') - (*p == '}');
		if (brackets < 0 || braces < 0)
			return "more closed than opened";
	}
	if (quoted || brackets || braces)
		return "not closed";
	if (strcmp(p - 2, "}\n"))
		return "something after the end";
	seen->objects = count(text, "[label=\"object ");
	seen->shadows = count(text, "[label=\"+0x");
	return NULL;
}

/* Read a file, @size bytes at a time; NULL, or what is wrong with it. */
static const char *see(const char *name, size_t size,
		       const char *(*parse)(char *text, struct seen *seen),
		       struct seen *seen)
{
	char *text = read_file(name, size);
	const char *bad;

	memset(seen, 0, sizeof(*seen));
	if (!text)
		return "cannot be read";
	bad = parse(text, seen);
	if (!bad)
		free(text);	/* otherwise @bad may be part of it */
	return bad;
}

/* ---- a state we know ---- */

static long do_map(void *arg)
{
	size_t i;

	(void)arg;
	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	for (i = 0; mem && i < PAGES; i++)
		vt_put(mem, i, 1);
	return !mem;
}

static long do_write(void *arg)
{
	vt_put(mem, *(int *)arg, 2);
	return 0;
}

/* Two shadows with a page each, over one object with all pages. */
static bool three_objects(void)
{
	int page = 0;

	puppet_init();
	return puppet_start(0) && !puppet_call(0, do_map, NULL, 0) &&
		puppet_fork(0, 1) &&
		!puppet_call(0, do_write, &page, sizeof(page)) &&
		!puppet_call(1, do_write, &page, sizeof(page));
}

static const size_t read_sizes[] = { 1, 7, 100, 4096, 65536 };

TEST(objects_shows_them_all)
{
	struct seen seen;
	const char *bad;
	size_t i;

	VT_NEED_DEBUGFS();
	ASSERT_TRUE(three_objects());
	for (i = 0; i < ARRAY_SIZE(read_sizes); i++) {
		bad = see("objects", read_sizes[i], parse_objects, &seen);
		EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
		EXPECT_EQ(3, seen.objects);
		EXPECT_EQ(2, seen.shadows);
		EXPECT_EQ(2, seen.mappers);
		EXPECT_EQ(PAGES + 2, seen.resident);
	}
	puppet_kill_all();
}

TEST(objects_tells_who_maps_them)
{
	char *text, pid[32];

	VT_NEED_DEBUGFS();
	ASSERT_TRUE(three_objects());
	text = read_file("objects", 4096);
	ASSERT_NE(NULL, text);
	sprintf(pid, "mapped by %d t_debugfs ", puppet_pid(1));
	if (strstr(text, "mapped by - -"))
		SKIP(puppet_kill_all(); return,
		     "this kernel does not know an mm's owner");
	EXPECT_EQ(1, count(text, pid));
	puppet_kill_all();
}

TEST(pages_adds_up)
{
	struct seen seen;
	const char *bad;
	size_t i;

	VT_NEED_DEBUGFS();
	ASSERT_TRUE(three_objects());
	for (i = 0; i < ARRAY_SIZE(read_sizes); i++) {
		bad = see("pages", read_sizes[i], parse_pages, &seen);
		EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
		EXPECT_EQ(3, seen.objects);
		EXPECT_EQ(PAGES + 2, seen.run_pages);
	}
	puppet_kill_all();
}

TEST(pages_of_many_runs)
{
	const int pages = 1000;
	struct seen seen = { 0 };
	const char *bad;
	char *text;
	int i;

	VT_NEED_DEBUGFS();
	mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	/* Or half of it would be enough for superpages. */
	madvise(mem, pages * vt_page_size, MADV_NOHUGEPAGE);
	for (i = 0; i < pages; i += 2)
		vt_put(mem, i, 1);
	text = read_file("pages", 4096);
	ASSERT_NE(NULL, text);
	EXPECT_LE(pages / 2, count(text, "index "));
	bad = parse_pages(text, &seen);
	EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
	EXPECT_EQ(pages / 2, seen.run_pages);
}

TEST(graph_is_whole)
{
	struct seen seen;
	const char *bad;
	size_t i;

	VT_NEED_DEBUGFS();
	ASSERT_TRUE(three_objects());
	for (i = 0; i < ARRAY_SIZE(read_sizes); i++) {
		bad = see("graph", read_sizes[i], parse_graph, &seen);
		EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
		EXPECT_EQ(3, seen.objects);
		EXPECT_EQ(2, seen.shadows);
	}
	puppet_kill_all();
}

TEST(with_nothing_to_show)
{
	struct seen seen;
	char *text;

	VT_NEED_DEBUGFS();
	ASSERT_EQ(0, vt_stat_settles("objects", 0));
	text = read_file("objects", 4096);
	ASSERT_NE(NULL, text);
	EXPECT_EQ(0, count(text, "object "));
	EXPECT_EQ(NULL, see("graph", 4096, parse_graph, &seen));
	EXPECT_EQ(0, seen.objects);
	text = read_file("check", 1);
	ASSERT_NE(NULL, text);
	EXPECT_STREQ("ok\n", text);
}

/* Untouched memory that many processes map, and an object with many mappers. */
TEST(one_object_with_many_mappers)
{
	struct seen seen;
	const char *bad;
	char *text;
	int i;

	VT_NEED_DEBUGFS();
	puppet_init();
	ASSERT_TRUE(puppet_start(0));
	ASSERT_EQ(0, puppet_call(0, do_map, NULL, 0));
	for (i = 1; i < 60; i++)
		ASSERT_TRUE(puppet_fork(0, i));
	bad = see("objects", 100, parse_objects, &seen);
	EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
	EXPECT_EQ(1, seen.objects);
	EXPECT_EQ(60, seen.mappers);
	text = read_file("graph", 100);
	ASSERT_NE(NULL, text);
	EXPECT_EQ(NULL, parse_graph(text, &seen));
	EXPECT_EQ(60, count(text, "needs copy"));
	EXPECT_TRUE(vt_check_ok());
	puppet_kill_all();
}

TEST(more_than_one_buffer_full)
{
	struct seen seen;
	char *many[300];
	const char *bad;
	size_t i;

	VT_NEED_DEBUGFS();
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		/* Private memory would be coalesced. */
		many[i] = vt_map(1, VT_RW, MAP_SHARED);
		ASSERT_NE(NULL, many[i]);
		vt_put(many[i], 0, 1);
	}
	bad = see("objects", 4096, parse_objects, &seen);
	EXPECT_EQ(NULL, bad) TH_LOG("%s", bad);
	EXPECT_EQ(ARRAY_SIZE(many), seen.objects);
	EXPECT_EQ(NULL, see("graph", 4096, parse_graph, &seen));
	EXPECT_EQ(ARRAY_SIZE(many), seen.objects);
	EXPECT_TRUE(vt_check_ok());
}

/* ---- while everything changes ---- */

static void storm(void *arg)
{
	uint64_t random = (uintptr_t)arg;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		char *here = vt_map(PAGES, VT_RW, MAP_PRIVATE);
		int i;

		VT_CHECK(here);
		for (i = 0; i < 5; i++) {
			vt_put(here, vt_below(&random, PAGES), 1);
			if (!fork()) {
				vt_put(here, vt_below(&random, PAGES), 2);
				if (!fork())
					vt_put(here, 0, 3);
				_exit(0);
			}
		}
		VT_CHECK(!munmap(here, PAGES * vt_page_size));
	}
}

/* "stats" has nothing to hold it against. */
static const char *parse_nothing(char *text, struct seen *seen)
{
	(void)text;
	(void)seen;
	return NULL;
}

static const char *parse_check(char *text, struct seen *seen)
{
	(void)seen;
	return strcmp(text, "ok\n") ? text : NULL;
}

static const char *read_all_files(size_t size)
{
	struct seen seen;
	const char *bad;

	bad = see("objects", size, parse_objects, &seen);
	if (!bad)
		bad = see("pages", size, parse_moving_pages, &seen);
	if (!bad)
		bad = see("graph", size, parse_graph, &seen);
	if (!bad)
		bad = see("stats", size, parse_nothing, &seen);
	if (!bad)
		bad = see("check", size, parse_check, &seen);
	return bad;
}

static void read_for_a_while(void *arg)
{
	const char *bad;
	int i;

	for (i = 0; i < (int)vt_scale(60, 8); i++) {
		bad = read_all_files((uintptr_t)arg);
		if (bad)
			fprintf(stderr, "# %s\n", bad);
		VT_CHECK(!bad);
	}
}

TEST(all_files_in_a_storm)
{
	pid_t storms[2], readers[3];
	size_t i;

	VT_NEED_DEBUGFS();
	for (i = 0; i < ARRAY_SIZE(storms); i++)
		storms[i] = vt_fork(storm, (void *)(uintptr_t)(vt_seed() + i));
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		readers[i] = vt_fork(read_for_a_while,
				     (void *)(uintptr_t)read_sizes[i + 1]);
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		EXPECT_EQ(0, vt_wait(readers[i]));
	for (i = 0; i < ARRAY_SIZE(storms); i++)
		EXPECT_EQ(128 + SIGKILL, vt_kill(storms[i]));
	EXPECT_EQ(0, vt_stat_settles("objects", 0));
	EXPECT_TRUE(vt_check_ok());
}

/* A reader that stops in the middle holds nothing up. */
TEST(a_reader_that_never_ends)
{
	static const char * const files[] = { "objects", "pages", "graph",
		"check", "stats" };
	char path[64], c;
	size_t i;
	int fd[5];

	VT_NEED_DEBUGFS();
	ASSERT_TRUE(three_objects());
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), VT_DEBUGFS "%s", files[i]);
		fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(1, read(fd[i], &c, 1));
	}
	puppet_kill_all();
	EXPECT_EQ(0, vt_stat_settles("objects", 0));
	EXPECT_EQ(0, vt_stat_settles("families", 0));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		while (read(fd[i], &c, 1) == 1)
			;
		close(fd[i]);
	}
}

TEST_HARNESS_MAIN
