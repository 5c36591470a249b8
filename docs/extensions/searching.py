"""The search index's English, which keeps the stems of words: pages share most of theirs."""

from __future__ import annotations

from functools import cache

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish


class English(SearchEnglish):
    """Search language: as Sphinx has it, but each word's stem is found once a build and not once a page."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self.stem = cache(super().stem)  # type: ignore[method-assign]


def setup(app: Sphinx) -> dict[str, bool]:
    """Puts it in the place of Sphinx's."""
    app.add_search_language(English)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
