"How nbdev documents the notebooks on the site: with names of the exported module, instead of cells out of their context."
from importlib import import_module
from nbdev.processors import exec_show_docs


class show_docs(exec_show_docs):
    "Run `show_doc` for each name, and cells with `exec_doc`; nbdev would also run each cell that has an import."
    def __init__(self, nb):
        super().__init__(nb)
        found = [c.directives_['default_exp'] for c in nb.cells if 'default_exp' in c.directives_]
        self.module = f'epic_actions.{found[0]}' if found else None

    def begin(self):
        super().begin()
        if self.module: self.k.user_ns.update(vars(import_module(self.module)))

    def __call__(self, cell):
        if 'exec_doc' in cell.directives_ or cell.source.rpartition('\n')[2].startswith('show_doc('): super().__call__(cell)
