"""A user's folders full of private words, and the search for these in a zip."""

import contextlib
import io
import json
import logging
import platform
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import tifffile

from bachview.config import user_folders
from bachview.logs import start_logging, stop_logging
from bachview.store.results import ResultStore
from bachview.ui.session.settings import SettingsFile
from tests.support import runs
from tests.support.policies import set_policy
from tests.support.runs import full_tissue
from tests.support.slides import gradient

PATIENT, GIVEN_NAME = "Grünwald", "Ottilie"
BARCODE, BIRTH = "S21-48213", "1950-03-14"
USER, HOST = "hquandt", "patho-ws-17"
PRIVATE = (PATIENT, GIVEN_NAME, BARCODE, BIRTH, USER, HOST, "Quandtstift", "Biopsien", "48213")


def plant(folder: Path, policy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the words wherever a report could take them from; returns a slide that has them, too."""
    for variable in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(variable, USER)
    monkeypatch.setattr(platform, "node", lambda: f"{HOST}.quandtstift.example")
    slides = folder / USER / "Biopsien" / f"{PATIENT}, {GIVEN_NAME} {BIRTH}"
    slides.mkdir(parents=True)
    slide = slides / f"{BARCODE} {PATIENT}_{GIVEN_NAME}.tif"
    tifffile.imwrite(
        slide,
        gradient(900, 900),
        photometric="rgb",
        tile=(256, 256),
        compression="zlib",
        maxworkers=1,
        description=f"Patient = {GIVEN_NAME}| Barcode = {BARCODE}| Born = {BIRTH}",
        software=f"Scanner of {GIVEN_NAME}",
        metadata=None,
        extratags=[(271, 2, 0, f"Quandtstift {BARCODE}", True)],
    )
    settings = SettingsFile(user_folders().config)
    settings.now = replace(
        settings.now.with_recent(slide),
        bundle=str(folder / f"{PATIENT}.bachmodel"),
        export_folder=slides,
    )
    assert settings.save()
    with ResultStore.open(user_folders().results, f"{PATIENT}-{BARCODE}") as store:
        store.begin(runs.grid_key(), full_tissue(), runs.provenance(), (f"Of {PATIENT}.",))
    _write_logs(slide)
    set_policy(policy, f'audit_folder = "/srv/Quandtstift"\nnotice = "Ask {USER}."\ndevice = "CPU"')
    return slide


def _write_logs(slide: Path) -> None:
    logs = user_folders().logs
    start_logging(logs, verbose=True)
    log, package = logging.getLogger("bachview.planted"), logging.getLogger("bachview")
    package.propagate = False  # these warnings are no findings
    try:
        log.debug("opening %s of %s", slide, GIVEN_NAME)
        log.info("taken from %s", slide)
        log.info("addresses: %s and %s", quote(str(slide)), slide.as_uri())
        log.info("documents: %s and %r", json.dumps(str(slide)), str(slide).encode())
        log.error("%s is locked by %s@%s", slide.name, USER, HOST)
        with contextlib.suppress(ValueError):
            try:
                raise OSError(2, "No such file", str(slide))
            except OSError as error:
                log.exception("unexpected error")
                raise ValueError(f"{GIVEN_NAME} {PATIENT} ({BARCODE}), born {BIRTH}") from error
        log.error("again: %s^%s^^ %s", PATIENT, GIVEN_NAME, BARCODE)
    finally:
        package.propagate = True
        stop_logging()
    (logs / "last-crash.txt").write_text(
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f21c4c0 (most recent "
        f'call first):\n  File "{slide.with_suffix(".py")}", line 3 in {"work"}\n'
        f'  File "/home/{USER}/bachview/ui/window/app.py", line 80 in run_viewer\n',
        "utf-8",
    )


def found_in(archive: bytes) -> dict[str, list[str]]:
    """Private words in any byte of a zip, by the file that has them; none if all is well."""
    found: dict[str, list[str]] = {}
    for name, content in _contents(archive):
        low = content.lower()
        for word in PRIVATE:
            if any(form in low for form in _bytes_of(word.lower())):
                found.setdefault(name, []).append(word)
    return found


def _contents(archive: bytes) -> Iterator[tuple[str, bytes]]:
    yield "the archive itself", archive
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        for info in members.infolist():
            yield info.filename, members.read(info)


def _bytes_of(word: str) -> set[bytes]:
    codings = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "latin-1", "cp437")
    written = {word, quote(word), json.dumps(word)[1:-1], repr(word.encode())[2:-1]}
    written.add(word.encode().decode("latin-1"))
    return {text.lower().encode(coding, "ignore") for text in written for coding in codings} - {b""}
