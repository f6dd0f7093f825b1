// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making chains: shadow, split, freeze; and coalesce, which avoids objects.
 *
 * All of it runs under the family lock held for writing.  What is called from
 * the kernel's fork, unmap and mremap paths must not fail, and so allocates
 * its few small structs with __GFP_NOFAIL.
 */
#include <linux/slab.h>

#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pin.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/writeset.h>

/* More entries than this are not looked at to find a hole between them. */
#define COALESCE_SCAN	16

void vm_object_link_shadow(struct vm_object *object, struct vm_object *backing)
{
	lockdep_assert_held_write(&object->family->lock);

	object->backing_object = backing;
	list_add(&object->shadow_link, &backing->shadow_head);
	backing->shadow_count++;
	backing->generation++;
	object->bypass_hint = 0;
	/* A shadow sees pages an entry of the backing object may map too. */
	clear_bit(VM_OBJ_ONEMAPPING, &backing->flags);
	/* Pages of the backing object may move up into it, unless that has a name. */
	if (vm_object_internal(backing)) {
		set_bit(VM_OBJ_FORKED, &object->flags);
		set_bit(VM_OBJ_FORKED, &backing->flags);
	}
	vm_object_limit_depth(object);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_link_shadow);

struct vm_object *vm_object_unlink_shadow(struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;

	lockdep_assert_held_write(&object->family->lock);

	list_del_init(&object->shadow_link);
	backing->shadow_count--;
	backing->generation++;
	object->backing_object = NULL;
	return backing;
}

int vm_object_shadow(struct vm_family *family, struct vm_object **objectp,
		     pgoff_t start, unsigned long length, gfp_t gfp)
{
	struct vm_object *source = *objectp, *shadow;

	lockdep_assert_held_write(&family->lock);
	if (source && source->ref_count == 1 && vm_object_internal(source))
		return 0;

	shadow = vm_object_allocate(family, VM_OBJECT_DEFAULT, start, length,
				    gfp);
	if (!shadow)
		return -ENOMEM;
	if (source) {
		shadow->pg_color = vm_object_color_at(source, start);
		vm_object_link_shadow(shadow, source);
		vmobj_stat_inc(VMOBJ_SHADOWS);
	}
	*objectp = shadow;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_shadow);

struct vm_object *vm_object_split(struct vm_object *object, pgoff_t start,
				  pgoff_t end)
{
	struct vm_object *new, *backing = object->backing_object;
	struct vm_page *pg, *next;

	new = vm_object_allocate(object->family, VM_OBJECT_DEFAULT, start,
				 end - start, GFP_VMOBJ_NOFAIL);
	new->pg_color = vm_object_color_at(object, start);
	if (backing) {
		vm_object_reference(backing);
		vm_object_link_shadow(new, backing);
	}

	/* A page about to be mapped by a fault is mapped all the same. */
	for (pg = vm_page_first(object->memq, start); pg && pg->index < end;
	     pg = next) {
		next = vm_page_next(pg);
		WARN_ON_ONCE(vm_page_rename(pg, new->memq));
		cond_resched();
	}
	vm_swap_split(object, new, start, end);
	/* Should the set not get its memory, unmapping does as well. */
	if (vm_writeset_move(object, new, start, end))
		vm_object_pmap_remove(new, start, end);
	if (vm_object_test(object, VM_OBJ_WRITEABLE))
		vm_object_set_writeable_dirty(new);
	if (vm_object_test(object, VM_OBJ_FORKED))
		set_bit(VM_OBJ_FORKED, &new->flags);
	vmobj_stat_inc(VMOBJ_SPLITS);
	return new;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_split);

void vm_object_freeze(struct vm_object *object)
{
	struct vm_map_entry *entry, *next;
	struct vm_object *shadow;
	bool pinned = false;

	shadow = vm_object_allocate(object->family, VM_OBJECT_DEFAULT,
				    object->pg_base, object->size,
				    GFP_VMOBJ_NOFAIL);
	shadow->pg_color = object->pg_color;
	/* The shadow's own reference; the one it was born with goes below. */
	vm_object_reference(object);
	vm_object_link_shadow(shadow, object);

	list_for_each_entry_safe(entry, next, &object->mappers, mapper_link) {
		if (entry->needs_copy)
			continue;
		pinned |= vm_pin_possible(entry->map);
		vm_object_reference(shadow);
		vm_map_entry_set_object(entry, shadow);
		vm_object_deallocate(object);
	}
	clear_bit(VM_OBJ_ONEMAPPING, &shadow->flags);
	vm_object_pmap_copy(object, object->pg_base, vm_object_end(object));
	if (pinned)
		vm_pin_move_up(shadow);
	vm_object_deallocate(shadow);
	vmobj_stat_inc(VMOBJ_FREEZES);
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_freeze);

/* Is there nothing but the object itself that would have to grow? */
static bool vm_object_may_grow(struct vm_object *object)
{
	lockdep_assert_held_write(&object->family->lock);
	if (!vm_object_internal(object))
		return false;
	vm_object_collapse(object);
	return !object->backing_object;
}

/*
 * Is it certain that nobody uses a part of the object?  BSD took what is in the window
 * for used as soon as there was a second reference.  But a hole that munmap() has left
 * is mostly mapped again, and the references are the entries on both sides of it.
 */
static bool vm_object_unused(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry;
	unsigned int nr = 0;

	if (object->ref_count == 1 || start >= vm_object_end(object) ||
	    end <= object->pg_base)
		return true;
	if (!vm_object_test(object, VM_OBJ_ONEMAPPING) ||
	    object->ref_count > COALESCE_SCAN)
		return false;
	list_for_each_entry(entry, &object->mappers, mapper_link) {
		if (entry->start < end && start < entry->end)
			return false;
		nr++;
	}
	return nr == object->ref_count;
}

/* May it take the range?  Then nothing is there any more. */
static bool vm_object_take_range(struct vm_object *object, pgoff_t start,
				 pgoff_t end)
{
	/* A large page may reach beyond the end, and be in use. */
	if (!vm_object_may_grow(object) ||
	    !vm_object_unused(object, start, end) ||
	    !vm_object_page_remove(object, start, end, false))
		return false;
	vmobj_stat_inc(VMOBJ_COALESCES);
	return true;
}

bool vm_object_coalesce(struct vm_object *prev, pgoff_t prev_end,
			unsigned long pages)
{
	pgoff_t end = prev_end + pages;

	if (!prev)
		return true;
	if (!vm_object_take_range(prev, prev_end, end))
		return false;
	if (end > vm_object_end(prev))
		prev->size = end - prev->pg_base;
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_coalesce);

static void vm_object_begin_at(struct vm_object *object, pgoff_t pg_base)
{
	object->pg_color = vm_object_color_at(object, pg_base);
	object->size += object->pg_base - pg_base;
	object->pg_base = pg_base;
}

bool vm_object_coalesce_front(struct vm_object *next, pgoff_t next_start,
			      unsigned long pages)
{
	pgoff_t start = next_start - pages;

	if (!next)
		return true;
	if (!vm_object_take_range(next, start, next_start))
		return false;
	if (start < next->pg_base)
		vm_object_begin_at(next, start);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(vm_object_coalesce_front);
