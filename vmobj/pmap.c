// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables.  See include/vmobj/pmap.h.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>

#include <vmobj/compat.h>
#include <vmobj/map.h>
#include <vmobj/object.h>
#include <vmobj/pmap.h>
#include <vmobj/stats.h>

void pmap_unmap_everywhere(struct address_space *mapping, pgoff_t index,
			   unsigned long nr)
{
	unmap_mapping_pages(mapping, index, nr, false);
}

void pmap_unmap_other(struct vm_fault *vmf, struct page *page)
{
	unsigned long addr = vmf->address & PAGE_MASK;
	pmd_t pmd = READ_ONCE(*vmf->pmd);
	pte_t pte;

	if (!pmd_present(pmd))
		return;
	if (!pmd_trans_huge(pmd)) {
		pte = ptep_get(pte_offset_kernel(vmf->pmd, addr));
		if (pte_none(pte) ||
		    (pte_present(pte) && pte_page(pte) == page))
			return;
	}
	compat_zap_range(vmf->vma, addr, PAGE_SIZE);
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
 * Another CPU may be writing through the PTE: take it out in one step, so that
 * no dirty bit is lost.  Such a CPU then waits in its fault for the mmap_lock.
 */
static int pmap_write_protect_pte(pte_t *ptep, unsigned long addr, void *data)
{
	struct mm_struct *mm = data;
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte) || (!pte_write(pte) && !pte_dirty(pte)))
		return 0;
	pte = ptep_get_and_clear(mm, addr, ptep);
	if (pte_dirty(pte) && !PageDirty(pte_page(pte)))
		SetPageDirty(pte_page(pte));
	set_pte_at(mm, addr, ptep, pte_mkclean(pte_wrprotect(pte)));
	return 0;
}

static int pmap_write_protect_pmd(pmd_t *pmdp, unsigned long addr, void *data)
{
	struct mm_struct *mm = data;
	spinlock_t *lock = pmd_lock(mm, pmdp);
	pmd_t pmd = READ_ONCE(*pmdp);

	addr &= HPAGE_PMD_MASK;
	if (pmd_trans_huge(pmd) && (pmd_write(pmd) || pmd_dirty(pmd))) {
		pmd = pmdp_huge_get_and_clear(mm, addr, pmdp);
		if (pmd_dirty(pmd) && !PageDirty(pmd_page(pmd)))
			SetPageDirty(pmd_page(pmd));
		set_pmd_at(mm, addr, pmdp, pmd_mkclean(pmd_wrprotect(pmd)));
	}
	spin_unlock(lock);
	return 0;
}

static const struct pmap_walk_ops pmap_write_protect_ops = {
	.pte = pmap_write_protect_pte,
	.pmd = pmap_write_protect_pmd,
};

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

void pmap_write_protect(struct vm_map *map, pgoff_t index, unsigned long nr)
{
	unsigned long addr = vm_map_address(map, index);
	unsigned long end = addr + (nr << PAGE_SHIFT);
	struct mm_struct *mm = map->mm;

	lockdep_assert_held_write(&mm->mmap_lock);
	cond_resched();

	if (!COMPAT_CAN_SET_PTES || mm_has_notifiers(mm) ||
	    pmap_walk(mm, addr, end, &pmap_write_protect_ops, mm))
		pmap_zap(mm, addr, end);
}

/* ---- write rights ---- */

struct pmap_enable {
	struct vm_area_struct *vma;
	struct vm_memq *memq;
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
	/* A busy page may be on its way out of the object. */
	if (!folio_trylock(folio))
		return 0;
	pg = folio->private;
	if (folio->mapping == e->vma->vm_file->f_mapping &&
	    READ_ONCE(pg->memq) == e->memq) {
		/* In this order: dirty and not writable means something else. */
		pte = pte_mkdirty(pte_mkyoung(pte_mkwrite_novma(pte)));
		set_pte_at(e->vma->vm_mm, addr, ptep, pte);
		folio_set_dirty(folio);
		e->done++;
	}
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
				struct vm_object *object, pgoff_t index,
				unsigned long nr)
{
	struct pmap_enable e = { .vma = vma, .memq = object->memq };
	unsigned long addr;

	/* The marks of a userfaultfd are for faults to see. */
	if (!COMPAT_CAN_SET_PTES || userfaultfd_armed(vma))
		return 0;
	addr = vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
	pmap_walk(vma->vm_mm, addr, addr + (nr << PAGE_SHIFT),
		  &pmap_enable_write_ops, &e);
	vmobj_stat_add(VMOBJ_WRITE_AROUNDS, e.done);
	return e.done;
}
