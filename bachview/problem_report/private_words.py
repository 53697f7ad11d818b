"""Words that must not be in a report: names of the user, the computer, folders and slides."""

import contextlib
import getpass
import html
import json
import os
import platform
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from bachview.file_names import printable

#: Parts of paths and file names that say nothing of a person, and occur in our own sentences.
_ORDINARY_WORDS = """
    applications appdata bach bachview bin bundle cache case cases classes config data default demo
    desktop documents downloads etc export exports file files folder home image images level levels
    library local logs media mnt model models name names none open opt patch patches private program
    programs python report result results roaming sample samples scan scans share shared slide
    slides srv state store temp test tests tile tiles tmp user users usr var volume volumes with
    work
"""
_ORDINARY = frozenset(_ORDINARY_WORDS.split())
_SHORTEST_PART = 3
#: In text, a shorter word counts only where no letter is beside it.
_SHORTEST_ANYWHERE = 5
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W\d_])", r"(?![^\W\d_])"


def words_of_paths(paths: Iterable[Path]) -> frozenset[str]:
    """Names of these files and of the folders above them, whole and word by word."""
    found: set[str] = set()
    for path in paths:
        for place in path.parts:
            name = place.strip("\\/:")
            stem = name.split(".", 1)[0] if place == path.name else name
            found |= {name, stem, *re.split(r"[\W_]+", stem)}
    return frozenset(word for word in found if _is_telling(word))


def words_of_the_user() -> frozenset[str]:
    """The user's name as the system knows it, the computer's, and the parts of the home folder."""
    keys = ("USER", "LOGNAME", "USERNAME", "USERDOMAIN", "COMPUTERNAME", "HOSTNAME")
    found = {os.environ.get(key, "") for key in keys}
    found |= {platform.node(), *platform.node().split(".")}
    with contextlib.suppress(OSError, KeyError, ImportError):
        found.add(getpass.getuser())
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            entry = pwd.getpwuid(os.getuid())
            full = entry.pw_gecos.split(",")[0]
            found |= {entry.pw_name, full, *full.split()}
    with contextlib.suppress(RuntimeError):
        found |= words_of_paths((Path.home(),))
    return frozenset(word for word in found if _is_telling(word))


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST_PART and word.casefold() not in _ORDINARY


class PrivateWords:
    """Finds words in a text, however they are written there."""

    def __init__(self, words: Iterable[str]) -> None:
        forms: set[str] = set()
        for word in words:
            if _is_telling(word):
                forms |= _forms(word)
        # Longest first: of "Anna_Miller" nothing is to be left where "Anna" is a word, too.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_bounded, ordered)), re.I) if ordered else None

    def masked(self, text: str) -> str:
        """`text` with ``<name>`` in place of each."""
        return text if self._pattern is None else self._pattern.sub("<name>", text)


def _forms(word: str) -> set[str]:
    """A word as paths, addresses, logs and documents write it."""
    forms = set()
    for form in (word, *(unicodedata.normalize(kind, word) for kind in ("NFC", "NFD"))):
        shown = printable(form)
        forms |= {form, shown, quote(shown), quote(shown, safe=""), html.escape(shown)}
        forms |= {json.dumps(shown)[1:-1], shown.encode("unicode_escape").decode("ascii")}
        forms |= {repr(shown.encode())[2:-1]}
        for wrong in ("latin-1", "cp1252"):
            forms.add(shown.encode().decode(wrong, "replace"))
    return forms


def _bounded(form: str) -> str:
    escaped = re.escape(form)
    if len(form) >= _SHORTEST_ANYWHERE:
        return escaped
    return _NO_LETTER_BEFORE + escaped + _NO_LETTER_AFTER
