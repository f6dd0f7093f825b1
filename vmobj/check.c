// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invariant checker.  See include/vmobj/check.h.
 *
 * A family is checked under its lock held for writing, so all that the lock
 * guards is at rest.  Pages may be busy: a fault on its way to a PTE has let
 * the family lock go and holds the folio lock.
 *
 *	I1-I5	references and links of objects		check_object(), check_chain()
 *	I6-I9	pages of an object			check_pages(), check_page()
 *	I10	windows					check_object(), check_chain()
 *	I12	queues					check_page(), vm_check_global()
 *	I14	valid and dirty				check_page()
 *	I17-I18	ONEMAPPING				check_onemapping()
 *	I16	blocks of swap				check_swap()
 *	I19-I23	page tables				check_pte()
 *	I28	nothing left to collapse		check_chain()
 *	I35	no chain too deep			check_chain()
 *	I30	objects made and gone			vm_check_global()
 *	I31	everything is reachable			check_object()
 *	I33	nothing without maps			vm_check_family()
 *
 * The others are about how something changes, and are held by the unit tests.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>

#include <vmobj/check.h>
#include <vmobj/compat.h>
#include <vmobj/family.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pageq.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/superpage.h>
#include <vmobj/swap.h>
#include <vmobj/writeset.h>

struct vm_check {
	struct seq_file *m;
	unsigned int violations;
	struct vm_map_entry *entry;
	struct list_head mms;
};

/* An mm to let go of after the family lock: its exit needs that lock. */
struct vm_check_mm {
	struct list_head link;
	struct mm_struct *mm;
};

static __printf(2, 3) void vm_violation(struct vm_check *c, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	c->violations++;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	if (c->m)
		seq_printf(c->m, "%pV\n", &vaf);
	else
		pr_err("vmobj: check: %pV\n", &vaf);
	va_end(args);
}

/* ---- objects and pages ---- */

static void check_page(struct vm_check *c, struct vm_object *object,
		       struct vm_page *pg)
{
	struct folio *folio = pg->folio;

	if (pg->memq != object->memq)
		vm_violation(c, "I7: object %llu: page %lu points to another tree",
			     object->id, pg->index);
	if (folio->private != pg || folio->index != pg->index ||
	    folio->mapping != object->family->mapping)
		vm_violation(c, "I7: object %llu: page %lu and its folio disagree",
			     object->id, pg->index);
	if (pg->wire_count && pg->queue != VM_PAGEQ_NONE)
		vm_violation(c, "I12: object %llu: page %lu is wired and on queue %u",
			     object->id, pg->index, pg->queue);
	if (!pg->wire_count && pg->queue == VM_PAGEQ_NONE)
		vm_violation(c, "I12: object %llu: page %lu is on no queue",
			     object->id, pg->index);
	if (pg->queue == VM_PAGEQ_CACHE &&
	    (folio_test_dirty(folio) || folio_mapped(folio)))
		vm_violation(c, "I12: object %llu: cache page %lu is dirty or mapped",
			     object->id, pg->index);
	if (folio_test_dirty(folio) && !vm_page_valid(pg))
		vm_violation(c, "I14: object %llu: page %lu is dirty and not valid",
			     object->id, pg->index);
}

static void check_pages(struct vm_check *c, struct vm_object *object)
{
	struct vm_page *pg, *prev = NULL;
	unsigned long nr = 0, descriptors = 0;

	for (pg = vm_page_first(object->memq, 0); pg; pg = vm_page_next(pg)) {
		nr += vm_page_nr(pg);
		descriptors++;
		if (prev && prev->index + vm_page_nr(prev) > pg->index)
			vm_violation(c, "I7: object %llu: pages %lu and %lu overlap",
				     object->id, prev->index, pg->index);
		if ((vm_page_end(pg) <= object->pg_base ||
		     pg->index >= vm_object_end(object)) && !pg->wire_count)
			vm_violation(c, "I9: object %llu: page %lu outside [%lu, %lu)",
				     object->id, pg->index, object->pg_base,
				     vm_object_end(object));
		if (vm_memq_find(object->memq, pg->index) != pg)
			vm_violation(c, "I6: object %llu: page %lu is not in the tree",
				     object->id, pg->index);
		check_page(c, object, pg);
		prev = pg;
		cond_resched();
	}
	if (nr != object->memq->resident)
		vm_violation(c, "I6: object %llu: resident %lu, in the tree %lu",
			     object->id, object->memq->resident, nr);
	if (descriptors != object->memq->nr)
		vm_violation(c, "I6: object %llu: counts %u descriptors, in the tree %lu",
			     object->id, object->memq->nr, descriptors);
	if (prev != object->memq->max)
		vm_violation(c, "I6: object %llu: wrong last page", object->id);
}

static void check_swap(struct vm_check *c, struct vm_object *object)
{
	unsigned long index, nr = 0;
	void *entry;

	xa_for_each(&object->swap, index, entry) {
		nr++;
		if (index < object->pg_base || index >= vm_object_end(object))
			vm_violation(c, "I16: object %llu: block of %lu outside [%lu, %lu)",
				     object->id, index, object->pg_base,
				     vm_object_end(object));
		if (!vm_memq_covers(object->memq, index))
			vm_violation(c, "I16: object %llu: block of %lu would not be found",
				     object->id, index);
	}
	if (nr != vm_swap_nr(object))
		vm_violation(c, "I16: object %llu: counts %lu blocks, has %lu",
			     object->id, vm_swap_nr(object), nr);
	if (nr && object->type != VM_OBJECT_SWAP)
		vm_violation(c, "I16: object %llu: not of type SWAP and has blocks",
			     object->id);
}

static void check_onemapping(struct vm_check *c, struct vm_object *object)
{
	struct vm_map_entry *a, *b;

	if (!vm_object_test(object, VM_OBJ_ONEMAPPING))
		return;
	if (object->shadow_count)
		vm_violation(c, "I18: object %llu: ONEMAPPING with %u shadows",
			     object->id, object->shadow_count);
	if (object->type > VM_OBJECT_SWAP)
		vm_violation(c, "I17: object %llu: ONEMAPPING and not anonymous",
			     object->id);
	list_for_each_entry(a, &object->mappers, mapper_link) {
		b = a;
		list_for_each_entry_continue(b, &object->mappers, mapper_link)
			if (a->start < b->end && b->start < a->end)
				vm_violation(c, "I17: object %llu: entries overlap at %lu",
					     object->id, max(a->start, b->start));
	}
}

static void check_chain(struct vm_check *c, struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	unsigned long depth = 0;

	for (; backing; backing = backing->backing_object) {
		if (++depth > object->family->nr_objects) {
			vm_violation(c, "I3: object %llu: its chain has a cycle",
				     object->id);
			return;
		}
	}

	/* While there is work to be done it may be deeper, and without memory. */
	if (depth > 2UL * READ_ONCE(vm_max_chain_depth) &&
	    !vm_object_test(object, VM_OBJ_COLLAPSE_PENDING))
		vm_violation(c, "I35: object %llu: %lu objects behind it", object->id,
			     depth);

	backing = object->backing_object;
	if (!backing)
		return;
	if (backing->family != object->family)
		vm_violation(c, "I2: object %llu: backing object %llu is of another family",
			     object->id, backing->id);
	if (backing->pg_base > object->pg_base)
		vm_violation(c, "I10: object %llu: begins before its backing object",
			     object->id);
	/* Large pages may be in use, or hidden in part, and then keep the two apart. */
	if (!vm_object_test(object, VM_OBJ_COLLAPSE_PENDING) &&
	    backing->ref_count == 1 && vm_object_internal(object) &&
	    vm_object_internal(backing) && !backing->memq->large &&
	    !atomic_read(&object->paging_in_progress) &&
	    !atomic_read(&backing->paging_in_progress))
		vm_violation(c, "I28: object %llu: backing object %llu has no other user",
			     object->id, backing->id);
}

static void check_object(struct vm_check *c, struct vm_object *object)
{
	unsigned int shadows = 0, entries = 0;
	struct vm_map_entry *entry;
	struct vm_object *shadow;

	list_for_each_entry(shadow, &object->shadow_head, shadow_link) {
		shadows++;
		if (shadow->backing_object != object)
			vm_violation(c, "I2: object %llu: shadow %llu has another backing object",
				     object->id, shadow->id);
	}
	list_for_each_entry(entry, &object->mappers, mapper_link) {
		entries++;
		if (entry->object != object)
			vm_violation(c, "I4: object %llu: entry at %lu maps another object",
				     object->id, entry->start);
	}
	if (shadows != object->shadow_count)
		vm_violation(c, "I1: object %llu: shadow_count %u, shadows %u",
			     object->id, object->shadow_count, shadows);
	if (!object->ref_count)
		vm_violation(c, "I5: object %llu: no references", object->id);
	/* What is more is held by handles; only unit tests have them. */
	if (object->ref_count < shadows + entries ||
	    (!object->handle && object->ref_count != shadows + entries))
		vm_violation(c, "I4: object %llu: ref_count %u, shadows %u, entries %u",
			     object->id, object->ref_count, shadows, entries);
	if (!shadows && !entries && !object->handle)
		vm_violation(c, "I31: object %llu: not reachable from any map",
			     object->id);
	if (vm_object_test(object, VM_OBJ_DEAD))
		vm_violation(c, "I5: object %llu: dead and listed", object->id);
	if (!object->size && !object->handle)
		vm_violation(c, "I10: object %llu: no size", object->id);
	check_chain(c, object);
	check_onemapping(c, object);
	check_pages(c, object);
	check_swap(c, object);
}

/* ---- maps and page tables ---- */

/* The page that a walk finds from @object on, which becomes the one it is in. */
static struct page *check_visible(struct vm_object **object, pgoff_t index)
{
	struct vm_page *pg;

	for (; *object; *object = (*object)->backing_object) {
		pg = vm_memq_find((*object)->memq, index);
		if (pg)
			return folio_page(pg->folio, index - pg->index);
		if (vm_swap_lookup(*object, index))
			return NULL;
	}
	return NULL;
}

/* Page-table lock held. */
static int check_pte(pte_t *ptep, unsigned long addr, void *data)
{
	struct vm_check *c = data;
	struct vm_map_entry *entry = c->entry;
	struct vm_object *top = entry->object, *object = top;
	pgoff_t index = (addr >> PAGE_SHIFT) - entry->map->bias;
	pte_t pte = ptep_get(ptep);
	struct page *page;
	bool writable;

	if (!pte_present(pte))
		return 0;
	/* mprotect() makes a dirty PTE writable again without asking us. */
	writable = pte_write(pte) || pte_dirty(pte);
	page = check_visible(&object, index);
	if (!page) {
		vm_violation(c, "I22: address %lx maps a page no object has", addr);
		return 0;
	}
	if (page != pte_page(pte))
		vm_violation(c, "I21: address %lx maps a page that is not the visible one",
			     addr);
	if (!writable)
		return 0;
	if (entry->needs_copy)
		vm_violation(c, "I19: address %lx is writable, NEEDS_COPY is set",
			     addr);
	if (object != top)
		vm_violation(c, "I20: address %lx is writable, its page is not of the top object",
			     addr);
	if (!vm_writeset_test(top, index) ||
	    !vm_object_test(top, VM_OBJ_WRITEABLE))
		vm_violation(c, "I23: address %lx is writable, the object does not know",
			     addr);
	return 0;
}

/* Of a huge page a process sees all; so no page above it may be hidden. */
static int check_pmd(pmd_t *pmdp, unsigned long addr, void *data)
{
	struct vm_check *c = data;
	struct vm_map_entry *entry = c->entry;
	struct vm_object *top = entry->object, *object = top;
	pgoff_t index = (addr >> PAGE_SHIFT) - entry->map->bias;
	pgoff_t start = round_down(index, VM_SUPERPAGE_NR);
	struct vm_page *pg = NULL;
	pmd_t pmd = READ_ONCE(*pmdp);
	struct folio *folio;

	if (!pmd_trans_huge(pmd))
		return 0;
	folio = page_folio(pfn_to_page(pmd_pfn(pmd)));
	if (start < entry->start || start + VM_SUPERPAGE_NR > entry->end)
		vm_violation(c, "I34: address %lx is huge, its entry ends in it", addr);
	for (; object && !pg; object = object->backing_object)
		pg = vm_page_any(object->memq, start, start + VM_SUPERPAGE_NR);
	if (!pg || pg->folio != folio || pg->index != start)
		vm_violation(c, "I34: address %lx maps a huge page, and not all of it is visible",
			     addr);
	if (!pmd_write(pmd) && !pmd_dirty(pmd))
		return 0;
	if (entry->needs_copy)
		vm_violation(c, "I19: huge address %lx is writable, NEEDS_COPY is set",
			     addr);
	if (pg && pg->memq != top->memq)
		vm_violation(c, "I20: huge address %lx is writable, its page is below the top",
			     addr);
	for (index = start; index < start + VM_SUPERPAGE_NR; index++)
		if (!vm_writeset_test(top, index))
			break;
	if (index < start + VM_SUPERPAGE_NR)
		vm_violation(c, "I23: huge address %lx is writable, the object does not know",
			     addr);
	return 0;
}

static const struct pmap_walk_ops check_walk_ops = {
	.pte = check_pte,
	.pmd = check_pmd,
};

/* Page-table lock held.  The entry has no object. */
static int check_no_pte(pte_t *ptep, unsigned long addr, void *data)
{
	if (pte_present(ptep_get(ptep)))
		vm_violation(data, "I22: address %lx maps a page, its entry has no object",
			     addr);
	return 0;
}

static int check_no_pmd(pmd_t *pmdp, unsigned long addr, void *data)
{
	vm_violation(data, "I22: huge address %lx maps a page, its entry has no object",
		     addr);
	return 0;
}

static const struct pmap_walk_ops check_empty_ops = {
	.pte = check_no_pte,
	.pmd = check_no_pmd,
};

static void check_entry(struct vm_check *c, struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;

	if (entry->start >= entry->end)
		vm_violation(c, "E1: entry [%lu, %lu) is empty", entry->start,
			     entry->end);
	if (entry->absent && (object || entry->inheritance != VM_INHERIT_NONE))
		vm_violation(c, "E7: entry [%lu, %lu) is absent, and has an object or is inherited",
			     entry->start, entry->end);
	if (!object) {
		if (entry->needs_copy)
			vm_violation(c, "E2: entry [%lu, %lu) has NEEDS_COPY and no object",
				     entry->start, entry->end);
		return;
	}
	if (object->family != entry->map->family)
		vm_violation(c, "E3: entry [%lu, %lu) maps an object of another family",
			     entry->start, entry->end);
	/* What is behind the end of a named object is SIGBUS. */
	if (!object->handle && (entry->start < object->pg_base ||
				entry->end > vm_object_end(object)))
		vm_violation(c, "E4: entry [%lu, %lu) outside object %llu [%lu, %lu)",
			     entry->start, entry->end, object->id,
			     object->pg_base, vm_object_end(object));
}

static void check_page_tables(struct vm_check *c, struct vm_map *map)
{
	struct vm_map_entry *entry;
	struct vm_check_mm *held;

	held = kmalloc(sizeof(*held), GFP_KERNEL);
	if (!held)
		return;
	if (!map->mm || !mmget_not_zero(map->mm)) {
		kfree(held);
		return;
	}
	held->mm = map->mm;
	list_add(&held->link, &c->mms);
	/* munmap frees page tables with the lock held for reading. */
	if (!down_write_trylock(&map->mm->mmap_lock))
		return;
	for (entry = vm_map_first(map, 0); entry; entry = vm_map_next(entry)) {
		c->entry = entry;
		pmap_walk(map->mm, vm_map_address(map, entry->start),
			  vm_map_address(map, entry->end),
			  entry->object ? &check_walk_ops : &check_empty_ops, c);
	}
	up_write(&map->mm->mmap_lock);
}

static void check_map(struct vm_check *c, struct vm_map *map)
{
	struct vm_map_entry *entry, *next;
	unsigned long nr = 0;

	for (entry = vm_map_first(map, 0); entry; entry = next) {
		nr++;
		check_entry(c, entry);
		next = vm_map_next(entry);
		if (next && next->start < entry->end)
			vm_violation(c, "E5: entries overlap at %lu", next->start);
	}
	if (nr != map->nr_entries)
		vm_violation(c, "E6: map has %lu entries, counted %lu",
			     map->nr_entries, nr);
	check_page_tables(c, map);
}

/* ---- all of it ---- */

unsigned int vm_check_family(struct vm_family *family, struct seq_file *m)
{
	struct vm_check c = { .m = m };
	struct vm_check_mm *held, *tmp;
	struct vm_object *object;
	unsigned long nr = 0;
	struct rb_node *node;

	INIT_LIST_HEAD(&c.mms);
	vm_family_write_lock(family);
	vm_object_collapse_deferred(family);
	list_for_each_entry(object, &family->objects, family_link) {
		nr++;
		check_object(&c, object);
	}
	if (nr != family->nr_objects)
		vm_violation(&c, "I30: family %llu has %lu objects, counted %lu",
			     family->id, family->nr_objects, nr);
	for (node = rb_first(&family->maps); node; node = rb_next(node))
		check_map(&c, rb_entry(node, struct vm_map, rb));
	if (!family->nr_maps)
		list_for_each_entry(object, &family->objects, family_link)
			if (!object->handle)
				vm_violation(&c, "I33: family %llu has no maps, but object %llu",
					     family->id, object->id);
	vm_family_write_unlock(family);

	list_for_each_entry_safe(held, tmp, &c.mms, link) {
		mmput(held->mm);
		kfree(held);
	}
	return c.violations;
}
EXPORT_SYMBOL_IF_KUNIT(vm_check_family);

/* Objects made = objects alive + objects gone, if nothing moves meanwhile. */
static void check_counters(struct vm_check *c)
{
	unsigned long created, gone, live = 0;
	struct vm_family *family = NULL;

	created = vmobj_stat_read(VMOBJ_OBJECTS_CREATED);
	gone = vmobj_stat_read(VMOBJ_OBJECTS_TERMINATED) +
	       vmobj_stat_read(VMOBJ_OBJECTS_COLLAPSED);
	while ((family = vm_family_next(family))) {
		/* Lists and counters agree where the lock is free. */
		vm_family_read_lock(family);
		live += family->nr_objects;
		vm_family_read_unlock(family);
	}
	if (created != vmobj_stat_read(VMOBJ_OBJECTS_CREATED) ||
	    gone != vmobj_stat_read(VMOBJ_OBJECTS_TERMINATED) +
		    vmobj_stat_read(VMOBJ_OBJECTS_COLLAPSED))
		return;
	if (created != live + gone)
		vm_violation(c, "I30: %lu objects created, %lu alive, %lu gone",
			     created, live, gone);
}

unsigned int vm_check_global(struct seq_file *m)
{
	struct vm_check c = { .m = m };
	int id;

	for (id = VM_PAGEQ_ACTIVE; id < VM_PAGEQ_NR; id++) {
		unsigned long walked, count = vm_pageq_verify(id, &walked);

		if (walked != count)
			vm_violation(&c, "I12: queue %d counts %lu pages, has %lu",
				     id, count, walked);
	}
	check_counters(&c);
	return c.violations;
}
EXPORT_SYMBOL_IF_KUNIT(vm_check_global);

unsigned int vm_check_all(void)
{
	unsigned int violations = vm_check_global(NULL);
	struct vm_family *family = NULL;

	while ((family = vm_family_next(family)))
		violations += vm_check_family(family, NULL);
	return violations;
}
EXPORT_SYMBOL_IF_KUNIT(vm_check_all);
