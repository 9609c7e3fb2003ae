"Train, score and ship models that recognise and anticipate actions in video."
import ast, warnings
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pkgutil import get_data

__version__ = version('epic_actions')
# names of version 0.1
_renamed = dict(whole_file='atomic_write', published_students='student_recipes', median_span='median_window')


@cache
def _modules():
    "In which module each public name is defined, as `epic_actions.all` imports it."
    tree = ast.parse(get_data(__name__, 'all.py'))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name: f'{__name__}.{node.module}' for node in imports for alias in node.names}


def __dir__(): return sorted({*globals(), *_modules()})


def __getattr__(name):
    "Import the module that defines `name`; `import epic_actions` itself imports none."
    if name in _renamed:
        warnings.warn(f'{name} is now called {_renamed[name]}', DeprecationWarning, stacklevel=2)
        name = _renamed[name]
    if name in _modules(): return getattr(import_module(_modules()[name]), name)
    if not name.startswith('_') and find_spec(f'{__name__}.{name}'): return import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
