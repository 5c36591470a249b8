"""Drawings of discs that sweep up to walls and slide along them."""

from __future__ import annotations

import numpy as np

from drawings.svg import Picture, arc


def sweep() -> Picture:
    """Small steps that jump through a wall, and a sweep that finds the time of impact."""
    picture, radius = Picture((-0.5, -0.75), (9.6, 1.2), 70), 0.3
    for left in (0, 5):
        picture.line([(left + 2.5, -0.55), (left + 2.5, 0.75)], 'ink thick')
    for step in range(3):
        picture.circle((step * 1.75, 0), radius, 'soft' if step < 2 else 'wrong')
        if step < 2:
            picture.arrow((step * 1.75 + 0.35, 0), (step * 1.75 + 1.4, 0), 'faint')
    picture.words((1.75, 0.95), 'look where it is after each step', 'title')
    picture.words((3.5, -0.6), 'through')
    impact = 5 + 2.5 - radius
    hull = [*arc((5, 0), radius, 90, 270), *arc((impact, 0), radius, -90, 90)]
    picture.line(hull, 'glow', closed=True)
    picture.circle((5, 0), radius, 'soft')
    picture.circle((impact, 0), radius, 'accent')
    picture.arrow((5.35, 0), (impact - 0.05, 0), 'ink')
    picture.circle((5 + 2.5, 0), 0.05, 'accent full')
    picture.words((7, 0.95), 'sweep the disc: the first contact, exactly', 'title')
    picture.words((impact, -0.6), 'time of impact')
    return picture


def slide() -> Picture:
    """A move that meets a slanted wall: what leads into it is lost, what leads along it is kept."""
    picture, radius = Picture((-0.6, -0.75), (5.2, 2.7), 90), 0.3
    along = np.array([0.94, 0.342])
    across = np.array([-along[1], along[0]])
    base = np.array([2.2, 1.45])
    picture.line([base - 2.4 * along, base + 2.9 * along], 'ink thick')
    start = np.array([0, 0.05])
    direction = np.array([0.8, 0.6])
    share = (across @ (base - start) - radius) / (across @ direction)
    contact = start + share * direction
    end = contact + 1.6 * (along @ direction) * along
    picture.line([contact, contact + 1.6 * direction], 'faint dashed')
    picture.line([contact + 1.6 * direction, end], 'faint dashed')
    for middle, style in ((start, 'soft'), (contact, 'accent'), (end, 'second')):
        picture.circle(middle, radius, style)
    picture.arrow(start, contact, 'ink')
    picture.arrow(contact, end, 'second')
    picture.words(start - [0, 0.55], 'before')
    picture.words(contact - [-0.15, 0.55], 'first contact')
    picture.words(end - [-0.2, 0.55], 'after the step')
    picture.words(contact + 1.6 * direction + [-0.1, 0.3], 'where it would be', 'note', 'end')
    return picture
