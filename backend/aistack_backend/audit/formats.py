"""What secrets look like: the published shapes of keys and tokens, and the names that announce one.

Each shape is anchored by a prefix or a structure of its issuer, so that hashes, ids and ordinary words pass.
"""

from __future__ import annotations

import re

_EDGE = r"(?<![A-Za-z0-9_\-])"
_W = r"[A-Za-z0-9]"
_T = r"[A-Za-z0-9_\-]"

SHAPES: dict[str, str] = {
    "age key": r"AGE-SECRET-KEY-1[A-Z0-9]{30,}",
    "Airtable": rf"pat{_W}{{14}}\.[a-f0-9]{{40,}}",
    "Anthropic": rf"sk-ant-{_T}{{16,}}",
    "Atlassian": rf"AT(?:ATT|CTT)3{_T}{{20,}}=?",
    "AWS access key id": r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    "Brevo": rf"xkeysib-[a-f0-9]{{32,}}{_T}*",
    "Databricks": r"dapi[a-f0-9]{32}(?:-\d)?",
    "DigitalOcean": r"do[opr]_v1_[a-f0-9]{40,}",
    "Discord bot": rf"[MNO]{_W}{{23,26}}\.{_T}{{6}}\.{_T}{{27,}}",
    "Docker Hub": rf"dckr_(?:pat|oat)_{_T}{{16,}}",
    "Doppler": rf"dp\.(?:pt|st|ct|sa|scim|audit)\.{_W}{{20,}}",
    "Figma": rf"fig[doru]_{_T}{{20,}}",
    "Fly.io": rf"fo1_{_T}{{20,}}|FlyV1\s+\S{{20,}}",
    "GitHub": rf"gh[opusr]_{_W}{{20,}}|github_pat_{_T}{{20,}}",
    "GitLab": rf"gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|imt|agent|ffct)-{_T}{{16,}}",
    "Google API": rf"AIza{_T}{{35}}",
    "Google OAuth": rf"GOCSPX-{_T}{{20,}}|ya29\.{_T}{{20,}}",
    "Grafana": rf"gl(?:sa|c)_{_W}{{24,}}(?:_[a-f0-9]{{8}})?[=]*",
    "Groq": rf"gsk_{_W}{{20,}}",
    "Heroku": rf"HRKU-{_T}{{20,}}",
    "Hugging Face": rf"(?:hf|api_org)_{_W}{{20,}}",
    "JSON web token": rf"eyJ{_T}{{8,}}\.eyJ{_T}{{8,}}\.{_T}*",
    "Linear": rf"lin_(?:api|oauth)_{_W}{{20,}}",
    "Mailchimp": r"[a-f0-9]{32}-us\d{1,2}",
    "Mailgun": r"key-[a-f0-9]{32}",
    "Netlify": rf"nf[pocub]_{_W}{{30,}}",
    "New Relic": r"NR(?:AK|II|JS|RA)-[A-Za-z0-9\-]{20,}",
    "Notion": rf"(?:ntn|secret)_{_W}{{30,}}",
    "npm": rf"npm_{_W}{{30,}}",
    "OpenAI and alike": rf"sk-(?:proj-|svcacct-|admin-|or-v1-|lf-)?{_T}{{16,}}",
    "Perplexity": rf"pplx-{_W}{{20,}}",
    "PlanetScale": rf"pscale_(?:tkn|pw|oauth)_{_T}{{20,}}",
    "Postman": r"PMAK-[a-f0-9]{20,}-[a-f0-9]{20,}",
    "Pulumi": r"pul-[a-f0-9]{40}",
    "PyPI": rf"pypi-{_T}{{20,}}",
    "Replicate": rf"r8_{_W}{{30,}}",
    "RubyGems": r"rubygems_[a-f0-9]{40,}",
    "SendGrid": rf"SG\.{_T}{{16,}}\.{_T}{{16,}}",
    "Sentry": rf"sntr[yu]s_{_T}{{20,}}[=]*{_T}*",
    "Shopify": r"shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}",
    "Slack": rf"xox[abeoprs](?:\.xox[bp])?-{_T}{{10,}}|xapp-{_T}{{10,}}",
    "Slack webhook": r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/+\-]{20,}",
    "Square": rf"sq0(?:atp|csp|idp)-{_T}{{20,}}|EAAA{_T}{{56,}}",
    "Stripe": rf"[srp]k_(?:live|test)_{_W}{{16,}}|whsec_{_W}{{20,}}",
    "Supabase": r"sbp_[a-f0-9]{40}",
    "Tailscale": rf"tskey-[a-z]+-{_T}{{16,}}",
    "Telegram bot": rf"\d{{8,10}}:AA{_T}{{32,34}}",
    "Terraform Cloud": rf"{_W}{{14}}\.atlasv1\.{_T}{{40,}}",
    "Twilio": r"(?:SK|AC)[a-f0-9]{32}",
    "Vault": rf"hv[sbr]\.{_T}{{20,}}",
    "xAI": rf"xai-{_W}{{20,}}",
}
"""Name of the issuer and the shape of what it issues."""

TOKENS = re.compile(_EDGE + "(?:" + "|".join(SHAPES.values()) + ")")
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
"""A private key in armour, also one that was cut before its end."""
USERINFO = re.compile(r"(?P<keep>://[^\s/:@]{0,128}:)(?P<secret>[^\s/@]{1,512})(?=@)")
"""The password in ``scheme://user:password@host``."""
HEADER = re.compile(
    r"(?P<keep>\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|digest|token|negotiate|apikey)\s+)?)"
    r"(?P<secret>(?!(?:bearer|basic|digest|token|negotiate|apikey)\b)[^\s\"',;]+)"
    r"|(?P<keep2>\b(?:bearer|basic)\s+)(?P<secret2>[A-Za-z0-9._~+/=\-]{8,})",
    re.IGNORECASE,
)
"""An Authorization header's value, and a bearer or basic credential anywhere."""
_NAMES = (
    r"[a-z0-9]{0,24}?(?:passw(?:or)?d|token|secret|apikey)|pass(?:phrase|code)?|pwd|api[_\-]?key|access[_\-]?key|account[_\-]?key|private[_\-]?key"
    r"|signing[_\-]?key|encryption[_\-]?key|client[_\-]?secret|credentials?|cookie|session[_\-]?key|auth[_\-]?key|dsn"
)
SECRET_NAME = re.compile(rf"(?:^|[_\-.\s]|(?<=[a-z])(?=[A-Z]))(?:{_NAMES})(?:$|[_\-.\s\d]|(?=[A-Z]))", re.IGNORECASE)
"""A field or variable name that announces a secret."""
ASSIGNMENT = re.compile(
    rf"(?P<keep>(?<![A-Za-z0-9])(?:{_NAMES})(?:[_\-.][A-Za-z0-9]{{1,32}}){{0,4}}[\"']?\s*(?:=|:)\s*)"
    r"(?P<secret>\"[^\"]*\"|'[^']*'|[\"'][^\n]+|[^\s\"',;&]+)"
    rf"|(?P<keep2>(?<![\-a-z0-9])--(?:[a-z0-9][a-z0-9\-]{{0,48}}?)??(?<![a-z0-9])(?:{_NAMES})\s+)(?P<secret2>\"[^\"]*\"|'[^']*'|[\"'][^\n]+|[^\s\"']+)",
    re.IGNORECASE,
)
"""``NAME=value``, ``name: value`` and ``--name value`` where the name announces a secret. A quote that does not end
hides the rest of its line."""
