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
	pte = ptep_get(pte_offset_kernel(vmf->pmd, addr));
	if (!pte_none(pte) && (!pte_present(pte) || pte_page(pte) != page))
		compat_zap_range(vmf->vma, addr, PAGE_SIZE);
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
	struct mm_struct *mm = map->mm;

	lockdep_assert_held_write(&mm->mmap_lock);
	cond_resched();

	if (!COMPAT_CAN_SET_PTES || mm_has_notifiers(mm) ||
	    compat_apply_to_ptes(mm, addr, nr << PAGE_SHIFT,
				 pmap_write_protect_pte, mm))
		pmap_zap(mm, addr, addr + (nr << PAGE_SHIFT));
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
	compat_apply_to_ptes(vma->vm_mm, addr, nr << PAGE_SHIFT,
			     pmap_enable_write_pte, &e);
	vmobj_stat_add(VMOBJ_WRITE_AROUNDS, e.done);
	return e.done;
}
