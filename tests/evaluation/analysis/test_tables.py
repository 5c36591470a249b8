"""Tables of statistics as text, HTML, CSV, Markdown and LaTeX."""

import sys

import pytest

from megastep.evaluation.analysis.tables import Table, number
from megastep.evaluation.statistics import Interval

NONE = float('nan')
TABLE = Table(
    'A < B',
    {
        'agent': ['ours & co', 'base|line'],
        'maps': [200, 3],
        'iqm': [Interval(0.9123, 0.89, 0.93), Interval(NONE, NONE, NONE)],
        'optimality_gap': [-0.5, NONE],
    },
    ('100 % sure.',),
)


def test_reads_as_text():
    assert repr(TABLE).splitlines() == [
        'A < B',
        'agent      maps                   IQM  optimality gap',
        'ours & co   200  0.912 [0.890, 0.930]          \N{MINUS SIGN}0.500',
        'base|line     3                     \N{EN DASH}               \N{EN DASH}',
        '100 % sure.',
    ]


def test_reads_as_values():
    assert TABLE.csv().splitlines() == [
        'agent,maps,iqm,iqm_low,iqm_high,optimality_gap',
        'ours & co,200,0.9123,0.89,0.93,-0.5',
        'base|line,3,nan,nan,nan,nan',
    ]
    assert TABLE.rows[0]['iqm'].low == 0.89
    assert len(TABLE) == 2


def test_reads_as_markdown():
    lines = TABLE.markdown().splitlines()
    assert lines[0] == '### A < B'
    assert lines[3] == '| --- | ---: | ---: | ---: |'
    assert lines[5].startswith(r'| base\|line | 3 |')


def test_reads_as_latex():
    found = TABLE.latex()
    assert r'\begin{tabular}{lrrr}' in found
    assert r'ours \& co & 200 & $0.912$ {\scriptsize $[0.890, 0.930]$} & $-0.500$ \\' in found
    assert r'100 \% sure.' in found
    assert found.isascii()


def test_reads_as_html():
    found = TABLE._repr_html_()
    assert '<caption>A &lt; B</caption>' in found
    assert '<td class="agent">ours &amp; co</td>' in found
    assert '<td class="iqm number">0.912 <small>[0.890, 0.930]</small></td>' in found


@pytest.mark.parametrize(
    'value, written',
    [
        (0.12345, '0.123'),
        (12.345, '12.3'),
        (12345.6, '12,346'),
        (-5e29, '\N{MINUS SIGN}5.000e29'),
        (NONE, '\N{EN DASH}'),
    ],
)
def test_writes_numbers_as_they_are_read(value, written):
    assert number(value) == written


def test_frames_need_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ImportError, match=r"data frames need pandas: pip install 'megastep\[evaluation\]'"):
        TABLE.frame()


def test_frames_have_three_columns_for_an_interval():
    pytest.importorskip('pandas', reason='needs an extra')
    assert list(TABLE.frame().columns) == TABLE.csv().splitlines()[0].split(',')
