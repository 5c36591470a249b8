"""Generating many maps: mixtures, several processes, executors, and runs that are killed and go on."""

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from child_processes import wait_until
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import MapSet, mapgen
from megastep.mapgen import generation, parallel, shards
from megastep.mapgen.mixture import apportion

MIXTURE = {'house': 0.25, 'box': 0.5, 'column': 0.25}
SHARES = st.lists(st.floats(0.01, 100), min_size=1, max_size=6)


def saved(maps, path):
    maps.save(path)
    return path.read_bytes()


class TestApportionment:
    @settings(max_examples=60, deadline=None)
    @given(shares=SHARES, count=st.integers(1, 120))
    def test_every_beginning_has_the_shares_rounded_up_or_down(self, shares, count):
        held = np.cumsum(np.eye(len(shares), dtype=int)[apportion(shares, count)], axis=0)
        quotas = np.arange(1, count + 1)[:, None] * np.array(shares) / sum(shares)
        assert (np.abs(held - quotas) < 1 + 1e-9).all()

    @settings(max_examples=20, deadline=None)
    @given(shares=SHARES, counts=st.tuples(st.integers(1, 60), st.integers(1, 60)))
    def test_more_places_begin_with_the_same(self, shares, counts):
        assert apportion(shares, max(counts))[: min(counts)] == apportion(shares, min(counts))

    @pytest.mark.parametrize(
        'shares, expected',
        [
            ([1.0], [0, 0, 0]),
            ([0.5, 0.5], [0, 1, 0, 1]),
            ([1.0, 3.0], [1, 1, 0, 1, 1, 1, 0, 1]),
            ([0.1, 0.2, 0.7], [2, 2, 2, 1, 2, 2, 0, 2, 1, 2]),
        ],
    )
    def test_known_answers(self, shares, expected):
        assert apportion(shares, len(expected)) == expected

    def test_a_tenth_is_a_tenth(self):
        """The nearest binary fraction to 0.1 is a little more, and would be due a second place of ten."""
        assert Counter(apportion([0.1] * 10, 1000)) == dict.fromkeys(range(10), 100)
        assert Counter(apportion([0.1, 0.2, 0.3, 0.4], 10)) == {0: 1, 1: 2, 2: 3, 3: 4}
        assert apportion([1 / 3, 2 / 3], 9999).count(0) == 3333


class TestMixtures:
    @pytest.fixture(scope='class')
    @classmethod
    def maps(cls):
        return mapgen.generate(mixture=MIXTURE, count=40, seed=4, parameters={'house': {'rooms': (4, 6)}})

    def test_has_the_shares_asked_for(self, maps):
        assert Counter(maps.families.tolist()) == {'box': 20, 'column': 10, 'house': 10}
        assert Counter(maps[:8].families.tolist()) == {'box': 4, 'column': 2, 'house': 2}

    def test_each_map_is_the_one_its_family_has_there(self, maps):
        for i, (geometry, family) in enumerate(zip(maps, maps.families.tolist(), strict=True)):
            alone = mapgen.make(family, i, seed=4, **({'rooms': (4, 6)} if family == 'house' else {}))
            np.testing.assert_array_equal(geometry.walls, alone.walls)
            np.testing.assert_array_equal(geometry.spawns, alone.spawns)
        assert maps.indices.tolist() == list(range(40))

    def test_the_recipe_says_it_all(self, maps, tmp_path):
        recipe = maps.recipe
        assert recipe['mixture'] == MIXTURE
        assert [part['family'] for part in recipe['parts']] == ['box', 'column', 'house']
        assert recipe['parts'][2]['parameters']['rooms'] == [4, 6]
        parameters = {part['family']: part['parameters'] for part in recipe['parts']}
        again = mapgen.generate(mixture=recipe['mixture'], count=40, seed=4, parameters=parameters)
        assert saved(again, tmp_path / 'again') == saved(maps, tmp_path / 'maps')

    def test_neither_workers_nor_the_order_of_names_change_anything(self, maps, tmp_path):
        other = dict(reversed(MIXTURE.items()))
        again = mapgen.generate(mixture=other, count=40, seed=4, parameters={'house': {'rooms': (4, 6)}}, workers=2)
        assert saved(again, tmp_path / 'again') == saved(maps, tmp_path / 'maps')

    def test_more_maps_begin_with_the_same(self, maps):
        fewer = mapgen.generate(mixture=MIXTURE, count=21, seed=4, parameters={'house': {'rooms': (4, 6)}})
        assert fewer.families.tolist() == maps[:21].families.tolist()
        np.testing.assert_array_equal(fewer.walls.vals, maps[:21].walls.vals)
        np.testing.assert_array_equal(fewer.spawns.vals, maps[:21].spawns.vals)

    def test_parameters_without_a_family_are_for_all(self):
        mixture = {'box': 1, 'column': 1}
        maps = mapgen.generate(mixture=mixture, count=4, width=7, parameters={'box': {'height': 2}})
        tops = {'box': 3, 'column': 6}  # maps begin at 1 m
        assert [geometry.bounds for geometry in maps] == [(1, 1, 8, tops[family]) for family in maps.families]

    def test_of_one_family_is_that_family(self, tmp_path):
        alone, mixed = mapgen.generate('box', 3), mapgen.generate(mixture={'box': 7}, count=3)
        assert saved(alone, tmp_path / 'a') == saved(mixed, tmp_path / 'b')

    @pytest.mark.parametrize(
        'arguments, message',
        [
            ({}, 'either a family or a mixture must be given, got family=None and mixture=None'),
            ({'family': 'box', 'mixture': {'box': 1}}, "either a family or a mixture must be given, got family='box'"),
            ({'mixture': {'castle': 1}}, "unknown family 'castle'; the families are"),
            ({'mixture': {}}, "mixture must give families' shares, such as .*, got {}"),
            ({'mixture': 'box'}, "mixture must give families' shares, such as .*, got 'box'"),
            ({'mixture': {'box': 0}}, 'mixture: the share of box must be a finite number above 0, got 0'),
            ({'mixture': {'box': -1}}, 'mixture: the share of box must be a finite number above 0, got -1'),
            ({'mixture': {'box': np.inf}}, 'mixture: the share of box must be a finite number above 0, got inf'),
            ({'mixture': {'box': '1'}}, "mixture: the share of box must be a finite number above 0, got '1'"),
            ({'mixture': {'box': None}}, 'mixture: the share of box must be a finite number above 0, got None'),
            (
                {'mixture': {'box': 1}, 'parameters': {'house': {}}},
                "parameters are given for 'house', but the families are box",
            ),
            ({'mixture': {'box': 1, 'column': 1}, 'column': 1}, "box has no parameter 'column'; it has .*height, "),
            ({'family': 'box', 'count': None}, 'count must be a whole number of at least 1, got None'),
            ({'family': 'box', 'resume': True}, 'resume goes on with a run to a file: say to which with out'),
            (
                {'family': 'box', 'executor': object(), 'workers': 2},
                'workers are processes of this machine, and an executor has its own: got 2 and both',
            ),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            mapgen.generate(**{'count': 1, **arguments})

    def test_make_checks_its_arguments(self):
        with pytest.raises(ValueError, match='index must be a whole number of at least 0, got -1'):
            mapgen.make('box', -1)
        with pytest.raises(ValueError, match="unknown family 'castle'"):
            mapgen.make('castle', 0)


def test_geodesics_come_with_the_maps_when_asked_for(tmp_path):
    maps = mapgen.generate('column', 3, geodesics=True, out=tmp_path / 'maps')
    assert maps.recipe['geodesics'] is True
    for geometry in maps:
        assert geometry.geodesics.shape == (len(geometry.spawns),) * 2
    assert mapgen.generate('column', 1)[0].geodesics is None


def build_all_but_one(rng):
    """A box, but at index 5, where it does what its family's name says."""
    if rng.name.endswith('/5'):
        if rng.name.startswith('refuses'):
            raise ValueError('refuses: boxes must come to at most 98 m, got 99 m.')
        raise ValueError('the plan is too small')
    return mapgen.FAMILIES['box'].build(rng, width=2.0, height=2.0)


class TestFailures:
    @pytest.fixture(params=[None, ThreadPoolExecutor])
    def executor(self, request):
        if request.param is None:
            yield None
        else:
            with request.param(2) as executor:
                yield executor

    @pytest.fixture(autouse=True)
    def families(self, monkeypatch):
        broken = [mapgen.Family(name, 3, '', {}, build_all_but_one) for name in ('refuses', 'fails')]
        monkeypatch.setattr(generation, 'FAMILIES', {**generation.FAMILIES, **{f.name: f for f in broken}})

    def test_a_map_that_fails_is_named(self, executor):
        message = (
            'fails version 3, seed 2, index 5 could not be made: ValueError: the plan is too small. This is a bug in'
        )
        with pytest.raises(mapgen.GenerationError, match=message):
            mapgen.generate('fails', 40, seed=2, executor=executor)

    def test_a_family_may_refuse(self, executor):
        with pytest.raises(ValueError, match=r'^refuses: boxes must come to at most 98 m, got 99 m\.$'):
            mapgen.generate('refuses', 40, seed=2, executor=executor)

    def test_what_cannot_be_finished_is_a_bug(self, monkeypatch):
        def finish(*args, **kwargs):
            raise ValueError('no spawn')

        monkeypatch.setattr(generation, 'finish', finish)
        message = r'box version \d+, seed 0, index 0 could not be made: ValueError: no spawn'
        with pytest.raises(mapgen.GenerationError, match=message):
            mapgen.generate('box', 1)

    def test_what_was_finished_before_is_kept(self, monkeypatch, tmp_path):
        monkeypatch.setattr(generation, 'MAPS_PER_CHUNK', 2)
        with pytest.raises(mapgen.GenerationError):
            mapgen.generate('fails', 8, out=tmp_path / 'maps')
        assert len(list((tmp_path / 'maps.shards').iterdir())) == 2


class CountingExecutor(Executor):
    """Makes a call when it is submitted, and counts the futures that nobody has looked into."""

    def __init__(self):
        self.submitted = self.held = self.most = 0

    def submit(self, function, *args):
        future = Future()
        future.set_result(function(*args))
        self.submitted += 1
        self.held += 1
        self.most = max(self.most, self.held)
        future.result = self.look(future.result)
        return future

    def look(self, result):
        def looked(timeout=None):
            self.held -= 1
            return result(timeout)

        return looked


class TestExecutors:
    def test_any_executor_makes_the_same_maps(self, tmp_path):
        with ThreadPoolExecutor(2) as executor:
            maps = mapgen.generate('box', 50, seed=1, executor=executor)
        assert saved(maps, tmp_path / 'a') == saved(mapgen.generate('box', 50, seed=1), tmp_path / 'b')

    def test_no_more_is_asked_for_at_once_than_bounded(self):
        executor = CountingExecutor()
        assert sorted(parallel.completed(executor, abs, range(100), most=7)) == list(range(100))
        assert (executor.submitted, executor.most) == (100, 7)

    def test_what_has_not_begun_is_cancelled_when_a_call_fails(self):
        """Calls that are under way aren't: the pool waits for these."""
        futures = []

        class Lazy(Executor):
            def submit(self, function, item):
                futures.append(Future())
                if item == 0:
                    futures[-1].set_exception(RuntimeError('no'))
                return futures[-1]

        with pytest.raises(RuntimeError, match='no'):
            list(parallel.completed(Lazy(), abs, range(9), most=4))
        assert [future.cancelled() for future in futures] == [False, True, True, True]

    def test_dask_makes_the_same_maps(self, tmp_path):
        distributed = pytest.importorskip('distributed', reason='needs dask, which the extra cluster brings')
        cluster = {'n_workers': 1, 'threads_per_worker': 1, 'processes': True, 'dashboard_address': None}
        with distributed.Client(**cluster, local_directory=str(tmp_path)) as client:
            maps = mapgen.generate('box', 40, seed=1, executor=client.get_executor())
        assert saved(maps, tmp_path / 'a') == saved(mapgen.generate('box', 40, seed=1), tmp_path / 'b')


class TestShards:
    @pytest.fixture
    def out(self, tmp_path):
        return tmp_path / 'maps.safetensors'

    @pytest.fixture
    def halted(self, out, monkeypatch):
        """A run of 50 boxes that stopped after two shards."""

        def stop(function, chunks, workers, executor):
            yield from map(function, chunks[1:3])
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(generation, '_called', stop)
            with pytest.raises(KeyboardInterrupt):
                mapgen.generate('box', 50, seed=1, out=out)
        return out

    def test_nothing_is_left_but_the_file(self, out):
        maps = mapgen.generate('box', 20, out=out)
        assert os.listdir(out.parent) == [out.name]
        maps.verify()
        assert out.read_bytes() == saved(mapgen.generate('box', 20), out.parent / 'other')

    def test_a_run_goes_on_where_it_stopped(self, halted, monkeypatch, capsys):
        folder = Path(f'{halted}.shards')
        assert [path.name[:17] for path in sorted(folder.iterdir())] == ['00000016-00000032', '00000032-00000048']
        (folder / '.half-written').touch()
        made = []
        make = generation._make
        monkeypatch.setattr(generation, '_make', lambda *args: made.append(args[2]) or make(*args))
        mapgen.generate('box', 50, seed=1, out=halted, resume=True, progress=True)
        assert made == [*range(16), 48, 49]
        assert halted.read_bytes() == saved(mapgen.generate('box', 50, seed=1), halted.parent / 'other')
        assert not folder.exists()
        assert '50/50' in capsys.readouterr().err

    def test_more_maps_are_another_run_of_the_same_recipe(self, halted):
        maps = mapgen.generate('box', 70, seed=1, out=halted, resume=True)
        assert halted.read_bytes() == saved(mapgen.generate('box', 70, seed=1), halted.parent / 'other')
        assert len(maps) == 70

    def test_a_finished_set_is_not_overwritten(self, out):
        first = mapgen.generate('box', 2, seed=1, out=out)
        kept = out.read_bytes()
        with pytest.raises(ValueError, match=f'{out} is there already: say overwrite to have another in its place'):
            mapgen.generate('box', 2, seed=2, out=out)
        assert mapgen.generate('box', 2, seed=1, out=out, resume=True) == first
        with pytest.raises(ValueError, match='holds other maps than those asked for: they differ in seed'):
            mapgen.generate('box', 2, seed=2, out=out, resume=True)
        with pytest.raises(ValueError, match='holds 2 such maps, and 3 are asked for: say overwrite'):
            mapgen.generate('box', 3, seed=1, out=out, resume=True)
        assert out.read_bytes() == kept
        assert len(mapgen.generate('box', 3, seed=2, out=out, overwrite=True)) == len(MapSet.load(out)) == 3

    def test_resuming_what_never_began_begins_it(self, out):
        assert len(mapgen.generate('box', 2, out=out, resume=True)) == 2

    def test_an_unfinished_run_is_not_thrown_away(self, halted):
        with pytest.raises(ValueError, match=r'maps\.safetensors\.shards holds maps of a run that did not end: resume'):
            mapgen.generate('box', 50, seed=1, out=halted)
        assert len(list(Path(f'{halted}.shards').iterdir())) == 2

    @pytest.mark.parametrize(
        'arguments, places',
        [
            ({'seed': 2}, 'seed'),
            ({'width': 4, 'height': 3}, r'parameters\.height, parameters\.width'),
            ({'geodesics': True}, 'geodesics'),
            ({'family': 'column'}, 'family, parameters'),
        ],
    )
    def test_a_run_of_another_recipe_is_refused(self, halted, arguments, places):
        with pytest.raises(ValueError, match=f'holds maps of another recipe, which differs in {places}'):
            mapgen.generate(**{'family': 'box', 'count': 50, 'seed': 1, 'out': halted, 'resume': True, **arguments})

    def test_a_damaged_shard_is_found(self, halted):
        shard = min(Path(f'{halted}.shards').iterdir())
        content = bytearray(shard.read_bytes())
        content[8 + int.from_bytes(content[:8], 'little')] ^= 1  # the first byte after the header
        shard.write_bytes(content)
        with pytest.raises(ValueError, match='is damaged: its content hashes to'):
            mapgen.generate('box', 50, seed=1, out=halted, resume=True)

    def test_a_missing_folder_is_said_before_work_is_done(self, out, monkeypatch):
        monkeypatch.setattr(generation, '_make', None)
        with pytest.raises(FileNotFoundError, match='none is not a folder, so maps cannot be written there'):
            mapgen.generate('box', 2, out=out.parent / 'none' / 'maps')

    def test_versions_of_a_family_have_shards_of_their_own(self, tmp_path):
        keys = {shards.Shards(tmp_path / 'maps', {'family': 'box', 'version': version}).key for version in (1, 2)}
        assert len(keys) == 2


@pytest.mark.skipif(sys.platform != 'linux', reason='looks into /proc')
def test_a_script_that_its_workers_run_again_is_told_so(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text("from megastep import mapgen\nmapgen.generate('box', 100, workers=2)\n")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    errors = [line for line in run.stderr.splitlines() if line.startswith('RuntimeError: a process of the pool ended')]
    assert run.returncode == 1 and errors, run.stderr  # what Python says of semaphores may come after that
    assert "must stand under `if __name__ == '__main__':`" in errors[-1]


def test_a_run_that_is_interrupted_and_one_that_is_killed_go_on(tmp_path):
    """Real processes: Ctrl-C ends all of them, and so does killing the first; then a shorter run takes up the rest."""
    out = tmp_path / 'maps'
    command = [sys.executable, '-m', 'megastep', 'generate', 'house', '50000', str(out), '--workers', '2', '--resume']
    count = 0
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        wait_until(lambda n=count: len(list(tmp_path.glob('maps.shards/*.safetensors'))) > n, process)
        children = Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
        if signal_number == signal.SIGINT:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        else:
            process.kill()
        _, said = process.communicate(timeout=60)
        assert process.returncode == (130 if signal_number == signal.SIGINT else -signal.SIGKILL)
        wait_until(lambda pids=children: not any(running(pid) for pid in pids))
        assert len(children) >= 2
        count = len(list(tmp_path.glob('maps.shards/*.safetensors')))
        if signal_number == signal.SIGINT:
            assert said.endswith(
                f'{out}.shards holds what is finished; --resume goes on with it.\nmegastep: interrupted.\n'
            )
    resumed = mapgen.generate('house', 40, out=out, resume=True)
    assert out.read_bytes() == saved(mapgen.generate('house', 40), tmp_path / 'uninterrupted')
    assert isinstance(resumed, MapSet)
    assert sorted(os.listdir(tmp_path)) == ['maps', 'uninterrupted']


def running(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
