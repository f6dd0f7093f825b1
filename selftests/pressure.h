/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of a machine that is short of memory share.  They run in a
 * small guest whose system has swap (selftests/pressure.list); elsewhere they are skipped.
 */
#ifndef _PRESSURE_H
#define _PRESSURE_H

#include "vmobj_test.h"

/* More memory than this is not small. */
#define PT_SMALL	(1024UL << 20)

/* Why these tests cannot be run here; NULL if they can. */
const char *pt_no_pressure(void);

/* At the beginning of a TEST(): from here on the OOM killer may have the process. */
#define PT_SETUP() \
	do { \
		const char *why = pt_no_pressure(); \
		if (why) \
			SKIP(return, "%s", why); \
		pt_oom_score("0"); \
	} while (0)

/* So many percent of the system's memory, in pages. */
size_t pt_percent(unsigned int percent);

/* Who is killed first: "1000"; never: "-1000". */
void pt_oom_score(const char *score);

/* How often the OOM killer has killed. */
long long pt_oom_kills(void);

/* ---- memory with a checksum in each page ---- */

/**
 * struct pt_area - memory of the device, and what must be in it
 * @mem: the memory
 * @want: a tag for each page; fork() copies them with the memory
 * @pages: how many
 */
struct pt_area {
	char *mem;
	uint32_t *want;
	size_t pages;
};

/* Compressible, but no page is like another. */
void pt_put(char *mem, size_t page, uint32_t tag);
bool pt_is(const char *mem, size_t page, uint32_t tag);

/* Map and write all of it. */
bool pt_fill(struct pt_area *a, size_t pages);
/* Read a page, and write it anew if @write; false if it was not right. */
bool pt_touch(struct pt_area *a, size_t page, bool write);
/* Read @times random pages, and write half of them. */
bool pt_use(struct pt_area *a, unsigned long times, uint64_t *seed);
/* All of it, or @times random pages, is right. */
bool pt_holds(struct pt_area *a);
bool pt_sample(struct pt_area *a, unsigned long times, uint64_t *seed);
void pt_free(struct pt_area *a);

/* ---- the module ---- */

/* As many blocks are in use as objects have entries for; waits until it is so. */
bool pt_swap_agrees(void);
/* Nothing is left in swap. */
bool pt_swap_empty(void);

/* Commands to the control file, of one store; 0 or an errno. */
int pt_store_add(const char *name, int priority);
int pt_store_remove(const char *name);
/* A number that the control file has of a store; -1 if there is no such store. */
enum pt_column { PT_BLOCKS = 2, PT_USED, PT_BAD, PT_PAGES_READ = 6, PT_PAGES_WRITTEN = 8 };
long pt_store(const char *name, enum pt_column column);

/* What must be so after each test, with nothing of @area left, and nobody @killed since. */
#define PT_FINISH(area, killed) \
	do { \
		EXPECT_TRUE(vt_check_ok()); \
		EXPECT_TRUE(pt_swap_agrees()); \
		pt_free(area); \
		EXPECT_TRUE(pt_swap_empty()); \
		EXPECT_EQ(killed, pt_oom_kills()); \
	} while (0)

/* ---- the system ---- */

/* Write to a file that is there; false if that is refused. */
bool pt_write(const char *path, const char *text);
/* The first number in a file, or -1. */
long long pt_read(const char *path);

/* A new compressed device with room for so many pages; -1 if there is none. */
int pt_zram_add(char *name, size_t size, size_t pages);
void pt_zram_remove(int number);

/* Seconds. */
double pt_now(void);

#endif /* _PRESSURE_H */
