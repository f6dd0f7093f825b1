// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to page memory out and in, beside Linux's own swap on the same device.
 *
 *	paging [--short] [--mb N] [--runs N] DEVICE...
 *
 * Everything on the devices is overwritten.  Linux's memory is anon4k and thp, with the
 * device as its swap; ours vmobj4k and vmobj2m, with the device as a store.  All are paged
 * out by advice, and come back when they are touched; superpages only in a row.
 *
 * Then the memory is used in any order with half of it allowed to be there: by the limit of
 * a memory cgroup, or by max_resident.  What each touch takes that has to bring a page in
 * is noted.
 *
 * With --short the machine has less memory than N MiB, best a third of it: the memory is
 * filled, and read and written in a row and in any order, so that it is paged all the time.
 * Here vmobj is memory nobody has given advice for with the default store, so that the
 * device is swap of the system's for it as for anon4k.
 *
 * Times are those of CLOCK_MONOTONIC, as in bench.c.  Medians of some runs are printed, a
 * line of JSON for each:
 *
 *	{"device": "/dev/zram0", "provider": "vmobj4k", "row": "pageout", "cost": 9876.5}
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include <linux/vmobj.h>

#include "common.h"

#define MAX_RUNS	9
#define CONTROL		"/sys/kernel/debug/vmobj/swap"
#define LIMIT		"/sys/module/vmobj/parameters/max_resident"
#define CGROUP		"/sys/fs/cgroup/bench"
#define TOUCHES		10000L
#define FIRST_TOUCHES	1000L
#define SHORT_TOUCHES	100000L

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

enum row {
	PAGEOUT,		/* per page */
	PAGEOUT_IOS,		/* I/Os per page */
	IN_SEQUENTIAL,
	IN_SEQUENTIAL_IOS,
	IN_RANDOM,
	IN_RANDOM_IOS,
	FAULT_MEDIAN,
	FAULT_P99,
	FAULT_WORST,
	/* with --short */
	FILL,
	FILL_IOS,
	READ,
	READ_IOS,
	WRITE,
	WRITE_IOS,
	READ_RANDOM,		/* per touch */
	READ_RANDOM_IOS,
	WRITE_RANDOM,
	WRITE_RANDOM_IOS,
	NR_ROWS,
};

static const char * const row_names[NR_ROWS] = {
	"pageout", "pageout_ios", "in_sequential", "in_sequential_ios",
	"in_random", "in_random_ios", "fault_median", "fault_p99", "fault_worst",
	"fill", "fill_ios", "read", "read_ios", "write", "write_ios",
	"read_random", "read_random_ios", "write_random", "write_random_ios",
};

static const char * const names[] = { "anon4k", "vmobj4k", "thp", "vmobj2m", NULL };
static const char * const names_short[] = { "anon4k", "vmobj4k", "vmobj", NULL };

static long bytes = 32L << 20;
static long runs = 3;
static int is_short;

/* What a child finds, for its parent; less than 0: nothing. */
static double *found;

/* ---- files ---- */

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void control(const char *what, const char *device)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %s\n", what, device);
	put(CONTROL, text);
}

/* ---- what the device is asked to do ---- */

/* I/Os of the device so far, of both kinds, as the block layer counts them. */
static double device_ios(const char *device)
{
	unsigned long reads, writes;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", device + strlen("/dev/"));
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu %*u %*u %*u %lu", &reads, &writes) != 2)
		die(path);
	fclose(f);
	return reads + writes;
}

/* ---- providers ---- */

static int ours(const char *name)
{
	return !strncmp(name, "vmobj", 5);
}

/* Is the device for Linux's swap? */
static int swaps(const char *name)
{
	return !ours(name) || !strcmp(name, "vmobj");
}

static int large(const char *name)
{
	return !strcmp(name, "thp") || !strcmp(name, "vmobj2m");
}

static void begin(const char *name, const char *device)
{
	char command[128];

	if (!swaps(name)) {
		control("add", device);
		return;
	}
	snprintf(command, sizeof(command), "mkswap %s >/dev/null", device);
	if (system(command) || swapon(device, 0))
		die(device);
}

static void end(const char *name, const char *device)
{
	if (!swaps(name))
		control("remove", device);
	else if (swapoff(device))
		die(device);
}

static void page_out(const char *name, char *p)
{
	struct vmobj_advise arg = {
		.size = sizeof(arg),
		.addr = (unsigned long)p,
		.length = bytes,
		.advice = VMOBJ_ADV_PAGEOUT,
	};
	int fd;

	if (!ours(name)) {
		if (madvise(p, bytes, MADV_PAGEOUT))
			die("MADV_PAGEOUT");
		return;
	}
	fd = open("/dev/vmobj", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, VMOBJ_IOC_ADVISE, &arg))
		die("VMOBJ_ADV_PAGEOUT");
	close(fd);
}

static long pages_there(const char *name, char *p)
{
	struct vmobj_range arg = {
		.size = sizeof(arg),
		.addr = (unsigned long)p,
		.length = bytes,
	};
	unsigned char *vec;
	long n = 0, i;
	int fd;

	if (ours(name)) {
		fd = open("/dev/vmobj", O_RDWR | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, VMOBJ_IOC_RANGE, &arg))
			die("VMOBJ_IOC_RANGE");
		close(fd);
		return arg.resident;
	}
	vec = malloc(bytes / PAGE);
	if (!vec || mincore(p, bytes, vec))
		die("mincore");
	for (i = 0; i < bytes / PAGE; i++)
		n += vec[i] & 1;
	free(vec);
	return n;
}

static void allow(const char *name, long mb)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", ours(name) ? mb : mb << 20);
	put(ours(name) ? LIMIT : CGROUP "/memory.max", text);
}

/* ---- what is measured ---- */

/* Neither all the same nor without a pattern: it compresses to a tenth or so. */
static void fill(char *p)
{
	unsigned long random = 1;
	long i, j;

	for (i = 0; i < bytes; i += PAGE) {
		long *word = (long *)(p + i);

		for (j = 0; j < PAGE / 8; j++) {
			if (!(j % 32))
				random = random * 6364136223846793005UL + 1;
			word[j] = random;
		}
		word[1] = i;
	}
}

/* Begin and end what has two rows, the second one with I/Os. */
static long begin_row(const char *device, double *ios)
{
	*ios = device_ios(device);
	return start_clock();
}

static void end_row(enum row row, const char *device, long n, long t, double ios)
{
	found[row] = (double)stop_clock(t) / n;
	found[row + 1] = (device_ios(device) - ios) / n;
}

/* Each page that is touched must be what it was. */
static void touch(char *p, long page, int write)
{
	long *word = (long *)(p + page * PAGE);

	if (word[1] != page * PAGE) {
		fprintf(stderr, "page %ld is not what it was\n", page);
		exit(1);
	}
	if (write)
		word[2]++;
}

static void check(char *p)
{
	long i;

	for (i = 0; i < bytes / PAGE; i++)
		touch(p, i, 0);
}

static void out(const char *name, const char *device, char *p)
{
	double ios;
	long t = begin_row(device, &ios);

	page_out(name, p);
	end_row(PAGEOUT, device, bytes / PAGE, t, ios);
	if (pages_there(name, p) > bytes / PAGE / 100)
		fprintf(stderr, "%s: %ld pages of %ld have not gone\n", name,
			pages_there(name, p), bytes / PAGE);
}

static void in(const char *device, char *p, int random)
{
	int *order = random ? shuffled(bytes / PAGE) : NULL;
	long n = bytes / PAGE, i, t;
	double ios;

	t = begin_row(device, &ios);
	for (i = 0; i < n; i++)
		*(volatile char *)(p + (random ? order[i] : i) * PAGE);
	end_row(random ? IN_RANDOM : IN_SEQUENTIAL, device, n, t, ios);
	check(p);
	free(order);
}

/* A page, in any order, but in the same one for the same @state. */
static long any_page(unsigned long *state)
{
	*state = *state * 6364136223846793005UL + 1442695040888963407UL;
	return (*state >> 33) % (bytes / PAGE);
}

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

/*
 * Only touches that have to wait for a page.  The first ones do not count: with our limit
 * they wait for what is above it to go, as who writes to memory.max does.
 */
static void faults(const char *name, char *p)
{
	static long took[TOUCHES];
	unsigned long random = 1;
	long n = 0, i, t, before, page;

	allow(name, bytes >> 21);
	for (i = -FIRST_TOUCHES; i < TOUCHES; i++) {
		page = any_page(&random);
		before = major_faults();
		t = now();
		write_page(p + page * PAGE);
		t = now() - t;
		if (i >= 0 && major_faults() != before)
			took[n++] = t;
	}
	if (n < TOUCHES / 10) {
		fprintf(stderr, "%s: %ld faults are too few\n", name, n);
		exit(1);
	}
	found[FAULT_MEDIAN] = median(took, n);	/* sorts them */
	found[FAULT_P99] = took[n * 99 / 100];
	found[FAULT_WORST] = took[n - 1];
	fprintf(stderr, "# %s: %ld of %ld touches had to wait for a page\n", name, n,
		TOUCHES);
	if (ours(name))
		allow(name, 0);
}

static void touch_in_a_row(enum row row, const char *device, char *p, int write)
{
	long n = bytes / PAGE, i, t;
	double ios;

	t = begin_row(device, &ios);
	for (i = 0; i < n; i++)
		touch(p, i, write);
	end_row(row, device, n, t, ios);
}

static void touch_anywhere(enum row row, const char *device, char *p, int write)
{
	unsigned long random = row;
	double ios;
	long i, t;

	t = begin_row(device, &ios);
	for (i = 0; i < SHORT_TOUCHES; i++)
		touch(p, any_page(&random), write);
	end_row(row, device, SHORT_TOUCHES, t, ios);
}

static void measure_short(const char *name, const char *device)
{
	double ios;
	char *p;
	long t;

	p = find_provider(name)->map(bytes);
	t = begin_row(device, &ios);
	fill(p);
	end_row(FILL, device, bytes / PAGE, t, ios);
	touch_in_a_row(READ, device, p, 0);
	touch_in_a_row(WRITE, device, p, 1);
	touch_anywhere(READ_RANDOM, device, p, 0);
	touch_anywhere(WRITE_RANDOM, device, p, 1);
}

static void measure(const char *name, const char *device)
{
	char *p;

	if (!ours(name))
		put(CGROUP "/cgroup.procs", "0");
	p = find_provider(name)->map(bytes);
	fill(p);
	out(name, device, p);
	in(device, p, 0);
	if (large(name))
		return;
	/* dirty again: what is clean, and has its copy, needs no I/O */
	fill(p);
	page_out(name, p);
	in(device, p, 1);
	faults(name, p);
}

static void run(const char *name, const char *device, double *result)
{
	pid_t pid;
	int row;

	for (row = 0; row < NR_ROWS; row++)
		found[row] = -1;
	begin(name, device);
	pid = fork_or_die();
	if (!pid) {
		(is_short ? measure_short : measure)(name, device);
		_exit(0);
	}
	reap(pid);
	if (!ours(name) && !is_short)
		put(CGROUP "/memory.max", "max");
	end(name, device);
	memcpy(result, found, NR_ROWS * sizeof(*result));
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure_all(const char *name, const char *device)
{
	double results[MAX_RUNS + 1][NR_ROWS], of_row[MAX_RUNS];
	int i, row;

	for (i = is_short; i <= runs; i++)	/* else the first is not counted */
		run(name, device, results[i]);
	for (row = 0; row < NR_ROWS; row++) {
		if (results[1][row] < 0)
			continue;
		for (i = 0; i < runs; i++)
			of_row[i] = results[i + 1][row];
		qsort(of_row, runs, sizeof(*of_row), compare);
		printf("{\"device\": \"%s\", \"provider\": \"%s\", \"row\": \"%s\", \"cost\": %.3f}\n",
		       device, name, row_names[row], of_row[runs / 2]);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mb", required_argument, NULL, 'm' },
		{ "runs", required_argument, NULL, 'r' },
		{ "short", no_argument, &is_short, 1 },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 0:
			break;
		case 'm':
			bytes = number(optarg, 16, 1 << 20) << 20;
			break;
		case 'r':
			runs = number(optarg, 1, MAX_RUNS);
			break;
		default:
			fputs("usage: paging [--short] [--mb N] [--runs N] DEVICE...\n", stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	const char * const *name;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	found = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (found == MAP_FAILED)
		die("mmap");
	if (!is_short && mkdir(CGROUP, 0755) && errno != EEXIST)
		die(CGROUP);
	sleep(1);
	for (; optind < argc; optind++)
		for (name = is_short ? names_short : names; *name; name++)
			measure_all(*name, argv[optind]);
	rmdir(CGROUP);
	puts("--- end");
	return 0;
}
