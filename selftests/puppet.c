// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tree of processes that do what they are told.  See puppet.h.
 *
 * Each puppet has a slot in shared memory.  The state of a slot is a futex: the
 * test makes it SLOT_CALL, the puppet makes it SLOT_DONE.
 */
#define VT_NO_HARNESS
#include "vmobj_test.h"
#include "puppet.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* A puppet that has said nothing for so many seconds hangs. */
#define PUPPET_PATIENCE	240

enum { SLOT_DONE, SLOT_CALL };

struct slot {
	int state;
	pid_t pid;
	puppet_fn fn;
	long result;
	char arg[PUPPET_ARG];
};

static struct slot *slots;
static int pidfds[MAX_PUPPETS];		/* the test's; -1: no such puppet */
static pid_t test_pid;
static int self;			/* a puppet's own number */

static void slot_wait(struct slot *slot, int state)
{
	struct timespec second = { .tv_sec = 1 };

	syscall(SYS_futex, &slot->state, FUTEX_WAIT, state, &second, NULL, 0);
}

static void slot_set(struct slot *slot, int state)
{
	__atomic_store_n(&slot->state, state, __ATOMIC_RELEASE);
	syscall(SYS_futex, &slot->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int slot_state(struct slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

/* ---- in the puppets ---- */

static void puppet_loop(void)
{
	long result;

	for (;;) {
		while (slot_state(&slots[self]) != SLOT_CALL) {
			slot_wait(&slots[self], SLOT_DONE);
			if (kill(test_pid, 0))
				_exit(1);
		}
		/* A fork returns twice, and then self is not the same. */
		result = slots[self].fn(slots[self].arg);
		slots[self].result = result;
		slot_set(&slots[self], SLOT_DONE);
	}
}

static long do_fork(void *arg)
{
	int child = *(int *)arg;
	pid_t pid = fork();

	if (!pid) {
		self = child;
		slots[self].pid = getpid();
	}
	return pid;
}

static long do_exit(void *arg)
{
	(void)arg;
	_exit(0);
}

/* ---- in the test ---- */

void puppet_init(void)
{
	int i;

	slots = mmap(NULL, MAX_PUPPETS * sizeof(*slots), VT_RW,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		perror("# puppet_init");
		exit(KSFT_FAIL);
	}
	for (i = 0; i < MAX_PUPPETS; i++)
		pidfds[i] = -1;
	test_pid = getpid();
}

bool puppet_alive(int who)
{
	return pidfds[who] >= 0;
}

pid_t puppet_pid(int who)
{
	return slots[who].pid;
}

static bool puppet_ended(int who, int timeout)
{
	struct pollfd pollfd = { .fd = pidfds[who], .events = POLLIN };

	return poll(&pollfd, 1, timeout) == 1;
}

static void puppet_bury(int who)
{
	/* Of our own children and orphans; the others bury their own. */
	waitpid(slots[who].pid, NULL, WNOHANG);
	close(pidfds[who]);
	pidfds[who] = -1;
}

static bool puppet_answers(int who)
{
	int patience = PUPPET_PATIENCE;

	while (slot_state(&slots[who]) != SLOT_DONE) {
		slot_wait(&slots[who], SLOT_CALL);
		if (slot_state(&slots[who]) == SLOT_DONE)
			break;
		if (puppet_alive(who) && puppet_ended(who, 0)) {
			fprintf(stderr, "# puppet %d died\n", who);
			puppet_bury(who);
			return false;
		}
		if (!patience--) {
			fprintf(stderr, "# puppet %d hangs\n", who);
			return false;
		}
	}
	return true;
}

static bool puppet_adopt(int who)
{
	if (!puppet_answers(who))
		return false;
	pidfds[who] = syscall(SYS_pidfd_open, slots[who].pid, 0);
	if (pidfds[who] < 0)
		perror("# pidfd_open");
	return pidfds[who] >= 0;
}

bool puppet_start(int who)
{
	pid_t pid;

	slots[who].state = SLOT_CALL;
	pid = fork();
	if (!pid) {
		signal(SIGCHLD, SIG_IGN);
		self = who;
		slots[self].pid = getpid();
		slot_set(&slots[self], SLOT_DONE);
		puppet_loop();
	}
	if (pid < 0)
		return false;
	return puppet_adopt(who);
}

long puppet_call(int who, puppet_fn fn, void *arg, size_t length)
{
	struct slot *slot = &slots[who];

	if (!puppet_alive(who) || length > PUPPET_ARG)
		return PUPPET_DEAD;
	slot->fn = fn;
	memcpy(slot->arg, arg, length);
	slot_set(slot, SLOT_CALL);
	if (!puppet_answers(who))
		return PUPPET_DEAD;
	memcpy(arg, slot->arg, length);
	return slot->result;
}

bool puppet_fork(int who, int child)
{
	slots[child].state = SLOT_CALL;
	if (puppet_call(who, do_fork, &child, sizeof(child)) <= 0)
		return false;
	return puppet_adopt(child);
}

static bool puppet_ends(int who)
{
	bool ended = puppet_ended(who, PUPPET_PATIENCE * 1000);

	if (!ended)
		fprintf(stderr, "# puppet %d does not end\n", who);
	puppet_bury(who);
	return ended;
}

bool puppet_exit(int who)
{
	if (!puppet_alive(who))
		return false;
	slots[who].fn = do_exit;
	slot_set(&slots[who], SLOT_CALL);
	return puppet_ends(who);
}

bool puppet_kill(int who)
{
	if (!puppet_alive(who))
		return false;
	kill(slots[who].pid, SIGKILL);
	return puppet_ends(who);
}

void puppet_kill_all(void)
{
	int i;

	for (i = 0; i < MAX_PUPPETS; i++)
		puppet_kill(i);
}
