"""What people add to a run after it was recorded: tags and a note, beside the record and never in it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xlkit.errors import InvalidValueError
from xlkit.store._files import make_folder, told

FILE_NAME = "remarks.ndjson"  # not .jsonl, which is a journal's
_LONGEST_TAG = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What was said of a run.

    Parameters
    ----------
    tags : tuple of str, default ()
        Words to find it by, in the order of the alphabet.
    note : str, default ""
        Free text.
    """

    tags: tuple[str, ...] = ()
    note: str = ""


def read_remarks(folder: Path) -> dict[str, Remark]:
    """Read what was said of each run; the last word on a run counts, and a line cut off by a crash is passed over."""
    path = folder / FILE_NAME
    try:
        with told("read", path, may_be_gone=True):
            lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return dict(said for said in map(_said, lines) if said is not None)


def write_remark(folder: Path, run_id: str, remark: Remark) -> None:
    """Append what is said of a run from now on; several processes may do so at once."""
    make_folder(folder)
    line = json.dumps({"run_id": run_id, "tags": remark.tags, "note": remark.note}, ensure_ascii=True)
    path = folder / FILE_NAME
    # One write of one line that begins with a line break: a line cut off by a crash does not swallow it.
    with told("write", path), path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Refuse what could not be searched for as one word."""
    words = [tags] if isinstance(tags, str) else list(tags)
    for word in words:
        if len(word.split()) != 1 or len(word) > _LONGEST_TAG:
            raise InvalidValueError(f"A tag is one word of at most {_LONGEST_TAG} letters, not {word!r}.")
    return tuple(sorted(set(words)))


def _said(line: str) -> tuple[str, Remark] | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, Mapping) or not isinstance(data.get("run_id"), str):
        return None
    tags = data.get("tags")
    known = tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()
    return data["run_id"], Remark(tags=known, note=str(data.get("note", "")))
