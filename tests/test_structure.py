"""The package's files import one another without a circle."""

from graphlib import CycleError, TopologicalSorter

import grimp


def test_no_files_import_one_another_in_a_circle() -> None:
    """Imports in functions and for type checkers count: a reader has to follow them as well."""
    graph = grimp.build_graph("bachview", cache_dir=None)
    assert len(graph.modules) > 100
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None
