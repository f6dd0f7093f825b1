// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main job on a real program: private memory from /dev/vmobj, fork, writes
 * on both sides, exit; and what the module's objects look like at each stage.
 *
 * Prints the object dump of each stage, puts a graph of it (graphviz) into
 * $VMOBJ_OUT, and checks the values that each process sees.  Exits with 1 if
 * any of them, or the number of objects left, is not as it must be.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUGFS		"/sys/kernel/debug/vmobj/"
#define NPAGES		8
#define MAX_STATS	64

struct stat_line {
	char name[32];
	long long value;
};

static struct stat_line last[MAX_STATS];
static size_t page_size;
static int stage_number;
static int failures;

static void die(const char *what)
{
	fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(int good, const char *fmt, ...)
{
	va_list ap;

	printf("   %s: ", good ? "as it must be" : "WRONG");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	failures += !good;
}

/* Copy a debugfs file to @to, each line after @indent. */
static void copy_file(const char *name, FILE *to, const char *indent)
{
	char path[64], line[1024];
	FILE *from;

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	from = fopen(path, "r");
	if (!from)
		die(path);
	while (fgets(line, sizeof(line), from))
		fprintf(to, "%s%s", indent, line);
	fclose(from);
}

static int read_stats(struct stat_line *stats)
{
	FILE *file = fopen(DEBUGFS "stats", "r");
	int n = 0;

	if (!file)
		die(DEBUGFS "stats");
	while (n < MAX_STATS &&
	       fscanf(file, "%31s %lld", stats[n].name, &stats[n].value) == 2)
		n++;
	fclose(file);
	return n;
}

static long long stat_value(const char *name)
{
	struct stat_line stats[MAX_STATS];
	int n = read_stats(stats);

	while (n--)
		if (!strcmp(stats[n].name, name))
			return stats[n].value;
	fprintf(stderr, "demo: no '%s' in " DEBUGFS "stats\n", name);
	exit(1);
}

/* What changed since the last call. */
static void print_stats(void)
{
	struct stat_line now[MAX_STATS];
	int n = read_stats(now), i;

	printf("   stats:");
	for (i = 0; i < n; i++)
		if (now[i].value != last[i].value)
			printf(" %s %+lld", now[i].name,
			       now[i].value - last[i].value);
	putchar('\n');
	memcpy(last, now, sizeof(last));
}

/* Tell what happened, and show the objects as they are now. */
static void stage(const char *name, const char *what)
{
	const char *dir = getenv("VMOBJ_OUT") ?: ".";
	char path[256];
	FILE *file;

	stage_number++;
	printf("\n%d. %s\n", stage_number, what);
	copy_file("objects", stdout, "   | ");
	print_stats();

	snprintf(path, sizeof(path), "%s/%d-%s.dot", dir, stage_number, name);
	file = fopen(path, "w");
	if (!file)
		die(path);
	copy_file("graph", file, "");
	fclose(file);
	fflush(stdout);
}

/* Objects go when the last process has gone, which may take a moment. */
static void check_objects(long long want)
{
	int tries = 50;

	while (stat_value("objects") != want && tries--)
		usleep(100000);
	check(stat_value("objects") == want, "objects: %lld",
	      stat_value("objects"));
}

struct child {
	pid_t pid;
	int go;		/* one byte from the parent: exit */
	int done;	/* one byte from the child: 0 if it saw what it must */
};

/*
 * Fork a child that writes @value to page @mine and checks that it sees @others
 * in the pages before and after it.  Returns when it has done so.
 */
static struct child start_child(char *mem, int mine, char value,
				const char *others)
{
	int go[2], done[2], i;
	struct child child;
	char bad = 0;

	fflush(stdout);
	if (pipe2(go, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		die("pipe");
	child.pid = fork();
	if (child.pid < 0)
		die("fork");
	if (!child.pid) {
		close(go[1]);
		mem[mine * page_size] = value;
		for (i = 0; i < NPAGES; i++)
			if (mem[i * page_size] != (i == mine ? value : others[i]))
				bad = 1;
		if (write(done[1], &bad, 1) != 1)
			_exit(1);
		_exit(read(go[0], &bad, 1) != 1);
	}
	close(go[0]);
	close(done[1]);
	child.go = go[1];
	child.done = done[0];
	if (read(child.done, &bad, 1) != 1)
		bad = 1;
	check(!bad, "process %d sees its own '%c' in page %d and the parent's values in the others",
	      child.pid, value, mine);
	return child;
}

static void end_child(struct child *child)
{
	int status;

	if (write(child->go, "", 1) != 1)
		die("write");
	close(child->go);
	close(child->done);
	if (waitpid(child->pid, &status, 0) != child->pid)
		die("waitpid");
	check(status == 0, "process %d has exited, status %d", child->pid, status);
}

/* One byte of each page. */
static void check_values(const char *mem, const char *want)
{
	char seen[NPAGES + 1] = "";
	int i;

	for (i = 0; i < NPAGES; i++)
		seen[i] = mem[i * page_size];
	check(!strcmp(seen, want), "the parent's pages are %s", seen);
}

static char *map_memory(int fd)
{
	char *mem = mmap(NULL, NPAGES * page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE, fd, 0);
	int i;

	if (mem == MAP_FAILED)
		die("mmap");
	for (i = 0; i < NPAGES; i++)
		mem[i * page_size] = 'a' + i;
	return mem;
}

static void one_child(char *mem, long long objects)
{
	long long copies, created;
	struct child child;
	int i;

	stage("before-fork",
	      "Process mapped 8 pages and wrote a..h: one object holds them.");
	check_values(mem, "abcdefgh");

	child = start_child(mem, 1, 'C', "abcdefgh");
	mem[0] = 'P';
	stage("after-writes",
	      "It forked; the child wrote page 1, the parent page 0: each write made a shadow\n   object with one page, and both shadows are backed by the first object.");
	check_values(mem, "Pbcdefgh");

	end_child(&child);
	check_objects(objects + 1);
	stage("after-exit",
	      "The child exited: its shadow is gone, the parent's has been collapsed with the\n   first object.  One object again.");
	check_values(mem, "Pbcdefgh");

	copies = stat_value("cow_copies");
	created = stat_value("objects_created");
	for (i = 0; i < NPAGES; i++)
		mem[i * page_size] = 'A' + i;
	stage("after-rewrite", "The parent wrote all its pages.");
	check(stat_value("cow_copies") == copies, "no page was copied for it");
	check(stat_value("objects_created") == created, "no object was made for it");
	check_values(mem, "ABCDEFGH");
}

static void three_children(char *mem, long long objects)
{
	char values[] = "abcdefgh";
	struct child child[3];
	int i;

	for (i = 0; i < 3; i++) {
		child[i] = start_child(mem, 7 - i, '1' + i, values);
		values[i] = 'X' + i;
		mem[i * page_size] = values[i];
	}
	stage("three-children",
	      "It forked three times and wrote a page after each; each child wrote one, too,\n   and all live: a chain of shadows, with a branch for each child.");
	check_values(mem, values);

	/* The middle one first: its branch goes, the chain can be shortened. */
	end_child(&child[1]);
	check_values(mem, values);
	stage("two-children", "The second child exited.");
	end_child(&child[0]);
	end_child(&child[2]);
	check_objects(objects + 1);
	stage("no-children", "The others exited, too: one object is left.");
	check_values(mem, values);
}

int main(void)
{
	long long objects;
	char *mem;
	int fd;

	page_size = sysconf(_SC_PAGESIZE);
	fd = open("/dev/vmobj", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("/dev/vmobj");
	objects = stat_value("objects");	/* of others */
	read_stats(last);

	mem = map_memory(fd);
	one_child(mem, objects);
	munmap(mem, NPAGES * page_size);

	printf("\nNow with new memory and three children.\n");
	mem = map_memory(fd);
	three_children(mem, objects);
	munmap(mem, NPAGES * page_size);

	check_objects(objects);
	stage("the-end", "All memory is unmapped.");
	copy_file("check", stdout, "   checker: ");
	close(fd);

	printf("\n%s\n", failures ? "The demo FAILED." : "All values were as they must be.");
	return failures ? 1 : 0;
}
