// SPDX-License-Identifier: GPL-2.0-only
/*
 * Very many forks and exits leave objects, pages and the kernel's Slab memory
 * where they were.
 *
 *	t_cycles [cycles]
 */
#include "vmobj_test.h"

#include <sched.h>
#include <sys/syscall.h>

#define CYCLES	100000
#define PAGES	16

static unsigned long cycles;

static void __attribute__((constructor)) arguments(int argc, char **argv)
{
	cycles = vt_scale(argc > 1 ? strtoul(argv[1], NULL, 0) : CYCLES, 1000);
}

static long meminfo(const char *name)
{
	char *text = vt_read_file("/proc/meminfo", 8192, NULL), *at;
	long kb = -1;

	at = text ? strstr(text, name) : NULL;
	if (at)
		kb = strtol(at + strlen(name), NULL, 10);
	free(text);
	return kb;
}

/* What is left of a child for a moment is freed some time after it. */
static long slab_at_rest(void)
{
	long last, now = meminfo("\nSlab:");
	int tries = 50;

	do {
		last = now;
		usleep(200000);
		now = meminfo("\nSlab:");
	} while (labs(now - last) > 8 && tries--);
	return now;
}

/*
 * A kernel with KASAN keeps what is freed for long, so Slab says nothing, and it is
 * so slow that few cycles must do.
 */
static bool kernel_hoards(void)
{
	char *text = vt_read_file("/proc/kallsyms", 1 << 20, NULL);
	bool found = text && strstr(text, " kasan_report\n");

	free(text);
	return found;
}

static char *mem;

/* fork() without what the C library does around it, and without files. */
static pid_t plain_fork(void)
{
	return syscall(SYS_clone, SIGCHLD | CLONE_FILES | CLONE_FS, 0, 0, 0, 0);
}

static int one_cycle(unsigned long n)
{
	pid_t pid = plain_fork();
	int status;

	if (!pid) {
		*vt_page(mem, n % PAGES) = n;
		syscall(SYS_exit_group, 0);
	}
	/* In some cycles the parent writes, too, before or after the exit. */
	if (n % 3 == 0)
		*vt_page(mem, (n + 1) % PAGES) = 1;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -1;
	if (n % 5 == 0)
		*vt_page(mem, n % PAGES) = 1;
	return 0;
}

static int run_cycles(unsigned long n)
{
	while (n--)
		if (one_cycle(n))
			return -1;
	return 0;
}

/* One CPU each: a wake-up of another one costs more than the fork, in a guest. */
static void stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

struct worker {
	struct vt_gate go, done;
	unsigned long cycles;
	pid_t pid;
};

static void work(void *arg)
{
	struct worker *w = arg;
	size_t i;

	mem = vt_map(PAGES, VT_RW, MAP_PRIVATE);
	VT_CHECK(mem);
	for (i = 0; i < PAGES; i++)
		*vt_page(mem, i) = 1;
	/* Warm up: caches of the kernel fill. */
	VT_CHECK(!run_cycles(300));
	vt_gate_open(&w->done);
	vt_gate_pass(&w->go);
	VT_CHECK(!run_cycles(w->cycles));
	for (i = 0; i < PAGES; i++)
		VT_CHECK(*vt_page(mem, i) == 1);
	vt_gate_open(&w->done);
	vt_gate_pass(&w->go);
}

static struct worker *start_workers(int workers)
{
	struct worker *w = calloc(workers, sizeof(*w));
	int i;

	for (i = 0; w && i < workers; i++) {
		vt_gate_init(&w[i].go);
		vt_gate_init(&w[i].done);
		w[i].cycles = cycles / workers;
		stay_on_cpu(i);
		w[i].pid = vt_fork(work, &w[i]);
	}
	for (i = 0; w && i < workers; i++)
		vt_gate_pass(&w[i].done);
	return w;
}

static bool gauges_are(int workers)
{
	return !vt_have_debugfs() ||
		(vt_stat_settles("objects", workers) == workers &&
		 vt_stat_settles("pages", workers * PAGES) == workers * PAGES &&
		 vt_stat_settles("entries", workers) == workers &&
		 vt_stat_settles("maps", workers) == workers);
}

TEST(many_cycles_leave_nothing)
{
	int workers = sysconf(_SC_NPROCESSORS_ONLN), i;
	long before, after;
	struct worker *w;

	if (kernel_hoards())
		cycles /= 20;
	w = start_workers(workers);
	ASSERT_NE(NULL, w);
	EXPECT_TRUE(gauges_are(workers));
	before = slab_at_rest();
	for (i = 0; i < workers; i++)
		vt_gate_open(&w[i].go);
	for (i = 0; i < workers; i++)
		vt_gate_pass(&w[i].done);
	after = slab_at_rest();
	EXPECT_TRUE(gauges_are(workers));
	EXPECT_TRUE(vt_check_ok());
	for (i = 0; i < workers; i++) {
		vt_gate_open(&w[i].go);
		EXPECT_EQ(0, vt_wait(w[i].pid));
	}

	TH_LOG("%lu cycles: Slab %ld kB, then %ld kB", cycles, before, after);
	/* A leak of 32 bytes in each cycle would be more; others' noise is less. */
	if (kernel_hoards())
		TH_LOG("a kernel with KASAN: Slab is not judged");
	else
		EXPECT_GE(before + 512 + (long)(cycles * 32 / 1024), after);
}

TEST_HARNESS_MAIN
