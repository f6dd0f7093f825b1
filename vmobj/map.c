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

#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/superpage.h>
#include <vmobj/writeset.h>

static struct kmem_cache *vm_map_entry_slab;
static atomic64_t vm_map_last_id;

int vm_map_init(void)
{
	vm_map_entry_slab = KMEM_CACHE(vm_map_entry, SLAB_ACCOUNT);
	return vm_map_entry_slab ? 0 : -ENOMEM;
}

void vm_map_exit(void)
{
	kmem_cache_destroy(vm_map_entry_slab);
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

	map = kzalloc(sizeof(*map), GFP_VMOBJ_NOFAIL);
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

void vm_map_destroy(struct vm_map *map)
{
	struct vm_family *family = map->family;

	vm_map_delete(map, 0, ULONG_MAX);
	rb_erase(&map->rb, &family->maps);
	family->nr_maps--;
	vm_reserve_drain(&map->reserve);
	kfree(map);
	vmobj_stat_inc(VMOBJ_MAPS_DESTROYED);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_destroy);

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

static struct vm_map_entry *vm_map_entry_new(struct vm_map *map, pgoff_t start,
					     pgoff_t end,
					     struct vm_object *object,
					     enum vm_inherit inheritance,
					     bool needs_copy)
{
	struct vm_map_entry *entry;

	entry = kmem_cache_zalloc(vm_map_entry_slab, GFP_VMOBJ_NOFAIL);
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

struct vm_map_entry *vm_map_insert(struct vm_map *map, pgoff_t start,
				   pgoff_t end, struct vm_object *object,
				   enum vm_inherit inheritance, bool needs_copy)
{
	struct vm_map_entry *prev;

	lockdep_assert_held_write(&map->family->lock);

	prev = start ? vm_map_lookup(map, start - 1) : NULL;
	if (prev && prev->object == object &&
	    prev->inheritance == inheritance && prev->needs_copy == needs_copy) {
		prev->end = end;
		vm_object_deallocate(object);
		return prev;
	}
	return vm_map_entry_new(map, start, end, object, inheritance,
				needs_copy);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_insert);

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
			 entry->needs_copy);
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_clip);

void vm_map_inherit(struct vm_map *map, pgoff_t start, pgoff_t end,
		    enum vm_inherit inheritance)
{
	struct vm_map_entry *entry;

	vm_map_clip(map, start);
	vm_map_clip(map, end);
	for (entry = vm_map_first(map, start); entry && entry->start < end;
	     entry = vm_map_next(entry))
		entry->inheritance = inheritance;
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_inherit);

/* ---- growth ---- */

static void vm_map_fill_hole(struct vm_map *map, pgoff_t start, pgoff_t end,
			     enum vm_inherit inheritance)
{
	struct vm_object *named = map->family->named;
	struct vm_map_entry *prev;

	if (named) {
		vm_object_reference(named);
		vm_map_insert(map, start, end, named, inheritance,
			      inheritance != VM_INHERIT_SHARE);
		return;
	}
	prev = start ? vm_map_lookup(map, start - 1) : NULL;
	if (prev && !prev->needs_copy && prev->inheritance == inheritance &&
	    vm_object_coalesce(prev->object, start, end - start))
		prev->end = end;
	else
		vm_map_insert(map, start, end, NULL, inheritance, false);
}

void vm_map_fill(struct vm_map *map, pgoff_t start, pgoff_t end,
		 enum vm_inherit inheritance)
{
	struct vm_map_entry *entry;
	pgoff_t stop;

	lockdep_assert_held_write(&map->family->lock);

	while (start < end) {
		entry = vm_map_first(map, start);
		stop = entry ? min(entry->start, end) : end;
		if (start < stop)
			vm_map_fill_hole(map, start, stop, inheritance);
		if (!entry)
			break;
		start = entry->end;
	}
}
EXPORT_SYMBOL_IF_KUNIT(vm_map_fill);

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

/* ---- fork ---- */

/* Take away the write rights the entry has given out. */
static void vm_map_write_protect(struct vm_map_entry *entry)
{
	struct vm_writeset_part part = { .link = NULL };

	while (vm_writeset_take(entry->object, entry->start, entry->end, &part))
		if (entry->map->mm)
			pmap_write_protect(entry->map, &part);
}

/* Does somebody besides the entry write to the same pages directly? */
static bool vm_map_entry_shared(const struct vm_map_entry *entry)
{
	struct vm_map_entry *other;

	list_for_each_entry(other, &entry->object->mappers, mapper_link)
		if (other != entry && !other->needs_copy &&
		    other->start < entry->end && entry->start < other->end)
			return true;
	return false;
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

	vm_object_reference(object);
	clear_bit(VM_OBJ_ONEMAPPING, &object->flags);
	if (!entry->needs_copy) {
		vm_map_write_protect(entry);
		entry->needs_copy = true;
	}
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
		return;
	case VM_INHERIT_SHARE:
		object = vm_map_share_entry(entry);
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

void vm_map_share(struct vm_map *to, struct vm_map *from, pgoff_t start,
		  pgoff_t end)
{
	struct vm_map_entry *entry;

	lockdep_assert_held_write(&from->family->lock);

	for (entry = vm_map_first(from, start); entry && entry->start < end;
	     entry = vm_map_next(entry)) {
		struct vm_object *object = entry->object;

		/* Untouched shared memory is shared, too. */
		if (!object && entry->inheritance == VM_INHERIT_SHARE)
			object = vm_map_share_entry(entry);
		else
			vm_object_reference(object);
		if (object)
			clear_bit(VM_OBJ_ONEMAPPING, &object->flags);
		vm_map_insert(to, max(entry->start, start),
			      min(entry->end, end), object,
			      entry->inheritance, entry->needs_copy);
	}
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
