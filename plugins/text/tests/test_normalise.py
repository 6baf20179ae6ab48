# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here
from __future__ import annotations

import logging
import random
import re

import pytest

from voxstack_text.normalise.normaliser import normalise
from voxstack_text.normalise.pronounceable import is_pronounceable
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer

CASES = """
1,234 people | one thousand two hundred thirty four people
10,000,000 | ten million
007 | zero zero seven
1234567890123456789 | one two three four five six seven eight nine zero one two three four five six seven eight nine
0 | zero
3.14 | three point one four
.5 | point five
-3.5 | minus three point five
-5 degrees | minus five degrees
1st | first
22nd | twenty second
1st, 2nd & 3rd | first , second and third
1,000th | one thousandth
20th-century | twentieth century
1/2 | one half
3/4 cup | three quarters cup
5/8 | five eighths
2 1/2 | two and a half
2½ cups | two and a half cups
24/7 | twenty four seven
50/50 | fifty fifty
1985 | nineteen eighty five
2026 | twenty twenty six
1900 | nineteen hundred
2005 | two thousand five
1907 | nineteen oh seven
in 1066 they came | in ten sixty six they came
1600 soldiers | one thousand six hundred soldiers
1600 Pennsylvania Avenue | sixteen hundred pennsylvania avenue
the 1990s | the nineteen nineties
the '90s | the nineties
mid-1960s | mid nineteen sixties
45% | forty five percent
0.5% | zero point five percent
10-20% | ten to twenty percent
$3.50 | three dollars and fifty cents
$1 | one dollar
$0.99 | ninety nine cents
$3.5 | three point five dollars
$1,234.56 | one thousand two hundred thirty four dollars and fifty six cents
£5 | five pounds
£1.01 | one pound and one penny
€20 | twenty euros
20 € | twenty euros
US$5 | five dollars
¥500 | five hundred yen
5¢ | five cents
-$5 | minus five dollars
$1.2 million | one point two million dollars
$5M | five million dollars
$10-20 | ten to twenty dollars
5:30 | five thirty
5:05 | five oh five
7:00 | seven o'clock
17:45 | seventeen forty five
17:00 | seventeen hundred
5 p.m. | five P M
5pm | five P M
10:00 am | ten A M
3:45pm | three forty five P M
9 o'clock | nine o'clock
12:30:15 | twelve thirty and fifteen seconds
July 4, 2021 | july fourth twenty twenty one
4 July 2021 | the fourth of july twenty twenty one
the 3rd of March | the third of march
2021-07-04 | july fourth twenty twenty one
7/4/2021 | july fourth twenty twenty one
13/12/2021 | december thirteenth twenty twenty one
12/25/99 | december twenty fifth nineteen ninety nine
Mar. 3rd | march third
May 2021 | may twenty twenty one
May I go | may i go
Monday, Jan. 1st, 2024 | monday , january first twenty twenty four
555-1234 | five five five , one two three four
(555) 123-4567 | five five five , one two three , four five six seven
1-800-555-1234 | one , eight zero zero , five five five , one two three four
+1 555 123 4567 | plus one , five five five , one two three , four five six seven
5 km | five kilometers
1 km | one kilometer
10kg | ten kilograms
20 °C | twenty degrees celsius
70°F | seventy degrees fahrenheit
3 ft | three feet
60 mph | sixty miles per hour
16 kHz | sixteen kilohertz
5 MB | five megabytes
100 km/h | one hundred kilometers per hour
50 m² | fifty square meters
a 5-km run | a five kilometer run
5–10 km | five to ten kilometers
5'10" tall | five foot ten tall
5 in the morning | five in the morning
Dr. Smith | doctor smith
Dr. Who lives on Elm Dr. now | doctor who lives on elm drive now
Mr. Jones | mister jones
Mr Jones | mister jones
Mrs. Hall | missus hall
Ms. Lee | ms lee
Prof. Ray | professor ray
St. Paul | saint paul
12 Main St. in St. Louis | twelve main street in saint louis
5th Ave. | fifth avenue
cats, dogs, etc. | cats , dogs , et cetera
e.g. this | for example this
i.e. that | that is that
cats vs. dogs | cats versus dogs
No. 5 | number five
No. I will not | no , i will not
approx. ten | approximately ten
the dept. head | the department head
Jan. is cold | january is cold
Mon. to Fri. | monday to friday
Sat. and Sun. | saturday and sunday
the sun sat | the sun sat
pp. 5-7 | pages five to seven
Jones et al. wrote | jones et al wrote
NASA | nasa
FBI | F B I
FBI's | F B I's
USA | U S A
U.S.A. | U S A
the U.S. Navy | the U S navy
It is US policy | it is U S policy
LET US GO NOW | let us go now
Ph.D. | P H D
J. R. R. Tolkien | J R R tolkien
CDs and DVDs | cds and D V D's
2.0.1 | two point zero point one
v1.2 | version one point two
192.168.0.1 | one hundred ninety two point one hundred sixty eight point zero point one
https://www.example.com/page | W W W dot example dot com slash page
Visit example.org. | visit example dot org
bob.smith@mail.example.com | bob dot smith at mail dot example dot com
user_name@example.com | user underscore name at example dot com
readme.txt | readme dot T X T
A & B | A and B
AT&T | A T and T
R&D | R and D
2 + 2 = 4 | two plus two equals four
@jane_doe | at jane doe
#5 | number five
#winning | hashtag winning
C# and C++ | C sharp and C plus plus
5 × 6 | five times six
10^6 | ten to the power of six
Chapter IV | chapter four
Act I, Scene II | act one , scene two
Henry VIII | henry the eighth
Elizabeth I was queen | elizabeth the first was queen
Charles I think | charles i think
World War II | world war two
Rocky III | rocky three
B2B | B two B
MP3 | M P three
4K | four K
H2O | H two O
A380 | A three eighty
1080p | ten eighty P
COVID-19 | covid nineteen
F-16 | F sixteen
R2-D2 | R two D two
20-year-old | twenty year old
10-20 | ten to twenty
1990–1995 | nineteen ninety to nineteen ninety five
2021-22 | twenty twenty one to twenty two
2x faster | two times faster
3 x 4 | three by four
3:1 | three to one
vitamin A is | vitamin A is
A man, a plan | a man , a plan
Plan B | plan B
I think | i think
X-ray | X ray
don't | don't
it’s “fine” | it's fine
'single quoted' words | single quoted words
the boys' toys | the boys toys
rock 'n' roll | rock and roll
O'Brien | o'brien
the well-known man | the well known man
and/or | and or
YouTube | youtube
café naïve Łódź | cafe naive lodz
one, two; three: four | one , two , three , four
wait - what | wait , what
wait—what | wait , what
(yes) no | yes , no
so...fine | so , fine
what?! no | what , no
He said "no". | he said no
zero\u200bwidth | zero width
a $20 bill | a twenty dollar bill
another $5 went | another five dollars went
a $10-a-day plan | a ten dollar a day plan
If <5% agree, x<5 or x > 7 | if less than five percent agree , X is less than five or X is greater than seven
I ran 3.12 miles in Python 3.12 | i ran three point one two miles in python three point twelve
A 6" sub and a 24" screen | a six inch sub and a twenty four inch screen
He said "I need 12" and "13" | he said i need twelve and thirteen
3 g/cm3 and 80 W/m² | three grams per cubic centimeter and eighty watts per square meter
1,500 ft² | one thousand five hundred square feet
Boston, MA 02134 | boston , massachusetts oh two one three four
415 S. Elm St. | four fifteen south elm street
Start IV fluids. Superman IV was bad | start I V fluids , superman four was bad
10⁶ cells, note¹ and H₂O | ten to the power of six cells , note one and H two O
12 - 5 = 7 | twelve minus five equals seven
who knew WHO it was | who knew who it was
I called 300 people, not 911 | i called three hundred people , not nine hundred eleven
Δt and λόγος here | delta T and here
Mon-Fri, Sat 10-4 | monday to friday , sat ten to four
Apt 305 | apartment three oh five
a 5 km run of 5 km | a five kilometer run of five kilometers
at 4 PM ET and 5 p.m. PT | at four P M E T and five P M P T
3x + 1 is 3x better | three X plus one is three times better
8 / 2 = 4 and/or | eight divided by two equals four and or
in 476 AD they had 476 men | in four seventy six A D they had four hundred seventy six men
NAFTA and HIPAA | nafta and H I P A A
"""
TABLE = [
    tuple(part.strip() for part in line.split(" | "))
    for line in CASES.strip().replace("\\u200b", "\u200b").splitlines()
]
IS_KNOWN = Pronouncer(Lexicon.built_in()).is_known


@pytest.mark.parametrize("written, spoken", TABLE, ids=[written for written, _ in TABLE])
def test_reading(written: str, spoken: str) -> None:
    assert " ".join(item.word for item in normalise(written, IS_KNOWN)) == spoken


@pytest.mark.parametrize("written, _spoken", TABLE)
def test_every_word_comes_from_a_place_in_the_text(written: str, _spoken: str) -> None:
    places = [(item.start, item.end) for item in normalise(written, IS_KNOWN)]
    assert all(0 <= start < end <= len(written) for start, end in places)
    assert places == sorted(places)


def test_places_are_of_the_written_text_whatever_it_is_folded_to() -> None:
    text = "Œuvre 2½ cafe\u0301s, ﬁn ½ July 4"
    places = [(item.word, text[item.start : item.end]) for item in normalise(text, IS_KNOWN)]
    numbers = [("two", "2"), ("and", "2"), ("a", "½"), ("half", "½")]
    words = [
        ("cafes", "cafe\u0301s"),
        (",", ","),
        ("fin", "ﬁn"),
        ("one", "½"),
        ("half", "½"),
        ("july", "July"),
        ("fourth", "4"),
    ]
    assert places == [("oeuvre", "Œuvre"), *numbers, *words]


@pytest.mark.parametrize("text", ["", " ", "...", "!!!", '"" - ,'])
def test_nothing_to_say(text: str) -> None:
    assert normalise(text, IS_KNOWN) == []
    assert not is_pronounceable(text)


def test_what_cannot_be_read_is_skipped_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert [item.word for item in normalise("Say 你好 or 😀 now", IS_KNOWN)] == ["say", "or", "now"]
    assert [record.getMessage() for record in caplog.records] == [
        "skipped characters that have no pronunciation: 你 好 😀"
    ]


def test_any_text_is_read_without_an_error() -> None:
    draw = random.Random(0)
    letters = "aAIVXbs. ,:-–/'\"$€%°@#&+()0123456789½²\u0301é٣ßΩ\n\t"
    fragments = [
        *letters,
        "Dr.",
        "p.m.",
        "http://",
        "12:",
        "1,000",
        "May",
        "'s",
        "th",
        "km",
        "million",
        "0" * 20,
        "9" * 400,
    ]
    for _ in range(1500):
        text = "".join(draw.choice(fragments) for _ in range(draw.randrange(1, 12)))
        for item in normalise(text, IS_KNOWN):
            assert 0 <= item.start < item.end <= len(text), text


def test_plain_words_are_read_as_all_rules_together_would(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(1)
    fragments = [
        word for written, _ in TABLE for word in written.split()
    ] + "vs etc the of pdf v no dept approx mid oh".split()
    texts = [" ".join(draw.choice(fragments) for _ in range(12)) for _ in range(300)]
    quick = [normalise(text, IS_KNOWN) for text in texts]
    monkeypatch.setattr("voxstack_text.normalise.normaliser._PLAIN", re.compile("(?!)"))
    assert [normalise(text, IS_KNOWN) for text in texts] == quick


def test_a_long_text_takes_no_longer_a_word() -> None:
    assert len(normalise("A " * 20000 + "1999 " * 20000, IS_KNOWN)) > 40000


def test_what_a_rule_sees_of_a_long_text_has_a_bound() -> None:
    """Each of these would be searched to its end at each position otherwise: 100 kB took minutes."""
    for unit in ("a-", "a.", "-", "7,", "www.", "漢", "_", "+"):
        spoken = normalise("Yes. " + unit * (20_000 // len(unit)), IS_KNOWN)
        assert spoken[0].word == "yes"
