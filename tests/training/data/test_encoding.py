"""Tables in the encodings of Windows programs: read right, or asked about; never read as something else."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.inspection import Inspection
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.data.sources.alphabets import ENCODINGS
from hpo.training.data.sources.encoding import NAMES, decoded
from hpo.training.data.split_file import read_split
from PIL import Image

WORDS = {
    "gb18030": "猫 狗 鸟 马 老虎 狮子 大象 熊猫 长颈鹿 猴子 兔子 乌龟 青蛙 蝴蝶 鹦鹉 葡萄 玫瑰 向日葵 "
    "合格 不合格 划痕 裂纹 缺陷 正常 良性 恶性 肺炎 健康 小麦 水稻 玉米 番茄 白粉病 锈病 汽车 卡车 公交车 厨余垃圾",
    "cp950": "貓 狗 鳥 馬 老虎 獅子 大象 熊貓 長頸鹿 猴子 兔子 烏龜 青蛙 蝴蝶 鸚鵡 葡萄 玫瑰 向日葵 "
    "合格 不合格 刮痕 裂紋 缺陷 正常 良性 惡性 肺炎 健康 小麥 水稻 玉米 番茄 白粉病 鏽病 汽車 卡車 公車 廚餘",
    "cp932": "猫 犬 鳥 馬 虎 ライオン 象 パンダ キリン 猿 うさぎ 亀 カエル 蝶 りんご バナナ ぶどう バラ ひまわり "
    "良品 不良品 傷 割れ 欠陥 正常 良性 悪性 肺炎 健康 小麦 稲 トウモロコシ トマト 自動車 トラック 燃えるゴミ",
    "cp949": "고양이 개 새 말 호랑이 사자 코끼리 판다 기린 원숭이 토끼 거북이 개구리 나비 바나나 포도 수박 딸기 장미 "
    "합격 불합격 긁힘 균열 결함 정상 양성 악성 폐렴 건강 밀 벼 옥수수 토마토 자동차 트럭 쓰레기",
    "cp1251": "кошка собака птица лошадь тигр лев слон панда жираф обезьяна кролик черепаха лягушка бабочка "
    "банан виноград арбуз годен брак царапина трещина дефект норма пшеница рис кукуруза автомобиль грузовик",
    "cp1252": "éclair forêt gâteau château hôtel fenêtre garçon élève brûlée Vögel Hündin Fuß Äpfel Käfer Straße "
    "señal niño árbol león pingüino cão maçã avião coração città caffè björn räv får ørn rødspætte",
    "cp1250": "źrebię żółw gęś świnia koń jeż żaba łódź wąż niedźwiedź książka",
    "cp1253": "γάτα άλογο αγελάδα πρόβατο κότα τίγρης λιοντάρι ελέφαντας κουνέλι λύκος φίδι ψάρι μήλο ροδάκινο",
    "cp1254": "kuş ağaç çiçek balık tavşan yılan kaplumbağa arı güneş kağıt",
    "cp1255": "חתול כלב ציפור סוס פרה כבשה חזיר תרנגול ברווז נמר אריה פיל ארנב שועל צפרדע פרפר",
    "cp1256": "قطة كلب طائر حصان بقرة خروف دجاجة نمر أسد فيل أرنب ثعلب سلحفاة فراشة",
    "cp1257": "šuo žąsis ožys arklys kačių gėlė žuvis paukštis voverė ąžuolas",
}


def never(name: str) -> bool:
    return False


def csv_of(words: list[str]) -> str:
    return "path,label\r\n" + "".join(f"images/{row:02}.png,{word}\r\n" for row, word in enumerate(words))


def read(words: list[str], encoding: str) -> str | None:
    """The text of a table of `words` in `encoding`; None where it is asked about."""
    try:
        return decoded(Path("t.csv"), csv_of(words).encode(encoding), None, never)[0]
    except DataError as error:
        lines = str(error).splitlines()
        assert len(lines) == 3
        assert "it cannot be told which encoding the text is in" in lines[0]
        assert f"{encoding}: " in lines[1]
        assert "data.encoding" in lines[2]
        return None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_of_many_words_is_read_right_and_said(encoding: str) -> None:
    words = WORDS[encoding].split()
    text, notes = decoded(Path("t.csv"), csv_of(words).encode(encoding), None, never)
    assert text == csv_of(words)
    assert notes == (f"t.csv is not UTF-8; it was read as {NAMES[encoding]}",)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_table_of_few_words_is_read_right_or_asked_about(encoding: str, count: int) -> None:
    random, words = np.random.default_rng(count), WORDS[encoding].split()
    picked = [random.choice(words, count, replace=False).tolist() for _ in range(60)]
    answers = [read(some, encoding) for some in picked]
    assert all(answer in (None, csv_of(some)) for answer, some in zip(answers, picked, strict=True))
    if count == 5:
        assert sum(answer is not None for answer in answers) >= 30


@pytest.mark.parametrize("word", ["café", "über", "crème", "naïve", "Ångström", "piñata", "l’été"])
def test_western_words_alone_are_read_as_before(word: str) -> None:
    assert read([word, "other"], "cp1252") == csv_of([word, "other"])


def labelled(root: Path, written: str, words: list[str], names: str = "{}", **settings: object) -> Inspection:
    """A data set of forty pictures in images/, whose table another program has `written` in that encoding."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    rows = [(f"{names.format(number)}.png", words[number % len(words)]) for number in range(40)]
    for number, (name, _) in enumerate(rows):
        Image.new("L", (8, 8), number).save(root / "images" / name)
    with (root / "labels.csv").open("w", newline="", encoding=written) as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return inspect_data(DataConfig.model_validate({"source": str(root), **settings}))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_classes_of_a_data_set(tmp_path: Path, encoding: str) -> None:
    words = WORDS[encoding].split()[:8]
    found = labelled(tmp_path, encoding, words)
    assert set(found.class_names) == {*words}
    assert f"labels.csv is not UTF-8; it was read as {NAMES[encoding]}" in found.notes


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_single_word_is_told_by_the_files_that_it_names(tmp_path: Path, encoding: str) -> None:
    word = WORDS[encoding].split()[0]
    found = labelled(tmp_path, encoding, ["a", "b"], f"{word}{{}}")
    assert found.names[0] == f"images/{word}0.png"
    assert len(found.names) == 40
    assert [note for note in found.notes if note.startswith("labels.csv is not UTF-8; it was read as ")]


def test_files_tell_the_encoding_where_words_cannot(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels\.csv:2: .*\n  utf-8: è; gb18030: 猫; "):
        labelled(tmp_path / "plain", "gb18030", ["猫", "dog"])
    found = labelled(tmp_path / "named", "gb18030", ["猫", "dog"], "猫{}")
    assert found.class_names == ("dog", "猫")
    assert "labels.csv is not UTF-8; it was read as GB18030 (GBK): so it names files that are there" in found.notes


@pytest.mark.parametrize("text", ["é è à", "été île", "банан лён", "γη", "猫 犬", "ÀÏ", "ß", "đ", "mañana"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_is_utf8_stays_utf8(text: str, encoding: str) -> None:
    words = text.split()
    assert decoded(Path("t.csv"), csv_of(words).encode(encoding), None, never) == (csv_of(words), ())


def test_the_user_says_it(tmp_path: Path) -> None:
    found = labelled(tmp_path, "gb18030", ["狗", "dog"], encoding="gb18030")
    assert found.class_names == ("dog", "狗")
    assert found.notes == ("labels.csv was read as gb18030 (data.encoding)",)
    with pytest.raises(DataError, match=r"data\.encoding: .*labels\.csv:2: its bytes are not utf-8"):
        labelled(tmp_path, "gb18030", ["狗", "dog"], encoding="utf-8")
    assert labelled(tmp_path, "utf-16-le", ["狗", "dog"], encoding="utf-16-le").class_names == ("dog", "狗")
    assert labelled(tmp_path, "utf-8-sig", ["狗", "dog"], encoding="utf-8").class_names == ("dog", "狗")
    with pytest.raises(ValueError, match="must be an encoding of text that Python knows, got 'gbk18030'; did you mean"):
        DataConfig(encoding="gbk18030")
    with pytest.raises(ValueError, match="must be an encoding of text"):
        DataConfig(encoding="base64")


def test_another_encoding_is_another_pack(tmp_path: Path) -> None:
    root = tmp_path / "data"
    labelled(root, "gb18030", ["猫", "dog"], encoding="gb18030")
    packs = [
        prepare(DataConfig(source=str(root), encoding=encoding), cache=tmp_path / "cache")
        for encoding in ("gb18030", "cp949")
    ]
    assert [pack.class_names for pack in packs] == [("dog", "猫"), ("dog", "챔")]
    assert packs[0].fingerprint != packs[1].fingerprint
    assert all(Pack.open(pack.path).notes for pack in packs)


def test_a_split_file_is_told_by_the_images_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_bytes("path,split\n猫/1.png,train\n狗/2.png,val\n".encode("gb18030"))
    parts, notes = read_split(tmp_path / "split.csv", ["猫/1.png", "狗/2.png"])
    assert parts.tolist() == ["train", "val"]
    assert notes == ("split.csv is not UTF-8; it was read as GB18030 (GBK): so it names files that are there",)


def test_bytes_that_are_no_text_in_any_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.csv:3: "):
        decoded(tmp_path / "t.csv", b"path,label\n1,a\n2,\x81\xff\xff\n", None, never)
