"""Which networks can be solved from a teacher, in place of a start from random weights.

One row of `SOLVED_STARTS` each. What comes out is near to the teacher without, or nearly without,
gradients; the teaching goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import Architecture
from bachview.training.ridge import RGB, Likeness
from bachview.training.solved_densenet import initial_densenet
from bachview.training.solved_resnet import initial_resnet_from_lite0
from bachview.training.solved_start import initial_from_lite0


class Solve(Protocol):
    """Sets the weights of a student so that it gives nearly its teacher's maps.

    The same inputs give the same weights.

    Parameters
    ----------
    student, teacher : models of `bachview.models.architectures.build_cnn` of one input size; the
        teacher, an EfficientNetLite0, has its weights. The student's head is not touched.
    crops : (N, side, side, 3) RGB, of tissue, to solve with.
    held : (M, side, side, 3) RGB, of other patients, to measure on.
    on_block : called with the number of solved blocks, the top being the last, and their total.

    Raises
    ------
    Cancelled
        `token` was cancelled; the student's weights are then of no use.
    """

    def __call__(
        self,
        student: Any,
        teacher: Any,
        crops: RGB,
        held: RGB,
        *,
        token: CancelToken,
        on_block: Callable[[int, int], object],
    ) -> Likeness: ...


@dataclass(frozen=True, slots=True)
class SolvedStart:
    """How one architecture is solved.

    Attributes
    ----------
    text : says so in the model card, in the place of the text of random weights.
    step_px : it can be solved with views whose side is a multiple of this.
    """

    solve: Solve
    text: str
    step_px: int = 1


SOLVED_STARTS: Final[Mapping[Architecture, SolvedStart]] = {
    "efficientnet_b0": SolvedStart(
        initial_from_lite0,
        "kernels of EfficientNetLite0, whose blocks were solved by regression on views of tissue",
    ),
    "resnet50_v2": SolvedStart(
        initial_resnet_from_lite0,
        "kernels solved by regression from EfficientNetLite0 on views of tissue",
    ),
    "densenet121": SolvedStart(
        initial_densenet,
        "weights that regression found on views of tissue, layer by layer, from the maps of "
        "EfficientNetLite0",
        step_px=32,  # on others, maps are not of the teacher's size
    ),
}
