"""The keys of QuPath's GeoJSON that reading and writing share; see ``docs/annotation-files.md``."""

from typing import Any

#: QuPath's types of object; "root" is none that can be shown.
OBJECT_TYPES = frozenset({"annotation", "detection", "cell", "tile", "tmaCore"})

#: Members that we read and write ourselves; all others are kept as they are.
FEATURE = frozenset({"type", "id", "geometry", "nucleusGeometry", "properties"})
GEOMETRY = frozenset({"type", "coordinates", "geometries", "plane", "isEllipse"})
PROPERTIES = frozenset(
    {
        *("objectType", "name", "color", "classification", "isLocked", "measurements"),
        *("metadata", "childObjects", "children"),
    }
)
CLASSIFICATION = frozenset({"name", "names", "color", "colorRGB", "parentClass"})

#: Key of QuPath's description in ``metadata``: our note.
DESCRIPTION = "ANNOTATION_DESCRIPTION"

#: Ours in ``metadata``, where QuPath keeps texts: what its own keys have no place for.
OURS = "bachview."
KIND = f"{OURS}kind"
FRAME = f"{OURS}frame"
HIDDEN = f"{OURS}hidden"
CLASS = f"{OURS}class"
CREATED = f"{OURS}created"
CHANGED = f"{OURS}changed"

#: QuPath stands a class below another with this between their names.
CLASS_DELIMITER = ":"


def class_names(name: str) -> list[str]:
    """The names of a class and of those above it, the highest first."""
    return [part.strip() for part in name.split(CLASS_DELIMITER)]


def classification(name: str, color: tuple[int, int, int]) -> dict[str, Any]:
    """The ``classification`` of an object; without a colour QuPath refuses it."""
    names = [part for part in class_names(name) if part]
    if len(names) > 1:
        return {"names": names, "color": list(color)}
    return {"name": names[0] if names else name, "color": list(color)}
