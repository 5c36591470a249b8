"""Files that something went wrong with."""

from hypothesis import strategies as st

SPLICES = [b'', b'\0', b'\xff\xff\xff\x7f', b'-1', b'1e308', b'nan', b'9' * 40, b'{', b'[', b'"', b'\n', b'&a *a ']


def damaged(content):
    """Random bytes, the content's beginning, and the content with up to three stretches replaced."""
    places = st.integers(0, max(len(content) - 1, 0))
    splice = st.one_of(st.sampled_from(SPLICES), st.binary(max_size=8))
    edits = st.lists(st.tuples(places, st.integers(0, 8), splice), min_size=1, max_size=3)
    return st.one_of(
        st.binary(max_size=300), places.map(lambda i: content[:i]), edits.map(lambda e: _edited(content, e))
    )


def _edited(content, edits):
    for place, length, splice in edits:
        content = content[:place] + splice + content[place + length :]
    return content


def refused_or_read(read, path):
    """Only a ValueError that names the file, or an OSError, may come of reading a file."""
    try:
        maps = read(path)
    except ValueError as error:
        assert str(path) in str(error)
    except OSError:
        pass
    else:
        assert len(maps) >= 1
