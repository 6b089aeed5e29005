"""Every kind of secret is found, and what only looks like one is not."""

from __future__ import annotations

import random
import string
import time

import pytest

from redaction.detectors.piece import Scope
from redaction.detectors.secrets import KINDS, find_secrets
from tests.redaction.detectors.helpers import found

rng = random.Random(7)
WORD = string.ascii_letters + string.digits


def body(length, letters=WORD):
    """Made up anew each time, so that no scanner of repositories finds a key here."""
    return "aZ3" + "".join(rng.choice(letters) for _ in range(length - 3))


def hexes(length):
    return "".join(rng.choice("0123456789abcdef") for _ in range(length))


def upper(length):
    return "".join(rng.choice(string.ascii_uppercase + string.digits) for _ in range(length))


SECRETS = {
    "openai": "sk-" + "proj-" + body(60),
    "openai_old": "sk-" + body(48),
    "anthropic": "sk-" + "ant-api03-" + body(90) + "AA",
    "aws_id": "AK" + "IA" + upper(16),
    "aws_secret": body(17) + "/" + body(22),
    "github": "gh" + "p_" + body(36),
    "github_pat": "github" + "_pat_" + body(82),
    "gitlab": "gl" + "pat-" + body(20),
    "slack": "xo" + "xb-123456789012-1234567890123-" + body(24),
    "slack_app": "xa" + "pp-1-" + upper(30),
    "jwt": "ey" + "J" + body(30) + "." + body(40) + "." + body(43),
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\n" + body(64) + "\n" + body(64) + "\n-----END RSA PRIVATE KEY-----",
    "google": "AI" + "za" + body(35),
    "google_oauth": "ya" + "29." + body(40),
    "stripe": "sk" + "_live_" + body(24),
    "hugging_face": "h" + "f_" + body(34),
    "sendgrid": "S" + "G." + body(22) + "." + body(43),
    "npm": "np" + "m_" + body(36),
    "pypi": "py" + "pi-" + body(80),
    "langsmith": "lsv2" + "_pt_" + hexes(32) + "_" + hexes(10),
    "groq": "gs" + "k_" + body(52),
    "databricks": "da" + "pi" + hexes(32),
    "digitalocean": "dop" + "_v1_" + hexes(64),
    "shopify": "shp" + "at_" + hexes(32),
    "twilio": "S" + "K" + hexes(32),
    "telegram": "123456789:AA" + body(33),
    "vault": "hv" + "s." + body(24),
    "grafana": "gl" + "sa_" + body(32) + "_" + hexes(8),
    "replicate": "r8" + "_" + body(37),
    "xai": "xa" + "i-" + body(60),
    "own": "tt" + "_ingest_" + body(8) + "_" + body(43),
}


@pytest.mark.parametrize("name", SECRETS)
def test_it_is_found_in_a_sentence(name):
    secret = SECRETS[name]
    text = f"Here is the key, just use it: {secret}. Then run again."
    assert any(secret in hit or (hit in secret and len(hit) > 0.9 * len(secret)) for hit in found(find_secrets, text))


@pytest.mark.parametrize("name", [name for name in SECRETS if name != "aws_secret"])
def test_its_form_alone_gives_it_away_in_an_identifier(name):
    assert found(find_secrets, SECRETS[name], scope=Scope.IDENTIFIER)


CONTEXT = {
    "Authorization: Bearer {}": 32,
    '{{"Authorization": "Basic {}"}}': 32,
    "postgres://admin:{}@db.internal:5432/x": 12,
    "https://{}@github.com/acme/x.git": 20,
    "GET https://api.example.com/v2/export?token={}&page=2": 24,
    "https://x.blob.core.windows.net/c?sv=1&sig={}": 43,
    "curl -s -u admin:{} https://x": 14,
    "my password is {}": 12,
    "password={}": 10,
    'db_password: "{}"': 12,
    "export GITHUB_TOKEN={}": 24,
    "client_secret = '{}'": 30,
    'api_key=\\"{}\\"': 32,
    "smtp.login('ops@example.com', '{}')": 12,
    "AccountName=x;AccountKey={}==;": 60,
    "Cookie: session={}; path=/": 40,
    "AWS_SECRET_ACCESS_KEY={} REGION=eu": 40,
    "Authorization: Token {}": 32,
    "mysql -u root -p{} shop": 10,
    "redis-cli -h cache -a {} ping": 12,
    "sshpass -p '{}' ssh root@10.0.0.4": 9,
    "tool --password {} run": 10,
    "echo '{}' | docker login -u ci --password-stdin": 14,
    "smtp_pass: '{}'": 8,
    "RABBITMQ_DEFAULT_PASS={}": 12,
    "-Djavax.net.ssl.keyStorePassword={}": 10,
    "aws configure set aws_secret_access_key {}": 40,
    "Passwort: {}": 10,
    "mot de passe : {}": 10,
    "LDAP bind pw={}": 11,
    "https://hooks.zapier.com/hooks/catch/{}/": 20,
    "https://acme.webhook.office.com/webhookb2/{}": 60,
    "https://maker.ifttt.com/trigger/alarm/with/key/{}": 22,
    "signing secret v0: {}": 32,
}
"""What stands before (and after) a secret, and how long it is."""

CODES = {
    "Your login code: 771204.": ["771204"],
    "2FA backup codes: 8821-4410, 9930-1175": ["8821-4410, 9930-1175"],
    "the alarm PIN is 9214": ["9214"],
    "my pin for the door is 4471": ["4471"],
    "card 4111, cvc 311": ["311"],
    "Recovery phrase: " + "witch collapse practice feed shame open despair creek road again ice least": [
        "witch collapse practice feed shame open despair creek road again ice least"
    ],
    "exit code: 1370012, error code 5023, zip code is 94103": [],
    "GPIO pin 13 is high; see the pinout for header J4": [],
    "access codes are generated elsewhere": [],
    "the seed phrase is never stored by our wallet because we generate it on the device": [],
    "pip install x==0.1.0 --no-cache-dir --token-budget 4096": [],
    "mysql --version; ls -p /tmp; git log -p HEAD~3": [],
    "the Authorization: header is missing in this request": [],
}


@pytest.mark.parametrize("text", CODES)
def test_codes_and_phrases_that_open_something_are_secrets(text):
    assert found(find_secrets, text) == CODES[text]


@pytest.mark.parametrize(
    ("key", "value"),
    [("cvc", "737"), ("pass", "pL9#vvq2Zt"), ("otp", "448120"), ("seed_phrase", "abandon ability " * 6)],
)
def test_codes_are_told_by_their_key(key, value):
    assert found(find_secrets, value, key) == [value]


@pytest.mark.parametrize("text", CONTEXT)
def test_what_stands_before_it_gives_it_away(text):
    secret = body(CONTEXT[text])
    assert any(hit.startswith(secret) for hit in found(find_secrets, text.format(secret)))


@pytest.mark.parametrize(
    "key", ["password", "api_key", "access_token", "client_secret", "authorization", "db_password"]
)
def test_its_key_gives_it_away(key):
    assert found(find_secrets, "hunter2x", key) == ["hunter2x"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("gpt-4o-mini-2024-07-18", "model"),
        ("call_VzdLU8ueZ5oBUEqWpcHg7ZU6", "tool_call_id"),
        ("chatcmpl-CBunNbA3tNXfDVEO4JDQyR", "id"),
        ("47428c3d-d46c-436b-a3a6-2f301f465365", "session_id"),
        ("8b904ce6087413e3b266f850f1578b5c72dc4ee6", "sha"),
        ("0af7651916cd43dd8448eb211c80319c", "trace_id"),
        ("password is required", ""),
        ("password = password", ""),
        ("token = fernet.encrypt(data)", ""),
        ("password: string", ""),
        ("Enter your password: ****", ""),
        ("api_key = os.environ['OPENAI_API_KEY']", ""),
        ("token: ${TOKEN}", ""),
        ("string", "password"),
        ("customer_id", "primary_key"),
        ("eyJhbGciOiJ", "next_page_token"),
        ("max_tokens=4096", ""),
        ("a95805e46e7a8947f5e399992a38ccea", "task_key"),
        ("/usr/local/lib/python3/site-packages/x.py", "path"),
        ("s/4V2fUA0Bmcmy0Dvby9HM3X5FHXedej6CfFTTVm1zQ2szc=", ""),
    ],
)
def test_what_only_looks_like_one_stays(text, key):
    assert found(find_secrets, text, key) == []


def test_an_identifier_is_not_searched_for_guesses():
    assert found(find_secrets, "password=" + body(12), scope=Scope.IDENTIFIER) == []


def test_there_are_enough_kinds():
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 23


@pytest.mark.parametrize(
    "unit", ["sk-", "password=", "eyJ", "http://a:", "bearer ", "curl -u", "-----BEGIN PRIVATE KEY-----", "a/"]
)
def test_hostile_text_takes_linear_time(unit):
    """Ten times the text must not take a hundred times as long."""

    def cost(length):
        text = unit * (length // len(unit))
        start = time.process_time()
        found(find_secrets, text)
        return time.process_time() - start

    assert cost(200_000) < 40 * max(cost(20_000), 0.005)
