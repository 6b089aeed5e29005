from __future__ import annotations

from web.sparks import HEIGHT, WIDTH, heights, spark


def test_a_line_stays_in_its_box():
    line = spark([0, 5, None, 2, 10])
    points = [tuple(map(float, p.split(","))) for p in line.points.split()]
    assert len(points) == 4
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[-1] == (line.last_x, line.last_y)
    assert points[-1][1] < points[0][1]


def test_one_value_is_no_line():
    assert spark([None, 3, None]).points == ""
    assert spark([]).points == ""


def test_a_flat_line_is_a_line():
    assert len(spark([0, 0, 0]).points.split()) == 3


def test_something_is_never_drawn_as_nothing():
    assert heights([0, 1, 1000]) == (0.0, 4.0, 100.0)
    assert heights([]) == ()
