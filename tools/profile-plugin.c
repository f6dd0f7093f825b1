// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin that counts instructions by where they are, between two marks
 * that selftests/bench makes.  Built and used by tools/profile.
 *
 * A mark is a long nop with a displacement of its own.  The first one sets all
 * counts to zero, the second one writes them out; so the last run counts.
 *
 * The output has a line "ADDRESS INSTRUCTIONS" for each block that was executed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of QEMU's plugin interface, version 1: Debian does not package its header. */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
		void *count, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int cpu, void *data), int flags, void *data);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

static const unsigned char mark_begin[] = { 0x0f, 0x1f, 0x84, 0x00, 'v', 'm', 'o', 1 };
static const unsigned char mark_end[] = { 0x0f, 0x1f, 0x84, 0x00, 'v', 'm', 'o', 2 };

struct block {
	struct block *next;
	uint64_t address, executed, size;
};

static struct block *blocks;
static const char *path;

static void begin(unsigned int cpu, void *data)
{
	struct block *b;

	(void)cpu;
	(void)data;
	for (b = blocks; b; b = b->next)
		b->executed = 0;
}

static void end(unsigned int cpu, void *data)
{
	FILE *f = fopen(path, "w");
	struct block *b;

	(void)cpu;
	(void)data;
	if (!f)
		return;
	for (b = blocks; b; b = b->next)
		if (b->executed)
			fprintf(f, "%" PRIx64 " %" PRIu64 "\n", b->address,
				b->executed * b->size);
	fclose(f);
}

static bool is(struct qemu_plugin_insn *insn, const unsigned char *mark)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark_begin) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark_begin));
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *b = calloc(1, sizeof(*b));

	(void)id;
	if (!b)
		return;
	b->address = qemu_plugin_tb_vaddr(tb);
	b->size = n;
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &b->executed, 1);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is(insn, mark_begin))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, 0, NULL);
		else if (is(insn, mark_end))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			       char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	path = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
