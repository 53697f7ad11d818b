"""Structures of the phantom's tissue: nuclei, glands, ducts, nests, fat, fibres."""

import functools
import math

import numpy as np

from bachview.phantom.canvas import BLOCK_PX, BlockCanvas, Floats, Site, fibres, noise

_STAMPS = 24


def _soft(distance: Floats, width: float) -> Floats:
    """1 inside (`distance` positive, px), 0 outside, with a ramp of `width` px."""
    return np.asarray(np.clip(distance / width + 0.5, 0, 1), dtype=np.float32)


@functools.cache
def _nuclei(long: float, short: float, nucleolus: float) -> tuple[tuple[Floats, Floats], ...]:
    """Nuclei of one kind at different rotations: (cover, haematoxylin) each."""
    rng = np.random.default_rng([round(long * 10), round(short * 10)])
    half = math.ceil(long * 1.3) + 2
    y, x = np.mgrid[-half:half, -half:half].astype(np.float32) + 0.5
    stamps = []
    for turn in np.linspace(0, math.pi, _STAMPS, endpoint=False):
        a, b = long * rng.uniform(0.85, 1.2), short * rng.uniform(0.85, 1.2)
        u = x * math.cos(turn) + y * math.sin(turn)
        v = y * math.cos(turn) - x * math.sin(turn)
        angle = np.arctan2(v / b, u / a)
        edge = 1 + 0.07 * np.cos(3 * angle + rng.uniform(0, 6.3))
        reach = np.hypot(u / a, v / b) / edge
        cover = _soft((1 - reach) * b, 1.6)
        grain = np.kron(rng.normal(size=(half, half)), np.ones((2, 2)))
        grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / 3
        amount = 0.80 + 0.13 * grain + 0.30 * np.exp(-(((reach - 0.92) / 0.16) ** 2))
        if nucleolus:
            place_x, place_y = rng.uniform(-0.3, 0.3, 2) * (a, b)
            spot = np.exp(-((u - place_x) ** 2 + (v - place_y) ** 2) / 2.2)
            amount += nucleolus * spot - 0.16
        stamps.append((cover.astype(np.float32), amount.astype(np.float32)))
    return tuple(stamps)


def _nucleus(
    canvas: BlockCanvas,
    rng: np.random.Generator,
    x: float,
    y: float,
    kind: tuple[float, float, float],
    strength: float = 1.0,
    turn: float | None = None,
) -> None:
    """One nucleus; `turn` in radians, by default random."""
    stamps = _nuclei(*kind)
    turn = rng.uniform(0, math.pi) if turn is None else turn
    cover, amount = stamps[round(turn / math.pi * _STAMPS) % _STAMPS]
    canvas.lay(x, y, cover, amount * strength * rng.uniform(0.85, 1.1), 0.12)


_SPINDLE = (11.0, 3.0, 0.0)
_EPITHELIAL = (7.0, 5.2, 0.0)
_LYMPHOCYTE = (4.6, 4.3, 0.0)
_HYPERPLASTIC = (7.6, 5.4, 0.0)
_TUMOUR = (8.6, 7.2, 0.5)
_PLEOMORPHIC = (11.5, 8.6, 0.7)


def _spindles(canvas: BlockCanvas, spacing: float, keep: float = 0.8) -> None:
    """Fibroblasts: thin nuclei that follow the strands."""
    for site in canvas.sites(spacing, jitter=0.45, keep=keep):
        turn = site.rng.normal(0, 0.45)
        _nucleus(canvas, site.rng, site.x, site.y, _SPINDLE, 0.95, turn % math.pi)


def _lymphocytes(canvas: BlockCanvas, spacing: float, keep: float) -> None:
    for site in canvas.sites(spacing, jitter=0.48, keep=keep):
        _nucleus(canvas, site.rng, site.x, site.y, _LYMPHOCYTE, 1.15)


def _capillaries(canvas: BlockCanvas, spacing: float, keep: float) -> None:
    """Small vessels with red cells in them."""
    for site in canvas.sites(spacing, jitter=0.45, keep=keep):
        shape = _Outline(site.rng, float(site.rng.uniform(11, 19)), 0.25)
        canvas.lay(site.x, site.y, _soft(shape.inside, 2), 0.12, 0.42)
        canvas.lay(site.x, site.y, _soft(shape.inside - 3.5, 2), 0.0, 0.05)
        red = _soft(shape.inside - 5.5, 3) * 0.9
        canvas.lay(site.x, site.y, red, 0.03, 0.75)
        turn = site.rng.uniform(0, 6.3)
        x, y = site.x + shape.radius * math.cos(turn), site.y + shape.radius * math.sin(turn)
        _nucleus(canvas, site.rng, x, y, (7.0, 2.6, 0.0), 1.0, (turn + math.pi / 2) % math.pi)


class _Outline:
    """A closed irregular outline around the centre of a window.

    Attributes
    ----------
    inside : (2 * half, 2 * half) float32, approximate distance to the outline, px, positive inside.
    radius : mean radius, px.
    """

    def __init__(self, rng: np.random.Generator, radius: float, wobble: float) -> None:
        half = math.ceil(radius * (1 + 1.3 * wobble)) + 8
        y, x = np.mgrid[-half:half, -half:half].astype(np.float32) + 0.5
        self._waves = [
            (order, wobble * rng.uniform(0.3, 1) / order**0.8, rng.uniform(0, 6.3))
            for order in (2, 3, 4, 6)
        ]
        self.radius = radius
        angle = np.arctan2(y, x)
        distance = np.hypot(x, y)
        self.inside = (self.reach(angle) - distance).astype(np.float32)

    def reach(self, angle: Floats | float) -> Floats:
        """Radius at `angle`, px."""
        reach = np.ones_like(angle, dtype=np.float64)
        for order, size, phase in self._waves:
            reach = reach + 0.5 * size * np.cos(order * np.asarray(angle) + phase)
        return np.asarray(self.radius * reach, dtype=np.float32)


def _gland(
    canvas: BlockCanvas,
    site: Site,
    radius: float,
    *,
    wall: float,
    wobble: float,
    kind: tuple[float, float, float],
    rows: int = 1,
    secretion: float = 0.02,
) -> None:
    """A gland: basement membrane, `rows` rows of nuclei in a wall of `wall` px, a lumen."""
    rng, x, y = site.rng, site.x, site.y
    shape = _Outline(rng, radius, wobble)
    canvas.lay(x, y, _soft(shape.inside + 7, 4) * 0.75, 0.02, 0.14)  # loose sleeve
    canvas.lay(x, y, _soft(shape.inside + 2.5, 2), 0.10, 0.55)  # membrane
    canvas.lay(x, y, _soft(shape.inside, 2), 0.20, 0.27)  # cytoplasm
    canvas.lay(x, y, _soft(shape.inside - wall, 3), secretion, secretion * 2.2)
    for row in range(rows):
        depth = 6.5 + row * (wall - 11) / max(1, rows - 1) if rows > 1 else wall * 0.42
        middle = radius - depth
        if middle < 5:
            continue
        step = (2.0 * kind[1] + 1.6) / middle
        for angle in np.arange(rng.uniform(0, step), 2 * math.pi - step / 2, step):
            angle = float(angle + rng.normal(0, step * 0.12))
            reach = float(shape.reach(angle)) - depth + rng.normal(0, 1.0)
            _nucleus(
                canvas,
                rng,
                x + reach * math.cos(angle),
                y + reach * math.sin(angle),
                kind,
                1.0,
                (angle + rng.normal(0, 0.25)) % math.pi,
            )
    # Myoepithelium: flat dark nuclei on the membrane.
    for angle in np.arange(0, 2 * math.pi, 34 / radius):
        angle = float(angle + rng.normal(0, 0.15))
        reach = float(shape.reach(angle)) + 0.5
        _nucleus(
            canvas,
            rng,
            x + reach * math.cos(angle),
            y + reach * math.sin(angle),
            (5.6, 2.2, 0.0),
            1.1,
            (angle + math.pi / 2) % math.pi,
        )


def _strands(
    canvas: BlockCanvas,
    variant: int,
    eosin: float,
    contrast: float,
    gap: float,
    haematoxylin: float = 0.04,
) -> None:
    """A background of collagen; `gap`: width of the clefts between its bundles."""
    field = fibres(variant)
    amount = eosin + contrast * field
    amount -= gap * np.clip(-field - 0.9, 0, 1.2)
    canvas.ground(
        np.clip(haematoxylin * (1 + 0.25 * field), 0.0, None).astype(np.float32),
        np.clip(amount, 0.015, None).astype(np.float32),
    )


def stroma(canvas: BlockCanvas, variant: int) -> None:
    """Collagen with fibroblasts and few vessels."""
    _strands(canvas, variant, 0.17, 0.045, 0.10, 0.0)
    _spindles(canvas, 78)
    _capillaries(canvas, 340, 0.5)
    _lymphocytes(canvas, 170, 0.35)


def fat(canvas: BlockCanvas, variant: int) -> None:
    """Fat cells: empty, thin-walled, pressed against each other."""
    from scipy import ndimage, spatial

    places = np.array([(site.y, site.x) for site in canvas.sites(118, jitter=0.36)])
    around = [(dy, dx) for dy in (-BLOCK_PX, 0, BLOCK_PX) for dx in (-BLOCK_PX, 0, BLOCK_PX)]
    tree = spatial.cKDTree(np.concatenate([places + shift for shift in around]))
    y, x = np.mgrid[0 : BLOCK_PX // 2, 0 : BLOCK_PX // 2] * 2.0 + 0.5
    bend = [6 * noise(seed, 60, 60)[::2, ::2] for seed in (900, 901)]
    nearest = np.asarray(tree.query(np.stack([y + bend[0], x + bend[1]], axis=-1), k=2)[0])
    gap = ndimage.zoom(
        nearest[..., 1] - nearest[..., 0], 2, order=1, mode="grid-wrap", grid_mode=True
    )
    wall = np.clip(1.35 - gap / 4.8, 0, 1).astype(np.float32)
    canvas.ground(0.016 + 0.14 * wall, 0.035 + 0.55 * wall)
    for site in canvas.sites(118, jitter=0.36, keep=0.4):
        _nucleus(canvas, site.rng, site.x + 56, site.y + 8, (8.0, 2.8, 0.0), 1.0)
    _capillaries(canvas, 256, 0.5)


def normal(canvas: BlockCanvas, variant: int) -> None:
    """Small two-layered acini and terminal ducts, well separated in loose connective tissue."""
    _strands(canvas, variant, 0.27, 0.06, 0.16, 0.0)
    _spindles(canvas, 90)
    _lymphocytes(canvas, 170, 0.3)
    _capillaries(canvas, 300, 0.4)
    for site in canvas.sites(146, jitter=0.30, keep=0.9):
        radius = float(site.rng.uniform(24, 38))
        _gland(canvas, site, radius, wall=radius * 0.56, wobble=0.24, kind=_EPITHELIAL)


def benign(canvas: BlockCanvas, variant: int) -> None:
    """Crowded glands of uneven size in a cellular stroma."""
    _strands(canvas, variant, 0.26, 0.06, 0.12, 0.10)
    _spindles(canvas, 52)
    _lymphocytes(canvas, 60, 0.5)
    for site in canvas.sites(128, jitter=0.20, keep=0.94):
        radius = float(site.rng.uniform(40, 60))
        _gland(
            canvas,
            site,
            radius,
            wall=20,
            wobble=0.38,
            kind=_HYPERPLASTIC,
            rows=1,
            secretion=float(site.rng.uniform(0.015, 0.07)),
        )


def in_situ(canvas: BlockCanvas, variant: int) -> None:
    """Ducts filled with tumour cells, with round lumens or necrosis in the centre."""
    _strands(canvas, variant, 0.80, 0.13, 0.22, 0.16)
    _spindles(canvas, 60)
    _lymphocytes(canvas, 66, 0.4)
    for site in canvas.sites(256, jitter=0.12):
        rng, radius = site.rng, float(site.rng.uniform(96, 118))
        shape = _Outline(rng, radius, 0.20)
        canvas.lay(site.x, site.y, _soft(shape.inside + 9, 5) * 0.8, 0.03, 0.18)
        canvas.lay(site.x, site.y, _soft(shape.inside + 3, 2), 0.15, 0.70)
        canvas.lay(site.x, site.y, _soft(shape.inside, 2), 0.24, 0.32)
        dead = float(rng.uniform(0.25, 0.40)) * radius if rng.uniform() < 0.55 else 0.0
        holes = (
            []
            if dead
            else [
                (
                    radius * 0.50 * math.cos(a),
                    radius * 0.50 * math.sin(a),
                    float(rng.uniform(11, 19)),
                )
                for a in np.arange(0, 6.0, 1.25) + rng.uniform(0, 1)
            ]
        )
        _fill(canvas, site, shape, dead, holes)
        for dx, dy, size in holes:
            hole = _Outline(rng, size, 0.1)
            canvas.lay(site.x + dx, site.y + dy, _soft(hole.inside, 2.5), 0.01, 0.04)
        if dead:
            core = _Outline(rng, dead, 0.35)
            canvas.lay(site.x, site.y, _soft(core.inside, 8), 0.10, 0.62)
            for _ in range(26):
                far, turn = dead * math.sqrt(rng.uniform()) * 0.9, rng.uniform(0, 6.3)
                place = site.x + far * math.cos(turn), site.y + far * math.sin(turn)
                _nucleus(canvas, rng, *place, (2.6, 2.2, 0.0), 0.9)


def _fill(
    canvas: BlockCanvas,
    site: Site,
    shape: _Outline,
    dead: float,
    holes: list[tuple[float, float, float]],
    strength: float = 0.95,
    step: float = 15.0,
) -> None:
    """Tumour nuclei about `step` px apart in a duct, except in its necrosis and lumens."""
    rng = site.rng
    count = int(shape.radius * 1.3 / step)
    row, column = np.mgrid[-count : count + 1, -count : count + 1].reshape(2, -1)
    dx = (column + 0.5 * (row % 2)) * step + rng.normal(0, 0.16 * step, row.size)
    dy = row * step * 0.9 + rng.normal(0, 0.16 * step, row.size)
    far = np.hypot(dx, dy)
    fits = (far < shape.reach(np.arctan2(dy, dx)) - 7) & (far > dead + 4)
    for x, y, size in holes:
        fits &= np.hypot(dx - x, dy - y) > size + 5
    for x, y in zip(dx[fits], dy[fits], strict=True):
        _nucleus(canvas, rng, site.x + x, site.y + y, _TUMOUR, strength)


def invasive(canvas: BlockCanvas, variant: int) -> None:
    """Nests, cords and single cells with large irregular nuclei between torn strands."""
    _strands(canvas, variant, 0.95, 0.14, 0.22, 0.30)
    _lymphocytes(canvas, 46, 0.6)
    for site in canvas.sites(93, jitter=0.30, keep=0.98):
        shape = _Outline(site.rng, float(site.rng.uniform(46, 60)), 0.65)
        canvas.lay(site.x, site.y, _soft(shape.inside + 3, 3) * 0.7, 0.25, 0.40)
        canvas.lay(site.x, site.y, _soft(shape.inside, 3), 0.62, 0.70)
        _fill(canvas, site, shape, -9.0, [], 1.7, 13.5)
    for site in canvas.sites(44, jitter=0.45, keep=0.55):
        _nucleus(canvas, site.rng, site.x, site.y, _PLEOMORPHIC, float(site.rng.uniform(1.2, 1.6)))
