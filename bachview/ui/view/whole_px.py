"""Which px of a plane that is upright, or turned by 180°, shows what: a px shows its centre."""

import math

#: Steps that Qt takes to a px of a picture.
_STEPS = 65536

#: What of a picture is drawn where, along one axis: first px of the plane and number of them, and
#: begin and length in the picture, px of it.
Span = tuple[int, int, float, float]


def first_px(place_l0: float, step: float) -> int:
    """The first px whose centre is not before a level-0 position, at `step` level-0 px per px."""
    return math.ceil(place_l0 / step - 0.5)


def span(begin: int, end: int, source: float, source_length: float) -> Span | None:
    """Place a stretch of a picture so that a px shows the same in whatever strip it is painted.

    Qt walks through a picture in whole steps, from where the strip begins, and forgets what a step
    has beyond that. So the steps are made whole, which leaves out less than a step for each px.

    Parameters
    ----------
    begin, end : px of the plane to cover, half-open.
    source, source_length : of the picture, px.

    Returns
    -------
    None if there is no px to cover.
    """
    length = end - begin
    if length <= 0:
        return None
    stride, rest = divmod(round(source_length * _STEPS), length)
    return begin, length, source + rest // 2 / _STEPS, length * stride / _STEPS
