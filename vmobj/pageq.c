// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page queues.  See include/vmobj/pageq.h.
 *
 * Pages become active when they enter an object and leave with it; the page daemon
 * (pageout_scan.c), advice, and faults move them in between.  Scans place a marker, so that
 * they can drop the lock at any page.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/page.h>
#include <vmobj/pageq.h>
#include <vmobj/stats.h>

/**
 * struct vm_pageq - a queue
 * @list: folios
 * @count: pages of PAGE_SIZE, markers not counted
 */
struct vm_pageq {
	struct list_head list;
	unsigned long count;
};

static DEFINE_SPINLOCK(vm_pageq_lock);
static struct vm_pageq vm_pageqs[VM_PAGEQ_NR];

/* Turn of the wheel in vm_page_dontneed(). */
static atomic_t vm_dontneed_turn;

void vm_pageq_init(void)
{
	int i;

	for (i = 0; i < VM_PAGEQ_NR; i++)
		INIT_LIST_HEAD(&vm_pageqs[i].list);
}

static __always_inline void vm_pageq_add_locked(struct vm_page *pg,
						enum vm_pageq_id id, bool head)
{
	struct vm_pageq *q = &vm_pageqs[id];

	lockdep_assert_held(&vm_pageq_lock);

	if (head)
		list_add(&pg->folio->lru, &q->list);
	else
		list_add_tail(&pg->folio->lru, &q->list);
	q->count += vm_page_nr(pg);
	if (id == VM_PAGEQ_ACTIVE && pg->act_count < VM_ACT_INIT)
		pg->act_count = VM_ACT_INIT;
	pg->queue = id;
}

static __always_inline void vm_pageq_del_locked(struct vm_page *pg)
{
	lockdep_assert_held(&vm_pageq_lock);

	if (pg->queue == VM_PAGEQ_NONE)
		return;
	list_del(&pg->folio->lru);
	if (!pg->marker)
		vm_pageqs[pg->queue].count -= vm_page_nr(pg);
	pg->queue = VM_PAGEQ_NONE;
}

void vm_pageq_insert(struct vm_page *pg)
{
	spin_lock(&vm_pageq_lock);
	vm_pageq_add_locked(pg, VM_PAGEQ_ACTIVE, false);
	spin_unlock(&vm_pageq_lock);
}

void vm_pageq_remove(struct vm_page *pg)
{
	spin_lock(&vm_pageq_lock);
	vm_pageq_del_locked(pg);
	spin_unlock(&vm_pageq_lock);
}

u64 vm_pageq_remove_idle(struct vm_page **pages, unsigned int nr)
{
	unsigned int i;
	u64 idle = 0;

	static_assert(VM_PAGE_BATCH <= 64);
	spin_lock(&vm_pageq_lock);
	for (i = 0; i < nr; i++) {
		if (unlikely(folio_ref_count(pages[i]->folio) != 1))
			continue;
		vm_pageq_del_locked(pages[i]);
		idle |= BIT_ULL(i);
	}
	spin_unlock(&vm_pageq_lock);
	return idle;
}

static void vm_page_requeue(struct vm_page *pg, enum vm_pageq_id id, bool head)
{
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(pg->folio), pg->folio);

	if (pg->wire_count)
		return;
	spin_lock(&vm_pageq_lock);
	vm_pageq_del_locked(pg);
	vm_pageq_add_locked(pg, id, head);
	spin_unlock(&vm_pageq_lock);
}

void vm_page_activate(struct vm_page *pg)
{
	vm_page_requeue(pg, VM_PAGEQ_ACTIVE, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_activate);

void vm_pageq_rotate(struct vm_page *pg)
{
	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(pg->folio), pg->folio);

	spin_lock(&vm_pageq_lock);
	if (pg->queue != VM_PAGEQ_NONE)
		list_move_tail(&pg->folio->lru, &vm_pageqs[pg->queue].list);
	spin_unlock(&vm_pageq_lock);
}

void vm_page_reactivate(struct vm_page *pg)
{
	pg->act_count = min(pg->act_count + VM_ACT_ADVANCE, VM_ACT_MAX);
	vm_page_activate(pg);
	vmobj_stat_inc(VMOBJ_REACTIVATIONS);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_reactivate);

void vm_page_deactivate(struct vm_page *pg)
{
	if (pg->queue != VM_PAGEQ_LAUNDRY)
		vm_page_requeue(pg, VM_PAGEQ_INACTIVE, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_deactivate);

void vm_page_launder(struct vm_page *pg)
{
	vm_page_requeue(pg, VM_PAGEQ_LAUNDRY, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_launder);

void vm_page_laundered(struct vm_page *pg)
{
	if (pg->queue == VM_PAGEQ_LAUNDRY)
		vm_page_requeue(pg, VM_PAGEQ_INACTIVE, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_page_laundered);

bool vm_page_cache(struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	VM_WARN_ON_ONCE_FOLIO(!folio_test_locked(folio), folio);

	if (pg->wire_count || !vm_page_valid(pg))
		return false;
	vm_page_unmap(pg);
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

unsigned long vm_pageq_count_all(void)
{
	unsigned long nr = 0;
	int i;

	spin_lock(&vm_pageq_lock);
	for (i = 0; i < VM_PAGEQ_NR; i++)
		nr += vm_pageqs[i].count;
	spin_unlock(&vm_pageq_lock);
	return nr;
}

unsigned long vm_pageq_verify(enum vm_pageq_id id, unsigned long *walked)
{
	struct vm_pageq *q = &vm_pageqs[id];
	unsigned long nr = 0, count;
	struct folio *folio;

	spin_lock(&vm_pageq_lock);
	list_for_each_entry(folio, &q->list, lru) {
		struct vm_page *pg = folio->private;

		if (!pg->marker)
			nr += vm_page_nr(pg);
	}
	count = q->count;
	spin_unlock(&vm_pageq_lock);
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

struct folio *vm_pageq_scan_next(struct vm_page *marker, enum vm_pageq_id id)
{
	struct list_head *list = &vm_pageqs[id].list, *pos = list;
	struct folio *found = NULL;

	spin_lock(&vm_pageq_lock);
	if (marker->queue == id)
		pos = marker->folio->lru.prev;
	vm_pageq_del_locked(marker);
	while (!found && pos->next != list) {
		struct folio *folio = list_entry(pos->next, struct folio, lru);
		struct vm_page *pg = folio->private;

		pos = pos->next;
		if (!pg->marker && folio_try_get(folio))
			found = folio;
	}
	if (found) {
		list_add(&marker->folio->lru, pos);
		marker->queue = id;
	}
	spin_unlock(&vm_pageq_lock);
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageq_scan_next);
