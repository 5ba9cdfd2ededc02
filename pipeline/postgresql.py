"""ML Metadata in PostgreSQL takes no text with a backslash in it: this store hides them."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from ml_metadata.metadata_store import MetadataStore

_BACKSLASH = "\\"
_STAND_IN = "\ue05c"
"""Of Unicode's private use area, where no text has its letters."""


class BackslashStore(MetadataStore):
    """A store whose texts hold a stand-in for every backslash, unseen by those who write and read them.

    MLMD quotes a text that PostgreSQL's client library has quoted already: with a backslash in it that becomes
    `'E'...''`, a syntax error (`EscapeString` in ml_metadata/metadata_store/postgresql_metadata_source.cc). JSON within
    JSON has such texts.
    """

    def _call(self, method_name: str, request: Message, response: Message, extra_options: Any = None) -> Any:
        if _BACKSLASH.encode() in request.SerializeToString():
            replace_in(request, _BACKSLASH, _STAND_IN)
        result = super()._call(method_name, request, response, extra_options)
        if _STAND_IN.encode() in response.SerializeToString():
            replace_in(response, _STAND_IN, _BACKSLASH)
        return result


def replace_in(message: Message, old: str, new: str) -> None:
    """Replaces a letter by another in every text of a message, those of its parts too."""
    for field, value in message.ListFields():
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for key in list(value):
                if isinstance(value[key], Message):
                    replace_in(value[key], old, new)
                elif isinstance(value[key], str):
                    value[key] = value[key].replace(old, new)
        elif field.type == field.TYPE_MESSAGE:
            for part in [value] if isinstance(value, Message) else value:
                replace_in(part, old, new)
        elif field.type == field.TYPE_STRING:
            if isinstance(value, str):
                setattr(message, field.name, value.replace(old, new))
            else:
                value[:] = [text.replace(old, new) for text in value]
