"Train, score and ship models that recognise and anticipate actions in video."
from importlib import import_module
from importlib.metadata import version

__version__ = version('epic_actions')


def __getattr__(name):
    "Look `name` up in `epic_actions.all`, so that `import epic_actions` alone loads neither torch nor fastai."
    if name.startswith('_'): raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    try: return import_module(f'{__name__}.{name}')
    except ModuleNotFoundError as e:
        if e.name != f'{__name__}.{name}': raise
    return getattr(import_module(f'{__name__}.all'), name)
