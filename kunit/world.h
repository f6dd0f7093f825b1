/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small world for the unit tests: one family, processes without page tables,
 * and a plain array that says what each process must see.
 *
 * Pages hold one number each.  Every write goes to the array as well; world_dump()
 * compares all pages of all processes with it, without a fault, so that a collapse,
 * a split or a bypass that changes any value is found.  When a test ends, all its
 * processes go, the checker runs, and nothing may be left.
 */
#ifndef _VMOBJ_KUNIT_WORLD_H
#define _VMOBJ_KUNIT_WORLD_H

#include <kunit/test.h>

#include <vmobj/check.h>
#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/fault.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/pageq.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>

#define WORLD_PROCS	16
#define WORLD_PAGES	16
#define WORLD_BASE	4096UL	/* family index of page 0 */
#define P		0	/* the first process */

/**
 * struct world - what a test works on
 * @test: the test
 * @file: keeps the family
 * @family: the family
 * @proc: maps of the processes; NULL: it has exited
 * @want: what each process must see in each page
 * @start: counters when the test began
 * @detached: wired pages without an object when the test began
 */
struct world {
	struct kunit *test;
	struct file *file;
	struct vm_family *family;
	struct vm_map *proc[WORLD_PROCS];
	u64 want[WORLD_PROCS][WORLD_PAGES];
	unsigned long start[VMOBJ_NR_STATS];
	unsigned long detached;
};

int world_init(struct kunit *test);
void world_exit(struct kunit *test);

/* A family index. */
static inline pgoff_t at(unsigned long page)
{
	return WORLD_BASE + page;
}

void world_lock(struct world *w);
void world_unlock(struct world *w);

/* All that has been put off is done. */
void world_wait_for_worker(struct world *w);

/* The same for a chain that may be too deep. */
void world_limit_depth(struct world *w, struct vm_object *top);

/* Make the first process with @pages of fresh memory. */
void world_region(struct world *w, unsigned long pages);

/* The same, and write all pages: 1, 2, 3... */
void world_written(struct world *w, unsigned long pages);

/* Returns the child's number. */
int world_fork(struct world *w, int parent);
void world_kill(struct world *w, int proc);
void world_unmap(struct world *w, int proc, unsigned long from,
		 unsigned long to);
void world_clip(struct world *w, int proc, unsigned long page);
void world_inherit(struct world *w, int proc, enum vm_inherit inheritance);

/* vm_fault_page() for a process; the result as a number. */
int world_fault(struct world *w, int proc, unsigned long page, bool write,
		struct folio **folio);

/* Through the fault path, as a program would. */
void world_write(struct world *w, int proc, unsigned long page, u64 value);
u64 world_read(struct world *w, int proc, unsigned long page);

/* All that all processes see is what they must see, and the checker agrees. */
void world_dump(struct world *w);

struct vm_map_entry *world_entry(struct world *w, int proc, unsigned long page);
struct vm_object *world_object(struct world *w, int proc, unsigned long page);
struct vm_page *world_page(struct vm_object *object, unsigned long page);
unsigned int world_depth(struct world *w, int proc);

/* Objects, pages alive now. */
unsigned long world_objects(struct world *w);
unsigned long world_pages(struct world *w);

/* Events since the test began. */
unsigned long world_count(struct world *w, enum vmobj_stat stat);

/* An object of no map; the caller has its reference. */
struct vm_object *world_bare(struct world *w, unsigned long page,
			     unsigned long size);

/* Put a page with a value into an object. */
struct vm_page *world_put(struct world *w, struct vm_object *object,
			  unsigned long page, u64 value);

/* The same with a large page, and values from @value on. */
struct vm_page *world_put_large(struct world *w, struct vm_object *object,
				unsigned long page, unsigned int order,
				u64 value);

#define EXPECT_OBJECT(on, object, refs, shadows, pages, onemap)	\
do {									\
	struct world *_w = (on);					\
	struct vm_object *_o = (object);				\
									\
	KUNIT_EXPECT_EQ(_w->test, _o->ref_count, (unsigned int)(refs));	\
	KUNIT_EXPECT_EQ(_w->test, _o->shadow_count,			\
			(unsigned int)(shadows));			\
	KUNIT_EXPECT_EQ(_w->test, _o->memq->resident,			\
			(unsigned long)(pages));			\
	KUNIT_EXPECT_EQ(_w->test,					\
			(int)vm_object_test(_o, VM_OBJ_ONEMAPPING),	\
			(int)(onemap));					\
} while (0)

#define EXPECT_COUNT(on, stat, n)					\
do {									\
	struct world *_w = (on);					\
									\
	KUNIT_EXPECT_EQ(_w->test, world_count(_w, stat),		\
			(unsigned long)(n));				\
} while (0)

#endif /* _VMOBJ_KUNIT_WORLD_H */
