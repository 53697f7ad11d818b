"""Plain images (JPEG, PNG, some TIFF): decoded in the background and turned into a pyramid."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bachview.config import user_folders
from bachview.core.geometry import Region
from bachview.core.pyramid import Pyramid
from bachview.errors import Cancelled, SlideOpenError, SlideReadError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import former_of
from bachview.slide.formats.image_decoding import decode, read_facts
from bachview.slide.formats.orientation import oriented
from bachview.slide.formats.tiff_adapter import TiffReader
from bachview.slide.halving import halve, halved_levels
from bachview.slide.known_copies import slide_fingerprint
from bachview.slide.pixel_store import PixelStore
from bachview.slide.pixels import padded_crop
from bachview.slide.reader import RGB, SlideMetadata

_log = logging.getLogger(__name__)

#: Decoding cannot be interrupted; closing waits for it no longer than this, s.
_CLOSE_S = 0.5


class ImageReader:
    """A `SlideReader` for an image that is decoded as a whole; also `Preparing`.

    Opening reads only the header. A lane of its own then decodes the image, once, into memory or a
    file in the cache folder, and halves it until it fits in one tile.
    """

    def __init__(
        self,
        metadata: SlideMetadata,
        stored_size: tuple[int, int],
        decode_into: Callable[[RGB, CancelToken], RGB],
        route: Callable[[], str],
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Start preparing; use `open` or `of_tiff` instead.

        Parameters
        ----------
        metadata : with the pyramid of `halved_levels`.
        stored_size : (width, height) of the array that `decode_into` gets, px.
        decode_into : fills the array and returns it, or a view of it, as shown; called once
            on the lane; raises SlideReadError or Cancelled.
        route : says which library decodes; see `SlideReader.route`.
        release : closes what `decode_into` reads from; called when it is no longer needed, whatever
            happened, perhaps twice.
        """
        self._metadata = metadata
        self._name = metadata.path.name
        self._changed = threading.Condition()
        self._ready: list[RGB] = []
        self._failure: str | None = None
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []
        self._route = route
        self._release = release
        self._lane = Lane("image")
        self._lane.submit(lambda token: self._prepare(stored_size, decode_into, token))

    @classmethod
    def open(cls, path: Path) -> "ImageReader":
        """Open a JPEG or PNG file.

        Raises
        ------
        SlideOpenError
            It is neither, damaged, or larger than `LIMIT_PX`.
        """
        try:
            files = FileState.of(path)
            facts = read_facts(path)
            fingerprint, former = slide_fingerprint(files), former_of(files)
        except OSError as error:
            raise SlideOpenError(f"{path.name} cannot be read; check its drive.") from error
        width, height = facts.size
        metadata = SlideMetadata(
            path=path,
            format_name=facts.format_name,
            vendor=None,
            pyramid=Pyramid(halved_levels(width, height), Region(0, 0, width, height)),
            pixel_size=facts.pixel_size,
            objective_power=None,
            fingerprint=fingerprint,
            former=former,
            icc_profile=facts.icc_profile,
            associated_images=(),
            files=files,
        )

        def decode_into(out: RGB, _: CancelToken) -> RGB:
            decode(path, facts, out)
            return oriented(out, facts.orientation)

        return cls(metadata, facts.stored_size, decode_into, lambda: facts.decoder)

    @classmethod
    def of_tiff(cls, tiff: TiffReader) -> "ImageReader":
        """Take over a TIFF reader whose segments are too large to decode again for each part."""
        size = tiff.metadata.pyramid.size
        levels = halved_levels(size.width, size.height)

        metadata = replace(
            tiff.metadata,
            pyramid=Pyramid(levels, Region(0, 0, size.width, size.height)),
            associated_images=(),  # the file is released once its image is decoded
        )
        return cls(metadata, tiff.stored_size, tiff.decode_into, lambda: tiff.route, tiff.close)

    @property
    def metadata(self) -> SlideMetadata:
        """Facts about the image; all levels are listed from the start."""
        return self._metadata

    @property
    def route(self) -> str:
        """Which library decodes the image; see `SlideReader.route`."""
        return f"decoded as a whole: {self._route()}"

    def is_ready(self, level: int, bottom_lv: int) -> bool:
        """Whether this level can be read without waiting; see `Preparing`."""
        with self._changed:
            return level < len(self._ready) or self._failure is not None or self._closed

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Register a callback for when a level becomes ready; see `Preparing`."""
        with self._changed:
            if len(self._ready) < len(self._metadata.pyramid.levels) and self._failure is None:
                self._callbacks.append(callback)

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """Pixels of a level; waits until it is ready. See `SlideReader.read`."""
        with self._changed:
            self._changed.wait_for(
                lambda: level < len(self._ready) or self._failure is not None or self._closed
            )
            if self._closed:
                raise SlideReadError(f"{self._name} is closed.")
            if level >= len(self._ready):
                raise SlideReadError(self._failure or "")
            source = self._ready[level]
        return padded_crop(source, x_lv, y_lv, width, height)

    def read_associated(self, name: str) -> RGB:
        """Plain images have none."""
        raise SlideReadError(f"{self._name} has no image called {name}.")

    def close(self) -> None:
        """Stop preparing and release the pixels; waiting reads fail with an error."""
        with self._changed:
            self._closed = True
            self._ready = []
            self._callbacks = []
            self._changed.notify_all()
        self._lane.close(_CLOSE_S)
        # Even if the lane never got to it.
        self._release()

    def _prepare(
        self,
        stored_size: tuple[int, int],
        decode_into: Callable[[RGB, CancelToken], RGB],
        token: CancelToken,
    ) -> None:
        """Decode and halve; runs once, on the lane."""
        levels = self._metadata.pyramid.levels
        sizes = [stored_size, *((level.width, level.height) for level in levels[1:])]
        try:
            store = PixelStore(sizes, user_folders().cache / "images")
        except (OSError, MemoryError) as error:
            _log.debug("%s: %s", self._name, error)
            need_mb = sum(w * h * 3 for w, h in sizes) // 1_000_000
            self._fail(
                f"{self._name} needs {need_mb:,} MB of free disk space to be shown; free some "
                "space and open it again."
            )
            self._release()
            return
        try:
            finer = decode_into(store.arrays[0], token)
            self._release()
            token.check()
            self._publish(finer)
            for coarser in store.arrays[1:]:
                halve(finer, coarser, token.check)
                self._publish(coarser)
                finer = coarser
        except SlideReadError as error:
            self._fail(str(error))
        except Cancelled:
            _log.debug("the image was closed before it was ready")
        except Exception:  # nobody reads this job's future
            _log.exception("an image could not be prepared")
            self._fail(f"{self._name} could not be prepared; see the log.")
        finally:
            # The arrays keep the mapping alive; only the name of the file is deleted now.
            store.close()
            self._release()

    def _publish(self, pixels: RGB) -> None:
        with self._changed:
            if self._closed:
                raise Cancelled
            self._ready.append(pixels)
            callbacks = list(self._callbacks)
            if len(self._ready) == len(self._metadata.pyramid.levels):
                self._callbacks = []
            self._changed.notify_all()
        for callback in callbacks:
            callback()

    def _fail(self, sentence: str) -> None:
        with self._changed:
            self._failure = sentence
            callbacks, self._callbacks = self._callbacks, []
            self._changed.notify_all()
        for callback in callbacks:
            callback()
