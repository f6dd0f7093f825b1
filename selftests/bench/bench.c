// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory from /dev/vmobj costs, beside Linux's own.
 *
 *	bench [--mb N] [--runs N] [--row NAME] [--provider NAME]
 *	bench --threads [--mb N] [--runs N]
 *
 * Times are those of CLOCK_MONOTONIC.  In a guest that counts instructions
 * (tools/bench) one nanosecond is one instruction; on a real machine they are
 * times, with all their noise.
 *
 * Each figure is the median of some runs, each in a process and a mapping of its
 * own, after one that is not counted.  A table comes first, then between two
 * markers one line of JSON per figure:
 *
 *	{"row": "touch", "provider": "vmobj", "unit": "page",
 *	 "cost": 3981, "min": 3980, "max": 3983, "total": 65224704}
 *
 * unit says what the cost is for: a page or the whole operation; or that it is
 * not time but bytes of kernel memory.  The cost is null for a provider that this
 * machine does not have.  total is that of the whole operation.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
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

#define MAX_RUNS	99
#define UNKNOWN		LONG_MIN	/* a cost that cannot be told here */

static long bytes = 64L << 20;
static long runs = 3;
static const char *only_row, *only_provider;
static int threads;

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

/*
 * Around what is measured.  The marks are nops, which tools/profile looks for.
 */
#ifdef __x86_64__
#define MARK(n)	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 'v', 'm', 'o', " #n)
#else
#define MARK(n)	((void)(n))
#endif

static long start_clock(void)
{
	long t = now();

	MARK(1);
	return t;
}

static long stop_clock(long start)
{
	MARK(2);
	return now() - start;
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

static char *map_vmobj4k(long len)
{
	char *p = map_vmobj(len);

	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static char *map_vmobj2m(long len)
{
	char *p = map_vmobj(len);

	madvise(p, len, MADV_HUGEPAGE);
	return p;
}

static char *map_anon4k(long len)
{
	char *p = map_fd(-1, MAP_PRIVATE | MAP_ANONYMOUS, len);

	if (madvise(p, len, MADV_NOHUGEPAGE))
		die("MADV_NOHUGEPAGE");
	return p;
}

static char *map_thp(long len)
{
	char *p = map_fd(-1, MAP_PRIVATE | MAP_ANONYMOUS, len);

	if (madvise(p, len, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE");
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
	{ "vmobj4k", map_vmobj4k, 1 },
	{ "vmobj2m", map_vmobj2m, 1 },
	{ "thp", map_thp, 1 },
	{ "memfd_shared", map_memfd_shared, 0 },
	{ "memfd_private", map_memfd_private, 1 },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int is_vmobj(const struct provider *provider)
{
	return !strncmp(provider->name, "vmobj", 5);
}

/* ---- what is done to memory ---- */

/*
 * A plain store.  p[i]++ would not do: it is one instruction, but the emulator
 * loads first, so that fresh memory would take two faults, and no huge page.
 */
static void write_page(char *p)
{
	*(volatile char *)p = 1;
}

static void write_all(char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		write_page(p + i);
}

static void read_all(char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		*(volatile char *)(p + i);
}

static long time_write(char *p, long len)
{
	long t = start_clock();

	write_all(p, len);
	return stop_clock(t);
}

static long time_read(char *p, long len)
{
	long t = start_clock();

	read_all(p, len);
	return stop_clock(t);
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

/* A number by which a child can tell its parent something. */
static long *shared_number(void)
{
	long *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (n == MAP_FAILED)
		die("mmap");
	return n;
}

/* Run @what in a child on the memory; the time it returns comes back. */
static long in_child(long (*what)(char *p, long len), char *p, long len)
{
	long *result = shared_number();
	pid_t pid = fork_or_die();
	long t;

	if (!pid) {
		*result = what(p, len);
		_exit(0);
	}
	reap(pid);
	t = *result;
	munmap(result, PAGE);
	return t;
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
	long t = start_clock();
	pid_t pid = fork_or_die();

	if (!pid)
		_exit(0);
	t = stop_clock(t);
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
	return in_child(time_read, p, bytes);
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

static long row_touch_down(char *p)
{
	long t = start_clock(), i;

	for (i = bytes; i; i -= PAGE)
		write_page(p + i - PAGE);
	return stop_clock(t);
}

/* All pages, in an order that is the same each time. */
static long row_touch_random(char *p)
{
	long n = bytes / PAGE, step = n * 5 / 8 | 1, at = 0, i, t;

	/* A step that has no divisor in common with n visits all. */
	while (n % step == 0)
		step += 2;
	t = start_clock();
	for (i = 0; i < n; i++) {
		write_page(p + at * PAGE);
		at = (at + step) % n;
	}
	return stop_clock(t);
}

/* One page of each 2 MiB. */
static long row_touch_sparse(char *p)
{
	long t = start_clock(), i;

	for (i = 0; i < bytes; i += HUGE)
		write_page(p + i);
	return stop_clock(t);
}

/* Nothing was written since the fork before. */
static long row_fork_clean(char *p)
{
	write_all(p, bytes);
	time_fork();
	return time_fork();
}

/* A process without the memory. */
static long row_fork_empty(char *p)
{
	munmap(p, bytes);
	time_fork();
	return time_fork();
}

/* A fork, and a child that reads all: what the child finds mapped is paid for. */
static long row_fork_read(char *p)
{
	long *end = shared_number(), t;
	pid_t pid;

	write_all(p, bytes);
	t = start_clock();
	pid = fork_or_die();
	if (!pid) {
		read_all(p, bytes);
		*end = now();
		_exit(0);
	}
	reap(pid);
	return *end - t;
}

#define ROUNDS	8

/* A server that has its state saved by a child, again and again. */
static long row_snapshots(char *p)
{
	long i, n, t;
	pid_t pid;

	write_all(p, bytes);
	t = start_clock();
	for (n = 0; n < ROUNDS; n++) {
		pid = fork_or_die();
		if (!pid) {
			read_all(p, bytes);
			_exit(0);
		}
		for (i = n * PAGE; i < bytes; i += 100 * PAGE)
			write_page(p + i);
		reap(pid);
	}
	return stop_clock(t) / ROUNDS;
}

/* Every 100th page is dirty since the fork of a child that is still there. */
static long row_fork_1pct(char *p)
{
	pid_t other;
	long i, t;

	write_all(p, bytes);
	other = idle_child();
	for (i = 0; i < bytes; i += 100 * PAGE)
		write_page(p + i);
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
	t = start_clock();
	munmap(p, bytes);
	return stop_clock(t);
}

/* From the child's last look at the clock until the parent has its status. */
static long row_exit(char *p)
{
	long *start = shared_number();
	pid_t pid = fork_or_die();

	if (!pid) {
		write_all(p, bytes);
		*start = start_clock();
		_exit(0);
	}
	reap(pid);
	return stop_clock(*start);
}

/*
 * A chain @depth deep: the parent forks and writes one page, children alive.
 * Then pages of the oldest object are touched, by the parent or by one more
 * child, which has no PTEs yet; the parent's are dropped.
 */
static long depth_cost(char *p, int depth, int child,
		       long (*touch)(char *p, long len))
{
	long len = DEPTH_PAGES * PAGE, t;
	pid_t pids[DEPTH];
	int i;

	write_all(p, len);
	for (i = 0; i < depth; i++) {
		pids[i] = idle_child();
		write_page(p + i * PAGE);
	}
	p += DEPTH * PAGE;
	len -= DEPTH * PAGE;
	if (child) {
		t = in_child(touch, p, len);
	} else {
		/* vmobj keeps the contents. */
		if (madvise(p, len, MADV_DONTNEED))
			die("MADV_DONTNEED");
		t = touch(p, len);
	}
	while (depth--)
		stop(pids[depth]);
	return t;
}

static long row_depth1_read(char *p)
{
	return depth_cost(p, 1, 0, time_read);
}

static long row_depth64_read(char *p)
{
	return depth_cost(p, DEPTH, 0, time_read);
}

static long row_depth1_write(char *p)
{
	return depth_cost(p, 1, 0, time_write);
}

static long row_depth64_write(char *p)
{
	return depth_cost(p, DEPTH, 0, time_write);
}

static long row_depth1_read_child(char *p)
{
	return depth_cost(p, 1, 1, time_read);
}

static long row_depth64_read_child(char *p)
{
	return depth_cost(p, DEPTH, 1, time_read);
}

static long row_depth1_write_child(char *p)
{
	return depth_cost(p, 1, 1, time_write);
}

static long row_depth64_write_child(char *p)
{
	return depth_cost(p, DEPTH, 1, time_write);
}

/* Bytes of slab and of page tables in the whole system, or UNKNOWN. */
static long kernel_memory(void)
{
	long slab = -1, tables = -1;
	char line[128];
	FILE *f;

	/* Fold the counters of each CPU first; only root may. */
	f = fopen("/proc/sys/vm/stat_refresh", "r");
	if (!f)
		return UNKNOWN;
	fread(line, 1, 1, f);
	fclose(f);
	f = fopen("/proc/meminfo", "r");
	if (!f)
		return UNKNOWN;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Slab:", 5))
			slab = atol(line + 5);
		if (!strncmp(line, "PageTables:", 11))
			tables = atol(line + 11);
	}
	fclose(f);
	return slab < 0 || tables < 0 ? UNKNOWN : (slab + tables) << 10;
}

static long row_memory_touch(char *p)
{
	long before = kernel_memory();

	write_all(p, bytes);
	return before == UNKNOWN ? UNKNOWN : kernel_memory() - before;
}

static long row_memory_fork(char *p)
{
	long before, used;
	pid_t pid;

	write_all(p, bytes);
	before = kernel_memory();
	pid = idle_child();
	used = before == UNKNOWN ? UNKNOWN : kernel_memory() - before;
	stop(pid);
	return used;
}

/* What a row's cost is for. */
enum unit { PER_PAGE, PER_DEPTH_PAGE, WHOLE, BYTES_PER_PAGE, BYTES };

static const char * const unit_names[] = {
	[PER_PAGE]		= "page",
	[PER_DEPTH_PAGE]	= "page",
	[WHOLE]			= "operation",
	[BYTES_PER_PAGE]	= "bytes per page",
	[BYTES]			= "bytes",
};

/* Whom a row is for. */
enum whom { ALL, COPIES, VMOBJ };

struct row {
	const char *name;
	long (*run)(char *p);
	enum unit unit;
	enum whom whom;
};

static const struct row rows[] = {
	{ "touch", row_touch, PER_PAGE, ALL },
	{ "touch_down", row_touch_down, PER_PAGE, ALL },
	{ "touch_random", row_touch_random, PER_PAGE, ALL },
	{ "touch_sparse", row_touch_sparse, WHOLE, ALL },
	{ "fork", row_fork, WHOLE, ALL },
	{ "fork_clean", row_fork_clean, WHOLE, ALL },
	{ "fork_empty", row_fork_empty, WHOLE, ALL },
	{ "fork_1pct", row_fork_1pct, WHOLE, ALL },
	{ "cow_child", row_cow_child, PER_PAGE, COPIES },
	{ "cow_parent", row_cow_parent, PER_PAGE, COPIES },
	{ "write_after_exit", row_write_after_exit, PER_PAGE, COPIES },
	{ "write_after_cow", row_write_after_cow, PER_PAGE, COPIES },
	{ "read_child", row_read_child, PER_PAGE, ALL },
	{ "fork_read", row_fork_read, WHOLE, ALL },
	{ "snapshots", row_snapshots, WHOLE, ALL },
	{ "munmap", row_munmap, WHOLE, ALL },
	{ "exit", row_exit, WHOLE, ALL },
	{ "depth1_read", row_depth1_read, PER_DEPTH_PAGE, VMOBJ },
	{ "depth64_read", row_depth64_read, PER_DEPTH_PAGE, VMOBJ },
	{ "depth1_write", row_depth1_write, PER_DEPTH_PAGE, VMOBJ },
	{ "depth64_write", row_depth64_write, PER_DEPTH_PAGE, VMOBJ },
	{ "depth1_read_child", row_depth1_read_child, PER_DEPTH_PAGE, VMOBJ },
	{ "depth64_read_child", row_depth64_read_child, PER_DEPTH_PAGE, VMOBJ },
	{ "depth1_write_child", row_depth1_write_child, PER_DEPTH_PAGE, VMOBJ },
	{ "depth64_write_child", row_depth64_write_child, PER_DEPTH_PAGE, VMOBJ },
	{ "memory_touch", row_memory_touch, BYTES_PER_PAGE, ALL },
	{ "memory_fork", row_memory_fork, BYTES, ALL },
};

static int wanted(const struct row *row, const struct provider *provider)
{
	if ((only_row && strcmp(row->name, only_row)) ||
	    (only_provider && strcmp(provider->name, only_provider)))
		return 0;
	switch (row->whom) {
	case COPIES:
		return provider->copies;
	case VMOBJ:
		return provider->map == map_vmobj4k;
	default:
		return 1;
	}
}

static long divisor(const struct row *row)
{
	switch (row->unit) {
	case PER_PAGE:
	case BYTES_PER_PAGE:
		return bytes / PAGE;
	case PER_DEPTH_PAGE:
		return DEPTH_PAGES - DEPTH;
	default:
		return 1;
	}
}

/* ---- measuring ---- */

struct figure {
	int known;		/* otherwise there is no such thing here */
	long cost, min, max;
	long total;		/* of the run in the middle, not divided */
};

static struct figure figures[ARRAY_SIZE(rows)][ARRAY_SIZE(providers)];

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

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static struct figure measure(const struct row *row,
			     const struct provider *provider)
{
	long cost[MAX_RUNS], n = divisor(row);
	int i;

	run_once(row, provider);
	for (i = 0; i < runs; i++)
		cost[i] = run_once(row, provider);
	qsort(cost, runs, sizeof(cost[0]), compare);
	return (struct figure) {
		.known = cost[0] != UNKNOWN,
		.cost = cost[runs / 2] / n,
		.min = cost[0] / n,
		.max = cost[runs - 1] / n,
		.total = cost[runs / 2],
	};
}

/* ---- output ---- */

static void print_head(void)
{
	unsigned int p;

	printf("%-20s", "");
	for (p = 0; p < ARRAY_SIZE(providers); p++)
		printf(" %13s", providers[p].name);
	putchar('\n');
}

static void print_json(void)
{
	unsigned int r, p;

	puts("--- json");
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		for (p = 0; p < ARRAY_SIZE(providers); p++) {
			struct figure *f = &figures[r][p];

			if (!wanted(&rows[r], &providers[p]))
				continue;
			printf("{\"row\": \"%s\", \"provider\": \"%s\", \"unit\": \"%s\", ",
			       rows[r].name, providers[p].name,
			       unit_names[rows[r].unit]);
			if (f->known)
				printf("\"cost\": %ld, \"min\": %ld, \"max\": %ld, \"total\": %ld}\n",
				       f->cost, f->min, f->max, f->total);
			else
				puts("\"cost\": null}");
		}
	}
	puts("--- end");
}

/*
 * Bytes that one object of each of the module's caches takes.  /proc/slabinfo
 * does not have those that were merged with others of their size.
 */
static void print_slabs(void)
{
	static const char * const names[] = {
		"vm_page", "vm_memq", "vm_object", "vm_map_entry",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];
		long size;
		FILE *f;

		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/slab_size",
			 names[i]);
		f = fopen(path, "r");
		if (f && fscanf(f, "%ld", &size) == 1)
			printf("%-20s %13ld bytes each\n", names[i], size);
		else
			printf("%-20s %13s\n", names[i], "n/a");
		if (f)
			fclose(f);
	}
}

/* ---- two threads ---- */

static char *thread_memory;

static void *touch_half(void *half)
{
	write_all(thread_memory + (long)half * (bytes / 2), bytes / 2);
	return NULL;
}

/* One thread touches all, or two a half each, in one mapping. */
static long touch_by(int nr)
{
	pthread_t thread[2];
	long t, i;

	t = now();
	if (nr == 1) {
		touch_half((void *)0);
		touch_half((void *)1);
		return now() - t;
	}
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, touch_half, (void *)i))
			die("pthread_create");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	return now() - t;
}

static long touch_by_one(char *p)
{
	thread_memory = p;
	return touch_by(1);
}

static long touch_by_two(char *p)
{
	thread_memory = p;
	return touch_by(2);
}

/* Times here, not instructions: medians of many runs that take turns. */
static int print_threads(void)
{
	static const struct row one = { "", touch_by_one, WHOLE, ALL };
	static const struct row two = { "", touch_by_two, WHOLE, ALL };
	long cost[2][MAX_RUNS];
	unsigned int p;
	int i;

	puts("--- json");
	for (p = 0; p < ARRAY_SIZE(providers); p++) {
		run_once(&two, &providers[p]);
		for (i = 0; i < runs; i++) {
			cost[0][i] = run_once(&one, &providers[p]);
			cost[1][i] = run_once(&two, &providers[p]);
		}
		for (i = 0; i < 2; i++)
			qsort(cost[i], runs, sizeof(long), compare);
		printf("{\"provider\": \"%s\", \"one\": %ld, \"two\": %ld}\n",
		       providers[p].name, cost[0][runs / 2], cost[1][runs / 2]);
	}
	puts("--- end");
	return 0;
}

static long number(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < min || n > max) {
		fprintf(stderr, "bench: %s is not a number from %ld to %ld\n",
			text, min, max);
		exit(2);
	}
	return n;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mb", required_argument, NULL, 'm' },
		{ "runs", required_argument, NULL, 'r' },
		{ "row", required_argument, NULL, 'w' },
		{ "provider", required_argument, NULL, 'p' },
		{ "threads", no_argument, NULL, 't' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			bytes = number(optarg, DEPTH_PAGES * PAGE >> 20, 1 << 20) << 20;
			break;
		case 'r':
			runs = number(optarg, 1, MAX_RUNS);
			break;
		case 'w':
			only_row = optarg;
			break;
		case 'p':
			only_provider = optarg;
			break;
		case 't':
			threads = 1;
			break;
		default:
			exit(2);
		}
	}
	if (optind != argc) {
		fputs("usage: bench [--threads] [--mb N] [--runs N] [--row NAME] [--provider NAME]\n",
		      stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	int have_vmobj = !access("/dev/vmobj", R_OK | W_OK);
	unsigned int r, p;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!have_vmobj)
		perror("bench: no figures of vmobj: /dev/vmobj");
	if (threads)
		return print_threads();
	print_head();
	sleep(1);	/* let the machine finish what it does after boot */
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		printf("%-20s", rows[r].name);
		for (p = 0; p < ARRAY_SIZE(providers); p++) {
			struct figure *f = &figures[r][p];

			if (!wanted(&rows[r], &providers[p])) {
				printf(" %13s", "-");
				continue;
			}
			if (have_vmobj || !is_vmobj(&providers[p]))
				*f = measure(&rows[r], &providers[p]);
			if (f->known)
				printf(" %13ld", f->cost);
			else
				printf(" %13s", "n/a");
		}
		putchar('\n');
	}
	if (have_vmobj)
		print_slabs();
	print_json();
	return 0;
}
