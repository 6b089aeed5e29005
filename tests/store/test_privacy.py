"""The field a note is about."""

from __future__ import annotations

import pytest

from store.privacy import field_of


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/attributes/gen_ai.input.messages/0/content", "gen_ai.input.messages"),
        ("/attributes/a~1b~0c", "a/b~c"),
        ("/resource/attributes/host.name", "resource host.name"),
        ("/events/3/attributes/exception.message", "event exception.message"),
        ("/links/0/trace_state", "link trace_state"),
        ("/events/0/name", "event name"),
        ("/status/message", "status message"),
        ("/scope/name", "scope name"),
        ("/body/0", "body"),
        ("/name", "name"),
        ("", ""),
    ],
)
def test_a_path_names_its_field(path, field):
    assert field_of(path) == field
