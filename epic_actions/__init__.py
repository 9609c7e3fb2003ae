"Train, score and ship models that recognise and anticipate actions in video."
from importlib import import_module
from importlib.metadata import version

__version__ = version('epic_actions')

_light = ('data.files', 'data.sampling', 'data.spec', 'data.frames', 'data.flow', 'data.reading', 'deploy.stream', 'deploy.overlay')


def __getattr__(name):
    "Look `name` up in the rooms that need numpy, av, Pillow and onnxruntime alone, then in `epic_actions.all`; `import epic_actions` itself loads none."
    if name.startswith('_'): raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    try: return import_module(f'{__name__}.{name}')
    except ModuleNotFoundError as e:
        if e.name != f'{__name__}.{name}': raise
    for room in (import_module(f'{__name__}.{r}') for r in _light):
        if name in room.__all__: return getattr(room, name)
    return getattr(import_module(f'{__name__}.all'), name)
