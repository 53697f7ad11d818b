"""Texts that people wrote with any program: a table, a list of classes, outlines, notes."""

import codecs


def decoded(content: bytes) -> str:
    """The text of a file, without byte order marks: never an error.

    UTF-8, UTF-16 with or without a mark (as Notepad and spreadsheets write it), else the code page
    of Western Windows.
    """
    return _with_marks(content).lstrip("\ufeff")


def _with_marks(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    # Without a mark, every second byte of Western text is zero.
    even, odd = content[:200:2], content[1:200:2]
    for zeros, others, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > len(zeros) // 2 and not others.count(0):
            return content.decode(encoding, "replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1")
