"""Tokens: valid ones, and every known way to forge one."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from churn_api.access.caller import Caller, Denied
from churn_api.access.tokens import BadKeySet, Tokens, read_key_set

SECRET = b"secret of the tests, 32 bytes long or more"
CALLER = Caller("key:abc", "crm", frozenset({"predict", "ops"}), "5/minute")
ISSUER = "https://login.example.org"
AUDIENCE = "churn-api"

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED = ed25519.Ed25519PrivateKey.generate()


def key_set(folder):
    """A provider's JWKS file, with an RSA and an Ed25519 key, and one of a kind that is not taken."""
    rs = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())) | {"kid": "rsa", "alg": "RS256"}
    ed = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ED.public_key())) | {"kid": "ed", "alg": "EdDSA"}
    secret = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": "c2VjcmV0"}
    path = folder / "jwks.json"
    path.write_text(json.dumps({"keys": [rs, ed, secret]}))
    return path


@pytest.fixture
def tokens(tmp_path):
    provider = read_key_set(key_set(tmp_path), ISSUER)
    return Tokens(SECRET, audience=AUDIENCE, seconds=60, provider=provider)


def claims(**other):
    """A provider's claims, as they should be."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "exp": time.time() + 60, "scope": "predict email"}
    return {name: value for name, value in (good | other).items() if value is not None}


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


def test_ours(tokens):
    """An issued token has the identity and rate of its key, and the requested scopes."""
    caller = tokens.read(tokens.make(CALLER, frozenset({"predict"})))
    assert caller == Caller("key:abc", "crm", frozenset({"predict"}), "5/minute", by_token=True)


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (ED, "EdDSA", "ed")])
def test_theirs(tokens, key, algorithm, kid):
    """A token of the identity provider authenticates its subject, with those of its scopes that exist here."""
    text = jwt.encode(claims(), key, algorithm, {"kid": kid})
    assert tokens.read(text) == Caller("subject:anna", "anna", frozenset({"predict"}), by_token=True)


def test_theirs_are_no_keys(tokens):
    """A subject of the provider that is named like a key is not that key."""
    text = jwt.encode(claims(sub="key:abc"), ED, "EdDSA", {"kid": "ed"})
    assert tokens.read(text).identity == "subject:key:abc"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": 1}, "token-expired"),
        ({"aud": "another-api"}, "invalid-token"),
        ({"iss": "https://elsewhere.example.org"}, "invalid-token"),
        ({"iss": "churn-api"}, "invalid-token"),
        ({"nbf": 1 << 40}, "invalid-token"),
        ({"exp": None}, "invalid-token"),
        ({"aud": None}, "invalid-token"),
        ({"iss": None}, "invalid-token"),
        ({"sub": None}, "invalid-token"),
        ({"sub": 7}, "invalid-token"),
        ({"scope": ["predict"]}, "invalid-token"),
        ({"sub": ""}, "invalid-token"),
        ({"sub": "anna\0"}, "invalid-token"),
        ({"sub": "anna\n2026-11-26 keys.create"}, "invalid-token"),
        ({"sub": "\udc00anna"}, "invalid-token"),
        ({"sub": "a" * 256}, "invalid-token"),
        ({"exp": float("inf")}, "invalid-token"),
        ({"nbf": float("inf")}, "invalid-token"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_wrong_claims(tokens, changed, code):
    """A token that is expired, has another audience or issuer, or lacks a claim, is rejected."""
    with pytest.raises(Denied, match=code):
        tokens.read(jwt.encode(claims(**changed), ED, "EdDSA", {"kid": "ed"}))


def forged():
    """Tokens that were never signed by whom they say, by the way they are made."""
    ours = claims(iss="churn-api", sub="key:abc", name="crm")
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = encoded({"alg": "HS256", "typ": "JWT"}) + b"." + encoded(claims())
    confused = head + b"." + base64.urlsafe_b64encode(hmac.new(public, head, hashlib.sha256).digest()).rstrip(b"=")
    other_rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    none = encoded({"alg": "none"}) + b"." + encoded(ours) + b"."
    return {
        "none": none.decode(),
        "None": (encoded({"alg": "None"}) + b"." + encoded(ours) + b".").decode(),
        "public key as secret": confused.decode(),
        "another's secret": jwt.encode(ours, b"another secret of thirty-two bytes", "HS256"),
        "another's key": jwt.encode(claims(), other_rsa, "RS256", {"kid": "rsa"}),
        "ours by their key": jwt.encode(ours, ED, "EdDSA", {"kid": "ed"}),
        "theirs by our secret": jwt.encode(claims(), SECRET, "HS256"),
        "HS512": jwt.encode(ours, SECRET + SECRET, "HS512"),
        "unknown kid": jwt.encode(claims(), ED, "EdDSA", {"kid": "else"}),
        "key in the header": jwt.encode(claims(), ED, "EdDSA", {"kid": "rsa", "jwk": {"kty": "OKP"}}),
        "shared key of the set": jwt.encode(claims(), b"secret" * 6, "HS256", {"kid": "shared"}),
        "no token": "a.b.c",
        "nested deeply": (base64.urlsafe_b64encode(b"[" * 6000) + b".e30.e30").decode(),
        "empty": "",
        "long": "a" * 100_000,
        "unsigned part": jwt.encode(ours, SECRET, "HS256").rsplit(".", 1)[0] + ".",
    }


@pytest.mark.parametrize("way", forged())
def test_forged(tokens, way):
    """Forged tokens are rejected: only the key's own algorithm and known keys are accepted."""
    with pytest.raises(Denied, match="invalid-token"):
        tokens.read(forged()[way])


def test_changed(tokens):
    """A token with a scope that was added after signing is rejected."""
    head, body, signature = tokens.make(CALLER, frozenset({"predict"})).split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    with pytest.raises(Denied, match="invalid-token"):
        tokens.read(f"{head}.{encoded(payload | {'scope': 'ops'}).decode()}.{signature}")


def test_leeway(tmp_path):
    """Clocks may differ by the leeway, and by no more."""
    late = jwt.encode(claims(exp=time.time() - 20), ED, "EdDSA", {"kid": "ed"})
    provider = read_key_set(key_set(tmp_path), ISSUER)
    assert Tokens(SECRET, audience=AUDIENCE, seconds=60, leeway=30, provider=provider).read(late).name == "anna"
    with pytest.raises(Denied, match="token-expired"):
        Tokens(SECRET, audience=AUDIENCE, seconds=60, leeway=10, provider=provider).read(late)


@pytest.mark.parametrize("ahead", [60, 3600, 86400], ids=["a minute", "an hour", "a day"])
def test_clock_that_is_ahead(tokens, ahead, monkeypatch):
    """A token from a machine whose clock is ahead, or from before the clock was set back, is accepted."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    text = tokens.make(CALLER, frozenset({"predict"}))
    monkeypatch.undo()
    assert tokens.read(text).name == "crm"


def test_clock_that_is_behind(monkeypatch):
    """A token of a machine whose clock is behind ends so much sooner, less the leeway."""
    tokens, real = Tokens(SECRET, audience=AUDIENCE, seconds=60, leeway=30), time.time
    made = {}
    for behind in (59, 80, 100):
        monkeypatch.setattr(time, "time", lambda behind=behind: real() - behind)
        made[behind] = tokens.make(CALLER, frozenset({"predict"}))
    monkeypatch.undo()
    assert [tokens.read(made[behind]).name for behind in (59, 80)] == ["crm", "crm"]
    with pytest.raises(Denied, match="token-expired"):
        tokens.read(made[100])


def test_no_provider():
    """Without a provider only our own tokens let in."""
    tokens = Tokens(SECRET, audience=AUDIENCE, seconds=60)
    with pytest.raises(Denied, match="invalid-token"):
        tokens.read(jwt.encode(claims(), ED, "EdDSA", {"kid": "ed"}))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{", "not a JWKS"), ("[]", "not a JWKS"), ('{"keys": []}', "not a JWKS|no key"), (None, "cannot be read")],
)
def test_bad_key_set(tmp_path, content, complaint):
    """A JWKS file without a usable key prevents the start, with the reason."""
    path = tmp_path / "jwks.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadKeySet, match=complaint):
        read_key_set(path, ISSUER)
    with pytest.raises(BadKeySet, match="JWT_ISSUER"):
        read_key_set(path, "")
