// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps and entries: insert, clip, delete, fork.  See include/vmobj/map.h.
 *
 * device.c calls in here from the kernel's VMA callbacks, most of which cannot
 * report an error.  So entries and maps, which are small, are allocated with
 * __GFP_NOFAIL, and all that is expensive about a copy is left to the faults
 * that come after it, as in BSD.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include <vmobj/alloc.h>
#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/memcg.h>
#include <vmobj/pin.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/superpage.h>
#include <vmobj/writeset.h>

static struct kmem_cache *vm_map_slab;
static struct kmem_cache *vm_map_entry_slab;
static atomic64_t vm_map_last_id;

int vm_map_init(void)
{
	vm_map_slab = KMEM_CACHE(vm_map, SLAB_ACCOUNT);
	vm_map_entry_slab = KMEM_CACHE(vm_map_entry, SLAB_ACCOUNT);
	if (vm_map_slab && vm_map_entry_slab)
		return 0;
	vm_map_exit();
	return -ENOMEM;
}

void vm_map_exit(void)
{
	kmem_cache_destroy(vm_map_entry_slab);
	kmem_cache_destroy(vm_map_slab);
}

/* ---- maps of a family ---- */

static int vm_map_cmp(const struct vm_map *map, const struct mm_struct *mm,
		      long bias)
{
	if (map->mm != mm)
		return map->mm < mm ? -1 : 1;
	if (map->bias != bias)
		return map->bias < bias ? -1 : 1;
	return 0;
}

struct vm_map *vm_map_create(struct vm_family *family, struct mm_struct *mm,
			     long bias)
{
	struct rb_node **link = &family->maps.rb_node, *parent = NULL;
	struct vm_map *map;

	lockdep_assert_held_write(&family->lock);

	map = vm_memcg_alloc(vm_map_slab, GFP_VMOBJ_NOFAIL | __GFP_ZERO);
	vm_memcg_add(&map->memcg_link);
	map->id = atomic64_inc_return(&vm_map_last_id);
	map->family = family;
	map->mm = mm;
	map->bias = bias;
	map->entries = RB_ROOT;

	while (*link) {
		parent = *link;
		if (vm_map_cmp(rb_entry(parent, struct vm_map, rb), mm, bias) > 0)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&map->rb, parent, link);
	rb_insert_color(&map->rb, &family->maps);
	family->nr_maps++;
	vmobj_stat_inc(VMOBJ_MAPS_CREATED);
	return map;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_create);

struct vm_map *vm_map_find(struct vm_family *family, struct mm_struct *mm,
			   long bias)
{
	struct rb_node *node = family->maps.rb_node;

	lockdep_assert_held(&family->lock);

	while (node) {
		struct vm_map *map = rb_entry(node, struct vm_map, rb);
		int cmp = vm_map_cmp(map, mm, bias);

		if (!cmp)
			return map;
		node = cmp > 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static void vm_map_free_streams(struct vm_map *map)
{
	unsigned int i;

	for (i = 0; i < VM_MAP_STREAMS; i++) {
		if (!map->streams[i])
			continue;
		vm_reserve_drain(&map->streams[i]->reserve);
		kfree(map->streams[i]);
	}
}

void vm_map_destroy(struct vm_map *map)
{
	struct vm_family *family = map->family;

	vm_map_delete(map, 0, ULONG_MAX);
	rb_erase(&map->rb, &family->maps);
	family->nr_maps--;
	vm_map_free_streams(map);
	vm_memcg_del(&map->memcg_link);
	kmem_cache_free(vm_map_slab, map);
	vmobj_stat_inc(VMOBJ_MAPS_DESTROYED);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_destroy);

/* ---- streams ---- */

struct vm_stream *vm_map_make_stream(struct vm_stream **place)
{
	struct vm_stream *stream = kzalloc(sizeof(*stream), GFP_VMOBJ_NOFAIL);
	struct vm_stream *old = cmpxchg(place, NULL, stream);

	if (!old)
		return stream;
	kfree(stream);
	return old;
}

/* ---- entries of a map ---- */

struct vm_map_entry *vm_map_lookup(struct vm_map *map, pgoff_t index)
{
	struct vm_map_entry *entry = READ_ONCE(map->hint);
	struct rb_node *node = map->entries.rb_node;

	lockdep_assert_held(&map->family->lock);

	if (entry && index >= entry->start && index < entry->end)
		return entry;
	while (node) {
		entry = rb_entry(node, struct vm_map_entry, rb);
		if (index < entry->start) {
			node = node->rb_left;
		} else if (index >= entry->end) {
			node = node->rb_right;
		} else {
			WRITE_ONCE(map->hint, entry);
			return entry;
		}
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_lookup);

struct vm_map_entry *vm_map_first(const struct vm_map *map, pgoff_t index)
{
	struct rb_node *node = map->entries.rb_node;
	struct vm_map_entry *entry, *found = NULL;

	while (node) {
		entry = rb_entry(node, struct vm_map_entry, rb);
		if (index < entry->end) {
			found = entry;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_first);

bool vm_map_any_absent(const struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry;

	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		if (entry->absent)
			return true;
	return false;
}

static void vm_map_link(struct vm_map *map, struct vm_map_entry *entry)
{
	struct rb_node **link = &map->entries.rb_node, *parent = NULL;

	while (*link) {
		struct vm_map_entry *at;

		parent = *link;
		at = rb_entry(parent, struct vm_map_entry, rb);
		WARN_ON_ONCE(entry->start < at->end && at->start < entry->end);
		if (entry->start < at->start)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&entry->rb, parent, link);
	rb_insert_color(&entry->rb, &map->entries);
	map->nr_entries++;
}

void vm_map_entry_set_object(struct vm_map_entry *entry,
			     struct vm_object *object)
{
	if (entry->object)
		list_del(&entry->mapper_link);
	entry->object = object;
	if (object)
		list_add_tail(&entry->mapper_link, &object->mappers);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_entry_set_object);

static struct vm_map_entry *vm_map_entry_new(struct vm_map *map, pgoff_t start,
					     pgoff_t end,
					     struct vm_object *object,
					     enum vm_inherit inheritance,
					     bool needs_copy)
{
	struct vm_map_entry *entry;

	entry = vm_cache_zalloc_locked(vm_map_entry_slab, GFP_VMOBJ_NOFAIL);
	entry->map = map;
	entry->start = start;
	entry->end = end;
	entry->inheritance = inheritance;
	entry->needs_copy = needs_copy;
	vm_map_entry_set_object(entry, object);
	vm_map_link(map, entry);
	vmobj_stat_inc(VMOBJ_ENTRIES_CREATED);
	return entry;
}

/* Returns the entry's reference to its object. */
static struct vm_object *vm_map_entry_free(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;
	struct vm_map *map = entry->map;

	vm_map_entry_set_object(entry, NULL);
	rb_erase(&entry->rb, &map->entries);
	map->nr_entries--;
	if (map->hint == entry)
		map->hint = NULL;
	kmem_cache_free(vm_map_entry_slab, entry);
	vmobj_stat_inc(VMOBJ_ENTRIES_DESTROYED);
	return object;
}

static struct vm_map_entry *vm_map_before(struct vm_map *map, pgoff_t start)
{
	return start ? vm_map_lookup(map, start - 1) : NULL;
}

struct vm_map_entry *vm_map_insert(struct vm_map *map, pgoff_t start,
				   pgoff_t end, struct vm_object *object,
				   enum vm_inherit inheritance, bool needs_copy)
{
	struct vm_map_entry *prev = vm_map_before(map, start);

	lockdep_assert_held_write(&map->family->lock);

	if (prev && !prev->absent && prev->object == object &&
	    prev->inheritance == inheritance && prev->needs_copy == needs_copy) {
		prev->end = end;
		vm_object_deallocate(object);
		return prev;
	}
	return vm_map_entry_new(map, start, end, object, inheritance,
				needs_copy);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_insert);

static void vm_map_insert_absent(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *prev = vm_map_before(map, start);

	if (prev && prev->absent)
		prev->end = end;
	else
		vm_map_entry_new(map, start, end, NULL, VM_INHERIT_NONE,
				 false)->absent = true;
}

void vm_map_clip(struct vm_map *map, pgoff_t index)
{
	struct vm_map_entry *entry = vm_map_lookup(map, index);
	pgoff_t end;

	lockdep_assert_held_write(&map->family->lock);

	if (!entry || entry->start == index)
		return;
	end = entry->end;
	entry->end = index;
	vm_object_reference(entry->object);
	vm_map_entry_new(map, index, end, entry->object, entry->inheritance,
			 entry->needs_copy)->absent = entry->absent;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_clip);

static bool vm_map_entries_alike(const struct vm_map_entry *a,
				 const struct vm_map_entry *b)
{
	return a->end == b->start && a->object == b->object &&
	       a->inheritance == b->inheritance &&
	       a->needs_copy == b->needs_copy && a->absent == b->absent;
}

/* Join what is alike, also with what is beside the range (BSD vm_map_simplify_entry) */
static void vm_map_simplify(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry, *next;

	entry = vm_map_first(map, start ? start - 1 : 0);
	while (entry && entry->start < end) {
		next = vm_map_next(entry);
		if (next && vm_map_entries_alike(entry, next)) {
			entry->end = next->end;
			vm_object_deallocate(vm_map_entry_free(next));
		} else {
			entry = next;
		}
	}
}

void vm_map_inherit(struct vm_map *map, pgoff_t start, pgoff_t end,
		    enum vm_inherit inheritance)
{
	struct vm_map_entry *entry;

	vm_map_clip(map, start);
	vm_map_clip(map, end);
	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		if (!entry->absent)
			entry->inheritance = inheritance;
	vm_map_simplify(map, start, end);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_inherit);

/* ---- growth ---- */

/* Can what comes beside an entry be part of it, as far as the entry goes? */
static bool vm_map_entry_grows(const struct vm_map_entry *entry,
			       enum vm_inherit inheritance)
{
	return entry && !entry->needs_copy && !entry->absent &&
	       entry->inheritance == inheritance;
}

void vm_map_insert_fresh(struct vm_map *map, pgoff_t start, pgoff_t end,
			 enum vm_inherit inheritance)
{
	struct vm_map_entry *prev = vm_map_before(map, start);
	struct vm_map_entry *next = vm_map_lookup(map, end);

	lockdep_assert_held_write(&map->family->lock);

	if (vm_map_entry_grows(prev, inheritance) &&
	    vm_object_coalesce(prev->object, start, end - start))
		prev->end = end;
	else if (vm_map_entry_grows(next, inheritance) &&
		 vm_object_coalesce_front(next->object, end, end - start))
		next->start = start;
	else
		vm_map_entry_new(map, start, end, NULL, inheritance, false);
	/* Of a hole it may have been the last part. */
	vm_map_simplify(map, start, end);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_insert_fresh);

/* @grown: the hole is more of what is before it. */
static void vm_map_fill_hole(struct vm_map *map, pgoff_t start, pgoff_t end,
			     enum vm_inherit inheritance, bool grown)
{
	struct vm_map_entry *prev = grown ? vm_map_before(map, start) : NULL;
	struct vm_object *named = map->family->named;

	if (prev)
		inheritance = prev->inheritance;
	if (named) {
		vm_object_reference(named);
		vm_map_insert(map, start, end, named, inheritance,
			      inheritance != VM_INHERIT_SHARE);
	} else if (prev && prev->absent) {
		prev->end = end;
	} else {
		vm_map_insert_fresh(map, start, end, inheritance);
	}
}

static void vm_map_fill_holes(struct vm_map *map, pgoff_t start, pgoff_t end,
			      enum vm_inherit inheritance, bool grown)
{
	struct vm_map_entry *entry;
	pgoff_t stop;

	lockdep_assert_held_write(&map->family->lock);

	while (start < end) {
		entry = vm_map_first(map, start);
		stop = entry ? min(entry->start, end) : end;
		if (start < stop) {
			/* It may be joined with the entry behind it. */
			vm_map_fill_hole(map, start, stop, inheritance, grown);
			start = stop;
		} else {
			start = entry->end;
		}
	}
}

void vm_map_fill(struct vm_map *map, pgoff_t start, pgoff_t end,
		 enum vm_inherit inheritance)
{
	vm_map_fill_holes(map, start, end, inheritance, true);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_fill);

void vm_map_insert_mapping(struct vm_map *map, pgoff_t start, pgoff_t end,
			   enum vm_inherit inheritance)
{
	vm_map_fill_holes(map, start, end, inheritance, false);
}

/* ---- unmapping ---- */

/*
 * Pages of the range that nobody else can see: with ONEMAPPING no other entry
 * maps them, and no shadow looks through to them.  Had the object no other
 * user, the deallocation would free all at once.
 */
static void vm_map_discard(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	if (object->ref_count == 1 || !vm_object_internal(object) ||
	    !vm_object_test(object, VM_OBJ_ONEMAPPING) ||
	    vm_object_test(object, VM_OBJ_NOSPLIT))
		return;
	vm_object_collapse(object);
	vm_object_page_remove(object, start, end, false);
	vm_writeset_clear(object, start, end);
	if (start > object->pg_base && end >= vm_object_end(object))
		object->size = start - object->pg_base;
}

void vm_map_delete(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry, *next;

	lockdep_assert_held_write(&map->family->lock);
	if (start >= end)
		return;

	vm_map_clip(map, start);
	vm_map_clip(map, end);
	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = next) {
		pgoff_t first = entry->start, stop = entry->end;
		struct vm_object *object;

		next = vm_map_next(entry);
		object = vm_map_entry_free(entry);
		if (!object)
			continue;
		vm_map_discard(object, first, stop);
		vm_object_deallocate(object);
	}
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_delete);

/* ---- zeros ---- */

static void vm_map_entry_reset(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;

	if (!object)
		return;
	vm_map_entry_set_object(entry, NULL);
	entry->needs_copy = false;
	vm_map_discard(object, entry->start, entry->end);
	vm_object_deallocate(object);
}

void vm_map_reset(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry;

	lockdep_assert_held_write(&map->family->lock);

	vm_map_clip(map, start);
	vm_map_clip(map, end);
	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		vm_map_entry_reset(entry);
	vm_map_simplify(map, start, end);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_reset);

static bool vm_map_entry_overlaps(const struct vm_map_entry *entry,
				  pgoff_t start, pgoff_t end)
{
	return entry->start < end && start < entry->end;
}

/* An entry that writes to a part of an object directly, but for one. */
static struct vm_map_entry *vm_map_writer(struct vm_object *object,
					  const struct vm_map_entry *except,
					  pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry;

	list_for_each_entry(entry, &object->mappers, mapper_link)
		if (entry != except && !entry->needs_copy &&
		    vm_map_entry_overlaps(entry, start, end))
			return entry;
	return NULL;
}

/* Does anybody look at a part of an object without writing to it? */
static bool vm_object_has_readers(struct vm_object *object, pgoff_t start,
				  pgoff_t end)
{
	struct vm_map_entry *entry;
	struct vm_object *shadow;

	list_for_each_entry(entry, &object->mappers, mapper_link)
		if (entry->needs_copy &&
		    vm_map_entry_overlaps(entry, start, end))
			return true;
	list_for_each_entry(shadow, &object->shadow_head, shadow_link)
		if (shadow->pg_base < end && start < vm_object_end(shadow))
			return true;
	return false;
}

/*
 * All who write to a part of an object directly get a fresh object there.  A fault that
 * is about to map a page of the old one is waited for: its folio is locked.
 */
static void vm_object_leave(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	struct vm_object *fresh, *below;
	struct vm_map_entry *entry;

	fresh = vm_object_allocate(object->family, VM_OBJECT_DEFAULT, start,
				   end - start, GFP_VMOBJ_NOFAIL);
	fresh->pg_color = vm_object_color_at(object, start);
	clear_bit(VM_OBJ_ONEMAPPING, &fresh->flags);
	vm_object_reference(object);
	while ((entry = vm_map_writer(object, NULL, start, end))) {
		struct vm_map *map = entry->map;
		pgoff_t first = max(start, entry->start);

		vm_map_clip(map, first);
		vm_map_clip(map, end);
		entry = vm_map_lookup(map, first);
		vm_object_reference(fresh);
		vm_map_entry_set_object(entry, fresh);
		vm_object_deallocate(object);
	}
	for (below = object; below; below = below->backing_object)
		vm_object_pmap_remove(below, start, end);
	vm_object_deallocate(object);
	vm_object_deallocate(fresh);
}

static int vm_map_zero_shared(struct vm_object *object, pgoff_t start,
			      pgoff_t end)
{
	if (object->type > VM_OBJECT_SWAP)
		return -EOPNOTSUPP;
	if (object->handle ||
	    (!object->backing_object &&
	     !vm_object_has_readers(object, start, end))) {
		if (vm_object_page_remove(object, start, end, false)) {
			vm_writeset_clear(object, start, end);
			return 0;
		}
		/* Part of a large page that somebody uses. */
		if (object->handle)
			return -EBUSY;
	}
	vm_object_leave(object, start, end);
	return 0;
}

/* Free the pages of a part of an object nobody else sees, if that leaves zeros. */
static bool vm_map_zero_own(struct vm_object *object, pgoff_t start, pgoff_t end)
{
	vm_object_collapse(object);
	if (object->backing_object || !vm_object_internal(object) ||
	    !vm_object_test(object, VM_OBJ_ONEMAPPING) ||
	    !vm_object_page_remove(object, start, end, false))
		return false;
	vm_writeset_clear(object, start, end);
	return true;
}

static int vm_map_zero_entry(struct vm_map_entry *entry, pgoff_t start,
			     pgoff_t end)
{
	struct vm_object *object = entry->object;

	if (!object || vm_map_zero_own(object, start, end))
		return 0;
	if (!entry->needs_copy &&
	    (!vm_object_internal(object) ||
	     vm_map_writer(object, entry, start, end)))
		return vm_map_zero_shared(object, start, end);
	vm_map_reset(entry->map, start, end);
	return 0;
}

int vm_map_zero(struct vm_map *map, pgoff_t start, pgoff_t end)
{
	struct vm_map_entry *entry;
	pgoff_t stop;
	int err = 0;

	lockdep_assert_held_write(&map->family->lock);

	while (start < end && !err) {
		entry = vm_map_first(map, start);
		if (!entry || entry->start >= end)
			break;
		start = max(start, entry->start);
		stop = min(end, entry->end);
		err = vm_map_zero_entry(entry, start, stop);
		start = stop;
	}
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_zero);

/* ---- fork ---- */

/* Take away the write rights the entry has given out. */
static void vm_map_write_protect(struct vm_map_entry *entry)
{
	struct vm_writeset_part part = { .link = NULL };

	while (vm_writeset_take(entry->object, entry->start, entry->end, &part))
		if (entry->map->mm)
			pmap_write_protect(entry->map, &part);
}

bool vm_map_entry_shared(const struct vm_map_entry *entry)
{
	return vm_map_writer(entry->object, entry, entry->start, entry->end);
}

/* A large page across an end would have to be in both objects. */
static bool vm_map_cuts_page(const struct vm_object *object, pgoff_t index)
{
	struct vm_page *pg = vm_memq_find(object->memq, index);

	return pg && pg->index < index;
}

static bool vm_map_may_split(const struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object;

	return object->ref_count > 1 && vm_object_internal(object) &&
	       vm_object_test(object, VM_OBJ_ONEMAPPING) &&
	       !vm_object_test(object, VM_OBJ_NOSPLIT) &&
	       !vm_map_cuts_page(object, entry->start) &&
	       !vm_map_cuts_page(object, entry->end);
}

/* Returns the object for the child's entry, with a reference; it needs a copy. */
static struct vm_object *vm_map_copy_entry(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object, *part;
	bool own;

	/* As a private mapping has it: what others write later may show. */
	if (object->handle) {
		vm_object_reference(object);
		return object;
	}
	vm_object_collapse(object);

	if (!entry->needs_copy && vm_map_entry_shared(entry)) {
		vm_object_reference(object);
		vm_object_freeze(object);
		return object;
	}

	if (vm_map_may_split(entry)) {
		part = vm_object_split(object, entry->start, entry->end);
		vm_map_entry_set_object(entry, part);
		vm_object_deallocate(object);
		object = part;
	}

	/* Nobody else is left: what is pinned was pinned by the entry's process. */
	own = !entry->needs_copy || object->ref_count == 1 ||
	      vm_object_test(object, VM_OBJ_ONEMAPPING);
	vm_object_reference(object);
	clear_bit(VM_OBJ_ONEMAPPING, &object->flags);
	set_bit(VM_OBJ_FORKED, &object->flags);
	if (!own)
		return object;
	vm_map_write_protect(entry);
	entry->needs_copy = false;
	if (vm_pin_possible(entry->map))
		vm_pin_keep(entry);
	/* What has got a shadow needs no copy. */
	entry->needs_copy = entry->object == object;
	return object;
}

/* Returns the object for the child's entry, with a reference; it is shared. */
static struct vm_object *vm_map_share_entry(struct vm_map_entry *entry)
{
	struct vm_object *object = entry->object, *shared = object;

	if (!object || entry->needs_copy) {
		/*
		 * From now on both write to an object of their own, and never
		 * to what others have copied: the reference sees to that.
		 */
		vm_object_reference(object);
		vm_object_shadow(entry->map->family, &shared, entry->start,
				 entry->end - entry->start, GFP_VMOBJ_NOFAIL);
		vm_map_entry_set_object(entry, shared);
		entry->needs_copy = false;
		vm_object_deallocate(object);
	}
	vm_object_reference(shared);
	clear_bit(VM_OBJ_ONEMAPPING, &shared->flags);
	return shared;
}

static void vm_map_fork_entry(struct vm_map *child, struct vm_map_entry *entry,
			      pgoff_t start, pgoff_t end)
{
	enum vm_inherit inheritance = entry->inheritance;
	struct vm_object *object = NULL;

	switch (inheritance) {
	case VM_INHERIT_NONE:
		vm_map_insert_absent(child, start, end);
		return;
	case VM_INHERIT_SHARE:
		object = vm_map_share_entry(entry);
		break;
	case VM_INHERIT_ZERO:
		break;
	case VM_INHERIT_COPY:
		if (entry->object)
			object = vm_map_copy_entry(entry);
		break;
	}
	vm_map_insert(child, start, end, object, inheritance,
		      object && inheritance == VM_INHERIT_COPY);
}

void vm_map_fork(struct vm_map *child, struct vm_map *parent, pgoff_t start,
		 pgoff_t end)
{
	struct vm_map_entry *entry;

	lockdep_assert_held_write(&parent->family->lock);

	for (entry = vm_map_first(parent, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		vm_map_fork_entry(child, entry, max(entry->start, start),
				  min(entry->end, end));
	vmobj_stat_inc(VMOBJ_FORKS);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_fork);

static void vm_map_share_part(struct vm_map *to, struct vm_map_entry *entry,
			      pgoff_t start, pgoff_t end, bool stays)
{
	struct vm_object *object = entry->object;

	if (entry->absent) {
		vm_map_insert_absent(to, start, end);
		return;
	}
	/* What is untouched, or a lazy copy, stays one memory, too. */
	if (stays)
		object = vm_map_share_entry(entry);
	else
		vm_object_reference(object);
	if (object)
		clear_bit(VM_OBJ_ONEMAPPING, &object->flags);
	vm_map_insert(to, start, end, object, entry->inheritance,
		      entry->needs_copy);
}

void vm_map_share(struct vm_map *to, struct vm_map *from, pgoff_t start,
		  pgoff_t end, bool stays)
{
	struct vm_map_entry *entry;

	lockdep_assert_held_write(&from->family->lock);

	for (entry = vm_map_first(from, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		vm_map_share_part(to, entry, max(entry->start, start),
				  min(entry->end, end), stays);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_share);

/* ---- faults ---- */

static int vm_map_prepare_locked(struct vm_map *map, pgoff_t index, bool write)
{
	struct vm_map_entry *entry = vm_map_lookup(map, index);
	struct vm_object *object;
	int err;

	lockdep_assert_held_write(&map->family->lock);

	if (!entry)
		return -EFAULT;
	if (entry->absent)
		return -EACCES;
	object = entry->object;
	if (object && !(write && entry->needs_copy))
		return 0;

	err = vm_object_shadow(map->family, &object, entry->start,
			       entry->end - entry->start, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	if (object == entry->object)
		vmobj_stat_inc(VMOBJ_COW_REUSES);
	else
		vm_map_entry_set_object(entry, object);
	entry->needs_copy = false;
	return 0;
}

/*
 * The worker that shortens the chain may be slower than we fork.  At twice the
 * depth we do it ourselves; if that is not possible it has to get deeper.
 */
static bool vm_map_shorten(struct vm_map *map, pgoff_t index)
{
	struct vm_map_entry *entry = vm_map_lookup(map, index);
	unsigned long budget = VM_PIECE;
	u64 since;
	bool some;

	if (!entry || !entry->object ||
	    !vm_object_deeper(entry->object,
			      2UL * READ_ONCE(vm_max_chain_depth)))
		return false;
	since = ktime_get_ns();
	some = vm_object_copy_up(entry->object, &budget);
	vmobj_stat_held(since);
	return some;
}

int vm_map_prepare(struct vm_map *map, pgoff_t index, bool write)
{
	int err;

	vm_family_write_lock(map->family);
	err = vm_map_prepare_locked(map, index, write);
	while (!err && vm_map_shorten(map, index)) {
		vm_family_write_unlock(map->family);
		cond_resched();
		vm_family_write_lock(map->family);
	}
	vm_family_write_unlock(map->family);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_prepare);

void vm_map_promote(struct vm_map *map, pgoff_t index)
{
	struct vm_map_entry *entry;
	struct vm_page *large;
	bool done = false;

	/*
	 * Before the lock is taken: others need not wait while it is filled with
	 * zeros.  All of it, though some will be copied over: most kernels zero what
	 * they allocate anyway (init_on_alloc).
	 */
	large = vm_page_alloc(map->family->mapping,
			      round_down(index, VM_SUPERPAGE_NR),
			      VM_SUPERPAGE_ORDER, true);
	if (!large)
		return;
	/* A family lock is not to be waited for with a folio lock held. */
	folio_unlock(large->folio);

	vm_family_write_lock(map->family);
	entry = vm_map_lookup(map, index);
	if (entry && entry->object && !entry->needs_copy &&
	    entry->start <= large->index && entry->end >= vm_page_end(large))
		done = vm_object_promote(entry->object, large);
	vm_family_write_unlock(map->family);
	if (!done)
		vm_page_free(large);
}
