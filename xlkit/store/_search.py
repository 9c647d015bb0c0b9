"""Runs found by words, as somebody types them."""

from collections.abc import Callable, Iterable, Mapping

from xlkit.errors import InvalidValueError
from xlkit.policies import to_text
from xlkit.store._find import QUESTIONS
from xlkit.store._records import RunHead
from xlkit.store._remarks import Remark

_NOTHING = Remark()


def _of_head(ask: Callable[[RunHead], object]) -> Callable[[RunHead, Remark], object]:
    return lambda head, _: ask(head)


_FIELDS: Mapping[str, Callable[[RunHead, Remark], object]] = {
    **{name: _of_head(ask) for name, ask in QUESTIONS.items()},
    "policy": lambda head, _: to_text(head.start.policy),
    "tag": lambda _, remark: " ".join(remark.tags),
    "note": lambda _, remark: remark.note,
    "label": lambda head, _: " ".join(f"{name}={value}" for name, value in head.start.labels.items()),
}


class Searcher:
    """Keeps the words of many runs, so that each letter typed is answered at once.

    Parameters
    ----------
    heads : iterable of RunHead
        The runs.
    remarks : mapping of str to Remark
        What was said of them.
    """

    def __init__(self, heads: Iterable[RunHead], remarks: Mapping[str, Remark]) -> None:
        self.heads = list(heads)
        self._remarks = remarks
        self._texts = [_text(head, remarks.get(head.run_id, _NOTHING)) for head in self.heads]

    def search(self, text: str) -> list[RunHead]:
        """List the runs in which every word occurs; ``name:word`` asks one field alone."""
        words = text.lower().split()
        fields = [word.partition(":")[::2] for word in words if ":" in word]
        plain = [word for word in words if ":" not in word]
        for name, _ in fields:
            if name not in _FIELDS:
                raise InvalidValueError(f"A run has no {name!r} to search; it has {', '.join(_FIELDS)}.")
        return [
            head
            for head, known in zip(self.heads, self._texts, strict=True)
            if all(word in known for word in plain) and all(self._says(head, name, word) for name, word in fields)
        ]

    def _says(self, head: RunHead, name: str, word: str) -> bool:
        return word in str(_FIELDS[name](head, self._remarks.get(head.run_id, _NOTHING))).lower()


def _text(head: RunHead, remark: Remark) -> str:
    return "\n".join(str(ask(head, remark)) for ask in _FIELDS.values()).lower()
