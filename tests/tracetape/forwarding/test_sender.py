from __future__ import annotations

import base64
import threading

from spans.errors import BusyError
from tests.builders import a_clean_span, a_span, a_span_id
from tracetape.forwarding.otlp import count_of, request_of
from tracetape.forwarding.post import Answer, Verdict
from tracetape.forwarding.sender import POST_BYTES, Forwarder

TAKEN = Answer(Verdict.TAKEN)
LATER = Answer(Verdict.LATER, "The destination answered 503.")
REFUSED = Answer(Verdict.REFUSED, "The destination answered 400.")


class Main:
    """Main's side: one batch until it is advanced."""

    def __init__(self, *spans, taken=False, away=0):
        request = request_of([a_clean_span(span) for span in spans])
        body = base64.b64encode(request.SerializeToString()).decode()
        self.batch = {"done": {"position": 7}, "items": len(spans), "body": body, "taken": taken}
        self.advanced = []
        self.troubles = []
        self.away = away

    def __call__(self, verb, arguments):
        assert arguments["signal"] == "spans"
        if verb == "forward_next":
            return {} if self.advanced else self.batch
        if self.away:
            self.away -= 1
            raise BusyError("main is away")
        if verb == "forward_fail":
            self.troubles.append(arguments["trouble"])
        else:
            self.advanced.append((arguments["done"]["position"], arguments["sent"], arguments["refused"]))
        return {}


class Sink:
    """The other backend: answers in turn, then takes; refuses spans of some names."""

    def __init__(self, *answers, poison=()):
        self.answers = list(answers)
        self.poison = set(poison)
        self.names = []

    def __call__(self, request):
        names = [s.name for r in request.resource_spans for scoped in r.scope_spans for s in scoped.spans]
        if self.answers:
            return self.answers.pop(0)
        if self.poison & set(names):
            return REFUSED
        self.names += names
        return TAKEN


def some(*names):
    return [a_span(span_id=a_span_id(n + 1), name=name) for n, name in enumerate(names)]


def a_forwarder(main, sink):
    return Forwarder(main, sink, first_pause_s=0)


def test_the_offset_moves_after_the_destination_has_taken_the_batch():
    main, sink = Main(*some("a", "b")), Sink()
    assert a_forwarder(main, sink).step()
    assert (main.advanced, sink.names) == ([(7, 2, 0)], ["a", "b"])
    assert not a_forwarder(main, sink).step()


def test_a_busy_destination_is_tried_until_it_takes_and_the_trouble_is_told():
    main, sink = Main(*some("a")), Sink(LATER, LATER)
    assert a_forwarder(main, sink).step()
    assert (main.advanced, main.troubles) == ([(7, 1, 0)], [LATER.sentence] * 2)


def test_a_refused_batch_is_halved_until_the_bad_span_stands_alone():
    main, sink = Main(*some("a", "b", "bad", "c", "d")), Sink(poison=["bad"])
    assert a_forwarder(main, sink).step()
    assert (main.advanced, sink.names) == ([(7, 4, 1)], ["a", "b", "c", "d"])


def test_a_destination_that_refuses_everything_from_the_start_drops_nothing():
    main, sink = Main(*some("a")), Sink(REFUSED, REFUSED)
    assert a_forwarder(main, sink).step()
    assert (main.advanced, len(main.troubles), sink.names) == ([(7, 1, 0)], 2, ["a"])


def test_one_that_took_before_is_believed():
    main, sink = Main(*some("bad"), taken=True), Sink(poison=["bad"])
    assert a_forwarder(main, sink).step()
    assert main.advanced == [(7, 0, 1)]


def test_what_a_partial_success_rejected_is_counted():
    main, sink = Main(*some("a", "b")), Sink(Answer(Verdict.TAKEN, rejected=1))
    assert a_forwarder(main, sink).step()
    assert main.advanced == [(7, 1, 1)]


def test_a_large_batch_goes_in_parts_that_a_collector_takes():
    sizes = []
    big = [a_span(span_id=a_span_id(n + 1), attributes={"k": "x" * (POST_BYTES // 3)}) for n in range(6)]
    main = Main(*big)

    def post(request):
        sizes.append((request.ByteSize(), count_of(request)))
        return TAKEN

    assert a_forwarder(main, post).step()
    assert sum(n for _, n in sizes) == 6
    assert all(size <= POST_BYTES for size, _ in sizes)


def test_main_that_is_away_when_the_batch_has_arrived_is_told_when_it_is_back(monkeypatch):
    monkeypatch.setattr("tracetape.forwarding.sender.IDLE_S", 0.01)
    main, sink = Main(*some("a"), away=2), Sink()
    assert a_forwarder(main, sink).step()
    assert (main.advanced, sink.names) == ([(7, 1, 0)], ["a"])


def test_told_to_stop_it_leaves_without_moving_the_offset():
    main = Main(*some("a"))
    forwarder = Forwarder(main, lambda _request: (forwarder.stop(), LATER)[1])
    thread = threading.Thread(target=forwarder.run)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert main.advanced == []
