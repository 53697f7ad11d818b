"""Writes an XML document that other programs read."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, indent

from bachview.file_names import printable
from bachview.files import atomic_file

#: What XML 1.0 has no place for.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_xml(path: Path, root: Element) -> None:
    """Write a document as UTF-8, with its declaration. Characters that XML forbids are left out.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    for element in root.iter():
        for name, text in element.attrib.items():
            element.set(name, _allowed(text))
        if element.text:
            element.text = _allowed(element.text)
    indent(root, "\t")
    with atomic_file(path) as file:
        ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
        file.write(b"\n")


def _allowed(text: str) -> str:
    if text.isascii() and text.isprintable():  # most are numbers
        return text
    return _FORBIDDEN.sub("", printable(text))
