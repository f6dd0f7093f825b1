// SPDX-License-Identifier: GPL-2.0-only
/*
 * Swap stores: who has which block, and what is read is what was written.  The store is
 * an array; it has the highest priority, so blocks come from it as long as it has any.
 */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>
#include <linux/workqueue.h>

#include <vmobj/compat.h>
#include <vmobj/swapstore.h>

#define NAME		"kunit"
#define BLOCKS		1024UL
#define CLUSTER		16U
#define PRIORITY	1000
#define STORE_MASK	0xffffffffULL	/* of a block, without its store */
#define NUMBER(i)	(100 + (i))	/* what is written to block i */

/**
 * struct stub - a store for tests
 * @test: the test
 * @data: a number for each block
 * @base: the store's first block
 * @reads: calls of read
 * @writes: calls of write
 * @most: most pages in one call
 * @discarded: how often each block was discarded
 * @discards: calls of discard
 * @hold: discards wait for it
 * @flip: the block whose data changes, or -1
 * @error: what reads and writes return
 * @closed: calls of close
 */
struct stub {
	struct kunit *test;
	u64 data[BLOCKS];
	vm_swblk_t base;
	unsigned int reads;
	unsigned int writes;
	unsigned int most;
	unsigned int discarded[BLOCKS];
	unsigned int discards;
	struct completion *hold;
	long flip;
	int error;
	unsigned int closed;
};

static int stub_read(void *data, unsigned long first, struct page **pages,
		     unsigned int nr)
{
	struct stub *stub = data;
	unsigned int i;

	stub->reads++;
	stub->most = max(stub->most, nr);
	for (i = 0; i < nr; i++) {
		u64 *p = kmap_local_page(pages[i]);

		memset(p, 0, PAGE_SIZE);
		*p = stub->data[first + i];
		if (stub->flip == first + i)
			p[100] ^= 1;
		kunmap_local(p);
	}
	return stub->error;
}

static int stub_write(void *data, unsigned long first, struct page **pages,
		      unsigned int nr)
{
	struct stub *stub = data;
	unsigned int i;

	stub->writes++;
	stub->most = max(stub->most, nr);
	for (i = 0; i < nr; i++) {
		u64 *p = kmap_local_page(pages[i]);

		stub->data[first + i] = *p;
		kunmap_local(p);
	}
	return stub->error;
}

static void stub_discard(void *data, unsigned long first, unsigned long nr)
{
	struct stub *stub = data;

	if (stub->hold)
		wait_for_completion(stub->hold);
	stub->discards++;
	while (nr--)
		stub->discarded[first++]++;
}

static void stub_close(void *data)
{
	((struct stub *)data)->closed++;
}

static const struct vm_store_ops plain_ops = {
	.type = "stub",
	.read = stub_read,
	.write = stub_write,
	.close = stub_close,
};

static const struct vm_store_ops discard_ops = {
	.type = "stub",
	.in_memory = true,
	.read = stub_read,
	.write = stub_write,
	.discard = stub_discard,
	.close = stub_close,
};

static struct stub *stub_add(struct kunit *test, const char *name,
			     const struct vm_store_ops *ops, int priority)
{
	struct stub *stub = kunit_kzalloc(test, sizeof(*stub), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, stub);
	stub->test = test;
	stub->flip = -1;
	KUNIT_ASSERT_EQ(test, 0, vm_swapstore_add(name, ops, stub, BLOCKS,
						  true, priority));
	return stub;
}

/* Ends each test: nobody has a block of it. */
static void stub_end(struct stub *stub, const char *name)
{
	struct kunit *test = stub->test;

	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove(name));
	KUNIT_EXPECT_EQ(test, 1U, stub->closed);
	KUNIT_EXPECT_EQ(test, -ENOENT, vm_swapstore_remove(name));
}

/* Allocate from this store; 0 if it is full, even if another is not. */
static unsigned int stub_alloc(struct stub *stub, unsigned int nr,
			       unsigned long *index)
{
	vm_swblk_t blk = VM_SWBLK_NONE;
	unsigned int got = vm_swblk_alloc(nr, &blk);

	if (!got)
		return 0;
	KUNIT_EXPECT_LE(stub->test, got, nr);
	if (!stub->base)
		stub->base = (blk & ~STORE_MASK) + 1;
	*index = blk - stub->base;
	if (blk >= stub->base && *index < BLOCKS)
		return got;
	vm_swblk_free(blk, got);
	return 0;
}

static void stub_free(struct stub *stub, unsigned long index, unsigned int nr)
{
	vm_swblk_free(stub->base + index, nr);
}

/* Take all that there is, one by one. */
static void stub_fill(struct stub *stub)
{
	unsigned long index;
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		KUNIT_ASSERT_EQ(stub->test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_ASSERT_EQ(stub->test, 0U, stub_alloc(stub, 1, &index));
}

static void settles(struct kunit *test, unsigned int *what, unsigned int wanted)
{
	int tries = 500;

	while (READ_ONCE(*what) != wanted && tries--)
		msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(*what), wanted);
}

/* Fails if clusters are cut, not aligned, or given out twice. */
static void alloc_gives_clusters(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index, i;

	for (i = 0; i < BLOCKS / CLUSTER; i++) {
		KUNIT_ASSERT_EQ(test, CLUSTER,
				stub_alloc(stub, CLUSTER, &index));
		KUNIT_ASSERT_EQ(test, i * CLUSTER, index);
	}
	KUNIT_EXPECT_EQ(test, 0U, stub_alloc(stub, CLUSTER, &index));
	for (i = 0; i < BLOCKS / CLUSTER; i++)
		stub_free(stub, i * CLUSTER, CLUSTER);
	stub_end(stub, NAME);
}

/* Fails if a superpage's blocks are not aligned, or single pages are spread out. */
static void alloc_aligns(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index;

	KUNIT_EXPECT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_EQ(test, 1UL, index);
	KUNIT_EXPECT_EQ(test, CLUSTER, stub_alloc(stub, CLUSTER, &index));
	KUNIT_EXPECT_EQ(test, 16UL, index);
	KUNIT_EXPECT_EQ(test, 512U, stub_alloc(stub, 512, &index));
	KUNIT_EXPECT_EQ(test, 512UL, index);
	stub_free(stub, 0, 2);
	stub_free(stub, 16, CLUSTER);
	stub_free(stub, 512, 512);
	stub_end(stub, NAME);
}

/* Fails if blocks freed behind the cursor are not found again, or too early. */
static void alloc_wraps_around(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index;

	KUNIT_ASSERT_EQ(test, 512U, stub_alloc(stub, 512, &index));
	stub_free(stub, 0, 512);
	KUNIT_EXPECT_EQ(test, 512U, stub_alloc(stub, 512, &index));
	KUNIT_EXPECT_EQ(test, 512UL, index);
	KUNIT_EXPECT_EQ(test, CLUSTER, stub_alloc(stub, CLUSTER, &index));
	KUNIT_EXPECT_EQ(test, 0UL, index);
	stub_free(stub, 0, CLUSTER);
	stub_free(stub, 512, 512);
	stub_end(stub, NAME);
}

/* Fails if what is free cannot be had because it is in pieces. */
static void alloc_of_fragments(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index, i;

	stub_fill(stub);
	for (i = 0; i < BLOCKS; i += 2)
		stub_free(stub, i, 1);
	for (i = 0; i < BLOCKS; i += 2) {
		KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, CLUSTER, &index));
		KUNIT_ASSERT_EQ(test, 0UL, index % 2);
	}
	KUNIT_EXPECT_EQ(test, 0U, stub_alloc(stub, CLUSTER, &index));

	/* The longest piece that is near. */
	stub_free(stub, 3, 1);
	stub_free(stub, 101, 5);
	KUNIT_EXPECT_EQ(test, 5U, stub_alloc(stub, CLUSTER, &index));
	KUNIT_EXPECT_EQ(test, 101UL, index);
	stub_free(stub, 0, 3);
	stub_free(stub, 4, BLOCKS - 4);
	stub_end(stub, NAME);
}

/* Fails if the order of stores is not that of their priorities. */
static void alloc_by_priority(struct kunit *test)
{
	struct stub *low = stub_add(test, "low", &plain_ops, PRIORITY - 1);
	struct stub *high = stub_add(test, "high", &plain_ops, PRIORITY);
	struct stub *later = stub_add(test, "later", &plain_ops, PRIORITY);
	unsigned long index;

	stub_fill(high);
	KUNIT_EXPECT_EQ(test, CLUSTER, stub_alloc(later, CLUSTER, &index));
	stub_free(later, index, CLUSTER);
	stub_free(high, 7, 1);
	KUNIT_EXPECT_EQ(test, 1U, stub_alloc(high, CLUSTER, &index));
	stub_fill(later);
	KUNIT_EXPECT_EQ(test, 1U, stub_alloc(low, 1, &index));
	stub_free(low, index, 1);
	stub_free(high, 0, BLOCKS);
	stub_free(later, 0, BLOCKS);
	stub_end(high, "high");
	stub_end(later, "later");
	stub_end(low, "low");
}

/* Fails if used blocks and room are counted wrong. */
static void counts(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long used = vm_swblk_used(), index;
	unsigned long room = vm_swblk_room() - BLOCKS;	/* of others */

	KUNIT_ASSERT_EQ(test, CLUSTER, stub_alloc(stub, CLUSTER, &index));
	KUNIT_EXPECT_EQ(test, used + CLUSTER, vm_swblk_used());
	KUNIT_EXPECT_EQ(test, room + BLOCKS - CLUSTER, vm_swblk_room());
	vm_swblk_spoil(stub->base + 5);
	KUNIT_EXPECT_EQ(test, used + CLUSTER - 1, vm_swblk_used());
	KUNIT_EXPECT_EQ(test, room + BLOCKS - CLUSTER, vm_swblk_room());
	stub_free(stub, 0, 5);
	stub_free(stub, 6, CLUSTER - 6);
	KUNIT_EXPECT_EQ(test, used, vm_swblk_used());
	KUNIT_EXPECT_EQ(test, room + BLOCKS - 1, vm_swblk_room());
	stub_end(stub, NAME);
	KUNIT_EXPECT_EQ(test, used, vm_swblk_used());
}

/* Fails if a bad block is used again. */
static void spoiled_blocks_are_left_alone(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index, i;

	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	vm_swblk_spoil(stub->base);
	for (i = 1; i < BLOCKS; i++) {
		KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
		KUNIT_ASSERT_NE(test, 0UL, index);
	}
	KUNIT_EXPECT_EQ(test, 0U, stub_alloc(stub, 1, &index));
	stub_free(stub, 1, BLOCKS - 1);
	stub_end(stub, NAME);
}

/* Fails if blocks are given out again while they are being discarded, or never. */
static void freed_blocks_are_discarded(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &discard_ops, PRIORITY);
	DECLARE_COMPLETION_ONSTACK(hold);
	unsigned long index, i;
	unsigned int got = 0;

	stub_fill(stub);
	stub->hold = &hold;
	stub_free(stub, 32, CLUSTER);
	stub_free(stub, 48, CLUSTER);
	msleep(50);
	KUNIT_EXPECT_EQ(test, 0U, stub_alloc(stub, 1, &index));
	complete_all(&hold);
	for (i = 0; i < 500 && !got; i++) {
		got = stub_alloc(stub, 2 * CLUSTER, &index);
		if (!got)
			msleep(20);
	}
	KUNIT_EXPECT_GE(test, got, CLUSTER);
	for (i = 0; i < BLOCKS; i++)
		KUNIT_EXPECT_LE(test, stub->discarded[i],
				(unsigned int)(i >= 32 && i < 64));
	stub_free(stub, 0, 32);
	stub_free(stub, 64, BLOCKS - 64);
	stub_free(stub, index, got);
	stub_end(stub, NAME);
}

/* Fails if a run that was freed in pieces is discarded in as many. */
static void discards_are_put_together(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &discard_ops, PRIORITY);
	DECLARE_COMPLETION_ONSTACK(hold);
	unsigned int i;

	stub_fill(stub);
	stub->hold = &hold;
	stub_free(stub, 0, 1);
	msleep(50);		/* it is at work on that one */
	for (i = 10; i < 100; i++)
		stub_free(stub, i, 1);
	complete_all(&hold);
	settles(test, &stub->discarded[99], 1);
	KUNIT_EXPECT_EQ(test, 2U, stub->discards);
	stub_free(stub, 1, 9);
	stub_free(stub, 100, BLOCKS - 100);
	stub_end(stub, NAME);
}

/* Fails if a store is not told of blocks that were freed just before it is removed. */
static void removed_stores_are_discarded(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &discard_ops, PRIORITY);
	unsigned int i;

	stub_fill(stub);
	for (i = BLOCKS; i--; )
		stub_free(stub, i, 1);
	stub_end(stub, NAME);
	for (i = 0; i < BLOCKS; i++)
		KUNIT_EXPECT_EQ(test, 1U, stub->discarded[i]);
}

/* ---- I/O ---- */

static struct page **pages_make(struct kunit *test, unsigned int nr)
{
	struct page **pages = kunit_kcalloc(test, nr, sizeof(*pages),
					    GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO | __GFP_ACCOUNT);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	return pages;
}

static void pages_end(struct page **pages, unsigned int nr)
{
	while (nr--)
		__free_page(pages[nr]);
}

static void pages_set(struct page **pages, unsigned int nr, u64 value)
{
	while (nr--) {
		u64 *p = kmap_local_page(pages[nr]);

		*p = value ? value + nr : 0;
		kunmap_local(p);
	}
}

static void pages_expect(struct kunit *test, struct page **pages,
			 unsigned int nr, u64 value)
{
	while (nr--) {
		u64 *p = kmap_local_page(pages[nr]);

		KUNIT_EXPECT_EQ(test, value + nr, *p);
		kunmap_local(p);
	}
}

/* Fails if pages are exchanged, or too many are asked for at once. */
static void io_of_many_pages(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned int nr = 2 * VM_STORE_PAGES + 3;
	struct page **pages = pages_make(test, nr);
	unsigned long index;

	KUNIT_ASSERT_EQ(test, nr, stub_alloc(stub, nr, &index));
	pages_set(pages, nr, NUMBER(0));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_write(stub->base + index, pages, nr));
	pages_set(pages, nr, 0);
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(stub->base + index, pages, nr));
	pages_expect(test, pages, nr, NUMBER(0));
	KUNIT_EXPECT_EQ(test, 0,
			vm_swblk_read(stub->base + index + 7, pages, 5));
	pages_expect(test, pages, 5, NUMBER(7));
	KUNIT_EXPECT_EQ(test, (unsigned int)VM_STORE_PAGES, stub->most);
	KUNIT_EXPECT_EQ(test, 3U, stub->writes);
	KUNIT_EXPECT_EQ(test, 4U, stub->reads);
	stub_free(stub, index, nr);
	pages_end(pages, nr);
	stub_end(stub, NAME);
}

/* Fails if data that changed on the store is taken for good. */
static void checksums(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	struct page **pages = pages_make(test, CLUSTER);
	unsigned long index;

	KUNIT_ASSERT_EQ(test, CLUSTER, stub_alloc(stub, CLUSTER, &index));
	pages_set(pages, CLUSTER, NUMBER(0));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_write(stub->base, pages, CLUSTER));
	stub->flip = 9;
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			vm_swblk_read(stub->base, pages, CLUSTER));
	KUNIT_EXPECT_EQ(test, -EBADMSG,
			vm_swblk_read(stub->base + 9, pages, 1));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(stub->base, pages, 9));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(stub->base + 10, pages, 6));
	stub->flip = -1;
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(stub->base, pages, CLUSTER));
	stub_free(stub, 0, CLUSTER);
	pages_end(pages, CLUSTER);
	stub_end(stub, NAME);
}

/* Fails if an error of the store gets lost, or a store that has gone is touched. */
static void io_errors(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	struct page **pages = pages_make(test, 1);
	unsigned long index;

	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	stub->error = -EIO;
	KUNIT_EXPECT_EQ(test, -EIO, vm_swblk_write(stub->base, pages, 1));
	KUNIT_EXPECT_EQ(test, -EIO, vm_swblk_read(stub->base, pages, 1));
	stub->error = 0;
	KUNIT_EXPECT_EQ(test, -ENXIO,
			vm_swblk_read(stub->base + BLOCKS, pages, 1));
	stub_free(stub, 0, 1);
	stub_end(stub, NAME);
	KUNIT_EXPECT_EQ(test, -ENXIO, vm_swblk_read(stub->base, pages, 1));
	KUNIT_EXPECT_EQ(test, -ENXIO, vm_swblk_read(VM_SWBLK_NONE, pages, 1));
	KUNIT_EXPECT_FALSE(test, vm_swblk_draining(stub->base));
	pages_end(pages, 1);
}

/* Does it pay?  Fails if the answer does not depend on the room. */
static void keeps_blocks_while_there_is_room(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index, i;

	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_TRUE(test, vm_swblk_keeps(stub->base));
	for (i = 1; i < BLOCKS / 2; i++)
		KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_FALSE(test, vm_swblk_keeps(stub->base));
	stub_free(stub, 1, BLOCKS / 2 - 1);
	KUNIT_EXPECT_TRUE(test, vm_swblk_keeps(stub->base));
	stub_free(stub, 0, 1);
	stub_end(stub, NAME);

	stub = stub_add(test, NAME, &discard_ops, PRIORITY);
	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_FALSE(test, vm_swblk_keeps(stub->base));
	stub_free(stub, 0, 1);
	stub_end(stub, NAME);
}

/* ---- adding and removing ---- */

/**
 * struct late_free - frees a block of a store that is being removed
 * @work: does that
 * @stub: the store
 * @drained: it was being removed then
 * @got: blocks allocated of it meanwhile
 * @again: what a second removal returned
 */
struct late_free {
	struct delayed_work work;
	struct stub *stub;
	bool drained;
	unsigned int got;
	int again;
};

static void late_free_work(struct work_struct *work)
{
	struct late_free *late = container_of(work, struct late_free,
					      work.work);
	unsigned long index;

	late->drained = vm_swblk_draining(late->stub->base);
	late->got = stub_alloc(late->stub, 1, &index);
	late->again = vm_swapstore_remove(NAME);
	stub_free(late->stub, 0, 1);
}

/* Fails if a store is closed while somebody has a block, or gives out more. */
static void remove_waits_for_blocks(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	struct late_free late = { .stub = stub };
	unsigned long index;

	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	KUNIT_EXPECT_FALSE(test, vm_swblk_draining(stub->base));
	INIT_DELAYED_WORK_ONSTACK(&late.work, late_free_work);
	schedule_delayed_work(&late.work, HZ / 4);
	stub_end(stub, NAME);
	flush_delayed_work(&late.work);
	destroy_delayed_work_on_stack(&late.work);
	KUNIT_EXPECT_TRUE(test, late.drained);
	KUNIT_EXPECT_EQ(test, 0U, late.got);
	KUNIT_EXPECT_EQ(test, -EBUSY, late.again);
}

/* Fails if a store that could not be emptied is lost, or stays closed to allocation. */
static void remove_is_interrupted(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	unsigned long index;

	KUNIT_ASSERT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, vm_swapstore_remove(NAME));
	flush_signals(current);
	disallow_signal(SIGUSR1);
	KUNIT_EXPECT_FALSE(test, vm_swblk_draining(stub->base));
	KUNIT_EXPECT_EQ(test, 0U, stub->closed);
	KUNIT_EXPECT_EQ(test, 1U, stub_alloc(stub, 1, &index));
	stub_free(stub, 0, 2);
	stub_end(stub, NAME);
}

/* Fails if two stores have one name, or a store has no blocks. */
static void names_and_sizes(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);

	KUNIT_EXPECT_EQ(test, -EEXIST,
			vm_swapstore_add(NAME, &plain_ops, stub, BLOCKS,
					 false, PRIORITY));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vm_swapstore_add("other", &plain_ops, stub, 0, false,
					 PRIORITY));
	KUNIT_EXPECT_EQ(test, -ENOENT, vm_swapstore_remove("other"));
	KUNIT_EXPECT_EQ(test, 0U, stub->closed);
	stub_end(stub, NAME);
}

/* Fails if there may be more stores than there are numbers for. */
static void many_stores(struct kunit *test)
{
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	char name[16];
	int n = 0, err;

	do {
		snprintf(name, sizeof(name), "many%d", n);
		err = vm_swapstore_add(name, &plain_ops, stub, 8, false,
				       PRIORITY);
	} while (!err && n++ < 100);
	KUNIT_EXPECT_EQ(test, -ENOSPC, err);
	KUNIT_EXPECT_GE(test, n, 8);
	while (n--) {
		snprintf(name, sizeof(name), "many%d", n);
		KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove(name));
	}
	stub->closed = 0;
	stub_end(stub, NAME);
}

/* Fails if what administrators see is not what there is. */
static void show(struct kunit *test)
{
	struct stub *stub = stub_add(test, "a b", &plain_ops, PRIORITY);
	struct page **pages = pages_make(test, 3);
	struct seq_file m = { .size = PAGE_SIZE };
	unsigned long index;

	KUNIT_ASSERT_EQ(test, 3U, stub_alloc(stub, 3, &index));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_write(stub->base, pages, 3));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(stub->base + 1, pages, 2));
	vm_swblk_spoil(stub->base + 2);
	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	vm_swapstore_show(&m);
	KUNIT_EXPECT_NOT_NULL(test, strstr(m.buf,
					   "\na\\040b stub 1024 2 1 1000 2 1 3 1\n"));
	stub_free(stub, 0, 2);
	pages_end(pages, 3);
	stub_end(stub, "a b");
}

/* Fails if nonsense is taken for a command. */
static void control(struct kunit *test)
{
	static const struct {
		const char *text;
		int err;
	} commands[] = {
		{ "", -EINVAL },
		{ "add", -EINVAL },
		{ "add relative", -EINVAL },
		{ "add /", -EISDIR },
		{ "add /no/such/file", -ENOENT },
		{ "add /no/such/file x", -EINVAL },
		{ "add /no/such/file 1 2", -EINVAL },
		{ "ad /no/such/file", -EINVAL },
		{ "remove", -EINVAL },
		{ "remove other", -ENOENT },
		{ "remove " NAME " 1", -EINVAL },
		{ "remove a\\040b", -ENOENT },
		{ " remove " NAME "\n", 0 },
	};
	struct stub *stub = stub_add(test, NAME, &plain_ops, PRIORITY);
	char text[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		strscpy(text, commands[i].text, sizeof(text));
		KUNIT_EXPECT_EQ_MSG(test, commands[i].err,
				    vm_swapstore_control(text), "%s",
				    commands[i].text);
	}
	KUNIT_EXPECT_EQ(test, 1U, stub->closed);
}

/* ---- the default store ---- */

/*
 * Fails if the shmem file mixes up pages, or if what was freed is still there.  It is read
 * without an owner, as by who has just lost the block.
 */
static void default_store(struct kunit *test)
{
	struct page **pages = pages_make(test, CLUSTER);
	unsigned int nr, tries = 500;
	vm_swblk_t blk;
	u64 *p, now;

	KUNIT_ASSERT_EQ(test, 0, vm_swapstore_prepare());
	KUNIT_ASSERT_EQ(test, 0, vm_swapstore_prepare());
	nr = vm_swblk_alloc(CLUSTER, &blk);
	KUNIT_ASSERT_EQ(test, CLUSTER, nr);
	KUNIT_EXPECT_FALSE(test, vm_swblk_keeps(blk));
	pages_set(pages, nr, NUMBER(0));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_write(blk, pages, nr));
	pages_set(pages, nr, 0);
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(blk, pages, nr));
	pages_expect(test, pages, nr, NUMBER(0));
	vm_swblk_free(blk, nr);
	do {
		KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(blk, pages, 1));
		p = kmap_local_page(pages[0]);
		now = *p;
		kunmap_local(p);
		if (now)
			msleep(20);
	} while (now && tries--);
	KUNIT_EXPECT_EQ(test, 0ULL, now);
	pages_end(pages, CLUSTER);
}

/* ---- files and devices ---- */

/* From 7.0 on a kernel thread sees no files: a program does it. */
static int run(const char *command)
{
	char *argv[4] = { "/bin/sh", "-c", (char *)command, NULL };
	char *envp[2] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL };

	return call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
}

/* Write, read back; fails if pages are mixed up or the checksums do not fit. */
static void store_io(struct kunit *test, const char *path)
{
	unsigned int nr = 2 * VM_STORE_PAGES + 3;
	struct page **pages = pages_make(test, nr);
	char command[128];
	vm_swblk_t blk;

	snprintf(command, sizeof(command),
		 "echo add %s %d >/sys/kernel/debug/vmobj/swap", path,
		 PRIORITY);
	KUNIT_ASSERT_EQ(test, 0, run(command));
	KUNIT_ASSERT_EQ(test, nr, vm_swblk_alloc(nr, &blk));
	pages_set(pages, nr, NUMBER(0));
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_write(blk, pages, nr));
	pages_set(pages, nr, 0);
	KUNIT_EXPECT_EQ(test, 0, vm_swblk_read(blk, pages, nr));
	pages_expect(test, pages, nr, NUMBER(0));
	vm_swblk_free(blk, nr);
	KUNIT_EXPECT_EQ(test, 0, vm_swapstore_remove(path));
	pages_end(pages, nr);
}

static void file_store(struct kunit *test)
{
	if (run("umask 077; dd if=/dev/zero of=/tmp/kunit-swap bs=4096 count=2000"))
		kunit_skip(test, "no shell that makes a file in /tmp");
	store_io(test, "/tmp/kunit-swap");
	run("rm /tmp/kunit-swap");
}

static void device_store(struct kunit *test)
{
	if (run("test -b /dev/ram0"))
		kunit_skip(test, "no shell, or no /dev/ram0");
	store_io(test, "/dev/ram0");
}

static struct kunit_case swapstore_cases[] = {
	KUNIT_CASE(alloc_gives_clusters),
	KUNIT_CASE(alloc_aligns),
	KUNIT_CASE(alloc_wraps_around),
	KUNIT_CASE(alloc_of_fragments),
	KUNIT_CASE(alloc_by_priority),
	KUNIT_CASE(counts),
	KUNIT_CASE(spoiled_blocks_are_left_alone),
	KUNIT_CASE(freed_blocks_are_discarded),
	KUNIT_CASE(discards_are_put_together),
	KUNIT_CASE(removed_stores_are_discarded),
	KUNIT_CASE(io_of_many_pages),
	KUNIT_CASE(checksums),
	KUNIT_CASE(io_errors),
	KUNIT_CASE(keeps_blocks_while_there_is_room),
	KUNIT_CASE(remove_waits_for_blocks),
	KUNIT_CASE(remove_is_interrupted),
	KUNIT_CASE(names_and_sizes),
	KUNIT_CASE(many_stores),
	KUNIT_CASE(show),
	KUNIT_CASE(control),
	KUNIT_CASE(default_store),
	KUNIT_CASE(file_store),
	KUNIT_CASE(device_store),
	{}
};

static struct kunit_suite swapstore_suite = {
	.name = "vmobj_swapstore",
	.test_cases = swapstore_cases,
};

kunit_test_suite(swapstore_suite);
