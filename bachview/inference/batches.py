"""How many patches go to the models at once: as many as keep Cancel quick."""

#: A batch in the models cannot be interrupted, so it should take no longer than this.
TARGET_S = 0.3
_LARGEST = 64


class BatchSize:
    """Grows from a small first batch to the largest power of two that takes `TARGET_S`.

    The first colours come early, a slow processor still answers to Cancel within half a
    second, and a fast device gets batches that fill it. Powers of two, because engines
    prepare themselves for each size that they meet.
    """

    def __init__(self, first: int = 4) -> None:
        self.value = first
        self._rate: float | None = None

    def learn(self, patches: int, seconds: float) -> None:
        """Take in how long a batch took in the models."""
        if patches < self.value or seconds <= 0:
            return
        rate = patches / seconds
        # The first run of a size is slow (the engine prepares itself); a slower one later
        # counts at once, since Cancel must stay quick.
        self._rate = rate if self._rate is None else 0.5 * (self._rate + rate)
        if self._rate * TARGET_S >= 2 * self.value and self.value < _LARGEST:
            self.value *= 2
        elif self._rate * TARGET_S < 0.75 * self.value and self.value > 1:
            self.value //= 2
