from __future__ import annotations

import pytest

from spans.errors import RefusedError
from tests.builders import a_run, a_span_id, a_step, a_trace_id
from web.links import OutLink, links_of_run, links_of_step, parse_links

TEXT = "Grafana=https://g.example.com/explore?left=a,b&trace={trace_id}, Logs of it=http://logs.example.com/{span_id}?from={start_ms}&to={end_ms}&s={service}"


def test_a_comma_inside_an_address_does_not_end_it():
    assert [link.name for link in parse_links(TEXT)] == ["Grafana", "Logs of it"]
    assert "left=a,b&trace=" in parse_links(TEXT)[0].template
    assert parse_links("") == ()


def test_a_run_is_linked_by_its_trace_and_a_step_by_its_span():
    run = a_run(run_id=a_trace_id(7), service="shop&x=1 /..")
    step = a_step(trace_id=a_trace_id(8), span_id=a_span_id(3), start_ns=5_000_000_000, duration_ns=2_000_000_000)
    [whole] = links_of_run(parse_links(TEXT), run)
    assert whole == OutLink("Grafana", f"https://g.example.com/explore?left=a,b&trace={a_trace_id(7)}")
    [one] = links_of_step(parse_links(TEXT), run, step)
    assert one.href == f"http://logs.example.com/{a_span_id(3)}?from=5000&to=7000&s=shop%26x%3D1%20%2F.."


@pytest.mark.parametrize(
    "text",
    [
        "Grafana",
        "=https://g.example.com",
        "Grafana=javascript:alert(1)",
        "Grafana=//g.example.com",
        "Grafana=https://{service}.example.com/",
        "Grafana=https://g.example.com/ x",
        'Grafana=https://g.example.com/"onclick=',
        "G" * 41 + "=https://g.example.com",
        "Grafana=https://g.example.com/{user_id}",
        "Grafana=https://[::1/",
        ",".join(f"L{n}=https://l.example.com" for n in range(13)),
    ],
)
def test_what_is_no_link_is_refused(text):
    with pytest.raises(RefusedError):
        parse_links(text)
