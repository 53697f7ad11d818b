"""Puts the annotations of a file beside those that the slide has: nothing is there twice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bachview.marks.annotation import Annotation
from bachview.marks.formats.found import Found
from bachview.marks.formats.shapes import content_text
from bachview.marks.working_set import Change, Edit


@dataclass(frozen=True, slots=True)
class Merge:
    """What an import does.

    Attributes
    ----------
    edit : the one step, maybe of no changes.
    added, replaced, unchanged, locked : how many annotations of the file are new, take the place of
        one with the same id, are on the slide already, or were left out as that one is locked.
    sentences : all that is to be said of it, the counts first.
    """

    edit: Edit
    added: int
    replaced: int
    unchanged: int
    locked: int
    sentences: tuple[str, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Of the annotations that it adds or replaces."""
        return frozenset(change.id for change in self.edit.changes)


def merge(found: Found, present: Mapping[str, Annotation]) -> Merge:
    """The import of a file's annotations into those of a slide. Any thread.

    One with the id of one that is there takes its place, unless that is locked.

    Parameters
    ----------
    present : id to annotation.
    """
    changes: list[Change] = []
    unchanged = locked = 0
    for annotation in found.annotations:
        before = present.get(annotation.id)
        if before is None:
            changes.append(Change(None, annotation))
        elif _same(before, annotation):
            unchanged += 1
        elif before.is_locked:
            locked += 1
        else:
            changes.append(Change(before, replace(annotation, created=before.created)))
    replaced = sum(change.before is not None for change in changes)
    added = len(changes) - replaced
    told = [
        _counted(added, "was added", "were added"),
        _counted(replaced, "was replaced by the file's", "were replaced by the file's"),
        _counted(unchanged, "is on the slide already", "are on the slide already"),
        _counted(
            locked,
            "differs from that on the slide, which is locked and was kept",
            "differ from those on the slide, which are locked and were kept",
        ),
    ]
    if not found.annotations:
        told.append("The file has no annotations that can be shown.")
    text = f"import {_annotations(len(changes))}"
    return Merge(
        Edit(text, tuple(changes)),
        added,
        replaced,
        unchanged,
        locked,
        (*filter(None, told), *found.sentences),
    )


def _same(before: Annotation, annotation: Annotation) -> bool:
    """Whether two annotations differ in their times at most."""
    created, changed = annotation.created, annotation.changed
    if replace(before, created=created, changed=changed) == annotation:
        return True
    # A measurement that is no number is not equal to itself.
    return content_text(before) == content_text(annotation)


def _annotations(count: int) -> str:
    return f"{count:,} {'annotation' if count == 1 else 'annotations'}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{_annotations(count)} {one if count == 1 else many}." if count else ""
