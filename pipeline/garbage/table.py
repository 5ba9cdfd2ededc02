"""What a person reads of a collection."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pipeline.garbage.collection import FOUND, Collection
from pipeline.garbage.item import KINDS, Item


def print_collection(collection: Collection) -> None:
    """A table by kind: what goes, what stays and why."""
    verb = "to remove" if collection.status == FOUND else "removed"
    table = Table(box=None, pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column(verb, justify="right", no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("kept", justify="right", no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("for")
    kept = collection.kept()
    for kind in KINDS:
        going = [item for item in collection.unneeded if item.kind == kind]
        staying = [item for items in kept[kind].values() for item in items]
        if going or staying:
            reasons = ", ".join(f"{reason} {len(items)}" for reason, items in kept[kind].items())
            table.add_row(kind, str(len(going)), _bytes(going), str(len(staying)), _bytes(staying), reasons)
    console = Console()
    if table.rows:
        console.print(table)
    total = _readable(collection.num_bytes)
    if not collection.unneeded:
        print("there is nothing to remove")
    elif collection.status == FOUND:
        print(f"{total} to remove; nothing is removed yet: add --delete")
    else:
        print(f"{total} removed")


def _bytes(items: list[Item]) -> str:
    return _readable(sum(item.num_bytes for item in items)) if items else ""


def _readable(num_bytes: int) -> str:
    size = float(num_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
