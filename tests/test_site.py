"""The site's own tools: links that lead out of the documents, tables of results, proofreading. CI builds the site."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip('sphinx', reason='needs the extra docs')

ROOT = Path(__file__).parents[1]
DOCS = ROOT / 'docs'


@pytest.fixture(scope='module')
def extensions():
    """The extensions' folder is where modules are looked for."""
    sys.path.insert(0, str(DOCS / 'extensions'))
    yield
    sys.path.remove(str(DOCS / 'extensions'))


@pytest.mark.parametrize(
    ('link', 'on_the_site'),
    [
        ('[what changed](../CHANGELOG.md)', '[what changed](/changelog.md)'),
        ('[figures](../benchmarks/README.md#of-record)', '[figures](/benchmarks.md#of-record)'),
        ('[`GeodesicField`](../megastep/env/navigation.py)', '{py:mod}`GeodesicField <megastep.env.navigation>`'),
        ('[first light](../notebooks/first-light.ipynb)', '[first light](/notebooks/first-light.ipynb)'),
        ('[maps](maps.md#families)', '[maps](maps.md#families)'),
        ('[elsewhere](https://example.org/a.md)', '[elsewhere](https://example.org/a.md)'),
    ],
)
def test_links_out_of_the_documents_lead_to_pages(extensions, link, on_the_site):
    import links

    assert links.LINK.sub(lambda found: links._inside(DOCS, DOCS, found), link) == on_the_site


def test_a_section_is_included_without_its_heading(extensions):
    import links

    text = '# A\n\n## One\n\nfirst\n\n### More\n\nmore\n\n## Two\n\nsecond\n'
    assert links._section(text, 'One') == 'first\n\n### More\n\nmore'
    with pytest.raises(ValueError, match=r"section must be a heading of the document, got 'Three'\."):
        links._section(text, 'Three')


def test_plurals_stars_and_absolute_values_of_docstrings_are_no_markup(extensions):
    import links

    lines = ['`Room`s of (*batch, 2), and |x|; ``code``s stay']
    links.tidy(None, 'class', 'name', None, None, lines)
    assert lines == ['`Room`\\ s of (\\*batch, 2), and \\|x\\|; ``code``s stay']


def test_a_name_that_another_library_cannot_import_means_nothing(extensions, monkeypatch):
    import links

    import megastep  # noqa: F401, whose names it looks up

    class Lazy(ModuleType):
        def __getattr__(self, name):
            raise ModuleNotFoundError(f'No module named {name!r}')

    monkeypatch.setitem(sys.modules, 'lazy', Lazy('lazy'))
    assert links._meant('lazy', 'Anything') is None
    assert links._meant('megastep', 'Geometry') == 'megastep.maps.geometry.Geometry'


def test_names_are_found_by_their_last_parts_if_there_is_only_one(extensions):
    import links

    entry = SimpleNamespace(aliased=False)
    objects = dict.fromkeys(('a.one.Thing', 'a.two.Thing', 'a.two.Other.of'), entry) | {
        'b.Other.of': SimpleNamespace(aliased=True)
    }
    names = links.FullNames()
    names.collect(None, SimpleNamespace(get_domain=lambda name: SimpleNamespace(objects=objects)))
    assert names._names['Thing'] == ['a.one.Thing', 'a.two.Thing'] and names._names['one.Thing'] == ['a.one.Thing']
    assert names._names['Other.of'] == names._names['of'] == ['a.two.Other.of'] and 'a.one.Thing' not in names._names


def test_the_search_index_has_sphinxs_stems(extensions):
    import searching

    english = searching.English({})
    assert [english.stem(word) for word in ('Walls', 'rendering', 'Walls')] == ['wall', 'render', 'wall']
    assert english.stem.cache_info().hits == 1


def test_tables_have_each_devices_newest_report(extensions, tmp_path, monkeypatch):
    import tables

    from benchmarks import front_page

    for day, speed in ((1, 5e6), (2, 7e6)):
        rows = f'[{{"steps/s": {speed}}}, {{"steps/s": 2e3}}, {{"other": 1}}]'
        report = f'{{"subject": "step", "device": "A", "date": "2026-01-0{day}", "rows": {rows}}}'
        (tmp_path / f'{day}.json').write_text(report)
    monkeypatch.setattr(tables, 'newest', lambda subject: front_page.newest(subject, tmp_path))
    assert tables.newest('step')['A']['rows'][0] == {'steps/s': 7e6}
    for asked, said in (('step, steps/s', '7 M'), ('step, steps/s, A, least', '2 k')):
        (text,), _ = tables.measured('', '', asked, 0, None)
        assert text == said
    assert tables.newest('nothing') == {}


def test_help_is_what_the_command_prints(extensions):
    import tables

    assert 'usage: megastep families' in tables.help_of('families')


def test_proofreading_finds_lost_links_and_pictures_without_words(extensions, tmp_path):
    import proofreading

    (tmp_path / 'there.png').touch()
    page, other = tmp_path / 'a.html', tmp_path / 'b.html'
    text = '<a href="b.html#here">x</a><a href="b.html#gone">x</a><a href="c.html">x</a><a href="https://e.org">x</a>'
    text += '<img src="there.png" alt="a house"><img alt="" src="data:image/svg+xml;base64,PHN2">'
    pages = {page: text + '<img alt="_images/1.png" src="there.png"><img alt="" src="there.png">'}
    pages[other] = '<p id="here">'
    page.touch(), other.touch()
    assert {what for _, what in proofreading.lost_links(pages)} == {'b.html#gone', 'c.html#'}
    mute = ['<img alt="_images/1.png" src="there.png">', '<img alt="" src="there.png">']
    assert [what for _, what in proofreading.mute(pages)] == mute


def test_slow_pages_are_shared_out_over_the_chunks_that_processes_read(extensions, tmp_path):
    import processes

    slow, quick = [f'slow{number}' for number in range(6)], [f'quick{number:02}' for number in range(54)]
    for name in slow + quick:
        (tmp_path / name).write_text('---\nfile_format: mystnb\n---\n' if name in slow else 'words')
    app, env = SimpleNamespace(parallel=2), SimpleNamespace(doc2path=tmp_path.joinpath)
    names = sorted(slow + quick)
    processes.share(app, env, names)
    assert sorted(names) == sorted(slow + quick)
    counts = [len(set(chunk) & set(slow)) for chunk in processes.make_chunks(names, 2)]
    assert len(counts) == 4 and max(counts) == 2
    for chunk in processes.make_chunks(names, 2):
        assert chunk == sorted(chunk, key=lambda name: name in slow)  # those that are executed come last


def test_a_notebook_becomes_a_page_with_its_outputs(extensions, tmp_path):
    import notebook_pages

    words = {
        'cell_type': 'markdown',
        'source': ['# Look\n', '\n', '[maps](../docs/maps.md) ![a plan](attachment:a.png)'],
    }
    words['attachments'] = {'a.png': {'image/png': 'cG5n'}}
    shown = [{'data': {'text/html': ['<img src="b.gif">']}}]
    code = {'cell_type': 'code', 'source': ['1\n', 'film'], 'outputs': shown}
    (tmp_path / 'look.ipynb').write_text(json.dumps({'cells': [words, code]}))
    files = notebook_pages.page(tmp_path / 'look.ipynb')
    assert files.pop('look-a.png') == b'png'
    text, cell = json.loads(files.pop('look.ipynb'))['cells']
    assert text['source'].startswith(
        '# Look\n\n*This is the notebook* {download}`look.ipynb <../../notebooks/look.ipynb>`'
    )
    assert text['source'].endswith('[maps](../maps.md) ![a plan](look-a.png)') and 'attachments' not in text
    (shown,) = cell['outputs']
    assert shown['data'] == {'text/html': '<img alt="What is shown by: film" src="b.gif">'} and not files


def test_processes_that_need_a_kernel_at_once_compile_it_once(tmp_path):
    """As pages do whose kernels come from one server: one process compiles, and the other loads what it kept."""
    (tmp_path / 'doubled.py').write_text(
        'from numba import njit\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n'
    )
    code = f"""
import os, sys
from pathlib import Path
sys.path[:0] = [{str(DOCS / 'extensions')!r}, {str(tmp_path)!r}]
import kernels
from doubled import double
kernels.compile_alone(Path({str(tmp_path)!r}))
reads, writes = os.pipe()
for number in range(3):
    if os.fork() == 0:
        assert double(21) == 42
        os.write(writes, b'c' if double.stats.cache_misses else b'l')
        os._exit(0)
for number in range(3):
    assert os.wait()[1] == 0
print(''.join(sorted(os.read(reads, 3).decode())))
"""
    said = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=300)
    assert said.stdout.strip() == 'cll', said.stderr
