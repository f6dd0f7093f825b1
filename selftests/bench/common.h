/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <sys/types.h>

#define PAGE		4096L
#define HUGE		(2L << 20)
#define FORKS		7	/* in time_clean_fork() */
#define NR_PROVIDERS	7

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct provider {
	const char *name;
	char *(*map)(long len);
	int copies;		/* fork makes a copy */
};

extern const struct provider providers[NR_PROVIDERS];

int is_vmobj(const struct provider *provider);
const struct provider *find_provider(const char *name);

void die(const char *what);
long now(void);
long start_clock(void);
long stop_clock(long start);

/*
 * A plain store.  p[i]++ would not do: it is one instruction, but the emulator
 * loads first, so that fresh memory would take two faults, and no huge page.
 */
static inline void write_page(char *p)
{
	*(volatile char *)p = 1;
}

void write_all(char *p, long len);
void read_all(char *p, long len);
long time_write(char *p, long len);
long time_read(char *p, long len);

void reap(pid_t pid);
pid_t fork_or_die(void);
pid_t idle_child(void);
void stop(pid_t pid);
long *shared_number(void);
long in_child(long (*what)(char *p, long len), char *p, long len);
long time_fork(void);
long time_clean_fork(void);

long number(const char *text, long min, long max);
long median(long *n, int nr);
int *shuffled(long n);
void print_thp_setting(void);
unsigned int bound_chains(unsigned int depth);

#endif
