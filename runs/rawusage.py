"""Token counts inside a provider's own usage object, whatever the provider calls them."""

from __future__ import annotations

from collections.abc import Mapping

from runs.solver import Convention, RawUsage
from runs.values import count_of, dig
from spans.values import Value

_INPUT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "prompt_token_count", "promptTokenCount")
_OUTPUT = (
    "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidates_token_count",
    "candidatesTokenCount",
)  # fmt: skip
_TOTAL = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount", "total")
_READ = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("input_token_details", "cache_read"),
    ("inputTokenDetails", "cacheReadTokens"),
    ("cache_read_input_tokens",),
    ("cacheReadInputTokens",),
    ("cached_content_token_count",),
    ("cachedContentTokenCount",),
    ("cachedInputTokens",),
    ("cached_tokens",),
)
_WRITE = (
    ("cache_creation_input_tokens",),
    ("cacheWriteInputTokens",),
    ("input_token_details", "cache_creation"),
    ("inputTokenDetails", "cacheWriteTokens"),
)
_REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("output_token_details", "reasoning"),
    ("outputTokenDetails", "reasoningTokens"),
    ("thoughts_token_count",),
    ("thoughtsTokenCount",),
    ("reasoningTokens",),
    ("reasoning_tokens",),
)


def usage_in(raw: Value) -> RawUsage:
    """Counts of a provider's usage object (dialects reference, section 4.7.2, point 5).

    Anthropic and Bedrock count cached tokens beside the input; Gemini counts thoughts beside the output and tool
    prompts beside the prompt; the others count inclusively.
    """
    if not isinstance(raw, Mapping):
        return RawUsage()
    is_gemini = any(key in raw for key in ("prompt_token_count", "promptTokenCount"))
    is_anthropic = (
        "cache_creation_input_tokens" in raw
        or "cacheReadInputTokens" in raw
        or ("cache_read_input_tokens" in raw and "input_tokens" in raw and "total_tokens" not in raw)
    )
    given = _first(raw, _INPUT)
    if is_gemini and given is not None:
        given += count_of(raw.get("tool_use_prompt_token_count", raw.get("toolUsePromptTokenCount"))) or 0
    convention = Convention.EXCLUSIVE if is_anthropic and "prompt_tokens" not in raw else Convention.UNKNOWN
    return RawUsage(
        input=given,
        output=_first(raw, _OUTPUT),
        total=_first(raw, _TOTAL),
        cache_read=_path(raw, _READ),
        cache_write=_path(raw, _WRITE),
        cache_write_1h=count_of(dig(raw, "cache_creation", "ephemeral_1h_input_tokens")),
        reasoning=_path(raw, _REASONING),
        input_audio=count_of(dig(raw, "prompt_tokens_details", "audio_tokens")),
        output_audio=count_of(dig(raw, "completion_tokens_details", "audio_tokens")),
        input_convention=convention,
        output_convention=Convention.EXCLUSIVE if is_gemini else Convention.UNKNOWN,
    )


def _first(raw: Mapping[str, Value], keys: tuple[str, ...]) -> int | None:
    return next((found for found in (count_of(raw.get(key)) for key in keys) if found is not None), None)


def _path(raw: Mapping[str, Value], paths: tuple[tuple[str, ...], ...]) -> int | None:
    return next((found for found in (count_of(dig(raw, *path)) for path in paths) if found is not None), None)


def buckets(raw: Mapping[str, Value]) -> RawUsage:
    """Counts in separate buckets that begin with `input` or `output` (Langfuse); the total decides in doubt."""
    read = write = reasoning = 0
    given = made = 0
    extra_in = extra_out = 0
    for key, value in raw.items():
        count = count_of(value) or 0
        if key == "input":
            given = count
        elif key == "output":
            made = count
        elif "cache" in key and ("read" in key or "cached" in key):
            read += count
        elif "cache" in key:
            write += count
        elif "reasoning" in key:
            reasoning += count
        elif key.startswith("input"):
            extra_in += count
        elif key.startswith("output"):
            extra_out += count
    total = count_of(raw.get("total"))
    inclusive = total is not None and total == given + made and bool(read + write + reasoning + extra_in + extra_out)
    convention = Convention.INCLUSIVE if inclusive else Convention.EXCLUSIVE
    return RawUsage(
        input=given + (0 if inclusive else extra_in) if "input" in raw or extra_in or read or write else None,
        output=made + (0 if inclusive else extra_out) if "output" in raw or extra_out or reasoning else None,
        total=total,
        cache_read=read if any("cache" in key for key in raw) else None,
        cache_write=write or None,
        reasoning=reasoning if any("reasoning" in key for key in raw) else None,
        input_convention=convention,
        output_convention=convention,
    )
