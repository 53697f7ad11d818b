"""Base of objects that their owner closes, by ``with`` or explicitly."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closable(ABC):
    """Something that is closed at the end of a ``with``."""

    @abstractmethod
    def close(self) -> None:
        """Release all resources; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
