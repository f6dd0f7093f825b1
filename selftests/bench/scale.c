// SPDX-License-Identifier: GPL-2.0-only
/*
 * How costs grow: with the size of the memory, the number of children, of mappings,
 * and the depth of a chain.
 *
 *	scale [--mb LARGEST] [--test sizes|children|versions|mappings|chains]
 *
 * Each figure is a line of JSON; the cost is for one operation or one piece of
 * memory, see tools/scales.py:
 *
 *	{"test": "fork_clean", "provider": "vmobj2m", "size": 1024, "cost": 71880}
 *
 * Large memory is filled with huge pages, so that this takes minutes under an
 * emulator.  Linux's own memory is beside it where it can be had as cheaply.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define SMALLEST	256L	/* MiB */
#define DIRTY		100	/* pages, wherever their number is fixed */
#define CHILDREN	1000
#define MAPPINGS	10000
#define SAMPLE		25	/* operations that a figure is the median of */
#define DEEPEST		64
#define CHAIN_PAGES	512L

static long largest = 4096;
static const char *only_test;

/* The first round, of what is smallest, is not counted. */
static int warm;

static void report(const char *test, const char *provider, long size, long cost)
{
	if (warm)
		printf("{\"test\": \"%s\", \"provider\": \"%s\", \"size\": %ld, \"cost\": %ld}\n",
		       test, provider, size, cost);
}

/* ---- size ---- */

/* One page here and there, the same number whatever the size. */
static long write_some(char *p, long len)
{
	long step = len / DIRTY & -PAGE, t = now(), i;

	for (i = 0; i < DIRTY; i++)
		write_page(p + i * step);
	return (now() - t) / DIRTY;
}

static void size_dirty(const char *name, char *p, long mb)
{
	long len = mb << 20, cow, rewrite, t[SAMPLE];
	pid_t other;
	int i;

	other = idle_child();
	cow = write_some(p, len);
	for (i = 0; i < SAMPLE; i++) {
		t[i] = time_fork();
		write_some(p, len);
	}
	report("cow_100", name, mb, cow);
	report("fork_100", name, mb, median(t, SAMPLE));
	t[0] = now();
	stop(other);
	report("exit_100", name, mb, now() - t[0]);
	rewrite = write_some(p, len);
	report("rewrite_100", name, mb, rewrite);
}

static void size_of(const char *name, long mb)
{
	long len = mb << 20, pieces = len / HUGE, t;
	char *p = find_provider(name)->map(len);

	t = time_write(p, len);
	report("populate", name, mb, t / pieces);
	t = time_fork();
	report("fork_dirty", name, mb, t / pieces);
	report("fork_clean", name, mb, time_clean_fork());
	size_dirty(name, p, mb);
	t = now();
	munmap(p, len);
	report("munmap", name, mb, (now() - t) / pieces);
}

/* 256 MiB, and from 1 GiB on each power of two. */
static void sizes(const char *name)
{
	long mb;

	for (mb = SMALLEST; mb <= largest; mb *= mb == SMALLEST ? 4 : 2) {
		size_of(name, mb);
		if (!warm)
			return;
	}
}

/* ---- children ---- */

/* A child that writes @p, says what that took in *@cost, and waits. */
static pid_t writing_child(char *p, long *cost, int *pipe_fds)
{
	pid_t pid = fork_or_die();
	long t;

	if (pid)
		return pid;
	t = now();
	write_page(p);
	*cost = now() - t;
	if (write(pipe_fds[1], "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void wait_for(int *pipe_fds)
{
	char c;

	if (read(pipe_fds[0], &c, 1) != 1)
		die("a child");
}

static int is_milestone(long n, long most)
{
	return n == most || n == most / 2 || n == most / 4 || n == most / 8;
}

/* Up to @most children, each with a page of its own. */
static void add_children(const char *name, char *p, pid_t *pids, long most)
{
	long *cost = shared_number(), forks[SAMPLE], writes[SAMPLE], n, t;
	int pipe_fds[2];

	if (pipe(pipe_fds))
		die("pipe");
	for (n = 0; n < most; n++) {
		t = now();
		pids[n] = writing_child(p + n * PAGE, cost, pipe_fds);
		forks[n % SAMPLE] = now() - t;
		wait_for(pipe_fds);
		writes[n % SAMPLE] = *cost;
		if (is_milestone(n + 1, most)) {
			report("child_fork", name, n + 1, median(forks, SAMPLE));
			report("child_write", name, n + 1, median(writes, SAMPLE));
		}
	}
}

/* A sample is complete when the number of those left is a multiple of it. */
static int sample_ends(long n, long most)
{
	return n % SAMPLE == 0 && is_milestone(n + SAMPLE, most);
}

static void end_children(const char *test, const char *name, const pid_t *pids,
			 long most)
{
	long exits[SAMPLE], n, t;

	for (n = most; n--;) {
		t = now();
		stop(pids[n]);
		exits[n % SAMPLE] = now() - t;
		if (sample_ends(n, most))
			report(test, name, n + SAMPLE, median(exits, SAMPLE));
	}
}

static void children(const char *name)
{
	long len = 64L << 20, most = warm ? CHILDREN : SAMPLE;
	char *p = find_provider(name)->map(len);
	static pid_t pids[CHILDREN];

	write_all(p, len);
	add_children(name, p, pids, most);
	end_children("child_exit", name, pids, most);
}

/* The parent has written a page before each fork, and all children live. */
static void versions(const char *name)
{
	long len = 64L << 20, most = warm ? CHILDREN : SAMPLE, forks[SAMPLE], n, t;
	char *p = find_provider(name)->map(len);
	static pid_t pids[CHILDREN];

	write_all(p, len);
	for (n = 0; n < most; n++) {
		write_page(p + n * PAGE);
		t = now();
		pids[n] = idle_child();
		forks[n % SAMPLE] = now() - t;
		if (is_milestone(n + 1, most))
			report("version_fork", name, n + 1, median(forks, SAMPLE));
	}
	end_children("version_exit", name, pids, most);
}

/* ---- mappings ---- */

static void unmap_some(const char *name, char **p, long most)
{
	long t[SAMPLE], n;

	for (n = most; n--;) {
		t[n % SAMPLE] = now();
		munmap(p[n], PAGE);
		t[n % SAMPLE] = now() - t[n % SAMPLE];
		if (sample_ends(n, most))
			report("unmap", name, n + SAMPLE, median(t, SAMPLE));
	}
}

/* Each of one page, at a distance from the others. */
static void mappings(const char *name)
{
	const struct provider *provider = find_provider(name);
	long most = warm ? MAPPINGS : SAMPLE, t[SAMPLE], n;
	static char *p[MAPPINGS];

	for (n = 0; n < most; n++) {
		long start = now();

		p[n] = provider->map(PAGE);
		write_page(p[n]);
		t[n % SAMPLE] = now() - start;
		if (is_milestone(n + 1, most)) {
			report("map", name, n + 1, median(t, SAMPLE));
			report("map_fork", name, n + 1, time_clean_fork() / (n + 1));
		}
	}
	unmap_some(name, p, most);
}

/* ---- chains ---- */

/*
 * The parent forks and writes a page, @depth times, with all children alive; then
 * one more child touches what is in the oldest object only.
 */
static void chain_of(const char *name, int depth)
{
	long len = CHAIN_PAGES * PAGE, rest = len - DEEPEST * PAGE;
	char *p = find_provider(name)->map(len);
	pid_t pids[DEEPEST];
	int i;

	write_all(p, len);
	for (i = 0; i < depth; i++) {
		pids[i] = idle_child();
		write_page(p + i * PAGE);
	}
	report("chain_read", name, depth,
	       in_child(time_read, p + len - rest, rest) / (rest / PAGE));
	report("chain_write", name, depth,
	       in_child(time_write, p + len - rest, rest) / (rest / PAGE));
	report("chain_fork", name, depth, time_clean_fork());
	while (depth--)
		stop(pids[depth]);
	munmap(p, len);
}

static void chains(const char *name)
{
	/* Left to itself the module would make them shorter. */
	unsigned int bound = bound_chains(2 * DEEPEST);
	int depth;

	for (depth = 1; depth <= DEEPEST; depth *= 2) {
		chain_of(name, depth);
		if (!warm)
			break;
	}
	if (bound)
		bound_chains(bound);
}

/* ---- all of them ---- */

struct test {
	const char *name;
	void (*run)(const char *provider);
	const char *providers[3];
};

static const struct test tests[] = {
	{ "sizes", sizes, { "vmobj2m", "thp" } },
	{ "children", children, { "vmobj2m", "thp" } },
	{ "versions", versions, { "vmobj2m", "thp" } },
	{ "mappings", mappings, { "vmobj", "anon4k" } },
	{ "chains", chains, { "vmobj4k", "anon4k" } },
};

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mb", required_argument, NULL, 'm' },
		{ "test", required_argument, NULL, 't' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			largest = number(optarg, SMALLEST, 1 << 20);
			break;
		case 't':
			only_test = optarg;
			break;
		default:
			fputs("usage: scale [--mb LARGEST] [--test NAME]\n", stderr);
			exit(2);
		}
	}
}

/* What the next child measures. */
static const struct test *this_test;
static const char *this_provider;

/* In a process of its own, twice: the first time warms up. */
static long run_test(char *p, long len)
{
	(void)p;
	(void)len;
	this_test->run(this_provider);
	warm = 1;
	this_test->run(this_provider);
	return 0;
}

int main(int argc, char **argv)
{
	const char * const *name;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (access("/dev/vmobj", R_OK | W_OK))
		die("/dev/vmobj");
	print_thp_setting();
	sleep(1);
	puts("--- json");
	for (this_test = tests; this_test < tests + ARRAY_SIZE(tests); this_test++) {
		if (only_test && strcmp(only_test, this_test->name))
			continue;
		for (name = this_test->providers; *name; name++) {
			long start = now();

			this_provider = *name;
			in_child(run_test, NULL, 0);
			printf("bench: %s of %s: %ld million\n", this_test->name,
			       *name, (now() - start) / 1000000);
		}
	}
	puts("--- end");
	return 0;
}
