"""Each wire format by itself: the exact request, and what every part of an answer means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.decisions.narrative.prompt import Prompt, Turn
from reports.narration.providers.base import (
    MAX_OUTPUT_TOKENS,
    Access,
    Call,
    ModelError,
    Reply,
    at,
    count_at,
    text_at,
    word_at,
)
from reports.narration.providers.registry import PROVIDERS

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "string"}}, "b": {"type": "string", "enum": ["s1"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
PROMPT = Prompt("Rules.", (Turn("user", "{}"),))
REPAIR = Prompt("Rules.", (Turn("user", "{}"), Turn("assistant", "Wrong."), Turn("user", "Again.")))


def call(provider: str, prompt: Prompt = PROMPT, **changes: str) -> Call:
    """Return the request of a provider."""
    values = {"model": "m-1", "base_url": "https://models.example/base", "api_key": "k3y", **changes}
    return PROVIDERS[provider].call(Access(**values), prompt, SCHEMA)


def read(provider: str, content: Any) -> Reply:
    """Return what an answer says."""
    return PROVIDERS[provider].read(content)


def failure(provider: str, content: Any) -> ModelError:
    """Return why an answer is not used."""
    with pytest.raises(ModelError) as error:
        read(provider, content)
    return error.value


# --- Requests


def test_openai_is_asked_for_a_strict_schema() -> None:
    asked = call("openai", REPAIR)

    assert asked.url == "https://models.example/base/chat/completions"
    assert asked.headers == {"Authorization": "Bearer k3y"}
    assert asked.body == {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Rules."},
            {"role": "user", "content": "{}"},
            {"role": "assistant", "content": "Wrong."},
            {"role": "user", "content": "Again."},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "narrative", "strict": True, "schema": SCHEMA},
        },
        "max_completion_tokens": MAX_OUTPUT_TOKENS,
    }


def test_lm_studio_is_asked_as_openai_with_the_older_limit_and_without_a_key() -> None:
    asked = call("lm_studio", api_key="")

    assert asked.headers == {}
    assert (asked.body["max_tokens"], "max_completion_tokens" in asked.body) == (MAX_OUTPUT_TOKENS, False)


def test_anthropic_is_asked_to_use_a_tool() -> None:
    asked = call("anthropic", REPAIR)

    assert asked.url == "https://models.example/base/v1/messages"
    assert asked.headers == {"x-api-key": "k3y", "anthropic-version": "2023-06-01"}
    assert asked.body == {
        "model": "m-1",
        "max_tokens": MAX_OUTPUT_TOKENS,
        "system": "Rules.",
        "messages": [
            {"role": "user", "content": "{}"},
            {"role": "assistant", "content": "Wrong."},
            {"role": "user", "content": "Again."},
        ],
        "tools": [{"name": "write_narrative", "description": "Hand in the narrative.", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "write_narrative"},
    }


def test_google_is_asked_in_its_own_dialect() -> None:
    asked = call("google", REPAIR)

    assert asked.url == "https://models.example/base/models/m-1:generateContent"
    assert asked.headers == {"x-goog-api-key": "k3y"}
    assert asked.body == {
        "systemInstruction": {"parts": [{"text": "Rules."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "{}"}]},
            {"role": "model", "parts": [{"text": "Wrong."}]},
            {"role": "user", "parts": [{"text": "Again."}]},
        ],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseSchema": {
                "type": "OBJECT",
                "properties": {
                    "a": {"type": "ARRAY", "items": {"type": "STRING"}},
                    "b": {"type": "STRING", "enum": ["s1"]},
                },
                "required": ["a", "b"],
                "propertyOrdering": ["a", "b"],
            },
            "maxOutputTokens": MAX_OUTPUT_TOKENS,
        },
    }


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-2.5-flash", {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", None),
    ],
)
def test_google_models_that_may_leave_thinking_are_told_to(model: str, thinking: Any) -> None:
    assert call("google", model=model).body["generationConfig"].get("thinkingConfig") == thinking


@pytest.mark.parametrize(
    ("provider", "model", "path"),
    [
        ("google", "models/gemini-x", "/base/models/gemini-x:generateContent"),
        ("google", "tuned/a:b", "/base/models/tuned%2Fa%3Ab:generateContent"),
        ("bedrock", "eu.vendor.model-v1:0", "/base/model/eu.vendor.model-v1%3A0/converse"),
        ("bedrock", "arn:aws:bedrock:x/y", "/base/model/arn%3Aaws%3Abedrock%3Ax%2Fy/converse"),
    ],
)
def test_a_models_name_cannot_change_the_path(provider: str, model: str, path: str) -> None:
    assert call(provider, model=model).url == f"https://models.example{path}"


def test_ollama_is_asked_for_the_schema_unstreamed() -> None:
    asked = call("ollama", api_key="")

    assert (asked.url, asked.headers) == ("https://models.example/base/api/chat", {})
    assert asked.body["messages"] == [{"role": "system", "content": "Rules."}, {"role": "user", "content": "{}"}]
    assert (asked.body["format"], asked.body["stream"], asked.body["options"]["temperature"]) == (SCHEMA, False, 0)


def test_ollama_is_given_room_for_the_whole_prompt() -> None:
    long = Prompt("r" * 30_000, PROMPT.turns)

    assert call("ollama", long).body["options"]["num_ctx"] >= 10_000 + MAX_OUTPUT_TOKENS


def test_bedrock_is_asked_to_use_a_tool() -> None:
    asked = call("bedrock")

    assert asked.headers == {"Authorization": "Bearer k3y"}
    assert asked.body == {
        "system": [{"text": "Rules."}],
        "messages": [{"role": "user", "content": [{"text": "{}"}]}],
        "inferenceConfig": {"maxTokens": MAX_OUTPUT_TOKENS},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "write_narrative",
                        "description": "Hand in the narrative.",
                        "inputSchema": {"json": SCHEMA},
                    }
                }
            ],
            "toolChoice": {"tool": {"name": "write_narrative"}},
        },
    }


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("base", "start", "query"),
    [
        ("https://m.example", "https://m.example/", ""),
        ("https://m.example/", "https://m.example/", ""),
        ("https://m.example/v9?api-version=1", "https://m.example/v9/", "?api-version=1"),
    ],
)
def test_the_bases_path_and_query_are_kept(provider: str, base: str, start: str, query: str) -> None:
    url = call(provider, base_url=base).url

    assert url.startswith(start)
    assert url.endswith(query)
    assert url.count("?") == (1 if query else 0)
    assert "//" not in url.removeprefix("https://")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_requests_are_utf8_and_show_no_key(provider: str) -> None:
    asked = call(provider, Prompt("Règles – “ü”", PROMPT.turns))

    assert "Règles – “ü”".encode() in asked.encoded()
    assert json.loads(asked.encoded()) == asked.body
    assert "k3y" not in repr(asked)


# --- Answers


def openai(message: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """Return an answer of chat completions."""
    return {"choices": [{"message": message, "finish_reason": finish}], **more}


@pytest.mark.parametrize(
    ("provider", "content", "expected"),
    [
        ("openai", openai({"content": "x"}), Reply("x")),
        ("openai", openai({"content": "x"}, usage={"prompt_tokens": 3, "completion_tokens": 4}), Reply("x", 3, 4)),
        ("openai", openai({"content": None}), Reply("")),
        ("openai", openai({"content": [{"text": "x"}]}), Reply("")),
        ("openai", openai({"content": "x"}, usage={"prompt_tokens": -3, "completion_tokens": True}), Reply("x")),
        ("openai", {"choices": []}, Reply("")),
        ("anthropic", {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, Reply("ab")),
        ("anthropic", {"content": [{"type": "thinking", "text": "hm"}, {"type": "text", "text": "b"}]}, Reply("b")),
        (
            "anthropic",
            {"content": [{"type": "text", "text": "Here:"}, {"type": "tool_use", "input": {"a": "ü"}}]},
            Reply('{"a": "ü"}'),
        ),
        (
            "anthropic",
            {
                "content": [{"type": "text", "text": "x"}],
                "usage": {
                    "input_tokens": 1, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300,
                    "output_tokens": 4,
                },
            },
            Reply("x", 321, 4),
        ),
        ("anthropic", {"content": [{"type": "tool_use", "input": "no object"}, None, 7]}, Reply("")),
        ("google", {"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b"}]}}]}, Reply("ab")),
        (
            "google",
            {
                "candidates": [
                    {"content": {"parts": [{"text": "hm", "thought": True}, {"text": "b"}]}, "finishReason": "STOP"}
                ],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 6, "thoughtsTokenCount": 70},
            },
            Reply("b", 5, 76),
        ),
        ("google", {"candidates": [{"content": {"parts": [{"inlineData": {}}]}}]}, Reply("")),
        ("ollama", {"message": {"content": "x"}, "prompt_eval_count": 8, "eval_count": 9}, Reply("x", 8, 9)),
        ("ollama", {"message": "x"}, Reply("")),
        ("ollama", {"error": "no such model"}, Reply("")),
        (
            "bedrock",
            {
                "output": {"message": {"content": [{"reasoningContent": {}}, {"toolUse": {"input": {"a": 1}}}]}},
                "usage": {"inputTokens": 10, "outputTokens": 11},
            },
            Reply('{"a": 1}', 10, 11),
        ),
        ("bedrock", {"output": {"message": {"content": [{"text": "x"}]}}}, Reply("x")),
        ("bedrock", {}, Reply("")),
    ],
)  # fmt: skip
def test_an_answer_is_read(provider: str, content: Any, expected: Reply) -> None:
    assert read(provider, content) == expected


@pytest.mark.parametrize(
    ("provider", "content", "kind", "words"),
    [
        ("openai", openai({"refusal": "I cannot."}), "refusal", "refused to write."),
        ("openai", openai({"content": "x"}, "content_filter"), "refusal", "(content_filter)"),
        ("openai", openai({"content": "x"}, "length"), "cut_off", "cut off"),
        ("anthropic", {"stop_reason": "refusal"}, "refusal", "refused to write."),
        ("anthropic", {"stop_reason": "max_tokens"}, "cut_off", "cut off"),
        ("anthropic", {"stop_reason": "model_context_window_exceeded"}, "cut_off", "cut off"),
        ("google", {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "refusal", "(PROHIBITED_CONTENT)"),
        ("google", {"candidates": [{"finishReason": "SAFETY"}]}, "refusal", "(SAFETY)"),
        ("google", {"candidates": [{"finishReason": "RECITATION"}]}, "refusal", "(RECITATION)"),
        ("google", {"candidates": [{"finishReason": "MAX_TOKENS"}]}, "cut_off", "cut off"),
        ("google", {"candidates": [{"finishReason": "STOP"}]}, "empty", "empty"),
        ("google", {"candidates": []}, "empty", "empty"),
        ("ollama", {"message": {"content": "{"}, "done_reason": "length"}, "cut_off", "cut off"),
        ("bedrock", {"stopReason": "guardrail_intervened"}, "refusal", "(guardrail_intervened)"),
        ("bedrock", {"stopReason": "content_filtered"}, "refusal", "(content_filtered)"),
        ("bedrock", {"stopReason": "max_tokens"}, "cut_off", "cut off"),
    ],
)
def test_an_answer_that_is_none_says_why(provider: str, content: Any, kind: str, words: str) -> None:
    error = failure(provider, content)

    assert error.kind == kind
    assert words in error.reason
    assert not error.is_transient


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "choices", "message", "content", "finish_reason", "usage", "candidates", "parts", "text", "output",
                "toolUse", "input", "type", "stopReason", "stop_reason", "promptFeedback", "usageMetadata", "refusal",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    st.sampled_from(sorted(PROVIDERS)),
    st.dictionaries(st.sampled_from(["choices", "content", "candidates", "output", "message"]), anything),
)
def test_an_answer_of_any_shape_is_read_or_refused(provider: str, content: dict[str, Any]) -> None:
    try:
        reply = PROVIDERS[provider].read(content)
    except ModelError as error:
        reply = Reply(error.reason)

    assert isinstance(reply.text, str)


# --- Looking into answers


@pytest.mark.parametrize(
    ("content", "path", "found"),
    [
        ({"a": [{"b": 1}]}, ("a", 0, "b"), 1),
        ({"a": [{"b": 1}]}, ("a", -1, "b"), 1),
        ({"a": [{"b": 1}]}, ("a", 1, "b"), None),
        ({"a": []}, ("a", 0), None),
        ({"a": "text"}, ("a", 0), None),
        ({"a": None}, ("a", "b", "c"), None),
        (None, ("a",), None),
        ([1, 2], ("a",), None),
        ({"a": 1}, (), {"a": 1}),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(content: Any, path: tuple[str | int, ...], found: Any) -> None:
    assert at(content, *path) == found


@pytest.mark.parametrize(
    ("value", "count"),
    [(0, 0), (7, 7), (-1, None), (True, None), (1.5, None), ("7", None), (None, None), (10**9, None)],
)
def test_a_count_is_a_sane_number(value: Any, count: int | None) -> None:
    assert count_at({"n": value}, "n") == count


@pytest.mark.parametrize(
    ("value", "word"),
    [("max_tokens", "max_tokens"), ("SAFETY", "SAFETY"), ("a sentence", ""), ("sk-123", ""),
     ("ab", ""), (None, ""), ("x" * 61, "")],
)  # fmt: skip
def test_a_word_is_repeated_only_if_it_is_plain(value: Any, word: str) -> None:
    assert word_at({"w": value}, "w") == word
    assert text_at({"w": value}, "w") == (value if isinstance(value, str) else "")
