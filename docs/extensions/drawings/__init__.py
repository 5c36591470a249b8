"""Pictures that are drawn when the site is built, in the page's own colours, so that they suit light and dark.

``{drawing} NAME`` shows one, with its caption as content and what it shows as ``:alt:``.
"""

from __future__ import annotations

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from drawings import physics, seeing, steps

DRAWINGS = {
    'rays': seeing.rays,
    'inverse-depth': seeing.inverse_depth,
    'visible-walls': seeing.visible_walls,
    'intervals': seeing.intervals,
    'sweep': physics.sweep,
    'slide': physics.slide,
    'house': steps.house,
    'words': steps.words,
}
"""The drawings by name: each makes an SVG picture."""


class Drawing(SphinxDirective):
    """A figure with a drawing of its own."""

    required_arguments = 1
    has_content = True
    option_spec = {'alt': directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Draws it."""
        picture = DRAWINGS[self.arguments[0]]().svg(self.options['alt'])
        caption = ' '.join(self.content)
        html = f'<figure class="drawing">{picture}<figcaption>{caption}</figcaption></figure>'
        return [nodes.raw('', html, format='html')]


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the directive."""
    app.add_directive('drawing', Drawing)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
