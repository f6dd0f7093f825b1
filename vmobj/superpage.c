// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wants superpages.  See include/vmobj/superpage.h.
 *
 * The parameter "superpages" has the values of the system's setting for
 * transparent huge pages, and "auto": do as that says.  No kernel exports that
 * setting, so it is read from where the administrator reads it, when the module is
 * loaded and each time the parameter is written.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include <vmobj/compat.h>
#include <vmobj/superpage.h>

#define SYSTEM_SETTING	"/sys/kernel/mm/transparent_hugepage/enabled"

enum vm_superpage_policy {
	VM_SUPERPAGE_NEVER,
	VM_SUPERPAGE_MADVISE,
	VM_SUPERPAGE_ALWAYS,
};

static const char * const policy_names[] = {
	[VM_SUPERPAGE_NEVER]	= "never",
	[VM_SUPERPAGE_MADVISE]	= "madvise",
	[VM_SUPERPAGE_ALWAYS]	= "always",
};

static enum vm_superpage_policy policy = VM_SUPERPAGE_MADVISE;
static bool policy_auto = true;

/* The file says "always [madvise] never". */
static enum vm_superpage_policy system_policy(void)
{
	enum vm_superpage_policy found = VM_SUPERPAGE_MADVISE;
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
	return i < 0 ? found : i;
}

static int policy_set(const char *text, const struct kernel_param *param)
{
	int i;

	if (sysfs_streq(text, "auto")) {
		WRITE_ONCE(policy, system_policy());
		policy_auto = true;
		return 0;
	}
	i = sysfs_match_string(policy_names, text);
	if (i < 0)
		return i;
	WRITE_ONCE(policy, i);
	policy_auto = false;
	return 0;
}

static int policy_get(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, policy_auto ? "auto (%s)\n" : "%s\n",
			  policy_names[policy]);
}

static const struct kernel_param_ops policy_ops = {
	.set = policy_set,
	.get = policy_get,
};

module_param_cb(superpages, &policy_ops, NULL, 0644);
MODULE_PARM_DESC(superpages,
		 "superpages for fresh memory: auto (as for transparent huge pages), always, madvise, never");

void vm_superpage_init(void)
{
	if (policy_auto)
		policy = system_policy();
}

bool vm_superpage_wanted(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_NOHUGEPAGE)
		return false;
	switch (READ_ONCE(policy)) {
	case VM_SUPERPAGE_ALWAYS:
		return true;
	case VM_SUPERPAGE_MADVISE:
		return vma->vm_flags & VM_HUGEPAGE;
	default:
		return false;
	}
}
