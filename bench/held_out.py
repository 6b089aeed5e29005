"""Texts to measure redaction with: names, addresses, vendors and templates other than those the detectors were tuned on."""

# ruff: noqa: N802, N806, SIM905, C901, E741, RUF001, RUF005 - a method is named like the entity it makes; tables are long, names foreign
from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
from urllib.parse import quote, quote_plus

import phonenumbers

GIVEN = [
    "Amara",
    "Chidinma",
    "Oluwaseun",
    "Kwame",
    "Thandiwe",
    "Sipho",
    "Fatoumata",
    "Mamadou",
    "Aisha",
    "Khadija",
    "Youssef",
    "Tariq",
    "Layla",
    "Noor",
    "Hassan",
    "Zainab",
    "Mehmet",
    "Elif",
    "Emre",
    "Ayşe",
    "Giulia",
    "Lorenzo",
    "Chiara",
    "Matteo",
    "Beatriz",
    "Thiago",
    "Inês",
    "João",
    "Rodrigo",
    "Ximena",
    "Álvaro",
    "Begoña",
    "Siobhán",
    "Eoin",
    "Niamh",
    "Gwenllian",
    "Rhys",
    "Astrid",
    "Bjørn",
    "Søren",
    "Freja",
    "Ingrid",
    "Mikko",
    "Aino",
    "Katarzyna",
    "Zbigniew",
    "Małgorzata",
    "Oksana",
    "Mykola",
    "Svetlana",
    "Dimitar",
    "Ivana",
    "Zoltán",
    "Eszter",
    "Radu",
    "Ioana",
    "Panagiotis",
    "Eleni",
    "Priyanka",
    "Arjun",
    "Lakshmi",
    "Rajesh",
    "Deepika",
    "Sanjay",
    "Nguyen",
    "Thuy",
    "Minh",
    "Wei",
    "Xiaoming",
    "Yuki",
    "Haruto",
    "Sakura",
    "Ji-woo",
    "Seo-yeon",
    "Minjun",
    "Somchai",
    "Siti",
    "Budi",
    "Putri",
    "Kahurangi",
    "Leilani",
    "Keoni",
    "Shaniqua",
    "DeShawn",
    "Tyrone",
    "Mary-Ann",
    "Wyatt",
    "Bernice",
    "Harold",
    "Doris",
    "Trevor",
    "Annelies",
    "Joost",
    "Maarten",
    "Femke",
    "Jean-Luc",
    "Aurélie",
    "Thibault",
    "Océane",
    "Friedrich",
    "Annegret",
    "Uwe",
    "Heike",
    "Jürgen",
    "Shlomo",
    "Tziporah",
    "Avigail",
    "Yitzhak",
    "Farhad",
    "Shirin",
    "Reza",
    "Nasrin",
]
FAMILY = """Okonkwo Adeyemi Mensah Dlamini Nkosi Diallo Traoré Al-Rashid Benali Haddad Khoury Yılmaz Demir Şahin Özdemir Rossi Bianchi Esposito Ferreira Carvalho Souza Albuquerque
Hernández Villanueva Etxeberria O'Sullivan Ó'Briain MacGregor Llewellyn Lindqvist Sørensen Haugen Virtanen Koskinen Wiśniewska Kowalczyk Szczepański Shevchuk Bondarenko Ivanova Petrov
Horvat Kovács Nagy Popescu Ionescu Papadopoulos Chatterjee Mukherjee Venkataraman Iyer Patel Bhattacharya Reddy Tran Pham Zhang Ouyang Tanaka Watanabe Kobayashi Park Choi Jeong
Suwannarat Wijaya Tuilagi Kealoha Washington Jefferson-Clarke Blackwood Featherstone Van den Berg|van den Berg de Vries van Dijk|van Dijk Dupont-Moretti Lefèvre Beaumont Schäfer Großmann Müller-Lüdenscheidt
Steinberg Ben-David Goldfarb Rosenblatt Hosseini Tehrani Moradi Castellanos Quintero Obi Zulu Mbeki Featheringay Thistlewood Ashworth Cholmondeley Huxtable Pemberton""".replace(
    "Van den Berg|", ""
).split()
FAMILY = [f for f in FAMILY if f not in ("van", "den", "Berg", "de", "Dijk", "Dijk|van", "Vries")] + [
    "van den Berg",
    "de Vries",
    "van Dijk",
    "de la Cruz",
    "von Hohenstein",
    "al-Masri",
    "bin Salleh",
    "dos Santos",
]
CITIES = [
    "Nairobi",
    "Kraków",
    "Valparaíso",
    "Gothenburg",
    "Osaka",
    "Chennai",
    "Marrakesh",
    "Tbilisi",
    "Porto",
    "Leeds",
    "Tucson",
    "Halifax",
    "Brisbane",
    "Antwerp",
    "Thessaloniki",
    "Busan",
    "Lagos",
    "Medellín",
    "Bergen",
    "Lyon",
    "Düsseldorf",
    "Haifa",
    "Hanoi",
    "Belfast",
    "Omaha",
    "Zagreb",
    "Bucharest",
    "Izmir",
    "Durban",
    "Quito",
] + ["Buenos Aires", "San Antonio", "Den Haag", "Cape Town", "Ho Chi Minh City", "St. Louis", "Tel Aviv", "New Delhi"]
COUNTRIES = [
    "Kenya",
    "Poland",
    "Chile",
    "Sweden",
    "Japan",
    "Morocco",
    "Portugal",
    "Australia",
    "Belgium",
    "Greece",
    "Nigeria",
    "Colombia",
    "Norway",
    "Ireland",
    "Croatia",
    "Romania",
    "Vietnam",
    "Ghana",
    "Peru",
    "Estonia",
] + ["South Korea", "New Zealand", "South Africa"]
DOM = [
    "gmail.com",
    "yahoo.co.jp",
    "outlook.de",
    "web.de",
    "protonmail.com",
    "icloud.com",
    "mail.ru",
    "orange.fr",
    "libero.it",
    "seznam.cz",
    "naver.com",
    "acme-industries.example",
    "northwind.co.uk",
    "uni-bonn.de",
    "stanford.edu",
    "state.ny.us",
    "bigbank.com.br",
    "kpmg-clients.eu",
    "fastmail.fm",
    "hey.com",
]
UNKNOWN = """Abosede Adebowale Adenike Akwasi Amahle Andile Anamika Atieno Bagus Bhavani Bogomir Bohumila Biljana Carlijn Danique Davorin
Dumisani Eemeli Eniola Erzsébet Floris Folashade Gediminas Gerwin Giedrius Gordana Gugulethu Guntars Gunilla Hege Ibironke Indrek István Itzel
Ivica Jaanus Jitka Josip Kadri Kajetan Kelsey Kikelomo Kipkosgei Klemen Kwaku Kwamena Laurynas Ligaya Luthfi Maimunah Mette Mihkel Milou Mojisola
Nhlanhla Nomusa Nyoman Nozizwe Orvokki Otieno Oluwasanmi Paramita Paulius Pien Reidun Riina Sanja Sergiu Silondile Sirje Sissel Svatopluk Thembeka
Tiina Tolulope Tünde Uğur Valdis Vytautas Wambui Xolani Yetunde Zanele""".split()
S, M, E_ = "\ue000", "\ue001", "\ue002"


def mark(t, v, sub=""):
    return f"{S}{t}:{sub}{M}{v}{E_}"


B62 = string.ascii_letters + string.digits


class G:
    def __init__(self, seed, given=None, family=None):
        self.r = random.Random(seed)
        self.given = given or GIVEN
        self.family = family or FAMILY

    def ch(self, *a):
        return self.r.choice(a)

    def s(self, n, alphabet=B62):
        return "".join(self.r.choice(alphabet) for _ in range(n))

    def hex(self, n):
        return self.s(n, "0123456789abcdef")

    def d(self, n):
        return self.s(n, string.digits)

    # ---- persons
    def first(self):
        return self.r.choice(self.given if self.r.random() < 0.5 else UNKNOWN)

    def last(self):
        return self.r.choice(self.family)

    def PERSON(self):
        f, l = self.first(), self.last()
        x = self.r.random()
        if x < 0.72:
            return mark("PERSON", f"{f} {l}", "full")
        if x < 0.80:
            return mark("PERSON", f"{f} {self.s(1, 'ABCDEFGHJKLMNPRST')}. {l}", "initial")
        if x < 0.87:
            return mark("PERSON", f"{l}, {f}", "lastfirst")
        if x < 0.92:
            return mark("PERSON", f"{f} {self.first()} {l}", "three")
        return mark("PERSON", f, "first")

    def FULL(self):
        return mark("PERSON", f"{self.first()} {self.last()}", "full")

    def FIRST(self):
        return mark("PERSON", self.first(), "first")

    def JFIRST(self):
        return mark("PERSON", self.first(), "json_first")

    def LAST(self):
        return mark("PERSON", self.last(), "json_last")

    def LOWER(self):
        return mark("PERSON", f"{self.first()} {self.last()}".lower(), "lower")

    def UPPERN(self):
        return mark("PERSON", f"{self.first()} {self.last()}".upper(), "upper")

    # ---- contacts
    def EMAIL(self):
        f, l = (
            re.sub(r"[^a-z]", "", self.first().lower().encode("ascii", "ignore").decode()) or "x",
            re.sub(r"[^a-z]", "", self.last().lower().encode("ascii", "ignore").decode()) or "y",
        )
        loc = self.ch(
            f"{f}.{l}",
            f"{f[0]}{l}",
            f"{l}{self.d(2)}",
            f"{f}_{l}",
            f"{f}+{self.ch('shop', 'news', 'aws')}",
            f"{f}-{l}",
            f"{f}{self.d(4)}",
            f"{f[0]}.{l}.ext",
        )
        return mark("EMAIL_ADDRESS", f"{loc}@{self.r.choice(DOM)}")

    def PHONE(self):
        reg = self.ch(
            "US",
            "GB",
            "DE",
            "FR",
            "ES",
            "IT",
            "NL",
            "SE",
            "PL",
            "CH",
            "AT",
            "BE",
            "IN",
            "JP",
            "KR",
            "BR",
            "MX",
            "ZA",
            "NG",
            "KE",
            "AU",
            "NZ",
            "IL",
            "TR",
            "AE",
            "SG",
            "UA",
            "PT",
            "IE",
            "GR",
            "CZ",
            "DK",
            "FI",
            "NO",
            "AR",
            "CL",
            "CO",
            "EG",
            "ID",
            "TH",
            "VN",
            "PH",
            "CN",
            "HK",
        )
        typ = phonenumbers.PhoneNumberType.MOBILE if self.r.random() < 0.6 else phonenumbers.PhoneNumberType.FIXED_LINE
        ex = phonenumbers.example_number_for_type(reg, typ) or phonenumbers.example_number(reg)
        for _ in range(200):
            nat = str(ex.national_number)
            k = self.ch(4, 5, 6)
            n = phonenumbers.PhoneNumber(
                country_code=ex.country_code,
                national_number=int(nat[:-k] + self.d(k)),
                italian_leading_zero=ex.italian_leading_zero,
            )
            if phonenumbers.is_valid_number(n):
                break
        else:
            n = ex
        f = phonenumbers.PhoneNumberFormat
        x = self.r.random()
        if x < 0.5:
            v, sub = phonenumbers.format_number(n, f.INTERNATIONAL), "INTL"
        elif x < 0.7:
            v, sub = phonenumbers.format_number(n, f.E164), "E164"
        elif x < 0.8:
            v, sub = phonenumbers.format_number(n, f.INTERNATIONAL).replace(" ", self.ch("-", ".")), "SEP"
        elif x < 0.85:
            v, sub = phonenumbers.format_number(n, f.E164).replace("+", "00"), "00"
        elif reg in ("US", "GB", "DE", "FR", "ES", "IT", "IL", "IN", "BR", "AU", "NL", "PL"):
            v, sub = phonenumbers.format_number(n, f.NATIONAL), "NAT"
        else:
            v, sub = phonenumbers.format_number(n, f.INTERNATIONAL), "INTL"
        return mark("PHONE_NUMBER", v, f"{reg}_{sub}")

    def IP(self):
        x = self.r.random()
        if x < 0.45:
            while True:
                a = [self.r.randint(1, 223), *(self.r.randint(0, 255) for _ in range(3))]
                if a[0] not in (10, 127, 172, 192):
                    return mark("IP_ADDRESS", ".".join(map(str, a)), "v4")
        if x < 0.6:
            return mark(
                "IP_ADDRESS",
                self.ch(
                    f"10.{self.r.randint(0, 255)}.{self.r.randint(0, 255)}.{self.r.randint(1, 254)}",
                    f"192.168.{self.r.randint(0, 255)}.{self.r.randint(1, 254)}",
                ),
                "private",
            )
        h = [self.hex(4).lstrip("0") or "0" for _ in range(8)]
        h[0] = self.ch("2001", "2a02", "2600", "fd12", "fe80")
        if x < 0.75:
            return mark("IP_ADDRESS", ":".join(h), "v6full")
        if x < 0.9:
            return mark("IP_ADDRESS", ":".join(h[:4]) + "::" + self.ch("1", h[5], h[5] + ":" + h[6]), "v6short")
        return mark("IP_ADDRESS", ":".join(h).upper(), "v6upper")

    # ---- numbers
    def CARD(self):
        p, n = self.ch(
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("2720", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3528", 16),
            ("36", 14),
            ("65", 16),
        )
        body = p + self.d(n - len(p) - 1)
        tot = 0
        for i, c in enumerate(reversed(body)):
            v = int(c) * (2 if i % 2 == 0 else 1)
            tot += v - 9 if v > 9 else v
        c = body + str(-tot % 10)
        if n == 15:
            v = self.ch(c, f"{c[:4]} {c[4:10]} {c[10:]}", f"{c[:4]}-{c[4:10]}-{c[10:]}")
        elif n == 14:
            v = self.ch(c, f"{c[:4]} {c[4:10]} {c[10:]}")
        else:
            v = self.ch(
                c, " ".join(c[i : i + 4] for i in range(0, 16, 4)), "-".join(c[i : i + 4] for i in range(0, 16, 4))
            )
        return mark("CREDIT_CARD", v, p)

    def IBAN(self):
        spec = {
            "DE": ("n18",),
            "FR": ("n10", "c11", "n2"),
            "GB": ("a4", "n14"),
            "NL": ("a4", "n10"),
            "ES": ("n20",),
            "IT": ("a1", "n10", "c12"),
            "PL": ("n24",),
            "CH": ("n5", "c12"),
            "SE": ("n20",),
            "NO": ("n11",),
            "BE": ("n12",),
            "AT": ("n16",),
            "PT": ("n21",),
            "TR": ("n5", "n1", "c16"),
            "SA": ("n2", "c18"),
            "AE": ("n19",),
            "MT": ("a4", "n5", "c18"),
            "BR": ("n23", "a1", "c1"),
            "IE": ("a4", "n14"),
            "GR": ("n7", "c16"),
            "RO": ("a4", "c16"),
            "UA": ("n6", "c19"),
            "LU": ("n3", "c13"),
            "CZ": ("n20",),
            "FI": ("n14",),
        }
        c = self.r.choice(list(spec))
        b = "".join(
            {
                "n": self.d,
                "a": lambda k: self.s(k, string.ascii_uppercase),
                "c": lambda k: self.s(k, string.ascii_uppercase + string.digits),
            }[p[0]](int(p[1:]))
            for p in spec[c]
        )
        chk = 98 - int("".join(str(int(x, 36)) for x in b + c + "00")) % 97
        i = f"{c}{chk:02d}{b}"
        x = self.r.random()
        v = (
            i
            if x < 0.45
            else " ".join(i[k : k + 4] for k in range(0, len(i), 4))
            if x < 0.85
            else i.lower()
            if x < 0.92
            else "-".join(i[k : k + 4] for k in range(0, len(i), 4))
        )
        return mark("IBAN_CODE", v, c)

    def SSN(self):
        a, b, c = (
            f"{self.ch(*[x for x in range(1, 899) if x != 666]):03d}",
            f"{self.r.randint(1, 99):02d}",
            f"{self.r.randint(1, 9999):04d}",
        )
        return mark("US_SSN", f"{a}-{b}-{c}", "dash")

    def SSNP(self):
        a, b, c = (
            f"{self.ch(*[x for x in range(101, 899) if x != 666]):03d}",
            f"{self.r.randint(11, 99):02d}",
            f"{self.r.randint(1001, 9999):04d}",
        )
        return mark("US_SSN", self.ch(f"{a} {b} {c}", f"{a}{b}{c}"), "plain")

    # ---- places
    def CITY(self):
        return mark("LOCATION", self.r.choice(CITIES), "city")

    def COUNTRY(self):
        return mark("LOCATION", self.r.choice(COUNTRIES), "country")

    def ADDRESS(self):
        r, n = self.r, self.r.randint(1, 240)
        fam = self.ch(
            "Maple",
            "Oakridge",
            "Church",
            "Wellington",
            "Jefferson",
            "Sunset",
            "Mill",
            "Victoria",
            "Cedar Hollow",
            "St. George's",
            "Kingfisher",
            "Old Quarry",
            "Martin Luther King Jr.",
        )
        k = r.randrange(15)
        if k <= 2:
            v, sub = (
                f"{n} {fam} {self.ch('Street', 'Ave', 'Road', 'Blvd', 'Drive', 'Lane', 'Court', 'Way')}{self.ch('', ', Apt ' + str(n % 30) + 'B', ' #' + str(n % 40), ' Suite ' + str(n * 3))}, {self.ch('Tucson, AZ 85701', 'Omaha, NE 68102', 'Portland, OR 97205', 'Albany, NY 12207')}",
                "us",
            )
        elif k <= 3:
            v, sub = (
                f"{self.ch('Flat 3, ', '', 'Unit 7, ')}{n} {fam} {self.ch('Road', 'Close', 'Gardens', 'Crescent', 'Terrace', 'Street')}, {self.ch('Leeds LS1 4DY', 'London NW1 6XE', 'Bristol BS8 1TH', 'Cardiff CF10 3AT')}",
                "uk",
            )
        elif k == 4:
            v, sub = (
                f"{self.ch('Lindenstraße', 'Hauptstr.', 'Goethestraße', 'Am Alten Markt', 'Schillerplatz', 'Königsallee', 'Unter den Linden', 'Kirchgasse')} {n}{self.ch('', 'a', ' b')}, {self.ch('50667 Köln', '10117 Berlin', '80331 München', '04109 Leipzig')}",
                "de",
            )
        elif k == 5:
            v, sub = (
                f"{n}{self.ch('', ' bis')}{self.ch(',', '')} {self.ch('rue de la République', 'avenue Victor Hugo', 'boulevard Saint-Michel', 'place Bellecour', 'impasse des Lilas', 'chemin du Moulin')}, {self.ch('69002 Lyon', '75011 Paris', '13006 Marseille')}",
                "fr",
            )
        elif k == 6:
            v, sub = (
                f"{self.ch('Calle de Alcalá', 'Avenida de la Constitución', 'C/ Mayor', 'Paseo de Gracia', 'Plaza del Pilar')} {n}{self.ch('', ', 2º B', ', 3ºA')}, {self.ch('28014 Madrid', '41001 Sevilla', '08007 Barcelona')}",
                "es",
            )
        elif k == 7:
            v, sub = (
                f"{self.ch('Via Garibaldi', 'Corso Vittorio Emanuele II', 'Piazza San Carlo', 'Viale Monza')} {n}, {self.ch('20121 Milano MI', '10123 Torino', '00184 Roma RM')}",
                "it",
            )
        elif k == 8:
            v, sub = (
                f"{self.ch('Keizersgracht', 'Herenstraat', 'Prins Hendrikkade', 'Witte de Withstraat', 'Stationsplein')} {n}{self.ch('', '-2', 'A')}, {self.ch('1016 DX Amsterdam', '3012 BL Rotterdam', '3511 CE Utrecht')}",
                "nl",
            )
        elif k == 9:
            v, sub = (
                f"ul. {self.ch('Marszałkowska', 'Długa', 'Piotrkowska', 'Świętego Jana')} {n}/{n % 20 + 1}, {self.ch('00-590 Warszawa', '31-147 Kraków', '90-430 Łódź')}",
                "pl",
            )
        elif k == 10:
            v, sub = (
                f"{self.ch('Storgatan', 'Drottninggatan', 'Vesterbrogade', 'Karl Johans gate', 'Mannerheimintie')} {n}, {self.ch('111 51 Stockholm', '1620 København', '0154 Oslo', '00100 Helsinki')}",
                "nordic",
            )
        elif k == 11:
            v, sub = (
                f"{self.ch('Rua Augusta', 'Avenida Paulista', 'Rua das Flores', 'Travessa do Carmo')}, {n}{self.ch('', ' - Apto 41')}, {self.ch('São Paulo - SP, 01310-100', '1100-048 Lisboa', '4050-262 Porto')}",
                "pt",
            )
        elif k == 12:
            v, sub = (
                f"{self.ch('Flat 4B, Shanti Apartments, ', '')}{n}, {self.ch('MG Road', 'Linking Road', 'Park Street', 'Anna Salai')}, {self.ch('Bengaluru 560001', 'Mumbai 400050', 'Kolkata 700016', 'Chennai 600002')}",
                "in",
            )
        elif k == 13:
            v, sub = (
                f"{n} {self.ch('Collins Street', 'George St', 'Queen Street West', 'Lygon St', 'Rue Sainte-Catherine O')}, {self.ch('Melbourne VIC 3000', 'Sydney NSW 2000', 'Toronto, ON M5H 2M5', 'Montréal, QC H3B 1A7')}",
                "au_ca",
            )
        else:
            v, sub = (
                self.ch(
                    f"PO Box {n * 13}",
                    f"P.O. Box {n * 7}",
                    f"Postfach {n * 5}, 8001 Zürich",
                    f"{n}-{n % 9 + 1} Shibuya, Shibuya-ku, Tokyo 150-0002",
                ),
                "box_jp",
            )
        return mark("ADDRESS", v, sub)

    def DOB(self):
        y, m, d = self.r.randint(1935, 2012), self.r.randint(1, 12), self.r.randint(1, 28)
        mon = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ][m - 1]
        de = [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ][m - 1]
        fr = [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ][m - 1]
        es = [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ][m - 1]
        suf = "th" if 10 <= d % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
        v, sub = self.ch(
            (f"{y}-{m:02d}-{d:02d}", "iso"),
            (f"{d:02d}/{m:02d}/{y}", "slash"),
            (f"{m}/{d}/{y}", "us"),
            (f"{d}.{m}.{y}", "dots"),
            (f"{d:02d}.{m:02d}.{y % 100:02d}", "dots2"),
            (f"{mon} {d}, {y}", "long"),
            (f"{mon[:3]} {d}{suf}, {y}", "shortsuf"),
            (f"{d} {mon} {y}", "dmy"),
            (f"{d}{suf} of {mon} {y}", "of"),
            (f"{d}-{mon[:3]}-{y}", "dmony"),
            (f"{d:02d}-{m:02d}-{y}", "dash"),
            (f"{y}/{m:02d}/{d:02d}", "ymd"),
            (f"{y}{m:02d}{d:02d}", "compact"),
            (f"{d}. {de} {y}", "de"),
            (f"{d} {fr} {y}", "fr"),
            (f"{d} de {es} de {y}", "es"),
            (f"{mon} {y}", "monyear"),
            (f"{y}-{m:02d}-{d:02d}T00:00:00Z", "isodt"),
        )
        return mark("DATE_OF_BIRTH", v, sub)

    # ---- secrets
    def token(self):
        """A secret whose form tells."""
        b64u = B62 + "-_"
        hx = self.hex
        s = self.s
        up = string.ascii_uppercase + string.digits
        low = string.ascii_lowercase + string.digits
        T = {
            "openrouter": lambda: "sk-or-v1-" + hx(64),
            "langfuse": lambda: f"sk-lf-{uuid.UUID(int=self.r.getrandbits(128))}",
            "tavily": lambda: "tvly-" + self.ch("", "dev-") + s(32),
            "firecrawl": lambda: "fc-" + hx(32),
            "airtable": lambda: f"pat{s(14)}.{hx(64)}",
            "fly": lambda: "FlyV1 fm2_" + s(120, B62 + "+/"),
            "doppler": lambda: "dp.pt." + s(43),
            "planetscale": lambda: "pscale_tkn_" + s(43, b64u),
            "heroku": lambda: f"HRKU-{uuid.UUID(int=self.r.getrandbits(128))}",
            "figma": lambda: "figd_" + s(40, b64u),
            "resend": lambda: "re_" + s(8) + "_" + s(24),
            "buildkite": lambda: "bkua_" + hx(40),
            "terraform": lambda: f"{s(14)}.atlasv1.{s(67, b64u)}",
            "pulumi": lambda: "pul-" + hx(40),
            "sonar": lambda: "sqp_" + hx(40),
            "rubygems": lambda: "rubygems_" + hx(48),
            "sendinblue": lambda: f"xkeysib-{hx(64)}-{s(16)}",
            "mailchimp": lambda: f"{hx(32)}-us{self.r.randint(1, 21)}",
            "plaid": lambda: f"access-sandbox-{uuid.UUID(int=self.r.getrandbits(128))}",
            "razorpay": lambda: "rzp_live_" + s(14),
            "facebook": lambda: "EAA" + s(160),
            "okta": lambda: "00" + s(40, b64u),
            "azure_ad": lambda: s(3) + "8Q~" + s(34, B62 + "-_.~"),
            "discord_bot": lambda: f"M{s(23)}.{s(6, b64u)}.{s(27, b64u)}",
            "shippo": lambda: "shippo_live_" + hx(40),
            "onepassword": lambda: "ops_eyJ" + s(200),
            "supabase": lambda: "sb_secret_" + s(22) + "_" + s(8),
            "elevenlabs": lambda: "sk_" + hx(48),
            "nvidia": lambda: "nvapi-" + s(64, b64u),
            "cerebras": lambda: "csk-" + s(48, low),
            "gemini_new": lambda: "AIzaSy" + s(33, b64u),
            "github_actions": lambda: "ghs_" + s(36),
            "gitlab_runner": lambda: "glrt-" + s(20, b64u),
            "gitlab_deploy": lambda: "gldt-" + s(20),
            "slack_app": lambda: f"xapp-1-A{s(10, up)}-{self.d(13)}-{hx(64)}",
            "stripe_restricted": lambda: "rk_live_" + s(99),
            "npm": lambda: "npm_" + s(36),
            "hf": lambda: "hf_" + s(34),
            "sendgrid": lambda: f"SG.{s(22, b64u)}.{s(43, b64u)}",
            "twilio": lambda: "SK" + hx(32),
            "digitalocean": lambda: "dop_v1_" + hx(64),
            "pypi": lambda: "pypi-AgEIcHlwaS5vcmc" + s(120, b64u),
            "telegram": lambda: f"{self.d(10)}:AA{s(33, b64u)}",
            "shopify": lambda: "shpat_" + hx(32),
            "databricks": lambda: "dapi" + hx(32),
            "newrelic": lambda: "NRAK-" + s(27, up),
            "vault": lambda: "hvs." + s(90, b64u),
            "jwt": lambda: "eyJhbGciOiJSUzI1NiIsImtpZCI6" + s(20, b64u) + ".eyJpc3Mi" + s(90, b64u) + "." + s(86, b64u),
            "anthropic": lambda: "sk-ant-api03-" + s(93, b64u) + "AA",
            "openai_proj": lambda: "sk-proj-" + s(120, b64u),
            "aws": lambda: "AKIA" + s(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            "aws_session": lambda: "ASIA" + s(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            "groq": lambda: "gsk_" + s(52),
            "mapbox": lambda: "sk.eyJ1" + s(60) + "." + s(22),
            "algolia_jwtlike": lambda: "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJ" + s(50) + "." + s(43, b64u),
            "bcrypt": lambda: "$2b$12$" + s(53, B62 + "./"),
            "clickup": lambda: f"pk_{self.d(8)}_{s(32, up)}",
            "typeform": lambda: "tfp_" + s(44, b64u) + "_" + s(13),
            "dynatrace": lambda: f"dt0c01.{s(24, up)}.{s(64, up)}",
            "easypost": lambda: "EZAK" + hx(32) + s(22),
            "flutterwave": lambda: "FLWSECK_TEST-" + hx(12),
            "frameio": lambda: "fio-u-" + s(64, b64u),
            "lob": lambda: "live_" + hx(35),
            "prefect": lambda: "pnu_" + s(36, low),
            "readme": lambda: "rdme_" + s(70, low),
            "scalingo": lambda: "tk-us-" + s(48, b64u),
            "square": lambda: "sq0atp-" + s(22, b64u),
            "intra42": lambda: "s-s4t2ud-" + hx(64),
        }
        k = self.r.choice(list(T))
        return mark("SECRET", T[k](), "form_" + k)

    def HIGH(self):
        """High-entropy value without a form, for contexts that say what it is."""
        k = self.r.randrange(6)
        v = [
            lambda: self.hex(32),
            lambda: self.s(40),
            lambda: self.s(32),
            lambda: base64.b64encode(self.r.randbytes(24)).decode(),
            lambda: str(uuid.UUID(int=self.r.getrandbits(128))),
            lambda: self.s(24, B62 + "-_"),
        ][k]()
        return mark("SECRET", v, f"ctx_{k}")

    def PASS(self):
        v = self.ch(
            "Sunflower!22",
            "correct-horse-battery",
            "Tr0ub4dor&3",
            "P@ssw0rd2024!",
            "qwertz#77Kl",
            "Welcome2Berlin!",
            "x9$Lm2pQ",
            "hunter2hunter2",
            "Blue.Monkey.Jump7",
            "zK8vRt4q",
            self.s(12, B62 + "!#%*"),
            self.s(9) + "1",
        )
        return mark("SECRET", v, "password")

    def KEYBLOCK(self):
        kind = self.ch(
            "RSA PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "EC PRIVATE KEY",
            "PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        )
        body = "\n".join(self.s(64, B62 + "+/") for _ in range(self.r.randint(4, 12)))
        return mark("SECRET", f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----", "key_block")

    # ---- harmless
    def ts(self):
        return f"2026-{self.r.randint(1, 12):02d}-{self.r.randint(1, 28):02d}T{self.r.randint(0, 23):02d}:{self.r.randint(0, 59):02d}:{self.r.randint(0, 59):02d}.{self.d(3)}Z"

    def uid(self):
        return str(uuid.UUID(int=self.r.getrandbits(128)))

    def order(self):
        return self.ch(
            "ORD-" + self.d(6), "#" + self.d(5), "SO" + self.d(8), "INV-2026-" + self.d(5), "PO-" + self.d(7)
        )

    def money(self):
        return self.ch(
            f"{self.r.randint(1, 9999)}.{self.d(2)} USD",
            f"€{self.r.randint(1, 999)},{self.d(2)}",
            f"${self.r.randint(1, 9)},{self.d(3)}.00",
        )


FILL = re.compile(r"\{(\w+)\}")


def fill(g, template):
    def value(match):
        size = re.fullmatch(r"(hex|d|s)(\d+)", match[1])
        return getattr(g, size[1])(int(size[2])) if size else str(getattr(g, match[1])())

    return FILL.sub(value, template)


def unmark(text):
    spans, out, place = [], [], 0
    rx = re.compile(r"(?:\ue000|\\+ue000)([A-Z_]+):([\w]*)(?:\ue001|\\+ue001)(.*?)(?:\ue002|\\+ue002)", re.DOTALL)
    pos = 0
    for m in rx.finditer(text):
        pre = text[pos : m.start()]
        out.append(pre)
        place += len(pre)
        spans.append({"start": place, "end": place + len(m[3]), "type": m[1], "sub": m[2]})
        out.append(m[3])
        place += len(m[3])
        pos = m.end()
    out.append(text[pos:])
    return "".join(out), spans


PROSE = [
    r"Good morning, {PERSON} here again. My parcel {order} was supposed to arrive in {CITY} yesterday; can someone ring me on {PHONE}?",
    r"Could you update the account of {FULL}? New address: {ADDRESS}. Everything else stays the same.",
    r"I spoke with {FULL} from billing, who told me to write to {EMAIL}. The amount in question is {money} for {order}.",
    r"Customer {FULL} (born {DOB}) asks to close the account and to transfer the rest to {IBAN}.",
    r"Please charge {CARD}, expiry 09/28, cvc {CVC}, billing address {ADDRESS}.",
    r"The patient, {FULL}, date of birth {DOB}, was admitted on 2026-03-04 and discharged two days later.",
    r"Meeting notes: {FULL} and {FULL} agreed that the migration to v2.14.3 starts on Monday. {FIRST} will inform the customer.",
    r"Bonjour, je m'appelle {FULL}, né le {DOB}. Mon adresse est {ADDRESS} et mon numéro est le {PHONE}.",
    r"Guten Tag, mein Name ist {FULL}, geboren am {DOB}. Bitte überweisen Sie auf {IBAN}. Sie erreichen mich unter {PHONE}.",
    r"Hola, soy {FULL}. Vivo en {ADDRESS}. Mi fecha de nacimiento es {DOB}, mi correo {EMAIL}.",
    r"hi its {LOWER}, i cant log in, my email is {EMAIL} and my phone is {PHONE}",
    r"my name is {LOWER} and i live in {CITY}, need help with {order}",
    r"Thanks for getting back to me so quickly. Best, {FULL} / {EMAIL} / mobile {PHONE}",
    r"Our records show that {PERSON} signed in from {IP} at 14:02 and again from {IP} at 14:07, which looks suspicious.",
    r"For the background check I need your SSN. -- Sure, it's {SSN}. And my maiden name is {LAST}.",
    r"social security number {SSNP}, name as on the card: {UPPERN}",
    r"{FIRST} asked whether {FIRST} could take over the {order} case while she is on leave in {COUNTRY}.",
    r"Ticket escalated by {FULL} <{EMAIL}>: customer in {CITY}, {COUNTRY} cannot pay with card ending 4242.",
    r"As discussed, the password for the staging box is {PASS} - please change it after the first login.",
    r"I rotated the key, the new one is {token}. Old one is revoked.",
    r"The token {token} still works, which should not be the case after yesterday's incident.",
    r"You can use my credentials: user jdoe, password: {PASS}",
    r"Send the invoice to {FULL}, {ADDRESS}. VAT does not apply. Total {money}.",
    r"The winner of the raffle is {FULL} from {CITY}; second prize goes to {FULL} from {CITY}.",
    r"Dear Mr. {LAST}, your appointment with Dr. {LAST} is confirmed for Tuesday at 10:30.",
    r"Ms. {LAST} called about the refund of {money}. She can be reached at {PHONE} after 5 pm.",
    r"Passengers: {FULL}, {FULL} and {FULL}. Departure from {CITY} at 07:45, arrival in {CITY} 11:20.",
    r"Her IBAN is {IBAN}, his is {IBAN}; both accounts belong to {FULL}.",
    r"The contract between Northwind GmbH and {FULL}, residing at {ADDRESS}, ends on 2026-12-31.",
    r"Emergency contact: {FULL} (spouse), tel. {PHONE}. Insurance no. AB-{d8}.",
    r"DOB {DOB}, verified by agent. Caller {FULL} passed all checks.",
    r"Your driver {FIRST} is arriving in a white Toyota. Contact: {PHONE}.",
    r"Interview feedback: {FULL} was strong on system design. {FULL} disagrees. Decision by {FIRST} on Friday.",
    r"According to the log, {EMAIL} downloaded 312 files from {IP} before the account was locked by {FULL}.",
    r"Reminder for {FULL}: rent for {ADDRESS} is due, {money}, to be paid to {IBAN}.",
    r"I was born on {DOB} in {CITY} and moved to {COUNTRY} in 2015.",
    r"Please deliver to {FULL}, {ADDRESS}, phone {PHONE}. Leave with neighbour {LAST} if nobody is home.",
    r'The reviewer, {FULL}, wrote: "The agent did a great job, but {FIRST} had to intervene twice."',
    r"Use wallet {WALLET} for the ETH payout to {FULL}.",
    r"From: {FULL} <{EMAIL}>\nTo: {FULL} <{EMAIL}>\nCc: {EMAIL}\nSubject: Re: {order}\n\nHi {FIRST},\n\nplease find the corrected invoice attached.\n\nRegards,\n{FIRST}",
    r"BEGIN:VCARD\nVERSION:3.0\nFN:{FULL}\nTEL;TYPE=CELL:{PHONE}\nEMAIL:{EMAIL}\nBDAY:{DOB}\nEND:VCARD",
    r"Agent: May I have your full name? User: {FULL}. Agent: And your date of birth? User: {DOB}. Agent: Thank you, {FIRST}.",
    r"The employee ({FULL}, SSN {SSN}) moved from {CITY} to {CITY}; payroll goes to {IBAN}.",
]
LOGS = [
    '{ts} INFO  auth login ok user={EMAIL} ip={IP} ua="Mozilla/5.0 (X11; Linux x86_64)" took=0.0{d3}s',
    "{ts} WARN payments card declined pan={CARD} amount={d3}.20 order={order}",
    '{IP} - - [12/Mar/2026:10:11:12 +0000] "GET /v1/customers?email={UEMAIL}&page=2 HTTP/1.1" 200 {d3}',
    "Mar 12 10:11:12 web-3 sshd[2211]: Failed password for invalid user admin from {IP} port 52212 ssh2",
    "{ts} ERROR smtp delivery to <{EMAIL}> failed: 550 5.1.1 mailbox unavailable (mx1 queue {d2})",
    'time="{ts}" level=info msg="verification code sent" phone={PHONE} provider=twilio sid=SM{hex32}',
    '{ts} DEBUG kyc check passed name="{FULL}" dob={DOB} country={COUNTRY} score=0.{d3}',
    "[{ts}] agent.tool lookup_customer(name='{FULL}', phone='{PHONE}') -> 1 hit",
    '{ts} ERROR psycopg.OperationalError: connection to server at "db-{d2}.internal" failed, dsn=postgresql://app:{PASSU}@db-{d2}.internal:5432/main',
    "{ts} WARN http retry 2/5 POST https://api.vendor.io/v2/send Authorization: Bearer {HIGH} status=503",
    "{ts} INFO  env loaded MISTRAL_API_KEY={HIGH} REGION=eu-west-1 WORKERS=4",
    '{ts} INFO webhook received from {IP}: {{"event":"user.created","email":"{EMAIL}","name":"{FULL}"}}',
    'kernel: [12345.678] audit: user={LOWERU} addr={IP} exe="/usr/bin/ssh" res=success',
    "{ts} TRACE set-cookie: sessionid={HIGH}; Path=/; HttpOnly",
]


def uemail(self):
    m = re.match(r"\ue000([^\ue001]*)\ue001(.*)\ue002", self.EMAIL())
    return f"{S}{m[1]}{M}{quote(m[2])}{E_}"


G.UEMAIL = uemail


def passu(self):
    return mark("SECRET", self.s(14), "urlpw")


G.PASSU = passu
G.LOWERU = lambda self: "svc_" + self.ch("deploy", "backup", "cron")


def tree(g):
    """JSON documents of business systems."""
    k = g.r.randrange(14)
    if k == 0:
        return {
            "crm": {
                "contact": {
                    "givenName": g.JFIRST(),
                    "familyName": g.LAST(),
                    "emailAddresses": [{"value": g.EMAIL(), "primary": True}],
                    "phoneNumbers": [{"value": g.PHONE()}],
                    "etag": g.hex(16),
                }
            }
        }
    if k == 1:
        return {
            "status": "ok",
            "booking": {
                "ref": g.s(6, string.ascii_uppercase),
                "travellers": [
                    {"fullName": g.FULL(), "dateOfBirth": g.DOB(), "passport_country": g.COUNTRY()} for _ in range(2)
                ],
                "from": g.CITY(),
                "to": g.CITY(),
                "price": 412.5,
            },
        }
    if k == 2:
        return {
            "employee_id": g.d(6),
            "name": g.FULL(),
            "ssn": g.SSN(),
            "salary": int(g.d(5)),
            "manager": g.FULL(),
            "home_address": g.ADDRESS(),
            "hired": "2021-04-01",
        }
    if k == 3:
        return {
            "patient": {
                "mrn": "M" + g.d(7),
                "firstName": g.JFIRST(),
                "lastName": g.LAST(),
                "birthDate": g.DOB(),
                "telecom": [{"system": "phone", "value": g.PHONE()}, {"system": "email", "value": g.EMAIL()}],
                "address": [{"text": g.ADDRESS()}],
            },
            "observation": {"code": "718-7", "value": 7.2},
        }
    if k == 4:
        return {
            "payment": {
                "id": "pi_" + g.s(24),
                "amount": 1999,
                "currency": "eur",
                "card_number": g.CARD(),
                "billing_details": {"name": g.FULL(), "email": g.EMAIL(), "address": g.ADDRESS()},
                "created": 1767225600,
            }
        }
    if k == 5:
        return {
            "transfer": {
                "debtor": g.FULL(),
                "debtorIban": g.IBAN(),
                "creditor": g.FULL(),
                "creditorIban": g.IBAN(),
                "remittance": f"Invoice {g.order()}",
                "endToEndId": g.uid(),
            }
        }
    if k == 6:
        return {
            "tool": "send_email",
            "args": {
                "to": [g.EMAIL(), g.EMAIL()],
                "subject": f"Your order {g.order()}",
                "body": f"Dear {g.FIRST()},\n\nyour order is on its way to {g.CITY()}.\n\nKind regards,\n{g.FULL()}",
            },
        }
    if k == 7:
        return {
            "headers": {
                "x-api-key": g.HIGH(),
                "x-request-id": g.uid(),
                "authorization": "Bearer " + g.HIGH(),
                "user-agent": "python-httpx/0.28.1",
            },
            "url": f"https://api.example.com/v3/things/{g.uid()}",
        }
    if k == 8:
        return {
            "db": {"host": "db-1.internal", "user": "agent", "password": g.PASS(), "pool": 10, "sslmode": "require"},
            "redis_url": f"redis://:{g.PASSU()}@cache:6379/0",
        }
    if k == 9:
        return {
            "integrations": [
                {"vendor": g.ch("zendesk", "hubspot", "intercom"), "api_token": g.HIGH(), "enabled": True},
                {"vendor": "slack", "token": g.token()},
            ]
        }
    if k == 10:
        return {
            "rows": [[g.d(4), g.FULL(), g.EMAIL(), g.PHONE(), g.ch("active", "paused")] for _ in range(3)],
            "columns": ["id", "full_name", "email", "phone", "state"],
        }
    if k == 11:
        return {
            "session": {
                "id": g.uid(),
                "clientIp": g.IP(),
                "remote_addr": g.IP(),
                "userAgent": "Chrome/131.0.0.0",
                "geo": {"city": g.CITY(), "country": g.COUNTRY()},
                "username": g.EMAIL(),
            }
        }
    if k == 12:
        return {
            "lead": {
                "applicant": {"name": g.FULL(), "dob": g.DOB(), "mobile": g.PHONE()},
                "guarantor": {"name": g.FULL(), "iban": g.IBAN()},
                "score": 0.731,
                "model": "risk-v3.2",
            }
        }
    return {"note": fill(g, g.r.choice(PROSE)), "author": g.FULL(), "visibility": "internal", "case": g.order()}


CODE = [
    'import os\nfrom tavily import TavilyClient\nclient = TavilyClient(api_key="{token}")\nprint(client.search("weather in Oslo"))',
    'const stripe = new Stripe("{token}", {{ apiVersion: "2024-06-20" }});\nawait stripe.customers.list({{ limit: 3 }});',
    "# .env\nAPP_ENV=prod\nDB_PASSWORD={PASS}\nSENTRY_ENVIRONMENT=prod\nCOHERE_API_KEY={HIGH}\nLOG_LEVEL=info",
    'curl -s -X POST https://api.example.com/v1/run -H "Authorization: Bearer {HIGH}" -H "Content-Type: application/json" -d @body.json',
    "kubectl create secret generic creds --from-literal=api-token={HIGH} --namespace prod",
    "aws configure set aws_secret_access_key {AWSSEC}",
    "git clone https://oauth2:{token}@gitlab.example.com/team/repo.git",
    'smtp = smtplib.SMTP("mail.example.com", 587)\nsmtp.login("{EMAIL}", "{PASS}")',
    'User(name="{FULL}", email="{EMAIL}", born="{DOB}")',
    "{{'customer': '{FULL}', 'email': '{EMAIL}', 'phone': '{PHONE}', 'vip': True}}",
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: llm\nstringData:\n  OPENAI_API_KEY: {token}\n  password: "{PASS}"',
    "INSERT INTO customers (name, email, phone, iban) VALUES ('{FULL}', '{EMAIL}', '{PHONE}', '{IBAN}');",
    '<customer id="{d8}"><name>{FULL}</name><email>{EMAIL}</email><birthDate>{DOB}</birthDate></customer>',
    "jdbc:mysql://db-3.internal:3306/shop?user=app&password={PASSU}&useSSL=true",
    "Server=tcp:sql-1.database.windows.net;Database=crm;User ID=app;Password={PASSU};Encrypt=True;",
    "[default]\naws_access_key_id = {AWSID}\naws_secret_access_key = {AWSSEC}\nregion = us-east-2",
    "//npm.example.com/:_authToken={token}\nsave-exact=true",
    "{KEYBLOCK}",
    "machine api.heroku.com login ops password {HIGH}",
    "mongodb+srv://root:{PASSU}@cluster0.ab1cd.mongodb.net/?retryWrites=true",
    "otpauth://totp/Example:agent?secret={TOTP}&issuer=Example",
    "X-Amz-Signature={hexsig}&X-Amz-Date=20260312T101112Z",
]
G.WALLET = lambda self: mark("CRYPTO", "0x" + self.hex(40), "eth")
G.AWSSEC = lambda self: mark("SECRET", self.s(20) + "/" + self.s(9) + "+" + self.s(9), "aws_secret")
G.AWSID = lambda self: mark("SECRET", "AKIA" + self.s(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "aws_id")
G.CVC = lambda self: mark("SECRET", self.d(3), "card_code")
G.TOTP = lambda self: mark("SECRET", self.s(32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "totp")
G.hexsig = lambda self: mark("SECRET", self.hex(64), "sigv4")


def table(g):
    n = g.r.randint(3, 6)
    k = g.r.randrange(4)
    rows = [(g.d(4), g.FULL(), g.EMAIL(), g.PHONE(), g.CITY(), g.DOB()) for _ in range(n)]
    heads = g.ch(
        ("id", "customer", "e-mail", "mobile", "city", "date_of_birth"), ("nr", "Name", "Email", "Phone", "Town", "DOB")
    )
    if k == 0:
        return "\n".join(
            [",".join(heads), *(",".join(r[:1] + tuple(f'"{c}"' if "," in c else c for c in r[1:])) for r in rows)]
        )
    if k == 1:
        return "\n".join(
            ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *("| " + " | ".join(r) + " |" for r in rows)]
        )
    if k == 2:
        return "\n".join([";".join(heads), *(";".join(r) for r in rows)])
    return "\n".join(["\t".join(heads), *("\t".join(r) for r in rows)])


def url(g):
    def q(v):
        m = re.match(r"\ue000([^\ue001]*)\ue001(.*)\ue002", v, re.DOTALL)
        return f"{S}{m[1]}{M}{quote_plus(m[2]) if g.r.random() < 0.5 else quote(m[2], safe='')}{E_}"

    base = g.ch(
        "https://crm.internal/api/search?", "GET /v2/lookup?", "https://forms.example.org/submit?utm_source=mail&"
    )
    return base + "&".join(
        [
            f"name={q(g.FULL())}",
            f"email={q(g.EMAIL())}",
            f"phone={q(g.PHONE())}",
            g.ch("page=3", "limit=50"),
            g.ch(f"access_token={q(g.HIGH())}", "sort=asc"),
        ]
    )


NEG = [
    r"The build for commit {hex40} failed in 312.4 s; 4,211 tests passed, 3 failed, see run {uid}.",
    r"pip install langchain==0.3.27 openai==1.109.1 pydantic==2.11.7 && python -m agent --model gpt-4.1-mini-2025-04-14",
    r"EXPLAIN ANALYZE Seq Scan on orders (cost=0.00..431.00 rows=21000 width=8) (actual time=0.012..2.341 rows=20871 loops=1)",
    r"chatcmpl-{s29} call_{s24} toolu_01{s22} msg_{s24} run_{s24} thread_{s24} asst_{s24} resp_{hex48} fp_{hex10}",
    r"The agent should use Redis for caching, Kafka for events and Postgres for storage; Grafana shows the latency of each Lambda.",
    r"Latency p50 12.4 ms, p95 88.1 ms, p99 412.7 ms; tokens 12,331 in / 812 out; cost $0.0412; cache hit 0.873.",
    r"npm warn deprecated inflight@1.0.6: This module is not supported\nadded 312 packages, and audited 313 packages in 8s",
    r"""Traceback (most recent call last):\n  File "/usr/lib/python3.12/asyncio/runners.py", line 194, in run\n    return runner.run(main)\nValueError: invalid literal for int() with base 10: 'abc'""",
    r"| metric | before | after |\n|---|---|---|\n| success_rate | 0.931 | 0.902 |\n| p95_ms | 1820 | 2310 |\n| cost_usd | 0.0123 | 0.0170 |",
    r'sha256:{hex64} etag W/"{hex32}" trace {hex32} span {hex16} traceparent 00-{hex32}-{hex16}-01',
    r"Set temperature to 0.2 and max_tokens to 4096. Do not call the tool more than 12 times. Answer in JSON with the keys title, summary and tags.",
    r'{{"type":"function","function":{{"name":"search_docs","description":"Search the documentation. Returns at most 20 results.","parameters":{{"type":"object","properties":{{"query":{{"type":"string"}},"limit":{{"type":"integer","default":20}}}},"required":["query"]}}}}}}',
    r'{{"id":"{uid}","object":"chat.completion","created":1767225600,"model":"claude-sonnet-4-5-20250929","usage":{{"prompt_tokens":12331,"completion_tokens":812}},"system_fingerprint":"fp_{hex10}"}}',
    r"{ts} INFO reconciler pod/agent-7d9f8b6c5-x2v8k restarted 3 times in 12m, node ip-10-0-3-17.ec2.internal, image registry.local/agent:5.22.79.1",
    r"SELECT id, status, total FROM orders WHERE created_at > '2026-01-01' AND total BETWEEN 100 AND 2500 ORDER BY created_at DESC LIMIT 50;",
    r"Quarterly revenue rose 12 % to $4.3 million; the Northwind budget for 2026 is 1,250,000 USD; invoices INV-2026-00012 to INV-2026-00518 are open.",
    r"diff --git a/agent/tools.py b/agent/tools.py\nindex 3f2a1b9..8c7d6e5 100644\n--- a/agent/tools.py\n+++ b/agent/tools.py\n@@ -12,7 +12,7 @@ def run(self) -> Result:\n-    timeout = 30\n+    timeout = 60",
    r"The Transformer uses multi-head attention; GPT, BERT and Llama differ in the mask. Cosine similarity was 0.8123 for chunk 17 of doc-2291.",
    r"Step 3 of 7: validate the schema, step 4: retry with exponential backoff (1 s, 2 s, 4 s), step 5: escalate to a human.",
    r"ISBN 978-3-16-148410-0, EAN 4006381333931, tracking 1Z999AA10123456784, SKU AB-1029-XL, serial C02XG2JHJGH5, order {order}",
    r"""python3 -c "import base64; print(base64.b64decode('SGVsbG8gV29ybGQ='))" # prints Hello World""",
    r"Coordinates 48.137154, 11.576124; elevation 519 m; bbox [11.36, 48.06, 11.72, 48.25]; zoom 12; tile 12/2179/1421",
    r'Reset your password in the settings page. The token limit is 128000 and the API key must be set in OPENAI_API_KEY; api_key=os.environ["OPENAI_API_KEY"].',
    r'retry_token: str = field(default="") ; primary_key = ["order_id", "line_no"] ; cache_key = "orders:v2:{d8}" ; idempotency_key: {uid}',
    r"Upgraded from 3.11.4.1 to 3.12.0.2, released 2026-02-11; support ends 2027-10-31. Born in 1998 as a research project, the language is now widely used.",
    r"The weather tool returned 21.4 °C, wind 12 km/h NW, pressure 1013 hPa, humidity 45 %, sunrise 05:12, sunset 21:03.",
    r"Mein Agent soll die Rechnung prüfen und danach den Status auf bezahlt setzen. Bitte keine weiteren Rückfragen stellen.",
    r"L'agent doit vérifier la facture, puis envoyer un résumé au service comptable avant midi.",
    r'Guardrail verdict: deny, rule max_refund_usd=500, reason "amount 1,249.00 above limit", policy version 7, evaluated in 3 ms.',
    r"Flight LH 1234 departs 07:45 from gate B22, seat 17A, 23 kg baggage, confirmation ABC123, total EUR 312.40.",
    r"Data & Analytics: Monthly Active Users, Churn Rate, Net Promoter Score, Customer Lifetime Value, Annual Recurring Revenue.",
    r"Human: What is the capital of a country? Assistant: I can help with geography questions. Which one do you mean?",
]


def text(g):
    k = g.r.random()
    if k < 0.30:
        return "prose", fill(g, g.r.choice(PROSE).replace("\\n", "\n"))
    if k < 0.40:
        return "log", "\n".join(
            fill(g, g.r.choice(LOGS)).replace("{{", "{").replace("}}", "}") for _ in range(g.r.randint(1, 4))
        )
    if k < 0.56:
        t = tree(g)
        return "json", json.dumps(t, ensure_ascii=g.r.random() < 0.3, indent=g.ch(None, None, 2))
    if k < 0.62:
        return "json_in_json", json.dumps(
            {"role": "tool", "content": json.dumps(tree(g), ensure_ascii=False)}, ensure_ascii=False
        )
    if k < 0.68:
        ms = [
            {
                "role": "system",
                "content": g.ch("You are a support agent.", "You help employees of the bank. Be brief."),
            },
            {"role": "user", "content": fill(g, g.r.choice(PROSE).replace("\\n", "\n"))},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_" + g.s(24),
                        "type": "function",
                        "function": {"name": "lookup", "arguments": json.dumps(tree(g), ensure_ascii=False)},
                    }
                ],
            },
        ]
        return "messages", json.dumps(ms, ensure_ascii=False)
    if k < 0.80:
        return "code", fill(g, g.r.choice(CODE)).replace("{{", "{").replace("}}", "}")
    if k < 0.85:
        return "table", table(g)
    if k < 0.90:
        return "url", url(g)
    return "negative", fill(
        g, g.r.choice(NEG).replace("\\n", "\n").replace("{{", "\x01").replace("}}", "\x02")
    ).replace("\x01", "{").replace("\x02", "}")


def make(seed, n, given=None, family=None):
    g = G(seed, given, family)
    out = []
    for i in range(n):
        group, t = text(g)
        body, spans = unmark(t)
        out.append({"id": i, "group": group, "text": body, "spans": spans})
    return out
