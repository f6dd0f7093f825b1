// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that touch one mapping: how much faster are they than one?
 *
 *	threads [--mb N] [--runs N]
 *
 * By the clock, so on a machine with two processors that has nothing else to do.
 * One thread touches all of it, or two touch a half each.  All kinds of memory take
 * turns, so that what disturbs the machine disturbs them all; medians are printed,
 * a line of JSON for each:
 *
 *	{"provider": "vmobj4k", "one": 301234567, "two": 170123456}
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define MAX_RUNS	999

static const char * const names[] = {
	"anon4k", "vmobj4k", "thp", "vmobj", "vmobj2m",
};

static long bytes = 64L << 20;
static long runs = 41;

static long times[ARRAY_SIZE(names)][2][MAX_RUNS];

/* One thread's share, and the processor it runs on. */
struct share {
	pthread_t thread;
	int cpu;
	char *from;
	long len;
};

static void *touch_share(void *arg)
{
	struct share *share = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(share->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("sched_setaffinity");
	write_all(share->from, share->len);
	return NULL;
}

/* By @nr threads. */
static long time_touch(char *p, int nr)
{
	struct share shares[2];
	long t = now();
	int i;

	for (i = 0; i < nr; i++) {
		shares[i] = (struct share) {
			.cpu = i,
			.from = p + i * (bytes / nr),
			.len = bytes / nr,
		};
		if (pthread_create(&shares[i].thread, NULL, touch_share,
				   &shares[i]))
			die("pthread_create");
	}
	for (i = 0; i < nr; i++)
		pthread_join(shares[i].thread, NULL);
	return now() - t;
}

/* What the next child measures. */
static const struct provider *this_provider;
static int this_nr;

static long run(char *p, long len)
{
	(void)p;
	(void)len;
	return time_touch(this_provider->map(bytes), this_nr);
}

static void take_turns(int i)
{
	unsigned int p;

	for (p = 0; p < ARRAY_SIZE(names); p++) {
		this_provider = find_provider(names[p]);
		for (this_nr = 1; this_nr <= 2; this_nr++)
			times[p][this_nr - 1][i] = in_child(run, NULL, 0);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mb", required_argument, NULL, 'm' },
		{ "runs", required_argument, NULL, 'r' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			bytes = number(optarg, 4, 1 << 20) << 20;
			break;
		case 'r':
			runs = number(optarg, 1, MAX_RUNS);
			break;
		default:
			fputs("usage: threads [--mb N] [--runs N]\n", stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int p;
	int i;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (access("/dev/vmobj", R_OK | W_OK))
		die("/dev/vmobj");
	print_thp_setting();
	sleep(1);
	take_turns(0);		/* not counted: the next ones overwrite it */
	for (i = 0; i < runs; i++)
		take_turns(i);
	puts("--- json");
	for (p = 0; p < ARRAY_SIZE(names); p++)
		printf("{\"provider\": \"%s\", \"one\": %ld, \"two\": %ld}\n",
		       names[p], median(times[p][0], runs),
		       median(times[p][1], runs));
	puts("--- end");
	return 0;
}
