"""Model card: what a saved agent says of itself to people, in the Hugging Face hub's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CARD = """---
library_name: megastep
tags:
- reinforcement-learning
- megastep
---

# {env}

An agent trained by proximal policy optimisation (PPO) with a recurrent policy, for {frames:,} steps in {count:,} maps.

```python
import megastep

agent = megastep.load('.')
actions = agent(observations, begins)
```

## Task

{task}

## Scores

{scores}

{tests}## Settings

{settings}
"""

TESTS = """## Tests

{scores}

Means over maps, each with a 95 % confidence interval, of fixed episodes in maps that it wasn't trained in. Trained and
tested at commit {commit} by

    {command}

"""


def of(config: Mapping[str, Any]) -> str:
    """The card of an agent, given its configuration as `Agent.save_pretrained` writes it."""
    task = {'env': config['env'], **config['options'], 'opponents': config['opponents']}
    spaces = {f'{name} space': space['type'] for name, space in config['spaces'].items() if space is not None}
    results = [
        (name, *(f'{scores[name]:.4g}' if name in scores else '' for scores in config['results'].values()))
        for name in sorted({name for scores in config['results'].values() for name in scores})
    ]
    return CARD.format(
        env=config['env'],
        frames=config['frames'],
        count=config['maps']['count'],
        task=_table(('what', 'value'), [*task.items(), *spaces.items(), ('maps, SHA-256', config['maps']['sha256'])]),
        scores=_table(('score', *config['results']), results) if results else 'None are known.',
        tests=_tests(config) if 'tests' in config else '',
        settings=_table(('setting', 'value'), list(config['settings'].items())),
    )


def _tests(config: Mapping[str, Any]) -> str:
    sets = config['tests']
    rows = [
        (score, *('{:.3f} ({:.3f} to {:.3f})'.format(*scores[score]) for scores in sets.values()))
        for score in next(iter(sets.values()))
    ]
    return TESTS.format(scores=_table(('score', *sets), rows), commit=config['commit'], command=config['command'])


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, ('---',) * len(head), *rows]
    return '\n'.join(f'| {" | ".join(str(cell).replace("|", chr(92) + "|") for cell in line)} |' for line in lines)
