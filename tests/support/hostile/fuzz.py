"""Mutations of whole files, the same each time: bytes flipped, stretches cut, repeated or exchanged."""

import random

FEARED = [
    b'', b'\0', b'\xff\xff\xff\xff', b'\xff\xff\xff\x7f', b'-1', b'1e308', b'1e-308', b'nan', b'inf', b'true', b'null',
    b'0_05', b'9' * 40, b'{', b'[' * 3000, b']', b'"', b'\n', b'&a *a', b'\xef\xbc\x91', b'<!DOCTYPE x>', b'/*', b'../',
]  # fmt: skip


def mutations(content, count, seed):
    """So many files that were once this one."""
    draw = random.Random(seed)
    return [_mutated(content, draw) for _ in range(count)]


def _mutated(content, draw):
    for _ in range(draw.choice([1, 1, 2, 4])):
        content = draw.choice([_flipped, _cut, _repeated, _spliced, _exchanged])(content, draw)
    return content


def _stretch(content, draw, most=64):
    start = draw.randrange(len(content) + 1)
    return start, min(len(content), start + draw.randrange(most))


def _flipped(content, draw):
    if not content:
        return content
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]


def _cut(content, draw):
    start, stop = _stretch(content, draw, 4 + len(content) // draw.choice([1, 8, 64]))
    return content[:start] + content[stop:]


def _repeated(content, draw):
    start, stop = _stretch(content, draw)
    return content[:stop] + content[start:stop] * draw.choice([1, 1, 30]) + content[stop:]


def _spliced(content, draw):
    start, stop = _stretch(content, draw, 8)
    return content[:start] + draw.choice(FEARED) + content[stop:]


def _exchanged(content, draw):
    (a, b), (c, d) = sorted(_stretch(content, draw) for _ in range(2))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:] if b <= c else content
