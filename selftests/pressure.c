// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of a machine that is short of memory share.  See pressure.h.
 */
#define VT_NO_HARNESS
#include "pressure.h"

#include <sys/sysinfo.h>
#include <time.h>

#define CHUNK	64	/* words that are the same */

static const char *pt_not_small(void)
{
	struct sysinfo info;

	if (sysinfo(&info) || info.totalram > PT_SMALL)
		return "needs a machine with less than 1 GiB";
	if (info.totalswap < info.totalram)
		return "needs a system with as much swap as memory";
	return NULL;
}

const char *pt_no_pressure(void)
{
	if (vt_is_anon())
		return "only for the device";
	return vt_no_debugfs() ?: pt_not_small();
}

/* The program itself, which only waits for its tests, is spared. */
static void __attribute__((constructor)) pt_init(void)
{
	if (!pt_not_small())
		pt_oom_score("-1000");
}

size_t pt_percent(unsigned int percent)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : info.totalram / vt_page_size * percent / 100;
}

void pt_oom_score(const char *score)
{
	pt_write("/proc/self/oom_score_adj", score);
}

long long pt_oom_kills(void)
{
	char *text = vt_read_file("/proc/vmstat", 65536, NULL);
	char *line = text ? strstr(text, "\noom_kill ") : NULL;
	long long n = line ? strtoll(line + strlen("\noom_kill "), NULL, 10) : -1;

	free(text);
	return n;
}

double pt_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- memory ---- */

static uint64_t chunk_word(size_t page, uint32_t tag, size_t chunk)
{
	uint64_t state = ((uint64_t)tag << 32 | page) * CHUNK + chunk;

	return vt_random(&state);
}

void pt_put(char *mem, size_t page, uint32_t tag)
{
	uint64_t *word = (uint64_t *)vt_page(mem, page);
	size_t nr = vt_page_size / sizeof(*word), i, j;

	for (i = 0; i < nr; i += CHUNK) {
		uint64_t value = chunk_word(page, tag, i / CHUNK);

		for (j = i; j < i + CHUNK; j++)
			word[j] = value;
	}
}

bool pt_is(const char *mem, size_t page, uint32_t tag)
{
	const uint64_t *word = (const uint64_t *)(mem + page * vt_page_size);
	size_t nr = vt_page_size / sizeof(*word), i, j;
	uint64_t wrong = 0;

	for (i = 0; i < nr; i += CHUNK) {
		uint64_t value = chunk_word(page, tag, i / CHUNK);

		for (j = i; j < i + CHUNK; j++)
			wrong |= word[j] ^ value;
	}
	return !wrong;
}

bool pt_fill(struct pt_area *a, size_t pages)
{
	size_t i;

	a->pages = pages;
	a->want = calloc(pages, sizeof(*a->want));
	a->mem = vt_map(pages, VT_RW, MAP_PRIVATE);
	if (!a->want || !a->mem)
		return false;
	for (i = 0; i < pages; i++) {
		a->want[i] = 1;
		pt_put(a->mem, i, a->want[i]);
	}
	return true;
}

bool pt_touch(struct pt_area *a, size_t page, bool write)
{
	if (!pt_is(a->mem, page, a->want[page])) {
		fprintf(stderr, "# page %zu of %zu is not what was written the %uth time: %#llx\n",
			page, a->pages, a->want[page],
			*(unsigned long long *)vt_page(a->mem, page));
		return false;
	}
	if (write)
		pt_put(a->mem, page, ++a->want[page]);
	return true;
}

bool pt_use(struct pt_area *a, unsigned long times, uint64_t *seed)
{
	while (times--) {
		uint64_t random = vt_random(seed);

		if (!pt_touch(a, (random >> 1) % a->pages, random & 1))
			return false;
	}
	return true;
}

bool pt_sample(struct pt_area *a, unsigned long times, uint64_t *seed)
{
	while (times--)
		if (!pt_touch(a, vt_random(seed) % a->pages, false))
			return false;
	return true;
}

bool pt_holds(struct pt_area *a)
{
	size_t i;

	for (i = 0; i < a->pages; i++)
		if (!pt_touch(a, i, false))
			return false;
	return true;
}

void pt_free(struct pt_area *a)
{
	if (a->mem)
		munmap(a->mem, a->pages * vt_page_size);
	free(a->want);
	memset(a, 0, sizeof(*a));
}

/* ---- the module ---- */

/* Entries of all objects. */
static long long swap_entries(void)
{
	char *text = vt_read_file(VT_DEBUGFS "objects", 1 << 20, NULL), *at = text;
	long long sum = 0;

	while (at && (at = strstr(at, " swapped "))) {
		at += strlen(" swapped ");
		sum += strtoll(at, NULL, 10);
	}
	free(text);
	return sum;
}

bool pt_swap_agrees(void)
{
	long long used = 0, entries = 0;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		used = vt_stat("pages_swapped");
		entries = swap_entries();
		if (used == entries && used == vt_stat("pages_swapped"))
			return true;
		usleep(100000);
	}
	fprintf(stderr, "# %lld blocks are used, and objects have %lld\n", used,
		entries);
	return false;
}

bool pt_swap_empty(void)
{
	long long left = vt_stat_settles("pages_swapped", 0);

	if (left)
		fprintf(stderr, "# %lld pages are left in swap\n", left);
	return !left;
}

int pt_store_add(const char *name, int priority)
{
	char text[256];

	snprintf(text, sizeof(text), "add %s %d\n", name, priority);
	return vt_write_file(VT_DEBUGFS "swap", text);
}

int pt_store_remove(const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "remove %s\n", name);
	return vt_write_file(VT_DEBUGFS "swap", text);
}

long pt_store(const char *name, enum pt_column column)
{
	char *text = vt_read_file(VT_DEBUGFS "swap", 4096, NULL), *rest = text;
	char *row, *word;
	long found = -1;
	int i;

	while (text && (row = strsep(&rest, "\n"))) {
		word = strsep(&row, " ");
		if (strcmp(word, name))
			continue;
		for (i = 0; i < (int)column && word; i++)
			word = strsep(&row, " ");
		found = word ? strtol(word, NULL, 10) : -1;
	}
	free(text);
	return found;
}

/* ---- the system ---- */

bool pt_write(const char *path, const char *text)
{
	return !vt_write_file(path, text);
}

long long pt_read(const char *path)
{
	char *text = vt_read_file(path, 4096, NULL);
	long long n = text ? strtoll(text, NULL, 10) : -1;

	free(text);
	return n;
}

#define ZRAM	"/sys/class/zram-control/"

int pt_zram_add(char *name, size_t size, size_t pages)
{
	int number = pt_read(ZRAM "hot_add");
	char path[64], bytes[32];

	if (number < 0)
		return -1;
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", number);
	snprintf(bytes, sizeof(bytes), "%zu", pages * vt_page_size);
	if (!pt_write(path, bytes))
		return -1;
	snprintf(name, size, "/dev/zram%d", number);
	return number;
}

/* Whoever had it open may take a moment to let it go. */
void pt_zram_remove(int number)
{
	char path[64], text[16];
	int tries;

	snprintf(path, sizeof(path), "/sys/block/zram%d/reset", number);
	snprintf(text, sizeof(text), "%d", number);
	for (tries = 0; tries < 50 && !pt_write(path, "1"); tries++)
		usleep(100000);
	pt_write(ZRAM "hot_remove", text);
}
