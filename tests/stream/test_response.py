"""Answers are read out of the bytes that come, however they are cut, as RFC 9112 says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascar.stream.response import (
    MOST_HEAD_BYTES,
    MOST_TEXT_BYTES,
    BrokenAnswer,
    Response,
    ResponseReader,
)

TAKEN = b"HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n"
REFUSED = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 13\r\nRetry-After: 7\r\n\r\n{"error":"no"}'[:-1]
CHUNKED = (
    b"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\nwait\r\n6;note=x\r\n a bit\r\n0\r\nTrailer: 1\r\n\r\n"
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + TAKEN
UNTIL_END = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\nthe proxy is sad"

ANSWERS = {
    TAKEN: (204, b"", True),
    REFUSED: (400, b'{"error":"no"', True),
    CHUNKED: (503, b"wait a bit", True),
    CONTINUED: (204, b"", True),
    UNTIL_END: (502, b"the proxy is sad", False),
}


def read(*parts: bytes) -> Response | None:
    """The answer that `parts` and the end of the connection make; what is left over is an error."""
    reader = ResponseReader()
    for place, part in enumerate(parts):
        response = reader.feed(part)
        if response is not None:
            assert place == len(parts) - 1, "complete too early"
            return response
    return reader.end()


@given(st.sampled_from(sorted(ANSWERS)), st.data())
def test_an_answer_is_the_same_however_it_is_cut(answer: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    parts = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
    response = read(*(part for part in parts if part))
    assert response is not None
    assert (response.status, response.text, response.keeps_alive) == ANSWERS[answer]


@pytest.mark.parametrize("answer", [a for a in ANSWERS if a is not UNTIL_END])
def test_an_answer_that_breaks_off_is_none(answer: bytes) -> None:
    for length in range(len(answer)):
        assert read(answer[:length]) is None


def test_header_fields_are_found_by_their_lower_case_names() -> None:
    response = read(REFUSED)
    assert response is not None
    assert response.fields["retry-after"] == "7"
    assert response.reason == "Bad Request"


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_used_again_if_the_server_says_so(head: bytes, keeps_alive: bool) -> None:
    response = read(head + b"content-length: 2\r\n\r\nok")
    assert response is not None and response.keeps_alive == keeps_alive


def test_what_comes_behind_an_answer_ends_the_connection() -> None:
    response = ResponseReader().feed(TAKEN + TAKEN)
    assert response is not None and not response.keeps_alive


@pytest.mark.parametrize(
    "bytes_",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"x" * (MOST_HEAD_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * (MOST_HEAD_BYTES + 1),
    ],
)
def test_what_is_no_answer_is_refused(bytes_: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        ResponseReader().feed(bytes_)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 999999999\r\n\r\n",
        b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"FFFF\r\n" + b"y" * 0xFFFF + b"\r\nFFFF\r\n",
    ],
)
def test_a_server_that_talks_without_end_is_cut_short(head: bytes) -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 500 Oops\r\n" + head) is None
    for _ in range(40):
        response = reader.feed(b"y" * 10_000)
        if response is not None:
            break
    assert response is not None
    assert response.status == 500 and not response.keeps_alive
    assert len(response.text) <= MOST_TEXT_BYTES + 2**16


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 2\u00b20 OK", "HTTP/1.1 200 OK\r\nContent-Length: " + "9" * 5_000]
)
def test_numbers_that_are_none_are_refused_as_such(head: str) -> None:
    with pytest.raises(BrokenAnswer):
        ResponseReader().feed(head.encode("latin-1") + b"\r\n\r\n")
