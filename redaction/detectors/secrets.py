"""Finds secrets: API keys, tokens, passwords and private keys, each kind behind a literal that must be present."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from redaction.detectors.piece import Piece, Scope
from redaction.findings import Finding

MAX_PRIVATE_KEY = 20_000
"""Characters of a private key block; a longer one is hidden up to here and its body again by the next kinds."""


@dataclass(frozen=True, slots=True)
class SecretKind:
    """One form of secret. `needles` (lower case, any of them) must occur; group 1, if any, is the secret."""

    name: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    certain: bool = True
    """Its form alone proves it; looked for even in identifiers."""
    check: Callable[[str], bool] | None = None
    """What the found text must satisfy besides."""


def _kind(
    name: str, needles: str, pattern: str, *, certain: bool = True, check: Callable[[str], bool] | None = None
) -> SecretKind:
    return SecretKind(name, tuple(needles.split()), re.compile(pattern), certain, check)


def _prefixed(name: str, prefix: str, body: str) -> SecretKind:
    """A key that announces itself: a fixed beginning that nothing else has."""
    return _kind(name, prefix.lower(), rf"(?<![A-Za-z0-9]){re.escape(prefix)}{body}")


_ID_PREFIX = re.compile(
    r"(?:call|chatcmpl|cmpl|toolu|tooluse|msg|run|thread|asst|resp|fp|req|file|step|evt|trace|span|session|sess|conv|batch|job|task|doc|chunk|rs|fc"
    r"|cus|pi|ch|sub|prod|price|in|ord|inv|txn|org|proj|user|acct|gen|vs|item)[_-]"
)
"""How frameworks and vendors begin the names of things."""
_PLAIN_DIGEST = re.compile(r"[0-9a-f-]+|[0-9A-F-]+|[\d.,:T+Z/-]+")
MIN_RANDOM_DIGITS = 2


def _is_random(text: str) -> bool:
    """Whether a text is written like a key: letters and digits mixed, no digest, no UUID, no words with hyphens, no id."""
    digits = sum(map(str.isdigit, text))
    if digits < MIN_RANDOM_DIGITS or digits == len(text) or _PLAIN_DIGEST.fullmatch(text) or _ID_PREFIX.match(text):
        return False
    changes = len(re.findall(r"[a-z][A-Z0-9]|[A-Z][a-z0-9]|\d[A-Za-z]", text))
    return changes * 5 >= len(text)


_ASSIGNED = r"(?:\\?[\"'])?\s{0,4}(?:=>|:=|[=:])\s{0,4}(?:\\?[\"'])?"
_VALUE = r"([^\s\"',;&<>{}()\[\]\\]{6,512})"
_WORDS = (
    r"pass(?:word|wd|phrase|code)|pwd|api[_-]?token|bot[_-]?token|secret[_-]?(?:access[_-]?)?key|client[_-]?secret|secret|api[_-]?key|apikey"
    r"|access[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token|bearer[_-]?token|private[_-]?key|account[_-]?key"
    r"|pw|passwort|kennwort|mot\sde\spasse|contrase\u00f1a|senha|wachtwoord|parola|has\u0142o|heslo|l\u00f6senord"
    r"|sharedaccesskey|signing[_-]?key|encryption[_-]?key|session[_-]?(?:cookie|token|key)|sid|token"
)

KINDS: tuple[SecretKind, ...] = (
    _kind(
        "private_key",
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:(?!-----END)[\s\S]){{0,{MAX_PRIVATE_KEY}}}(?:-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _kind("openai_or_anthropic", "sk-", r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"),
    _kind("aws_access_key_id", "akia asia abia acca", r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _kind(
        "aws_secret_access_key",
        "/ +",
        r"(?<![A-Za-z0-9+/=_.-])(?=[A-Za-z0-9+/]{0,39}[a-z])(?=[A-Za-z0-9+/]{0,39}[A-Z])(?=[A-Za-z0-9+/]{0,39}[0-9])"
        r"(?=[A-Za-z0-9]{1,39}[+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-]|\.\w)",
        certain=False,
    ),
    _kind("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,}"),
    _prefixed("github_pat", "github_pat_", r"\w{30,}"),
    _kind("gitlab_token", "glpat- gldt- glrt- glcbt-", r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt)-[A-Za-z0-9_.-]{20,}"),
    _kind("slack_token", "xox xapp-", r"(?<![A-Za-z0-9])(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})"),
    _kind("slack_webhook", "hooks.slack", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    _kind("discord_webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(\d{10,}/[A-Za-z0-9_-]{20,})"),
    _kind("jwt", "eyj", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?(?:\.[A-Za-z0-9_.-]*)?"),
    _prefixed("google_api_key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _prefixed("google_oauth_token", "ya29.", r"[A-Za-z0-9_-]{20,}"),
    _prefixed("google_oauth_secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}"),
    _kind("stripe_key", "k_live_ k_test_", r"(?<![A-Za-z0-9])[srp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _kind("webhook_secret", "whsec_", r"(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{20,}"),
    _prefixed("hugging_face_token", "hf_", r"[A-Za-z0-9]{30,}"),
    _prefixed("sendgrid_key", "SG.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}"),
    _prefixed("npm_token", "npm_", r"[A-Za-z0-9]{36}"),
    _prefixed("pypi_token", "pypi-", r"[A-Za-z0-9_-]{50,}"),
    _kind("langsmith_key", "lsv2_", r"(?<![A-Za-z0-9])lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    _prefixed("groq_key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _prefixed("xai_key", "xai-", r"[A-Za-z0-9]{40,}"),
    _prefixed("perplexity_key", "pplx-", r"[A-Za-z0-9]{32,}"),
    _prefixed("replicate_token", "r8_", r"[A-Za-z0-9]{37,}"),
    _prefixed("pinecone_key", "pcsk_", r"\w{40,}"),
    _prefixed("databricks_token", "dapi", r"[a-f0-9]{32}(?:-\d)?"),
    _prefixed("docker_token", "dckr_", r"(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    _prefixed("digitalocean_token", "dop_v1_", r"[a-f0-9]{64}"),
    _kind("shopify_token", "shpat_ shpss_ shpca_ shppa_", r"(?<![A-Za-z0-9])shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"),
    _kind("square_token", "sq0atp- sq0csp-", r"(?<![A-Za-z0-9])sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}"),
    _kind("twilio_key", "sk ac", r"(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
    _prefixed("mailgun_key", "key-", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    _prefixed("linear_key", "lin_api_", r"[A-Za-z0-9]{32,}"),
    _prefixed("notion_token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _prefixed("postman_key", "PMAK-", r"[a-f0-9]{20,}-[a-f0-9]{30,}"),
    _kind("vault_token", "hvs. hvb. hvr.", r"(?<![A-Za-z0-9])hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _prefixed("atlassian_token", "ATATT3", r"[A-Za-z0-9_=-]{50,}"),
    _kind("grafana_token", "glsa_ glc_", r"(?<![A-Za-z0-9])(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/=]{32,})"),
    _prefixed("newrelic_key", "NRAK-", r"[A-Z0-9]{27}"),
    _kind("sentry_token", "sntrys_ sntryu_", r"(?<![A-Za-z0-9])sntry[su]_[A-Za-z0-9+/=_-]{30,}"),
    _prefixed("supabase_key", "sbp_", r"[a-f0-9]{40}"),
    _prefixed("age_secret_key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    _prefixed("tracetape_key", "tt_", r"[a-z]{4,10}_[A-Za-z0-9]{4,}_[A-Za-z0-9_-]{32,}"),
    _kind("vendor_key_with_role", "_live_ _test_ _prod_ _secret_ _token_ _tkn_ _pat_ -live- -test- _sk_ _apikey_",
        r"(?i)(?<![A-Za-z0-9])[a-z][a-z0-9]{0,15}[_-](?:live|test|prod|secret|token|tkn|pat|sk|apikey)[_-](?=[a-z0-9_-]{0,80}\d)(?=[a-z0-9_-]{0,80}[a-z])[a-z0-9-]{12,}(?:_[a-z0-9]{4,})?"),
    _prefixed("adobe", "p8e-", r"[a-z0-9]{32}"),
    _prefixed("airtable_token", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _prefixed("artifactory_key", "AKCp", r"[A-Za-z0-9]{60,}"),
    _prefixed("brevo_key", "xkeysib-", r"[a-f0-9]{40,}-\w{8,}"),
    _prefixed("brevo_smtp_key", "xsmtpsib-", r"[a-f0-9]{40,}-\w{8,}"),
    _prefixed("buildkite_token", "bkua_", r"[a-f0-9]{32,}"),
    _prefixed("cerebras_key", "csk-", r"[a-z0-9]{30,}"),
    _prefixed("circleci_token", "CCIPAT_", r"[\w-]{30,}"),
    _prefixed("clickup_token", "pk_", r"\d{6,}_[A-Z0-9]{28,}"),
    _prefixed("crates_token", "cio", r"[A-Za-z0-9]{32}\b"),
    _prefixed("doppler_token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9._-]{2,35}\.)?[A-Za-z0-9]{40,}"),
    _prefixed("dropbox_token", "sl.", r"[\w-]{100,}"),
    _prefixed("dynatrace_token", "dt0c01.", r"[A-Z0-9]{20,}\.[A-Z0-9]{40,}"),
    _prefixed("easypost_key", "EZAK", r"[A-Za-z0-9]{40,}"),
    _prefixed("easypost_test_key", "EZTK", r"[A-Za-z0-9]{40,}"),
    _prefixed("elevenlabs_key", "sk_", r"[a-f0-9]{40,}"),
    _prefixed("figma_token", "figd_", r"[\w-]{30,}"),
    _prefixed("firecrawl_key", "fc-", r"[a-f0-9]{32}"),
    _prefixed("fireworks_key", "fw_", r"[A-Za-z0-9]{20,}"),
    _prefixed("fly_token", "fm1_", r"[A-Za-z0-9+/=_-]{40,}"),
    _prefixed("fly_macaroon", "fm2_", r"[A-Za-z0-9+/=_-]{40,}"),
    _prefixed("flutterwave_key", "FLWSECK", r"(?:_TEST)?-[a-f0-9]{12,}"),
    _prefixed("frameio_token", "fio-u-", r"[\w-]{40,}"),
    _prefixed("heroku_key", "HRKU-", r"[\w-]{30,}"),
    _prefixed("intra42_secret", "s-s4t2", r"(?:ud|af)-[a-f0-9]{64}"),
    _prefixed("jina_key", "jina_", r"[\w-]{40,}"),
    _prefixed("meta_token", "EAA", r"[A-Za-z0-9]{60,}"),
    _prefixed("instagram_token", "IGQ", r"[\w-]{60,}"),
    _prefixed("netlify_token", "nfp_", r"[A-Za-z0-9]{36,}"),
    _prefixed("nuget_key", "oy2", r"[a-z0-9]{43}"),
    _prefixed("nvidia_key", "nvapi-", r"[\w-]{40,}"),
    _prefixed("one_password_token", "ops_eyJ", r"[\w-]{40,}"),
    _prefixed("posthog_key", "phx_", r"[A-Za-z0-9]{36,}"),
    _prefixed("prefect_key", "pnu_", r"[a-z0-9]{30,}"),
    _prefixed("pulumi_token", "pul-", r"[a-f0-9]{32,}"),
    _prefixed("readme_key", "rdme_", r"[a-z0-9]{50,}"),
    _prefixed("resend_key", "re_", r"[A-Za-z0-9]{8,}_[A-Za-z0-9]{16,}"),
    _prefixed("rubygems_key", "rubygems_", r"[a-f0-9]{40,}"),
    _prefixed("scalingo_token", "tk-us-", r"[\w-]{40,}"),
    _prefixed("sonar_token", "sqp_", r"[a-f0-9]{32,}"),
    _prefixed("sonar_user_token", "squ_", r"[a-f0-9]{32,}"),
    _prefixed("sonar_analysis_token", "sqa_", r"[a-f0-9]{32,}"),
    _prefixed("tailscale_key", "tskey-", r"[a-z]{2,10}-[\w-]{20,}"),
    _prefixed("tavily_key", "tvly-", r"(?:dev-)?[A-Za-z0-9]{20,}"),
    _prefixed("typeform_token", "tfp_", r"[\w-]{30,}"),
    _prefixed("voyage_key", "pa-", r"[\w-]{40,}"),
    _kind("azure_client_secret", "8q~", r"(?<![\w~.-])[\w~.-]{3}8Q~[\w~.-]{30,40}"),
    _kind("terraform_token", ".atlasv1.", r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"),
    _kind("plaid_token", "access-", r"(?<![A-Za-z0-9])access-(?:sandbox|development|production)-[0-9a-f-]{36}"),
    _kind("lob_key", "live_ test_", r"(?<![A-Za-z0-9_])(?:live|test)_[a-f0-9]{30,}"),
    _kind("mailchimp_key", "-us", r"(?<![A-Za-z0-9])[a-f0-9]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    _kind("discord_bot_token", ".", r"(?<![\w.-])[MNO][A-Za-z0-9_-]{22,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])", certain=False),
    _kind("mapbox_token", "sk.eyj pk.eyj", r"(?<![A-Za-z0-9])sk\.eyJ[\w-]{20,}\.[\w-]{20,}"),
    _kind("okta_token", "ssws 00", r"(?:(?<=SSWS )|(?<![\w-]))00(?=[\w-]{0,38}[a-z])(?=[\w-]{0,38}[A-Z])(?=[\w-]{0,38}\d)[\w-]{40}(?![\w-])", certain=False),
    _kind("password_hash", "$2 $argon2 $6$ $5$ $1$ $apr1$ $y$ pbkdf2", r"\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|argon2(?:id|i|d)\$[^\s\"']{30,300}|(?:6|5|1|apr1|y)\$[./A-Za-z0-9$=,]{20,140})|pbkdf2_\w{2,10}\$\d+\$[^\s\"']{20,200}"),
    _kind("one_time_secret", "otpauth://", r"otpauth://[^\s\"']{1,200}?[?&]secret=([A-Za-z2-7=]{16,})"),
    _kind("netrc_password", "machine password", r"\bmachine\s+\S{1,200}(?:\s+(?:login|account)\s+\S{1,200})?\s+password\s+(\S{4,256})"),
    _kind("aws_signature", "amz-signature amz-security-token amz-credential", r"(?i)X-Amz-(?:Signature|Security-Token|Credential)=([^&\s\"'<>\\]{8,2048})"),
    _kind("telegram_bot_token", ":aa", r"(?<![A-Za-z0-9])\d{8,10}:AA[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])"),
    _kind("azure_storage_key", "accountkey= sharedaccesskey=", r"(?i)(?:account|sharedaccess)key=([A-Za-z0-9+/=]{30,})"),
    _kind("authorization_header", "bearer basic", r"(?i)\b(?:bearer|basic)\s{1,4}([A-Za-z0-9._~+/=-]{16,})"),
    _kind("authorization_scheme", "authorization", r"(?i)\bauthorization[\"']?\s{0,2}[:=]\s{0,2}[\"']?(?:[A-Za-z][\w-]{1,30}\s{1,2})?([A-Za-z0-9._~+/=:-]{12,4096})(?![A-Za-z0-9 ])"),
    _kind("mysql_password", "mysql mariadb", r"\b(?:mysql|mariadb)[a-z_-]{0,12}\s[^\n|;]{0,300}?(?<=\s)-p['\"]?([^\s'\"]{4,256})"),
    _kind("command_password", "sshpass -pw --password --pass -storepass -passin --with-password --requirepass redis-cli",
        r"(?:\bsshpass\s{1,3}-p\s{0,2}|\s-pw\s{1,3}|\s--?(?:pass(?:word|wd|phrase|in|out)?|storepass|keypass|requirepass|with-password|token|secret|api-?key)[\s=]{1,3}(?:pass:)?"
        r"|\bredis-cli\s[^\n|;]{0,200}?\s-a\s{1,3})['\"]?((?!-)[^\s'\"$<>{}\[\]|;]{4,256})", certain=False),
    _kind("piped_password", "stdin", r"\b(?:echo|printf)\s{1,3}(?:-n\s{1,3})?['\"]?([^\s'\"|$]{4,256})['\"]?\s{0,3}\|[^\n|]{1,200}-stdin\b"),
    _kind("camel_assignment", "passw secret key passphrase pwd", r"\b[a-z][A-Za-z0-9]{1,40}(?:Password|Passwd|Passphrase|Pwd|Secret|SecretKey|AccessKey|ApiKey|PrivateKey|AuthToken|AccessToken)" + _ASSIGNED + _VALUE, certain=False),
    _kind("configured_secret", " set  put secret: --secret", r"(?i)\b(?:set|put|add|set-secret)\s{1,3}[\"']?[\w.:/-]{0,60}(?:key|token|secret|password|passwd|pass)[\"']?\s{1,3}[\"']?((?=[^\s\"']{0,200}\d)[^\s\"'$<>{}|;]{10,512})", certain=False),
    _kind("webhook_url", "hook", r"(?i)https?://(?:[\w-]{1,63}\.){0,4}(?:hooks?|webhooks?)\.[\w.-]{3,120}/(?:(?:hooks|catch|services|workflows|webhookb2|v\d)/){0,3}([^\s\"'<>?]{12,512})"),
    _kind("webhook_path", "/webhook/ /hooks/ /with/key/", r"(?i)https?://[\w.-]{3,120}/(?:webhook|hooks|trigger/[\w-]{1,80}/with/key)/((?=[^\s\"'<>?/]{0,200}\d)[\w@/-]{16,512})"),
    _kind("ntfy_token", "tk_", r"(?<![A-Za-z0-9_])tk_[a-z0-9]{29}(?![A-Za-z0-9])"),
    _kind("recovery_phrase", "phrase seed mnemonic", r"(?i)\b(?:(?:recovery|seed|backup|secret|wallet)\s(?:phrase|words)|mnemonic(?:\sphrase)?|seed)\b[^\w\n]{0,4}(?:(?:is|are|reads)\b[^\w\n]{0,4})?((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})\b"),
    _kind("spoken_code", "code pin otp tan", r"(?i)\b(?:(?:backup|recovery|one[- ]?time|verification|confirmation|authentication|security|login|sign-?in|unlock|access|activation|pairing|2fa|mfa|otp|sms|entry|door|gate|alarm|safe)"
        r"[ -](?:pin[ -]?)?(?:codes?|pins?)|otp|one[- ]time pass(?:word|code)s?|pin|tan)\b(?:\s(?:for|of|to)(?:\s[\w.-]{1,24}){1,4}?)?(?:\s(?:is|are|was)|\s?[:=#])\s{0,3}[\"'`]?(\d[\d-]{3,11}(?:(?:[,;]|\sand|\s)\s{0,2}\d[\d-]{3,11}){0,19})(?![\w%]|\.\d)", certain=False),
    _kind("card_code", "cvv cvc cvn security code", r"(?i)\b(?:cvv2?|cvc2?|cvn|(?:card\s)?security code|card verification (?:code|value|number))\b[\"'`]?(?:\s(?:is|code))?[\s:=#]{1,3}[\"'`]?(\d{3,4})(?![\w%]|\.\d)", certain=False),
    _kind("service_password", "pass", r"(?i)\b[a-z0-9_.-]{0,24}(?:smtp|db|database|mail|ftp|ssh|user|admin|root|redis|mysql|pg|postgres|imap|ldap|proxy|http|login|app|svc|service|mq|rabbitmq|mongo|wifi)[_.-]?pass" + _ASSIGNED + _VALUE, certain=False),
    _kind("url_password", "://", r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/?#@\"'\\<>]{0,128}:([^\s@/\"'<>\\]{3,256})@"),
    _kind("url_token", "://", r"[A-Za-z][A-Za-z0-9+.-]{1,30}://([A-Za-z0-9_-]{12,256})@"),
    _kind(
        "query_token",
        "token= sig= signature= key= secret= password= auth= credential= code=",
        r"(?i)(?<=[?&;])(?:[a-z0-9_.-]{0,40}(?:token|signature|sig|api[_-]?key|secret|password|auth|credential|access[_-]?key)"
        r"|key|code)=([^&\s\"'<>\\]{8,2048})",
    ),
    _kind("curl_password", " -u  --user ", r"\bcurl\b[^\n]{0,500}?\s(?:-u|--user)[\s=]{1,3}['\"]?[^\s:'\"]{1,128}:([^\s'\"]{1,256})"),
    _kind("login_call", "login( auth=( connect(", r"\b(?:login|connect|auth=)\(\s{0,4}[\"'][^\"'\n]{0,128}[\"']\s{0,4},\s{0,4}[\"']([^\"'\n]{4,256})[\"']"),
    _kind("env_assignment", "token _key secret password passwd _pass", r"\b[A-Z][A-Z0-9_]{0,60}(?:TOKEN|SECRET|PASSWORD|PASSWD|_PASS|_KEY|_KEY_ID)\s{0,2}=\s{0,2}[\"']?([^\s\"'\\]{8,512})", certain=False),
    _kind("assignment", "pass pw secret key token sid kennwort contrase senha wachtwoord parola has\u0142o heslo senord", rf"(?i)(?:\b|_)(?:{_WORDS}){_ASSIGNED}{_VALUE}", certain=False),
    _kind(
        "spoken_password",
        "pass pwd secret token key kennwort contrase",
        r"(?i)\b(?:password|passphrase|passcode|pwd|api key|secret|token|passwort|kennwort|mot de passe|contrase\u00f1a)(?:\s(?:for|of|on|to)(?:\s[\w.-]{1,24}){1,5})?\s?(?:is|was|to|now|lautet|ist|es|est)\s{1,2}[\"'`]?"
        r"((?=[^\s\"'`]{0,60}[0-9!@#$%^&*_+=])[^\s\"'`,;]{5,128})",
        certain=False,
    ),
    _kind(
        "spoken_key",
        "key token secret credential",
        r"(?i)(?<!primary )(?<!foreign )(?<!cache )(?<!public )(?<!idempotency )(?<!partition )(?<!next )(?<!routing )\b(?:key|token|secret|credential)s?\b"
        r"[^\w\n]{0,3}(?:[a-z'][a-z0-9']{0,13}[,:]?\s){0,7}[\"'`]?([A-Za-z0-9_+/=.~-]{20,512})",
        certain=False,
        check=_is_random,
    ),
    _kind("cookie", "cookie", r"(?i)\b(?:set-)?cookie[\"']?\s{0,2}:\s{0,2}[\"']?[\w.-]{1,64}=([^;\s\"']{12,1024})"),
)  # fmt: skip
"""Every kind of secret that is looked for, in order."""

_HARMLESS = re.compile(
    r"(?i)(?:null|none|true|false|undefined|required|optional|string|number|integer|boolean|object|hidden|redacted|masked"
    r"|changeme|placeholder|example|your[_-].*|my[_-]?(?:api)?[_-]?key|\*+|x+|\.+|-+|os\.(?:environ|getenv).*|process\.env.*|.*\(.*|_?[A-Za-z_]+(?:\._?[A-Za-z_]+)+"
    r"|[A-Z]{2}[0-9a-f]{32}|_?(?:pass(?:word|wd)?|secret|token|key)s?|getenv.*|env\..*|\$.*|%.*%|<.*|\{.*|[a-z]+_?[a-z]*_(?:key|token|secret|password))[.,:;!?]*"
)
_SECRET_KEY = re.compile(
    r"(?:^|_)(?:password|passwd|pwd|pw|passwort|kennwort|contrasena|mot_de_passe|senha|wachtwoord|passphrase|passcode|secret|api_?key|apikey|(?:access|auth|refresh|api|bot|deploy|personal|admin|service|app|user|device|id|csrf|xsrf|install|client|verification|reset)_?token|authtoken"
    r"|bearer_?token|session_?token|private_?key|signing_?key|encryption_?key|secret_?(?:access_?)?key|client_?secret"
    r"|access_?key(?:_id)?|credentials?|authorization|cookie|set_cookie|x_api_key|webhook_secret|otp|one_time_code|pin_code|pass|mnemonic|seed_phrase|recovery_(?:phrase|codes?)|backup_codes?)$"
)
_MIXED_KEY = re.compile(r"(?:_key|_token|^token|^sid|_sid|^key|_auth|^auth)$")
_PUBLIC_KEY = re.compile(
    r"(?:primary|foreign|sort|partition|cache|public|idempotency|routing|object|translation|page|next|max|min|input|output"
    r"|total|prompt|completion|cached|reasoning|pagination|continuation|sync)_(?:key|token)$"
)
_CARD_CODE_KEY = re.compile(r"(?:^|_)(?:cvv2?|cvc2?|cvn|card_(?:security|verification)_(?:code|value)|security_code)$")
_PHRASE_KEY = re.compile(r"(?:^|_)(?:mnemonic|(?:seed|recovery|backup|secret|wallet)_(?:phrase|words))$")
MIN_PHRASE_WORDS = 12
_HEX = re.compile(r"[0-9a-f]+")
"""Under a key that may mean anything (`task_key`), a digest is more likely than a secret."""
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[^\s]{12,}")


def find_secrets(piece: Piece) -> Iterator[Finding]:
    """Secrets by their own form, by what stands before them, and by the key they stand under."""
    text, low = piece.text, piece.low
    identifier = piece.scope is Scope.IDENTIFIER
    for kind in KINDS:
        if identifier and not kind.certain:
            continue
        for needle in kind.needles:  # a loop, not any(): this runs sixty times for every piece
            if needle in low:
                break
        else:
            continue
        group = kind.pattern.groups
        for match in kind.pattern.finditer(text):
            start, end = match.span(group)
            if kind.check is not None and not kind.check(match[group]):
                continue
            if kind.name in {"assignment", "camel_assignment", "service_password"} and _is_word_of_code(
                low, match.start(), start, text[start:end]
            ):
                continue
            if not group or not (_HARMLESS.fullmatch(text, start, end) or text[end : end + 1] == "("):
                yield Finding(start, end, "SECRET", 0.9)
    if piece.key and not identifier and _is_secret_value(piece.key, text):
        yield Finding(0, len(text), "SECRET", 0.9)


def _is_word_of_code(low: str, begin: int, start: int, value: str) -> bool:
    """Whether `token = value` is a line of code or of prose: a plain word that is not in quotes, and no password."""
    return value.isalpha() and value.islower() and low[start - 1] not in "\"'" and "pass" not in low[begin:start]


def _is_secret_value(key: str, text: str) -> bool:
    if _CARD_CODE_KEY.search(key):
        return text.isdigit() and len(text) in {3, 4}
    if _PHRASE_KEY.search(key):
        return len(text.split()) >= MIN_PHRASE_WORDS
    if len(text) < 4 or len(text) > 4096 or " " in text.strip() or _PUBLIC_KEY.search(key):
        return False
    if _SECRET_KEY.search(key):
        return not _HARMLESS.fullmatch(text)
    return _MIXED_KEY.search(key) is not None and _RANDOM.fullmatch(text) is not None and not _HEX.fullmatch(text)
