// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the programs that measure have in common: the clock, the kinds of memory,
 * and processes that use it.
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

#include "common.h"

void die(const char *what)
{
	perror(what);
	exit(1);
}

long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/*
 * Around what is measured.  The marks are nops, which tools/profile looks for.
 */
#ifdef __x86_64__
#define MARK_START	".byte 0x0f, 0x1f, 0x84, 0x00, 'v', 'm', 'o', 1"
#define MARK_STOP	".byte 0x0f, 0x1f, 0x84, 0x00, 'v', 'm', 'o', 2"
#else
#define MARK_START	""
#define MARK_STOP	""
#endif

long start_clock(void)
{
	long t = now();

	asm volatile(MARK_START);
	return t;
}

long stop_clock(long start)
{
	asm volatile(MARK_STOP);
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

	if (madvise(p, len, MADV_NOHUGEPAGE))
		die("MADV_NOHUGEPAGE");
	return p;
}

static char *map_vmobj2m(long len)
{
	char *p = map_vmobj(len);

	if (madvise(p, len, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE");
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

const struct provider providers[NR_PROVIDERS] = {
	{ "anon4k", map_anon4k, 1 },
	{ "vmobj", map_vmobj, 1 },
	{ "vmobj4k", map_vmobj4k, 1 },
	{ "vmobj2m", map_vmobj2m, 1 },
	{ "thp", map_thp, 1 },
	{ "memfd_shared", map_memfd_shared, 0 },
	{ "memfd_private", map_memfd_private, 1 },
};

int is_vmobj(const struct provider *provider)
{
	return !strncmp(provider->name, "vmobj", 5);
}

const struct provider *find_provider(const char *name)
{
	int i;

	for (i = 0; i < NR_PROVIDERS; i++)
		if (!strcmp(providers[i].name, name))
			return &providers[i];
	fprintf(stderr, "bench: no provider %s\n", name);
	exit(2);
}

/* ---- what is done to memory ---- */

void write_all(char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		write_page(p + i);
}

void read_all(char *p, long len)
{
	long i;

	for (i = 0; i < len; i += PAGE)
		*(volatile char *)(p + i);
}

long time_write(char *p, long len)
{
	long t = start_clock();

	write_all(p, len);
	return stop_clock(t);
}

long time_read(char *p, long len)
{
	long t = start_clock();

	read_all(p, len);
	return stop_clock(t);
}

/* ---- processes ---- */

void reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("a child failed");
}

pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

/* A child that does nothing and lives until stop(). */
pid_t idle_child(void)
{
	pid_t pid = fork_or_die();

	if (!pid)
		for (;;)
			pause();
	return pid;
}

void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A number by which a child can tell its parent something. */
long *shared_number(void)
{
	long *n = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (n == MAP_FAILED)
		die("mmap");
	return n;
}

/* Run @what in a child on the memory; the time it returns comes back. */
long in_child(long (*what)(char *p, long len), char *p, long len)
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

/* The fork itself, seen from the parent; the child exits at once. */
long time_fork(void)
{
	long t = start_clock();
	pid_t pid = fork_or_die();

	if (!pid)
		_exit(0);
	t = stop_clock(t);
	reap(pid);
	return t;
}

/*
 * Forks with nothing dirtied in between: a fork is too short for one alone, which
 * an interrupt may fall into.
 */
long time_clean_fork(void)
{
	long t[FORKS];
	int i;

	time_fork();
	for (i = 0; i < FORKS; i++)
		t[i] = time_fork();
	return median(t, FORKS);
}

/* ---- numbers ---- */

long number(const char *text, long min, long max)
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

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* Sorts them, too. */
long median(long *n, int nr)
{
	qsort(n, nr, sizeof(*n), compare);
	return n[nr / 2];
}

/* The numbers below @n, shuffled the same way each time. */
int *shuffled(long n)
{
	int *order = malloc(n * sizeof(*order));
	unsigned long random = 1;
	long i, j;

	if (!order)
		die("malloc");
	for (i = 0; i < n; i++) {
		random = random * 6364136223846793005UL + 1442695040888963407UL;
		j = (random >> 33) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

/* The word between brackets, as in "always [madvise] never". */
void print_thp_setting(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
	char word[16] = "none";

	if (f) {
		fscanf(f, "%*[^[][%15[a-z]", word);
		/* The first one has nothing before the bracket. */
		rewind(f);
		fscanf(f, "[%15[a-z]", word);
		fclose(f);
	}
	printf("transparent huge pages: %s\n", word);
}

#define DEPTH_PARAMETER	"/sys/module/vmobj/parameters/max_chain_depth"

/* How long the module lets chains get; returns what it was, 0 if that is not known. */
unsigned int bound_chains(unsigned int depth)
{
	FILE *f = fopen(DEPTH_PARAMETER, "r+");
	unsigned int before = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &before) != 1)
		before = 0;
	rewind(f);
	if (fprintf(f, "%u", depth) < 0 || fflush(f))
		die(DEPTH_PARAMETER);
	fclose(f);
	return before;
}
