"""A gzip file unpacked as a stream, which knows at damage how much it took in and how much it gave out."""

from __future__ import annotations

import io
import os
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# To zlib: the largest window, with gzip's header and checksum around it.
_GZIP_WINDOW = 31
_PIECE = 1 << 14


class Gunzip(io.RawIOBase):
    """The unpacked bytes of a gzip file of one or several members, with zeros behind them or without.

    Reading raises zlib.error at damage, once all bytes before it were given out, and EOFError where the file is cut
    off. To be wrapped in io.BufferedReader.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Takes a seekable file, opened for reading bytes, at its start."""
        self.num_packed = 0
        """Bytes of the file that were unpacked."""
        self.num_unpacked = 0
        """Bytes that were given out."""
        self._file = file
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        self._is_between = True
        self._packed = b""
        self._failure: Exception | None = None

    @property
    def num_left(self) -> int:
        """About how many bytes the rest of the file would unpack to: as many from each byte as until here."""
        place = self._file.tell()
        packed = self._file.seek(0, os.SEEK_END) - self.num_packed
        self._file.seek(place)
        # Where nothing was unpacked yet, a packed byte stands for one at least.
        return packed * max(self.num_unpacked, self.num_packed, 1) // max(self.num_packed, 1)

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Unpacks at least a byte, but at the end none."""
        view = memoryview(buffer)
        unpacked = b""
        while not unpacked and self._has_more():
            unpacked = self._unpack(len(view))
        view[: len(unpacked)] = unpacked
        self.num_unpacked += len(unpacked)
        return len(unpacked)

    def _has_more(self) -> bool:
        """Reads a piece of the file where none is at hand, and finds the next member where one has ended."""
        if self._failure is not None:
            raise self._failure
        if self._inflate.eof:
            self._inflate, self._is_between = zlib.decompressobj(_GZIP_WINDOW), True
        self._packed = self._packed or self._file.read(_PIECE)
        while self._is_between and self._packed:
            rest = self._packed.lstrip(b"\0")
            self.num_packed += len(self._packed) - len(rest)
            self._is_between = not rest
            self._packed = rest or self._file.read(_PIECE)
        return not self._is_between

    def _unpack(self, limit: int) -> bytes:
        piece, before = self._packed, self._inflate.copy()
        try:
            unpacked = self._inflate.decompress(piece, limit)
        except zlib.error as error:
            self._failure = error
            return self._rescue(before, piece)
        self._packed = self._inflate.unconsumed_tail or self._inflate.unused_data
        self.num_packed += len(piece) - len(self._packed)
        if not piece and not unpacked and not self._inflate.eof:
            self._failure = EOFError("it ends before its end-of-stream marker")
        return unpacked

    def _rescue(self, inflate: zlib._Decompress, piece: bytes) -> bytes:
        """What a piece holds before its damage: zlib gives none of it where it fails, so it gets byte by byte."""
        rescued = []
        try:
            for place in range(len(piece)):
                rescued.append(inflate.decompress(piece[place : place + 1]))
                self.num_packed += 1
        except zlib.error:
            pass
        return b"".join(rescued)
