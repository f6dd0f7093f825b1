# SPDX-License-Identifier: GPL-2.0-only
"""What selftests/bench/paging measures, and what is to be reached."""

import collections

# row -> what it is called, what it is counted in, at most so much of Linux's swap
# (None: no figure)
ROWS = {
    'pageout': ('page out', 'instructions', 1.25),
    'pageout_ios': ('page out', 'I/Os', 1.0),
    'in_sequential': ('page in, sequential', 'instructions', 1.25),
    'in_sequential_ios': ('page in, sequential', 'I/Os', 1.0),
    'in_random': ('page in, random', 'instructions', 1.25),
    'in_random_ios': ('page in, random', 'I/Os', None),
    'fault_median': ('fault with half of the memory, median', 'instructions', None),
    'fault_p99': ('fault with half of the memory, 99 of 100', 'instructions', None),
    'fault_worst': ('fault with half of the memory, worst', 'instructions', None),
}
# small pages, and superpages: Linux's provider, and ours
PAIRS = (('anon4k', 'vmobj4k', ''), ('thp', 'vmobj2m', ', superpages'))

# With --short.
SHORT_ROWS = {
    'fill': ('fill', 'instructions', 1.25),
    'fill_ios': ('fill', 'I/Os', 1.0),
    'read': ('read, sequential', 'instructions', 1.25),
    'read_ios': ('read, sequential', 'I/Os', 1.0),
    'write': ('write, sequential', 'instructions', 1.25),
    'write_ios': ('write, sequential', 'I/Os', 1.0),
    'read_random': ('read, random', 'instructions', 1.25),
    'read_random_ios': ('read, random', 'I/Os', None),
    'write_random': ('write, random', 'instructions', 1.25),
    'write_random_ios': ('write, random', 'I/Os', None),
}
SHORT_PAIRS = (('anon4k', 'vmobj4k', ', a store'), ('anon4k', 'vmobj', ', default store'))

Kind = collections.namedtuple('Kind', 'rows pairs')
PAGING = Kind(ROWS, PAIRS)
SHORT = Kind(SHORT_ROWS, SHORT_PAIRS)
SLACK = 0.01    # I/Os that others make


def by_row(found):
    """{device: {row: {provider: cost}}}"""
    costs = {}
    for f in found:
        device = costs.setdefault(f['device'].removeprefix('/dev/'), {})
        device.setdefault(f['row'], {})[f['provider']] = f['cost']
    return costs


def compared(costs, kind):
    """device, what is measured, unit, most of Linux's, Linux's cost, ours"""
    for device, rows in costs.items():
        for linux, ours, what in kind.pairs:
            for row, (text, unit, must) in kind.rows.items():
                if linux in rows[row]:
                    yield (device, text + what, unit, must, rows[row][linux],
                           rows[row][ours])


def judge(costs, kind):
    verdicts = {}
    for device, text, unit, must, linux, ours in compared(costs, kind):
        if must is None or not linux:
            continue
        ratio = ours / linux
        slack = SLACK if unit == 'I/Os' else 0
        verdicts[f'{device}: {text}, {unit}'] = {
            'ratio': round(ratio, 3), 'must': must, 'aim': None,
            'word': 'ok' if ratio <= must + slack else 'MISSED'}
    return verdicts


def show(kernel, costs, kind):
    last = None
    for device, text, unit, _, linux, ours in compared(costs, kind):
        if device != last:
            print(f'\n{kernel}, {device}{"":30}{"Linux":>24}{"vmobj":>14}{"ratio":>8}')
        last = device
        ratio = f'{ours / linux:8.2f}' if linux else f'{"-":>8}'
        digits = 2 if unit == 'I/Os' else 0
        print(f'{text:42}{unit:14}{linux:12.{digits}f}{ours:14.{digits}f}{ratio}')
