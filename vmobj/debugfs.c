// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: what BSD shows in the kernel debugger.
 *
 *	objects	object print: each object, its backing object, who maps it
 *	pages	vmopag: runs of physically contiguous pages
 *	check	vmochk: violated invariants, or "ok"
 *	stats	counters
 *	graph	all chains, for graphviz
 *	waste	large pages, and how much of them has never been used
 *	swap	swap stores; what is written to it adds and removes them
 *
 * All but stats walk over objects in the order of (family id, object id), which
 * only grows, so that a walk can let go of all locks between two reads and go
 * on with the next id.  Nothing is held while a user copies.
 */
#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <vmobj/check.h>
#include <vmobj/compat.h>
#include <vmobj/debugfs.h>
#include <vmobj/family.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pageq.h>
#include <vmobj/stats.h>
#include <vmobj/swap.h>
#include <vmobj/superpage.h>
#include <vmobj/swapstore.h>

/* Runs of pages printed with the object lock held at a stretch. */
#define RUNS_AT_ONCE	64

static struct dentry *vmobj_debugfs_dir;

/* ---- walking over objects ---- */

/**
 * struct vmobj_iter - where a reader is
 * @family: family of the current object, referenced and read-locked; NULL
 *	between reads
 * @family_id: the current family, to find it again
 * @object_id: the current object
 * @index: pages: the current page of it
 * @next_index: pages: where the next record begins, 0: with the next object
 */
struct vmobj_iter {
	struct vm_family *family;
	u64 family_id;
	u64 object_id;
	pgoff_t index;
	pgoff_t next_index;
};

static char vmobj_end_token;
#define VMOBJ_END_TOKEN	((void *)&vmobj_end_token)

static struct vm_object *vmobj_iter_object(struct vm_family *family, u64 id)
{
	struct vm_object *object;

	list_for_each_entry(object, &family->objects, family_link)
		if (object->id >= id)
			return object;
	return NULL;
}

/* The first object at or after the iterator, with its family locked. */
static void *vmobj_iter_find(struct vmobj_iter *it)
{
	struct vm_object *object;

	while ((it->family = vm_family_from_id(it->family_id))) {
		if (it->family->id != it->family_id)
			it->object_id = 0;
		it->family_id = it->family->id;
		vm_family_read_lock(it->family);
		object = vmobj_iter_object(it->family, it->object_id);
		if (object) {
			if (object->id != it->object_id)
				it->index = 0;
			it->object_id = object->id;
			return object;
		}
		vm_family_read_unlock(it->family);
		vm_family_put(it->family);
		it->family_id++;
		it->object_id = 0;
	}
	return VMOBJ_END_TOKEN;
}

static void *vmobj_iter_start(struct seq_file *m, loff_t *pos)
{
	struct vmobj_iter *it = m->private;

	if (!*pos) {
		memset(it, 0, sizeof(*it));
		return SEQ_START_TOKEN;
	}
	if (it->family_id == U64_MAX)
		return NULL;
	return vmobj_iter_find(it);
}

static void *vmobj_iter_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct vmobj_iter *it = m->private;
	struct vm_object *object = v;

	++*pos;
	if (v == SEQ_START_TOKEN)
		return vmobj_iter_find(it);
	if (v == VMOBJ_END_TOKEN) {
		it->family_id = U64_MAX;
		return NULL;
	}
	it->index = it->next_index;
	if (it->index) {
		it->next_index = 0;
		return object;
	}
	it->object_id++;
	if (!list_is_last(&object->family_link, &it->family->objects)) {
		object = list_next_entry(object, family_link);
		it->object_id = object->id;
		return object;
	}
	vm_family_read_unlock(it->family);
	vm_family_put(it->family);
	return vmobj_iter_find(it);
}

static void vmobj_iter_stop(struct seq_file *m, void *v)
{
	struct vmobj_iter *it = m->private;

	if (!it->family)
		return;
	vm_family_read_unlock(it->family);
	vm_family_put(it->family);
	it->family = NULL;
}

/* ---- objects ---- */

static const char *vm_object_type_name(const struct vm_object *object)
{
	static const char * const names[] = {
		[VM_OBJECT_DEFAULT]	= "default",
		[VM_OBJECT_SWAP]	= "swap",
		[VM_OBJECT_VNODE]	= "vnode",
	};

	return names[object->type];
}

static void vm_object_show_flags(struct seq_file *m,
				 const struct vm_object *object)
{
	static const char * const names[] = {
		[VM_OBJ_DEAD]			= "DEAD",
		[VM_OBJ_NOSPLIT]		= "NOSPLIT",
		[VM_OBJ_ONEMAPPING]		= "ONEMAPPING",
		[VM_OBJ_WRITEABLE]		= "WRITEABLE",
		[VM_OBJ_MIGHTBEDIRTY]		= "MIGHTBEDIRTY",
		[VM_OBJ_FORKED]			= "FORKED",
		[VM_OBJ_COLLAPSE_PENDING]	= "COLLAPSE_PENDING",
	};
	unsigned long flags = READ_ONCE(object->flags);
	const char *sep = "";
	int bit;

	if (!flags)
		seq_putc(m, '-');
	for_each_set_bit(bit, &flags, ARRAY_SIZE(names)) {
		seq_printf(m, "%s%s", sep, names[bit]);
		sep = "|";
	}
}

/* Name the process a map belongs to: "pid comm". */
static void vm_map_show_owner(struct seq_file *m, const struct vm_map *map)
{
#ifdef CONFIG_MEMCG
	struct task_struct *task;

	rcu_read_lock();
	task = map->mm ? rcu_dereference(map->mm->owner) : NULL;
	if (task)
		seq_printf(m, "%d %s", task_tgid_nr(task), task->comm);
	rcu_read_unlock();
	if (task)
		return;
#endif
	seq_puts(m, "- -");
}

static void vm_entry_show(struct seq_file *m, const struct vm_map_entry *entry)
{
	static const char * const inherit[] = {
		[VM_INHERIT_COPY]	= "copy",
		[VM_INHERIT_SHARE]	= "share",
		[VM_INHERIT_NONE]	= "none",
		[VM_INHERIT_ZERO]	= "zero",
	};

	seq_puts(m, "  mapped by ");
	vm_map_show_owner(m, entry->map);
	seq_printf(m, " %lx-%lx inherit %s%s\n",
		   vm_map_address(entry->map, entry->start),
		   vm_map_address(entry->map, entry->end),
		   inherit[entry->inheritance],
		   entry->needs_copy ? " NEEDS_COPY" : "");
}

static int vmobj_objects_show(struct seq_file *m, void *v)
{
	struct vm_object *object = v, *backing;
	struct vm_map_entry *entry;

	if (v == SEQ_START_TOKEN || v == VMOBJ_END_TOKEN)
		return 0;

	seq_printf(m, "object %llu family %llu type %s size %lu resident %lu ref %u shadows %u flags ",
		   object->id, object->family->id, vm_object_type_name(object),
		   object->size, READ_ONCE(object->memq->resident),
		   object->ref_count, object->shadow_count);
	vm_object_show_flags(m, object);
	seq_printf(m, " color %u gen %lu pip %d swapped %lu backing ",
		   object->pg_color, vm_object_generation(object),
		   atomic_read(&object->paging_in_progress),
		   vm_swap_nr(object));
	backing = object->backing_object;
	if (backing)
		seq_printf(m, "%llu (ref %u) offset 0x%llx\n", backing->id,
			   backing->ref_count, vm_object_backing_offset(object));
	else
		seq_puts(m, "-\n");
	list_for_each_entry(entry, &object->mappers, mapper_link)
		vm_entry_show(m, entry);
	return 0;
}

/* ---- pages ---- */

/* The run that begins with a page, and the page behind it. */
static struct vm_page *vm_page_run(struct vm_page *pg, unsigned long *nr)
{
	struct vm_page *next;

	*nr = 0;
	for (;; pg = next) {
		*nr += vm_page_nr(pg);
		next = vm_page_next(pg);
		if (!next || next->index != pg->index + vm_page_nr(pg) ||
		    folio_pfn(next->folio) !=
		    folio_pfn(pg->folio) + vm_page_nr(pg))
			return next;
	}
}

static int vmobj_pages_show(struct seq_file *m, void *v)
{
	struct vmobj_iter *it = m->private;
	struct vm_object *object = v;
	struct vm_page *pg, *next;
	unsigned long nr;
	int i;

	if (v == SEQ_START_TOKEN || v == VMOBJ_END_TOKEN)
		return 0;

	if (!it->index)
		seq_printf(m, "object %llu resident %lu\n", object->id,
			   READ_ONCE(object->memq->resident));
	spin_lock(&object->memq->lock);
	pg = vm_page_first(object->memq, it->index);
	for (i = 0; pg && i < RUNS_AT_ONCE; i++, pg = next) {
		next = vm_page_run(pg, &nr);
		seq_printf(m, "  index %lu pages %lu pfn 0x%lx\n",
			   pg->index - object->pg_base, nr,
			   folio_pfn(pg->folio));
	}
	it->next_index = pg ? pg->index : 0;
	spin_unlock(&object->memq->lock);
	return 0;
}

/* ---- graph ---- */

static void vm_object_show_node(struct seq_file *m, struct vm_object *object)
{
	struct vm_object *backing = object->backing_object;
	struct vm_map_entry *entry;

	seq_printf(m, "\to%llu [label=\"object %llu\\nresident %lu of %lu\\nref %u shadows %u\"];\n",
		   object->id, object->id, READ_ONCE(object->memq->resident),
		   object->size, object->ref_count, object->shadow_count);
	if (backing)
		seq_printf(m, "\to%llu -> o%llu [label=\"+0x%llx\"];\n",
			   object->id, backing->id,
			   vm_object_backing_offset(object));
	list_for_each_entry(entry, &object->mappers, mapper_link) {
		seq_printf(m, "\tm%llu [shape=ellipse, style=solid, label=\"",
			   entry->map->id);
		vm_map_show_owner(m, entry->map);
		seq_printf(m, "\"];\n\tm%llu -> o%llu [style=%s, label=\"%lx-%lx%s\"];\n",
			   entry->map->id, object->id,
			   entry->needs_copy ? "dashed" : "solid",
			   vm_map_address(entry->map, entry->start),
			   vm_map_address(entry->map, entry->end),
			   entry->needs_copy ? "\\nneeds copy" : "");
	}
}

static int vmobj_graph_show(struct seq_file *m, void *v)
{
	if (v == SEQ_START_TOKEN)
		seq_puts(m, "digraph vmobj {\n\trankdir=LR;\n\tnode [shape=box, style=filled, fillcolor=lightyellow, fontname=\"sans\"];\n\tedge [fontname=\"sans\", fontsize=10];\n");
	else if (v == VMOBJ_END_TOKEN)
		seq_puts(m, "}\n");
	else
		vm_object_show_node(m, v);
	return 0;
}

/* ---- check ---- */

/* Families, not objects; the last record is what belongs to none. */
struct vmobj_check_iter {
	struct vm_family *family;
	u64 family_id;
	bool done;
	unsigned int violations;
};

static void *vmobj_check_find(struct vmobj_check_iter *it)
{
	it->family = vm_family_from_id(it->family_id);
	if (!it->family)
		return VMOBJ_END_TOKEN;
	it->family_id = it->family->id;
	return it->family;
}

static void *vmobj_check_start(struct seq_file *m, loff_t *pos)
{
	struct vmobj_check_iter *it = m->private;

	if (!*pos)
		memset(it, 0, sizeof(*it));
	return it->done ? NULL : vmobj_check_find(it);
}

static void vmobj_check_stop(struct seq_file *m, void *v)
{
	struct vmobj_check_iter *it = m->private;

	if (it->family)
		vm_family_put(it->family);
	it->family = NULL;
}

static void *vmobj_check_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct vmobj_check_iter *it = m->private;

	++*pos;
	if (v == VMOBJ_END_TOKEN) {
		it->done = true;
		return NULL;
	}
	vmobj_check_stop(m, v);
	it->family_id++;
	return vmobj_check_find(it);
}

static int vmobj_check_show(struct seq_file *m, void *v)
{
	struct vmobj_check_iter *it = m->private;

	if (v != VMOBJ_END_TOKEN) {
		it->violations += vm_check_family(v, m);
		return 0;
	}
	it->violations += vm_check_global(m);
	if (!it->violations)
		seq_puts(m, "ok\n");
	return 0;
}

/* ---- waste ---- */

/*
 * Look for a large page from an index on, at RUNS_AT_ONCE pages; moves the index on.
 * Returns false at the end; the folio comes with a reference.
 */
static bool vm_memq_next_large(struct vm_memq *q, pgoff_t *index,
			       struct folio **folio)
{
	struct vm_page *pg;
	int i;

	*folio = NULL;
	spin_lock(&q->lock);
	pg = vm_page_first(q, *index);
	for (i = 0; pg && !*folio && i < RUNS_AT_ONCE; i++) {
		*index = vm_page_end(pg);
		if (pg->order) {
			*folio = pg->folio;
			folio_get(*folio);
		}
		pg = vm_page_next(pg);
	}
	spin_unlock(&q->lock);
	return i;
}

static unsigned long folio_zero_pages(struct folio *folio)
{
	unsigned long i, zero = 0;
	void *kaddr;

	for (i = 0; i < folio_nr_pages(folio); i++) {
		kaddr = kmap_local_page(folio_page(folio, i));
		zero += !memchr_inv(kaddr, 0, PAGE_SIZE);
		kunmap_local(kaddr);
	}
	return zero;
}

static int vmobj_waste_show(struct seq_file *m, void *v)
{
	unsigned long superpages = 0, blocks = 0, pages = 0, zero = 0;
	struct vm_object *object = v;
	struct folio *folio;
	pgoff_t index = 0;

	if (v == SEQ_START_TOKEN || v == VMOBJ_END_TOKEN ||
	    !READ_ONCE(object->memq->large))
		return 0;
	while (vm_memq_next_large(object->memq, &index, &folio)) {
		cond_resched();
		if (!folio)
			continue;
		if (folio_order(folio) == VM_SUPERPAGE_ORDER)
			superpages++;
		else
			blocks++;
		pages += folio_nr_pages(folio);
		zero += folio_zero_pages(folio);
		folio_put(folio);
	}
	seq_printf(m, "object %llu: superpages %lu blocks %lu kib %lu zero_kib %lu\n",
		   object->id, superpages, blocks, pages << (PAGE_SHIFT - 10),
		   zero << (PAGE_SHIFT - 10));
	return 0;
}

/* ---- stats ---- */

static void vmobj_show_live(struct seq_file *m, const char *name,
			    enum vmobj_stat made, enum vmobj_stat gone)
{
	/* Gone first: what is made and goes in between must not count -1. */
	unsigned long minus = vmobj_stat_read(gone);

	seq_printf(m, "%s %lu\n", name, vmobj_stat_read(made) - minus);
}

static int vmobj_stats_show(struct seq_file *m, void *v)
{
	unsigned long gone;
	int i;

	gone = vmobj_stat_read(VMOBJ_OBJECTS_TERMINATED) +
	       vmobj_stat_read(VMOBJ_OBJECTS_COLLAPSED);
	seq_printf(m, "objects %lu\n",
		   vmobj_stat_read(VMOBJ_OBJECTS_CREATED) - gone);
	vmobj_show_live(m, "families", VMOBJ_FAMILIES_CREATED,
			VMOBJ_FAMILIES_DESTROYED);
	vmobj_show_live(m, "maps", VMOBJ_MAPS_CREATED, VMOBJ_MAPS_DESTROYED);
	vmobj_show_live(m, "entries", VMOBJ_ENTRIES_CREATED,
			VMOBJ_ENTRIES_DESTROYED);
	vmobj_show_live(m, "pages", VMOBJ_PAGE_ALLOCS, VMOBJ_PAGE_FREES);
	gone = vmobj_stat_read(VMOBJ_PAGE_FREES) +
	       vmobj_stat_read(VMOBJ_TAIL_FREES);
	seq_printf(m, "resident_kib %lu\n",
		   (vmobj_stat_read(VMOBJ_PAGE_ALLOCS) +
		    vmobj_stat_read(VMOBJ_TAIL_ALLOCS) - gone) <<
		   (PAGE_SHIFT - 10));
	seq_printf(m, "pages_active %lu\n", vm_pageq_count(VM_PAGEQ_ACTIVE));
	seq_printf(m, "pages_inactive %lu\n", vm_pageq_count(VM_PAGEQ_INACTIVE));
	seq_printf(m, "pages_laundry %lu\n", vm_pageq_count(VM_PAGEQ_LAUNDRY));
	seq_printf(m, "pages_cache %lu\n", vm_pageq_count(VM_PAGEQ_CACHE));
	seq_printf(m, "pages_wired %lu\n", vm_page_nr_wired());
	seq_printf(m, "pages_swapped %lu\n", vm_swblk_used());
	seq_printf(m, "worst_hold_ns %llu\n", vmobj_stat_worst_hold());
	for (i = 0; i < VMOBJ_NR_STATS; i++)
		seq_printf(m, "%s %lu\n", vmobj_stat_name(i), vmobj_stat_read(i));
	return 0;
}

static int vmobj_stats_open(struct inode *inode, struct file *file)
{
	return single_open(file, vmobj_stats_show, NULL);
}

/* Whatever is written: the worst time is forgotten.  Counters go on. */
static ssize_t vmobj_stats_write(struct file *file, const char __user *text,
				 size_t length, loff_t *pos)
{
	vmobj_stat_forget_hold();
	return length;
}

static const struct file_operations vmobj_stats_fops = {
	.owner = THIS_MODULE,
	.open = vmobj_stats_open,
	.read = seq_read,
	.write = vmobj_stats_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* ---- swap ---- */

static int vmobj_swap_show(struct seq_file *m, void *v)
{
	vm_swapstore_show(m);
	return 0;
}

static int vmobj_swap_open(struct inode *inode, struct file *file)
{
	return single_open(file, vmobj_swap_show, NULL);
}

static ssize_t vmobj_swap_write(struct file *file, const char __user *text,
				size_t length, loff_t *pos)
{
	char *command;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (length > 2 * PATH_MAX)
		return -E2BIG;
	command = memdup_user_nul(text, length);
	if (IS_ERR(command))
		return PTR_ERR(command);
	err = vm_swapstore_control(command);
	kfree(command);
	return err ?: length;
}

static const struct file_operations vmobj_swap_fops = {
	.owner = THIS_MODULE,
	.open = vmobj_swap_open,
	.read = seq_read,
	.write = vmobj_swap_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* ---- files ---- */

#define VMOBJ_OBJECT_FILE(name)						\
static const struct seq_operations name##_sops = {			\
	.start = vmobj_iter_start,					\
	.next = vmobj_iter_next,					\
	.stop = vmobj_iter_stop,					\
	.show = name##_show,						\
};									\
static int name##_open(struct inode *inode, struct file *file)		\
{									\
	return seq_open_private(file, &name##_sops,			\
				sizeof(struct vmobj_iter));		\
}									\
static const struct file_operations name##_fops = {			\
	.owner = THIS_MODULE,						\
	.open = name##_open,						\
	.read = seq_read,						\
	.llseek = seq_lseek,						\
	.release = seq_release_private,					\
}

VMOBJ_OBJECT_FILE(vmobj_objects);
VMOBJ_OBJECT_FILE(vmobj_pages);
VMOBJ_OBJECT_FILE(vmobj_graph);
VMOBJ_OBJECT_FILE(vmobj_waste);

static const struct seq_operations vmobj_check_sops = {
	.start = vmobj_check_start,
	.next = vmobj_check_next,
	.stop = vmobj_check_stop,
	.show = vmobj_check_show,
};

static int vmobj_check_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &vmobj_check_sops,
				sizeof(struct vmobj_check_iter));
}

static const struct file_operations vmobj_check_fops = {
	.owner = THIS_MODULE,
	.open = vmobj_check_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

void vmobj_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("vmobj", NULL);

	debugfs_create_file("objects", 0400, dir, NULL, &vmobj_objects_fops);
	debugfs_create_file("pages", 0400, dir, NULL, &vmobj_pages_fops);
	debugfs_create_file("graph", 0400, dir, NULL, &vmobj_graph_fops);
	debugfs_create_file("waste", 0400, dir, NULL, &vmobj_waste_fops);
	debugfs_create_file("check", 0400, dir, NULL, &vmobj_check_fops);
	debugfs_create_file("stats", 0600, dir, NULL, &vmobj_stats_fops);
	debugfs_create_file("swap", 0600, dir, NULL, &vmobj_swap_fops);
	vmobj_debugfs_dir = dir;
}

void vmobj_debugfs_exit(void)
{
	debugfs_remove(vmobj_debugfs_dir);
}
