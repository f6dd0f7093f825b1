# SPDX-License-Identifier: GPL-2.0-only
"""Figures recorded in Documentation/performance by tools/bench.

KERNEL.json has all records, oldest first, KERNEL.rst tables of the newest ones.
A record is of a kind: "rows" (one for each size of the memory), "threads" or
"scale".
"""

import datetime
import json
import os
import subprocess

import figures
import scales

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.environ.get('HISTORY') or f'{TOP}/Documentation/performance'
KERNELS = ['6.1', '6.12', '7.3']        # which the documentation shows
TOLERANCE = 0.03


def load(kernel):
    try:
        with open(f'{FOLDER}/{kernel}.json') as f:
            return json.load(f)
    except FileNotFoundError:
        return []


def newest(kernel, kind, mb=None):
    """The newest record of a kind, and of memory of this size; or None"""
    return next((r for r in reversed(load(kernel))
                 if r['kind'] == kind and mb in (None, r.get('mb'))), None)


def git(*args):
    return subprocess.run(['git', '-C', TOP, *args], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def add(kernel, kind, what):
    with open(f'{TOP}/build/{kernel}/kernel/version') as f:
        version = f.read().strip()
    records = load(kernel) + [{
        'kind': kind,
        'date': datetime.date.today().isoformat(),
        'after': git('rev-parse', '--short', 'HEAD'),
        'kernel': version,
        **what,
    }]
    os.makedirs(FOLDER, exist_ok=True)
    with open(f'{FOLDER}/{kernel}.json', 'w') as f:
        f.write('[\n' + ',\n'.join(one_record(r) for r in records) + '\n]\n')
    print(f'{FOLDER}/{kernel}.json')


def one_record(r):
    """Each row is a line, so that differences can be read."""
    lines = []
    for key, value in r.items():
        if isinstance(value, dict):
            inner = ',\n'.join(f'   {json.dumps(k)}: {json.dumps(v)}'
                               for k, v in value.items())
            lines.append(f'  {json.dumps(key)}: {{\n{inner}\n  }}')
        else:
            lines.append(f'  {json.dumps(key)}: {json.dumps(value)}')
    return ' {\n' + ',\n'.join(lines) + '\n }'


# ---- did a row get worse? ----

def bases(old, new, row):
    """Costs are compared as shares of this: that survives an update of the kernel.
    It is what 4K anonymous memory costs in the row or, if it is not in both, when it
    is touched."""
    for of in (row, 'touch'):
        if 'anon4k' in old.get(of, {}) and 'anon4k' in new.get(of, {}):
            return old[of]['anon4k'], new[of]['anon4k']
    return 1, 1


def worse(old, new, least):
    """What has a share in NEW that is above that in OLD even in its cheapest run"""
    found = []
    for row, costs in new.items():
        old_base, new_base = bases(old, new, row)
        for p in costs:
            if not p.startswith('vmobj') or p not in old.get(row, {}):
                continue
            before, now = old[row][p] / old_base, costs[p] / new_base
            if least[row][p] / new_base > before * (1 + TOLERANCE):
                found.append(f'{row} {p}: {before:.4f} -> {now:.4f} '
                             f'({now / before - 1:+.1%})')
    return found


# ---- tables ----

def list_table(head, lines, first=30):
    width = (100 - first) // (len(head) - 1)
    text = ['.. list-table::', '   :header-rows: 1',
            '   :widths: ' + ' '.join([str(first)] + [str(width)] * (len(head) - 1)),
            '']
    for line in [head, *lines]:
        for i, cell in enumerate(line):
            text.append(('   * - ' if i == 0 else '     - ') + str(cell))
            text[-1] = text[-1].rstrip()
    return '\n'.join(text) + '\n'


def bound(value, kernel):
    value = figures.limit(value, kernel)
    return '' if value is None else f'{value:.2f}'


def figures_table(kernel, records):
    """The figures to reach; those that are missed in bold"""
    lines = []
    for f in figures.FIGURES:
        line = [figures.label(f), bound(f.must, kernel), bound(f.aim, kernel)]
        for r in records:
            line.append(ratio_cell(r, f, kernel))
        lines.append(line)
    for f in figures.THREADS:
        r = newest(kernel, 'threads')
        if r:
            cell = ratio_cell(r, f, kernel, True)
            lines.append([figures.label(f) + ' (at least)',
                          bound(f.must, kernel), bound(f.aim, kernel), cell,
                          *[''] * (len(records) - 1)])
    return list_table(['figure', 'must', 'aim', *(f'{r["mb"]} MiB' for r in records)],
                      lines, 44)


def ratio_cell(record, figure, kernel, at_least=False):
    ratio = record['ratios'].get(figures.label(figure))
    if ratio is None:
        return ''
    v = figures.verdict(figure, kernel, ratio, at_least)
    return f'**{ratio:.3f}**' if v['word'] == 'MISSED' else f'{ratio:.3f}'


def costs_table(record):
    providers = figures.PROVIDERS
    lines = [[text, *(f'{costs[p] / 1000:.2f}' if p in costs else ''
                      for p in providers)]
             for row, text in figures.ROWS.items()
             if (costs := record['instructions'].get(row))]
    return list_table(['thousands of instructions', *providers], lines, 37)


def tables(kernel):
    parts = [f'.. SPDX-License-Identifier: GPL-2.0-only\n.. Made by tools/bench from '
             f'{kernel}.json: do not edit.\n']
    records = [r for mb in (64, 1024) if (r := newest(kernel, 'rows', mb))]
    if records:
        r = records[0]
        parts += [f'Linux {r["kernel"]}, {r["date"]}, after commit {r["after"]}.  Missed '
                  'figures are bold.\n', figures_table(kernel, records)]
        parts += [f'.. image:: performance/{kernel}-{r["mb"]}.svg\n   :alt: costs with '
                  f'{r["mb"]} MiB, as shares of what 4K anonymous memory costs\n'
                  for r in records]
        parts += [f'With {r["mb"]} MiB:\n', costs_table(r)]
    if r := newest(kernel, 'scale'):
        parts += [f'Growth, Linux {r["kernel"]}, {r["date"]}, after commit '
                  f'{r["after"]}:\n', scales.rst(r, list_table),
                  f'.. image:: performance/{kernel}-scale.svg\n   :alt: cost per '
                  'operation against size\n']
    if len(parts) == 1:
        parts.append('Nothing has been recorded yet; ``make bench-record`` does it.\n')
    return '\n'.join(parts)


def write_tables():
    os.makedirs(FOLDER, exist_ok=True)
    for kernel in KERNELS:
        with open(f'{FOLDER}/{kernel}.rst', 'w') as f:
            f.write(tables(kernel))


if __name__ == '__main__':
    write_tables()
