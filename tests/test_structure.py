"""The package's files import one another without a circle."""

from graphlib import CycleError, TopologicalSorter

import grimp

#: A step of loading is a trial in a child process, which takes the steps in its turn.
_LATE_IMPORTS = {("bachview.models.first_load", "bachview.models.loading")}


def test_no_files_import_one_another_in_a_circle() -> None:
    """Imports in functions and for type checkers count: a reader has to follow them as well."""
    graph = grimp.build_graph("bachview", cache_dir=None)
    assert len(graph.modules) > 100
    imports = {
        module: {
            imported
            for imported in graph.find_modules_directly_imported_by(module)
            if (module, imported) not in _LATE_IMPORTS
        }
        for module in graph.modules
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None
