"""Whether a text reads like one in an encoding's languages.

Bytes of one encoding decode in others as well, to letters that no language puts together so. This tells the
readings apart where a few words are all there is, and statistics of a language say nothing yet. Sources: the alphabets
of the languages in Unicode's CLDR; which characters are the common ones, of the national standards (GB/T 2312 level 1,
Big5 level 1, JIS X 0208 level 1, KS X 1001).
"""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from string import ascii_lowercase
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+")
# signs as in 25°C, with no letters beside them
_ALONE = re.compile(r"(?<![^\x00-\x7f])[°ºª²³½¼¾µ±×÷€£§¿¡](?![^\x00-\x7f])")
_SIGNS = set("’‘“”„–—…°®©™«»·、。・，：；（）【】「」『』《》〈〉々ー～　")  # beside letters, in any encoding
_ENOUGH = 0.9  # of the characters must be common ones: names of animals and places have a rare one
# from so many on, all Hangul and most of them plain is no accident: a Chinese character's bytes are a plain syllable
# with probability 0.2
_SYLLABLES = 8
# Doubled first consonants, which are rare.
_DOUBLED = "ᄁᄄᄈᄊᄍ"


class Alphabet(NamedTuple):
    """The letters of a language beyond a to z, and forbidden patterns.

    `letters` in lower case; `never` is a pattern that stands in none of its words.
    """

    letters: str
    never: str = r"(?!)"


_SLAVIC = r"č[bdfgrvz]|[bcdfghjkmnpqrstvwxz]č[bcdfghjkmnpqrstvwxz]|[qwx]"
_BALTIC = r"[^aāąeęėēiįīouųūysš]$|[qwx]|^ch|eau|au$"  # nouns end in a vowel or in s

_WESTERN = (  # words of several of them stand side by side: crème, jalapeño, Spätzle
    Alphabet("àâçéèêëîïôùûüœæ", r"œ(?![uil])|æ(?!t)|ù(?!$)|à.|ï$|ë[^lt]"),  # French
    Alphabet("äöüß", r"^ß"),  # German
    Alphabet("áéíñóúü", r"ñ(?![aeiouáéíóú])|ü(?![eiéí])"),  # Spanish
    Alphabet("àáâãçéêíóôõúü", r"õ(?!e)|ã(?![oe]|s?$)|à.|ç(?![aouãõáóâ])"),  # Portuguese
    Alphabet("àèéìíòóùú", r"[àèéìòù].|[íóú](?!$)"),  # Italian
    Alphabet("åäöéü", r"[åäö]{3}"),  # Swedish, Finnish
    Alphabet("æøåéóô", r"[æøå]{3}|æ[aeio]"),  # Danish, Norwegian
    Alphabet("éëïóöèü"),  # Dutch
)
LATIN = {
    "cp1252": (
        *_WESTERN,
        Alphabet("àçèéíïòóúü", r"[àèò]{2}|à.|è[^aeioudglnrstx]"),  # Catalan
        Alphabet("áðéíóúýþæö", r"þ$|^ð|[cqwz]|æ[aeou]"),  # Icelandic
    ),
    "cp1250": (
        Alphabet("ąćęłńóśźż", r"^[ąęń]|[ćńśź][aeiouyąęó]|[qvx]"),  # Polish
        Alphabet("áčďéěíňóřšťúůýž", rf"^[éěů]|ď[sv]|{_SLAVIC}"),  # Czech
        Alphabet("áéíóöőúüű", r"ű[aáoóuú]|ő[aáeioóuú]|[qwx]"),  # Hungarian
        Alphabet("áäčďéíĺľňóôŕšťúýž", rf"(?<![bdhkmtv])ĺ|ĺ(?![bckpčž])|^ŕ|ŕ(?:$|[aeiou])|^é|ď[sv]|{_SLAVIC}"),  # Slovak
        Alphabet("ăâîşţ", r"ă[aeo]|[kqwxy]"),  # Romanian
        Alphabet("čćđšž", rf"{_SLAVIC}|y"),  # Croatian, Slovene
    ),
    "cp1254": (Alphabet("çğıöşüâî", r"^ğ|[qwx]"),),  # Turkish
    "cp1257": (
        Alphabet("ąčęėįšųūž", rf"{_SLAVIC}|{_BALTIC}|^[ųę]"),  # Lithuanian
        Alphabet("āčēģīķļņšūž", rf"{_SLAVIC}|{_BALTIC}|y|ķ(?![aeiuīē])|ļ[bdfgrtv]"),  # Latvian
        Alphabet("äõöüšž", r"[cqwxyz]"),  # Estonian
    ),
}
CYRILLIC = (
    Alphabet("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", r"^[ъыь]|^[^аеёиоуыэюя]{3,}$|[ъыь]{2}|[аеёиоуыэюя]{4}"),  # Russian
    Alphabet("абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", r"^ь|^[^аеєиіїоуюя]{3,}$"),  # Ukrainian
    Alphabet("абвгдђежзијклљмнњопрстћуфхцчџш", r"^[^аеиоур]{3,}$"),  # Serbian
)
GREEK = Alphabet("αάβγδεέζηήθιίϊκλμνξοόπρσςτυύϋφχψωώ", r"σ$|ς.|^[^αεηιουωάέήίόύώ]{3,}$|[άέήίόύώ].*[άέήίόύώ]")
HEBREW = Alphabet("אבגדהוזחטיכךלמםנןסעפףצץקרשת", r"[ךםןףץ].")
ARABIC = Alphabet("ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئپچژگ", r"[ىة].")


def how_well(text: str, encoding: str) -> int:
    """Return how well `text` reads in an encoding's languages, 0 to 3.

    0 not at all, 1 doubtfully, 2 well, 3 surely. ASCII says nothing either way.
    """
    # 25°C or 3 m² stand in tables of any language.
    text = _ALONE.sub(" ", text)
    if any(not sign.isascii() and not sign.isalpha() and sign not in _SIGNS for sign in text):
        return 0
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words:  # signs alone: they tell nothing of an ideograph's bytes
        return 2 if encoding.startswith("cp125") else 0
    return _READS[encoding](words) if all(map(_cased, words)) else 0


def _cased(word: str) -> bool:
    return word.isupper() or word[1:] == word[1:].lower()


def _latin(encoding: str) -> Callable[[list[str]], int]:
    def reads(words: list[str]) -> int:
        if any(len(word) > 1 and sum(map(str.isascii, word)) < len(word) / 4 for word in words):
            return 0
        if any(_spelled_in(alphabet, words, ascii_lowercase) for alphabet in LATIN[encoding]):
            return 2
        mixed = _WESTERN if encoding == "cp1252" else LATIN[encoding]
        each = all(any(_spelled_in(alphabet, [word], ascii_lowercase) for alphabet in mixed) for word in words)
        return (2 if mixed is _WESTERN else 1) * each

    return reads


def _spelled_in(alphabet: Alphabet, words: list[str], more: str = "") -> bool:
    letters = {*alphabet.letters, *more}
    return all({*word} <= letters and not re.search(alphabet.never, word) for word in map(str.lower, words))


def _chinese(words: list[str]) -> int:
    """Score Chinese: all in GB/T 2312, half of it of level 1.

    Two bytes of other encodings mostly give rarer characters.
    """
    return 2 * (_share(words, "gb2312", 0xB0, 0xF7) == 1 and _share(words, "gb2312", 0xB0, 0xD7) >= 0.5)


def _taiwanese(words: list[str]) -> int:
    """Score traditional Chinese: characters of Big5's level 1."""
    return 2 * (_share(words, "big5", 0xA4, 0xC6) >= _ENOUGH)


def _japanese(words: list[str]) -> int:
    """Score Japanese: kana and the kanji of JIS X 0208 level 1.

    Katakana of half width, as which Chinese reads, do not count.
    """
    kanji = [sign for word in words for sign in word if not "ぁ" <= sign <= "ヿ" and sign not in "ー々"]
    return 2 * (_share(["".join(kanji)], "cp932", 0x88, 0x98) >= _ENOUGH)


def _share(words: list[str], standard: str, first: int, last: int) -> float:
    """Return the share of characters with a lead byte `first` to `last`.

    In the encoding `standard`.
    """
    signs = [sign for word in words for sign in word if not sign.isascii()]
    if any(a.islower() != b.islower() for word in words for a, b in pairwise(word)):
        return 0.0  # a small letter of ASCII beside one
    return sum(first <= _lead(sign, standard) <= last for sign in signs) / len(signs) if signs else 1.0


def _lead(sign: str, standard: str) -> int:
    code = sign.encode(standard, errors="ignore")
    return code[0] if len(code) == 2 else 0


def _korean(words: list[str]) -> int:
    """Score Korean: Hangul of KS X 1001.

    Any Korean is common Chinese as well; the share of plain syllables distinguishes them.
    """
    if _share(words, "euc_kr", 0xB0, 0xC8) < 1:
        return 0
    signs = {sign for word in words for sign in word if not sign.isascii()}
    plain = sum(map(_is_plain_syllable, signs)) / len(signs)
    if len(signs) < _SYLLABLES:
        return 2
    return 3 if plain >= 0.65 else 1  # between the share in Korean words and that in Chinese bytes read as Hangul


def _is_plain_syllable(sign: str) -> bool:
    """Whether a Hangul syllable is plain, as most are.

    Without a doubled first consonant, a rare vowel, or any last one but ᆨᆫᆯᆷᆸᆺᆼ.
    """
    first, vowel, *last = list(unicodedata.normalize("NFD", sign))
    if vowel in "ᅪᅬᅭᅯᅱᅲᅴ":
        return first not in _DOUBLED and last in ([], ["ᆨ"], ["ᆫ"], ["ᆯ"], ["ᆼ"])
    return first not in _DOUBLED and vowel not in "ᅤᅨᅫᅰ" and "".join(last) in ("", *"ᆨᆫᆯᆷᆸᆺᆼ")


def _script(*alphabets: Alphabet) -> Callable[[list[str]], int]:
    return lambda words: 2 * any(_spelled_in(alphabet, words) for alphabet in alphabets)


_READS: dict[str, Callable[[list[str]], int]] = {
    "gb18030": _chinese,
    "cp950": _taiwanese,
    "cp932": _japanese,
    "cp949": _korean,
    **{encoding: _latin(encoding) for encoding in LATIN},
    "cp1251": _script(*CYRILLIC),
    "cp1253": _script(GREEK),
    "cp1255": _script(HEBREW),
    "cp1256": _script(ARABIC),
}
ENCODINGS = tuple(_READS)
