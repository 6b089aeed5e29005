"""The only door to Presidio and spaCy: confirmations by recognisers, people and places by the language model."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any

from redaction.decoder import Entity, FastDecoder
from redaction.findings import Finding
from redaction.turns import Turns
from spans.errors import SettingsError

logger = logging.getLogger(__name__)

PLUGINS = "tracetape.recognizers"
"""Group of entry points in which a package offers recognisers of its own."""
BATCH = 64
"""Texts that go through the model together."""
BATCH_CHARS = 100_000
"""Characters that go through the model together: bounds memory when texts are long."""

_UNUSED_PIPES = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter")
_OWN_RECOGNISERS = {
    "CREDIT_CARD": "CreditCardRecognizer",
    "US_SSN": "UsSsnRecognizer",
    "CRYPTO": "CryptoRecognizer",
    "PHONE_NUMBER": "PhoneRecognizer",
}
_SAMPLE = (
    "Hi, this is Maria Gonzalez from Springfield. Please call Dr. Tobias Achterberg in Berlin before Friday.",
    "The order was shipped by Acme Corp. on 3 May 2024 to New Zealand; Barack Obama and Angela Merkel signed for it.",
    "error: connection to db-7 refused\n\n  retrying in 5s   (attempt 3 of 10)",
    "Hicks, Emily — emily.hicks@example.com, room 12, Hotel Adlon, Paris, France",
    "John",
    "  \n ",
    'Traceback (most recent call last): File "agent.py", line 12, in run_agent raise TimeoutError("Kafka")',
    "On Monday Sung-min Park and Anneke van der Berg visited the Empire State Building with 250 people for $1.5 million.",
)
"""Texts on which the fast decoder must agree with spaCy before it is used."""


class Recognisers:
    """Presidio's recognisers: a second opinion on candidates, and whole-text detection of entities opted into."""

    def __init__(self, entities: Iterable[str] = (), custom: Sequence[str] = (), plugins: Sequence[str] = ()) -> None:
        import tldextract
        from presidio_analyzer import PatternRecognizer, predefined_recognizers

        # Presidio's e-mail recogniser would fetch the list of public suffixes; the packaged copy is enough.
        tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # type: ignore[assignment]
        self._confirming: dict[str, Any] = {
            entity: getattr(predefined_recognizers, name)() for entity, name in _OWN_RECOGNISERS.items()
        }
        wanted = set(entities)
        self._whole: list[tuple[Any, list[str]]] = []
        for entry in custom:
            recogniser = _custom(PatternRecognizer, entry)
            self._whole.append((recogniser, list(recogniser.supported_entities)))
            wanted -= set(recogniser.supported_entities)
        for name in plugins:
            for recogniser in _plugin(name):
                own = sorted(wanted.intersection(recogniser.supported_entities))
                if not own:
                    named = ", ".join(recogniser.supported_entities)
                    raise SettingsError(f"The recogniser {name!r} finds {named}; name what is wanted under `entities`.")
                self._whole.append((recogniser, own))
                wanted -= set(own)
        self._whole.extend(_predefined(wanted))

    def confirm(self, entity: str, candidate: str) -> float:
        """The score for a candidate as a whole; 0 when the recogniser refuses it."""
        found = self._confirming[entity].analyze(candidate, [entity], None)
        return max(
            (float(result.score) for result in found if result.end - result.start >= len(candidate) - 2), default=0.0
        )

    def detect(self, text: str) -> Iterator[Finding]:
        """Values of the entities that the rules opted into."""
        for recogniser, entities in self._whole:
            for result in recogniser.analyze(text, entities, None):
                yield Finding(result.start, result.end, result.entity_type, float(result.score))

    @property
    def detects(self) -> bool:
        """Whether any entity was opted into."""
        return bool(self._whole)


def _custom(kind: Any, entry: str) -> Any:
    try:
        return kind.from_dict(json.loads(entry))
    except Exception as error:  # noqa: BLE001 - whatever Presidio dislikes about it, the operator must hear it
        raise SettingsError(f"A recogniser of the redaction rules cannot be used: {type(error).__name__}.") from None


def _plugin(name: str) -> Iterator[Any]:
    """The recognisers of an entry point: one, several, or something that makes them when called."""
    from presidio_analyzer import EntityRecognizer

    found = entry_points(group=PLUGINS, name=name)
    if not found:
        raise SettingsError(f"No installed package offers a recogniser {name!r} (entry points of {PLUGINS!r}).")
    for entry in found:
        try:
            made = entry.load()
            made = made() if callable(made) else made
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear it
            raise SettingsError(f"The recogniser {name!r} cannot be loaded: {type(error).__name__}.") from None
        for one in made if isinstance(made, (list, tuple)) else [made]:
            if not isinstance(one, EntityRecognizer):
                raise SettingsError(f"The recogniser {name!r} is no EntityRecognizer of Presidio.")
            yield one


def stop_words(language: str) -> frozenset[str]:
    """The commonest words of a language, as spaCy lists them.

    Raises:
        SettingsError: spaCy does not know the language.
    """
    try:
        words = importlib.import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS
    except ImportError:
        raise SettingsError(f"The language {language!r} of the redaction rules is not known.") from None
    return frozenset(word.lower() for word in words)


def _kinds() -> list[Any]:
    from presidio_analyzer import EntityRecognizer, predefined_recognizers

    named = (getattr(predefined_recognizers, name) for name in sorted(dir(predefined_recognizers)))
    return [kind for kind in named if isinstance(kind, type) and issubclass(kind, EntityRecognizer)]


def _predefined(wanted: set[str]) -> Iterator[tuple[Any, list[str]]]:
    if not wanted:
        return
    left = set(wanted)
    for kind in _kinds():
        try:
            recogniser = kind()
        except Exception:  # noqa: BLE001, S112 - recognisers of optional packages cannot be built; others can
            continue
        if recogniser.supported_language == "en" and (own := left.intersection(recogniser.supported_entities)):
            left -= own
            yield recogniser, sorted(own)
    if left:
        raise SettingsError(f"Redaction rules name unknown entities: {', '.join(sorted(left))}.")


class People:
    """The language model, reduced to its entity recogniser. May be asked by several threads; it reads for one at a time.

    Args:
        package: Name of an installed spaCy model package.
        fast: Use the exact batched decoder when it agrees with spaCy on this machine.

    Raises:
        SettingsError: the package is not installed or has no entity recogniser. Nothing is ever downloaded.
    """

    def __init__(self, package: str, *, fast: bool = True) -> None:
        if importlib.util.find_spec(package) is None:
            raise SettingsError(
                f"The language model {package!r} is not installed; install it with pip, or set `mode: rules`."
            )
        import spacy
        from thinc.api import NumpyOps
        from threadpoolctl import threadpool_limits

        self._turns = Turns()
        self._nlp: Any = spacy.load(package, exclude=list(_UNUSED_PIPES))
        if "ner" not in self._nlp.pipe_names:
            raise SettingsError(f"The language model {package!r} has no entity recogniser.")
        self._nlp.max_length = 10_000_000
        # NumPy's BLAS beats BLIS on these small matrices; more than one thread only burns time waiting.
        threadpool_limits(1)
        ner: Any = self._nlp.get_pipe("ner")
        for node in ner.model.walk():
            node.ops = NumpyOps(use_blis=False)
        self._fast = self._decoder() if fast else None

    def entities(self, texts: Sequence[str], *, first: bool = False) -> list[list[Entity]]:
        """Entities of each text, whatever the order or grouping of the texts.

        Args:
            texts: What to read.
            first: A person waits: read it after the batch at hand, before the other batches of other threads.
        """
        found: list[list[Entity]] = [[] for _ in texts]
        order = sorted(range(len(texts)), key=lambda index: (len(texts[index]), index))
        for batch in _batches(order, texts):
            with self._turns.taken(first=first):
                read = self._run([texts[index] for index in batch])
            for index, entities in zip(batch, read, strict=True):
                found[index] = entities
        return found

    @property
    def decodes_fast(self) -> bool:
        """Whether the batched decoder is in use."""
        return self._fast is not None

    def slow_entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Entities as spaCy itself decodes them."""
        return [
            [(entity.start_char, entity.end_char, entity.label_) for entity in doc.ents]
            for doc in self._nlp.pipe(list(texts), batch_size=BATCH)
        ]

    def _run(self, texts: list[str]) -> list[list[Entity]]:
        # spaCy keeps every word it ever saw unless it is told where they end: memory would grow with the traffic.
        with self._nlp.memory_zone():
            if self._fast is None:
                return self.slow_entities(texts)
            return self._fast.entities([self._nlp.make_doc(text) for text in texts])

    @property
    def words_kept(self) -> int:
        """Words in the model's vocabulary; it stays what it was when the model was loaded."""
        return len(self._nlp.vocab.strings)

    def _decoder(self) -> FastDecoder | None:
        """The fast decoder, if it says the same as spaCy on the sample."""
        try:
            self._fast = FastDecoder(self._nlp.get_pipe("ner"))
            agrees = (
                [self._run([text])[0] for text in _SAMPLE] == self.slow_entities(_SAMPLE) == self._run(list(_SAMPLE))
            )
        except Exception:  # noqa: BLE001 - another spaCy or model: use its own decoder
            agrees = False
        if not agrees:
            logger.warning("the fast entity decoder does not fit this model; spaCy's own is used")
            return None
        return self._fast


def _batches(order: list[int], texts: Sequence[str]) -> Iterator[list[int]]:
    batch: list[int] = []
    chars = 0
    for index in order:
        if batch and (len(batch) >= BATCH or chars + len(texts[index]) > BATCH_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(index)
        chars += len(texts[index])
    if batch:
        yield batch
