// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory from /dev/vmobj costs, beside Linux's own.
 *
 *	bench [MEGABYTES]
 *
 * Times are those of CLOCK_MONOTONIC.  In a guest that counts instructions
 * (tools/bench) one nanosecond is one instruction; on a real machine they are
 * times, with all their noise.
 *
 * Each figure is of one run in a process and a mapping of its own: instruction
 * counts repeat to within half a percent.  The first row is run once before, not
 * counted, for each provider.  One line of JSON per figure:
 *
 *	{"row": "touch", "provider": "vmobj", "unit": "page", "cost": 3981}
 *
 * cost is per page or for the whole operation, as unit says.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096L
#define HUGE		(2L << 20)
#define DEPTH		64	/* live children in the depth rows */
#define DEPTH_PAGES	2048L	/* pages of their mapping */

static long bytes = 64L << 20;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* ---- providers ---- */

/* Room for @len bytes at a multiple of 2 MiB, so that huge pages fit. */
static char *aligned_room(long len)
{
	char *p = mmap(NULL, len + HUGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (char *)(((unsigned long)p + HUGE - 1) & -HUGE);
}

static char *map_fd(int fd, int flags, long len)
{
	char *p = mmap(aligned_room(len), len, PROT_READ | PROT_WRITE,
		       flags | MAP_FIXED, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	if (fd >= 0)
		close(fd);
	return p;
}

static char *map_vmobj(long len)
{
	int fd = open("/dev/vmobj", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("/dev/vmobj");
	return map_fd(fd, MAP_PRIVATE, len);
}

static char *map_anon4k(long len)
{
	char *p = map_fd(-1, MAP_PRIVATE | MAP_ANONYMOUS, len);

	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static char *map_thp(long len)
{
	char *p = map_fd(-1, MAP_PRIVATE | MAP_ANONYMOUS, len);

	madvise(p, len, MADV_HUGEPAGE);
	return p;
}

static int make_memfd(long len)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, len))
		die("memfd");
	return fd;
}

static char *map_memfd_shared(long len)
{
	return map_fd(make_memfd(len), MAP_SHARED, len);
}

static char *map_memfd_private(long len)
{
	return map_fd(make_memfd(len), MAP_PRIVATE, len);
}

struct provider {
	const char *name;
	char *(*map)(long len);
	int copies;		/* fork makes a copy */
};

static const struct provider providers[] = {
	{ "anon4k", map_anon4k, 1 },
	{ "vmobj", map_vmobj, 1 },
	{ "thp", map_thp, 1 },
	{ "memfd_shared", map_memfd_shared, 0 },
	{ "memfd_private", map_memfd_private, 1 },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- what is done to memory ---- */

static void write_all(char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		p[i] = i >> 12;		/* a read would fault for itself */
}

static void read_all(const char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		*(volatile const char *)(p + i);
}

static long time_write(char *p, long len)
{
	long t = now();

	write_all(p, len);
	return now() - t;
}

static long time_read(const char *p, long len)
{
	long t = now();

	read_all(p, len);
	return now() - t;
}

/* ---- processes ---- */

static void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a child failed");
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

/* A child that does nothing and lives until stop(). */
static pid_t idle_child(void)
{
	pid_t pid = fork_or_die();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Run @what in a child on the memory; the time it returns comes back. */
static long in_child(long (*what)(char *p, long len), char *p, long len)
{
	long *result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	long t;

	if (result == MAP_FAILED)
		die("mmap");
	pid = fork_or_die();
	if (!pid) {
		*result = what(p, len);
		_exit(0);
	}
	reap(pid);
	t = *result;
	munmap(result, PAGE);
	return t;
}

static long time_read_child(char *p, long len)
{
	return time_read(p, len);
}

static long do_nothing(char *p, long len)
{
	(void)p;
	(void)len;
	return 0;
}

/* The fork itself, seen from the parent; the child exits at once. */
static long time_fork(void)
{
	long t = now();
	pid_t pid = fork_or_die();

	if (!pid)
		_exit(0);
	t = now() - t;
	reap(pid);
	return t;
}

/* ---- rows ---- */

static long row_touch(char *p)
{
	return time_write(p, bytes);
}

static long row_fork(char *p)
{
	write_all(p, bytes);
	return time_fork();
}

static long row_cow_child(char *p)
{
	write_all(p, bytes);
	return in_child(time_write, p, bytes);
}

static long row_read_child(char *p)
{
	write_all(p, bytes);
	return in_child(time_read_child, p, bytes);
}

static long row_write_after_exit(char *p)
{
	write_all(p, bytes);
	in_child(do_nothing, p, bytes);
	return time_write(p, bytes);
}

static long row_write_after_cow(char *p)
{
	write_all(p, bytes);
	in_child(time_write, p, bytes);
	return time_write(p, bytes);
}

/* Every 100th page is dirty since the fork of a child that is still there. */
static long row_fork_1pct(char *p)
{
	pid_t other;
	long i, t;

	write_all(p, bytes);
	other = idle_child();
	for (i = 0; i < bytes; i += 100 * PAGE)
		p[i] = 1;
	t = time_fork();
	stop(other);
	return t;
}

/* The same pages, written while a child lives. */
static long row_cow_parent(char *p)
{
	pid_t other;
	long t;

	write_all(p, bytes);
	other = idle_child();
	t = time_write(p, bytes);
	stop(other);
	return t;
}

static long row_munmap(char *p)
{
	long t;

	write_all(p, bytes);
	t = now();
	munmap(p, bytes);
	return now() - t;
}

static long row_exit(char *p)
{
	int pipes[2];
	pid_t pid;
	char c;
	long t;

	if (pipe(pipes))
		die("pipe");
	pid = fork_or_die();
	if (!pid) {
		write_all(p, bytes);
		close(pipes[1]);
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], &c, 1))
		die("read");
	t = now();
	reap(pid);
	return now() - t;
}

/*
 * A chain @depth deep: the parent forks and writes one page, children alive.
 * Then all PTEs are dropped, and pages of the oldest object are touched.
 */
static long depth_cost(char *p, int depth, long (*touch)(char *p, long len))
{
	long len = DEPTH_PAGES * PAGE, t;
	pid_t pids[DEPTH];
	int i;

	write_all(p, len);
	for (i = 0; i < depth; i++) {
		pids[i] = idle_child();
		p[i * PAGE] = 1;
	}
	madvise(p, len, MADV_DONTNEED);
	p += DEPTH * PAGE;
	t = touch(p, len - DEPTH * PAGE);
	while (depth--)
		stop(pids[depth]);
	return t;
}

static long row_depth1_read(char *p)
{
	return depth_cost(p, 1, time_read_child);
}

static long row_depth64_read(char *p)
{
	return depth_cost(p, DEPTH, time_read_child);
}

static long row_depth1_write(char *p)
{
	return depth_cost(p, 1, time_write);
}

static long row_depth64_write(char *p)
{
	return depth_cost(p, DEPTH, time_write);
}

struct row {
	const char *name;
	long (*run)(char *p);
	long pages;		/* the cost is for so many; 0: for the operation, -1: all */
	int for_copies;		/* only where fork makes a copy */
	int only_vmobj;
};

static const struct row rows[] = {
	{ "touch", row_touch, -1, 0, 0 },
	{ "fork", row_fork, 0, 0, 0 },
	{ "fork_1pct", row_fork_1pct, 0, 0, 0 },
	{ "cow_child", row_cow_child, -1, 1, 0 },
	{ "cow_parent", row_cow_parent, -1, 1, 0 },
	{ "write_after_exit", row_write_after_exit, -1, 1, 0 },
	{ "write_after_cow", row_write_after_cow, -1, 1, 0 },
	{ "read_child", row_read_child, -1, 0, 0 },
	{ "munmap", row_munmap, 0, 0, 0 },
	{ "exit", row_exit, 0, 0, 0 },
	{ "depth1_read", row_depth1_read, DEPTH_PAGES - DEPTH, 1, 1 },
	{ "depth64_read", row_depth64_read, DEPTH_PAGES - DEPTH, 1, 1 },
	{ "depth1_write", row_depth1_write, DEPTH_PAGES - DEPTH, 1, 1 },
	{ "depth64_write", row_depth64_write, DEPTH_PAGES - DEPTH, 1, 1 },
};

/* ---- measuring ---- */

/* What the next run is of. */
static const struct row *this_row;
static const struct provider *this_provider;

static long run_in_child(char *p, long len)
{
	(void)p;
	(void)len;
	return this_row->run(this_provider->map(bytes));
}

static long run_once(const struct row *row, const struct provider *provider)
{
	this_row = row;
	this_provider = provider;
	return in_child(run_in_child, NULL, 0);
}

static void measure(const struct row *row, const struct provider *provider)
{
	long pages = row->pages < 0 ? bytes / PAGE : row->pages;
	long cost = run_once(row, provider);

	printf("{\"row\": \"%s\", \"provider\": \"%s\", \"unit\": \"%s\", \"cost\": %ld}\n",
	       row->name, provider->name, pages ? "page" : "operation",
	       pages ? cost / pages : cost);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int r, p;

	if (argc > 1)
		bytes = atol(argv[1]) << 20;
	if (bytes < DEPTH_PAGES * PAGE) {
		fprintf(stderr, "usage: bench [MEGABYTES, at least %ld]\n",
			DEPTH_PAGES * PAGE >> 20);
		return 2;
	}
	sleep(1);	/* let the machine finish what it does after boot */
	for (p = 0; p < ARRAY_SIZE(providers); p++)
		run_once(&rows[0], &providers[p]);
	for (r = 0; r < ARRAY_SIZE(rows); r++)
		for (p = 0; p < ARRAY_SIZE(providers); p++)
			if ((providers[p].copies || !rows[r].for_copies) &&
			    (providers[p].map == map_vmobj || !rows[r].only_vmobj))
				measure(&rows[r], &providers[p]);
	return 0;
}
