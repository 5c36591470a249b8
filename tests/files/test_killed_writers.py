"""Writers that are killed, wherever that is: each file is whole, the old or the new one, and the next write clears."""

from functools import cache
from unittest.mock import patch

import numpy as np
import pytest
from child_processes import kills, listing, step
from synthetic import results
from worlds import box

from megastep import MapSet
from megastep.evaluation import Suite
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.report import sections
from megastep.plotting.video import Recorder

OLD, NEW = (MapSet([box(right=right), box(top=3.0)], recipe={'family': 'test'}) for right in (5.0, 6.0))
RESULTS = {False: results(runs=1, maps=2), True: results(runs=1, maps=2, seed=1)}


def film(name):
    def write(folder, new):
        with Recorder(folder / name) as recorder:
            for i in range(3):
                step(folder)
                recorder.add(np.full((32, 32, 3), 60 * i + 20 * new, np.uint8))
            step(folder)

    return write


@cache
def drawn(new):
    """What a report of results consists of: to draw it takes longer than to write it."""
    return sections.sections(RESULTS[new].table, ('success', 'spl'), {}, {})


def report(folder, new):
    found = drawn(new)
    with patch.object(sections, 'sections', lambda *given: found):
        RESULTS[new].report(folder)


WRITERS = {
    'set': lambda folder, new: (NEW if new else OLD).save(folder / 'maps'),
    'episodes': lambda folder, new: Episodes.draw(OLD, 'minimal', per_map=2, seed=int(new)).save(folder / 'episodes'),
    'results': lambda folder, new: RESULTS[new].save(folder / 'results.npz'),
    'report': report,
    'gif': film('film.gif'),
    'mp4': film('film.mp4'),
}


@pytest.mark.parametrize('name', WRITERS)
def test_a_killed_writer_loses_nothing_and_leaves_nothing(tmp_path, name):
    if name == 'mp4':
        pytest.importorskip('imageio_ffmpeg', reason='needs the extra video')
    write, expected = WRITERS[name], {}
    for new in (True, False):
        write(tmp_path, new)
        expected[new] = listing(tmp_path)
    assert set(expected[False]) == set(expected[True])
    sizes = () if name == 'mp4' else (1, 40, 900)  # an encoder that dies of its own is none that was killed
    for place in kills(lambda: write(tmp_path, True), tmp_path, sizes=sizes, stride=7 if name == 'report' else 1):
        found = listing(tmp_path)
        assert all(found[file] in (expected[False][file], expected[True][file]) for file in expected[True]), place
        write(tmp_path, False)
        assert listing(tmp_path) == expected[False], place


def test_a_killed_writer_of_a_suite_leaves_the_old_one_or_the_new(tmp_path):
    """Of several files, in the place of one with a set more."""
    episodes = {maps: Episodes.draw(maps, 'minimal', per_map=1) for maps in (OLD, NEW)}
    old = Suite({'both': episodes[OLD], 'more': episodes[NEW]}, name='old')
    new = Suite({'both': episodes[NEW]}, name='new')
    old.save(tmp_path)
    expected, found = listing(tmp_path), set()
    for place in kills(lambda: new.save(tmp_path), tmp_path, sizes=(1, 900)):
        again = Suite.load(tmp_path)
        assert (again.name, again.sha256) in [(each.name, each.sha256) for each in (old, new)], place
        found.add(again.name)
        old.save(tmp_path)
        assert listing(tmp_path) == expected, place
    assert found == {'old', 'new'}
