// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differential test: the device's memory against Linux's own.
 *
 * A random tree of processes.  Each has two windows of the same shape: one is
 * given memory by the device, its twin anonymous memory by Linux.  Each operation
 * is applied alike to both, and after it both must have the same contents, and
 * must have answered the same.  A run that fails is shrunk to few operations,
 * which are printed as a file for --replay.
 *
 *	t_diff [--seed N] [--runs N] [--steps N] [--threads] [--replay FILE]
 *	       [--superpages] [--blocks] [--chains] [--limit]
 *
 * With --superpages what is called a page here is an eighth of a superpage, of
 * which a few pages are written and compared; so operations cut superpages.  Some
 * mappings do not get them.  With --blocks memory comes in large pages of 64 KiB.
 * With --chains no chain may have more than two objects behind its top.  With --limit
 * there may be 6 MiB in memory, less than one process has with --superpages: pages go
 * at any time.
 *
 * Any sublist of operations is a valid run: what makes no sense (a process that
 * does not live, a page that is not mapped) is not done, on either side.  What a
 * process has mapped is known from a table in its own, ordinary memory, so that a
 * fork copies it, too.
 *
 * Known differences, and what is done about them: MADV_DONTNEED, and the ioctl's advice
 * that moves memory to swap and back, which are applied to the device's memory only and
 * must change nothing; growth of a shared mapping, which Linux lets fault; where Linux
 * merges VMAs and we do not, an mremap of many is done page by page.  What the other ioctls
 * do Linux does with MADV_DONTNEED and MADV_REMOVE, MADV_WIPEONFORK and MADV_DONTFORK;
 * memory that is to be inherited by sharing has shared memory as its twin, and shared
 * memory that a child has for its own gets private memory as its twin there.  That is
 * shared memory still: MREMAP_DONTUNMAP, which would leave it at the old place, too, is
 * not done to it.  The object with a descriptor, which is there once in each run, has a
 * memfd.
 *
 * VMOBJ_DIFF_BREAK=page: a deliberate fault, to try the test itself.  The twin of
 * every process but the first gets another value when this page, or one after it,
 * is written.
 */
#define VT_NO_HARNESS
#include "vmobj_test.h"
#include "puppet.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <sys/uio.h>
#include <time.h>

#include <linux/vmobj.h>

#define WINDOW		32	/* pages */
#define SUPERPAGE	(2UL << 20)
#define PROCESSES	8
#define MAX_STEPS	4000

/* ---- operations ---- */

enum op_code {
	OP_WRITE,	/* at byte @arg of @page, @nr bytes from @value on */
	OP_SYSCALL,	/* the same, but the kernel writes, in read() */
	OP_TOUCH,	/* read or write (@arg) a byte, whatever is there */
	OP_FORK,	/* @arg: number of the child */
	OP_EXIT,
	OP_KILL,
	OP_MAP,		/* fresh memory over [page, page + nr); @arg: shared */
	OP_UNMAP,
	OP_PROTECT,	/* @arg: index of prots[] */
	OP_TOGGLE,	/* mprotect(READ), and back */
	OP_MOVE,	/* to page @arg */
	OP_MOVE_GROW,	/* to page @arg, longer by @value pages */
	OP_MOVE_LEAVE,	/* to page @arg, MREMAP_DONTUNMAP */
	OP_ALIAS,	/* shared: map it at page @arg, too */
	OP_GROW,	/* the page before a hole, by @nr pages */
	OP_SHRINK,	/* @nr pages to @arg of them */
	OP_DONTFORK,	/* @arg: or DOFORK */
	OP_LOCK,	/* @arg: or unlock */
	OP_ZAP,		/* drop the PTEs of the device's memory */
	OP_PAGE,	/* move it to swap, or back: advice[@arg] */
	OP_DISCARD,	/* zeros from now on */
	OP_INHERIT,	/* @arg: VMOBJ_INHERIT_* */
	OP_OBJECT,	/* map the object at page @value; @arg: shared */
	OP_PWRITE,	/* write to page @page of it, as OP_WRITE, through its descriptor */
	OP_PEEK,	/* compare from outside, by process_vm_readv() */
	NR_OPS
};

static const struct {
	const char *name;
	unsigned int weight;
} op_table[NR_OPS] = {
	[OP_WRITE]	= { "write",		30 },
	[OP_SYSCALL]	= { "syscall",		6 },
	[OP_TOUCH]	= { "touch",		6 },
	[OP_FORK]	= { "fork",		10 },
	[OP_EXIT]	= { "exit",		5 },
	[OP_KILL]	= { "kill",		2 },
	[OP_MAP]	= { "map",		4 },
	[OP_UNMAP]	= { "unmap",		2 },
	[OP_PROTECT]	= { "protect",		4 },
	[OP_TOGGLE]	= { "toggle",		4 },
	[OP_MOVE]	= { "move",		4 },
	[OP_MOVE_GROW]	= { "movegrow",		2 },
	[OP_MOVE_LEAVE]	= { "moveleave",	1 },
	[OP_ALIAS]	= { "alias",		1 },
	[OP_GROW]	= { "grow",		3 },
	[OP_SHRINK]	= { "shrink",		2 },
	[OP_DONTFORK]	= { "dontfork",		1 },
	[OP_LOCK]	= { "lock",		1 },
	[OP_ZAP]	= { "zap",		3 },
	[OP_PAGE]	= { "page",		8 },
	[OP_DISCARD]	= { "discard",		3 },
	[OP_INHERIT]	= { "inherit",		3 },
	[OP_OBJECT]	= { "object",		3 },
	[OP_PWRITE]	= { "pwrite",		2 },
	[OP_PEEK]	= { "peek",		1 },
};

static const int prots[] = { VT_RW, PROT_READ, PROT_NONE };
static const int advice[] = { VMOBJ_ADV_PAGEOUT, VMOBJ_ADV_WILLNEED, VMOBJ_ADV_COLD };

struct op {
	enum op_code code;
	int who;
	int page;
	int nr;
	int arg;
	unsigned int value;
};

/* ---- what a process has mapped ---- */

struct page_state {
	bool mapped;
	bool shared;
	bool dontfork;
	bool locked;
	bool object;		/* of the one with a descriptor */
	int inherit;		/* VMOBJ_INHERIT_*; shared memory: COPY if not said ... */
	bool said;		/* ... by somebody */
	bool own;		/* what a child has for its own of shared memory */
	int prot;
	int id;			/* of the mapping */
	int index;		/* in the mapping */
};

static struct page_state state[WINDOW];
static int next_id;
static bool is_first = true;		/* process of the tree */
static int object_fd[2] = { -1, -1 };	/* an object, and a memfd */
static char *win[2];			/* the device's, its twin */
static int deliberate_fault = -1;
static int limited;			/* --limit */

enum { OURS, TWIN };

/* Results of a call, beside negative numbers of operations' own. */
enum {
	SAME = 0,
	OTHER_ANSWER,		/* the two did not answer alike */
	OTHER_CONTENTS,
	OTHER_FAULT,
	NOT_AS_EXPECTED,	/* both wrong: the test is */
};

static const char * const verdicts[] = {
	[SAME]			= "same",
	[OTHER_ANSWER]		= "the system calls gave different answers",
	[OTHER_CONTENTS]	= "the contents differ",
	[OTHER_FAULT]		= "an access faulted on one side only",
	[NOT_AS_EXPECTED]	= "both sides did what the test did not expect",
};

static int unit = 1;			/* real pages in one of ours */
static const int spots_in_unit[] = { 0, 1, 33, 63 };

static size_t bytes(int pages)
{
	return (size_t)pages * unit * vt_page_size;
}

static int nr_spots(void)
{
	return unit == 1 ? 1 : ARRAY_SIZE(spots_in_unit);
}

static char *at(int side, int page)
{
	return win[side] + bytes(page);
}

/* One of the real pages that are looked at. */
static char *spot(int side, int page, unsigned int n)
{
	return at(side, page) + spots_in_unit[n % nr_spots()] * vt_page_size;
}

static bool fits(int page, int nr)
{
	return page >= 0 && nr > 0 && page + nr <= WINDOW;
}

static bool all_mapped(int page, int nr)
{
	int i;

	if (!fits(page, nr))
		return false;
	for (i = page; i < page + nr; i++)
		if (!state[i].mapped)
			return false;
	return true;
}

static bool none_mapped(int page, int nr)
{
	int i;

	for (i = page; i < page + nr; i++)
		if (state[i].mapped)
			return false;
	return true;
}

static bool all_of_kind(int page, int nr, bool shared)
{
	int i;

	for (i = page; i < page + nr; i++)
		if (state[i].shared != shared)
			return false;
	return true;
}

static bool any_own(int page, int nr)
{
	int i;

	for (i = page; i < page + nr; i++)
		if (state[i].own)
			return true;
	return false;
}

static bool any_said(int page, int nr)
{
	int i;

	for (i = page; i < page + nr; i++)
		if (state[i].said)
			return true;
	return false;
}

/* One piece of one mapping, in its order? */
static bool one_piece(int page, int nr)
{
	int i;

	for (i = 1; i < nr; i++)
		if (state[page + i].id != state[page].id ||
		    state[page + i].index != state[page].index + i)
			return false;
	return true;
}

static bool any_object(int page, int nr)
{
	int i;

	for (i = page; i < page + nr; i++)
		if (state[i].object)
			return true;
	return false;
}

static void forget(int page, int nr)
{
	memset(&state[page], 0, nr * sizeof(state[0]));
}

/* ---- doing an operation on one side; 0 or an errno ---- */

static int map_side(int side, int page, int nr, bool shared)
{
	int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;

	if (side == OURS) {
		if (!vt_map_at(at(side, page), nr * unit, VT_RW, flags))
			return errno;
		if (unit > 1)
			madvise(at(side, page), bytes(nr), (page + nr) % 5 ?
				MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		return 0;
	}
	return mmap(at(side, page), bytes(nr), VT_RW, flags | MAP_ANONYMOUS,
		    -1, 0) == MAP_FAILED ? errno : 0;
}

static int remap(int side, int page, int nr, int new_nr, int flags, int to)
{
	return mremap(at(side, page), bytes(nr), bytes(new_nr),
		      MREMAP_MAYMOVE | MREMAP_FIXED | flags,
		      at(side, to)) == MAP_FAILED ? errno : 0;
}

/* EFAULT: more than one VMA.  Nothing has happened then. */
static int move_side(int side, int page, int nr, int grow, int flags, int to)
{
	int err = remap(side, page, nr, nr + grow, flags, to), i;

	if (err != EFAULT)
		return err;
	err = 0;
	for (i = 0; i < nr && !err; i++)
		err = remap(side, page + i, 1,
			    i == nr - 1 ? 1 + grow : 1, flags, to + i);
	return err;
}

/* The kernel writes: read() from a pipe. */
static int syscall_side(int side, int page, const struct op *op,
			const unsigned char *data, int nr)
{
	int fd[2], err = 0;
	ssize_t n;

	if (pipe(fd))
		return errno;
	n = write(fd[1], data, nr);
	if (n == nr)
		n = read(fd[0], spot(side, page, op->value) + op->arg, nr);
	if (n < 0)
		err = errno;
	else if (n != nr)
		err = -1;
	close(fd[0]);
	close(fd[1]);
	return err;
}

/* ---- doing an operation ---- */

#define MAX_WRITE	512

static int check_length(const struct op *op)
{
	int nr = op->nr;

	/* It may go over into the next page. */
	if (op->arg + nr > (int)vt_page_size &&
	    (unit > 1 || !fits(op->page, 2) || state[op->page + 1].prot != VT_RW))
		nr = vt_page_size - op->arg;
	return nr < MAX_WRITE ? nr : MAX_WRITE;
}

static int do_write(const struct op *op)
{
	unsigned char data[MAX_WRITE];
	int nr = check_length(op), side, i, err[2];

	if (state[op->page].prot != VT_RW || nr <= 0)
		return SAME;
	for (side = OURS; side <= TWIN; side++) {
		for (i = 0; i < nr; i++)
			data[i] = op->value + i;
		if (side == TWIN && !is_first && deliberate_fault >= 0 &&
		    op->page >= deliberate_fault)
			data[0] ^= 1;
		if (op->code == OP_SYSCALL) {
			err[side] = syscall_side(side, op->page, op, data, nr);
		} else {
			memcpy(spot(side, op->page, op->value) + op->arg, data,
			       nr);
			err[side] = 0;
		}
	}
	return err[OURS] || err[TWIN] ? OTHER_ANSWER : SAME;
}

static int do_touch(const struct op *op)
{
	int want = op->arg ? PROT_WRITE : PROT_READ, sig[2], side;
	bool allowed = state[op->page].mapped && state[op->page].prot & want;

	for (side = OURS; side <= TWIN; side++)
		sig[side] = op->arg ?
			vt_try_write(spot(side, op->page, op->value),
				     op->value) :
			vt_try_read(spot(side, op->page, op->value));
	if (sig[OURS] != sig[TWIN])
		return OTHER_FAULT;
	return sig[TWIN] == (allowed ? 0 : SIGSEGV) ? SAME : NOT_AS_EXPECTED;
}

static int do_map(const struct op *op)
{
	int i;

	if (map_side(OURS, op->page, op->nr, op->arg) ||
	    map_side(TWIN, op->page, op->nr, op->arg))
		return OTHER_ANSWER;
	next_id++;
	for (i = 0; i < op->nr; i++)
		state[op->page + i] = (struct page_state) {
			.mapped = true,
			.shared = op->arg,
			.prot = VT_RW,
			.id = next_id,
			.index = i,
		};
	return SAME;
}

static int do_unmap(const struct op *op)
{
	if (munmap(at(OURS, op->page), bytes(op->nr)) ||
	    munmap(at(TWIN, op->page), bytes(op->nr)))
		return OTHER_ANSWER;
	forget(op->page, op->nr);
	return SAME;
}

static int protect(int page, int nr, int prot)
{
	if (mprotect(at(OURS, page), bytes(nr), prot) ||
	    mprotect(at(TWIN, page), bytes(nr), prot))
		return OTHER_ANSWER;
	return SAME;
}

static int do_protect(const struct op *op)
{
	int prot = prots[op->arg], i;

	if (!all_mapped(op->page, op->nr))
		return SAME;
	for (i = op->page; i < op->page + op->nr; i++)
		state[i].prot = prot;
	return protect(op->page, op->nr, prot);
}

static int do_toggle(const struct op *op)
{
	int i;

	if (!all_mapped(op->page, op->nr))
		return SAME;
	for (i = op->page; i < op->page + op->nr; i++)
		state[i].prot = VT_RW;
	return protect(op->page, op->nr, PROT_READ) ?:
		protect(op->page, op->nr, VT_RW);
}

static bool overlap(int a, int nr_a, int b, int nr_b)
{
	return a < b + nr_b && b < a + nr_a;
}

static int do_move(const struct op *op, int grow, int flags)
{
	struct page_state moved[WINDOW];
	int to = op->arg, err[2], side, i;

	if (!all_mapped(op->page, op->nr) || !fits(to, op->nr + grow) ||
	    overlap(op->page, op->nr, to, op->nr + grow))
		return SAME;
	if ((grow || flags) && !all_of_kind(op->page, op->nr, false))
		return SAME;
	if (flags && any_own(op->page, op->nr))
		return SAME;
	/* Behind the end of the object there is nothing. */
	if (grow && any_object(op->page, op->nr))
		return SAME;
	for (side = OURS; side <= TWIN; side++)
		err[side] = move_side(side, op->page, op->nr, grow, flags, to);
	if (err[OURS] || err[TWIN])
		return OTHER_ANSWER;

	memcpy(moved, &state[op->page], op->nr * sizeof(state[0]));
	if (!flags)
		forget(op->page, op->nr);
	memcpy(&state[to], moved, op->nr * sizeof(state[0]));
	for (i = to + op->nr; i < to + op->nr + grow; i++) {
		state[i] = state[i - 1];
		state[i].index++;
	}
	return SAME;
}

static int do_alias(const struct op *op)
{
	int to = op->arg, i;

	if (!all_mapped(op->page, op->nr) || !fits(to, op->nr) ||
	    !all_of_kind(op->page, op->nr, true) ||
	    any_said(op->page, op->nr) ||
	    !one_piece(op->page, op->nr) ||
	    overlap(op->page, op->nr, to, op->nr))
		return SAME;
	if (remap(OURS, op->page, 0, op->nr, 0, to) ||
	    remap(TWIN, op->page, 0, op->nr, 0, to))
		return OTHER_ANSWER;
	for (i = 0; i < op->nr; i++) {
		state[to + i] = state[op->page];
		state[to + i].index += i;
	}
	return SAME;
}

static int do_grow(const struct op *op)
{
	int i, side;

	if (!state[op->page].mapped || state[op->page].shared ||
	    state[op->page].object || !fits(op->page + 1, op->nr) ||
	    !none_mapped(op->page + 1, op->nr))
		return SAME;
	for (side = OURS; side <= TWIN; side++)
		if (mremap(at(side, op->page), bytes(1), bytes(1 + op->nr), 0)
		    == MAP_FAILED)
			return OTHER_ANSWER;
	for (i = op->page + 1; i <= op->page + op->nr; i++) {
		state[i] = state[i - 1];
		state[i].index++;
	}
	return SAME;
}

static int do_shrink(const struct op *op)
{
	int keep = op->arg, side;

	if (keep <= 0 || keep >= op->nr || !all_mapped(op->page, op->nr))
		return SAME;
	/* Shrinking is unmapping, also of more than one VMA. */
	for (side = OURS; side <= TWIN; side++)
		if (mremap(at(side, op->page), bytes(op->nr), bytes(keep), 0)
		    == MAP_FAILED)
			return OTHER_ANSWER;
	forget(op->page + keep, op->nr - keep);
	return SAME;
}

/* In the twin DOFORK would undo what stands for INHERIT_NONE. */
static bool may_dontfork(const struct op *op)
{
	int i;

	for (i = op->page; i < op->page + op->nr; i++)
		if (state[i].inherit == VMOBJ_INHERIT_NONE)
			return false;
	return true;
}

static int do_dontfork(const struct op *op)
{
	int advice = op->arg ? MADV_DONTFORK : MADV_DOFORK, i;

	if (!all_mapped(op->page, op->nr) || !may_dontfork(op))
		return SAME;
	if (madvise(at(OURS, op->page), bytes(op->nr), advice) ||
	    madvise(at(TWIN, op->page), bytes(op->nr), advice))
		return OTHER_ANSWER;
	for (i = op->page; i < op->page + op->nr; i++)
		state[i].dontfork = op->arg;
	return SAME;
}

static int do_lock(const struct op *op)
{
	int i, err[2], side;

	if (!all_mapped(op->page, op->nr))
		return SAME;
	/* It makes private copies of a memfd's pages, which may be seen or not. */
	for (i = op->page; i < op->page + op->nr; i++)
		if (state[i].prot == PROT_NONE ||
		    (state[i].object && !state[i].shared))
			return SAME;
	for (i = op->page; i < op->page + op->nr; i++)
		state[i].locked = op->arg;
	for (side = OURS; side <= TWIN; side++)
		err[side] = op->arg ?
			mlock(at(side, op->page), bytes(op->nr)) :
			munlock(at(side, op->page), bytes(op->nr));
	return err[OURS] == err[TWIN] ? SAME : OTHER_ANSWER;
}

static int do_zap(const struct op *op)
{
	int i;

	if (vt_is_anon())
		return SAME;
	/* Locked memory answers EINVAL; that is all right. */
	for (i = op->page; i < op->page + op->nr; i++)
		if (state[i].mapped)
			madvise(at(OURS, i), bytes(1), MADV_DONTNEED);
	return SAME;
}

/* It must not show; nor if all goes at once with memory that is locked or not inherited. */
static int do_page(const struct op *op)
{
	int i;

	if (vt_is_anon())
		return SAME;
	if (all_mapped(op->page, op->nr) &&
	    !vt_advise(at(OURS, op->page), 0, op->nr * unit, advice[op->arg]))
		return SAME;
	for (i = op->page; i < op->page + op->nr; i++)
		if (state[i].mapped)
			vt_advise(at(OURS, i), 0, unit, advice[op->arg]);
	return SAME;
}

/* ---- discarding; where it can be compared with something ---- */

static bool may_discard(const struct page_state *page)
{
	if (!page->mapped || page->locked)
		return false;
	return (!page->shared && !page->object) || page->prot == VT_RW;
}

/* Of a private mapping of an object zeros are left, and not what the object holds. */
static int discard_side(int side, int page, int nr)
{
	if (side == OURS && !vt_is_anon())
		return vt_advise(at(side, page), 0, nr * unit,
				 VMOBJ_ADV_DISCARD);
	if (state[page].object && !state[page].shared) {
		memset(at(side, page), 0, bytes(nr));
		return 0;
	}
	return madvise(at(side, page), bytes(nr), state[page].shared ?
		       MADV_REMOVE : MADV_DONTNEED) ? errno : 0;
}

/* In pieces of one kind. */
static int do_discard(const struct op *op)
{
	int page = op->page, end = op->page + op->nr, nr;

	for (; page < end; page += nr) {
		nr = 1;
		if (!may_discard(&state[page]))
			continue;
		while (page + nr < end && may_discard(&state[page + nr]) &&
		       state[page + nr].shared == state[page].shared &&
		       state[page + nr].object == state[page].object)
			nr++;
		if (discard_side(OURS, page, nr) ||
		    discard_side(TWIN, page, nr))
			return OTHER_ANSWER;
	}
	return SAME;
}

/* ---- inheritance ---- */

/*
 * Linux has something like it for all that can be said of private memory but that it is
 * shared, see share_twin(); and of shared memory but that a child gets its own, see
 * unshare_twin().
 */
static bool may_inherit(const struct op *op)
{
	int i;

	if (vt_is_anon() || !all_mapped(op->page, op->nr) ||
	    any_object(op->page, op->nr))
		return false;
	for (i = op->page; i < op->page + op->nr; i++) {
		if (state[i].dontfork || state[i].locked)
			return false;
	}
	return true;
}

/* The twin becomes MAP_SHARED or MAP_PRIVATE memory, with the same contents if wanted. */
static int remake_twin(int page, int flags, bool keep)
{
	static char copy[SUPERPAGE / 8];
	char *twin = at(TWIN, page);

	if (mprotect(twin, bytes(1), VT_RW))
		return errno;
	memcpy(copy, twin, bytes(1));
	if (mmap(twin, bytes(1), VT_RW, flags | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		return errno;
	if (keep)
		memcpy(twin, copy, bytes(1));
	return mprotect(twin, bytes(1), state[page].prot) ? errno : 0;
}

static int share_twin(int page)
{
	if (state[page].shared)
		return madvise(at(TWIN, page), bytes(1), MADV_DOFORK) ? errno : 0;
	return remake_twin(page, MAP_SHARED, true);
}

/* In a child, as nobody has written since it was forked: what it shares with nobody. */
static int unshare_twin(int page)
{
	bool zero = state[page].inherit == VMOBJ_INHERIT_ZERO;
	int err = remake_twin(page, MAP_PRIVATE, !zero);

	if (!err && zero && madvise(at(TWIN, page), bytes(1), MADV_WIPEONFORK))
		err = errno;
	state[page].shared = false;
	state[page].said = false;
	state[page].own = true;
	state[page].id = ++next_id;
	return err;
}

static int inherit_twin(int page, int how)
{
	char *twin = at(TWIN, page);
	int err = 0;

	switch (how) {
	case VMOBJ_INHERIT_SHARE:
		return share_twin(page);
	case VMOBJ_INHERIT_NONE:
		err = madvise(twin, bytes(1), MADV_DONTFORK);
		break;
	default:
		err = madvise(twin, bytes(1), MADV_DOFORK);
		if (!err && !state[page].shared)
			err = madvise(twin, bytes(1), how == VMOBJ_INHERIT_ZERO ?
				MADV_WIPEONFORK : MADV_KEEPONFORK);
		break;
	}
	return err ? errno : 0;
}

static int do_inherit(const struct op *op)
{
	int i;

	if (!may_inherit(op))
		return SAME;
	if (vt_inherit(at(OURS, op->page), 0, op->nr * unit, op->arg))
		return OTHER_ANSWER;
	for (i = op->page; i < op->page + op->nr; i++) {
		if (inherit_twin(i, op->arg))
			return OTHER_ANSWER;
		state[i].inherit = op->arg;
		state[i].said = true;
		if (op->arg == VMOBJ_INHERIT_SHARE && !state[i].shared) {
			state[i].shared = true;
			state[i].id = ++next_id;
		}
	}
	return SAME;
}

/* ---- an object with a descriptor ---- */

static bool open_objects(void)
{
	object_fd[OURS] = vt_is_anon() ? memfd_create("ours", 0) :
			  vt_create(bytes(WINDOW));
	object_fd[TWIN] = memfd_create("twin", 0);
	return object_fd[OURS] >= 0 && object_fd[TWIN] >= 0 &&
	       !ftruncate(object_fd[OURS], bytes(WINDOW)) &&
	       !ftruncate(object_fd[TWIN], bytes(WINDOW));
}

static void close_objects(void)
{
	close(object_fd[OURS]);
	close(object_fd[TWIN]);
}

static int do_object(const struct op *op)
{
	int flags = MAP_FIXED | (op->arg ? MAP_SHARED : MAP_PRIVATE);
	int first = op->value % (WINDOW - op->nr + 1), side, i;

	for (side = OURS; side <= TWIN; side++)
		if (mmap(at(side, op->page), bytes(op->nr), VT_RW, flags,
			 object_fd[side], bytes(first)) == MAP_FAILED)
			return OTHER_ANSWER;
	next_id++;
	for (i = 0; i < op->nr; i++)
		state[op->page + i] = (struct page_state) {
			.mapped = true,
			.shared = op->arg,
			.object = true,
			.prot = VT_RW,
			.id = next_id,
			.index = i,
		};
	return SAME;
}

static int do_pwrite(const struct op *op)
{
	unsigned char data[MAX_WRITE];
	off_t where = bytes(op->page) + op->arg +
		      spots_in_unit[op->value % nr_spots()] * vt_page_size;
	int nr = op->nr, side, i;

	if (op->arg + nr > (int)vt_page_size)
		nr = vt_page_size - op->arg;
	if (nr > MAX_WRITE)
		nr = MAX_WRITE;
	for (i = 0; i < nr; i++)
		data[i] = op->value + i;
	for (side = OURS; side <= TWIN; side++)
		if (pwrite(object_fd[side], data, nr, where) != nr)
			return OTHER_ANSWER;
	return SAME;
}

static long run_op(void *arg)
{
	const struct op *op = arg;

	switch (op->code) {
	case OP_WRITE:
	case OP_SYSCALL:
		return do_write(op);
	case OP_TOUCH:
		return do_touch(op);
	case OP_MAP:
		return do_map(op);
	case OP_UNMAP:
		return do_unmap(op);
	case OP_PROTECT:
		return do_protect(op);
	case OP_TOGGLE:
		return do_toggle(op);
	case OP_MOVE:
		return do_move(op, 0, 0);
	case OP_MOVE_GROW:
		return do_move(op, op->value, 0);
	case OP_MOVE_LEAVE:
		return do_move(op, 0, MREMAP_DONTUNMAP);
	case OP_ALIAS:
		return do_alias(op);
	case OP_GROW:
		return do_grow(op);
	case OP_SHRINK:
		return do_shrink(op);
	case OP_DONTFORK:
		return do_dontfork(op);
	case OP_LOCK:
		return do_lock(op);
	case OP_ZAP:
		return do_zap(op);
	case OP_PAGE:
		return do_page(op);
	case OP_DISCARD:
		return do_discard(op);
	case OP_INHERIT:
		return do_inherit(op);
	case OP_OBJECT:
		return do_object(op);
	case OP_PWRITE:
		return do_pwrite(op);
	default:
		return NOT_AS_EXPECTED;
	}
}

/* ---- comparing ---- */

struct compare {
	unsigned int readable;		/* out: pages, a bit each */
	int page;			/* out: the first that differs */
	int byte;
	unsigned char ours, twin;
};

static int compare_page(struct compare *c, int page, const char *ours,
			const char *twin)
{
	int i;

	if (!memcmp(ours, twin, vt_page_size))
		return SAME;
	for (i = 0; ours[i] == twin[i]; i++)
		;
	c->page = page;
	c->byte = i;
	c->ours = ours[i];
	c->twin = twin[i];
	return OTHER_CONTENTS;
}

static long compare_here(void *arg)
{
	struct compare *c = arg;
	int i, n, bad = SAME;

	for (i = 0; i < WINDOW && !bad; i++) {
		if (!state[i].mapped || !(state[i].prot & PROT_READ))
			continue;
		c->readable |= 1U << i;
		for (n = 0; n < nr_spots() && !bad; n++)
			bad = compare_page(c, i, spot(OURS, i, n),
					   spot(TWIN, i, n));
	}
	return bad;
}

static long which_readable(void *arg)
{
	struct compare *c = arg;
	int i;

	for (i = 0; i < WINDOW; i++)
		if (state[i].mapped && state[i].prot & PROT_READ)
			c->readable |= 1U << i;
	return SAME;
}

static int compare_from_outside(int who, struct compare *c)
{
	static char copy[2][65536];
	struct iovec local, remote;
	int i, side, bad;

	if (puppet_call(who, which_readable, c, sizeof(*c)))
		return OTHER_ANSWER;
	for (i = 0; i < WINDOW; i++) {
		if (!(c->readable & 1U << i))
			continue;
		for (side = OURS; side <= TWIN; side++) {
			local.iov_base = copy[side];
			local.iov_len = vt_page_size;
			remote.iov_len = vt_page_size;
			remote.iov_base = spot(side, i, i);
			if (process_vm_readv(puppet_pid(who), &local, 1,
					     &remote, 1, 0) !=
			    (ssize_t)vt_page_size)
				return OTHER_ANSWER;
		}
		bad = compare_page(c, i, copy[OURS], copy[TWIN]);
		if (bad)
			return bad;
	}
	return SAME;
}

/* ---- a run ---- */

struct run {
	struct op op[MAX_STEPS];
	int nr;
	int compare_every;	/* step; 0: only before a process ends */
	/* of the failure: */
	int step;
	char text[200];
};

static int reserve_windows(void)
{
	int side;

	for (side = OURS; side <= TWIN; side++) {
		/* A hole around each: nothing may grow into the other. */
		size_t around = unit > 1 ? SUPERPAGE : vt_page_size;
		char *mem = mmap(NULL, bytes(WINDOW) + 2 * around, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				 -1, 0);

		if (mem == MAP_FAILED)
			return -1;
		win[side] = (char *)(((uintptr_t)mem + around) & -around);
	}
	return 0;
}

static long free_windows(void *arg)
{
	(void)arg;
	return munmap(win[OURS], bytes(WINDOW)) |
		munmap(win[TWIN], bytes(WINDOW));
}

/*
 * The child's table after a fork.  What is not inherited is SIGSEGV on both sides; ours
 * has a mapping there, which is made to go.
 */
static long begin_child(void *arg)
{
	int i;

	(void)arg;
	is_first = false;
	for (i = 0; i < WINDOW; i++) {
		state[i].locked = false;
		if (state[i].inherit == VMOBJ_INHERIT_NONE &&
		    (vt_try_read(at(OURS, i)) != SIGSEGV ||
		     vt_try_read(at(TWIN, i)) != SIGSEGV ||
		     munmap(at(OURS, i), bytes(1))))
			return OTHER_FAULT;
		if (state[i].dontfork ||
		    state[i].inherit == VMOBJ_INHERIT_NONE)
			forget(i, 1);
		if (state[i].shared && state[i].said &&
		    state[i].inherit != VMOBJ_INHERIT_SHARE &&
		    unshare_twin(i))
			return OTHER_ANSWER;
	}
	return SAME;
}

static bool fails(struct run *run, int step, const char *text)
{
	run->step = step;
	snprintf(run->text, sizeof(run->text), "step %d: %s", step, text);
	return false;
}

static bool compare_one(struct run *run, int step, int who, bool outside)
{
	struct compare c = { 0 };
	long bad;

	bad = outside ? compare_from_outside(who, &c) :
		puppet_call(who, compare_here, &c, sizeof(c));
	if (bad == SAME)
		return true;
	if (bad == PUPPET_DEAD)
		return fails(run, step, "a process died while it compared");
	run->step = step;
	snprintf(run->text, sizeof(run->text),
		 "step %d: process %d, page %d, byte %d: 0x%02x, and 0x%02x in Linux's memory%s",
		 step, who, c.page, c.byte, c.ours, c.twin,
		 outside ? " (seen from outside)" : "");
	return false;
}

static bool compare_all(struct run *run, int step)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (puppet_alive(i) && !compare_one(run, step, i, false))
			return false;
	return true;
}

static bool do_fork(struct run *run, int step, const struct op *op)
{
	long bad;

	if (puppet_alive(op->arg))
		return true;
	if (!puppet_fork(op->who, op->arg))
		return fails(run, step, "fork failed");
	bad = puppet_call(op->arg, begin_child, NULL, 0);
	return bad == SAME || fails(run, step, "what a child does not inherit");
}

static int alive(void)
{
	int i, n = 0;

	for (i = 0; i < PROCESSES; i++)
		n += puppet_alive(i);
	return n;
}

static bool do_end(struct run *run, int step, const struct op *op)
{
	if (alive() == 1)
		return true;		/* the tree would be gone */
	if (!compare_one(run, step, op->who, false))
		return false;
	if (op->code == OP_EXIT ? !puppet_exit(op->who) : !puppet_kill(op->who))
		return fails(run, step, "it does not end");
	return true;
}

static bool do_step(struct run *run, int step)
{
	struct op op = run->op[step];
	long bad;

	if (!puppet_alive(op.who))
		return true;
	switch (op.code) {
	case OP_FORK:
		return do_fork(run, step, &op);
	case OP_EXIT:
	case OP_KILL:
		return do_end(run, step, &op);
	case OP_PEEK:
		return compare_one(run, step, op.who, true);
	default:
		break;
	}
	bad = puppet_call(op.who, run_op, &op, sizeof(op));
	if (bad == PUPPET_DEAD)
		return fails(run, step, "the process died");
	return bad == SAME || fails(run, step, verdicts[bad]);
}

/* After the last process: the module must have nothing of ours. */
static bool nothing_left(struct run *run)
{
	if (!vt_have_debugfs())
		return true;
	if (!vt_check_ok())
		return fails(run, run->nr, "the checker complains");
	if (vt_stat_settles("objects", 0) || vt_stat_settles("pages", 0) ||
	    vt_stat_settles("pages_swapped", 0))
		return fails(run, run->nr, "objects, pages or swap are left");
	return true;
}

#define CHECK_EVERY	64	/* steps */

static bool run_steps(struct run *run)
{
	int step;

	for (step = 0; step < run->nr; step++) {
		if (!do_step(run, step))
			return false;
		if (run->compare_every && step % run->compare_every == 0 &&
		    !compare_all(run, step))
			return false;
		if (step % CHECK_EVERY == CHECK_EVERY - 1 && !vt_check_ok())
			return fails(run, step, "the checker complains");
	}
	return compare_all(run, run->nr) &&
		(vt_check_ok() || fails(run, run->nr, "the checker complains"));
}

/* In a fresh tree. */
static bool run_once(struct run *run)
{
	bool good;

	if (!open_objects())
		return fails(run, 0, "no object");
	if (!puppet_start(0))
		return fails(run, 0, "no process to start with");
	if (puppet_call(0, free_windows, NULL, 0))
		return fails(run, 0, "cannot free the windows");
	good = run_steps(run);
	puppet_kill_all();
	close_objects();
	return good && nothing_left(run);
}

/* ---- random runs ---- */

static enum op_code random_code(uint64_t *random)
{
	unsigned int sum = 0, i;

	for (i = 0; i < NR_OPS; i++)
		sum += op_table[i].weight;
	sum = vt_below(random, sum);
	for (i = 0; sum >= op_table[i].weight; i++)
		sum -= op_table[i].weight;
	return i;
}

/* Most are short, some are long. */
static int random_nr(uint64_t *random, int max)
{
	int nr = 1 + vt_below(random, max);

	if (vt_below(random, 2))
		return nr;
	return 1 + vt_below(random, nr);
}

/* Who lives if nothing fails, while a run is made up; a bit each. */
static unsigned int living;

static int random_process(uint64_t *random, unsigned int among)
{
	int who;

	do {
		who = vt_below(random, PROCESSES);
	} while (among && !(among & 1U << who));
	return who;
}

static void random_op(uint64_t *random, struct op *op)
{
	op->code = random_code(random);
	op->who = random_process(random, living);
	op->page = vt_below(random, WINDOW);
	op->nr = random_nr(random, WINDOW - op->page);
	op->value = vt_below(random, 250);
	op->arg = 0;

	switch (op->code) {
	case OP_WRITE:
	case OP_SYSCALL:
	case OP_PWRITE:
		op->arg = vt_below(random, vt_page_size);
		op->nr = random_nr(random, 64);
		break;
	case OP_FORK:
		op->arg = random_process(random,
					 ~living & ((1U << PROCESSES) - 1));
		living |= 1U << op->arg;
		break;
	case OP_EXIT:
	case OP_KILL:
		if (living & (living - 1))
			living &= ~(1U << op->who);
		break;
	case OP_MAP:
		op->arg = !vt_below(random, 4);
		break;
	case OP_PROTECT:
		/* Mostly back to where everything is allowed. */
		op->arg = vt_below(random, 2) ?
			0 : vt_below(random, ARRAY_SIZE(prots));
		break;
	case OP_LOCK:
		op->arg = vt_below(random, 2);
		/* More than there may be would be an error on our side only. */
		if (limited)
			op->nr = 1;
		break;
	case OP_TOUCH:
	case OP_DONTFORK:
		op->arg = vt_below(random, 2);
		break;
	case OP_PAGE:
		/* Mostly out: who touches it brings it back. */
		op->arg = vt_below(random, 2) ?
			0 : vt_below(random, ARRAY_SIZE(advice));
		break;
	case OP_OBJECT:
		op->nr = random_nr(random, (WINDOW - op->page + 3) / 4);
		op->arg = vt_below(random, 2);
		break;
	case OP_INHERIT:
		op->nr = random_nr(random, (WINDOW - op->page + 3) / 4);
		op->arg = vt_below(random, 4);
		break;
	case OP_MOVE:
	case OP_MOVE_GROW:
	case OP_MOVE_LEAVE:
	case OP_ALIAS:
		op->nr = random_nr(random, WINDOW / 4);
		op->arg = vt_below(random, WINDOW);
		op->value = 1 + vt_below(random, 3);
		break;
	case OP_GROW:
		op->nr = 1 + vt_below(random, 4);
		break;
	case OP_SHRINK:
		op->arg = vt_below(random, op->nr);
		break;
	default:
		break;
	}
}

static void random_run(uint64_t *random, struct run *run, int steps)
{
	static const int every[] = { 1, 1, 1, 7, 0 };
	int i;

	run->compare_every = every[vt_below(random, ARRAY_SIZE(every))];
	run->nr = steps;
	living = 1;
	run->op[0] = (struct op) { .code = OP_MAP, .nr = WINDOW * 3 / 4 };
	run->op[1] = (struct op) { .code = OP_MAP, .page = WINDOW * 3 / 4,
				   .nr = WINDOW / 4, .arg = 1 };
	for (i = 2; i < steps; i++)
		random_op(random, &run->op[i]);
}

/* ---- files of operations ---- */

static void print_run(const struct run *run, const char *prefix, FILE *file)
{
	int i;

	fprintf(file, "%scompare_every %d\n", prefix, run->compare_every);
	for (i = 0; i < run->nr; i++) {
		const struct op *op = &run->op[i];

		fprintf(file, "%s%s %d %d %d %d %u\n", prefix,
			op_table[op->code].name, op->who, op->page, op->nr,
			op->arg, op->value);
	}
}

static bool save_run(const struct run *run, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return false;
	print_run(run, "", file);
	return !fclose(file);
}

static bool parse_op(const char *line, struct op *op)
{
	char name[16];
	unsigned int i;

	if (sscanf(line, "%15s %d %d %d %d %u", name, &op->who, &op->page,
		   &op->nr, &op->arg, &op->value) != 6)
		return false;
	for (i = 0; i < NR_OPS && strcmp(name, op_table[i].name); i++)
		;
	op->code = i;
	return i < NR_OPS && op->who >= 0 && op->who < PROCESSES &&
		op->arg >= 0 && (i != OP_FORK || op->arg < PROCESSES) &&
		(i != OP_PROTECT || op->arg < (int)ARRAY_SIZE(prots)) &&
		op->page >= 0 && op->page < WINDOW && op->nr >= 0 &&
		(i != OP_MAP || fits(op->page, op->nr)) &&
		(i != OP_UNMAP || fits(op->page, op->nr)) &&
		(i != OP_OBJECT || fits(op->page, op->nr)) &&
		(i != OP_INHERIT || op->arg <= VMOBJ_INHERIT_ZERO) &&
		(i != OP_DISCARD || fits(op->page, op->nr)) &&
		(i != OP_PAGE || op->arg < (int)ARRAY_SIZE(advice)) &&
		(i != OP_PAGE || fits(op->page, op->nr)) &&
		(i != OP_ZAP || fits(op->page, op->nr));
}

static bool load_run(struct run *run, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];
	bool good = true;

	if (!file) {
		perror(path);
		return false;
	}
	run->nr = 0;
	run->compare_every = 1;
	while (good && fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || line[0] == '\n' ||
		    sscanf(line, "compare_every %d", &run->compare_every) == 1)
			continue;
		good = run->nr < MAX_STEPS &&
			parse_op(line, &run->op[run->nr++]);
		if (!good)
			fprintf(stderr, "%s: not an operation: %s", path, line);
	}
	fclose(file);
	return good;
}

/* ---- shrinking ---- */

#define SHRINK_SECONDS	60

/* Does it still fail without the steps [from, from + nr)? */
static bool fails_without(const struct run *run, int from, int nr,
			  struct run *less)
{
	if (less != run)
		*less = *run;
	memmove(&less->op[from], &less->op[from + nr],
		(less->nr - from - nr) * sizeof(run->op[0]));
	less->nr -= nr;
	return !run_once(less);
}

/* A single step; if it is a fork, the parent does what the child did. */
static bool fails_without_step(const struct run *run, int step,
			       struct run *less)
{
	const struct op *op = &run->op[step];
	int i;

	if (fails_without(run, step, 1, less))
		return true;
	if (op->code != OP_FORK)
		return false;
	*less = *run;
	for (i = step + 1; i < run->nr; i++)
		if (less->op[i].who == op->arg)
			less->op[i].who = op->who;
	return fails_without(less, step, 1, less);
}

/* Delta debugging: leave out pieces, large ones first, as long as it fails. */
static void shrink(struct run *run)
{
	static struct run less;
	time_t end = time(NULL) + SHRINK_SECONDS;
	int piece, from;
	bool any;

	/* What comes after the failure had no part in it. */
	if (run->step + 1 < run->nr)
		run->nr = run->step + 1;
	piece = run->nr / 2 ?: 1;
	do {
		any = false;
		for (from = run->nr - piece; from >= 0; from -= piece) {
			if (time(NULL) > end)
				return;
			if (piece > 1 ? fails_without(run, from, piece, &less) :
			    fails_without_step(run, from, &less)) {
				*run = less;
				any = true;
			}
		}
		if (piece > 1)
			piece /= 2;
		else if (!any)
			break;
	} while (true);
}

static void report(struct run *run)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/t_diff.%d.long", getpid());
	if (save_run(run, path))
		ksft_print_msg("%d steps in %s; shrinking\n", run->nr, path);
	shrink(run);
	ksft_print_msg("%s\n", run->text);
	ksft_print_msg("shrunk to %d steps, for t_diff --replay:\n", run->nr);
	print_run(run, "#   ", stdout);
	snprintf(path, sizeof(path), "/tmp/t_diff.%d.short", getpid());
	save_run(run, path);
	fflush(stdout);
}

/* ---- threads that write while others fork ---- */

#define WRITERS		3
#define PER_WRITER	4	/* pages */

/*
 * Each writer has a page to write a count to, and pages that follow it: first
 * ours, then the twin, always in this order.  So at any point in time each value
 * is the same as, or one less than, the one before it; and that is what a child
 * must see, for ever.
 */
struct writer {
	pthread_t thread;
	int first;
	volatile bool *stop;
	unsigned long rounds;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	unsigned long count = 0;
	int i;

	while (!*w->stop) {
		count++;
		for (i = w->first; i < w->first + PER_WRITER; i++) {
			__atomic_store_n((unsigned long *)at(OURS, i), count,
					 __ATOMIC_RELEASE);
			__atomic_store_n((unsigned long *)at(TWIN, i), count,
					 __ATOMIC_RELEASE);
		}
	}
	w->rounds = count;
	return NULL;
}

static bool in_order(int first)
{
	unsigned long top, value, before;
	int i, side;

	top = *(unsigned long *)at(OURS, first);
	before = top;
	for (i = first; i < first + PER_WRITER; i++) {
		for (side = OURS; side <= TWIN; side++) {
			value = *(unsigned long *)at(side, i);
			if (value > before || value + 1 < top) {
				fprintf(stderr,
					"# page %d of %s is %lu after %lu, first %lu\n",
					i, side == OURS ? "ours" : "Linux's",
					value, before, top);
				return false;
			}
			before = value;
		}
	}
	return true;
}

static void snapshot_child(void *arg)
{
	unsigned long seen[WRITERS * PER_WRITER];
	int i, round;

	(void)arg;
	for (i = 0; i < WRITERS; i++)
		VT_CHECK(in_order(i * PER_WRITER));
	for (i = 0; i < WRITERS * PER_WRITER; i++)
		seen[i] = *(unsigned long *)at(OURS, i);
	for (round = 0; round < 3; round++) {
		sched_yield();
		for (i = 0; i < WRITERS * PER_WRITER; i++)
			VT_CHECK(seen[i] == *(unsigned long *)at(OURS, i));
		/* Half of them write, too. */
		if (getpid() % 2) {
			*(unsigned long *)at(OURS, round) = -1UL;
			seen[round] = -1UL;
		}
	}
}

static bool threads_run(uint64_t *random, int forks)
{
	struct writer writers[WRITERS] = { 0 };
	struct op map = { .code = OP_MAP, .nr = WRITERS * PER_WRITER };
	volatile bool stop = false;
	pid_t pids[4] = { 0 };
	bool good = true;
	int i;

	if (do_map(&map))
		return false;
	for (i = 0; i < WRITERS; i++) {
		writers[i].first = i * PER_WRITER;
		writers[i].stop = &stop;
		if (pthread_create(&writers[i].thread, NULL, writer_main,
				   &writers[i]))
			return false;
	}
	for (i = 0; i < forks && good; i++) {
		pid_t *pid = &pids[vt_below(random, ARRAY_SIZE(pids))];

		if (*pid)
			good = !vt_wait(*pid);
		*pid = vt_fork(snapshot_child, NULL);
	}
	stop = true;
	for (i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	for (i = 0; i < (int)ARRAY_SIZE(pids); i++)
		if (pids[i])
			good &= !vt_wait(pids[i]);
	for (i = 0; i < WRITERS * PER_WRITER; i++)
		good &= !memcmp(at(OURS, i), at(TWIN, i), vt_page_size) &&
			*(unsigned long *)at(OURS, i) ==
			writers[i / PER_WRITER].rounds;
	good &= vt_check_ok();
	map.nr = WINDOW;
	return !do_unmap(&map) && good;
}

/* ---- main ---- */

static struct run run;

static bool random_runs(uint64_t seed, int runs, int steps)
{
	uint64_t random;
	int i;

	for (i = 0; i < runs; i++) {
		random = seed + i;
		random_run(&random, &run, steps);
		if (run_once(&run))
			continue;
		ksft_print_msg("run %d of %d fails (--seed %llu --runs 1 --steps %d): %s\n",
			       i, runs, (unsigned long long)seed + i, steps,
			       run.text);
		report(&run);
		return false;
	}
	return true;
}

/* Finds a fault that is there, and shrinks to it: map, fork, write. */
static bool finds_a_fault(uint64_t seed)
{
	uint64_t random = seed;
	bool found = false;
	int tries;

	deliberate_fault = 5;
	for (tries = 0; tries < 20 && !found; tries++) {
		random_run(&random, &run, 200);
		found = !run_once(&run);
	}
	if (found)
		shrink(&run);
	deliberate_fault = -1;
	if (found && run.nr <= 3)
		return true;
	ksft_print_msg("deliberate fault %s; %d steps\n",
		       found ? "found" : "not found", run.nr);
	if (found)
		print_run(&run, "#   ", stdout);
	return false;
}

struct options {
	uint64_t seed;
	int runs;
	int steps;
	int threads;
	int superpages;
	int blocks;
	int chains;
	const char *replay;
};

static void usage(void)
{
	fputs("usage: t_diff [--seed N] [--runs N] [--steps N] [--threads] [--superpages] [--blocks] [--chains] [--limit] [--replay FILE]\n",
	      stderr);
	exit(KSFT_FAIL);
}

static void parse_options(int argc, char **argv, struct options *opt)
{
	const struct option options[] = {
		{ "seed", required_argument, NULL, 'e' },
		{ "runs", required_argument, NULL, 'r' },
		{ "steps", required_argument, NULL, 's' },
		{ "replay", required_argument, NULL, 'p' },
		{ "threads", no_argument, &opt->threads, 1 },
		{ "superpages", no_argument, &opt->superpages, 1 },
		{ "blocks", no_argument, &opt->blocks, 1 },
		{ "chains", no_argument, &opt->chains, 1 },
		{ "limit", no_argument, &limited, 1 },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'e')
			opt->seed = strtoull(optarg, NULL, 0);
		else if (c == 'r')
			opt->runs = atoi(optarg);
		else if (c == 's')
			opt->steps = atoi(optarg);
		else if (c == 'p')
			opt->replay = optarg;
		else if (c)
			usage();
	}
	/* With a limit, each takes five times as long. */
	if (!opt->runs)
		opt->runs = limited ? vt_scale(8, 1) : vt_scale(40, 4);
	if (optind < argc || opt->steps < 2 || opt->steps > MAX_STEPS)
		usage();
}

static void one_test(bool good, const char *name)
{
	ksft_test_result(good, "%s\n", name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct options opt = {
		.steps = 300,
	};
	const char *fault = getenv("VMOBJ_DIFF_BREAK");
	uint64_t random;

	opt.seed = vt_seed();
	parse_options(argc, argv, &opt);
	if (fault)
		deliberate_fault = atoi(fault);
	if (opt.superpages)
		unit = SUPERPAGE / 8 / vt_page_size;
	ksft_print_header();
	if ((opt.blocks && !vt_set_parameter("superpages", "blocks")) ||
	    (opt.chains && !vt_set_parameter("max_chain_depth", "2")) ||
	    (limited && !vt_set_parameter("max_resident", "6")))
		ksft_exit_skip("no right to change the module's parameter\n");
	if (reserve_windows())
		return KSFT_FAIL;
	puppet_init();
	random = opt.seed;

	if (opt.replay) {
		ksft_set_plan(1);
		if (!load_run(&run, opt.replay))
			return KSFT_FAIL;
		one_test(run_once(&run), "replay");
		if (ksft_get_fail_cnt())
			ksft_print_msg("%s\n", run.text);
	} else if (opt.threads) {
		ksft_set_plan(1);
		one_test(threads_run(&random, opt.steps), "threads");
	} else {
		ksft_set_plan(fault ? 1 : 3);
		if (!fault)
			one_test(finds_a_fault(opt.seed),
				 "a_deliberate_fault_is_found_and_shrunk");
		one_test(random_runs(opt.seed, opt.runs, opt.steps),
			 "random_operations_give_equal_contents");
		if (!fault)
			one_test(threads_run(&random, vt_scale(300, 30)),
				 "forks_beside_writing_threads_are_snapshots");
	}
	if (opt.blocks)
		vt_set_parameter("superpages", "auto");
	if (opt.chains)
		vt_set_parameter("max_chain_depth", "32");
	if (limited)
		vt_set_parameter("max_resident", "0");
	ksft_print_cnts();
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}
