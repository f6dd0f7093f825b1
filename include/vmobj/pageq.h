/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BSD page queues: active, inactive, laundry (inactive and dirty), cache (clean,
 * unmapped, free for the taking).  A wired page is on none.  Links are folio->lru.
 *
 * One lock for all of them, innermost of all locks.  Nearly all pages are on one
 * queue anyway, and pages leave in batches.
 *
 * A scan takes a reference to a folio under that lock.  Whoever frees a page takes it
 * off its queue under it, too, if nobody else has a reference; otherwise he gets the
 * folio lock first (vm_page_batch_flush()).  So while a scan has the folio locked, and
 * folio->mapping is set, the page and all that it belongs to are there.
 */
#ifndef _VMOBJ_PAGEQ_H
#define _VMOBJ_PAGEQ_H

#include <linux/types.h>

struct vm_page;

/**
 * enum vm_pageq_id - where a page stands with the page daemon
 * @VM_PAGEQ_NONE: on no queue: wired, or not in an object
 * @VM_PAGEQ_ACTIVE: in use
 * @VM_PAGEQ_INACTIVE: a candidate for reuse
 * @VM_PAGEQ_LAUNDRY: one that the page daemon has found dirty, to be written (FreeBSD
 *	PQ_LAUNDRY)
 * @VM_PAGEQ_CACHE: clean and unmapped
 * @VM_PAGEQ_NR: number of values
 */
enum vm_pageq_id {
	VM_PAGEQ_NONE,
	VM_PAGEQ_ACTIVE,
	VM_PAGEQ_INACTIVE,
	VM_PAGEQ_LAUNDRY,
	VM_PAGEQ_CACHE,
	VM_PAGEQ_NR,
};

/* BSD's ACT_INIT: what a page gets when it becomes active. */
#define VM_ACT_INIT	5

/* What a page gets that is touched while it is inactive, and what it may have (BSD). */
#define VM_ACT_ADVANCE	3
#define VM_ACT_MAX	64

/** vm_pageq_init() - make the queues empty */
void vm_pageq_init(void);

/**
 * vm_pageq_insert() - put a page on the active queue
 * @pg: page on no queue
 */
void vm_pageq_insert(struct vm_page *pg);

/**
 * vm_pageq_remove() - take a page off its queue (BSD vm_page_unqueue)
 * @pg: page, on a queue or not
 */
void vm_pageq_remove(struct vm_page *pg);

/**
 * vm_pageq_remove_idle() - take pages off their queues that nobody has a reference to
 * @pages: pages that are in no tree, at most 64
 * @nr: how many
 *
 * Return: a bit for each that is off its queue now: nobody but the caller has it.
 */
u64 vm_pageq_remove_idle(struct vm_page **pages, unsigned int nr);

/**
 * vm_pageq_rotate() - move a page to the tail of the queue it is on
 * @pg: page, folio locked; on a queue or not
 */
void vm_pageq_rotate(struct vm_page *pg);

/**
 * vm_page_activate() - make a page active (BSD vm_page_activate)
 * @pg: page, folio locked; a wired page is left alone
 */
void vm_page_activate(struct vm_page *pg);

/**
 * vm_page_reactivate() - a page that is not active has been touched
 * @pg: page, folio locked; a wired page is left alone
 *
 * The next time it is to become inactive later.
 */
void vm_page_reactivate(struct vm_page *pg);

/**
 * vm_page_deactivate() - make a page a candidate for reuse
 * @pg: page, folio locked; a wired one, or one in the laundry, is left alone
 *
 * (BSD vm_page_deactivate)
 */
void vm_page_deactivate(struct vm_page *pg);

/**
 * vm_page_launder() - put a dirty page into the laundry
 * @pg: page, folio locked; a wired page is left alone
 *
 * (FreeBSD vm_page_launder)
 */
void vm_page_launder(struct vm_page *pg);

/**
 * vm_page_laundered() - a page is clean now: what it does in the laundry is over
 * @pg: page, folio locked; on whatever queue
 */
void vm_page_laundered(struct vm_page *pg);

/**
 * vm_page_cache() - put a clean, unmapped, valid page on the cache queue
 * @pg: page, folio locked
 *
 * Unmaps the page first and looks at the dirty bit after, so that a last
 * write is not lost (DragonFly fixed this in 2010).  (BSD vm_page_cache)
 *
 * Return: true when it is on the queue now; false when it is wired, dirty or
 * not valid.
 */
bool vm_page_cache(struct vm_page *pg);

/**
 * vm_page_dontneed() - the page is not expected to be used soon
 * @pg: page, folio locked
 *
 * BSD vm_page_dontneed: of 32 calls one leaves the page alone, three put it on
 * the tail of the inactive queue and 28 on its head; dirty pages always go to
 * the tail.
 */
void vm_page_dontneed(struct vm_page *pg);

/**
 * vm_pageq_count() - pages (of PAGE_SIZE) on a queue
 * @id: queue
 */
unsigned long vm_pageq_count(enum vm_pageq_id id);

/**
 * vm_pageq_count_inactive() - pages that wait to go, dirty or not
 *
 * Return: pages of PAGE_SIZE that are inactive or in the laundry.
 */
static inline unsigned long vm_pageq_count_inactive(void)
{
	return vm_pageq_count(VM_PAGEQ_INACTIVE) +
	       vm_pageq_count(VM_PAGEQ_LAUNDRY);
}

/**
 * vm_pageq_count_all() - pages (of PAGE_SIZE) on all queues at one moment
 *
 * Takes the lock of the queues.
 */
unsigned long vm_pageq_count_all(void);

/**
 * vm_pageq_verify() - count a queue by walking it
 * @id: queue
 * @walked: out: pages found on the list
 *
 * Return: the counter at the same moment.
 */
unsigned long vm_pageq_verify(enum vm_pageq_id id, unsigned long *walked);

/**
 * vm_pageq_marker_alloc() - a place holder for a scan
 *
 * Return: a marker on no queue, or NULL without memory.
 */
struct vm_page *vm_pageq_marker_alloc(void);

/**
 * vm_pageq_marker_free() - take a marker off its queue and free it
 * @marker: from vm_pageq_marker_alloc(), or NULL
 */
void vm_pageq_marker_free(struct vm_page *marker);

/**
 * vm_pageq_scan_next() - the next page after the marker, and move the marker
 * @marker: on a queue, or on none to begin at the head of @id
 * @id: queue to scan
 *
 * Other scans' markers are skipped.
 *
 * Return: the page's folio, with a reference, which the caller drops; NULL at the
 * end of the queue, where the marker is then taken off.  The page itself may be freed at
 * any moment: only under the folio lock, and if folio->mapping is still set, is
 * folio->private the page.
 */
struct folio *vm_pageq_scan_next(struct vm_page *marker, enum vm_pageq_id id);

#endif /* _VMOBJ_PAGEQ_H */
