"""Docstrings begin with what a thing is, in the field's words, so that who searches for the word finds it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUESTIONS = {'How', 'What', 'When', 'Where', 'Whether', 'Which', 'Who', 'Whose', 'Why'}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def questions(source):
    """The names of what has a docstring that begins with a question word."""
    for node in filter(lambda node: isinstance(node, DOCUMENTED), ast.walk(ast.parse(source))):
        words = (ast.get_docstring(node) or '').split()
        if words and words[0].strip(',.:') in QUESTIONS:
            yield getattr(node, 'name', 'the module')


@pytest.mark.parametrize('folder', ['megastep', 'envs', 'benchmarks'])
def test_docstrings_begin_with_what_a_thing_is(folder):
    found = {str(path): list(questions(path.read_text())) for path in (ROOT / folder).rglob('*.py')}
    assert found
    assert {path: names for path, names in found.items() if names} == {}


def test_a_question_is_found():
    source = '"""Which way."""\ndef f():\n    """The way."""\n    def g():\n        """How far: so far."""\n'
    assert list(questions(source)) == ['the module', 'g']
