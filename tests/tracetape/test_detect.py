"""The verb `detect`: scores as rows come, and one sentence for a series that is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spans.errors import RefusedError
from tracetape.detect import Method, detect


def rows(values, step_s=3600):
    return ["ts,value", *(f"{n * step_s},{value}" for n, value in enumerate(values))]


def test_there_is_one_score_for_every_row():
    assert len(list(detect(Method.RECORD, rows(range(200))))) == 200
    assert len(list(detect(Method.SPEND, rows(range(200), step_s=300)))) == 200


def test_a_score_is_given_before_the_next_row_is_read():
    def endless():
        yield "ts,value"
        yield "0,1"
        pytest.fail("read ahead")

    assert next(detect(Method.RECORD, endless())) == 0.0


def test_a_surge_of_spend_scores_above_one():
    flat = [1.0 + 0.1 * (n % 7) for n in range(24 * 14)]
    *quiet, surge = detect(Method.SPEND, rows([*flat, 40.0]))
    assert max(quiet) < 1 < surge


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "line 1 must be the header"),
        (["time,value"], "line 1 must be the header"),
        (["ts,value", "0"], "line 2 has 1 columns"),
        (["ts,value", "0,1,2"], "line 2 has 3 columns"),
        (["ts,value", "0,1", "", "x,1"], "line 4: ts is 'x'"),
        (["ts,value", "0,nan"], "line 2: value is 'nan'"),
        (["ts,value", "0,inf"], "line 2: value is 'inf'"),
        (["ts,value", "nan,1"], "line 2: ts is 'nan'"),
        (["ts,value", "1e18,1"], "line 2: ts is '1e18'"),
        (["ts,value", '0,"1'], "not CSV text"),
        (["ts,value", "0," + "9" * 200_000], "not CSV text"),
    ],
)
def test_a_bad_series_is_refused_with_its_line(lines, sentence):
    with pytest.raises(RefusedError, match=sentence):
        list(detect(Method.RECORD, lines))


def test_hours_of_spend_do_not_go_back_but_a_clock_may():
    assert len(list(detect(Method.RECORD, ["ts,value", "9000,1", "8000,1"]))) == 2
    with pytest.raises(RefusedError, match="line 3: time goes back"):
        list(detect(Method.SPEND, ["ts,value", "9000,1", "8000,1"]))


def test_spend_is_never_negative():
    assert list(detect(Method.RECORD, ["ts,value", "0,-1"])) == [0.0]
    with pytest.raises(RefusedError, match="line 2: value is '-1'"):
        list(detect(Method.SPEND, ["ts,value", "0,-1"]))


def run(method, sent):
    command = [sys.executable, "-m", "tracetape", "detect", "--method", method]
    return subprocess.run(command, input=sent, capture_output=True, check=False)


def test_the_command_prints_scores():
    done = run("record", b"ts,value\n0,1\n1,2\n")
    assert (done.returncode, done.stdout) == (0, b"0.0\n0.0\n")


@pytest.mark.parametrize(("method", "sent"), [("record", b"oops"), ("median", b""), ("spend", b"ts,value\n0,\xff\n")])
def test_the_command_refuses_with_one_sentence_and_code_two(method, sent):
    done = run(method, sent)
    assert done.returncode == 2
    assert done.stderr.startswith(b"tracetape: ")
    assert done.stderr.count(b"\n") == 1
