// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages go: the scans of the page daemon.  See include/vmobj/pageout.h; pageout.c says
 * what the queues are for, and who asks.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/swap.h>

#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/memcg.h>
#include <vmobj/page.h>
#include <vmobj/pageout.h>
#include <vmobj/pageq.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/swapstore.h>
#include <vmobj/trace.h>

/* Pages of the laundry (or clusters of them) written in the first pass (BSD). */
#define VM_PAGEOUT_LAUNDER	32

/* Pages that a scan makes inactive; and active ones that a first pass looks at for that. */
#define VM_PAGEOUT_BATCH	64UL
#define VM_PAGEOUT_LOOK		(8 * VM_PAGEOUT_BATCH)

/*
 * Where a scan is; allocated early, as there is no memory when it is needed.  Scans for a
 * cgroup go on where the last one ended, like the hands of a clock: its pages are few among
 * many, and to pass all others each time would take longer the more there are.
 */
static struct vm_page *vm_pageout_marker;
static struct vm_page *vm_pageout_hand[VM_PAGEQ_NR];
static DEFINE_MUTEX(vm_pageout_lock);

/**
 * struct vm_scan - a scan of the queues
 * @target: pages wanted
 * @freed: pages freed
 * @pass: see vm_pageout_scan()
 * @memcg: whose pages, or NULL for everybody's
 * @launder: pages of the laundry, or clusters of them, that may still be written
 * @scanned: pages that have been looked at
 */
struct vm_scan {
	unsigned long target;
	unsigned long freed;
	unsigned int pass;
	struct mem_cgroup *memcg;
	unsigned int launder;
	unsigned long scanned;
};

/**
 * struct vm_pageout_walk - on its way through a queue
 * @queue: which one
 * @marker: where it is
 * @again: from the head once more, as it began somewhere else
 */
struct vm_pageout_walk {
	enum vm_pageq_id queue;
	struct vm_page *marker;
	bool again;
};

static struct vm_pageout_walk vm_pageout_begin(const struct vm_scan *scan,
					       enum vm_pageq_id queue)
{
	struct vm_pageout_walk walk = {
		.queue = queue,
		.marker = vm_pageout_marker,
	};

	if (scan->memcg) {
		walk.marker = vm_pageout_hand[queue];
		walk.again = true;
	}
	return walk;
}

/* The next folio, with a reference, or NULL. */
static struct folio *vm_pageout_next(struct vm_pageout_walk *walk)
{
	struct folio *folio = vm_pageq_scan_next(walk->marker, walk->queue);

	if (!folio && walk->again) {
		walk->again = false;
		folio = vm_pageq_scan_next(walk->marker, walk->queue);
	}
	return folio;
}

static void vm_pageout_end(const struct vm_pageout_walk *walk)
{
	if (walk->marker == vm_pageout_marker)
		vm_pageq_remove(walk->marker);
}

/* With the folio of a page that was on a queue locked: is it still a page of ours? */
static struct vm_page *vm_pageout_page(struct folio *folio)
{
	return folio->mapping ? folio->private : NULL;
}

/*
 * Should a page be spared?  Whoever has it mapped does not show when he uses it: he loses it,
 * and the page has another round.  Nor is a dirty one written before it has been through the
 * laundry.
 */
static bool vm_pageout_spare(struct vm_page *pg, enum vm_pageq_id queue,
			     const struct vm_scan *scan)
{
	if (pg->queue != queue)
		return true;
	/* Large ones of mlock() are found by vm_page_out(). */
	if (folio_test_mlocked(pg->folio)) {
		vm_page_activate(pg);
		return true;
	}
	if (!scan->pass && !pg->order && folio_mapped(pg->folio)) {
		vm_page_unmap(pg);
		vm_pageq_rotate(pg);
		return true;
	}
	/* Whoever may write to a page has made it dirty: no need to look at PTEs. */
	if (queue == VM_PAGEQ_LAUNDRY || !folio_test_dirty(pg->folio))
		return false;
	vm_page_launder(pg);
	return true;
}

/* What cannot go is not asked again soon. */
static void vm_pageout_refused(struct folio *folio)
{
	struct vm_page *pg;

	if (!folio_trylock(folio))
		return;
	pg = vm_pageout_page(folio);
	if (pg)
		vm_page_activate(pg);
	folio_unlock(folio);
}

static bool vm_pageout_is_his(struct folio *folio, const struct vm_scan *scan)
{
	return !scan->memcg || vm_memcg_charged(folio, scan->memcg);
}

/* One page.  Returns pages freed, or a negative errno. */
static long vm_pageout_try(struct folio *folio, enum vm_pageq_id queue,
			   const struct vm_scan *scan)
{
	struct vm_page *pg;
	bool spare;
	long ret;

	if (!vm_pageout_is_his(folio, scan) || !folio_trylock(folio))
		return -EAGAIN;
	pg = vm_pageout_page(folio);
	spare = !pg || vm_pageout_spare(pg, queue, scan);
	folio_unlock(folio);
	if (spare)
		return -EAGAIN;
	ret = vm_page_out(folio, queue == VM_PAGEQ_LAUNDRY);
	if (ret == -EBUSY)
		vm_pageout_refused(folio);
	return ret;
}

/* Of a cgroup's pages a good part of what was asked for is enough for who waits. */
static bool vm_pageout_enough(const struct vm_scan *scan, unsigned long freed)
{
	return scan->memcg && scan->freed % SWAP_CLUSTER_MAX < freed;
}

/* Has the laundry been enough?  After an error more would fail as well now. */
static bool vm_pageout_laundered(struct vm_scan *scan, long ret)
{
	if (ret == -ENOMEM || ret == -ENOSPC)
		return true;
	return ret > 0 && !--scan->launder;
}

/* Look at no more than @left pages of a queue, in the order in which they came. */
static void vm_pageout_scan_queue(struct vm_scan *scan, enum vm_pageq_id queue,
				  unsigned long left)
{
	struct vm_pageout_walk walk = vm_pageout_begin(scan, queue);
	struct folio *folio;
	long ret;

	while (scan->freed < scan->target && left) {
		folio = vm_pageout_next(&walk);
		if (!folio)
			break;
		scan->scanned++;
		left -= min_t(unsigned long, left, folio_nr_pages(folio));
		ret = vm_pageout_try(folio, queue, scan);
		folio_put(folio);
		if (ret > 0) {
			scan->freed += ret;
			vm_pageout_progress_by(ret, vm_pageout_enough(scan, ret));
		}
		if (queue == VM_PAGEQ_LAUNDRY && vm_pageout_laundered(scan, ret))
			break;
		cond_resched();
	}
	vm_pageout_end(&walk);
}

/*
 * How fast pages that are not touched become inactive: the more scans have failed, the
 * faster; after two nothing is left of VM_ACT_MAX.  A scan for a cgroup that comes by takes
 * what has been touched once: to come again means to pass everybody else's pages.
 */
static unsigned int vm_pageout_decline(const struct vm_scan *scan)
{
	unsigned int decline = 1 + scan->pass * scan->pass * VM_ACT_MAX / 4;

	return scan->memcg ? max(decline, VM_ACT_INIT) : decline;
}

/*
 * Who unmaps a page takes the mark of mlock() from those that relatives have there.  It comes
 * back when they are touched; till then they are refused when they are to go, and not here.
 */
static bool vm_pageout_locked(struct vm_family *family, struct vm_page *pg)
{
	return pg->order ? vm_page_mlocked(family, pg) :
			   folio_test_mlocked(pg->folio);
}

/* Make a page inactive if it has not been touched for long.  Returns pages. */
static unsigned long vm_pageout_deactivate(struct vm_family *family,
					   struct vm_page *pg,
					   const struct vm_scan *scan)
{
	if (pg->queue != VM_PAGEQ_ACTIVE || vm_pageout_locked(family, pg))
		return 0;
	pg->act_count -= min_t(unsigned int, pg->act_count,
			       vm_pageout_decline(scan));
	if (pg->act_count) {
		vm_pageq_rotate(pg);
		return 0;
	}
	vm_page_unmap(pg);
	vm_page_deactivate(pg);
	vmobj_stat_inc(VMOBJ_DEACTIVATIONS);
	return vm_page_nr(pg);
}

/* The family lock is not to be waited for with a folio lock held: it is taken first. */
static unsigned long vm_pageout_active(struct folio *folio,
				       const struct vm_scan *scan)
{
	struct vm_family *family = NULL;
	unsigned long nr = 0;
	struct vm_page *pg;

	if (vm_pageout_is_his(folio, scan) && folio_trylock(folio)) {
		family = vm_family_of_folio(folio);
		folio_unlock(folio);
	}
	if (!family)
		return 0;
	vm_family_read_lock(family);
	if (folio_trylock(folio)) {
		pg = vm_pageout_page(folio);
		if (pg && folio->mapping == family->mapping)
			nr = vm_pageout_deactivate(family, pg, scan);
		folio_unlock(folio);
	}
	vm_family_read_unlock(family);
	vm_family_put(family);
	return nr;
}

/*
 * Active pages to be looked at.  When the daemon begins none has lost its activity yet, and
 * to look at all of them in vain would be the longest that anybody ever waits for it.
 */
static unsigned long vm_pageout_may_look(const struct vm_scan *scan)
{
	unsigned long active = vm_pageq_count(VM_PAGEQ_ACTIVE);

	return scan->pass || scan->memcg ? active : min(active, VM_PAGEOUT_LOOK);
}

/* Returns pages that have become inactive. */
static unsigned long vm_pageout_scan_active(struct vm_scan *scan,
					    unsigned long wanted)
{
	struct vm_pageout_walk walk = vm_pageout_begin(scan, VM_PAGEQ_ACTIVE);
	unsigned long left = vm_pageout_may_look(scan), done = 0, nr;
	struct folio *folio;

	while (done < wanted && left) {
		folio = vm_pageout_next(&walk);
		if (!folio)
			break;
		scan->scanned++;
		nr = folio_nr_pages(folio);
		left -= min(left, nr);
		done += vm_pageout_active(folio, scan);
		folio_put(folio);
		cond_resched();
	}
	vm_pageout_end(&walk);
	return done;
}

/*
 * How many of a cgroup's pages are inactive is not known.  When there are not enough a third
 * of them becomes so together, as to look for them means to pass everybody else's.
 */
static unsigned long vm_pageout_memcg_missing(const struct vm_scan *scan)
{
	if (scan->freed >= scan->target)
		return 0;
	return max(scan->target, vm_memcg_pages(scan->memcg) / 3);
}

/*
 * A third of all is inactive: so long is the time to be touched in (BSD).  But not all at
 * once, or who waits would wait for that; and before the last pass everything.
 */
static unsigned long vm_pageout_inactive_missing(const struct vm_scan *scan)
{
	unsigned long inactive = vm_pageq_count_inactive();
	unsigned long wanted = scan->target +
			       (vm_pageq_count(VM_PAGEQ_ACTIVE) + inactive) / 3;

	if (scan->memcg)
		return vm_pageout_memcg_missing(scan);
	if (!scan->freed && scan->pass == VM_PAGEOUT_PASSES - 1)
		return ULONG_MAX;
	return min(wanted - min(wanted, inactive), VM_PAGEOUT_BATCH);
}

/*
 * Pages of the laundry (or clusters of them) that a scan may write.  What Linux asks for is
 * not to be had by moving pages about in memory.
 */
static unsigned int vm_pageout_may_launder(unsigned int pass)
{
	if (!vm_pageout_excess() && !vm_swapstore_frees())
		return 0;
	return pass ? UINT_MAX : VM_PAGEOUT_LAUNDER;
}

/*
 * What goes: all that is on the cache queue; as much of the inactive queue as is wanted, or in
 * later passes all of it; the rest from the laundry.  So clean and dirty pages have about the
 * same time to be touched in.  What comes to the laundry now stays until the next pass, but not
 * in later ones.
 */
static void vm_pageout_scan_inactive(struct vm_scan *scan)
{
	bool all = scan->pass || scan->memcg;
	unsigned long laundry = vm_pageq_count(VM_PAGEQ_LAUNDRY);

	vm_pageout_scan_queue(scan, VM_PAGEQ_CACHE, ULONG_MAX);
	vm_pageout_scan_queue(scan, VM_PAGEQ_INACTIVE,
			      all ? vm_pageq_count(VM_PAGEQ_INACTIVE) : scan->target);
	if (all)
		laundry = vm_pageq_count(VM_PAGEQ_LAUNDRY);
	if (scan->launder)
		vm_pageout_scan_queue(scan, VM_PAGEQ_LAUNDRY, laundry);
	vmobj_stat_add(VMOBJ_RECLAIMS, scan->freed);
}

unsigned long vm_pageout_scan(struct mem_cgroup *memcg, unsigned long target,
			      unsigned int pass)
{
	struct vm_scan scan = {
		.target = target,
		.pass = pass,
		.memcg = memcg,
		.launder = vm_pageout_may_launder(pass),
	};
	unsigned long deactivated;

	mutex_lock(&vm_pageout_lock);
	vm_pageout_scan_inactive(&scan);
	deactivated = vm_pageout_scan_active(&scan,
					     vm_pageout_inactive_missing(&scan));
	mutex_unlock(&vm_pageout_lock);
	vmobj_stat_add(VMOBJ_SCANS, scan.scanned);
	trace_vmobj_pageout_scan(target, pass, scan.scanned, scan.freed,
				 deactivated);
	return scan.freed;
}
EXPORT_SYMBOL_IF_KUNIT(vm_pageout_scan);

/* ---- init and exit ---- */

void vm_pageout_scan_exit(void)
{
	int i;

	for (i = VM_PAGEQ_ACTIVE; i < VM_PAGEQ_NR; i++)
		vm_pageq_marker_free(vm_pageout_hand[i]);
	vm_pageq_marker_free(vm_pageout_marker);
}

bool vm_pageout_scan_init(void)
{
	int i;

	vm_pageout_marker = vm_pageq_marker_alloc();
	for (i = VM_PAGEQ_ACTIVE; i < VM_PAGEQ_NR && vm_pageout_marker; i++) {
		vm_pageout_hand[i] = vm_pageq_marker_alloc();
		if (!vm_pageout_hand[i])
			break;
	}
	return i == VM_PAGEQ_NR;
}
