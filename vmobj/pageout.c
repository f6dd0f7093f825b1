// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page daemon.  See include/vmobj/pageout.h.
 *
 *	           touched, or new
 *	        +-------------------+
 *	        v                   |
 *	     active ----------> inactive ---+---> free
 *	           act_count 0:       |     |
 *	           unmapped     dirty v     |
 *	                           laundry --+---> swap
 *
 * Whoever leaves a queue by the door has not been touched until it was the first there.  File
 * pages that have been written are on the cache queue, and go before all others.
 *
 * BSD looks at the accessed bits of PTEs; a module cannot.  So a page that becomes
 * inactive is unmapped, and who touches it after that takes a fault that makes it active
 * again (vm_walk_lock() in fault.c).  Each time this happens act_count goes up, and it takes
 * the page so many more passes to become inactive again.
 *
 * Who asks:
 *
 *	the limit	max_resident is nearly reached, or is: then faults wait
 *	the shrinker	Linux is short of memory.  It frees nothing itself, but asks the
 *			daemon.  Who needs memory waits for that for a little while, and
 *			so does kswapd.
 *	the OOM killer	Our pages are not on Linux's lists: it takes memory that is full of
 *			them for memory without anything to reclaim.  So it is told to wait
 *			while the daemon gets anywhere.
 *
 * The daemon may wait for a family lock, as nobody waits for the daemon without an end.
 * The shrinker may not: memory is allocated under all family locks.  But not the pages of
 * faults: they are waited for with the family lock let go (vm_walk_obstacle()), or the
 * daemon would wait for whom it works for.
 *
 * The default store needs a page for each page.  While it writes the daemon holds no lock,
 * and may reclaim memory for that: mostly it moves on to the system's swap what was
 * written before (swapfile.c).  Our own shrinker does nothing for it.  What is allocated
 * under a family lock, a few nodes of xarrays, comes from the reserves.
 */
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/psi.h>
#include <linux/sched/signal.h>
#include <linux/shrinker.h>
#include <linux/swap.h>
#include <linux/wait.h>

#include <vmobj/compat.h>
#include <vmobj/memcg.h>
#include <vmobj/page.h>
#include <vmobj/pageout.h>
#include <vmobj/pageq.h>
#include <vmobj/stats.h>
#include <vmobj/swapstore.h>
#include <vmobj/trace.h>

/* As many again, if pages that would have gone were touched just before. */
#define VM_PAGEOUT_CONTENDED	64

/*
 * The daemon makes so much of the limit free: one part in so many; and begins when half of
 * that is left.  To begin for each page would be two switches for each fault.
 */
#define VM_PAGEOUT_EARLY	32

/* How long who reclaims memory waits for the daemon, and the daemon after failures. */
#define VM_PAGEOUT_WAIT		(HZ / 10)

/*
 * How long the OOM killer does, for one page.  The daemon may have to look at all pages
 * before it finds one; if it finds none it says so.
 */
#define VM_PAGEOUT_OOM_WAIT	(10 * HZ)

/* How often it looks whether who was killed before has exited. */
#define VM_OOM_VICTIM_TRIES	20

/*
 * Pages that the daemon makes free at least when Linux asks.  Each time that kswapd or who
 * reclaims memory himself comes again it goes through all shrinkers and all lists, which is
 * dearer than some pages.
 */
#define VM_PAGEOUT_TARGET	256UL

/*
 * With a store in memory a page that goes leaves a copy behind, for Linux to swap out.  If
 * more go than copies are swapped out in the end there are only copies.  So there the daemon
 * makes free what it is asked for, and this is one part in so many of what it could.
 */
#define VM_SHRINK_COPIES	4UL

/* The daemon waits twice as long after each round of failures, so often. */
#define VM_PAGEOUT_DOUBLINGS	6

static struct task_struct *vm_pageout_task;
static DECLARE_WAIT_QUEUE_HEAD(vm_pageout_wait);	/* the daemon */
static DECLARE_WAIT_QUEUE_HEAD(vm_pageout_progress);	/* for the daemon */

/* What the shrinker has asked for. */
static atomic_long_t vm_pageout_deficit;

/* Pages that scans have freed; and those of them that Linux does not know of. */
static atomic_long_t vm_pageout_freed;
static atomic_long_t vm_pageout_unclaimed;

/* A cgroup that is to give back pages, with a reference, or NULL; has it asked anew? */
static struct mem_cgroup *vm_pageout_memcg;
static bool vm_pageout_memcg_asked;
static unsigned int vm_pageout_memcg_runs;	/* how often that has been done */
static DEFINE_SPINLOCK(vm_pageout_memcg_lock);

/*
 * Passes of the daemon without success in a row; how often there were so many that it
 * gave up for a while.
 */
static unsigned int vm_pageout_failed;
static unsigned int vm_pageout_hopeless;

/* Passes since the last success that do not count; VMOBJ_REACTIVATIONS at the last one. */
static unsigned int vm_pageout_contended;
static unsigned long vm_pageout_touched;

/* Faults that wait for room. */
static atomic_t vm_pageout_waiters;

/* Parameter, MiB; and in pages. */
static unsigned long max_resident;
static unsigned long vm_pageout_limit;

/* ---- how much is there, and how much too much ---- */

/* Never too many: who sleeps for a page that was counted twice would not be woken up. */
static unsigned long vm_pageout_resident(void)
{
	return vm_pageq_count_all() + vm_page_nr_wired();
}

/* For each fault: a page that changes queues just now may be counted twice, or not at all. */
static unsigned long vm_pageout_resident_about(void)
{
	return vm_pageq_count(VM_PAGEQ_ACTIVE) + vm_pageq_count_inactive() +
	       vm_pageq_count(VM_PAGEQ_CACHE) + vm_page_nr_wired();
}

unsigned long vm_pageout_excess(void)
{
	unsigned long limit = READ_ONCE(vm_pageout_limit);
	unsigned long most = limit - limit / VM_PAGEOUT_EARLY;
	unsigned long resident = vm_pageout_resident();

	return limit && resident > most ? resident - most : 0;
}

static bool vm_pageout_no_room(void)
{
	unsigned long limit = READ_ONCE(vm_pageout_limit);

	return limit && vm_pageout_resident() > limit;
}

static unsigned long vm_pageout_shortage(void)
{
	long deficit = atomic_long_read(&vm_pageout_deficit);

	return vm_pageout_excess() + max(deficit, 0L);
}

static void vm_pageout_wakeup(void)
{
	if (wq_has_sleeper(&vm_pageout_wait))
		wake_up(&vm_pageout_wait);
}

static int max_resident_set(const char *text, const struct kernel_param *param)
{
	unsigned long mib;
	int err = kstrtoul(text, 0, &mib);

	if (err)
		return err;
	if (mib > ULONG_MAX >> 20)
		return -EINVAL;
	WRITE_ONCE(max_resident, mib);
	WRITE_ONCE(vm_pageout_limit, mib << (20 - PAGE_SHIFT));
	WRITE_ONCE(vm_pageout_failed, 0);
	vm_pageout_wakeup();
	wake_up_all(&vm_pageout_progress);
	return 0;
}

static const struct kernel_param_ops max_resident_ops = {
	.set = max_resident_set,
	.get = param_get_ulong,
};

module_param_cb(max_resident, &max_resident_ops, &max_resident, 0644);
MODULE_PARM_DESC(max_resident,
		 "MiB of pages in memory, before others are paged out: 0 (default) for no limit");

/* ---- the daemon ---- */

void vm_pageout_progress_by(unsigned long freed, bool enough)
{
	long deficit = atomic_long_read(&vm_pageout_deficit);
	long asked = min_t(long, freed, deficit);

	if (asked > 0) {
		atomic_long_sub(asked, &vm_pageout_deficit);
		atomic_long_add(asked, &vm_pageout_unclaimed);
		enough = enough || asked == deficit;
	}
	atomic_long_add(freed, &vm_pageout_freed);
	/* A fault waits for one page, Linux for all that it has asked for. */
	if (enough || atomic_read(&vm_pageout_waiters))
		wake_up_all(&vm_pageout_progress);
}

/*
 * A pass has freed nothing.  Were there pages, which have been touched between the last pass
 * and this one?  They may go the next time.
 */
static bool vm_pageout_is_contended(void)
{
	unsigned long touched = vmobj_stat_read(VMOBJ_REACTIVATIONS);
	bool contended = touched != vm_pageout_touched;

	vm_pageout_touched = touched;
	return contended && vm_pageout_contended++ < VM_PAGEOUT_CONTENDED;
}

static void vm_pageout_account(unsigned long freed)
{
	unsigned int failed = READ_ONCE(vm_pageout_failed) + 1;

	if (freed) {
		failed = 0;
		vm_pageout_contended = 0;
	} else if (vm_pageout_is_contended()) {
		failed = min(failed, VM_PAGEOUT_PASSES);
	}
	WRITE_ONCE(vm_pageout_failed, failed);
	if (failed > VM_PAGEOUT_PASSES) {
		vm_pageout_contended = 0;
		/* What cannot be had is not asked for any longer. */
		atomic_long_set(&vm_pageout_deficit, 0);
		WRITE_ONCE(vm_pageout_hopeless, vm_pageout_hopeless + 1);
	}
	wake_up_all(&vm_pageout_progress);
}

static void vm_pageout_run(void)
{
	unsigned int pass = READ_ONCE(vm_pageout_failed);

	vm_pageout_account(vm_pageout_scan(NULL, vm_pageout_shortage(), pass));
}

/* NULL when all that was asked for has been tried. */
static struct mem_cgroup *vm_pageout_next_memcg(void)
{
	struct mem_cgroup *memcg = NULL;

	spin_lock(&vm_pageout_memcg_lock);
	if (!vm_pageout_memcg_asked)
		swap(vm_pageout_memcg, memcg);
	vm_pageout_memcg_asked = false;
	spin_unlock(&vm_pageout_memcg_lock);
	mem_cgroup_put(memcg);
	return READ_ONCE(vm_pageout_memcg);
}

/* What the daemon is to make free at least. */
static unsigned long vm_pageout_target(void)
{
	return vm_swapstore_in_memory() ? SWAP_CLUSTER_MAX : VM_PAGEOUT_TARGET;
}

/* A cgroup is at its limit.  Others need not be short of anything. */
static void vm_pageout_run_memcg(void)
{
	struct mem_cgroup *memcg = vm_pageout_next_memcg();
	unsigned long target = vm_pageout_target();
	unsigned int pass = 0;

	if (!memcg)
		return;
	while (pass <= VM_PAGEOUT_PASSES &&
	       !vm_pageout_scan(memcg, target, pass))
		pass++;
	WRITE_ONCE(vm_pageout_memcg_runs, vm_pageout_memcg_runs + 1);
	wake_up_all(&vm_pageout_progress);
}

static bool vm_pageout_is_back(void)
{
	/* A new limit makes it 0. */
	return kthread_should_stop() || !READ_ONCE(vm_pageout_failed);
}

/*
 * Then it is tried anew: somebody may have made room.  If nobody waits there is no
 * hurry, and each round looks at all pages.
 */
static void vm_pageout_back_off(unsigned int rounds)
{
	wait_event_freezable_timeout(vm_pageout_wait, vm_pageout_is_back(),
				     VM_PAGEOUT_WAIT);
	wait_event_freezable_timeout(vm_pageout_wait,
				     vm_pageout_is_back() ||
				     atomic_read(&vm_pageout_waiters),
				     VM_PAGEOUT_WAIT << rounds);
	WRITE_ONCE(vm_pageout_failed, 0);
}

static int vm_pageout(void *unused)
{
	unsigned int rounds = 0;

	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable(vm_pageout_wait,
				     kthread_should_stop() ||
				     vm_pageout_shortage() ||
				     READ_ONCE(vm_pageout_memcg));
		vm_pageout_run_memcg();
		if (kthread_should_stop())
			break;
		if (!vm_pageout_shortage())
			continue;
		vm_pageout_run();
		/* A first failure is only the first round of inactive pages. */
		if (!READ_ONCE(vm_pageout_failed)) {
			rounds = 0;
		} else if (READ_ONCE(vm_pageout_failed) > VM_PAGEOUT_PASSES) {
			vm_pageout_back_off(rounds);
			rounds = min(rounds + 1, VM_PAGEOUT_DOUBLINGS);
		}
	}
	return 0;
}

/* ---- who waits ---- */

static bool vm_pageout_may_go_on(unsigned int hopeless)
{
	return !vm_pageout_no_room() ||
	       READ_ONCE(vm_pageout_hopeless) != hopeless;
}

/* The daemon may be asleep: it sees what is too much, not who waits. */
void vm_page_free_wakeup(void)
{
	if (wq_has_sleeper(&vm_pageout_progress) &&
	    atomic_read(&vm_pageout_waiters) && !vm_pageout_no_room())
		wake_up_all(&vm_pageout_progress);
}

static int vm_pageout_wait_for_room(void)
{
	unsigned int hopeless = READ_ONCE(vm_pageout_hopeless);
	u64 since = ktime_get_ns();
	unsigned long pflags;
	int err;

	vmobj_stat_inc(VMOBJ_THROTTLES);
	psi_memstall_enter(&pflags);
	atomic_inc(&vm_pageout_waiters);
	vm_pageout_wakeup();
	err = wait_event_killable(vm_pageout_progress,
				  vm_pageout_may_go_on(hopeless));
	atomic_dec(&vm_pageout_waiters);
	psi_memstall_leave(&pflags);
	/* There was room, and somebody else has taken it: the caller comes again. */
	if (err)
		err = -EINTR;
	else if (READ_ONCE(vm_pageout_hopeless) != hopeless &&
		 vm_pageout_no_room())
		err = -ENOSPC;
	trace_vmobj_throttle(ktime_get_ns() - since, err);
	return err;
}

bool vm_pageout_full(void)
{
	unsigned long limit = READ_ONCE(vm_pageout_limit), resident;

	if (likely(!limit))
		return false;
	resident = vm_pageout_resident_about();
	if (resident > limit - limit / VM_PAGEOUT_EARLY / 2)
		vm_pageout_wakeup();
	return resident > limit;
}

bool vm_pageout_has_room(unsigned long nr)
{
	unsigned long limit = READ_ONCE(vm_pageout_limit);

	return !limit || vm_pageout_resident_about() + nr <= limit;
}

int vm_pageout_throttle(void)
{
	return vm_pageout_full() ? vm_pageout_wait_for_room() : 0;
}

/* ---- the shrinker ---- */

/* If nothing goes any more it is for the OOM killer. */
static bool vm_pageout_has_hope(void)
{
	return READ_ONCE(vm_pageout_failed) <= VM_PAGEOUT_PASSES;
}

/* All pages, or some cgroup's?  Linux asks for one after the other when it needs any. */
static struct mem_cgroup *vm_shrink_memcg(const struct shrink_control *sc)
{
	return !sc->memcg || vm_memcg_is_root(sc->memcg) ? NULL : sc->memcg;
}

static unsigned long vm_shrink_count(struct shrinker *shrinker,
				     struct shrink_control *sc)
{
	struct mem_cgroup *memcg = vm_shrink_memcg(sc);
	unsigned long nr = vm_pageq_count(VM_PAGEQ_CACHE) +
			   vm_pageq_count_inactive() +
			   vm_pageq_count(VM_PAGEQ_ACTIVE) / 2;

	if (memcg)
		nr = min(nr, vm_memcg_pages(memcg));
	else if (!vm_pageout_has_hope())
		nr = 0;
	return vm_swapstore_in_memory() ? DIV_ROUND_UP(nr, VM_SHRINK_COPIES) : nr;
}

/* The daemon is asked for more, but never for more than there is. */
static void vm_shrink_ask(unsigned long nr)
{
	long deficit = atomic_long_read(&vm_pageout_deficit);

	nr = max(nr, vm_pageout_target());
	if (deficit < nr && deficit < vm_pageout_resident())
		atomic_long_add(nr, &vm_pageout_deficit);
	vm_pageout_wakeup();
}

/* If it is busy with another cgroup this one comes again. */
static void vm_shrink_ask_memcg(struct mem_cgroup *memcg)
{
	spin_lock(&vm_pageout_memcg_lock);
	if (!vm_pageout_memcg && compat_memcg_tryget(memcg))
		vm_pageout_memcg = memcg;
	if (vm_pageout_memcg == memcg)
		vm_pageout_memcg_asked = true;
	spin_unlock(&vm_pageout_memcg_lock);
	vm_pageout_wakeup();
}

/**
 * struct vm_shrink_wait - what somebody waits for who reclaims memory
 * @memcg: of a cgroup, or NULL
 * @freed: pages that had been freed before
 * @runs: &vm_pageout_memcg_runs
 */
struct vm_shrink_wait {
	const struct mem_cgroup *memcg;
	unsigned long freed;
	unsigned int runs;
};

/*
 * Has the daemon freed all that was asked for, or something of a cgroup's?  kswapd has other
 * cgroups, too, if there is nothing in this one.
 */
static bool vm_shrink_done(const struct vm_shrink_wait *w)
{
	if (!w->memcg)
		return atomic_long_read(&vm_pageout_deficit) <= 0 ||
		       !vm_pageout_has_hope();
	return atomic_long_read(&vm_pageout_freed) != w->freed ||
	       (current_is_kswapd() &&
		READ_ONCE(vm_pageout_memcg_runs) != w->runs);
}

/* Wait for the daemon, if that is allowed, for a little while.  Returns pages freed. */
static unsigned long vm_shrink_wait(const struct shrink_control *sc,
				    const struct vm_shrink_wait *w)
{
	if ((current->flags & PF_KTHREAD && !current_is_kswapd()) ||
	    !(sc->gfp_mask & __GFP_IO))
		return 0;
	wait_event_killable_timeout(vm_pageout_progress, vm_shrink_done(w),
				    VM_PAGEOUT_WAIT);
	return atomic_long_read(&vm_pageout_freed) - w->freed;
}

/* What was freed because Linux had asked is told to who comes next. */
static unsigned long vm_shrink_claim(void)
{
	return atomic_long_xchg(&vm_pageout_unclaimed, 0);
}

static unsigned long vm_shrink_scan(struct shrinker *shrinker,
				    struct shrink_control *sc)
{
	struct mem_cgroup *memcg = vm_shrink_memcg(sc);
	struct vm_shrink_wait w = {
		.memcg = memcg,
		.freed = atomic_long_read(&vm_pageout_freed),
		.runs = READ_ONCE(vm_pageout_memcg_runs),
	};
	unsigned long freed;

	if (current == vm_pageout_task || !(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	if (memcg) {
		vm_shrink_ask_memcg(memcg);
		freed = vm_shrink_wait(sc, &w);
	} else {
		freed = vm_shrink_claim();
		if (!freed) {
			vm_shrink_ask(sc->nr_to_scan);
			vm_shrink_wait(sc, &w);
			freed = vm_shrink_claim();
		}
	}
	/* Or who reclaims would think that there is no progress, and kill. */
	compat_account_reclaimed(freed);
	return freed ?: SHRINK_STOP;
}

static struct shrinker *vm_shrinker;

/* ---- the OOM killer ---- */

/* When somebody was killed last, in jiffies; 0: nobody was.  Linux's oom_lock. */
static unsigned long vm_oom_last;

/* What our memory takes, there or in a store. */
static unsigned long vm_oom_usage(void)
{
	return vm_pageout_resident() + vm_swblk_used();
}

/* Returns pages that the daemon has freed. */
static unsigned long vm_oom_wait_for_daemon(void)
{
	unsigned int hopeless = READ_ONCE(vm_pageout_hopeless);
	unsigned long before = atomic_long_read(&vm_pageout_freed);

	/* It may have given up, but not since this is known to be the last resort. */
	WRITE_ONCE(vm_pageout_failed, 0);
	vm_shrink_ask(VM_PAGEOUT_TARGET);
	wait_event_killable_timeout(vm_pageout_progress,
				    atomic_long_read(&vm_pageout_freed) != before ||
				    READ_ONCE(vm_pageout_hopeless) != hopeless,
				    VM_PAGEOUT_OOM_WAIT);
	return atomic_long_read(&vm_pageout_freed) - before;
}

/*
 * Linux cannot take our memory from who was killed, only he gives it back when he exits.
 * He gets time for that before the next one is killed.  Returns pages that are gone.
 */
static unsigned long vm_oom_wait_for_victim(void)
{
	unsigned long before = vm_oom_usage(), now;
	int tries = VM_OOM_VICTIM_TRIES;

	if (!vm_oom_last || time_after(jiffies, vm_oom_last + VM_PAGEOUT_OOM_WAIT))
		return 0;
	while (tries-- && !fatal_signal_pending(current)) {
		schedule_timeout_killable(VM_PAGEOUT_WAIT);
		now = vm_oom_usage();
		if (now < before)
			return before - now;
	}
	return 0;
}

static int vm_oom_notify(struct notifier_block *nb, unsigned long unused,
			 void *result)
{
	unsigned long pflags, nr, *freed = result;

	if (current == vm_pageout_task || !vm_oom_usage())
		return NOTIFY_OK;
	psi_memstall_enter(&pflags);
	nr = vm_oom_wait_for_daemon() ?: vm_oom_wait_for_victim();
	psi_memstall_leave(&pflags);
	if (!nr)
		vm_oom_last = jiffies | 1;
	*freed += nr;
	return NOTIFY_OK;
}

static struct notifier_block vm_oom_notifier = {
	.notifier_call = vm_oom_notify,
};

/* ---- init and exit ---- */

int vm_pageout_init(void)
{
	int err = -ENOMEM;

	if (!vm_pageout_scan_init())
		goto err_scan;
	vm_shrinker = compat_shrinker_register("vmobj", vm_shrink_count,
					       vm_shrink_scan);
	if (!vm_shrinker)
		goto err_scan;
	err = vm_memcg_init(vm_shrinker);
	if (err)
		goto err_shrinker;
	vm_pageout_task = kthread_run(vm_pageout, NULL, "vmobj_pageout");
	if (IS_ERR(vm_pageout_task)) {
		err = PTR_ERR(vm_pageout_task);
		goto err_memcg;
	}
	err = register_oom_notifier(&vm_oom_notifier);
	if (err)
		goto err_task;
	return 0;

err_task:
	kthread_stop(vm_pageout_task);
err_memcg:
	vm_memcg_exit();
err_shrinker:
	compat_shrinker_unregister(vm_shrinker);
err_scan:
	vm_pageout_scan_exit();
	return err;
}

void vm_pageout_exit(void)
{
	unregister_oom_notifier(&vm_oom_notifier);
	kthread_stop(vm_pageout_task);
	compat_shrinker_unregister(vm_shrinker);
	mem_cgroup_put(vm_pageout_memcg);
	vm_pageout_scan_exit();
}
