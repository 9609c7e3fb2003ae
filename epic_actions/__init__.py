"Train, score and ship models that recognise and anticipate actions in video."
from functools import cache
from importlib import import_module
from importlib.util import find_spec

# names of version 0.1
_renamed = dict(whole_file='atomic_write', published_students='student_recipes', median_span='median_window')


@cache
def _modules():
    "In which module each public name is defined, as `epic_actions.all` imports it."
    import ast
    from pkgutil import get_data # imported here, as the program catches signals soon after `import epic_actions`
    tree = ast.parse(get_data(__name__, 'all.py'))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name: f'{__name__}.{node.module}' for node in imports for alias in node.names}


def __dir__(): return sorted({*globals(), '__version__', *_modules()})


def __getattr__(name):
    "Import the module that defines `name`; `import epic_actions` itself imports none."
    if name == '__version__':
        from importlib.metadata import version
        return version('epic_actions')
    if name in _renamed:
        import warnings
        warnings.warn(f'{name} is now called {_renamed[name]}', DeprecationWarning, stacklevel=2)
        name = _renamed[name]
    if name in _modules(): return getattr(import_module(_modules()[name]), name)
    if not name.startswith('_') and find_spec(f'{__name__}.{name}'): return import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
