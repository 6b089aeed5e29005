"""What is remembered stays within its bytes and tells nothing."""

from __future__ import annotations

from redaction.memory import Hasher, Memory


def test_it_forgets_the_least_recently_used_first():
    memory = Memory(1_500)
    for name in (b"a", b"b", b"c"):
        memory.keep(name, name, 100)
    memory.get(b"a")
    memory.keep(b"d", b"d", 100)
    assert [memory.get(name) for name in (b"a", b"b", b"c", b"d")] == [b"a", None, b"c", b"d"]


def test_it_never_exceeds_its_bytes():
    memory = Memory(2_000)
    for number in range(100):
        memory.keep(bytes([number]), number, number)
        assert memory.bytes <= 2_000
    assert len(memory) > 1


def test_an_entry_larger_than_the_memory_is_not_kept():
    memory = Memory(500)
    memory.keep(b"a", 1, 1_000)
    assert len(memory) == 0


def test_keeping_again_replaces():
    memory = Memory(1_000)
    memory.keep(b"a", 1, 10)
    memory.keep(b"a", 2, 20)
    assert (memory.get(b"a"), len(memory), memory.bytes) == (2, 1, 420)


def test_keys_depend_on_space_text_and_process():
    one, other = Hasher(), Hasher()
    assert one(b"p", "x") == one(b"p", "x")
    assert len({one(b"p", "x"), one(b"q", "x"), one(b"p", "y"), other(b"p", "x"), one(b"", "p\0x")}) == 5


def test_half_characters_can_be_hashed():
    assert Hasher()(b"", "\ud83d")
