"""OME-TIFF and other TIFF files that OpenSlide rejects or would show in another way."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.core.pyramid import Level, Pyramid
from bachview.core.stack import USUAL, Choice
from bachview.errors import SlideOpenError, SlideReadError, UsageError
from bachview.jobs.tokens import CancelToken
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import former_of
from bachview.slide.formats.channels import Channel, imagej_channels, refused_channels
from bachview.slide.formats.image_decoding import LIMIT_PX
from bachview.slide.formats.ome import OmeFacts, read_ome
from bachview.slide.formats.orientation import swaps_sides
from bachview.slide.formats.tiff_codecs import Photometric, UnsupportedTiffError
from bachview.slide.formats.tiff_likeness import Likeness
from bachview.slide.formats.tiff_pixel_size import is_stated_beyond_standard, stated_pixel_size
from bachview.slide.formats.tiff_plane import TiffPlane, orientation_of
from bachview.slide.formats.tiff_series import SlideImages, channel_count, pages_of, slide_images
from bachview.slide.formats.tiff_source import SegmentSource
from bachview.slide.known_copies import slide_fingerprint
from bachview.slide.levels import rising_levels
from bachview.slide.reader import RGB, SlideMetadata

_GREY = (Photometric.MINISWHITE, Photometric.MINISBLACK)
_MOST_LEVELS = 32

#: Tiles and strips up to this size are decoded again for each part read from them.
_LARGE_SEGMENT_PX = 4_000_000


#: What OpenSlide shows as libtiff, Pillow and this reader do: 8 bits of RGB or grey in these
#: compressions (none, LZW, JPEG, deflate).
_OPENSLIDE_COMPRESSIONS = (1, 5, 7, 8, 32946)
_UNCOMPRESSED, _JPEG = 1, 7


def suits_openslide(path: Path) -> bool:
    """Whether OpenSlide's generic TIFF reader shows a TIFF rightly.

    That reader shows the first of several scans, planes or pages without a word, ignores levels
    that are not marked as such or lie in SubIFDs, what an OME-TIFF says of levels and what the text
    of any writer says of the pixel size, turns tiles in their places where the file has an
    orientation, and takes opacity, palettes, deep samples and missing lengths in its own way. A
    file in which any of this could matter is read by `TiffReader`, whole. True if the file cannot
    be parsed.
    """
    import tifffile

    try:
        with (
            tifffile.TiffFile(path, _multifile=False) as tif,
            contextlib.closing(Likeness(path)) as is_copy,
        ):
            if tif.is_ome or is_stated_beyond_standard(tif, tif.pages.first):
                return False
            if tif.pages.first.subifds:  # levels that it does not look for
                return False
            if len(tif.pages) == 1:
                return _is_common(tif.pages.first)
            series = tif.series
            found = slide_images(
                series,
                lambda _, one: stated_pixel_size(tif, one.keyframe),
                is_copy=is_copy,
            )
            is_first = found.levels[0].keyframe.offset == tif.pages.first.offset
            return bool(
                is_first
                and found.stack.is_single
                and not is_copy.has_others
                and all(int(level.keyframe.subfiletype) & 1 for level in found.levels[1:])
                and all(_is_common(level.keyframe) for level in found.levels)
            )
    except Exception:  # tifffile raises many kinds of errors on damaged files
        return True


def _is_common(page: Any) -> bool:
    """Whether all readers agree about a page's pixels."""
    colours, samples = int(page.photometric), int(page.samplesperpixel)
    is_jpeg = page.compression == _JPEG
    return bool(
        page.is_tiled
        and page.imagedepth == 1
        and page.compression in _OPENSLIDE_COMPRESSIONS
        and (
            (colours == Photometric.MINISBLACK and samples == 1)
            or (colours == Photometric.RGB and samples == 3 and not (is_jpeg and page.is_jfif))
            or (colours == Photometric.YCBCR and samples == 3 and is_jpeg)
        )
        and page.bitspersample == 8
        and int(page.sampleformat or 1) == 1
        and page.planarconfig == 1
        and page.fillorder == 1
        and page.predictor in ((1,) if page.compression in (_UNCOMPRESSED, _JPEG) else (1, 2))
        and orientation_of(page) == 1
        and _has_lengths(page)
    )


def _has_lengths(page: Any) -> bool:
    """Whether the lengths of a page's tiles can be true, and not all tiles are missing."""
    offsets, lengths = np.asarray(page.dataoffsets), np.asarray(page.databytecounts)
    if len(offsets) != len(lengths):
        return False
    stored = lengths[offsets > 0]
    if page.compression == _UNCOMPRESSED:
        return bool(len(stored)) and bool(
            (stored == page.tilewidth * page.tilelength * int(page.samplesperpixel)).all()
        )
    return bool(len(stored)) and bool((stored > 0).all())


class TiffReader:
    """A `SlideReader` for the tiles or strips of a TIFF file; reads run in parallel.

    tifffile parses the file once; afterwards only imagecodecs' decoders are used, which are
    thread-safe, on bytes that are read under a lock.
    """

    def __init__(self, path: Path, choice: Choice = USUAL) -> None:
        """Open `path`, and of several pictures in it the one that is wanted.

        Raises
        ------
        SlideOpenError
            It is damaged, or of a kind that cannot be shown.
        UsageError
            It has no such picture.
        """
        self._path = path
        self._choice = choice
        self._closed = False
        try:
            self._source = SegmentSource(path, path.open("rb"))
        except OSError as error:
            raise SlideOpenError(f"{path.name} cannot be read; check its drive.") from error
        try:
            self._metadata, self._planes, self._beside = self._describe()
        except (SlideOpenError, UsageError):
            self._source.close()
            raise
        except UnsupportedTiffError as error:
            self._source.close()
            raise SlideOpenError(
                f"{path.name} cannot be shown: it is {error}; convert it to an 8-bit RGB "
                "pyramidal TIFF."
            ) from error
        except Exception as error:  # tifffile raises many kinds of errors on damaged files
            self._source.close()
            raise SlideOpenError(
                f"{path.name} is damaged and cannot be opened; copy it again from its source."
            ) from error

    @property
    def metadata(self) -> SlideMetadata:
        return self._metadata

    @property
    def route(self) -> str:
        """See `SlideReader.route`."""
        return "tiles or strips decoded by imagecodecs"

    def read(self, level: int, x_lv: int, y_lv: int, width: int, height: int) -> RGB:
        """Pixels of a stored level; see `SlideReader.read`."""
        if self._closed:
            raise SlideReadError(f"{self._path.name} is closed.")
        return self._planes[level].read(x_lv, y_lv, width, height)

    @property
    def is_better_decoded_whole(self) -> bool:
        """Whether it has only one level, and reading any part decodes a large share of it."""
        size = self._metadata.pyramid.size
        return (
            len(self._planes) == 1
            and size.width * size.height <= LIMIT_PX
            and self._planes[0].segment_px > _LARGE_SEGMENT_PX
        )

    @property
    def stored_size(self) -> tuple[int, int]:
        """(width, height) of level 0 before it is turned, px."""
        return self._planes[0].stored_size

    def decode_into(self, out: RGB, token: CancelToken) -> RGB:
        """All of level 0; see `TiffPlane.decode_into`. Checks `token` between segments."""
        if self._closed:
            raise SlideReadError(f"{self._path.name} is closed.")
        return self._planes[0].decode_into(out, token.check)

    def read_associated(self, name: str) -> RGB:
        """An image that the file calls a label, macro, overview, thumbnail or barcode."""
        plane = self._beside.get(name)
        if plane is None:
            raise SlideReadError(f"{self._path.name} has no image called {name}.")
        if self._closed:
            raise SlideReadError(f"{self._path.name} is closed.")
        return plane.read(0, 0, plane.width, plane.height)

    def close(self) -> None:
        """Release the file; reads that are already decoding finish normally."""
        self._closed = True
        self._source.close()

    def _describe(self) -> tuple[SlideMetadata, tuple[TiffPlane, ...], dict[str, TiffPlane]]:
        """Metadata, the planes of the levels, and those of the associated images."""
        import tifffile

        path = self._path
        files = FileState.of(path)
        with (
            tifffile.TiffFile(path, _multifile=False) as tif,
            contextlib.closing(Likeness(path)) as is_copy,
        ):
            text = tif.ome_metadata if tif.is_ome else None
            if text is not None:
                # Before it reaches tifffile's own parser, which is not hardened.
                self._refuse_parts(read_ome(text, 0, 0))

            def pixel_size(index: int, series: Any) -> PixelSize:
                key = series.keyframe
                if text is None:
                    return stated_pixel_size(tif, key)
                ome = read_ome(text, int(key.imagewidth), int(key.imagelength), index)
                return stated_pixel_size(tif, key, ome.pixel_size)

            images = slide_images(tif.series, pixel_size, self._choice, path.name, is_copy)
            key = images.levels[0].keyframe
            width, height = int(key.imagewidth), int(key.imagelength)
            ome = None if text is None else read_ome(text, width, height, images.index)
            shown = pixel_size(images.index, images.levels[0])
            if swaps_sides(orientation_of(key)):
                shown = shown.with_sides_swapped()
            _refuse_channels(
                images.levels[0], ome.channels if ome else imagej_channels(tif.imagej_metadata)
            )
            levels, planes = self._levels(images, ome.significant_bits if ome else None)
            beside = self._planes_beside(images.beside, len(images.levels))
            stack = images.stack
            metadata = SlideMetadata(
                path=path,
                format_name="ome-tiff" if ome else "tiff",
                vendor=ome.vendor if ome else None,
                pyramid=Pyramid(levels, Region(0, 0, levels[0].width, levels[0].height)),
                pixel_size=shown,
                objective_power=ome.objective_power if ome else None,
                fingerprint=slide_fingerprint(files) + stack.suffix,
                # Earlier versions only knew the picture that is usually shown.
                former=None if stack.suffix else former_of(files),
                icc_profile=_profile(key),
                associated_images=tuple(sorted(beside)),
                files=files,
                stack=stack,
            )
        return metadata, planes, beside

    def _refuse_parts(self, ome: OmeFacts) -> None:
        """Only images that are complete in one file are opened."""
        if len(ome.file_names) > 1:
            raise SlideOpenError(
                f"{self._path.name} is one part of an OME-TIFF of several files; save it as a "
                "single file."
            )

    def _levels(
        self, images: SlideImages, significant_bits: int | None
    ) -> tuple[tuple[Level, ...], tuple[TiffPlane, ...]]:
        planes = [
            TiffPlane(self._source, number, images.pages(series), significant_bits)
            for number, series in enumerate(images.levels[:_MOST_LEVELS])
        ]
        levels, used = rising_levels([(plane.width, plane.height) for plane in planes])
        return levels, tuple(planes[number] for number in used)

    def _planes_beside(self, beside: dict[str, Any], first: int) -> dict[str, TiffPlane]:
        """Planes of the associated images; those of a kind that cannot be shown are left out."""
        planes = {}
        for number, (name, series) in enumerate(beside.items(), start=first):
            try:
                planes[name] = TiffPlane(self._source, number, pages_of(series))
            except UnsupportedTiffError:
                continue
        return planes


def _refuse_channels(series: Any, stated: Sequence[Channel]) -> None:
    """Refuse channels that are neither grey nor red, green and blue.

    Raises
    ------
    UnsupportedTiffError
        They are something else, as far as the file says.
    """
    key, count = series.keyframe, channel_count(series)
    samples = int(key.samplesperpixel)
    is_grey = int(key.photometric) in _GREY
    if not is_grey and count > 1:
        raise UnsupportedTiffError(f"of {count} pictures in colours, one for each channel")
    has_alpha = any(int(extra) for extra in key.extrasamples)
    refused = refused_channels(stated, count * (samples if is_grey and not has_alpha else 1))
    if refused is not None:
        raise UnsupportedTiffError(refused)


def _profile(key: Any) -> bytes | None:
    """The ICC profile; that of a grey image does not apply to RGB pixels."""
    tag = key.tags.get(34675)
    # A damaged tag may contain a number, from which bytes() would make that many zeros.
    if tag is None or not isinstance(tag.value, bytes) or int(key.samplesperpixel) < 3:
        return None
    return tag.value
