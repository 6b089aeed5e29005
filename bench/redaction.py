"""Redaction against stock Presidio: quality on labelled texts, speed on new text and on agent traffic.

    python -m bench.redaction [--labelled texts.jsonl] [--stock-kb 60] [--turns 3 8 20]
    python -m bench.redaction --generate 1500 --turns --write    (recall on texts of bench/held_out.py, kept for the Redaction page)
    python -m bench.redaction --agree 3600 --turns               (the model's entities against stock's and spaCy's own)

Labelled texts are JSON lines `{"text", "spans": [{"start", "end", "type"}]}`. All speeds are KB of UTF-8 per second of
processor time, and every ratio is taken within this run: read the ratios.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.held_out import make
from redaction.engine import Item, Models, Redactor
from redaction.leaves import cut
from redaction.measured import FILE
from redaction.names import LABELS
from redaction.rules import ENGINE, Mode, RedactionRules
from spans.fields import FieldClass

COVERED = 0.8
"""Share of a value's characters that must be hidden for it to count as found."""
NAMES = [
    "Maria Gonzalez",
    "Tobias Achterberg",
    "Sung-min Park",
    "Anneke van der Berg",
    "Olena Shevchenko",
    "Priya Raman",
]
TOPICS = [
    "a refund of my annual plan",
    "a parcel that never came",
    "a wrong invoice",
    "a change of address",
    "a lost card",
]


def key_for(project: str) -> bytes:
    return project.encode().ljust(32, b"k")


def main() -> None:
    options = parsed()
    redactor = Redactor(RedactionRules.default(), key_for)
    redactor.self_check()
    stock = build_stock(redactor.rules.model)
    if options.generate:
        documents = make(options.seed, options.generate)
        found = labelled(f"generated, seed {options.seed}", documents, redactor, stock, options.stock_kb)
        if options.write:
            write_measurement(options, documents, found)
    elif options.labelled:
        documents = [json.loads(line) for line in options.labelled.read_text(encoding="utf-8").splitlines()]
        labelled(options.labelled.name, documents, redactor, stock, options.stock_kb)
    else:
        print("quality: no labelled texts given (--labelled)")
    if options.agree:
        agreement(redactor, stock, options.agree, options.seed)
    for turns in options.turns:
        traffic(turns, redactor.rules, stock, options.stock_kb)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--generate", type=int, default=0, help="measure on so many texts of bench/held_out.py")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--write", action="store_true", help="keep the recall for the Redaction page")
    parser.add_argument("--stock-kb", type=int, default=60, help="how much text stock gets; it is slow")
    parser.add_argument("--agree", type=int, default=0, help="compare the model's entities on so many agent texts")
    parser.add_argument("--turns", type=int, nargs="*", default=[3, 8, 20])
    return parser.parse_args()


def agreement(redactor: Redactor, stock: Any, count: int, seed: int) -> None:
    """The model's entities as redaction reads them, against stock's whole pipeline and against spaCy's own decoder.

    The texts are the pieces redaction shows the model: strings of generated agent texts and of growing conversations.
    """
    people = redactor.models.people
    if people is None:
        raise SystemExit("The language model is not loaded.")
    rng = random.Random(seed)
    whole = [document["text"] for document in make(seed, count)]
    whole += [text for _ in range(20) for span in conversation(rng, 8) for text in span.values()]
    pieces = dict.fromkeys(leaf.text for text in whole for leaf in cut(text) if " " in leaf.text and len(leaf.text) > 8)
    texts = rng.sample(list(pieces), min(count, len(pieces)))
    fast, slow = people.entities(texts), people.slow_entities(texts)
    equal = sum(ours == theirs for ours, theirs in zip(fast, slow, strict=True))
    print(f"decoder: {equal} of {len(texts)} texts equal to spaCy's own, {sum(map(len, slow))} entities")
    pipeline = stock.nlp_engine.nlp["en"]
    whole_pipeline = [
        {(entity.start_char, entity.end_char, entity.label_) for entity in doc.ents}
        for doc in pipeline.pipe(texts, batch_size=64)
    ]
    for name, labels in (("all labels", None), ("people and places", LABELS)):
        ours, theirs, both = 0, 0, 0
        for mine, stocks in zip(fast, whole_pipeline, strict=True):
            left = {entity for entity in mine if labels is None or entity[2] in labels}
            right = {entity for entity in stocks if labels is None or entity[2] in labels}
            ours, theirs, both = ours + len(left), theirs + len(right), both + len(left & right)
        print(f"agreement with stock, {name}: F1 {2 * both / (ours + theirs):.5f} ({ours} ours, {theirs} stock's)")


def build_stock(model: str) -> Any:
    """AnalyzerEngine as its documentation sets it up, on the same spaCy model."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    labels = {
        "PER": "PERSON",
        "PERSON": "PERSON",
        "GPE": "LOCATION",
        "LOC": "LOCATION",
        "FAC": "LOCATION",
        "DATE": "DATE_TIME",
        "TIME": "DATE_TIME",
        "NORP": "NRP",
    }
    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": model}],
        "ner_model_configuration": {"model_to_presidio_entity_mapping": labels, "labels_to_ignore": ["ORG", "CARDINAL", "MONEY", "ORDINAL", "PERCENT", "PRODUCT", "QUANTITY", "WORK_OF_ART", "EVENT", "LANGUAGE", "LAW"]},
    }  # fmt: skip
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
    engine.analyze("warm up for John Smith", "en")
    return engine


def labelled(name: str, documents: list[Any], redactor: Redactor, stock: Any, stock_kb: int) -> dict[str, list[Any]]:
    """Recall, false findings and speed on labelled texts, ours and stock's."""
    texts = [document["text"] for document in documents]
    seconds = cost(redactor, texts)
    found = {text: list(redactor.explain("bench", text)) for text in texts}
    sample = up_to(texts, stock_kb)
    start = time.process_time()
    theirs = {text: [(r.start, r.end, r.entity_type) for r in stock.analyze(text, "en")] for text in sample}
    stock_speed = kilobytes(sample) / (time.process_time() - start)
    print(f"{name}: {len(documents)} texts, {kilobytes(texts):.0f} KB; stock on the first {len(sample)}")
    report("ours", documents, found)
    report("stock", documents[: len(sample)], theirs)
    print(
        f"new text: ours {kilobytes(texts) / seconds:.0f} KB/s, stock {stock_speed:.1f} KB/s, x{kilobytes(texts) / seconds / stock_speed:.1f}"
    )
    rules = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())
    seconds = cost(rules, texts)
    print(f"rules only: {kilobytes(texts) / seconds:.0f} KB/s, x{kilobytes(texts) / seconds / stock_speed:.1f}")
    return found


def write_measurement(options: argparse.Namespace, documents: list[Any], found: dict[str, list[Any]]) -> None:
    total, hit, false, _ = score(documents, found)
    measured = {
        "engine": ENGINE,
        "texts": len(documents),
        "seed": options.seed,
        "recall": [[kind, round(hit[kind] / count, 4), count] for kind, count in sorted(total.items())],
        "false_findings_per_400": round(400 * sum(false.values()) / len(documents), 1),
    }
    FILE.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


def cost(redactor: Redactor, texts: list[str]) -> float:
    """Seconds to redact texts that were never seen."""
    return timed(lambda: clean(redactor, [("", {"content": text}) for text in texts]))


Scores = tuple[collections.Counter[str], collections.Counter[str], collections.Counter[str], float]


def score(documents: list[Any], found: dict[str, list[Any]]) -> Scores:
    """Planted values, found ones, false findings, and the percentage of characters hidden wrongly."""
    total: collections.Counter[str] = collections.Counter()
    hit: collections.Counter[str] = collections.Counter()
    false: collections.Counter[str] = collections.Counter()
    wrong = characters = 0
    for document in documents:
        text, spans = document["text"], document["spans"]
        findings = found.get(text, [])
        hidden = {place for start, end, *_ in findings for place in range(start, end)}
        characters += len(text)
        for span in spans:
            total[span["type"]] += 1
            covered = sum(place in hidden for place in range(span["start"], span["end"]))
            hit[span["type"]] += covered >= COVERED * (span["end"] - span["start"])
        for start, end, entity, *_ in findings:
            if not any(span["start"] < end and start < span["end"] for span in spans):
                false[entity] += 1
                wrong += end - start
    return total, hit, false, 100 * wrong / characters


def report(name: str, documents: list[Any], found: dict[str, list[Any]]) -> None:
    total, hit, false, wrong = score(documents, found)
    rows = ", ".join(f"{kind} {hit[kind] / count:.3f}" for kind, count in sorted(total.items()))
    print(f"  {name}: recall {sum(hit.values()) / sum(total.values()):.3f} ({rows})")
    print(
        f"  {name}: false findings {sum(false.values())} in {len(documents)} texts, {wrong:.2f} % of characters; {dict(false.most_common(5))}"
    )


def traffic(turns: int, rules: RedactionRules, stock: Any, stock_kb: int) -> None:
    """Conversations that repeat their history in every call, as agents send them."""
    rng = random.Random(turns)
    spans: list[Call] = [(str(run), span) for run in range(12) for span in conversation(rng, turns)]
    texts = [text for _, span in spans for text in span.values()]
    redactor = Redactor(rules, key_for)
    clean(redactor, [("", {"content": "warm up for John Smith"})])
    batches = [spans[place : place + 128] for place in range(0, len(spans), 128)]
    seconds = timed(lambda: [clean(redactor, batch) for batch in batches])
    sample = up_to(rng.sample(texts, len(texts)), stock_kb)
    stock_seconds = timed(lambda: [stock.analyze(text, "en") for text in sample])
    ours, theirs = kilobytes(texts) / seconds, kilobytes(sample) / stock_seconds
    size = kilobytes(texts) / len(spans)
    print(
        f"{turns} turns: {size:.1f} KB/span, ours {ours:.0f} KB/s = {len(spans) / seconds:.0f} spans/s, stock {theirs:.1f} KB/s, x{ours / theirs:.0f}"
    )


def conversation(rng: random.Random, turns: int) -> Iterable[dict[str, str]]:
    """Spans of one run: model calls with a growing history, tool calls with JSON results."""
    system = "You are the refund agent of Northwind. Be brief, be kind, never promise a refund above 500 USD. " * 12
    tools = json.dumps(
        [
            {"type": "function", "name": name, "description": f"Use {name} to help a customer. " * 6}
            for name in ("lookup_customer", "search_docs", "execute_refund")
        ]
    )
    history: list[dict[str, Any]] = [{"role": "system", "content": system}]
    for turn in range(turns):
        name, number = rng.choice(NAMES), rng.randrange(10**6)
        mail = f"{name.split()[0].lower()}{number}@example.com"
        history.append(
            {
                "role": "user",
                "content": f"Hello, I am {name} ({mail}). I need help with {rng.choice(TOPICS)}, order ORD-{number}, {rng.random() * 900:.2f} USD, turn {turn}.",
            }
        )
        arguments = json.dumps({"customer_email": mail, "order_id": f"ORD-{number}"})
        result = json.dumps(
            {
                "name": name,
                "email": mail,
                "phone": f"+1 (212) 555-0{number % 200:03d}",
                "orders": [{"id": f"ORD-{number + n}", "total": rng.random()} for n in range(5)],
                "note": f"{name} called twice about {rng.choice(TOPICS)}.",
            }
        )
        yield {
            "gen_ai.input.messages": json.dumps(history),
            "gen_ai.tool.definitions": tools,
            "gen_ai.output.messages": arguments,
            "gen_ai.request.model": "gpt-4o-mini",
        }
        history.append(
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": f"call_{number}", "function": {"name": "lookup_customer", "arguments": arguments}}
                ],
            }
        )
        history.append({"role": "tool", "tool_call_id": f"call_{number}", "content": result})
        yield {
            "gen_ai.tool.name": "lookup_customer",
            "gen_ai.tool.call.arguments": arguments,
            "gen_ai.tool.call.result": result,
        }


Call = tuple[str, dict[str, str]]
"""The run a span belongs to, and its values by key."""


def clean(redactor: Redactor, spans: Iterable[Call]) -> None:
    items = [
        Item(text, key, FieldClass.CONTENT, "", group, run)
        for group, (run, values) in enumerate(spans)
        for key, text in values.items()
    ]
    redactor.redact(items, "bench")


def up_to(texts: list[str], kb: int) -> list[str]:
    sample: list[str] = []
    for text in texts:
        if sample and kilobytes(sample) + kilobytes([text]) > kb:
            continue
        sample.append(text)
        if kilobytes(sample) > 0.9 * kb:
            break
    return sample


def kilobytes(texts: Iterable[str]) -> float:
    return sum(len(text.encode("utf-8", "replace")) for text in texts) / 1024


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
