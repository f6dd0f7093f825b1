// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swap stores: the list of them, and who has which block.  See
 * include/vmobj/swapstore.h; what is behind a store is in swapfile.c.
 *
 * A store has a bitmap of blocks that cannot be allocated: they are in use, or bad, or
 * are to be discarded.  Allocation goes on where the last one ended (next fit), so that
 * what is paged out together lies together, and blocks that were freed just now rest.
 *
 * A second bitmap has the blocks that were freed and whose contents the store is to be
 * told of.  A worker does that in runs.  The block stays allocated until it is done, or
 * the hole would be punched into what the next owner has written.
 *
 * Locks:
 *	vm_swblk_lock	spinlock, innermost: list and table of the stores, all blocks,
 *			counts.  Not taken in interrupts
 *	vm_drain_lock	mutex: one store is removed at a time
 *
 * A store with a block that is in use stays.  Who reads may find that its block was freed
 * meanwhile, so I/O is counted, and waited for before a store is closed.
 */
#include <linux/bitmap.h>
#include <linux/ctype.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <vmobj/compat.h>
#include <vmobj/swap.h>
#include <vmobj/swapfile.h>
#include <vmobj/swapstore.h>

#define VM_SWBLK_SHIFT	48	/* the store's number is above, block + 1 below */
#define VM_SWBLK_MASK	(BIT_ULL(VM_SWBLK_SHIFT) - 1)
#define VM_MAX_STORES	32

/* Larger allocations than this are not aligned any better. */
#define VM_SWBLK_ALIGN	512

/*
 * After so many writes in a row that failed a store is left alone for a while: each costs
 * the blocks that were to be written, and another store may be good.
 */
#define VM_STORE_FAILURES	4
#define VM_STORE_REST		HZ

/* Freed blocks that are told to a store at once. */
#define VM_STORE_DISCARDS	256

/* So many free runs are looked at for one that is long enough. */
#define VM_SWBLK_RUNS	64

/**
 * struct vm_swap_store - a store
 * @link: in vm_stores, the highest priority first
 * @name: what it is called
 * @ops: what it can do
 * @data: for @ops
 * @number: place in vm_store_table
 * @priority: of those with room, the store with the highest is used first
 * @blocks: how many it has
 * @used: blocks that somebody has
 * @bad: blocks that could not be written
 * @discards: blocks that wait for @discard_work
 * @discard_low: none of them is before this one
 * @cursor: where the next search begins
 * @map: blocks that are not to be allocated
 * @discard: blocks to be discarded
 * @discard_work: does that
 * @checksums: of each block, or NULL; belongs to who has the block
 * @io: calls of @ops under way
 * @pages: pages read and written
 * @calls: calls that did it
 * @failures: writes in a row that failed
 * @rests: until then, in jiffies, it is not written to, if there were too many of them
 * @draining: is being removed: no allocation
 */
struct vm_swap_store {
	struct list_head link;
	const char *name;
	const struct vm_store_ops *ops;
	void *data;
	unsigned int number;
	int priority;
	unsigned long blocks;
	unsigned long used;
	unsigned long bad;
	unsigned long discards;
	unsigned long discard_low;
	unsigned long cursor;
	unsigned long *map;
	unsigned long *discard;
	struct delayed_work discard_work;
	u32 *checksums;
	unsigned int io;
	unsigned long pages[2];
	unsigned long calls[2];
	unsigned int failures;
	unsigned long rests;
	bool draining;
};

static LIST_HEAD(vm_stores);
static struct vm_swap_store *vm_store_table[VM_MAX_STORES];
static DEFINE_SPINLOCK(vm_swblk_lock);
static DEFINE_MUTEX(vm_drain_lock);
static DECLARE_WAIT_QUEUE_HEAD(vm_stores_wait);	/* for @used or @io to be 0 */

/* ---- blocks ---- */

static unsigned long vm_swblk_index(vm_swblk_t blk)
{
	return (blk & VM_SWBLK_MASK) - 1;
}

/* The store of a block; stable as long as the block is in use. */
static struct vm_swap_store *vm_swblk_store(vm_swblk_t blk)
{
	unsigned int number = blk >> VM_SWBLK_SHIFT;

	if (!(blk & VM_SWBLK_MASK) || number >= VM_MAX_STORES)
		return NULL;
	return READ_ONCE(vm_store_table[number]);
}

/* Blocks that can be allocated at once. */
static unsigned long vm_store_free_blocks(const struct vm_swap_store *store)
{
	return store->blocks - store->used - store->bad - store->discards;
}

/*
 * The first @nr free blocks in a row that are aligned well, or the most in a row that
 * there are among the next runs.  Returns how many.
 */
static unsigned int vm_store_find(const struct vm_swap_store *store,
				  unsigned int nr, unsigned long *first)
{
	unsigned long align = min_t(unsigned long, roundup_pow_of_two(nr),
				    VM_SWBLK_ALIGN);
	unsigned long pos = store->cursor, start, end;
	unsigned int runs = VM_SWBLK_RUNS, most = 0;
	bool wrapped = false;

	while (runs--) {
		start = find_next_zero_bit(store->map, store->blocks, pos);
		if (start >= store->blocks) {
			if (wrapped)
				break;
			wrapped = true;
			pos = 0;
			continue;
		}
		end = min(store->blocks, start + align + nr);
		end = find_next_bit(store->map, end, start);
		if (ALIGN(start, align) + nr <= end) {
			*first = ALIGN(start, align);
			return nr;
		}
		if (end - start > most) {
			most = end - start;
			*first = start;
		}
		pos = end;
	}
	return min(most, nr);
}

/* Can blocks be allocated? */
static bool vm_store_usable(const struct vm_swap_store *store)
{
	if (store->draining || !vm_store_free_blocks(store))
		return false;
	return READ_ONCE(store->failures) < VM_STORE_FAILURES ||
	       time_after(jiffies, READ_ONCE(store->rests));
}

/* A write that failed for want of memory says nothing about the store. */
static void vm_store_note_write(struct vm_swap_store *store, int err)
{
	unsigned int failures = READ_ONCE(store->failures);

	if (!err) {
		if (failures)
			WRITE_ONCE(store->failures, 0);
	} else if (err != -ENOMEM && err != -EINTR) {
		WRITE_ONCE(store->failures, failures + 1);
		WRITE_ONCE(store->rests, jiffies + VM_STORE_REST);
	}
}

static unsigned int vm_store_alloc(struct vm_swap_store *store,
				   unsigned int nr, vm_swblk_t *first)
{
	unsigned long index = 0;

	if (!vm_store_usable(store))
		return 0;
	nr = vm_store_find(store, nr, &index);
	bitmap_set(store->map, index, nr);
	store->used += nr;
	store->cursor = index + nr;
	*first = ((u64)store->number << VM_SWBLK_SHIFT) | (index + 1);
	return nr;
}

unsigned int vm_swblk_alloc(unsigned int nr, vm_swblk_t *first)
{
	struct vm_swap_store *store;
	unsigned int got = 0;

	spin_lock(&vm_swblk_lock);
	list_for_each_entry(store, &vm_stores, link) {
		got = vm_store_alloc(store, nr, first);
		if (got)
			break;
	}
	spin_unlock(&vm_swblk_lock);
	return got;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_alloc);

/* Are these blocks that somebody has?  Bad ones cannot be told from them. */
static bool vm_store_has(const struct vm_swap_store *store,
			 unsigned long index, unsigned int nr)
{
	unsigned long end = index + nr;

	return end <= store->blocks && store->used >= nr &&
	       find_next_zero_bit(store->map, end, index) >= end &&
	       (!store->discards ||
		find_next_bit(store->discard, end, index) >= end);
}

/* Returns true if this was what somebody waits for. */
static bool vm_store_unuse(struct vm_swap_store *store, unsigned int nr)
{
	store->used -= nr;
	return store->draining && !store->used;
}

/*
 * Blocks are freed one after the other, and told to the store together: that is one run of
 * the worker, and mostly one run of blocks.  A jiffy, or so many of them, are not waited for
 * in vain by who needs their memory.
 */
static void vm_store_discard_soon(struct vm_swap_store *store)
{
	if (store->discards < VM_STORE_DISCARDS)
		queue_delayed_work(vm_swap_wq, &store->discard_work, 1);
	else
		mod_delayed_work(vm_swap_wq, &store->discard_work, 0);
}

void vm_swblk_free(vm_swblk_t first, unsigned int nr)
{
	unsigned long index = vm_swblk_index(first);
	struct vm_swap_store *store;
	bool last = false;

	spin_lock(&vm_swblk_lock);
	store = vm_swblk_store(first);
	if (!WARN_ON_ONCE(!store || !vm_store_has(store, index, nr))) {
		if (store->ops->discard) {
			bitmap_set(store->discard, index, nr);
			if (!store->discards || index < store->discard_low)
				store->discard_low = index;
			store->discards += nr;
			vm_store_discard_soon(store);
		} else {
			bitmap_clear(store->map, index, nr);
		}
		last = vm_store_unuse(store, nr);
	}
	spin_unlock(&vm_swblk_lock);
	if (last)
		wake_up_all(&vm_stores_wait);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_free);

void vm_swblk_spoil(vm_swblk_t blk)
{
	struct vm_swap_store *store;
	bool last = false;

	spin_lock(&vm_swblk_lock);
	store = vm_swblk_store(blk);
	if (!WARN_ON_ONCE(!store ||
			  !vm_store_has(store, vm_swblk_index(blk), 1))) {
		store->bad++;
		last = vm_store_unuse(store, 1);
	}
	spin_unlock(&vm_swblk_lock);
	if (last)
		wake_up_all(&vm_stores_wait);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_spoil);

bool vm_swblk_draining(vm_swblk_t blk)
{
	struct vm_swap_store *store = vm_swblk_store(blk);

	return store && READ_ONCE(store->draining);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_draining);

bool vm_swblk_keeps(vm_swblk_t blk)
{
	struct vm_swap_store *store = vm_swblk_store(blk);

	return store && !store->ops->in_memory && !READ_ONCE(store->draining) &&
	       vm_store_free_blocks(store) > store->blocks / 2;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_keeps);

bool vm_swblk_fast(vm_swblk_t blk)
{
	struct vm_swap_store *store = vm_swblk_store(blk);

	return store && store->ops->fast;
}

unsigned long vm_swblk_used(void)
{
	struct vm_swap_store *store;
	unsigned long used = 0;

	spin_lock(&vm_swblk_lock);
	list_for_each_entry(store, &vm_stores, link)
		used += store->used;
	spin_unlock(&vm_swblk_lock);
	return used;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_used);

/* What is being discarded can be allocated in a moment. */
unsigned long vm_swblk_room(void)
{
	struct vm_swap_store *store;
	unsigned long room = 0;
	bool none;

	spin_lock(&vm_swblk_lock);
	none = list_empty(&vm_stores);
	list_for_each_entry(store, &vm_stores, link)
		if (!store->draining)
			room += store->blocks - store->used - store->bad;
	spin_unlock(&vm_swblk_lock);
	return none ? vm_swapshmem_blocks() : room;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_room);

bool vm_swapstore_frees(void)
{
	struct vm_swap_store *store;
	bool in_memory = false, frees = false;

	spin_lock(&vm_swblk_lock);
	if (list_empty(&vm_stores))
		in_memory = vm_swapshmem_blocks();
	list_for_each_entry(store, &vm_stores, link) {
		if (!vm_store_usable(store))
			continue;
		if (store->ops->in_memory)
			in_memory = true;
		else
			frees = true;
	}
	spin_unlock(&vm_swblk_lock);
	return frees || (in_memory && get_nr_swap_pages() > 0);
}

bool vm_swapstore_in_memory(void)
{
	struct vm_swap_store *store;
	bool in_memory = true;

	spin_lock(&vm_swblk_lock);
	list_for_each_entry(store, &vm_stores, link) {
		if (!vm_store_usable(store))
			continue;
		in_memory = store->ops->in_memory;
		break;
	}
	spin_unlock(&vm_swblk_lock);
	return in_memory;
}

/* ---- discarding ---- */

/* Take the first run of blocks to be discarded.  Returns how many there are, or 0. */
static unsigned long vm_store_next_discard(struct vm_swap_store *store,
					   unsigned long *first)
{
	unsigned long end = 0;

	spin_lock(&vm_swblk_lock);
	/* A store has many words of bits: no look at them in vain. */
	if (store->discards) {
		*first = find_next_bit(store->discard, store->blocks,
				       store->discard_low);
		end = find_next_zero_bit(store->discard, store->blocks, *first);
		bitmap_clear(store->discard, *first, end - *first);
		store->discard_low = end;
	}
	spin_unlock(&vm_swblk_lock);
	return end ? end - *first : 0;
}

static void vm_store_discard(struct work_struct *work)
{
	struct vm_swap_store *store = container_of(work, struct vm_swap_store,
						   discard_work.work);
	unsigned long first, nr;

	while ((nr = vm_store_next_discard(store, &first))) {
		store->ops->discard(store->data, first, nr);
		spin_lock(&vm_swblk_lock);
		bitmap_clear(store->map, first, nr);
		store->discards -= nr;
		spin_unlock(&vm_swblk_lock);
		cond_resched();
	}
}

/* ---- I/O ---- */

static struct vm_swap_store *vm_store_begin_io(vm_swblk_t first,
					       unsigned int nr)
{
	struct vm_swap_store *store;

	spin_lock(&vm_swblk_lock);
	store = vm_swblk_store(first);
	if (store && vm_swblk_index(first) + nr > store->blocks)
		store = NULL;
	if (store)
		store->io++;
	spin_unlock(&vm_swblk_lock);
	return store;
}

static void vm_store_end_io(struct vm_swap_store *store, bool write,
			    unsigned int pages, unsigned int calls)
{
	bool last;

	spin_lock(&vm_swblk_lock);
	store->pages[write] += pages;
	store->calls[write] += calls;
	last = !--store->io;
	spin_unlock(&vm_swblk_lock);
	if (last)
		wake_up_all(&vm_stores_wait);
}

static struct crypto_shash *vm_crc32c;

static u32 vm_page_checksum(struct page *page)
{
	void *data = kmap_local_page(page);
	u32 sum = compat_crc32c(vm_crc32c, data, PAGE_SIZE);

	kunmap_local(data);
	return sum;
}

static int vm_store_write(struct vm_swap_store *store, unsigned long index,
			  struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; store->checksums && i < nr; i++)
		store->checksums[index + i] = vm_page_checksum(pages[i]);
	return store->ops->write(store->data, index, pages, nr);
}

static int vm_store_read(struct vm_swap_store *store, unsigned long index,
			 struct page **pages, unsigned int nr)
{
	int err = store->ops->read(store->data, index, pages, nr);
	unsigned int i;

	for (i = 0; !err && store->checksums && i < nr; i++)
		if (store->checksums[index + i] != vm_page_checksum(pages[i]))
			err = -EBADMSG;
	return err;
}

static int vm_swblk_io(vm_swblk_t first, struct page **pages, unsigned int nr,
		       bool write)
{
	struct vm_swap_store *store = vm_store_begin_io(first, nr);
	unsigned int done = 0, calls = 0, most, n;
	unsigned long index = vm_swblk_index(first);
	int err = 0;

	if (!store)
		return -ENXIO;
	most = store->ops->most ?: VM_STORE_PAGES;
	for (; done < nr; done += n, calls++) {
		n = min(nr - done, most);
		if (write)
			err = vm_store_write(store, index + done, pages + done,
					     n);
		else
			err = vm_store_read(store, index + done, pages + done,
					    n);
		if (err)
			break;
	}
	if (write)
		vm_store_note_write(store, err);
	vm_store_end_io(store, write, done, calls);
	return err;
}

int vm_swblk_write(vm_swblk_t first, struct page **pages, unsigned int nr)
{
	might_sleep();
	return vm_swblk_io(first, pages, nr, true);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_write);

int vm_swblk_read(vm_swblk_t first, struct page **pages, unsigned int nr)
{
	might_sleep();
	return vm_swblk_io(first, pages, nr, false);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swblk_read);

/* ---- stores ---- */

static void vm_store_free(struct vm_swap_store *store)
{
	vfree(store->checksums);
	vfree(store->discard);
	vfree(store->map);
	kfree(store->name);
	kfree(store);
}

static struct vm_swap_store *vm_store_new(const char *name,
					  const struct vm_store_ops *ops,
					  unsigned long blocks, bool checksums)
{
	struct vm_swap_store *store = kzalloc(sizeof(*store), GFP_KERNEL);
	size_t longs = BITS_TO_LONGS(blocks);

	if (!store)
		return NULL;
	store->blocks = blocks;
	store->name = kstrdup(name, GFP_KERNEL);
	store->map = vcalloc(longs, sizeof(long));
	if (ops->discard)
		store->discard = vcalloc(longs, sizeof(long));
	if (checksums)
		store->checksums = vcalloc(blocks, sizeof(u32));
	if (store->name && store->map && !store->discard == !ops->discard &&
	    !store->checksums == !checksums)
		return store;
	vm_store_free(store);
	return NULL;
}

static struct vm_swap_store *vm_store_named(const char *name)
{
	struct vm_swap_store *store;

	list_for_each_entry(store, &vm_stores, link)
		if (!strcmp(store->name, name))
			return store;
	return NULL;
}

/* Behind all whose priority is not lower. */
static void vm_store_insert(struct vm_swap_store *store)
{
	struct vm_swap_store *other;

	list_for_each_entry(other, &vm_stores, link)
		if (other->priority < store->priority)
			break;
	list_add_tail(&store->link, &other->link);
	vm_store_table[store->number] = store;
}

static int vm_store_register(struct vm_swap_store *store)
{
	unsigned int number = 0;
	int err = 0;

	spin_lock(&vm_swblk_lock);
	while (number < VM_MAX_STORES && vm_store_table[number])
		number++;
	store->number = number;
	if (vm_store_named(store->name))
		err = -EEXIST;
	else if (number == VM_MAX_STORES)
		err = -ENOSPC;
	else
		vm_store_insert(store);
	spin_unlock(&vm_swblk_lock);
	return err;
}

int vm_swapstore_add(const char *name, const struct vm_store_ops *ops,
		     void *data, unsigned long blocks, bool checksums,
		     int priority)
{
	struct vm_swap_store *store;
	int err;

	if (!blocks || blocks >= VM_SWBLK_MASK)
		return -EINVAL;
	store = vm_store_new(name, ops, blocks, checksums);
	if (!store)
		return -ENOMEM;
	store->ops = ops;
	store->data = data;
	store->priority = priority;
	INIT_DELAYED_WORK(&store->discard_work, vm_store_discard);
	err = vm_store_register(store);
	if (err)
		vm_store_free(store);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swapstore_add);

/* Nobody has a block of it any more, and nobody will get one. */
static void vm_store_close(struct vm_swap_store *store)
{
	spin_lock(&vm_swblk_lock);
	list_del(&store->link);
	WRITE_ONCE(vm_store_table[store->number], NULL);
	spin_unlock(&vm_swblk_lock);
	wait_event(vm_stores_wait, !READ_ONCE(store->io));
	flush_delayed_work(&store->discard_work);
	if (store->ops->close)
		store->ops->close(store->data);
	vm_store_free(store);
}

/*
 * Blocks that the pager cannot bring back belong to who has just allocated them, and
 * gives them back when it sees that they are draining.
 */
static int vm_store_drain(struct vm_swap_store *store)
{
	int err;

	do {
		err = vm_swap_drain();
		if (err)
			return err;
		wait_event_interruptible_timeout(vm_stores_wait,
						 !READ_ONCE(store->used),
						 HZ / 10);
		if (signal_pending(current))
			return -EINTR;
	} while (READ_ONCE(store->used));
	return 0;
}

/* Returns NULL and an error if it cannot be removed now. */
static struct vm_swap_store *vm_store_start_drain(const char *name, int *err)
{
	struct vm_swap_store *store;

	*err = -ENOENT;
	spin_lock(&vm_swblk_lock);
	store = vm_store_named(name);
	if (store && store->draining) {
		*err = -EBUSY;
		store = NULL;
	}
	if (store)
		WRITE_ONCE(store->draining, true);
	spin_unlock(&vm_swblk_lock);
	return store;
}

int vm_swapstore_remove(const char *name)
{
	struct vm_swap_store *store;
	int err;

	store = vm_store_start_drain(name, &err);
	if (!store)
		return err;
	err = mutex_lock_interruptible(&vm_drain_lock);
	if (!err) {
		err = vm_store_drain(store);
		mutex_unlock(&vm_drain_lock);
	}
	if (err) {
		WRITE_ONCE(store->draining, false);
		return err;
	}
	vm_store_close(store);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swapstore_remove);

int vm_swapstore_prepare(void)
{
	int err;

	if (!list_empty_careful(&vm_stores))
		return 0;
	err = vm_swapshmem_add();
	return err == -EEXIST ? 0 : err;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swapstore_prepare);

int vm_swapstore_init(void)
{
	int err;

	vm_crc32c = compat_crc32c_init();
	err = vm_swapfile_init();
	if (err)
		vm_swapstore_exit();
	return err;
}

void vm_swapstore_exit(void)
{
	struct vm_swap_store *store, *next;

	list_for_each_entry_safe(store, next, &vm_stores, link) {
		WARN_ON(store->used);
		vm_store_close(store);
	}
	vm_swapfile_exit();
	compat_crc32c_exit(vm_crc32c);
}

/* ---- what an administrator sees and does ---- */

static void vm_store_show(struct seq_file *m, struct vm_swap_store *store)
{
	seq_escape(m, store->name, " \t\n\\");
	seq_printf(m, " %s %lu %lu %lu %d %lu %lu %lu %lu%s\n",
		   store->ops->type, store->blocks, store->used, store->bad,
		   store->priority, store->pages[0], store->calls[0],
		   store->pages[1], store->calls[1],
		   store->draining ? " draining" : "");
}

void vm_swapstore_show(struct seq_file *m)
{
	struct vm_swap_store *store;

	seq_puts(m, "name type blocks used bad priority pages_read reads pages_written writes\n");
	spin_lock(&vm_swblk_lock);
	list_for_each_entry(store, &vm_stores, link)
		vm_store_show(m, store);
	spin_unlock(&vm_swblk_lock);
}
EXPORT_SYMBOL_IF_KUNIT(vm_swapstore_show);

/* The next word, with blanks and the like as vm_swapstore_show() shows them. */
static char *vm_control_word(char **text)
{
	char *word = skip_spaces(*text), *end = word;

	while (*end && !isspace(*end))
		end++;
	*text = end;
	if (*end)
		*(*text)++ = 0;
	string_unescape_inplace(word, UNESCAPE_OCTAL);
	return word;
}

int vm_swapstore_control(char *command)
{
	char *what = vm_control_word(&command);
	char *name = vm_control_word(&command);
	char *number = vm_control_word(&command);
	int priority = 0;

	if (!*name || *skip_spaces(command))
		return -EINVAL;
	if (!strcmp(what, "add")) {
		if (*number && kstrtoint(number, 10, &priority))
			return -EINVAL;
		return vm_swapfile_add(name, priority);
	}
	if (!strcmp(what, "remove") && !*number)
		return vm_swapfile_remove(name);
	return -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(vm_swapstore_control);
