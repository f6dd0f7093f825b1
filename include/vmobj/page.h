/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page descriptors and the trees they live in.
 *
 * A struct vm_page describes one folio of an object: BSD's vm_page, except
 * that the bits Linux already keeps are kept by Linux alone:
 *
 *	BSD			here
 *	PG_BUSY			folio lock
 *	valid			folio uptodate
 *	dirty			folio dirty
 *	pindex			index, in the coordinates of the family
 *	pageq link		folio->lru
 *
 * folio->private points back at the descriptor; folio->mapping and
 * folio->index are set while the page is in a tree, so that the kernel's
 * reverse map finds every PTE.
 *
 * Pages hang in a struct vm_memq, BSD's memq with a life of its own: a merge
 * exchanges the memqs of two objects and then moves the smaller one's pages
 * only.
 *
 * Who may change what:
 *	tree, next, max, counts	vm_memq.lock, with the family lock at least
 *				held for reading
 *	pg->memq		vm_memq.lock, and either the folio lock or the
 *				family lock held for writing.  So it is stable
 *				under the folio lock together with the family
 *				lock held for reading.
 *	wire_count		folio lock
 *	queue, folio->lru	the queue lock, see pageq.h
 *
 * A descriptor in a tree is freed only under the family lock held for
 * writing, or after its object has become unreachable: with the family lock
 * held for reading a page that has been found stays in memory, though it may
 * move up one object.
 *
 * Lock order: family rwsem -> folio lock -> vm_memq.lock -> queue lock.  Two
 * memqs are locked at once only to move a page: the one it goes to first.
 */
#ifndef _VMOBJ_PAGE_H
#define _VMOBJ_PAGE_H

#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rbtree.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>

#include <vmobj/pageq.h>

struct mem_cgroup;
struct vm_object;

/**
 * struct vm_page - one folio of an object
 * @rb: link in &vm_memq.root
 * @index: first page of the folio, in pages, in the family's coordinates
 * @memq: the tree it is in; NULL when it is not in any
 * @folio: the memory
 * @next: page with the next higher index in the tree, or NULL
 * @wire_count: reasons to keep it resident and off the queues
 * @order: the folio spans 1 << order pages
 * @queue: enum vm_pageq_id; the queue lock
 * @act_count: how active the page daemon thinks it is
 * @ahead: how many like it may follow it unasked, see superpage.h
 * @reach: which one in a row of growing allowances that number is of
 * @promoted: it has taken the place of small pages
 * @marker: a scan's place holder in a queue, not a page
 * @nosync: not to be written to its store before somebody asks for that (BSD
 *	PG_NOSYNC); folio lock
 * @writing: on its way to its store, and not to be read from there meanwhile; folio
 *	lock
 */
struct vm_page {
	struct rb_node rb;
	pgoff_t index;
	struct vm_memq *memq;
	struct folio *folio;
	struct vm_page *next;
	unsigned short wire_count;
	unsigned char order;
	unsigned char queue;
	unsigned char act_count;
	unsigned char ahead;
	unsigned char reach : 7;
	unsigned char promoted : 1;
	bool marker:1;
	bool nosync:1;
	bool writing:1;
};

/**
 * struct vm_memq - the resident pages of an object
 * @lock: guards the tree; also called the object lock
 * @seq: changes with the tree; lets a reader trust that a page is absent
 * @root: pages by index
 * @max: page with the highest index, NULL when empty
 * @resident: pages (of PAGE_SIZE) in the tree
 * @nr: descriptors in the tree
 * @large: folios of more than one page in the tree
 * @object: the object whose tree it is; the family lock, for writing to change it
 * @first: no page has ever been below
 * @end: no page has ever been here or above
 *
 * The bounds only grow, so that they can be read at any time, each for itself:
 * a fault that walks a long chain passes most objects by a look at them.
 */
struct vm_memq {
	pgoff_t first;
	pgoff_t end;
	spinlock_t lock;	/* all below */
	seqcount_spinlock_t seq;
	struct rb_root root;
	struct vm_page *max;
	unsigned long resident;
	unsigned int nr;
	unsigned int large;
	struct vm_object *object;
};

/* Pages on their way out, released together. */
#define VM_PAGE_BATCH	64

/**
 * struct vm_page_batch - pages being freed
 * @nr: how many are in @page
 * @page: removed from their trees, unreachable
 */
struct vm_page_batch {
	unsigned int nr;
	struct vm_page *page[VM_PAGE_BATCH];
};

#define VM_RESERVE_ORDER	4
#define VM_RESERVE_NR		BIT(VM_RESERVE_ORDER)
#define VM_RESERVE_RUN		8

/**
 * struct vm_reserve - pages and descriptors that are allocated ahead
 * @flags: VM_RESERVE_BUSY, a lock that is only tried: guards all below
 * @last: index of the last page touched
 * @run: pages touched in a row, the last included
 * @used: batches of descriptors that were asked for
 * @nr: how many of @page are left
 * @nr_pg: how many of @pg are left
 * @zeroed: the pages are zeros
 * @page: first page of the batch; the last @nr of it are left
 * @pg: descriptors
 *
 * The allocator takes as long for sixteen pages as for one; more than one is taken
 * only for who touches one after the other.  They are the process's from then on,
 * as far as its memory cgroup goes.
 */
struct vm_reserve {
	unsigned long flags;
	pgoff_t last;
	unsigned int run;
	unsigned int used;
	unsigned int nr;
	unsigned int nr_pg;
	bool zeroed;
	struct page *page;
	struct vm_page *pg[VM_RESERVE_NR];
};

#define VM_RESERVE_BUSY		0

/**
 * vm_page_init() - make the slab caches
 *
 * Return: 0 or -ENOMEM.
 */
int vm_page_init(void);

/** vm_page_exit() - free the slab caches; no page may be left */
void vm_page_exit(void);

/**
 * vm_memq_alloc() - an empty tree
 * @gfp: may sleep; with __GFP_NOFAIL it does not fail
 *
 * Return: the tree, or NULL.
 */
struct vm_memq *vm_memq_alloc(gfp_t gfp);

/**
 * vm_memq_widen() - pages may come to a range in another way than by insertion
 * @q: tree; family lock held for writing
 * @start: first page, family coordinates
 * @end: first page behind
 *
 * vm_memq_covers() is true there from now on.
 */
void vm_memq_widen(struct vm_memq *q, pgoff_t start, pgoff_t end);

/**
 * vm_page_nr() - pages of PAGE_SIZE the folio spans
 * @pg: page
 */
static inline unsigned long vm_page_nr(const struct vm_page *pg)
{
	return 1UL << pg->order;
}

/**
 * vm_page_end() - first index behind the folio, family coordinates
 * @pg: page
 */
static inline pgoff_t vm_page_end(const struct vm_page *pg)
{
	return pg->index + vm_page_nr(pg);
}

/**
 * vm_page_valid() - does the page hold data?  (BSD: valid == VM_PAGE_BITS_ALL)
 * @pg: page
 *
 * A busy page that is not valid is a place holder of somebody's I/O.
 */
static inline bool vm_page_valid(const struct vm_page *pg)
{
	return folio_test_uptodate(pg->folio);
}

/**
 * vm_page_touched() - somebody is about to use a page: it is active, if it was not
 * @pg: page, folio locked
 */
static inline void vm_page_touched(struct vm_page *pg)
{
	if (unlikely(pg->queue > VM_PAGEQ_ACTIVE))
		vm_page_reactivate(pg);
}

/**
 * vm_page_busy() - is somebody working on the page?  (BSD: PG_BUSY)
 * @pg: page
 */
static inline bool vm_page_busy(const struct vm_page *pg)
{
	return folio_test_locked(pg->folio);
}

/**
 * vm_memq_covers() - can the page be in the tree?
 * @q: tree
 * @index: page wanted, family coordinates
 *
 * False is certain, as far as pages go that were there before the call.
 */
static inline bool vm_memq_covers(const struct vm_memq *q, pgoff_t index)
{
	return index >= READ_ONCE(q->first) && index < READ_ONCE(q->end);
}

/**
 * vm_memq_find() - look a page up without a lock
 * @q: tree; family lock held at least for reading
 * @index: page wanted, family coordinates
 *
 * May miss a page while another thread changes the tree; the caller checks
 * @q->seq before it trusts a NULL.  A page that is returned may have moved to
 * another tree meanwhile; the caller checks &vm_page.memq under the folio
 * lock.
 */
static inline struct vm_page *vm_memq_find(const struct vm_memq *q,
					   pgoff_t index)
{
	struct rb_node *node;
	struct vm_page *pg;

	if (!vm_memq_covers(q, index))
		return NULL;
	node = READ_ONCE(q->root.rb_node);
	while (node) {
		pg = rb_entry(node, struct vm_page, rb);
		if (index < pg->index)
			node = READ_ONCE(node->rb_left);
		else if (index >= pg->index + vm_page_nr(pg))
			node = READ_ONCE(node->rb_right);
		else
			return pg;
	}
	return NULL;
}

/**
 * vm_memq_find_near() - the same, with an idea where it is
 * @q: as for vm_memq_find()
 * @index: as for vm_memq_find()
 * @near: page that stays in memory, in any tree or none, or NULL
 *
 * Takes no time if the page is @near or the next one, or is missing between them.
 */
static inline struct vm_page *vm_memq_find_near(const struct vm_memq *q,
						pgoff_t index,
						struct vm_page *near)
{
	struct vm_page *next;

	if (near && READ_ONCE(near->memq) == q && near->index <= index) {
		if (index < vm_page_end(near))
			return near;
		next = READ_ONCE(near->next);
		if (!next || index < next->index)
			return NULL;
		if (index < vm_page_end(next))
			return next;
	}
	return vm_memq_find(q, index);
}

/**
 * vm_page_any() - some page that is at least partly in a range, surely
 * @q: tree; family lock held at least for reading
 * @start: first page, family coordinates
 * @end: first page behind the range
 *
 * Return: a page, not locked, or NULL when there was none.
 */
struct vm_page *vm_page_any(const struct vm_memq *q, pgoff_t start, pgoff_t end);

/**
 * vm_page_lookup() - the page at an index, surely (BSD vm_page_lookup)
 * @q: tree; family lock held at least for reading
 * @index: page wanted, family coordinates
 *
 * Return: the page, not locked, or NULL when there was none.
 */
static inline struct vm_page *vm_page_lookup(const struct vm_memq *q,
					     pgoff_t index)
{
	struct vm_page *pg;
	unsigned int seq;

	if (!vm_memq_covers(q, index))
		return NULL;
	do {
		seq = read_seqcount_begin(&q->seq);
		pg = vm_memq_find(q, index);
	} while (!pg && read_seqcount_retry(&q->seq, seq));
	return pg;
}

/**
 * vm_page_first() - first page at or after an index
 * @q: tree; nobody changes it: its lock, or the family lock for writing
 * @index: where to start, family coordinates
 *
 * A folio that begins before @index and spans it counts.
 *
 * Return: the page or NULL.
 */
struct vm_page *vm_page_first(const struct vm_memq *q, pgoff_t index);

/**
 * vm_page_next() - the next page in index order
 * @pg: page in a tree nobody changes
 *
 * Return: the page or NULL at the end.
 */
static inline struct vm_page *vm_page_next(const struct vm_page *pg)
{
	return pg->next;
}

/**
 * vm_page_alloc() - a fresh page, busy (BSD vm_page_alloc)
 * @mapping: the family's address space
 * @index: where it will go, family coordinates; a multiple of 1 << @order
 * @order: the folio spans 1 << @order pages; if not 0 nobody makes an effort to
 *	find that much
 * @zero: fill with zeros and mark valid; otherwise the content is anything
 *	and the page is not valid
 *
 * May sleep.  Memory is charged to the caller's memory cgroup.
 *
 * Return: a page with its folio locked, in no tree; NULL without memory.
 */
struct vm_page *vm_page_alloc(struct address_space *mapping, pgoff_t index,
			      unsigned int order, bool zero);

/**
 * vm_page_alloc_copy() - a page for a copy that could be done without
 * @pg: page to be copied from, in a tree; family lock held
 * @index: which of its pages, family coordinates
 *
 * May sleep, but nobody is killed for it.  Charged to where @pg is charged:
 * copies are made by workers, too, which have no memory cgroup of their own.
 *
 * Return: a page of order 0 with its folio locked, in no tree, not valid; NULL
 * without memory.
 */
struct vm_page *vm_page_alloc_copy(struct vm_page *pg, pgoff_t index);

/**
 * vm_page_alloc_sure() - a page for a copy that cannot be done without
 * @pg: page to be copied from, its folio with a mapping; family lock held
 * @index: which of its pages, family coordinates
 *
 * May sleep, until there is memory.  Charged to where @pg is charged, beyond its limit
 * if need be.
 *
 * Return: a page of order 0 with its folio locked, in no tree, not valid.
 */
struct vm_page *vm_page_alloc_sure(struct vm_page *pg, pgoff_t index);

/**
 * vm_page_alloc_next() - a page for a fault, in memory that may be touched in a row
 * @r: reserve to take it from
 * @mapping: as for vm_page_alloc()
 * @index: as for vm_page_alloc()
 * @zero: as for vm_page_alloc()
 *
 * Does not wait until others have made memory free: the page daemon may need the family
 * lock for that, which the caller holds.
 *
 * Return: as vm_page_alloc(); NULL if there is no memory at once.
 */
struct vm_page *vm_page_alloc_next(struct vm_reserve *r,
				   struct address_space *mapping, pgoff_t index,
				   bool zero);

/**
 * vm_page_alloc_wait() - memory for a page that is yet to be decided on (BSD vm_wait)
 *
 * With no lock of ours held.  May sleep, until there is memory; for that Linux may kill
 * somebody.  Charged to the caller's memory cgroup.
 *
 * Return: something for vm_page_use() or vm_page_alloc_undo(), or NULL.
 */
struct vm_page *vm_page_alloc_wait(void);

/**
 * vm_page_use() - make a page of what vm_page_alloc_wait() has returned
 * @pg: that
 * @mapping: as for vm_page_alloc()
 * @index: as for vm_page_alloc()
 * @zero: as for vm_page_alloc()
 *
 * Return: a page with its folio locked, in no tree.
 */
struct vm_page *vm_page_use(struct vm_page *pg, struct address_space *mapping,
			    pgoff_t index, bool zero);

/**
 * vm_page_alloc_undo() - give back what has not been used
 * @pg: what vm_page_alloc_wait() has returned, or NULL
 */
void vm_page_alloc_undo(struct vm_page *pg);

/**
 * vm_reserve_drain() - give back what is left
 * @r: reserve nobody uses any more
 */
void vm_reserve_drain(struct vm_reserve *r);

/**
 * vm_page_insert_near() - put a page into a tree, with an idea where it goes
 * @q: tree; family lock held at least for reading
 * @pg: busy page in no tree
 * @near: maybe the page before it; stays in memory, in any tree or none; or NULL
 *
 * The page becomes active.
 *
 * Return: 0, or -EEXIST when there is a page already, be it at one index.
 */
int vm_page_insert_near(struct vm_memq *q, struct vm_page *pg,
			struct vm_page *near);

/**
 * vm_page_insert() - put a page into a tree (BSD vm_page_insert)
 * @q: as for vm_page_insert_near()
 * @pg: as for vm_page_insert_near()
 *
 * Return: as vm_page_insert_near().
 */
static inline int vm_page_insert(struct vm_memq *q, struct vm_page *pg)
{
	return vm_page_insert_near(q, pg, NULL);
}

/**
 * vm_page_remove() - take a page out of its tree (BSD vm_page_remove)
 * @pg: page in a tree; locks as for &vm_page.memq
 */
void vm_page_remove(struct vm_page *pg);

/**
 * vm_page_rename() - move a page to another tree (BSD vm_page_rename)
 * @pg: page in a tree; locks as for &vm_page.memq
 * @q: where it goes; has no page at any of its indexes
 *
 * The index stays, so mapped pages stay mapped.  The page becomes dirty: it
 * has no copy on any backing store of its new owner.
 *
 * Return: 0, or -EEXIST when @q has a page there; then nothing changed.
 */
int vm_page_rename(struct vm_page *pg, struct vm_memq *q);

/**
 * vm_page_replace() - take the place of another page in its tree
 * @old: page in a tree; family lock held for writing
 * @pg: page in no tree, same index and order
 *
 * @old is then in no tree.
 */
void vm_page_replace(struct vm_page *old, struct vm_page *pg);

/**
 * vm_page_copy_into() - copy a page to its place in a larger one
 * @large: page that spans @pg's indexes
 * @pg: page; nobody sees or uses either of them (vm_page_make_exclusive())
 */
void vm_page_copy_into(struct vm_page *large, struct vm_page *pg);

/**
 * vm_page_unmap() - drop all PTEs of a page (BSD vm_page_protect, VM_PROT_NONE)
 * @pg: page, folio locked
 *
 * May sleep.  Until the folio is unlocked nobody can map it anew.
 */
void vm_page_unmap(struct vm_page *pg);

/**
 * vm_page_make_exclusive() - make sure that nobody sees or uses a page's memory
 * @pg: page; family lock held for writing, so that nobody can map it anew
 *
 * Unmaps it.  May sleep.
 *
 * Return: false if somebody holds a reference (get_user_pages) or a wiring all
 * the same; then what is in it must stay there.
 */
bool vm_page_make_exclusive(struct vm_page *pg);

/**
 * vm_page_free() - free one page that is in no tree (BSD vm_page_free)
 * @pg: unlocked page, no longer reachable
 *
 * May sleep: waits until the page is not busy, and unmaps it.  A wired page
 * lives on until vm_page_unwire().
 */
void vm_page_free(struct vm_page *pg);

/**
 * vm_page_batch_add() - free a page together with others
 * @batch: zeroed at first; finish with vm_page_batch_flush()
 * @pg: as for vm_page_free()
 */
void vm_page_batch_add(struct vm_page_batch *batch, struct vm_page *pg);

/**
 * vm_page_batch_flush() - free what the batch holds
 * @batch: batch; empty after
 */
void vm_page_batch_flush(struct vm_page_batch *batch);

/**
 * vm_memq_free_all() - free all pages of a tree nobody can reach, and the tree
 * @q: tree
 *
 * May sleep: waits for busy pages.  Wired ones are left to their wirers.
 */
void vm_memq_free_all(struct vm_memq *q);

/**
 * vm_page_wire() - keep a page resident and off the queues (BSD vm_page_wire)
 * @pg: page, folio locked
 */
void vm_page_wire(struct vm_page *pg);

/**
 * vm_page_unwire() - undo one vm_page_wire() (BSD vm_page_unwire)
 * @pg: page, folio not locked
 *
 * At the last one the page becomes active again, or is freed if its object
 * has let go of it.  (The BSD code queued such a page with no object, for the
 * page daemon to stumble over.)  May sleep.
 */
void vm_page_unwire(struct vm_page *pg);

/**
 * vm_page_nr_detached() - wired pages that no object owns any more
 */
unsigned long vm_page_nr_detached(void);

/**
 * vm_page_nr_wired() - wired pages, detached ones included
 */
unsigned long vm_page_nr_wired(void);

#endif /* _VMOBJ_PAGE_H */
