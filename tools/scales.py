# SPDX-License-Identifier: GPL-2.0-only
"""How costs may grow: what tools/bench --scale measures with selftests/bench/scale.c.

All costs are for one of something: one fork, one fault, 2 MiB.  How such a cost may grow
is its rule: "flat" does not depend on the size at all; "log n" is for what is done to
each piece, so that it is n log n for the whole; "n log n" is for the whole.
"""

import collections
import math

# slack: more than this times what the rule allows is MISSED.
Test = collections.namedtuple('Test', 'text size rule slack')

TESTS = {
    'populate': Test('fill, per 2 MiB', 'MiB', 'log n', 1.15),
    'fork_dirty': Test('fork, all dirty, per 2 MiB', 'MiB', 'log n', 1.15),
    'fork_clean': Test('fork, nothing dirtied', 'MiB', 'flat', 1.25),
    'fork_100': Test('fork, 100 pages dirtied', 'MiB', 'flat', 1.25),
    # The larger the memory, the fewer of these pages have a page table in common.
    'cow_100': Test('copy of one of these pages', 'MiB', 'log n', 1.25),
    'exit_100': Test('exit of the other child', 'MiB', 'n log n', 1.25),
    'rewrite_100': Test('write of such a page after it', 'MiB', 'flat', 1.25),
    'munmap': Test('munmap, per 2 MiB', 'MiB', 'log n', 1.15),
    'child_fork': Test('fork, children alive', 'children', 'log n', 1.25),
    'child_write': Test('first write of a child', 'children', 'log n', 1.25),
    'child_exit': Test('exit of a child', 'children', 'log n', 1.25),
    'version_fork': Test('fork after a write, children alive', 'children',
                         'log n', 1.25),
    'version_exit': Test('exit of such a child', 'children', 'log n', 1.25),
    'map': Test('mmap and touch', 'mappings', 'log n', 1.25),
    'map_fork': Test('fork, per mapping', 'mappings', 'log n', 1.25),
    'unmap': Test('munmap', 'mappings', 'log n', 1.25),
    'chain_read': Test('read fault', 'deep', 'flat', 1.5),
    'chain_write': Test('write fault', 'deep', 'flat', 1.5),
    'chain_fork': Test('fork', 'deep', 'flat', 1.3),
}

LARGEST = 16384         # MiB of one object
GUEST = 20480           # MiB of a guest that has one
BESIDE = 1536           # MiB that a guest needs beside it
SPARE = 4096            # MiB that are left to the machine


def memory(say):
    """(MiB of the guest, MiB of the largest object), as this machine can do it"""
    with open('/proc/meminfo') as f:
        free = next(int(line.split()[1]) // 1024 for line in f
                    if line.startswith('MemAvailable:'))
    guest = min(GUEST, free - SPARE)
    largest = LARGEST
    while largest > guest - BESIDE and largest > 256:
        largest //= 2
    if largest < LARGEST:
        say(f'{free} MiB are available: objects up to {largest} MiB only')
    return max(guest, 2048), largest


def by_test(found):
    """{test: {provider: [[size, cost], ...]}}, sizes growing"""
    costs = {}
    for f in found:
        of = costs.setdefault(f['test'], {}).setdefault(f['provider'], [])
        of.append([f['size'], f['cost']])
        of.sort()
    return costs


def allowed(rule, small, size):
    """How many times the cost at SMALL the one at SIZE may be"""
    if rule == 'flat':
        return 1
    # Not less than log 2, for a size of one.
    log = math.log(max(size, 2)) / math.log(max(small, 2))
    return log if rule == 'log n' else log * size / small


def growth(test, points):
    """The greatest cost, in units of what the rule allows, of which the one at the
    smallest size is the measure"""
    # The size of memory is its number of pages.
    unit = 256 if test.size == 'MiB' else 1
    small, least = points[0]
    return max(cost / least / allowed(test.rule, small * unit, size * unit)
               for size, cost in points)


def judge(costs):
    """{test: {ratio, must, aim, word}} of vmobj"""
    verdicts = {}
    for name, test in TESTS.items():
        provider = next(p for p in costs[name] if p.startswith('vmobj'))
        ratio = growth(test, costs[name][provider])
        verdicts[f'{name} {test.rule}'] = {
            'ratio': round(ratio, 3), 'must': test.slack, 'aim': None,
            'word': 'ok' if ratio <= test.slack else 'MISSED'}
    return verdicts


def number(cost):
    return f'{cost / 1000:.2f}'


def show(kernel, costs, verdicts):
    print(f'\n{kernel}, thousands of instructions for one, against size')
    sizes = None
    for (name, test), v in zip(TESTS.items(), verdicts.values()):
        for provider, points in costs[name].items():
            here = test.size, [n for n, _ in points]
            if here != sizes:
                print(f'\n{"":36}{test.size:>12}'
                      + ''.join(f'{n:>10}' for n in here[1]))
                sizes = here
            line = f'{test.text:36}{provider:>12}'
            line += ''.join(f'{number(c):>10}' for _, c in points)
            if provider.startswith('vmobj'):
                line += f'  {test.rule}: {v["ratio"]:.2f} of {v["must"]:.2f} {v["word"]}'
            print(line)


def rst(record, list_table):
    """The largest size beside the smallest; the charts have what is between"""
    lines = []
    for (name, test), word in zip(TESTS.items(), record['verdicts'].values()):
        for provider, points in record['costs'][name].items():
            (small, first), (large, last) = points[0], points[-1]
            lines.append([test.text, provider, f'{small} {test.size}', number(first),
                          f'{large} {test.size}', number(last),
                          f'{test.rule}: {word}' if provider.startswith('vmobj') else ''])
    return list_table(['thousands of instructions', 'memory', 'from', '', 'to', '',
                       'verdict'], lines, 28)
