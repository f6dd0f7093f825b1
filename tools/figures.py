# SPDX-License-Identifier: GPL-2.0-only
"""What tools/bench measures, and the figures to reach.  Used by it and its like."""

import collections

PROVIDERS = ['anon4k', 'thp', 'vmobj', 'vmobj4k', 'vmobj2m', 'memfd_shared',
             'memfd_private']

# Of selftests/bench/bench.c, in thousands of instructions.
ROWS = {
    'touch': 'first touch, per page',
    'touch_down': 'the same, downwards',
    'touch_random': 'the same, in random order',
    'touch_sparse': 'one page in each 2 MiB touched',
    'fork': 'fork, all resident and dirty',
    'fork_clean': 'fork, nothing dirtied since the last',
    'fork_empty': 'fork of a process without the memory',
    'fork_1pct': 'fork, 1 % dirtied, another child lives',
    'cow_child': 'copy-on-write in the child, per page',
    'cow_parent': 'the same in the parent, per page',
    'write_after_exit': "write after the child's exit, per page",
    'write_after_cow': 'the same, the child wrote all, per page',
    'read_child': 'read in the child, per page',
    'fork_read': 'fork, and reading all in the child',
    'snapshots': 'round: fork, 1 % dirtied, child reads all',
    'munmap': 'munmap, all resident',
    'arenas': 'mmap, one write, munmap; 64 KiB, one below the other',
    'exit': 'exit of a child that wrote all',
    'depth1_read': 'read fault, chain of 1',
    'depth64_read': 'read fault, chain of 64',
    'depth1_write': 'write fault, chain of 1',
    'depth64_write': 'write fault, chain of 64',
    'depth1_read_child': 'read fault in a child, chain of 1',
    'depth64_read_child': 'read fault in a child, chain of 64',
    'depth1_write_child': 'write fault in a child, chain of 1',
    'depth64_write_child': 'write fault in a child, chain of 64',
}

# The same, in bytes.
MEMORY = {
    'memory_touch': 'slab and page tables, per resident page',
    'memory_fork': 'the same, for a fork whose child lives',
}

# What a row of a provider may cost, as a ratio to the cheapest of some rivals:
# providers of the same row, or (row, provider).  Limits may differ by kernel; ''
# stands for all others.
Figure = collections.namedtuple('Figure', 'row provider rivals must aim')

TOUCH = {'6.1': 1.05, '': 1.2}

FIGURES = [
    Figure('touch', 'vmobj', ['thp'], TOUCH, 1.0),
    Figure('touch', 'vmobj2m', ['thp'], TOUCH, 1.0),
    Figure('touch', 'vmobj4k', ['anon4k'], 1.10, 1.0),
    Figure('touch_sparse', 'vmobj', ['anon4k', 'thp'], 1.2, 1.0),
    Figure('fork', 'vmobj', ['thp'], 0.7, 0.5),
    Figure('fork', 'vmobj', ['anon4k'], 0.05, None),
    Figure('fork', 'vmobj4k', ['anon4k'], 0.6, None),
    Figure('fork_clean', 'vmobj', [('fork_empty', 'anon4k')], 1.3, 1.1),
    Figure('fork_clean', 'vmobj4k', [('fork_empty', 'anon4k')], 1.3, 1.1),
    Figure('fork_1pct', 'vmobj', ['anon4k'], 0.10, 0.05),
    Figure('fork_1pct', 'vmobj', ['thp'], 0.10, 0.05),
    Figure('fork_1pct', 'vmobj4k', ['anon4k'], 0.10, 0.05),
    Figure('cow_child', 'vmobj', ['anon4k'], 1.0, 0.9),
    Figure('cow_child', 'vmobj4k', ['anon4k'], 1.0, 0.9),
    Figure('write_after_exit', 'vmobj', ['thp'], 1.1, 1.0),
    Figure('write_after_exit', 'vmobj2m', ['thp'], 1.1, 1.0),
    Figure('write_after_exit', 'vmobj4k', ['anon4k'], 1.1, 1.0),
    Figure('write_after_cow', 'vmobj', ['thp'], 1.1, 1.0),
    Figure('write_after_cow', 'vmobj2m', ['thp'], 1.1, 1.0),
    Figure('write_after_cow', 'vmobj4k', ['anon4k'], 1.1, 1.0),
    Figure('fork_read', 'vmobj', ['anon4k'], 1.0, None),
    Figure('munmap', 'vmobj', ['thp'], 1.2, 1.0),
    Figure('munmap', 'vmobj2m', ['thp'], 1.2, 1.0),
    Figure('munmap', 'vmobj4k', ['anon4k'], 1.2, 1.0),
    Figure('exit', 'vmobj', ['thp'], 1.2, 1.0),
    Figure('exit', 'vmobj2m', ['thp'], 1.2, 1.0),
    Figure('exit', 'vmobj4k', ['anon4k'], 1.2, 1.0),
    *(Figure(f'depth64_{access}', 'vmobj4k', [(f'depth1_{access}', 'vmobj4k')],
             1.5, None)
      for access in ('read', 'write', 'read_child', 'write_child')),
]

# selftests/bench/threads.c: how much faster two threads are than one, against how
# much faster they are on the rival.  At least this much.
THREADS = [
    Figure('threads', 'vmobj4k', ['anon4k'], 0.9, 1.0),
]


def rivals(figure):
    """[(row, provider)]"""
    return [(figure.row, r) if isinstance(r, str) else r for r in figure.rivals]


def label(figure):
    names = [r if isinstance(r, str) else r[0] for r in figure.rivals]
    return f'{figure.row} {figure.provider} / {", ".join(names)}'


def limit(value, kernel):
    return value.get(kernel, value['']) if isinstance(value, dict) else value


def small_only(row):
    """Takes long with large memory, and says nothing new"""
    return row.startswith('depth') or row == 'write_after_cow'


def pairs(rows=None, big=False):
    """What the figures (of these rows) are made from, as ROW/PROVIDER"""
    found = {f'{row}/{provider}': None
             for f in FIGURES if not rows or f.row in rows
             for row, provider in [(f.row, f.provider), *rivals(f)]
             if not (big and small_only(row))}
    return list(found)


def verdict(figure, kernel, ratio, at_least=False):
    """{ratio, must, aim, word}"""
    must, aim = limit(figure.must, kernel), limit(figure.aim, kernel)

    def reached(bound):
        return ratio >= bound if at_least else ratio <= bound

    word = 'ok' if reached(must) else 'MISSED'
    if aim is not None and reached(aim):
        word += ', aim reached'
    return {'ratio': round(ratio, 4), 'must': must, 'aim': aim, 'word': word}


def judge(kernel, costs):
    """{label: verdict}, given {row: {provider: cost}}"""
    verdicts = {}
    for f in FIGURES:
        if f.row in costs:      # else it was not asked for
            base = min(costs[row][provider] for row, provider in rivals(f))
            verdicts[label(f)] = verdict(f, kernel,
                                         costs[f.row][f.provider] / base)
    return verdicts


def judge_threads(kernel, scaling):
    """The same, given {provider: time of one thread / time of two}"""
    return {label(f): verdict(f, kernel,
                              scaling[f.provider] / scaling[f.rivals[0]], True)
            for f in THREADS}


def missed(verdicts):
    return [name for name, v in verdicts.items() if v['word'].startswith('MISSED')]
