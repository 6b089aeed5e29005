from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tracetape.forwarding.post import LONGEST_WAIT_S, Verdict, address_of, answer_of


@pytest.mark.parametrize("code", [400, 413, 422])
def test_an_answer_about_the_content_is_for_good(code):
    assert answer_of(code, {}, b"").verdict is Verdict.REFUSED


@pytest.mark.parametrize("code", [301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504])
def test_an_answer_that_can_be_mended_is_tried_again(code):
    found = answer_of(code, {}, b"")
    assert found.verdict is Verdict.LATER
    assert str(code) in found.sentence


def test_a_redirect_is_named_and_not_followed():
    assert "final address" in answer_of(302, {"Location": "http://169.254.169.254/"}, b"").sentence


def test_a_destination_may_ask_for_time_but_not_for_ever():
    assert answer_of(503, {"Retry-After": "7"}, b"").wait_s == 7
    assert answer_of(429, {"Retry-After": "86400"}, b"").wait_s == LONGEST_WAIT_S
    assert answer_of(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"").wait_s == 0


def test_a_partial_success_is_read_and_another_language_is_a_whole_one():
    body = ExportTraceServiceResponse()
    body.partial_success.rejected_spans = 3
    assert answer_of(200, {}, body.SerializeToString()).rejected == 3
    assert answer_of(202, {}, b'{"ok": true}').rejected == 0


@pytest.mark.parametrize(
    "url", ["https://x.test", "https://x.test/", "https://x.test/v1/traces", "https://x.test/v1/logs"]
)
def test_each_signal_goes_to_its_own_path(url):
    assert (address_of(url, "spans"), address_of(url, "logs")) == ("https://x.test/v1/traces", "https://x.test/v1/logs")
    assert address_of("https://x.test/api/otlp?k=secret", "logs") == "https://x.test/api/otlp/v1/logs"


@pytest.mark.parametrize("code", [404, 405])
def test_a_destination_that_takes_no_log_records_is_told_how_to_be_left_alone(code):
    assert "TRACETAPE_FORWARD_LOGS=false" in answer_of(code, {}, b"", "logs").sentence
    assert "TRACETAPE_FORWARD_LOGS" not in answer_of(code, {}, b"", "spans").sentence


def test_log_records_that_a_partial_success_rejected_are_read():
    body = ExportLogsServiceResponse()
    body.partial_success.rejected_log_records = 2
    assert answer_of(200, {}, body.SerializeToString(), "logs").rejected == 2
