// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wants superpages.  See include/vmobj/superpage.h.
 *
 * The parameter "superpages" is "auto" unless it is set: follow the system's setting
 * for transparent huge pages, where "always" is taken as "adaptive".  No kernel
 * exports that setting, so it is read from where the administrator reads it, when
 * the module is loaded and each time "auto" is written.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include <vmobj/compat.h>
#include <vmobj/object.h>
#include <vmobj/page.h>
#include <vmobj/superpage.h>
#include <vmobj/writeset.h>

#define SYSTEM_SETTING	"/sys/kernel/mm/transparent_hugepage/enabled"

enum vm_superpage_policy {
	POLICY_NEVER,
	POLICY_MADVISE,
	POLICY_BLOCKS,
	POLICY_ADAPTIVE,
	POLICY_ALWAYS,
};

static const char * const policy_names[] = {
	[POLICY_NEVER]		= "never",
	[POLICY_MADVISE]	= "madvise",
	[POLICY_BLOCKS]		= "blocks",
	[POLICY_ADAPTIVE]	= "adaptive",
	[POLICY_ALWAYS]		= "always",
};

#define POLICY_AUTO	0x100	/* it is the system's */

static int policy = POLICY_AUTO | POLICY_MADVISE;

/* The file says "always [madvise] never". */
static enum vm_superpage_policy system_policy(void)
{
	enum vm_superpage_policy found = POLICY_MADVISE;
	char text[64], *word, *end;
	struct file *file;
	ssize_t len;
	loff_t pos = 0;
	int i;

	file = filp_open(SYSTEM_SETTING, O_RDONLY, 0);
	if (IS_ERR(file))
		return found;
	len = kernel_read(file, text, sizeof(text) - 1, &pos);
	filp_close(file, NULL);
	if (len <= 0)
		return found;
	text[len] = '\0';
	word = strchr(text, '[');
	end = word ? strchr(word, ']') : NULL;
	if (!end)
		return found;
	*end = '\0';
	i = match_string(policy_names, ARRAY_SIZE(policy_names), word + 1);
	if (i == POLICY_ALWAYS)
		return POLICY_ADAPTIVE;
	return i < 0 ? found : i;
}

/* One file of sysfs cannot be read while another is written: their locks meet. */
static void policy_follow(struct work_struct *work)
{
	int found = POLICY_AUTO | system_policy();
	int old = READ_ONCE(policy);

	/* It may be set while we look. */
	while (old & POLICY_AUTO && !try_cmpxchg(&policy, &old, found))
		;
}

static DECLARE_WORK(policy_work, policy_follow);

static int policy_set(const char *text, const struct kernel_param *param)
{
	int i;

	if (sysfs_streq(text, "auto")) {
		WRITE_ONCE(policy, policy | POLICY_AUTO);
		schedule_work(&policy_work);
		return 0;
	}
	i = sysfs_match_string(policy_names, text);
	if (i < 0)
		return i;
	WRITE_ONCE(policy, i);
	return 0;
}

static int policy_get(char *text, const struct kernel_param *param)
{
	int now = READ_ONCE(policy);

	return sysfs_emit(text, now & POLICY_AUTO ? "auto (%s)\n" : "%s\n",
			  policy_names[now & ~POLICY_AUTO]);
}

static const struct kernel_param_ops policy_ops = {
	.set = policy_set,
	.get = policy_get,
};

module_param_cb(superpages, &policy_ops, NULL, 0644);
MODULE_PARM_DESC(superpages,
		 "superpages for fresh memory: auto (as for transparent huge pages), always, adaptive, blocks, madvise, never");

void vm_superpage_init(void)
{
	policy_follow(NULL);
}

void vm_superpage_exit(void)
{
	cancel_work_sync(&policy_work);
}

enum vm_superpage_want vm_superpage_wanted(struct vm_area_struct *vma)
{
	enum vm_superpage_policy now = READ_ONCE(policy) & ~POLICY_AUTO;

	if (now == POLICY_NEVER || vma->vm_flags & VM_NOHUGEPAGE)
		return VM_SUPERPAGE_NEVER;
	if (now == POLICY_ALWAYS || vma->vm_flags & VM_HUGEPAGE)
		return VM_SUPERPAGE_NOW;
	if (now == POLICY_BLOCKS)
		return VM_SUPERPAGE_BLOCKS;
	return now == POLICY_ADAPTIVE ? VM_SUPERPAGE_AHEAD_OF_USE :
					VM_SUPERPAGE_NEVER;
}

/* Look at some of the pages before @index, in the direction of @step. */
static bool filled_before(const struct vm_memq *q, pgoff_t index, long step,
			  unsigned int order)
{
	struct vm_page *pg;
	int i;

	for (i = 1; i <= 4; i++) {
		pg = vm_memq_find(q, index - i * step);
		if (!pg || pg->order >= order)
			return false;
	}
	return true;
}

/*
 * The same, where small pages have become a superpage: then only what has been
 * written since by way of a page table tells.  Newer kernels map all of it at once.
 */
static bool written_before(struct vm_object *object, pgoff_t index, long step)
{
	int i;

	for (i = 1; i <= 4; i++)
		if (!vm_writeset_test(object, index - i * step))
			return false;
	return vm_writeset_test(object, index - (step > 0 ? 1 : -1));
}

/*
 * Which allowance is it?  Twice the last one, if what was filled now is what comes
 * after that was used up.
 */
static unsigned int vm_superpage_reach(const struct vm_memq *q, pgoff_t before)
{
	struct vm_page *pg = vm_memq_find(q, before);

	if (!pg || pg->order != VM_SUPERPAGE_ORDER || pg->promoted)
		return 0;
	return min(pg->reach + 1U, VM_SUPERPAGE_MAX_REACH);
}

int vm_superpage_ahead(struct vm_object *object, pgoff_t index,
		       unsigned int order, unsigned int *reach)
{
	long nr = 1L << order, at = index & (nr - 1), step;
	const struct vm_memq *q = object->memq;
	struct vm_page *pg;

	/* Who comes from elsewhere than from next door has filled nothing. */
	if (at && at != nr - 1)
		return -1;
	step = at ? -1 : 1;
	pg = vm_memq_find(q, index - step);
	if (!pg)
		return -1;
	*reach = pg->reach;
	if (pg->order == order && !pg->promoted)
		return pg->ahead - 1;
	if (!(pg->promoted ? written_before(object, index, step * nr / 4) :
			     filled_before(q, index, step * nr / 4, order)))
		return -1;
	if (order == VM_BLOCK_ORDER)
		return VM_BLOCK_AHEAD;
	*reach = vm_superpage_reach(q, index - step * (nr + 1));
	return (VM_SUPERPAGE_AHEAD << *reach) - 1;
}
EXPORT_SYMBOL_IF_KUNIT(vm_superpage_ahead);
