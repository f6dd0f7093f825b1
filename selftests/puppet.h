/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree of processes that do what one of them, the test, tells them.
 *
 * All are forks of the test, so a function of the program has the same address
 * in all of them: a call names a function and its argument, and one puppet runs
 * it in its own memory.  Calls are synchronous; all happens in the order of
 * the test's own program.  Puppets are known by small numbers.
 */
#ifndef _VMOBJ_PUPPET_H
#define _VMOBJ_PUPPET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_PUPPETS	80
#define PUPPET_ARG	256

/* puppet_call()'s result if the puppet died, or did not come back in time. */
#define PUPPET_DEAD	(-1000000L)

typedef long (*puppet_fn)(void *arg);

/* To be called first, in the process that will pull the strings. */
void puppet_init(void);

/* Fork a puppet from the test itself; false if that fails. */
bool puppet_start(int who);

/* Let @who fork: the child is puppet @child. */
bool puppet_fork(int who, int child);

/*
 * Run fn(copy of arg) in a puppet.  What it leaves in the first @length bytes is
 * copied back to @arg.
 */
long puppet_call(int who, puppet_fn fn, void *arg, size_t length);

/* Let it exit, or kill it; returns when all it had is gone. */
bool puppet_exit(int who);
bool puppet_kill(int who);
/* Whoever is left. */
void puppet_kill_all(void);

bool puppet_alive(int who);
pid_t puppet_pid(int who);

#endif /* _VMOBJ_PUPPET_H */
