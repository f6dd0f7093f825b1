// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory from /dev/vmobj costs, beside Linux's own.
 *
 *	bench [--mb N] [--runs N] [--row NAME] [--provider NAME] [ROW/PROVIDER]...
 *
 * Times are those of CLOCK_MONOTONIC.  In a guest that counts instructions
 * (tools/bench) one nanosecond is one instruction; on a real machine they are
 * times, with all their noise.
 *
 * Each figure is the median of some runs, each in a process and a mapping of its
 * own, after one on at most 64 MiB that is not counted.  A table comes first, then
 * between two markers one line of JSON per figure:
 *
 *	{"row": "touch", "provider": "vmobj", "unit": "page",
 *	 "cost": 3981.25, "min": 3980.00, "max": 3983.50}
 *
 * unit says what the cost is for: a page or the whole operation; or that it is
 * not time but bytes of kernel memory.  The cost is null for a provider that this
 * machine does not have.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define DEPTH		64	/* live children in the depth rows */
#define DEPTH_PAGES	2048L	/* pages of their mapping */

#define ARENA		(64L << 10)	/* in the arenas row */

#define MAX_RUNS	99
#define WARM_UP		(64L << 20)	/* memory of a run that is not counted */
#define UNKNOWN		LONG_MIN	/* a cost that cannot be told here */

static long bytes = 64L << 20;
static long runs = 3;
static const char *only_row, *only_provider;
static char **only;		/* ROW/PROVIDER..., or NULL at once: all */
static const struct provider *this_provider;

static long do_nothing(char *p, long len)
{
	(void)p;
	(void)len;
	return 0;
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

static long row_touch_random(char *p)
{
	long n = bytes / PAGE, i, t;
	int *order = shuffled(n);

	t = start_clock();
	for (i = 0; i < n; i++)
		write_page(p + order[i] * PAGE);
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
	return time_clean_fork();
}

/* The same of a process that has no such memory. */
static long row_fork_empty(char *p)
{
	munmap(p, bytes);
	return time_clean_fork();
}

/*
 * A fork, and a child that reads all: page tables that a fork does not copy are
 * filled by faults.
 */
static long row_fork_read(char *p)
{
	long *cost = shared_number(), t;
	pid_t pid;

	write_all(p, bytes);
	t = start_clock();
	pid = fork_or_die();
	if (!pid) {
		read_all(p, bytes);
		*cost = stop_clock(t);
		_exit(0);
	}
	reap(pid);
	return *cost;
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

/*
 * Small mappings one below the other, as allocators get them: each is mapped and written
 * to, then all are unmapped, the last first.
 */
static long row_arenas(char *p)
{
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *at;
	long t;

	munmap(p, bytes);
	if (is_vmobj(this_provider)) {
		flags = MAP_PRIVATE;
		fd = open("/dev/vmobj", O_RDWR);
		if (fd < 0)
			die("/dev/vmobj");
	}
	t = start_clock();
	for (at = p + bytes - ARENA; at >= p; at -= ARENA) {
		if (mmap(at, ARENA, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			die("mmap");
		write_page(at);
	}
	for (at = p; at < p + bytes; at += ARENA)
		munmap(at, ARENA);
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
	unsigned int bound;
	pid_t pids[DEPTH];
	int i;

	/* Left to itself the module would make the chain shorter. */
	bound = bound_chains(2 * DEPTH);
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
	if (bound)
		bound_chains(bound);
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
enum unit {
	PER_PAGE, PER_DEPTH_PAGE, PER_ARENA, WHOLE, BYTES_PER_PAGE, BYTES
};

static const char * const unit_names[] = {
	[PER_PAGE]		= "page",
	[PER_DEPTH_PAGE]	= "page",
	[PER_ARENA]		= "mapping",
	[WHOLE]			= "operation",
	[BYTES_PER_PAGE]	= "bytes per page",
	[BYTES]			= "bytes",
};

/* Whom a row is for. */
enum whom {
	ALL,
	COPIES,		/* where fork makes a copy */
	NO_FILES,	/* as ALL, but not memfd */
	VMOBJ4K,
	ANON4K,		/* it is not about the memory: once is enough */
};

struct row {
	const char *name;
	long (*run)(char *p);
	enum unit unit;
	enum whom whom;
};

static const struct row rows[] = {
	{ "touch", row_touch, PER_PAGE, ALL },
	{ "touch_down", row_touch_down, PER_PAGE, NO_FILES },
	{ "touch_random", row_touch_random, PER_PAGE, NO_FILES },
	{ "touch_sparse", row_touch_sparse, WHOLE, ALL },
	{ "fork", row_fork, WHOLE, ALL },
	{ "fork_clean", row_fork_clean, WHOLE, NO_FILES },
	{ "fork_empty", row_fork_empty, WHOLE, ANON4K },
	{ "fork_1pct", row_fork_1pct, WHOLE, ALL },
	{ "cow_child", row_cow_child, PER_PAGE, COPIES },
	{ "cow_parent", row_cow_parent, PER_PAGE, NO_FILES },
	{ "write_after_exit", row_write_after_exit, PER_PAGE, COPIES },
	{ "write_after_cow", row_write_after_cow, PER_PAGE, NO_FILES },
	{ "read_child", row_read_child, PER_PAGE, NO_FILES },
	{ "fork_read", row_fork_read, WHOLE, ALL },
	{ "snapshots", row_snapshots, WHOLE, NO_FILES },
	{ "munmap", row_munmap, WHOLE, ALL },
	{ "arenas", row_arenas, PER_ARENA, NO_FILES },
	{ "exit", row_exit, WHOLE, ALL },
	{ "depth1_read", row_depth1_read, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth64_read", row_depth64_read, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth1_write", row_depth1_write, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth64_write", row_depth64_write, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth1_read_child", row_depth1_read_child, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth64_read_child", row_depth64_read_child, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth1_write_child", row_depth1_write_child, PER_DEPTH_PAGE, VMOBJ4K },
	{ "depth64_write_child", row_depth64_write_child, PER_DEPTH_PAGE, VMOBJ4K },
	{ "memory_touch", row_memory_touch, BYTES_PER_PAGE, ALL },
	{ "memory_fork", row_memory_fork, BYTES, ALL },
};

static int is(const struct provider *provider, const char *name)
{
	return !strcmp(provider->name, name);
}

/* Does it make sense for the provider? */
static int suits(const struct row *row, const struct provider *provider)
{
	switch (row->whom) {
	case COPIES:
		return provider->copies;
	case NO_FILES:
		return strncmp(provider->name, "memfd", 5);
	case VMOBJ4K:
		return is(provider, "vmobj4k");
	case ANON4K:
		return is(provider, "anon4k");
	default:
		return 1;
	}
}

/* Was it asked for? */
static int wanted(const struct row *row, const struct provider *provider)
{
	char name[64];
	char **pair;

	if (!suits(row, provider) ||
	    (only_row && strcmp(row->name, only_row)) ||
	    (only_provider && !is(provider, only_provider)))
		return 0;
	snprintf(name, sizeof(name), "%s/%s", row->name, provider->name);
	for (pair = only; *pair; pair++)
		if (!strcmp(*pair, name))
			return 1;
	return pair == only;
}

static long divisor(const struct row *row)
{
	switch (row->unit) {
	case PER_PAGE:
	case BYTES_PER_PAGE:
		return bytes / PAGE;
	case PER_DEPTH_PAGE:
		return DEPTH_PAGES - DEPTH;
	case PER_ARENA:
		return bytes / ARENA;
	default:
		return 1;
	}
}

/* ---- measuring ---- */

struct figure {
	int known;		/* otherwise there is no such thing here */
	double cost, min, max;
};

static struct figure figures[ARRAY_SIZE(rows)][ARRAY_SIZE(providers)];

static const struct row *this_row;

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

static void warm_up(const struct row *row, const struct provider *provider)
{
	long all = bytes;

	if (bytes > WARM_UP)
		bytes = WARM_UP;
	run_once(row, provider);
	bytes = all;
}

static struct figure measure(const struct row *row,
			     const struct provider *provider)
{
	double n = divisor(row);
	long cost[MAX_RUNS], middle;
	int i;

	warm_up(row, provider);
	for (i = 0; i < runs; i++)
		cost[i] = run_once(row, provider);
	middle = median(cost, runs);
	return (struct figure) {
		.known = cost[0] != UNKNOWN,
		.cost = middle / n,
		.min = cost[0] / n,
		.max = cost[runs - 1] / n,
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
				printf("\"cost\": %.2f, \"min\": %.2f, \"max\": %.2f}\n",
				       f->cost, f->min, f->max);
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

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mb", required_argument, NULL, 'm' },
		{ "runs", required_argument, NULL, 'r' },
		{ "row", required_argument, NULL, 'w' },
		{ "provider", required_argument, NULL, 'p' },
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
		default:
			fputs("usage: bench [--mb N] [--runs N] [--row NAME] [--provider NAME] [ROW/PROVIDER]...\n",
			      stderr);
			exit(2);
		}
	}
	only = argv + optind;
}

static void measure_row(unsigned int r, int have_vmobj)
{
	unsigned int p;

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
			printf(" %13.0f", f->cost);
		else
			printf(" %13s", "n/a");
	}
	putchar('\n');
}

static int row_wanted(const struct row *row)
{
	unsigned int p;

	for (p = 0; p < ARRAY_SIZE(providers); p++)
		if (wanted(row, &providers[p]))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int have_vmobj = !access("/dev/vmobj", R_OK | W_OK);
	unsigned int r;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!have_vmobj)
		perror("bench: no figures of vmobj: /dev/vmobj");
	print_thp_setting();
	print_head();
	sleep(1);	/* let the machine finish what it does after boot */
	for (r = 0; r < ARRAY_SIZE(rows); r++)
		if (row_wanted(&rows[r]))
			measure_row(r, have_vmobj);
	if (have_vmobj)
		print_slabs();
	print_json();
	return 0;
}
