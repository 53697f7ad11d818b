"""The faults: mutmut's operators, applied to one place of one file at a time."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

#: Mutants of these calls change nothing that a test could see, or fail at once.
_LEFT_ALONE = ("len", "isinstance", "cast")


@dataclass(frozen=True)
class Mutant:
    """A file with one fault."""

    path: Path  #: relative to the root of the repository
    lines: range  #: lines (1-based) of the place that was changed
    source: "Source"
    place: cst.CSTNode
    fault: cst.CSTNode

    @property
    def room(self) -> str:
        return self.path.parts[1]

    @property
    def module(self) -> str:
        return ".".join(self.path.with_suffix("").parts)

    @cached_property
    def code(self) -> str:
        return cst.ensure_type(
            self.source.tree.deep_replace(self.place, self.fault), cst.Module
        ).code

    def diff(self) -> str:
        before, after = self.source.tree.code.splitlines(), self.code.splitlines()
        changed = difflib.unified_diff(before, after, lineterm="", n=0)
        body = [line for line in changed if not line.startswith(("---", "+++"))]
        return "\n".join([str(self.path), *body])


@dataclass(frozen=True)
class Source:
    """A parsed file, shared by its mutants."""

    path: Path
    tree: cst.Module


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of the bodies of the functions in a file."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text("utf-8")))
    finder = _Finder(Source(path, wrapper.module))
    wrapper.visit(finder)
    return finder.found


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._source = source
        self._depth = 0  # of functions around the node
        self._raising = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if self._is_left_alone(node):
            return False
        if self._depth:
            position = self.get_metadata(PositionProvider, node, None)
            if position is not None:
                lines = range(position.start.line, position.end.line + 1)
                for fault in self._faults(node):
                    self.found.append(Mutant(self._source.path, lines, self._source, node, fault))
        self._depth += isinstance(node, cst.FunctionDef)
        self._raising += isinstance(node, cst.Raise)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._is_left_alone(original_node):
            return
        self._depth -= isinstance(original_node, cst.FunctionDef)
        self._raising -= isinstance(original_node, cst.Raise)

    def _faults(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        for kind, operator in mutation_operators:
            # A test of each letter of a sentence would be a copy of the sentence.
            is_prose = operator is operator_string and (self._raising or _is_sentence(node))
            if isinstance(node, kind) and not is_prose:
                yield from operator(node)

    @staticmethod
    def _is_left_alone(node: cst.CSTNode) -> bool:
        match node:
            case cst.Annotation() | cst.Decorator():
                return True
            case cst.Call(func=cst.Name(value=name)):
                return name in _LEFT_ALONE
            case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
                return True  # a docstring
        return False


def _is_sentence(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleString) and " " in node.value.strip("\"' ")
