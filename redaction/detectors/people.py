"""Finds what rules can know of people: street addresses, birth dates, and names and places that their key announces."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from redaction.detectors.piece import Detector, Piece, Scope
from redaction.findings import Finding
from redaction.words import FOREIGN, LEAD_WORDS, NOT_A_NAME, SILENT_KEY

_MONTH = (
    r"(?i:January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug"
    r"|Sept?|Oct|Nov|Dec|Januar|Jänner|Februar|März|Mai|Juni|Juli|Oktober|Dezember|janvier|février|mars|avril|juin|juillet"
    r"|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre"
    r"|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|março"
    r"|maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|maart|mei|augustus)"
)
_YEAR = r"(?:1[89]|20)\d\d"
_DATE = re.compile(
    rf"(?<![\w.-])(?:\d{{4}}-\d\d-\d\d(?:T00:00(?::00(?:\.0{{1,9}})?)?(?:Z|[+-]\d\d:?\d\d)?\b|(?=T\d\d:))|(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[./ -]\d{{1,2}}[./ -](?:{_YEAR}|\d\d)"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th|\.|er|\u00ba)?(?: (?:of |de )?|-){_MONTH}\.?(?:,? (?:de )?|-){_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|{_MONTH} (?:of |de )?{_YEAR})(?![\w-]|\.\d))"
)
_BIRTH_WORD = re.compile(
    r"\bborn\b|birth|\bdob\b|d\.o\.b|geboren|geb\.|geburts|naissance|\bnée?\b|\bnacid|nacimiento|nascit|nascid|\bnat[oa] il\b"
    r"|geboorte|b-day|bday|född|født"
)
_BIRTH_KEY = re.compile(
    r"(?:^|_)dob(?:$|_)|birth|geburt|geboren|naissance|nacimiento|nascita|nascimento|geboorte|bday|(?:^|_)born"
)
_BIRTH_CONTEXT = 40

_WORD = r"[A-ZÀ-ÖØ-ÞŁŚŻČŠŽ][\w'\u2019.-]{0,30}"
_KIND = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|Close"
    r"|Crescent|Highway|Hwy|Parkway|Pkwy|Trail|Circle|Cir|Grove|Gardens|Mews|Row|Walk|Alley|Plaza|Loop|Pike)"
)
_POSTCODE = r"(?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\d{5}(?:-\d{4})?|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{6}|\d{4})"
_TAIL = rf"(?:,? (?!{_POSTCODE}\b){_WORD}){{0,3}}(?:,? [A-Z]{{2,3}}\b)?(?:,? {_POSTCODE}\b)?"
_NUMBER = r"\d{1,5} ?[a-zA-Z]?(?:[/-]\d{1,4}[a-zA-Z]?)?(?![\w.])"
_ANY_POSTCODE = r"(?:[A-Z]{1,2}-)?(?:\d{2}-\d{3}|\d{5}-\d{3}|\d{4}-\d{3}|\d{3} \d{2}|\d{4,6}(?: [A-Z]{2}\b)?)"
_FLOOR = r"(?:,? ?(?:- )?(?:\d{1,3} ?[\u00ba\u00aa\u00b0](?: ?\w\b)?|(?i:apto?\.?|apartamento|piso|planta|int\.?|interno|lok\.?|m\.|esc\.?) ?\w{1,5}))?"
_TOWN = rf"{_WORD}(?:[ -]{_WORD}){{0,2}}"
_END = rf"{_FLOOR}(?:,? ?{_ANY_POSTCODE} {_TOWN}(?: [A-Z]{{2}}\b)?|, ?{_TOWN}(?: ?[-/,] ?[A-Z]{{2}}\b)?(?:,? {_ANY_POSTCODE}\b)?)?"
_STREETS = (
    re.compile(
        rf"\b(?:(?:Flat|Apt\.?|Apartment|Unit|Suite) \w{{1,5}},? )?\d{{1,6}}[A-Za-z]? (?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)) )"
        rf"{{1,4}}{_KIND}\b\.?(?: [NESWO]{{1,2}}\b| (?:North|South|East|West)\b)?(?:,? (?:Apt\.?|Apartment|Suite|Unit|Flat|#) ?\w{{1,6}})?{_TAIL}"
    ),
    re.compile(
        rf"\b(?:(?:Flat|House|Plot|Door|No\.?) (?:No\.? ?)?\w{{1,6}},? (?:{_WORD} ){{0,3}}{_WORD}, ?)?\d{{1,4}}[A-Za-z]?(?:/\d{{1,4}})?, (?:{_WORD} ){{1,3}}"
        rf"{_KIND}\b(?:, {_WORD}(?: {_WORD})?){{1,3}}(?: ?[-,]? ?\d{{6}}\b| {_POSTCODE}\b)"
    ),
    re.compile(
        rf"\b(?:(?:Flat|House|Plot|Door) (?:No\.? ?)?\w{{1,6}},? (?:{_WORD} ){{0,3}}{_WORD}, ?)?\d{{1,4}}[A-Za-z]?, (?:{_WORD} ?){{1,4}}, {_WORD}(?: {_WORD})? \d{{3}} ?\d{{3}}\b"
    ),
    re.compile(
        rf"\b(?=[A-ZÄÖÜ])(?:{_WORD} ){{0,2}}\w{{0,30}}(?i:straße|strasse|str\.|weg|allee|platz|gasse|ufer|damm|ring|straat|laan|plein|gracht|kade"
        rf"|gatan|gata|vägen|gade|vej|katu|tie) {_NUMBER}(?:,? ?{_ANY_POSTCODE} {_TOWN})?"
    ),
    re.compile(
        r"\b\d{1,4}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|place|allée|allee|chemin|quai|impasse|cours|route|square) "
        rf"(?:(?:des|du|de|d'|la|les|le|l\u2019|l'|d\u2019|{_WORD})(?: |\b)){{1,6}}(?:,? ?(?:\d{{5}} {_WORD}(?:[ -]{_WORD}){{0,2}}|{_WORD},? (?:[A-Z]{{2}} )?{_POSTCODE}))?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_WORD}(?: (?:{_WORD}|[a-zà-ü]{{2,4}})){{0,3}} {_NUMBER}, {_ANY_POSTCODE} ?(?:[A-Z]{{2}} )?{_TOWN}"),
    re.compile(
        rf"\b(?i:calle|c/|via|viale|piazza|avenida|av\.|avda\.|rua|travessa|plaza|paseo|corso|largo|pra\u00e7a|carrer|ulica|ul\.|al\.|os\.|pl\.|leoforos|odos|bulevardul|strada|bd\.|str\.|jalan|jl\.|prospekt)"
        rf" (?:(?:del|della|de|la|los|las|di|do|da|das|dos|dei|{_WORD}|[IVX]{{1,4}}\b) ?){{1,6}},? ?(?:n[º°.]? ?)?{_NUMBER}{_END}"
    ),
    re.compile(rf"\b\d{{1,4}}(?:-\d{{1,4}}){{1,3}},? {_WORD}(?:, {_WORD}){{1,3}},? \d{{3}}-\d{{4}}\b"),
    re.compile(rf"\b(?:P\.? ?O\.? ?Box|Postfach|Apartado(?: postal)?|Casella postale|Bo\u00eete postale|BP) \d{{1,6}}\b(?:, {_ANY_POSTCODE} {_TOWN})?", re.IGNORECASE),
)  # fmt: skip
_STREET_HINT = re.compile(
    rf" {_KIND}\b|(?i:stra(?:ß|ss)e|str\.|weg|allee|platz|gasse|ufer|damm|ring|straat|laan|plein|gracht|kade|gatan|gata|vägen|gade|vej|katu|tie) \d"
    r"|(?i:\b(?:rue|avenue|boulevard|place|all[ée]e|chemin|quai|impasse|cours|route|square) )"
    r"|\d ?[a-zA-Z]?, (?:[A-Z]{1,2}-)?\d{2,6}[- ]"
    r"|(?i:\b(?:calle|via|viale|piazza|avenida|rua|travessa|plaza|paseo|corso|largo|pra\u00e7a|carrer|ulica|leoforos|odos|bulevardul|strada|jalan|prospekt) |\b(?:c/|av\.|avda\.|ul\.|al\.|os\.|pl\.|bd\.|jl\.) )"
    r"|(?i:p\.? ?o\.? ?box|postfach|apartado|casella|bo\u00eete|\bbp )|\b\d{1,4}-\d{1,4}[ -]|\d{3} ?\d{3}\b|, \d"
)
"""What every street address has; cheap, so that texts without one cost nothing more."""

_PERSON_KEY = re.compile(
    r"(?:^|_)(?:(?:first|last|full|given|family|middle|sur|maiden|nick|customer|client|contact|display|holder|account_holder"
    r"|cardholder|card_holder|passenger|patient|employee|recipient|sender|billing|shipping|legal|real|person|guest|driver"
    r"|beneficiary|payee|student|owner|manager|caller|requester|applicant|buyer|seller|author|reviewer|approver)_?name"
    r"|surname|passenger|recipient|creditor|debtor|payer|guarantor|vorname|nachname|nombre|apellidos?|prenom|fn|cardholder|account_holder|holder|employee|manager|patient|assignee|beneficiary|payee"
    r"|first|last|customer|contact|owner|author|caller|approver|requester|applicant|guest|attendee|attendees)$"
)
_SHORT_PERSON_KEY = re.compile(r"^(?:first|last)$")
_NAME_KEY = re.compile(
    r"^(?:name|username|user|display|witness|doctor|physician|nurse|therapist|teacher|lawyer|attorney|counsel|notary|spouse|husband|wife|father|mother|parent|child|tenant|landlord"
    r"|insured|claimant|deceased|contact_person|signatory|participant|traveller|traveler|visitor|reporter|subscriber|member)$|(?:^|_)user_name$"
    r"|(?:^|_)(?:sign|approv|review|creat|request|report|assign|writ|prepar|open|clos|handl|submit|cancel|verif|authori|treat|prescrib|sent|updat|deliver|receiv|book)\w{0,5}_by$"
)
_PLACE_KEY = re.compile(
    r"^(?:from|to|origin|destination|departure|arrival)$|(?:^|_)(?:city|town|hometown|birthplace|place_of_birth|country|county|municipality|village)$"
)
_ADDRESS_KEY = re.compile(
    r"(?:^|_)(?:address|street|ship_to|bill_to|home|residence|postal_address)(?:_?\d|_?line.{0,3}|_address|_name)?$|^address_"
)
_NOT_POSTAL = re.compile(
    r"(?:^|_)(?:ip|mac|email|e_mail|mail|wallet|server|client|peer|net|socket|host|web|url|contract|eth)_?address"
)
_NAME_FORM = re.compile(r"(?:[^\W\d_][\w'\u2019.-]{0,30}\.?)(?:(?:, | )(?:[^\W\d_][\w'\u2019.-]{0,30}\.?)){0,4}")
_UPPER = re.compile(r"[A-ZÀ-ÖØ-Þ\u0100-\u024f\u0370-\uffff]")
_INTRODUCED = re.compile(
    r"\b(?:my name is|my name's|my full name is|name:|i am called|(?:hey|hi|hello),? (?:it'?s|this is|i'?m|i am)|mein name ist|ich hei(?:ß|ss)e|je m'appelle|me llamo|mi nombre es|mi chiamo"
    r"|meu nome é|mijn naam is)\s((?:[^\W\d_]{1,20}(?:['-][^\W\d_]{2,20})?)(?: (?!(?:and|i|from|with|here|but|calling|my|the|to|who|on|in|at|or|y|et|e|und|en|vivo|ich|je)\b)"
    r"[^\W\d_]{1,20}(?:['-][^\W\d_]{2,20})?){1,3})",
    re.IGNORECASE,
)
"""Names in lower case, only after words that can introduce nothing else."""
_PART = r"(?:[A-ZÀ-ÖØ-Þ\u0100-\u024f][a-zß-ÿ\u0100-\u024f'\u2019A-Z-]{1,30}|[A-ZÀ-ÖØ-Þ]\.)"
_PARTICLE = r"(?:van|der|den|de|la|di|da|von|zu|al|bin|ibn|del|dos|el|le|ter|du)"
_CALLED = rf"{_PART}(?:,? (?:{_PARTICLE} ){{0,2}}{_PART}){{0,3}}"
_TITLE = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Professor|Doctor|Captain|Judge|Herrn?|Frau|Mme|Mlle|Sr|Sra|Señora?|Sig|Signora?)\.?"
_CUE = re.compile(
    r"(?:\b(?i:my name is|my name's|i'm|i am|this is|name on the (?:account|card|order) is|account ?holder(?: is)?:?|cardholder:?"
    r"|thanks,|thank you,|thanks|dear|regards,|sincerely,|cheers,|grü(?:ß|ss)en?,?|cordialement,|saludos,|patient,?|passenger|customer:?|employee:?|attendee|contact:"
    r"|on-call engineer|room for|table for|ticket for|behalf of|signed by|seen by|reported by|requested by|approved by"
    r"|mein name ist|ich hei(?:ß|ss)e|je m'appelle|me llamo|mi nombre es|soy|mi chiamo|meu nome é|mijn naam is"
    rf"|assigned to|spoke (?:to|with)|caller:?)|\b{_TITLE})[ \n]{{1,2}}(?:{_TITLE} )?({_CALLED})"
)
_WEAK_CUE = re.compile(
    r"\b(?i:account of|belongs? to|written by|escalated by|submitted by|created by|prepared by|opened by|owned by|led by|locked by|reviewed by|managed by"
    r"|met with|talked to|talk to|met|meeting with|call with|reminder for|deliver to|invoice to|send (?:it |this )?to|forward (?:it |this )?to|notify|inform|told|tell|ask|asked|emailed|called"
    r"|client,?|reviewer,?|manager,?|colleague,?|applicant,?|candidate,?|driver,?|guest,?|tenant,?|witness,?|beneficiary,?|notes:|agent,?|winner (?:of [\w ]{1,20} )?is"
    rf"|payout to|refund to|transfer to|payment to|paid to|between|passengers:|attendees:|from|by|for|with|and|to|best,?|user:) ({_CALLED})(?=\W|$)"
)
"""Words that a name of two or more words may follow; a product may as well, so both words must be unknown."""
_SAYS = re.compile(
    rf"({_PART} (?:{_PARTICLE} ){{0,2}}(?:{_PART} )?{_PART}),? (?:\([^()\n]{{1,60}}\),? )?(?:said|says|wrote|writes|asked|asks|told|replied|phoned|lives|lived|works at|disagrees?|agrees?|agreed|signed (?:in|up|off)"
    r"|logged in|would like|wants|was born|called|moved to|is on leave|has approved|approved|complained|confirmed|noticed|here\b)"
)
_BEFORE_CONTACT = re.compile(
    rf"({_PART}(?:,? (?:{_PARTICLE} ){{0,2}}{_PART}){{1,3}})"
    r"(?=[ ,:(<\u2013\u2014|-]{1,4}(?:[\w.+%-]{1,64}@[\w-]|(?:was )?born\b|date of birth|DOB\b))"
)
_CONTACT_HINT = re.compile(r"@|\bborn\b|date of birth|\bdob\b")
_MAX_NAME = 60
_MAX_ADDRESS = 160


def find_birth_dates(piece: Piece) -> Iterator[Finding]:
    """Dates beside a word or under a key that speaks of birth."""
    if not piece.digits or piece.scope is Scope.IDENTIFIER:
        return
    named = bool(piece.key) and _BIRTH_KEY.search(piece.key) is not None
    if not named and not _BIRTH_WORD.search(piece.low):
        return
    last = 0  # a birth word speaks of one date: "born 3 May 1980, admitted on 4 June 2021"
    for match in _DATE.finditer(piece.text):
        start = match.start()
        if named or _BIRTH_WORD.search(piece.low, max(last, start - _BIRTH_CONTEXT), start):
            yield Finding(start, match.end(), "DATE_OF_BIRTH", 0.8)
            last = match.end()


def find_streets(piece: Piece) -> Iterator[Finding]:
    """Street addresses as written in the US, Great Britain, Germany, France and their neighbours."""
    if piece.scope is Scope.IDENTIFIER:
        return
    if piece.digits and _STREET_HINT.search(piece.text):
        for pattern in _STREETS:
            for match in pattern.finditer(piece.text):
                found = match[0].rstrip(" ,.'")
                yield Finding(match.start(), match.start() + len(found), "ADDRESS", 0.7)
    if piece.key and len(piece.text) < _MAX_ADDRESS and _is_postal(piece):
        yield Finding(0, len(piece.text), "ADDRESS", 0.6)


def _is_postal(piece: Piece) -> bool:
    if not _ADDRESS_KEY.search(piece.key) or _NOT_POSTAL.search(piece.key):
        return False
    return _UPPER.search(piece.text) is not None and "@" not in piece.text and "://" not in piece.text


def find_named(denied: Container[str]) -> Detector:
    """Names of people and places that stand alone under a key that announces them.

    Args:
        denied: Words (lower case) that are never a person or a place.
    """

    def find(piece: Piece) -> Iterator[Finding]:
        text, key = piece.text, piece.key
        if piece.scope < Scope.PROSE and piece.scope is not Scope.RULES:
            return
        if key and len(text) <= _MAX_NAME and _NAME_FORM.fullmatch(text.strip()):
            if _is_person(text.strip(), key, denied):
                yield Finding(0, len(text), "PERSON", 0.6)
            elif _PLACE_KEY.search(key) and _UPPER.search(text) and len(text) > 2 and text.lower() not in denied:
                yield Finding(0, len(text), "LOCATION", 0.6)
        if not key or not SILENT_KEY.search(key):
            yield from _introduced(piece, denied)

    return find


def _introduced(piece: Piece, denied: Container[str]) -> Iterator[Finding]:
    """Names after "my name is", "Dr." and the like, and names right before an e-mail address or a birth date."""
    text = piece.text
    for match in _INTRODUCED.finditer(text):
        if not NOT_A_NAME.intersection(match[1].lower().split()):
            yield Finding(match.start(1), match.end(1), "PERSON", 0.5)
    for match in _CUE.finditer(text):
        yield from _if_name(match, denied)
    for pattern in (_WEAK_CUE, _SAYS):
        for match in pattern.finditer(text):
            for found in _if_name(match, denied):
                if _is_full(text[found.start : found.end]):
                    yield found
    if _CONTACT_HINT.search(piece.low):
        for match in _BEFORE_CONTACT.finditer(text):
            yield from _if_name(match, denied)


def _if_name(match: re.Match[str], denied: Container[str]) -> Iterator[Finding]:
    """The beginning of a capitalised sequence, up to the first ordinary word."""
    end = match.start(1)
    for word in re.finditer(r"[^\s,]+", match[1]):
        bare = word[0].lower().strip(".'\u2019")
        if len(bare) > 1 and (
            bare in NOT_A_NAME or bare in denied or bare in LEAD_WORDS or (bare in FOREIGN and not word[0].islower())
        ):
            break
        end = match.start(1) + word.end()
    if end - match.start(1) > 1:
        yield Finding(match.start(1), end, "PERSON", 0.5)


def _is_full(name: str) -> bool:
    """Two words or more that are no codes: written like names, not like `HTTP Client` or `GPT-4 Turbo`."""
    words = [word for word in re.split(r"[ ,]+", name) if _UPPER.match(word)]
    return len(words) > 1 and not any(_SHOUTED.fullmatch(word) for word in words)


_SHOUTED = re.compile(r"[A-Z]{2,}.*|.*[a-z][A-Z]{2,}.*")


def _is_person(text: str, key: str, denied: Container[str]) -> bool:
    words = re.split(r"[ ,]+", text)
    lowered = [word.lower().strip(".") for word in words]
    if any(word in NOT_A_NAME or word in denied for word in lowered):
        return False
    if _PERSON_KEY.search(key):
        return bool(_UPPER.search(text)) and text.lower() not in denied
    if _NAME_KEY.search(key):
        return 2 <= len(words) <= 4 and all(_UPPER.match(word) or word in _PARTICLES for word in words)
    return False


_PARTICLES = frozenset(
    [
        "van",
        "der",
        "den",
        "de",
        "la",
        "di",
        "da",
        "von",
        "zu",
        "al",
        "bin",
        "ibn",
        "del",
        "dos",
        "el",
        "y",
        "le",
        "ter",
        "du",
    ]
)
