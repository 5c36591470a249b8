"""Pretrained agents: policies that come with megastep, each in a folder of its own, with a card."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).parent


def names() -> list[str]:
    """The names of the pretrained agents: what `megastep.load` takes in the place of a folder."""
    return sorted(card.parent.name for card in HOME.glob('*/config.json'))


def folder(name: str) -> Path | None:
    """The folder of a pretrained agent; None if there is none of that name."""
    return HOME / name if name in names() else None
