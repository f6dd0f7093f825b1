// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables.  See include/vmobj/pmap.h.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>

#include <asm/pgalloc.h>

#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pin.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>
#include <vmobj/writeset.h>

void pmap_unmap_everywhere(struct address_space *mapping, pgoff_t index,
			   unsigned long nr)
{
	unmap_mapping_pages(mapping, index, nr, false);
}

void pmap_unmap_other(struct vm_fault *vmf, struct page *page, unsigned long nr)
{
	unsigned long addr = vmf->address & PAGE_MASK;
	pmd_t pmd = READ_ONCE(*vmf->pmd);
	pte_t pte;

	if (!pmd_present(pmd))
		return;
	if (!pmd_trans_huge(pmd) && !IS_ENABLED(CONFIG_HIGHPTE)) {
		pte = ptep_get(pte_offset_kernel(vmf->pmd, addr));
		if (pte_none(pte) ||
		    (pte_present(pte) && pte_page(pte) == page))
			return;
	}
	compat_zap_range(vmf->vma, addr, nr << PAGE_SHIFT);
}

static int pmap_do_nothing(pte_t *ptep, unsigned long addr, void *data)
{
	return 0;
}

void pmap_make_table(struct vm_fault *vmf)
{
	if (pmd_none(READ_ONCE(*vmf->pmd)))
		apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK,
				    PAGE_SIZE, pmap_do_nothing, NULL);
}

static void pmap_put_prealloc(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *lock = pmd_lock(mm, vmf->pmd);

	if (likely(pmd_none(*vmf->pmd))) {
		mm_inc_nr_ptes(mm);
		/* Who finds the table without a lock finds it empty. */
		smp_wmb();
		pmd_populate(mm, vmf->pmd, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
	}
	spin_unlock(lock);
}

void pmap_use_prealloc(struct vm_fault *vmf)
{
	if (COMPAT_CAN_SET_PTES && vmf->prealloc_pte &&
	    pmd_none(READ_ONCE(*vmf->pmd)))
		pmap_put_prealloc(vmf);
}

/* ---- walking page tables ---- */

/*
 * The entry for @addr in the last table but one, if the tables above it are
 * there; if not NULL, and @addr moves on to where the next ones may be.
 */
static pmd_t *pmap_next_pmd(struct mm_struct *mm, unsigned long *addr,
			    unsigned long end)
{
	pgd_t *pgd = pgd_offset(mm, *addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd)) {
		*addr = pgd_addr_end(*addr, end);
		return NULL;
	}
	p4d = p4d_offset(pgd, *addr);
	if (p4d_none(*p4d)) {
		*addr = p4d_addr_end(*addr, end);
		return NULL;
	}
	pud = pud_offset(p4d, *addr);
	if (pud_none(*pud)) {
		*addr = pud_addr_end(*addr, end);
		return NULL;
	}
	return pmd_offset(pud, *addr);
}

int pmap_walk(struct mm_struct *mm, unsigned long addr, unsigned long end,
	      const struct pmap_walk_ops *ops, void *data)
{
	unsigned long stop;
	int err = 0;
	pmd_t *pmd;

	for (; addr < end && !err; addr = stop) {
		pmd = pmap_next_pmd(mm, &addr, end);
		if (!pmd) {
			stop = addr;
			continue;
		}
		stop = pmd_addr_end(addr, end);
		if (pmd_none(*pmd))
			continue;
		if (pmd_trans_huge(*pmd))
			err = ops->pmd(pmd, addr, data);
		else
			err = apply_to_page_range(mm, addr, stop - addr,
						  ops->pte, data);
	}
	return err;
}

/* ---- write-protect ---- */

/*
 * Dirty bits are dropped here, not moved to the folio: where a PTE is writable, or
 * dirty, the folio has been dirty since before.
 *
 * - Whoever makes a PTE writable makes the folio dirty too, and lets go of the
 *   mmap_lock (or the VMA's) after that: fault_dirty_shared_page() in the kernel,
 *   vmobj_insert(), pmap_enable_write_pte(), pmap_enable_write_pmd_locked().
 *   mprotect() gives back write rights only to PTEs that are dirty.
 * - Nobody makes a folio clean that may be mapped: advice and page removal unmap
 *   it before, and our folios are not on the lists that writeback looks at.
 *
 * So a fork, which holds the mmap_lock for writing, need not look at the folio of
 * each PTE.
 */
static void pmap_check_dirty(bool dirty, struct page *page)
{
	VM_WARN_ON_ONCE(dirty && !PageDirty(compound_head(page)));
}

/*
 * Another CPU may be writing through the PTE: it sets the dirty bit in one step with a
 * look at the right to write, so both are taken away in one step, too.
 */
static void pmap_write_protect_pte(pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (!compat_pte_present(pte))
		return;
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		pmap_check_dirty(pte_write(pte) || pte_dirty(pte),
				 pte_page(pte));
	compat_pte_wrprotect_clean(ptep);
}

static void pmap_write_protect_pmd(struct mm_struct *mm, pmd_t *pmdp,
				   unsigned long addr)
{
	spinlock_t *lock = pmd_lock(mm, pmdp);
	pmd_t pmd = READ_ONCE(*pmdp);

	addr &= PMD_MASK;
	if (pmd_trans_huge(pmd) && (pmd_write(pmd) || pmd_dirty(pmd))) {
		pmd = pmdp_huge_get_and_clear(mm, addr, pmdp);
		if (IS_ENABLED(CONFIG_DEBUG_VM))
			pmap_check_dirty(true, pmd_page(pmd));
		set_pmd_at(mm, addr, pmdp, pmd_wrprotect(pmd_mkclean(pmd)));
	}
	spin_unlock(lock);
}

static void pmap_write_protect_run(pte_t *ptep, unsigned long nr)
{
	/* Counting takes as long as the rest: four at once. */
	for (; nr >= 4; nr -= 4, ptep += 4) {
		pmap_write_protect_pte(ptep);
		pmap_write_protect_pte(ptep + 1);
		pmap_write_protect_pte(ptep + 2);
		pmap_write_protect_pte(ptep + 3);
	}
	for (; nr; nr--)
		pmap_write_protect_pte(ptep++);
}

/*
 * The pages from bit @first on, up to @stop, are in one table.  @addr is where bit
 * 0 would be.
 */
static void pmap_write_protect_table(struct mm_struct *mm, pmd_t *pmd,
				     unsigned long addr, unsigned int first,
				     unsigned int stop,
				     const struct vm_writeset_part *part)
{
	spinlock_t *lock = pte_lockptr(mm, pmd);
	unsigned int bit = first, next = stop;
	unsigned long at;

	spin_lock(lock);
	for (; bit < stop; bit = next) {
		if (!part->full) {
			bit = find_next_bit(part->bits, stop, bit);
			if (bit >= stop)
				break;
			next = find_next_zero_bit(part->bits, stop, bit);
		}
		at = addr + ((unsigned long)bit << PAGE_SHIFT);
		pmap_write_protect_run(pte_offset_kernel(pmd, at), next - bit);
	}
	spin_unlock(lock);
}

static void pmap_write_protect_here(struct mm_struct *mm, unsigned long addr,
				    const struct vm_writeset_part *part)
{
	unsigned long at = addr, stop;
	unsigned long end = addr + (VM_WRITESET_CHUNK << PAGE_SHIFT);
	pmd_t *pmd;

	for (; at < end; at = stop) {
		pmd = pmap_next_pmd(mm, &at, end);
		stop = pmd ? pmd_addr_end(at, end) : at;
		if (!pmd || pmd_none(*pmd))
			continue;
		if (pmd_trans_huge(*pmd))
			pmap_write_protect_pmd(mm, pmd, at);
		else
			pmap_write_protect_table(mm, pmd, addr,
						 (at - addr) >> PAGE_SHIFT,
						 (stop - addr) >> PAGE_SHIFT,
						 part);
	}
}

/* Drop the PTEs of the VMAs in a range; also tells secondary MMUs (KVM). */
static void pmap_zap(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	struct vm_area_struct *vma;

	while (addr < end) {
		unsigned long stop;

		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start >= end)
			return;
		addr = max(addr, vma->vm_start);
		stop = min(end, vma->vm_end);
		compat_zap_range(vma, addr, stop - addr);
		addr = stop;
	}
}

void pmap_write_protect(struct vm_map *map, const struct vm_writeset_part *part)
{
	unsigned long first = 0, last = VM_WRITESET_CHUNK - 1;
	struct mm_struct *mm = map->mm;

	lockdep_assert_held_write(&mm->mmap_lock);
	cond_resched();

	if (COMPAT_CAN_SET_PTES && !mm_has_notifiers(mm)) {
		pmap_write_protect_here(mm, vm_map_address(map, part->base),
					part);
		return;
	}
	if (!part->full) {
		first = find_first_bit(part->bits, VM_WRITESET_CHUNK);
		last = find_last_bit(part->bits, VM_WRITESET_CHUNK);
	}
	pmap_zap(mm, vm_map_address(map, part->base + first),
		 vm_map_address(map, part->base + last + 1));
}

/* ---- write rights ---- */

/**
 * struct pmap_enable - write rights being given
 * @vma: where
 * @entry: what is there
 * @mapping: of its pages
 * @memq: of its object
 * @locked: folio that the caller has locked, and one page of which is in the write set
 * @first: address of the first page
 * @done: pages that are writable now, counted from the first
 */
struct pmap_enable {
	struct vm_area_struct *vma;
	const struct vm_map_entry *entry;
	const struct address_space *mapping;
	const struct vm_memq *memq;
	struct folio *locked;
	unsigned long first;
	unsigned long done;
};

static int pmap_enable_write_pte(pte_t *ptep, unsigned long addr, void *data)
{
	struct pmap_enable *e = data;
	struct folio *folio;
	struct vm_page *pg;
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte) || pte_write(pte))
		return 0;
	folio = page_folio(pte_page(pte));
	/* A busy page may be on its way out of the object, unless it is busy with us. */
	if (folio != e->locked && !folio_trylock(folio))
		return 0;
	pg = folio->private;
	if (folio->mapping == e->mapping && READ_ONCE(pg->memq) == e->memq &&
	    (folio == e->locked || !vm_pin_foreign(e->entry, pg, 0))) {
		/* In this order: dirty and not writable means something else. */
		pte = pte_mkdirty(pte_mkyoung(pte_mkwrite_novma(pte)));
		set_pte_at(e->vma->vm_mm, addr, ptep, pte);
		folio_set_dirty(folio);
		e->done |= BIT((addr - e->first) >> PAGE_SHIFT);
	}
	if (folio != e->locked)
		folio_unlock(folio);
	return 0;
}

static int pmap_enable_write_pmd(pmd_t *pmdp, unsigned long addr, void *data)
{
	return 0;
}

static const struct pmap_walk_ops pmap_enable_write_ops = {
	.pte = pmap_enable_write_pte,
	.pmd = pmap_enable_write_pmd,
};

unsigned long pmap_enable_write(struct vm_area_struct *vma,
				const struct vm_map_entry *entry,
				struct folio *locked, pgoff_t index,
				unsigned long nr)
{
	struct pmap_enable e = {
		.vma = vma,
		.entry = entry,
		.mapping = vma->vm_file->f_mapping,
		.memq = entry->object->memq,
		.locked = locked,
	};

	/* The marks of a userfaultfd are for faults to see. */
	if (!COMPAT_CAN_SET_PTES || compat_userfaultfd_armed(vma))
		return 0;
	e.first = vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
	pmap_walk(vma->vm_mm, e.first, e.first + (nr << PAGE_SHIFT),
		  &pmap_enable_write_ops, &e);
	if (!e.done)
		return 0;
	/* Exactly these: see pin.h.  Their part of the set exists. */
	vm_writeset_add_mask(entry->object, index, e.done);
	vmobj_stat_add(VMOBJ_WRITE_AROUNDS, hweight_long(e.done));
	return hweight_long(e.done);
}

static bool pmap_enable_write_pmd_locked(struct vm_fault *vmf,
					 struct folio *folio)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	pmd_t pmd = READ_ONCE(*vmf->pmd);
	bool same;

	same = pmd_same(pmd, vmf->orig_pmd) && pmd_page(pmd) == &folio->page;
	if (same) {
		pmd = pmd_mkwrite_novma(pmd_mkdirty(pmd_mkyoung(pmd)));
		set_pmd_at(mm, vmf->address & PMD_MASK, vmf->pmd, pmd);
		folio_set_dirty(folio);
	}
	return same;
}

bool pmap_enable_write_huge(struct vm_fault *vmf, struct folio *folio)
{
	bool done;

	if (!COMPAT_CAN_SET_PTES || compat_userfaultfd_armed(vmf->vma))
		return false;
	vmf->ptl = pmd_lock(vmf->vma->vm_mm, vmf->pmd);
	done = pmap_enable_write_pmd_locked(vmf, folio);
	spin_unlock(vmf->ptl);
	return done;
}
