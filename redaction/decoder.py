"""spaCy's greedy entity decoding, exactly, but with one matrix product for all tokens outside entities.

spaCy scores three slots per token: itself, the first token of the open entity, the token before it inside an entity.
Outside an entity only the first slot varies, so all those scores are computed at once; only open entities are walked.
The recipe was measured to agree on every text; `presidio.py` still verifies it at start-up and falls back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Entity = tuple[int, int, str]
"""First character, end character, label."""

MAX_REMEMBERED_WORDS = 100_000
"""Embedding rows kept: 38 MB at 96 numbers each."""
_NEVER = np.float32(-1e30)


class FastDecoder:
    """Decodes entities of tokenised texts with the weights of a loaded spaCy pipeline.

    Raises:
        ValueError: the model is not of the shape this decoder knows.
    """

    def __init__(self, ner: Any) -> None:
        model = ner.model
        lower, upper, tok2vec = model.get_ref("lower"), model.get_ref("upper"), model.get_ref("tok2vec")
        weights = lower.get_param("W")
        slots, hidden, pieces, width = weights.shape
        if slots != 3 or len(tok2vec.layers) != 3 or model.attrs.get("has_upper") is False:
            raise ValueError("not a spaCy transition-based NER model with three slots")
        self._hidden, self._pieces = hidden, pieces
        self._slots = [np.ascontiguousarray(weights[slot].reshape(hidden * pieces, width)) for slot in range(slots)]
        self._bias: Matrix = lower.get_param("b")
        pad: Matrix = lower.get_param("pad")[0]
        self._outside_bias: Matrix = pad[1] + pad[2] + self._bias
        self._upper: Matrix = upper.get_param("W")
        self._upper_bias: Matrix = upper.get_param("b")
        self._embed = _Embedding(tok2vec)
        self._read_moves(ner)

    def _read_moves(self, ner: Any) -> None:
        """Names of the actions; `move_names` lacks one of them, so they are asked for one by one."""
        names = [str(ner.moves.get_class_name(index)) for index in range(ner.moves.n_moves)]
        if len(names) != self._upper.shape[0]:
            raise ValueError("the model has another number of actions than its transition system")
        self._kinds = [name[:1] for name in names]
        self._labels = [name[2:] for name in names]
        self._out = names.index("O")
        self._inside = {
            label: i for i, (kind, label) in enumerate(zip(self._kinds, self._labels, strict=True)) if kind == "I"
        }
        self._last = {
            label: i for i, (kind, label) in enumerate(zip(self._kinds, self._labels, strict=True)) if kind == "L"
        }
        begins = np.array([kind == "B" and bool(label) for kind, label in zip(self._kinds, self._labels, strict=True)])
        units = np.array([kind == "U" and bool(label) for kind, label in zip(self._kinds, self._labels, strict=True)])
        allowed = begins | units
        allowed[self._out] = True
        self._forbidden = np.flatnonzero(~allowed)
        self._begins = np.flatnonzero(begins)
        self._opening = np.flatnonzero(begins | units)

    def entities(self, docs: list[Any]) -> list[list[Entity]]:
        """Entities of tokenised texts, as spaCy's own `ner` would set them."""
        found: list[list[Entity]] = [[] for _ in docs]
        filled = [index for index, doc in enumerate(docs) if len(doc)]
        if not filled:
            return found
        kept = [docs[index] for index in filled]
        vectors = self._embed.vectors(kept)
        lengths = np.array([len(doc) for doc in kept])
        ends = np.cumsum(lengths)
        actions = self._outside_actions(vectors, kept, ends)
        self._walk(vectors, actions, kept, lengths, ends, [found[index] for index in filled])
        return found

    def _outside_actions(self, vectors: Matrix, docs: list[Any], ends: NDArray[np.int64]) -> NDArray[np.int64]:
        scores = self._score((vectors @ self._slots[0].T).reshape(-1, self._hidden, self._pieces) + self._outside_bias)
        scores[:, self._forbidden] = _NEVER
        spaces = np.flatnonzero(np.concatenate([doc.to_array("IS_SPACE") for doc in docs]))
        scores[np.ix_(spaces, self._opening)] = _NEVER
        scores[np.ix_(ends - 1, self._begins)] = _NEVER
        return np.asarray(scores.argmax(axis=1))

    def _score(self, features: Matrix) -> Matrix:
        hidden: Matrix = features.max(axis=2)
        scores: Matrix = hidden @ self._upper.T + self._upper_bias
        return scores

    def _walk(
        self, vectors: Matrix, actions: NDArray[np.int64], docs: list[Any], lengths: NDArray[np.int64],
        ends: NDArray[np.int64], found: list[list[Entity]],
    ) -> None:  # fmt: skip
        opened = np.flatnonzero(actions != self._out)
        owners = np.searchsorted(ends, opened, side="right")
        starts = ends - lengths
        free = 0
        for token, owner in zip(opened.tolist(), owners.tolist(), strict=True):
            if token < free:
                continue
            action = int(actions[token])
            label = self._labels[action]
            last = (
                token if self._kinds[action] == "U" else self._last_token(vectors, token, int(ends[owner]) - 1, label)
            )
            free = last + 1
            doc, base = docs[owner], int(starts[owner])
            left, right = doc[token - base], doc[last - base]
            found[owner].append((left.idx, right.idx + len(right), label))

    def _last_token(self, vectors: Matrix, first: int, end: int, label: str) -> int:
        """Follow an open entity until the model closes it; on the last token of a text it must."""
        inside, last = self._inside[label], self._last[label]
        from_first = self._slots[1] @ vectors[first]
        token = first + 1
        while token < end:
            features = self._slots[0] @ vectors[token] + from_first + self._slots[2] @ vectors[token - 1]
            hidden = (features.reshape(self._hidden, self._pieces) + self._bias).max(axis=1)
            stay = hidden @ self._upper[inside] + self._upper_bias[inside]
            close = hidden @ self._upper[last] + self._upper_bias[last]
            if close > stay or (close == stay and last < inside):
                break
            token += 1
        return token


class _Embedding:
    """Token vectors. The embedding of a word depends on the word alone and is remembered; the convolution is not."""

    def __init__(self, tok2vec: Any) -> None:
        inner, _, self._linear = tok2vec.layers
        embed, self._encode = inner.layers
        extract, _, hash_rows, mix, _ = embed.layers
        self._columns: list[Any] = list(extract.attrs["columns"])
        self._hash_rows = hash_rows.layers[0]
        self._mix = mix.layers[0]
        self._rows: dict[int, Matrix] = {}

    def vectors(self, docs: list[Any]) -> Matrix:
        """One row per token, all texts one after the other."""
        keys = np.concatenate([doc.to_array(["ORTH", "NORM"]) for doc in docs]).astype(np.uint64)
        mixed = (keys[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ keys[:, 1]
        words, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
        rows = self._words(words.tolist(), first, docs)[inverse.reshape(-1)]
        places = np.cumsum([0, *(len(doc) for doc in docs)]).tolist()
        encoded = self._encode.predict([rows[a:b] for a, b in pairwise(places)])
        vectors: Matrix = self._linear.predict(np.concatenate(encoded))
        return vectors

    def _words(self, words: list[int], first: NDArray[np.int64], docs: list[Any]) -> Matrix:
        known = [self._rows.get(word) for word in words]
        missing = [index for index, row in enumerate(known) if row is None]
        if missing:
            columns = np.concatenate([doc.to_array(self._columns) for doc in docs])
            fresh = self._mix.predict(self._hash_rows.predict(columns[first[missing]]))
            if len(self._rows) + len(missing) > MAX_REMEMBERED_WORDS:
                self._rows.clear()
            for index, row in zip(missing, fresh, strict=True):
                known[index] = self._rows[words[index]] = row.copy()
        return np.stack(known)  # type: ignore[arg-type]
