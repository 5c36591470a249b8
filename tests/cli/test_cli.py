"""The `megastep` command: what it makes, what it prints, and how it takes bad input."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from megastep import MapSet, mapgen
from megastep.cli import demo, doctor, main
from megastep.cli.generate import describe, parse_parameter
from megastep.mapgen.shards import Shards
from megastep.mapgen.variations.options import OPTIONS
from megastep.plotting import video
from megastep.world.device import device_name


@pytest.fixture
def boxes(tmp_path):
    path = tmp_path / 'boxes.safetensors'
    mapgen.generate('box', 3).save(path)
    return path


def run(*arguments, **environment):
    command = [sys.executable, '-m', 'megastep', *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def test_module_is_the_command():
    done = run('--help')
    assert done.returncode == 0
    assert 'usage: megastep' in done.stdout
    assert all(name in done.stdout for name in ('demo', 'generate', 'show', 'families', 'doctor'))


def test_generate_writes_what_mapgen_makes(tmp_path, capsys):
    out = tmp_path / 'out.safetensors'
    assert main(['generate', 'house', '2', str(out), 'rooms=8,9', 'shafts=0', '--seed', '3']) == 0
    maps = MapSet.load(out)
    expected = mapgen.generate('house', 2, seed=3, rooms=(8, 9), shafts=0)
    assert (maps.walls.vals == expected.walls.vals).all()
    assert maps.recipe == expected.recipe
    assert '2 house maps (median ' in capsys.readouterr().out


def test_generate_writes_mixtures(tmp_path, capsys):
    out = tmp_path / 'out.safetensors'
    assert main(['generate', 'house=.25,box=.75', '4', str(out), 'house.rooms=4,5', 'box.width=3', '--geodesics']) == 0
    given = {'house': {'rooms': (4, 5)}, 'box': {'width': 3}}
    mixture = {'house': 0.25, 'box': 0.75}
    expected = mapgen.generate(mixture=mixture, count=4, parameters=given, geodesics=True)
    maps = MapSet.load(out)
    assert maps.families.tolist() == expected.families.tolist()
    assert (maps.geodesics.vals == expected.geodesics.vals).all()
    assert maps.recipe == expected.recipe
    assert '4 box and house maps (median ' in capsys.readouterr().out


def test_generate_goes_on_only_when_told_to(tmp_path, capsys):
    out = tmp_path / 'x'
    unfinished = Shards(out, mapgen.generate('box', 1).recipe)
    unfinished.save(mapgen.generate('box', 16), 0, 16)
    assert main(['generate', 'box', '20', str(out)]) == 2
    assert 'x.shards holds maps of a run that did not end: resume it, or remove' in capsys.readouterr().err
    assert main(['generate', 'box', '20', str(out), '--resume']) == 0
    assert len(MapSet.load(out)) == 20


@pytest.mark.parametrize('suffix, opening', [('.png', b'\x89PNG'), ('.svg', b'<?xml')])
def test_show_draws(boxes, tmp_path, capsys, suffix, opening):
    out = tmp_path / f'maps{suffix}'
    assert main(['show', str(boxes), '--out', str(out), '--count', '2']) == 0
    assert out.read_bytes().startswith(opening)
    assert f'3 box maps (median 1 room, 4 walls and 25 m²): 2 of them are drawn in {out}.' in capsys.readouterr().out


def test_families_lists_every_parameter(capsys):
    assert main(['families']) == 0
    text = capsys.readouterr().out
    families, options = text.split('Options that every family takes too:')
    for family in mapgen.FAMILIES.values():
        assert f'{family.name}: ' in families
        assert all(name in text for name in family.parameters)
    assert all(name in options for name in OPTIONS)
    choices = [p for f in mapgen.FAMILIES.values() for p in f.parameters.values() if isinstance(p, mapgen.Choice)]
    assert all(option in text for choice in choices for option in choice.options)


def test_families_cuts_nothing_off_where_the_terminal_is_narrow(monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '40')
    assert main(['families']) == 0
    text = capsys.readouterr().out
    assert '…' not in text and max(map(len, text.splitlines())) <= 40
    assert all(f'\n {name} ' in text for family in mapgen.FAMILIES.values() for name in family.parameters)


def test_options_of_all_families_are_listed_once(capsys):
    assert main(['families']) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith(' ') and line.split()]
    assert {name: rows.count(name) for name in OPTIONS} == {
        name: 1 + sum(name in f.parameters and f.parameters[name] is not taken for f in mapgen.FAMILIES.values())
        for name, taken in OPTIONS.items()
    }


@pytest.mark.parametrize(
    'text, expected',
    [
        ('loops=1', ('loops', 1)),
        ('shafts=.5', ('shafts', 0.5)),
        ('rooms=8,12', ('rooms', (8, 12))),
        ('wall=0.1, 0.2', ('wall', (0.1, 0.2))),
        ('x=-1', ('x', -1)),
        ('growth=wilson', ('growth', 'wilson')),
        ('house.rooms=8,12', ('house.rooms', (8, 12))),
    ],
)
def test_parameters_are_numbers_pairs_or_words(text, expected):
    assert parse_parameter(text) == expected


@pytest.mark.parametrize(
    'text',
    [
        'rooms',
        'rooms=',
        '=3',
        'rooms=8,many',
        'rooms=True',
        '.rooms=8',
        'rooms=so-so',
        'rooms=[8]',
        "rooms='8'",
        'a b=1',
        'rooms=exit()',
    ],
)
def test_other_parameters_are_refused(text):
    with pytest.raises(ValueError, match=r'parameters must look like shafts=0\.5, rooms=8,12 or growth=wilson, got '):
        parse_parameter(text)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['generate', 'palace', '1', 'x'], "unknown family 'palace'; the families are"),
        (['generate', 'house', '0', 'x'], 'count must be a whole number of at least 1, got 0.'),
        (['generate', 'house', '1', 'x', 'room=3'], "house has no parameter 'room'; it has "),
        (['generate', 'house', '1', 'x', 'rooms=3'], 'house: rooms must be from 4 to 32, got 3.'),
        (
            ['generate', 'house', '1', 'x', 'rooms'],
            "parameters must look like shafts=0.5, rooms=8,12 or growth=wilson, got 'rooms'.",
        ),
        (
            ['generate', 'house', '1', 'x', 'rooms=many'],
            "house: rooms must be a pair of numbers, or one that stands for both, got 'many'.",
        ),
        (['generate', 'box=1,palace=1', '1', 'x'], "unknown family 'palace'; the families are"),
        (['generate', 'box=0,house=1', '1', 'x'], 'mixture: the share of box must be a finite number above 0, got 0.'),
        (['generate', 'box=1,house', '1', 'x'], 'families must look like house or house=.5,maze=.5, each once, got '),
        (['generate', 'house', '1', 'x', 'rooms=5', 'rooms=6'], 'parameters must name each once, got rooms=5 rooms=6'),
        (['generate', 'box=1,box=2', '1', 'x'], 'families must look like house or house=.5,maze=.5, each once, got '),
        (
            ['generate', 'box', '1', 'x', 'house.rooms=4,5'],
            "parameters are given for 'house', but the families are box.",
        ),
        (['generate', 'house', '1', 'x', '--workers', '0'], 'workers must be a whole number of at least 1, got 0.'),
        (['generate', 'house', '1', 'no/x'], 'no is not a folder, so x cannot be written there.'),
        (['show', 'no.safetensors'], 'no.safetensors: No such file or directory.'),
        (['show', 'text'], 'text is not a map set'),
        (['show', 'text', '--out', 'maps.jpg'], 'out must end in .png or .svg, got maps.jpg.'),
        (['demo', '--out', 'text'], 'text: File exists.'),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'text').write_text('no maps here')
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f'megastep: {message}')
    assert output.err.count('\n') == 1
    assert output.out == ''


def test_no_file_is_left_where_generating_failed(tmp_path):
    assert main(['generate', 'house', '1', str(tmp_path / 'x'), 'rooms=1,1']) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('arguments', [[], ['dance'], ['generate', 'house'], ['generate', 'house', 'ten', 'x']])
def test_a_malformed_command_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(arguments)
    assert '--help' in capsys.readouterr().err


def test_an_interrupt_exits_with_130(monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, 'run', interrupt)
    assert main(['doctor']) == 130
    assert capsys.readouterr().err == 'megastep: interrupted.\n'


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(*args, **kwargs):
        raise mapgen.CertificateError('house version 1, seed 0, index 0 is not a valid map')

    monkeypatch.setattr(mapgen, 'generate', fail)
    with pytest.raises(mapgen.CertificateError):
        main(['generate', 'house', '1', 'x'])


@pytest.mark.parametrize('encoder, film', [('ffmpeg', 'explorer.mp4'), ('pillow', 'explorer.gif')])
def test_demo_leaves_maps_and_pictures(tmp_path, monkeypatch, capsys, encoder, film):
    if encoder == 'ffmpeg' and video.encoder() != 'ffmpeg':
        pytest.skip('needs ffmpeg, which the extra video brings')
    monkeypatch.setattr(video, 'encoder', lambda: encoder)
    out = tmp_path / 'deep' / 'out'
    demo.run(out, num_maps=2, num_envs=2, num_steps=3)
    assert {path.name for path in out.iterdir()} == {'houses.safetensors', 'maps.png', film, 'replay.html'}
    assert all(path.stat().st_size > 0 for path in out.iterdir())
    assert len(MapSet.load(out / 'houses.safetensors')) == 2
    text = ' '.join(capsys.readouterr().out.split())
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    assert f'steps a second: 2 Explorer envs on {device_name(device)}.' in text
    assert film in text
    assert ('there is no mp4 encoder here: pip install "megastep[video]"' in text) == (encoder == 'pillow')


def test_doctor_finds_this_machine_well():
    done = run('doctor', TRITON_INTERPRET='0')
    text = ' '.join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert '✗' not in text
    assert f'torch {metadata.version("torch")}' in text
    assert 'a wall 2.000 m off is seen at 2.000 m, and stops an agent that is sent into it' in text
    assert ('Triton kernels would run' if torch.cuda.is_available() else 'Numba kernels would run') in text
    assert sys.platform != 'linux' or 'compiles for sm_90' in text


def test_doctor_says_what_is_wrong_and_exits_with_1(monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'examine', lambda: [doctor.Finding('torch', 'wrong', '2.0 [old]', 'pip install [it]')])
    assert main(['doctor']) == 1
    text = capsys.readouterr().out
    assert '✗ torch 2.0 [old]' in ' '.join(text.split())
    assert 'Remedy: pip install [it]' in text
    assert '1 of 1 checks failed.' in text


def test_doctor_notices_missing_old_and_untried_libraries(monkeypatch):
    found = {'torch': '2.0', 'shapely': None, 'numba': '999'}
    monkeypatch.setattr(doctor, 'version', lambda name: found.get(name, '99'))
    findings = {finding.subject: finding for finding in doctor.check_libraries()}
    assert findings['torch'].detail == '2.0'
    assert findings['torch'].remedy == 'pip install "torch>=2.11"'
    assert findings['shapely'].detail == 'not installed'
    assert findings['numba'].remedy == 'pip install "numba<0.69,>=0.60"'
    assert {findings[name].verdict for name in found} == {'wrong'}
    assert 'scipy 99' in findings['libraries'].detail
    assert 'torch' not in findings['libraries'].detail


def test_a_checkout_that_is_not_installed_says_what_it_needs(monkeypatch):
    installed = [str(each) for each in doctor.requirements()]

    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, 'requires', requires)
    checkout = Path(__file__).parents[2]  # where what is tested was installed from, if it was
    monkeypatch.setattr(doctor.megastep, '__file__', str(checkout / 'megastep' / '__init__.py'))
    assert sorted(str(each) for each in doctor.requirements()) == sorted(installed)
    monkeypatch.setattr(doctor.megastep, '__file__', '/nowhere/megastep/__init__.py')
    with pytest.raises(metadata.PackageNotFoundError):  # neither installed nor a checkout
        doctor.requirements()


@pytest.mark.parametrize('seen, gap', [(2.1, 0.0), (2.0, 0.5), (2.0, -0.5), (float('inf'), 0.0)])
def test_doctor_notices_kernels_that_are_wrong(monkeypatch, seen, gap):
    monkeypatch.setattr(doctor, 'measure_wall', lambda device: (seen, gap))
    assert doctor.check_kernels().verdict == 'wrong'


def test_doctor_notes_that_there_is_no_encoder(monkeypatch):
    monkeypatch.setattr(video, 'encoder', lambda: 'pillow')
    finding = doctor.check_encoder()
    assert (finding.verdict, finding.remedy) == ('note', 'pip install "megastep[video]"')


def test_doctor_goes_on_after_a_check_that_raises():
    def check():
        raise RuntimeError('cannot cache function:\nno locator')

    finding = doctor.attempt('numba cache', check, 'Set NUMBA_CACHE_DIR.')
    assert finding == doctor.Finding(
        'numba cache', 'wrong', 'RuntimeError: cannot cache function: no locator', 'Set NUMBA_CACHE_DIR.'
    )


def test_describe_names_no_family_where_there_is_none():
    maps = MapSet([mapgen.generate('box', 1)[0]])
    assert describe(maps) == '1 map (median 1 room, 4 walls and 25 m²)'


def test_help_breaks_lines_where_the_terminal_ends(monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '80')
    with pytest.raises(SystemExit):
        main(['watch', '--help'])
    assert 'comes with megastep, such as explorer. (required)' in capsys.readouterr().out
