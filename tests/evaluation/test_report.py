"""The report: a page that needs nothing else, the same tables in files, and the worst episodes drawn."""

import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest
from synthetic import joined, results, rows

from megastep import Geometry, MapSet
from megastep.evaluation.analysis.tables import Table
from megastep.evaluation.analysis.worst import draw_episode
from megastep.evaluation.report import charts
from megastep.evaluation.results import Results
from megastep.evaluation.statistics import Interval
from megastep.maps.storage import atomic

VOID = {'meta', 'br'}


class Balanced(HTMLParser):
    """Every element is closed, and nothing is loaded."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert not attrs.keys() & {'src', 'href', 'onclick'}
        self.seen.append((tag, attrs.get('class') or ''))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs).get('class') or ''))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def rooms():
    """Two rooms side by side, 4 m by 3 m, with a door in the middle."""
    ring = np.array([[1, 1], [9, 1], [9, 4], [1, 4]], float)
    outer = [[ring[i], ring[(i + 1) % 4]] for i in range(4)]
    return Geometry.from_walls([*outer, [[5, 1], [5, 2]], [[5, 3], [5, 4]]])


def full():
    """Results with everything that a report can show."""
    tables = []
    for agent, quality in (('ours', 0.8), ('theirs & co', 0.4)):
        for name, variation in (('train', ''), ('test', ''), ('test', 'fov=90')):
            random = np.random.default_rng(len(tables))
            values = random.random((3, 4, 2)) < quality
            places = {'start_x': 2.0, 'start_y': 2.0, 'goal_x': 8.0, 'goal_y': 2.0}
            learnt = np.arange(24) // 2 % 4 == np.arange(24) // 8 if name == 'train' else False
            walked = {'shortest_path': np.arange(1.0, 9.0), 'rooms': [2.0, 3.0], 'detour': [1.0, 1.2], 'seconds': 7.5}
            told = {**places, **walked, 'metres_walked': 3.25, 'spl': 0.5 * values.ravel(), 'trained_on': learnt}
            tables.append(rows(values, agent=agent, in_set=name, variation=variation, **told))
    maps = MapSet([rooms()] * 4)
    way = np.stack([np.linspace(2, 4.8, 30), np.full(30, 2.0)], axis=1)
    table = joined(*tables)
    failed = np.flatnonzero(table['success'] == 0)
    ways = dict.fromkeys(failed.tolist(), way)
    return Results(table, ['success', 'spl'], 'ab' * 32, {'train': maps, 'test': maps}, ways)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report') / 'made'
    assert full().report(folder) == folder / 'index.html'
    return folder


def test_the_page_is_whole_and_loads_nothing(folder):
    text = (folder / 'index.html').read_text()
    page = Balanced(text)
    assert text.startswith('<!doctype html>')
    assert not re.search(r'https?://(?!www\.w3\.org)|@import|url\((?!#)|<script|<link', text)
    headings = [tag for tag, _ in page.seen if tag == 'h2']
    assert len(headings) == 7
    said = ' '.join(page.text)
    for part in ('Generalisation of ours, theirs & co', 'suite abababababab', 'Cross-evaluation', 'Fewer than 5 runs'):
        assert part in said


def test_the_page_says_each_note_once(folder):
    text = (folder / 'index.html').read_text()
    assert text.count('Intervals are of 95 %') == 1


def test_few_runs_are_said_once_where_tables_are_together_and_under_each_that_is_for_a_paper(folder):
    said = 'Fewer than 5 runs: ours has 3, theirs & co has 3.'
    page = ' '.join(Balanced((folder / 'index.html').read_text()).text)
    assert page.count('Fewer than') == page.count(said) == 1
    assert page.index(said) < page.index('Success')
    tables = (folder / 'tables.md').read_text()
    assert tables.count('Fewer than') == tables.count(said) == 1
    assert (folder / 'tables.tex').read_text().count('Fewer than 5 runs: ours has 3, theirs') > 1


def test_a_report_written_again_keeps_no_tables_of_who_is_in_it_no_more(tmp_path):
    notes = tmp_path / 'notes.csv'
    notes.write_text('mine')
    results(agents=('ours', 'théirs & co'), runs=1, maps=2).report(tmp_path)
    gone = tmp_path / 'ours_against_théirs___co.csv'
    assert f'<code>{gone.name}</code>' in (tmp_path / 'index.html').read_text()
    assert gone.is_file()
    results(agents=('ours', 'others'), runs=1, maps=2).report(tmp_path)
    assert not gone.exists()
    assert (tmp_path / 'ours_against_others.csv').is_file()
    assert notes.read_text() == 'mine'


def test_a_page_of_somebody_else_names_no_tables_to_remove(tmp_path):
    (tmp_path / 'kept.csv').write_text('mine')
    (tmp_path / 'index.html').write_text('<footer>mine <code>kept.csv</code></footer>')
    results(runs=1, maps=2).report(tmp_path)
    assert (tmp_path / 'kept.csv').read_text() == 'mine'


def test_the_page_draws_the_worst_episodes(folder):
    page = Balanced((folder / 'index.html').read_text())
    assert sum(tag == 'polyline' for tag, _ in page.seen) >= 8
    assert 'shortest path 1.0 m, walked 3.2 m, in 7.5 s' in ' '.join(page.text)


def test_the_folder_has_the_tables_for_papers_and_programs(folder):
    names = {path.name for path in folder.iterdir()}
    assert {'index.html', 'tables.md', 'tables.tex', 'success.csv', 'spl.csv', 'gap_success.csv'} <= names
    assert {'variations_spl.csv', 'success_matrix.csv', 'ours_against_theirs___co.csv'} <= names
    assert {f'success_against_{name}.csv' for name in ('shortest_path', 'rooms', 'detour')} <= names
    lines = (folder / 'success.csv').read_text().splitlines()
    assert lines[0].startswith('agent,set,runs,maps,episodes,mean,mean_low,mean_high,median')
    assert len(lines) == 5
    tables = (folder / 'tables.tex').read_text()
    assert tables.count(r'\begin{table}') == tables.count(r'\end{table}') == len(names) - 4
    assert tables.isascii()


def test_each_comparison_has_a_file_of_its_own_where_capitals_are_one(tmp_path):
    names = ('ours', 'a', 'A', 'a b', 'a_b', 'é', 'e\u0301', 'x' * 300)
    results(agents=names, runs=1, maps=2).report(tmp_path)
    tables = sorted(path.stem for path in tmp_path.glob('ours_against_*.csv'))
    assert len({unicodedata.normalize('NFD', name).casefold() for name in tables}) == len(tables) == len(names) - 1
    assert {'ours_against_a', 'ours_against_A_2', 'ours_against_a_b', 'ours_against_a_b_2'} <= set(tables)
    for path in tmp_path.glob('ours_against_*.csv'):
        assert path.read_text().startswith('set,')


def test_a_score_of_any_name_has_a_file(tmp_path):
    table = rows(np.ones((1, 2, 1)))
    table['hit rate/°'] = table.pop('success')
    Results(table, ['hit rate/°']).report(tmp_path)
    assert (tmp_path / 'hit_rate__.csv').is_file()


def test_the_folder_has_the_results(folder):
    (path,) = folder.glob('results.*')
    assert len(Results.load(path)) == len(full())


def test_results_are_kept_when_their_report_fails(tmp_path, monkeypatch):
    monkeypatch.setattr('megastep.evaluation.report.write', lambda *_, **__: 1 / 0)
    found = results()
    with pytest.raises(ZeroDivisionError):
        found.report(tmp_path)
    assert len(Results.load(next(tmp_path.glob('results.*')))) == len(found)


def test_a_report_has_its_own_results_alone(tmp_path):
    results(agents=('old',)).save(tmp_path / 'results.npz')
    results(agents=('old',)).save(tmp_path / 'results.npz').rename(tmp_path / 'results.parquet')
    results(agents=('new',)).report(tmp_path)
    assert {Results.load(path).agents[0] for path in tmp_path.glob('results.*')} == {'new'}


def test_a_page_is_written_last(tmp_path, monkeypatch):
    written, replace = [], atomic.replace
    monkeypatch.setattr(atomic, 'replace', lambda path, content: (written.append(path.name), replace(path, content)))
    results().report(tmp_path)
    assert written[0].startswith('results.')
    assert written[-1] == 'index.html'


def test_a_report_is_the_same_each_time(folder, tmp_path):
    full().report(tmp_path)
    for name in ('index.html', 'tables.md', 'success.csv'):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_report_of_little_has_little(tmp_path):
    Results(rows(np.ones((1, 2, 1))), ['success']).report(tmp_path, title='<Mine>')
    page = Balanced((tmp_path / 'index.html').read_text())
    assert sum(tag == 'h2' for tag, _ in page.seen) == 1
    assert '<Mine>' in page.text


@pytest.mark.parametrize('without', ['a', 'b'])
def test_a_report_of_an_agent_that_never_has_a_score_compares_the_others(tmp_path, without):
    values = np.random.default_rng(0).random((2, 4, 2))
    tables = [rows(np.where(name == without, np.nan, values), agent=name) for name in 'abc']
    Results(joined(*tables), ['success']).report(tmp_path)
    compared = {path.stem for path in tmp_path.glob('*_against_*.csv')}
    assert compared == ({'a_against_c'} if without == 'b' else set())


def test_a_report_is_of_scores_that_some_episode_has(tmp_path):
    """An evaluation isn't lost because nobody reached a goal."""
    table = rows(np.full((1, 3, 2), np.nan), spl=0.5)
    found = Results(table, ['success', 'spl'])
    assert found.known_scores == ['spl'] and found.worst().score == 'spl'
    with pytest.raises(ValueError, match="some episode must have the score 'success'"):
        Results(rows(np.full((1, 3, 2), np.nan)), ['success']).report(tmp_path)
    page = found.report(tmp_path).read_text()
    assert 'SPL by set' in page and (tmp_path / 'spl.csv').exists() and not (tmp_path / 'success.csv').exists()
    with pytest.raises(ValueError, match="some episode must have the score 'success', got none that has"):
        found.report(tmp_path, scores=['success'])


def test_a_report_is_of_the_scores_asked_for(tmp_path):
    full().report(tmp_path, ['spl'])
    assert not (tmp_path / 'success.csv').exists()
    with pytest.raises(ValueError, match=r"score must be one of success, spl, .*, got 'return'"):
        full().report(tmp_path, ['return'])


def test_results_draw_themselves():
    page = Balanced(full()._repr_html_())
    assert [tag for tag, name in page.seen if tag == 'th' and 'success' in name]
    assert sum(tag == 'small' for tag, _ in page.seen) == 8  # two agents, two sets, two scores


def test_the_worst_are_one_a_map_and_the_easiest_first():
    values = np.array([[[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    found = Results(rows(values, shortest_path=[5.0, 3.0, 9.0, 9.0, 4.0, 1.0]), ['success']).worst(3)
    assert found.episodes['map'].tolist() == [0, 2, 1]
    assert found.episodes['episode'].tolist() == [1, 4, 2]
    assert found.pictures == [''] * 3
    assert repr(found) == 'Worst(3 episodes by success: houses 0, houses 2, houses 1)'


def test_the_worst_have_the_most_of_what_less_is_better_of(tmp_path):
    maps = {'houses': MapSet([rooms()] * 3)}
    table = rows(np.array([[[1.0, 2.0], [7.0, 0.0], [4.0, 4.0]]]))
    found = Results(table, ['success'], maps=maps, lower_is_better=['success'])
    assert found.worst(3).episodes['success'].tolist() == [7, 4, 2]
    page = found.report(tmp_path).read_text()
    assert 'Less is better.' in page and 'the highest success first' in page


def test_the_worst_are_those_in_which_most_runs_fail():
    found = Results(rows(np.array([[[0.0], [0.0]], [[1.0], [0.0]]])), ['success']).worst(1)
    assert found.episodes['map'].tolist() == [1]


def test_the_worst_have_ways_if_any_have():
    maps = {'houses': MapSet([rooms()] * 2)}
    found = Results(rows(np.array([[[0.0], [1.0]]])), ['success'], maps=maps, ways={1: np.array([[2.0, 2], [3, 2]])})
    assert found.worst(1).episodes['map'].tolist() == [1]
    assert ('polyline', '') in Balanced(found.worst(1).figures()).seen
    page = found.worst(1)._repr_html_()
    assert '<svg' not in page and 'src="data:image/svg+xml;base64,' in page  # notebooks that aren't trusted strip SVG


@pytest.mark.parametrize('count', [0, 1.5])
def test_refuses_no_episodes(count):
    with pytest.raises(ValueError, match=f'count must be an integer of at least 1, got {count}'):
        results().worst(count)


def test_an_episode_is_drawn_on_its_plan():
    way = np.array([[2.0, 2.0], [2.0, 2.0], [4.5, 2.5]])
    drawn = ElementTree.fromstring(draw_episode(rooms(), way, np.array([2.0, 2.0]), np.array([8.0, 2.0])))
    shortest, walked = (each.get('points') for each in drawn.iter('{http://www.w3.org/2000/svg}polyline'))
    assert walked == '200,200 450,150'  # centimetres, y down from the top wall, which is at 4 m
    places = [tuple(map(int, place.split(','))) for place in shortest.split()]
    assert (places[0], places[-1]) == ((200, 200), (800, 200))
    assert any(abs(x - 500) < 20 and 190 > y > 100 for x, y in places)  # off the door's jamb by an agent's radius


def test_an_episode_is_drawn_without_a_goal_or_a_way():
    nowhere = np.full(2, np.nan)
    drawn = draw_episode(rooms(), None, nowhere, nowhere)
    assert 'polyline' not in drawn
    assert 'circle' not in drawn


@pytest.mark.parametrize(
    'low, high, marks',
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 12, [0, 5, 10]), (1, 1.02, [1, 1.005, 1.01, 1.015, 1.02])],
)
def test_ticks_are_round(low, high, marks):
    assert charts.ticks(low, high) == pytest.approx(marks)


def test_charts_leave_out_what_is_not_there():
    there, nothing = Interval(0.5, 0.4, 0.6), Interval(np.nan, np.nan, np.nan)
    page = Balanced(charts.forest({'a': [there, None], '': [nothing, there]}, (0, 1)))
    assert sum(tag == 'b' for tag, _ in page.seen) == 2
    assert 'none' in page.text
    point = Interval(2.0, np.nan, np.nan)
    Balanced(charts.lines([[(1.0, point)], []], across='x', up='y', span=(np.inf, -np.inf)))


def test_rows_that_begin_alike_are_under_one_heading():
    page = Balanced(Table('t', {'agent': ['a', 'a', 'b'], 'value': [1.0, 2.0, 3.0]}).html())
    assert sum(tag == 'tbody' for tag, _ in page.seen) == 2
    assert page.text[:4] == ['t', 'value', 'a', '1.000']
