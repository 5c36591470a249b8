"""`megastep import`, `export` and `split`: maps from and to other programs' files, and in two parts."""

import json
import sys
from pathlib import Path

import pytest

from megastep import MapSet, mapgen
from megastep.cli import main

FILES = Path(__file__).parents[1] / 'maps' / 'files'

PLAN = '<svg><path d="M0 0H400V400H0Z M500 0H800V400H500Z" stroke="red"/><g id="doors"><path d="M0 1V99"/></g></svg>'


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / 'plan.svg'
    path.write_text(PLAN)
    return path


def test_import_takes_the_importers_options(plan, tmp_path, capsys):
    out = tmp_path / 'maps.safetensors'
    assert main(['import', str(plan), str(out), 'inside=600,100', 'scale=50']) == 0
    maps = MapSet.load(out)
    assert maps[0].area == pytest.approx(48)
    assert maps.recipe['parameters']['inside'] == [600, 100]
    assert '1 svg map (median ' in capsys.readouterr().out


def test_import_says_what_was_left_out(plan, tmp_path, capsys):
    assert main(['import', str(plan), str(tmp_path / 'a.safetensors'), 'layers.ignored=doors,other']) == 0
    error = capsys.readouterr().err
    assert error.startswith(f'megastep: {plan}: the free space is the largest face')
    assert 'exchange.py' not in error


def test_import_of_a_folder_has_all_its_files(tmp_path, capsys):
    mapgen.generate('box', 3).to_svg(tmp_path)
    assert main(['import', str(tmp_path), str(tmp_path / 'a.safetensors')]) == 0
    assert MapSet.load(tmp_path / 'a.safetensors').recipe['names'] == ['0000.svg', '0001.svg', '0002.svg']


def test_import_of_a_folder_of_folders(tmp_path, capsys):
    """CubiCasa's data set has a folder a floorplan, each with a `model.svg`."""
    for number in '12':
        (tmp_path / 'set' / number).mkdir(parents=True)
        (tmp_path / 'set' / number / 'model.svg').write_bytes((FILES / 'svg' / 'cubicasa.svg').read_bytes())
    arguments = [str(tmp_path / 'set'), str(tmp_path / 'a.safetensors')]
    assert main(['import', *arguments, '--format', 'cubicasa']) == 0
    assert len(MapSet.load(tmp_path / 'a.safetensors')) == 2
    assert main(['import', *arguments, '--format', 'dxf', '--overwrite']) == 2
    assert 'set must have files to import (.dxf), got none.' in capsys.readouterr().err


def test_import_of_a_folder_leaves_files_of_other_formats_alone(tmp_path, capsys):
    """A grid's picture beside its YAML file, and what data sets keep beside their pictures, are no maps."""
    (tmp_path / 'ros').mkdir()
    mapgen.generate('box', 2).to_occupancy(tmp_path / 'ros')
    assert main(['import', str(tmp_path / 'ros'), str(tmp_path / 'a.safetensors')]) == 0
    assert MapSet.load(tmp_path / 'a.safetensors').recipe['names'] == ['0000.yaml', '0001.yaml']
    mapgen.generate('box', 1).to_svg(tmp_path / 'ros')
    assert main(['import', str(tmp_path / 'ros'), str(tmp_path / 'b.safetensors'), '--format', 'svg']) == 0
    assert MapSet.load(tmp_path / 'b.safetensors').recipe['names'] == ['0000.svg']


@pytest.mark.parametrize(
    'kind, source',
    [
        ('geojson', 'geojson/door.json'),
        ('wad', 'wad/n_E1M10.wad'),
        ('cubicasa', 'svg/cubicasa.svg'),
        ('imdf', 'other/imdf.geojson'),
    ],
)
def test_import_of_a_folder_leaves_out_files_of_which_nothing_can_be_used(tmp_path, capsys, kind, source):
    """Data sets have thousands of files, of which some are damaged."""
    (tmp_path / 'set').mkdir()
    good, damaged = FILES / source, tmp_path / 'set' / f'damaged{Path(source).suffix}'
    (tmp_path / 'set' / good.name).write_bytes(good.read_bytes())
    damaged.write_text('{"cut off')
    arguments = ['import', str(tmp_path / 'set'), str(tmp_path / 'a.safetensors'), '--format', kind]
    assert main(arguments) == 2
    assert f'{damaged}: ' in capsys.readouterr().err
    assert main([*arguments, '--skip-invalid']) == 0
    assert f'{damaged}: ' in capsys.readouterr().err
    assert len(MapSet.load(tmp_path / 'a.safetensors')) == 1


def test_import_of_a_folder_says_if_none_of_its_files_can_be_used(tmp_path, capsys):
    for name in 'ab':
        (tmp_path / f'{name}.wad').write_text('none')
    assert main(['import', str(tmp_path), str(tmp_path / 'maps'), '--skip-invalid']) == 2
    assert 'none of 2 files holds a map that can be used.' in capsys.readouterr().err


def test_import_of_an_unpacked_archive(tmp_path, capsys):
    (tmp_path / 'venue').mkdir()
    content = json.loads((FILES / 'other' / 'imdf.geojson').read_text())
    for kind in ('level', 'unit', 'opening'):
        features = [one for one in content['features'] if one['feature_type'] == kind]
        (tmp_path / 'venue' / f'{kind}.geojson').write_text(json.dumps({**content, 'features': features}))
    assert main(['import', str(tmp_path / 'venue'), str(tmp_path / 'a.safetensors'), '--format', 'imdf']) == 0
    assert len(MapSet.load(tmp_path / 'a.safetensors')[0].doors) == 2


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['missing.svg', 'a.safetensors'], 'missing.svg: No such file'),
        (['plan.svg', 'a.safetensors', 'scale'], 'options must look like scale=100'),
        (['plan.svg', 'a.safetensors', 'colour=3'], 'from_svg does not take these options'),
        (['plan.svg', 'a.safetensors', 'colour=3'], 'colour. It takes inside, scale, snap, layers, ids, classes.'),
        (['plan.svg', 'a.safetensors', 'skip_invalid=true'], 'from_svg does not take these options: skip_invalid'),
        (['plan.svg', 'a.safetensors', 'scale=wide'], "scale must be a number, got 'wide'"),
        (['plan.svg', 'a.safetensors', 'scale=1,2'], 'scale must be a number, got (1, 2)'),
        (['a.geojson', 'a.safetensors', 'degrees=yes'], "degrees must be true or false, got 'yes'"),
        (['maze.txt', 'a.safetensors'], 'from_grid needs the option resolution: say resolution=VALUE.'),
        (['plan.svg', 'no/a.safetensors'], 'no is not a folder'),
        (['plan.svg', ''], ". must name a file that can be written, got a folder's name"),
        (['plan.xyz', 'a.safetensors'], "format must be said of a file that ends in '.xyz'"),
        (['plan.svg', 'a.safetensors', 'inside=450,1'], 'lies in none'),
        (['plan.svg', 'a.safetensors', 'scale=1', 'scale=9'], 'options must name each once, got scale=1 scale=9'),
        (['plan.svg', 'a.safetensors', 'layers.doors=b', 'layers=a'], 'each once, got layers.doors=b layers=a'),
        (['plan.svg', 'a.safetensors', 'layers=a', 'layers.doors=b'], 'each once, got layers=a layers.doors=b'),
        (['empty', 'a.safetensors'], 'empty must have files to import'),
    ],
)
def test_import_names_mistakes(plan, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    assert main(['import', *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    'target, options, files',
    [
        ('ros', ['resolution=0.1'], ['0000.pgm', '0000.yaml', '0001.pgm', '0001.yaml']),
        ('svg', ['scale=10'], ['0000.svg', '0001.svg']),
        ('png', [], ['0000.png', '0001.png']),
        ('gazebo', ['height=2'], ['0000.sdf', '0001.sdf']),
    ],
)
def test_export_writes_a_folder(tmp_path, capsys, target, options, files):
    mapgen.generate('box', 3).save(tmp_path / 'a.safetensors')
    arguments = [str(tmp_path / 'a.safetensors'), str(tmp_path / 'out'), *options, '--format', target, '--count', '2']
    assert main(['export', *arguments]) == 0
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == files
    assert f'2 maps are in {tmp_path / "out"}, from ' in capsys.readouterr().out


def test_export_writes_geojson(tmp_path, capsys):
    mapgen.generate('box', 1).save(tmp_path / 'a.safetensors')
    assert main(['export', str(tmp_path / 'a.safetensors'), str(tmp_path / 'a.json'), '--format', 'geojson']) == 0
    assert len(MapSet.from_geojson(tmp_path / 'a.json')) == 1
    assert main(['export', str(tmp_path / 'a.safetensors'), str(tmp_path / 'a'), 'scale=1', '--format', 'png']) == 2
    assert 'to_png does not take these options: scale. It takes resolution.' in capsys.readouterr().err
    assert main(['export', *map(str, (tmp_path / 'a.safetensors', tmp_path / 'out')), '--count', '-1']) == 2
    assert '--count must be at least 1 map, got -1' in capsys.readouterr().err


def test_export_never_writes_over_what_it_reads_nor_over_others_unless_told_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mapgen.generate('box', 1).save('a')
    Path('there').write_text('mine')
    for out in ('there', 'a'):
        assert main(['export', 'a', out, '--format', 'geojson']) == 2
        assert f'{out} is there already: say --overwrite' in capsys.readouterr().err
    assert Path('there').read_text() == 'mine'
    assert main(['export', 'a', './a', '--format', 'geojson', '--overwrite']) == 2
    assert 'maps and out must be two files, got a and a.' in capsys.readouterr().err
    assert len(MapSet.load('a')) == 1
    assert main(['export', 'a', 'there', '--format', 'geojson', '--overwrite']) == 0
    assert len(MapSet.from_geojson('there')) == 1


def test_split_deals_maps_out(tmp_path, capsys):
    maps = mapgen.generate('house', 10)
    maps.save(tmp_path / 'a.safetensors')
    paths = [tmp_path / 'b.safetensors', tmp_path / 'c.safetensors']
    assert main(['split', str(tmp_path / 'a.safetensors'), *map(str, paths), '--share', '.7', '--seed', '3']) == 0
    parts = [MapSet.load(path) for path in paths]
    expected = maps.split(0.7, seed=3)
    assert [part.digest('walls') for part in parts] == [part.digest('walls') for part in expected]
    assert '7 house maps' in capsys.readouterr().out


@pytest.mark.parametrize('names', [('a', 'b', 'b'), ('a', 'a', 'b'), ('a', 'b', './a')])
def test_split_never_writes_over_what_it_reads_or_has_written(tmp_path, monkeypatch, capsys, names):
    monkeypatch.chdir(tmp_path)
    mapgen.generate('box', 4).save(tmp_path / 'a')
    assert main(['split', *names]) == 2
    assert f'maps, first and second must be three files, got a, {Path(names[1])} and ' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['a'] and len(MapSet.load(tmp_path / 'a')) == 4


@pytest.mark.parametrize('command', ['import plan.svg there', 'split a there b', 'split a b there'])
def test_no_file_is_written_over_unless_told_to(plan, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'plan.svg').write_bytes(plan.read_bytes())
    mapgen.generate('maze', 4).save(tmp_path / 'a')
    (tmp_path / 'there').write_text('mine')
    assert main(command.split()) == 2
    assert 'there is there already: say --overwrite to have another in its place.' in capsys.readouterr().err
    assert (tmp_path / 'there').read_text() == 'mine' and not (tmp_path / 'b').exists()
    assert main([*command.split(), '--overwrite']) == 0
    assert len(MapSet.load(tmp_path / 'there'))


def test_export_says_that_its_folder_is_a_file(tmp_path, capsys):
    mapgen.generate('box', 1).save(tmp_path / 'a.safetensors')
    assert main(['export', str(tmp_path / 'a.safetensors'), str(tmp_path / 'a.safetensors')]) == 2
    assert f'out must be a folder, got the file {tmp_path / "a.safetensors"}' in capsys.readouterr().err


def test_an_extra_that_is_not_installed_is_named_in_a_line(tmp_path, monkeypatch, capsys):
    mapgen.generate('box', 1).save(tmp_path / 'a.safetensors')
    monkeypatch.setitem(sys.modules, 'ezdxf', None)
    arguments = [str(tmp_path / 'a.safetensors'), str(tmp_path / 'out'), '--format', 'dxf']
    assert main(['export', *arguments]) == 2
    error = capsys.readouterr().err
    assert error == "megastep: DXF files are written by ezdxf: pip install 'megastep[dxf]'.\n"
