"""The HTTP session against real HTTP on loopback: what comes back, what is refused, and with which words."""

import gzip
import inspect
import json
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, json_answer
from sandbox.server import RunningServer, running
from sources.core.dataset import Provider
from sources.core.errors import Failure, SourceError
from sources.core.http import STAND_IN, USER_AGENT, HttpLimits, Session
from sources.core.pacing import Pace, pace_of
from sources.core.payload import Payload
from tests.unit.sources.scripted import answer, scripted

HOST = "api.example.com"
URL = f"https://{HOST}/data"
PROVIDER = Provider("example", "Example", f"https://{HOST}", (HOST, "www.example.com"), 60, "", True)
KEYED = replace(PROVIDER, key_header="X-Key")
KEY = "s3cr3t-0123456789"
CLOCK = datetime(2026, 2, 7, 0, 20, tzinfo=UTC)
GOOD = b'{"rows":[1,2,3]}'
# The first piece waits for nothing, so that no test does.
QUICK = replace(STAND_IN, backoff_s=0.0)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    columns = {"time": [datetime(2026, 2, 6, hour) for hour in range(3)], "open": [50.0, 51.0, 52.0]}
    pl.DataFrame({**columns, **dict.fromkeys(("high", "low", "close"), columns["open"])}).write_parquet(
        folder / "dvol_1h.parquet"
    )
    return folder


def echo(question: ProviderRequest) -> Response:
    return json_answer(
        {"clock": question.clock.isoformat(), "params": dict(question.params), "body": question.body.decode()}
    )


@pytest.fixture
def stand_in(market: Path) -> Callable[..., AbstractContextManager[RunningServer]]:
    def start(faults: str | None = None) -> AbstractContextManager[RunningServer]:
        return running(market, faults=faults, routes={f"GET {HOST}/data": echo, f"POST {HOST}/data": echo})

    return start


def failure_of(
    *says: bytes | Callable[..., None], limits: HttpLimits = QUICK, provider: Provider = PROVIDER
) -> SourceError:
    with scripted(*says) as server, pytest.raises(SourceError) as caught:
        Session(provider, upstream=server.base_url, limits=limits).get(URL)
    return caught.value


# What is sent


def test_stand_in_sees_path_params_clock_and_who_asks(stand_in):
    with stand_in() as upstream, Session(PROVIDER, upstream=upstream.base_url, clock=CLOCK) as session:
        payload = session.get(URL, {"limit": 5, "flag": True, "left_out": None})
        seen = upstream.requests[-1]
    assert json.loads(payload.body)["clock"] == "2026-02-07T00:20:00"
    assert payload.url == URL
    assert payload.params == {"limit": "5", "flag": "true"}
    assert payload.fetched_at == CLOCK
    assert (seen.host, seen.path, seen.params) == (HOST, "data", {"limit": "5", "flag": "true"})
    assert seen.clock == "2026-02-07T00:20:00Z"
    assert seen.user_agent == USER_AGENT
    assert USER_AGENT.startswith("Leadline/")


def test_posted_body_is_kept_in_the_params(stand_in):
    with stand_in() as upstream:
        payload = Session(PROVIDER, upstream=upstream.base_url).post(URL, {"a": [1, 2]})
    assert payload.params == {"body": '{"a":[1,2]}'}
    assert json.loads(payload.body)["body"] == '{"a":[1,2]}'


def test_same_session_at_another_instant(stand_in):
    with stand_in() as upstream:
        session = Session(PROVIDER, upstream=upstream.base_url, clock=CLOCK)
        later = session.at(CLOCK + timedelta(hours=6))
        assert later.get(URL).fetched_at == CLOCK + timedelta(hours=6)
        assert session.now() == CLOCK
        assert later.traffic is session.traffic
    with pytest.raises(ValueError, match="stand-in"):
        Session(PROVIDER).at(CLOCK)
    with pytest.raises(ValueError, match="stand-in"):
        Session(PROVIDER, clock=CLOCK)
    with pytest.raises(ValueError, match="aware"):
        Session(PROVIDER, upstream="http://127.0.0.1:1", clock=datetime(2026, 2, 7))


def test_without_clock_the_machine_says_when():
    before = datetime.now(UTC)
    assert before <= Session(PROVIDER, upstream="http://127.0.0.1:1").now() <= datetime.now(UTC)


def test_headers_of_the_answer_are_kept_without_cookies():
    with scripted(answer(GOOD, ETag='"abc"', Set_Cookie="session=1")) as server:
        payload = Session(PROVIDER, upstream=server.base_url).get(URL)
    assert payload.headers["etag"] == '"abc"'
    assert not [name for name in payload.headers if "cookie" in name.lower()]


def test_connection_is_kept_between_requests():
    def twice(connection) -> None:
        connection.sendall(answer(GOOD, Connection=""))
        connection.recv(65_536)
        connection.sendall(answer(b"[]"))

    with scripted(twice) as server, Session(PROVIDER, upstream=server.base_url) as session:
        assert [session.get(URL).body for _ in range(2)] == [GOOD, b"[]"]
        assert len(server.received) == 1  # one connection
    assert session.traffic.requests == 2
    assert session.traffic.bytes == len(GOOD) + 2


# Where a request may go


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/data",
        "https://evil.example.org/data",
        "https://api.example.com.evil.org/data",
        "https://user:word@api.example.com/data",
        "https://api.example.com:8443/data",
        "https://api.example.com\\@evil.org/data",
        "https://169.254.169.254/latest",
        "https://api.example.com/da ta",
        "https://api.example.com:x/",
        "ftp://api.example.com/data",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_https_on_the_providers_hosts(url):
    with pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream="http://127.0.0.1:1").get(url)
    assert caught.value.failure is Failure.UNSAFE


@pytest.mark.parametrize(
    "upstream",
    [
        "http://169.254.169.254/",
        "http://example.com:80",
        "https://127.0.0.1:8000",
        "http://127.0.0.1",
        "http://127.0.0.1:8000/path",
        "http://127.0.0.1:8000?x=1",
        "http://user:word@127.0.0.1:8000",
        "http://127.0.0.1:port",
        "http://127.0.0.1.evil.org:80",
        "file:///tmp",
        "ftp://127.0.0.1:21",
        "",
    ],
)
def test_stand_in_only_on_loopback(upstream):
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:8000") as caught:
        Session(PROVIDER, upstream=upstream)
    assert caught.value.failure is Failure.UNSAFE


def test_redirect_within_the_provider_is_followed():
    moved = answer(b"", "302 Found", Location="https://www.example.com/new?page=2")
    with scripted(moved, answer(GOOD)) as server:
        payload = Session(PROVIDER, upstream=server.base_url).get(URL, {"page": 1})
    assert payload.body == GOOD
    assert payload.url == URL
    assert server.received[1].startswith("GET /www.example.com/new?page=2 ")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.org/",
        "http://api.example.com/data",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "//evil.org/x",
    ],
)
def test_redirect_elsewhere_is_refused(target):
    error = failure_of(answer(b"", "301 Moved Permanently", Location=target))
    assert error.failure is Failure.MOVED
    assert "redirects to" in error.what


def test_redirect_in_a_circle_ends():
    assert failure_of(answer(b"", "302 Found", Location=URL)).failure is Failure.MOVED


def test_redirect_of_a_post_is_refused():
    with scripted(answer(b"", "307 Temporary Redirect", Location=URL)) as server, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=server.base_url).post(URL, {})
    assert caught.value.failure is Failure.MOVED


def test_there_is_no_switch_to_turn_certificate_checks_off():
    assert not [name for name in inspect.signature(Session).parameters if "verify" in name or "insecure" in name]
    with pytest.raises(ValueError, match="LEADLINE_CA_BUNDLE"):
        Session(PROVIDER, ca_bundle="/nowhere/bundle.pem")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key in one file, for another host than ours."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(pem)
    return file


@pytest.fixture
def provider_behind_proxy(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The live provider, reached through a proxy as the environment says, with a certificate of its own making."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted(answer(GOOD), tls=tls) as server:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, server.base_url)
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield certificate


def test_unknown_certificate_is_refused(provider_behind_proxy):
    with pytest.raises(SourceError, match="LEADLINE_CA_BUNDLE") as caught:
        Session(PROVIDER, pace=Pace(None), limits=QUICK).get(URL)
    assert caught.value.failure is Failure.OUTAGE


def test_certificate_for_another_host_is_refused(provider_behind_proxy):
    session = Session(PROVIDER, pace=Pace(None), limits=QUICK, ca_bundle=str(provider_behind_proxy))
    with pytest.raises(SourceError, match="certificate"):
        session.get("https://www.example.com/data")


def test_live_request_with_a_ca_bundle_of_ones_own(provider_behind_proxy):
    session = Session(PROVIDER, pace=Pace(None), limits=QUICK, ca_bundle=str(provider_behind_proxy))
    assert session.get(URL).body == GOOD


# Keys


def test_keyed_provider_without_key_asks_nobody(stand_in):
    with stand_in() as upstream:
        with pytest.raises(SourceError, match="LEADLINE_KEY_EXAMPLE") as caught:
            Session(KEYED, upstream=upstream.base_url).get(URL)
        assert caught.value.failure is Failure.NEEDS_KEY
        assert upstream.requests == []


def test_key_travels_in_its_header_and_appears_nowhere_else():
    kept: list[Payload] = []
    echoed = answer(f'{{"message":"{KEY} is no key"}}'.encode(), "401 Unauthorized", ETag=KEY)
    with scripted(echoed) as server, pytest.raises(SourceError) as caught:
        Session(KEYED, key=KEY, upstream=server.base_url, receive=kept.append).get(URL)
    assert caught.value.failure is Failure.BAD_KEY
    assert f"X-Key: {KEY}" in server.received[0]
    assert server.received[0].count(KEY) == 1
    assert KEY not in f"{caught.value}{caught.value!r}{kept}{kept[0].body!r}"


def test_short_word_given_to_a_stand_in_is_not_cut_out_of_answers():
    with scripted(answer(GOOD)) as server:
        payload = Session(KEYED, key="rows", upstream=server.base_url).get(URL, {"rows": 3})
    assert payload.body == GOOD


@pytest.mark.parametrize("place", [{"params": {"api_key": KEY}}, {"headers": {"Authorization": KEY}}])
def test_key_elsewhere_is_refused_without_printing_it(place):
    session = Session(KEYED, key=KEY, upstream="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="in its header") as caught:
        session.get(URL, **place)
    assert KEY not in str(caught.value)


# Retries


def test_outage_then_success_gives_one_payload_and_two_landings():
    kept: list[Payload] = []
    with scripted(answer(b"busy", "503 Service Unavailable"), answer(GOOD)) as server:
        payload = Session(PROVIDER, upstream=server.base_url, receive=kept.append, limits=QUICK).get(URL)
    assert payload.body == GOOD
    assert [landed.status for landed in kept] == [503, 200]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 408])
def test_outage_is_retried_a_bounded_number_of_times(status):
    with scripted(answer(b"", f"{status} Sorry")) as server, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=server.base_url, limits=QUICK).get(URL)
    assert caught.value.failure is Failure.OUTAGE
    assert len(server.received) == QUICK.attempts


def test_connection_refused_is_an_outage_after_all_attempts():
    waits: list[float] = []
    session = Session(
        PROVIDER, upstream="http://127.0.0.1:1", limits=HttpLimits(attempts=4, backoff_s=1), sleep=waits.append
    )
    with pytest.raises(SourceError) as caught:
        session.get(URL)
    assert caught.value.failure is Failure.OUTAGE
    assert len(waits) == 3
    assert all(0 <= wait <= longest for wait, longest in zip(waits, (1, 2, 4), strict=True))


def waits_for(retry_after: str, limits: HttpLimits) -> tuple[list[float], SourceError]:
    waits: list[float] = []
    told = answer(b"slow down", "429 Too Many Requests", Retry_After=retry_after)
    with scripted(told) as server, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=server.base_url, limits=limits, sleep=waits.append).get(URL)
    assert caught.value.failure is Failure.THROTTLED
    return waits, caught.value


PATIENT = HttpLimits(attempts=2, backoff_s=0.0, patience_s=10_000)


def test_retry_after_in_seconds():
    assert waits_for("7", PATIENT)[0] == [7.0]


def test_retry_after_as_a_date():
    told = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert waits_for(told, PATIENT)[0] == [pytest.approx(28, abs=3)]


def test_retry_after_ten_years_ahead_is_capped():
    told = format_datetime(datetime.now(UTC) + timedelta(days=3650), usegmt=True)
    assert waits_for(told, PATIENT)[0] == [900.0]
    assert waits_for("315360000", PATIENT)[0] == [900.0]


@pytest.mark.parametrize("told", ["-5", "soon", "1e99", "Mon, 99 Foo 2026", ""])
def test_retry_after_that_says_nothing_falls_back_to_the_usual_pause(told):
    assert waits_for(told, PATIENT)[0] == [0.0]


def test_longer_wait_than_our_patience_ends_at_once_and_says_how_long():
    waits, error = waits_for("600", replace(PATIENT, patience_s=60))
    assert waits == []
    assert error.retry_after_s == 600


def test_used_up_quota_is_not_retried():
    error = failure_of(answer(b'{"msg":"Monthly quota exceeded."}', "429 Too Many Requests"))
    assert error.failure is Failure.QUOTA


# What the status and the body say

CLOUDFRONT = (
    b"<!DOCTYPE HTML><HTML><BODY><H1>403 ERROR</H1>The Amazon CloudFront distribution is configured to block access "
    b"from your country.</BODY></HTML>"
)
HTML = {"Content_Type": "text/html"}


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (answer(b'{"code":0,"msg":"restricted location"}', "451 Unavailable For Legal Reasons"), Failure.BLOCKED),
        (answer(CLOUDFRONT, "403 Forbidden", **HTML), Failure.BLOCKED),
        (answer(b"Forbidden", "403 Forbidden", Content_Type="text/plain"), Failure.BLOCKED),
        (answer(b"<html>wait</html>", "503 Unavailable", cf_mitigated="challenge", **HTML), Failure.BLOCKED),
        (answer(b"<title>Just a moment...</title>", "403 Forbidden", **HTML), Failure.BLOCKED),
        (answer(b"", "401 Unauthorized"), Failure.BLOCKED),
        (answer(b"access too frequent", "403 Forbidden", Content_Type="text/plain"), Failure.THROTTLED),
        (answer(b'{"ret_msg":"access too frequent"}', "403 Forbidden"), Failure.THROTTLED),
        (answer(b"", "418 I'm a teapot", Retry_After="500"), Failure.THROTTLED),
        (answer(b"gone", "404 Not Found"), Failure.MOVED),
        (answer(b"", "404 Not Found", Content_Encoding="gzip"), Failure.MOVED),
        (answer(b"gone", "410 Gone"), Failure.MOVED),
        (answer(b'{"code":-1121,"msg":"Invalid symbol."}', "400 Bad Request"), Failure.REFUSED),
        (answer(b"no", "422 Unprocessable"), Failure.REFUSED),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Failure.NO_DATA),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Failure.NOT_DATA),
        (answer(b"half", "206 Partial Content"), Failure.OUTAGE),
        (answer(b"<!DOCTYPE html><html>captcha</html>", **HTML), Failure.BLOCKED),
        (answer(GOOD, **HTML), Failure.BLOCKED),
        (answer(b"  <html><body>Stooq</body></html>", Content_Type="text/csv"), Failure.BLOCKED),
    ],
)
def test_blocked_moved_refused_and_outage_are_told_apart(said, failure):
    error = failure_of(said)
    assert error.failure is failure
    assert error.advice
    assert "<" not in error.what


@pytest.mark.parametrize("status", [401, 403, 451, 404, 410, 400])
def test_what_will_not_get_better_is_not_asked_twice(status):
    with scripted(answer(b"", f"{status} No")) as server, pytest.raises(SourceError):
        Session(PROVIDER, upstream=server.base_url, limits=QUICK).get(URL)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (answer(b'{"message":"invalid key"}', "403 Forbidden"), Failure.BAD_KEY),
        (answer(CLOUDFRONT, "403 Forbidden", **HTML), Failure.BLOCKED),
    ],
)
def test_refused_key_is_told_from_a_blocked_address(said, failure):
    with scripted(said) as server, pytest.raises(SourceError) as caught:
        Session(KEYED, key=KEY, upstream=server.base_url).get(URL)
    assert caught.value.failure is failure


def test_web_page_is_fine_where_one_is_asked_for():
    with scripted(answer(b"<html><table></table></html>", **HTML)) as server:
        payload = Session(PROVIDER, upstream=server.base_url).get(URL, accept=("text/html",))
    assert payload.body.startswith(b"<html>")
    assert "Accept: text/html" in server.received[0]


def check_code(payload: Payload) -> None:
    code = json.loads(payload.body).get("code")
    if code == 50011:
        raise SourceError(Failure.THROTTLED, "code 50011")
    if code == 51001:
        raise SourceError(Failure.REFUSED, "code 51001: unknown instrument")


CHECKED = replace(PROVIDER, check=check_code)


def test_provider_knows_its_errors_in_an_answer_with_a_fine_status():
    kept: list[Payload] = []
    with scripted(answer(b'{"code":50011}'), answer(GOOD)) as server:
        payload = Session(CHECKED, upstream=server.base_url, receive=kept.append, limits=QUICK).get(URL)
    assert payload.body == GOOD
    assert len(kept) == 2  # landed before it was judged
    assert failure_of(answer(b'{"code":51001}'), provider=CHECKED).failure is Failure.REFUSED


def test_provider_knows_its_errors_better_than_the_status():
    error = failure_of(answer(b'{"code":51001}', "404 Not Found"), provider=CHECKED)
    assert error.failure is Failure.REFUSED
    assert error.what == "code 51001: unknown instrument"
    assert failure_of(answer(b'{"other":1}', "404 Not Found"), provider=CHECKED).failure is Failure.MOVED


def test_error_text_of_a_provider_is_shown_short_and_on_one_line():
    error = failure_of(answer(b"no\x1b[31m such\r\nparameter" + b"!" * 1_000, "400 Bad Request"))
    assert "no[31m such parameter!!!" in error.what
    assert error.what.isprintable()
    assert len(error.what) < 400


# Bodies cut short, endless, slow, or not what they say


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def test_chunks_are_joined():
    with scripted(chunked(GOOD[:5], GOOD[5:])) as server:
        assert Session(PROVIDER, upstream=server.base_url).get(URL).body == GOOD


@pytest.mark.parametrize(
    "cut",
    [
        answer(GOOD, Content_Length="500"),
        chunked(GOOD, end=b""),
        answer(gzip.compress(GOOD)[:-9], Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\n",
        b"",
        b"nonsense\r\n\r\n",
    ],
)
def test_answer_cut_short_is_an_outage_and_lands_nothing(cut):
    kept: list[Payload] = []
    with scripted(cut) as server, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=server.base_url, receive=kept.append, limits=QUICK).get(URL)
    assert caught.value.failure is Failure.OUTAGE
    assert URL in caught.value.what
    assert kept == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip", "identity"])
def test_compressed_answers_are_opened(encoding):
    body = {"deflate": zlib.compress, "identity": bytes}.get(encoding, gzip.compress)(GOOD)
    with scripted(answer(body, Content_Encoding=encoding)) as server:
        assert Session(PROVIDER, upstream=server.base_url).get(URL).body == GOOD


@pytest.mark.parametrize(
    "lying",
    [
        answer(GOOD, Content_Encoding="gzip"),
        answer(GOOD, Content_Encoding="br"),
        answer(gzip.compress(gzip.compress(GOOD)), Content_Encoding="gzip, gzip"),
        answer(gzip.compress(GOOD) + b"more", Content_Encoding="gzip"),
    ],
)
def test_compression_other_than_announced_is_no_data(lying):
    assert failure_of(lying).failure is Failure.NOT_DATA


def test_announced_size_beyond_the_cap_is_refused_unread():
    assert failure_of(answer(b"", Content_Length=str(5 * 1024**3))).failure is Failure.TOO_LARGE


def test_endless_body_is_stopped_at_the_cap():
    sent = 0

    def endless(connection) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while sent < 200 * 1024 * 1024:
            sent += connection.send(b"x" * 65_536)

    error = failure_of(endless, limits=replace(QUICK, max_bytes=1024 * 1024))
    assert error.failure is Failure.TOO_LARGE
    assert sent < 20 * 1024 * 1024  # what the buffers of two sockets hold, and no more


def test_cap_of_one_request_is_its_own():
    with scripted(answer(b"[" + b"1," * 1_000 + b"1]")) as server, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=server.base_url).get(URL, max_bytes=1_000)
    assert caught.value.failure is Failure.TOO_LARGE


def test_compressed_bomb_is_stopped_while_it_opens():
    bomb = answer(gzip.compress(bytes(100_000_000)), Content_Encoding="gzip")
    assert failure_of(bomb).failure is Failure.TOO_LARGE
    suspicious = answer(gzip.compress(bytes(3_000_000)), Content_Encoding="gzip")
    assert "times as many" in failure_of(suspicious).what


def drip(head: bytes, drop: bytes) -> Callable[..., None]:
    def say(connection) -> None:
        connection.sendall(head)
        while not Event().wait(0.02):
            connection.sendall(drop)

    return say


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "],
    ids=["in the body", "in the headers"],
)
def test_slow_drip_ends_at_the_deadline(head):
    limits = replace(QUICK, attempts=1, deadline_s=0.3, read_timeout_s=5)
    assert failure_of(drip(head, b"x"), limits=limits).failure is Failure.TOO_SLOW


def test_silence_is_an_outage():
    limits = replace(QUICK, attempts=1, read_timeout_s=0.1)
    error = failure_of(lambda connection: connection.recv(1), limits=limits)
    assert error.failure is Failure.OUTAGE
    assert "in time" in error.what


# Pace


def test_live_sessions_of_one_provider_share_one_pace():
    other = replace(PROVIDER, name="other")
    assert Session(PROVIDER)._pace is Session(PROVIDER)._pace is pace_of(PROVIDER)
    assert pace_of(other) is not pace_of(PROVIDER)
    assert Session(PROVIDER, upstream="http://127.0.0.1:1")._pace.requests_per_minute is None


def test_an_address_with_a_lower_limit_has_a_pace_of_its_own():
    slow = replace(PROVIDER, name="slow", requests_per_minute=60, slower=((URL, 3),))
    assert (pace_of(slow, URL).requests_per_minute, pace_of(slow).requests_per_minute) == (3, 60)
    assert Session(slow)._slower == {URL: pace_of(slow, URL)}
    assert Session(slow, upstream="http://127.0.0.1:1")._slower == {}


def test_pace_lets_so_many_through_and_no_more():
    pace = Pace(60)
    pace.wait(1)
    with pytest.raises(SourceError) as caught:
        pace.wait(0.001)
    assert caught.value.failure is Failure.THROTTLED


def test_complaint_lowers_the_pace_for_good_but_not_without_end():
    pace = Pace(600)
    for _ in range(10):
        pace.slow_down(None)
    assert pace.requests_per_minute == 75


def test_provider_that_asked_for_silence_is_left_alone():
    pace = Pace(6_000)
    told = answer(b"", "429 Too Many Requests", Retry_After="600")
    with scripted(told) as server:
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                Session(PROVIDER, upstream=server.base_url, limits=QUICK, pace=pace).get(URL)
            assert caught.value.failure is Failure.THROTTLED
            assert caught.value.retry_after_s == pytest.approx(600, abs=5)
    assert len(server.received) == 1
    assert pace.requests_per_minute == 3_000


# Faults of the stand-in, seen by the session


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("down", Failure.OUTAGE),
        ("html", Failure.BLOCKED),
        ("blocked", Failure.BLOCKED),
        ("truncate", Failure.OUTAGE),
        ("404", Failure.MOVED),
        ("451", Failure.BLOCKED),
    ],
)
def test_faults_on_demand_are_seen_for_what_they_are(stand_in, fault, failure):
    with stand_in(f"{HOST}={fault}") as upstream, pytest.raises(SourceError) as caught:
        Session(PROVIDER, upstream=upstream.base_url, limits=QUICK).get(URL)
    assert caught.value.failure is failure


def test_fault_that_passes_is_outlived(stand_in):
    with stand_in(f"{HOST}=500:2") as upstream:
        session = Session(PROVIDER, upstream=upstream.base_url, limits=QUICK, sleep=lambda seconds: None)
        assert session.get(URL).status == 200
    assert session.traffic.requests == 3
