"""Every cell once; the viewport first from its centre; then coarse to fine."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bachview.inference.order import PatchOrder


@given(
    arrays.arrays(np.bool_, st.tuples(st.integers(1, 70), st.integers(1, 70))),
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60), st.integers(0, 60)), max_size=20),
)
def test_every_cell_is_given_exactly_once(
    pending: np.ndarray, requests: list[tuple[int, int, int]]
) -> None:
    order = PatchOrder(pending)
    given_cells: list[tuple[int, int]] = []
    for count, row, column in requests:
        view = (slice(row, row + 9), slice(column, column + 9))
        given_cells += [(int(r), int(c)) for r, c in order.next(count, view)]
    while len(rest := order.next(64)):
        given_cells += [(int(r), int(c)) for r, c in rest]
    assert sorted(given_cells) == [(int(r), int(c)) for r, c in np.argwhere(pending)]
    assert len(order) == 0


def test_the_view_comes_first_from_its_middle() -> None:
    order = PatchOrder(np.ones((40, 40), np.bool_))
    cells = order.next(25, (slice(10, 15), slice(20, 25)))
    assert tuple(cells[0]) == (12, 22)
    assert {(int(r), int(c)) for r, c in cells} == {
        (r, c) for r in range(10, 15) for c in range(20, 25)
    }
    distances = np.hypot(cells[:, 0] - 12, cells[:, 1] - 22)
    assert (np.diff(distances) >= -1e-6).all()


def test_when_the_view_moves_its_new_cells_come_next() -> None:
    order = PatchOrder(np.ones((40, 40), np.bool_))
    order.next(4, (slice(0, 5), slice(0, 5)))
    (cell,) = order.next(1, (slice(30, 35), slice(30, 35)))
    assert tuple(cell) == (32, 32)


def test_the_rest_comes_coarse_to_fine() -> None:
    order = PatchOrder(np.ones((64, 64), np.bool_))
    first = order.next(16)
    assert (first[:4] % 32 == 0).all()
    assert (first % 16 == 0).all()


def test_cells_of_a_lattice_come_block_by_block() -> None:
    """Neighbours share the tiles that are decoded for them."""
    order = PatchOrder(np.ones((64, 96), np.bool_))
    cells = np.concatenate([order.next(100) for _ in range(62)])
    assert len(cells) == 64 * 96
    finest = cells[-64 * 96 * 3 // 4 :]
    assert (finest % 2).any(axis=1).all()
    for block in finest.reshape(-1, 16 * 16 * 3 // 4, 2):
        assert len(np.unique(block // 16, axis=0)) == 1


def test_a_large_view_comes_coarse_to_fine_from_its_middle() -> None:
    order = PatchOrder(np.ones((200, 300), np.bool_))
    rows, columns = slice(21, 93), slice(40, 104)
    inside = (rows.stop - rows.start) * (columns.stop - columns.start)
    cells = np.concatenate([order.next(1, (rows, columns)) for _ in range(inside)])
    assert len(np.unique(cells, axis=0)) == inside
    assert ((cells >= [rows.start, columns.start]) & (cells < [rows.stop, columns.stop])).all()
    # Every 32nd, then every 16th, ... of the rows and columns.
    fineness = [min(5, *(int(n & -n).bit_length() - 1 if n else 5 for n in c)) for c in cells]
    assert fineness == sorted(fineness, reverse=True)
    assert fineness[0] == 5
    middle = np.array([rows.start + rows.stop - 1, columns.start + columns.stop - 1]) / 2
    finest = np.hypot(*(cells[np.array(fineness) == 0] - middle).T)
    assert finest[:500].max() < finest[-500:].min()


def test_a_large_view_that_is_done_gives_way_to_the_rest() -> None:
    pending = np.zeros((200, 300), np.bool_)
    pending[150:, 250:] = True
    cells = PatchOrder(pending).next(10, (slice(0, 100), slice(0, 200)))
    assert len(cells) == 10
    assert pending[cells[:, 0], cells[:, 1]].all()
