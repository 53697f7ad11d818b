"""The results store of one open slide, opened when it is first needed."""

import threading

from bachview.config import user_folders
from bachview.errors import StoreError
from bachview.store.results import ResultStore
from bachview.store.schema import store_name


class SlideResults:
    """Opens the store on first use. Any thread but the GUI thread, as it reads a file."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._store: ResultStore | None = None
        self._closed = False

    def existing(self) -> ResultStore | None:
        """The store if this slide was ever classified; looking creates no file.

        Raises
        ------
        StoreError
            It exists but cannot be read.
        """
        path = user_folders().results / store_name(self._fingerprint)
        with self._lock:
            if (self._store is None or not self._store.is_open) and not path.exists():
                return None
        return self.opened()

    def opened(self) -> ResultStore:
        """The store, created if there is none.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        with self._lock:
            if self._closed:
                raise StoreError("The slide is closed; its results are saved.")
            if self._store is None or not self._store.is_open:
                self._store = ResultStore.open(user_folders().results, self._fingerprint)
            return self._store

    def opened_or_temporary(self) -> tuple[ResultStore, str]:
        """The store; if none can be written, one in memory and a sentence that says so."""
        try:
            store = self.opened()
        except StoreError as error:
            with self._lock:
                if self._closed:
                    raise
                self._store = ResultStore.in_memory(self._fingerprint)
                return self._store, f"{error} Results are kept only until the slide is closed."
        return store, store.notice or ""

    def close(self) -> None:
        """Close the file; later use raises `StoreError`."""
        with self._lock:
            self._closed = True
            store, self._store = self._store, None
        if store is not None:
            store.close()
