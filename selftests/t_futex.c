// SPDX-License-Identifier: GPL-2.0-only
/*
 * Futexes in the memory.  Of private memory, only the private kind (see the
 * documents: keys of the shared kind are the same in parent and child).
 */
#include "vmobj_test.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static int *word;

static long futex_wait(int *addr, int value, bool private, int ms)
{
	struct timespec timeout = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	return syscall(SYS_futex, addr,
		       private ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT, value,
		       &timeout, NULL, 0);
}

static long futex_wake(int *addr, bool private)
{
	return syscall(SYS_futex, addr,
		       private ? FUTEX_WAKE_PRIVATE : FUTEX_WAKE, 1, NULL, NULL,
		       0);
}

/* Wake until somebody was there. */
static bool wake_one(int *addr, bool private)
{
	int tries = 3000;

	while (futex_wake(addr, private) != 1 && tries--)
		usleep(10000);
	return tries >= 0;
}

static void *wait_private(void *arg)
{
	(void)arg;
	return (void *)futex_wait(word, 0, true, 30000);
}

TEST(private_futex_between_threads)
{
	pthread_t thread;
	void *result;

	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_private, NULL));
	EXPECT_TRUE(wake_one(word, true));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
}

TEST(changed_value_is_EAGAIN)
{
	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	*word = 1;
	EXPECT_EQ(-1, futex_wait(word, 0, true, 1000));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, futex_wait(word, 0, false, 1000));
	EXPECT_EQ(EAGAIN, errno);
}

/* Untouched, then copied: the wait is on the address, not on the page. */
TEST(private_futex_survives_the_copy_of_its_page)
{
	pthread_t thread;
	void *result;
	pid_t pid;

	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	word[1] = 1;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pause();
		_exit(0);
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_private, NULL));
	usleep(50000);
	word[1] = 2;		/* a copy: the child has the page, too */
	EXPECT_TRUE(wake_one(word, true));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
	vt_kill(pid);
}

TEST(private_wake_in_the_parent_does_not_reach_the_child)
{
	struct vt_gate gate;
	pid_t pid;
	int i;

	vt_gate_init(&gate);
	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	*word = 0;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vt_gate_open(&gate);
		VT_CHECK(futex_wait(word, 0, true, 300) == -1);
		VT_CHECK(errno == ETIMEDOUT);
		_exit(0);
	}
	vt_gate_pass(&gate);
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, futex_wake(word, true));
		usleep(10000);
	}
	EXPECT_EQ(0, vt_wait(pid));
}

static void wait_shared(void *arg)
{
	(void)arg;
	VT_CHECK(futex_wait(word, 0, false, 30000) == 0);
}

TEST(shared_futex_between_processes)
{
	pid_t pid;

	word = (int *)vt_map(1, VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, word);
	pid = vt_fork(wait_shared, NULL);
	EXPECT_TRUE(wake_one(word, false));
	EXPECT_EQ(0, vt_wait(pid));
}

struct counter {
	pthread_mutex_t mutex;
	unsigned long count;
	char pad[5000];		/* the other one is on another page */
	unsigned long other_count;
};

static struct counter *counter;
static unsigned long rounds;

static void count_under_mutex(void *arg)
{
	unsigned long i;

	(void)arg;
	for (i = 0; i < rounds; i++) {
		VT_CHECK(!pthread_mutex_lock(&counter->mutex));
		counter->count++;
		counter->other_count++;
		VT_CHECK(!pthread_mutex_unlock(&counter->mutex));
	}
}

TEST(process_shared_mutex_excludes)
{
	pthread_mutexattr_t attr;
	pid_t pid[3];
	int i;

	rounds = vt_scale(5000, 500);
	counter = (struct counter *)vt_map(sizeof(*counter) / vt_page_size + 1,
					   VT_RW, MAP_SHARED);
	ASSERT_NE(NULL, counter);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&counter->mutex, &attr);
	for (i = 0; i < 3; i++)
		pid[i] = vt_fork(count_under_mutex, NULL);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, vt_wait(pid[i]));
	EXPECT_EQ(3 * rounds, counter->count);
	EXPECT_EQ(3 * rounds, counter->other_count);
}

static void *count_in_thread(void *arg)
{
	count_under_mutex(arg);
	return NULL;
}

TEST(mutex_in_private_memory_excludes_threads)
{
	pthread_t thread[3];
	int i;

	rounds = vt_scale(5000, 500);
	counter = (struct counter *)vt_map(sizeof(*counter) / vt_page_size + 1,
					   VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, counter);
	pthread_mutex_init(&counter->mutex, NULL);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, count_in_thread,
					    NULL));
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(3 * rounds, counter->count);
}

/*
 * A shared futex is known by (inode, index), and these are the same in parent and child.
 * So a wake reaches a relative's waiter, who has nothing to do with it.  With Linux's own
 * memory the key is the process.
 */
static void wait_for_a_stranger(void *arg)
{
	struct vt_gate *gate = arg;

	word[1] = 2;		/* the page is its own */
	vt_gate_open(gate);
	if (vt_is_anon())
		VT_CHECK(futex_wait(word, 0, false, 300) == -1 && errno == ETIMEDOUT);
	else
		VT_CHECK(futex_wait(word, 0, false, 30000) == 0);
}

TEST(shared_futex_in_private_memory_reaches_relatives)
{
	struct vt_gate gate;
	pid_t pid;

	vt_gate_init(&gate);
	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	word[1] = 1;
	pid = vt_fork(wait_for_a_stranger, &gate);
	vt_gate_pass(&gate);
	EXPECT_TRUE(vt_is_anon() ? !futex_wake(word, false) : wake_one(word, false));
	EXPECT_EQ(0, vt_wait(pid));
}

static void *wait_as_shared(void *arg)
{
	(void)arg;
	return (void *)futex_wait(word, 0, false, 30000);
}

/* What programs do that have no relatives at that address: it works. */
TEST(shared_futex_in_private_memory_between_threads)
{
	pthread_t thread;
	void *result;

	word = (int *)vt_map(1, VT_RW, MAP_PRIVATE);
	ASSERT_NE(NULL, word);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_as_shared, NULL));
	EXPECT_TRUE(wake_one(word, false));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(NULL, result);
}

TEST_HARNESS_MAIN
