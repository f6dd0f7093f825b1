// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page queues.  See include/vmobj/pageq.h.
 *
 * The page daemon that would move pages between them is not here yet: pages
 * become active when they enter an object and leave with it, and advice moves
 * them.  Scans place a marker, so that they can drop the lock at any page.
 */
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/page.h>
#include <vmobj/pageq.h>
#include <vmobj/pmap.h>

struct vm_pageq {
	spinlock_t lock;	/* all below, and vm_page.queue of what is on it */
	struct list_head list;
	unsigned long count;	/* pages of PAGE_SIZE, markers not counted */
} ____cacheline_aligned_in_smp;

static struct vm_pageq vm_pageqs[VM_PAGEQ_NR];

/* Turn of the wheel in vm_page_dontneed(). */
static atomic_t vm_dontneed_turn;

void vm_pageq_init(void)
{
	int i;

	for (i = 0; i < VM_PAGEQ_NR; i++) {
		spin_lock_init(&vm_pageqs[i].lock);
		INIT_LIST_HEAD(&vm_pageqs[i].list);
	}
}

static void vm_pageq_add(struct vm_page *pg, enum vm_pageq_id id, bool head)
{
	struct vm_pageq *q = &vm_pageqs[id];

	spin_lock(&q->lock);
	if (head)
		list_add(&pg->folio->lru, &q->list);
	else
		list_add_tail(&pg->folio->lru, &q->list);
	q->count += vm_page_nr(pg);
	if (id == VM_PAGEQ_ACTIVE && pg->act_count < VM_ACT_INIT)
		pg->act_count = VM_ACT_INIT;
	WRITE_ONCE(pg->queue, id);
	spin_unlock(&q->lock);
}

void vm_pageq_insert(struct vm_page *pg, enum vm_pageq_id id)
{
	vm_pageq_add(pg, id, false);
}

void vm_pageq_insert_head(struct vm_page *pg, enum vm_pageq_id id)
{
	vm_pageq_add(pg, id, true);
}

static void vm_pageq_del_locked(struct vm_pageq *q, struct vm_page *pg)
{
	lockdep_assert_held(&q->lock);

	list_del(&pg->folio->lru);
	if (!pg->marker)
		q->count -= vm_page_nr(pg);
	WRITE_ONCE(pg->queue, VM_PAGEQ_NONE);
}

/* Lock the queue the page is on; NULL when it is on none. */
static struct vm_pageq *vm_pageq_lock_of(struct vm_page *pg)
{
	for (;;) {
		enum vm_pageq_id id = READ_ONCE(pg->queue);
		struct vm_pageq *q = &vm_pageqs[id];

		if (id == VM_PAGEQ_NONE)
			return NULL;
		spin_lock(&q->lock);
		if (likely(pg->queue == id))
			return q;
		spin_unlock(&q->lock);
	}
}

void vm_pageq_remove(struct vm_page *pg)
{
	struct vm_pageq *q = vm_pageq_lock_of(pg);

	if (!q)
		return;
	vm_pageq_del_locked(q, pg);
	spin_unlock(&q->lock);
}

void vm_pageq_remove_many(struct vm_page **pages, unsigned int nr)
{
	struct vm_pageq *locked = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct vm_page *pg = pages[i];

		if (locked && locked != &vm_pageqs[READ_ONCE(pg->queue)]) {
			spin_unlock(&locked->lock);
			locked = NULL;
		}
		if (!locked)
			locked = vm_pageq_lock_of(pg);
		if (locked)
			vm_pageq_del_locked(locked, pg);
	}
	if (locked)
		spin_unlock(&locked->lock);
}

static void vm_page_requeue(struct vm_page *pg, enum vm_pageq_id id, bool head)
{
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(pg->folio), pg->folio);

	if (pg->wire_count)
		return;
	vm_pageq_remove(pg);
	vm_pageq_add(pg, id, head);
}

void vm_page_activate(struct vm_page *pg)
{
	vm_page_requeue(pg, VM_PAGEQ_ACTIVE, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_activate);

void vm_page_deactivate(struct vm_page *pg)
{
	vm_page_requeue(pg, VM_PAGEQ_INACTIVE, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_deactivate);

bool vm_page_cache(struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);

	if (pg->wire_count || !vm_page_valid(pg))
		return false;
	if (folio_mapped(folio))
		pmap_unmap_everywhere(folio->mapping, pg->index, vm_page_nr(pg));
	if (folio_test_dirty(folio))
		return false;
	vm_page_requeue(pg, VM_PAGEQ_CACHE, false);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_cache);

void vm_page_dontneed(struct vm_page *pg)
{
	unsigned int turn = atomic_inc_return(&vm_dontneed_turn);
	bool head;

	if (!(turn & 0x1f0))
		goto decay;
	if (pg->queue != VM_PAGEQ_ACTIVE)
		goto decay;
	head = !folio_test_dirty(pg->folio) && (turn & 0x70);
	vm_page_requeue(pg, VM_PAGEQ_INACTIVE, head);
	return;

decay:
	if (pg->act_count >= VM_ACT_INIT)
		pg->act_count--;
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_dontneed);

unsigned long vm_pageq_count(enum vm_pageq_id id)
{
	return READ_ONCE(vm_pageqs[id].count);
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageq_count);

unsigned long vm_pageq_verify(enum vm_pageq_id id, unsigned long *walked)
{
	struct vm_pageq *q = &vm_pageqs[id];
	unsigned long nr = 0, count;
	struct folio *folio;

	spin_lock(&q->lock);
	list_for_each_entry(folio, &q->list, lru) {
		struct vm_page *pg = folio->private;

		if (!pg->marker)
			nr += vm_page_nr(pg);
	}
	count = q->count;
	spin_unlock(&q->lock);
	*walked = nr;
	return count;
}

/* ---- scans ---- */

/*
 * The queues link folios, so a marker needs one: a real page, whose
 * descriptor says what it is.  Scans are few; the page is cheap.
 */
struct vm_page *vm_pageq_marker_alloc(void)
{
	struct vm_page *marker = kzalloc(sizeof(*marker), GFP_KERNEL);

	if (!marker)
		return NULL;
	marker->folio = folio_alloc(GFP_KERNEL, 0);
	if (!marker->folio) {
		kfree(marker);
		return NULL;
	}
	marker->marker = true;
	marker->folio->private = marker;
	return marker;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageq_marker_alloc);

void vm_pageq_marker_free(struct vm_page *marker)
{
	if (!marker)
		return;
	vm_pageq_remove(marker);
	marker->folio->private = NULL;
	folio_put(marker->folio);
	kfree(marker);
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageq_marker_free);

struct vm_page *vm_pageq_scan_next(struct vm_page *marker, enum vm_pageq_id id)
{
	struct vm_pageq *q = &vm_pageqs[id];
	struct list_head *pos = &q->list;
	struct vm_page *found = NULL;

	spin_lock(&q->lock);
	if (marker->queue == id) {
		pos = marker->folio->lru.prev;
		vm_pageq_del_locked(q, marker);
	}
	while (pos->next != &q->list) {
		struct folio *folio = list_entry(pos->next, struct folio, lru);
		struct vm_page *pg = folio->private;

		pos = pos->next;
		if (!pg->marker && folio_try_get(folio)) {
			found = pg;
			break;
		}
	}
	if (found) {
		list_add(&marker->folio->lru, pos);
		WRITE_ONCE(marker->queue, id);
	}
	spin_unlock(&q->lock);
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageq_scan_next);
