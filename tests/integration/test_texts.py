#!/usr/bin/env python3
"""What people read is in their language: no English is left in a French digest, and the texts and the program agree."""
import atexit
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import demo_data as data  # noqa: E402
from harness import BIN, HEAVY, ROOT, SANITIZED, run  # noqa: E402

OWNERS = (data.CSM, data.AM, data.MANAGER)
FORMATS = ("text", "html", "slack", "teams", *(("slack_thread", "mattermost", "google_chat", "discord") if HEAVY else ()))


def texts(language):
    """The catalogue of a language, as the build reads it."""
    found, key = {}, None
    for line in (ROOT / f"config/texts/{language}.yaml").read_text().splitlines():
        start = re.match(r'([a-z0-9_.]+): "(.*)', line)
        if start:
            key = start.group(1)
            found[key] = start.group(2)
        elif line.startswith("  ") and key:
            found[key] += " " + line.strip()
    return {key: text.removesuffix('"').replace('\\"', '"') for key, text in found.items()}


def plays(language):
    """The sentences of plays.yaml in a language."""
    text = (ROOT / "config/plays.yaml").read_text()
    indent = "        " if language == "fr" else "    "
    return re.findall(rf'^{indent}(?:title|first_step): (.*(?:\n {{10}}\S.*)*)$', text, re.M)


def words(text):
    return set(re.findall(r"[^\W\d_]{3,}", re.sub(r"\{\{[^}|]*\}\}|\{\{[^}|]*\|", " ", text).lower()))


def only_english():
    """Words that our English has and our French has not."""
    english = " ".join([*texts("en").values(), *plays("en")])
    french = " ".join([*texts("fr").values(), *plays("fr")])
    return words(english) - words(french)


def plain(rendered):
    """What a person reads, without what is theirs: quotes, links, names of commands and formats' own words."""
    if rendered.lstrip().startswith("{"):
        rendered = "\n".join(text for part in parts(rendered) for text in strings(part))
    rendered = re.sub(r"<style>.*?</style>|<[^>]*>", " ", rendered, flags=re.S)
    rendered = re.sub(r"«[^»]*»|`[^`]*`|https?://\S+|\S+@\S+|&\w+;", " ", rendered)
    return rendered


def parts(rendered):
    """The JSON of each message of several."""
    at, decoder = 0, json.JSONDecoder()
    while rendered[at:].strip():
        at += len(rendered[at:]) - len(rendered[at:].lstrip())
        value, at = decoder.raw_decode(rendered, at)
        yield value


def strings(value, key=""):
    """The texts of a message in JSON that are shown: keys' names and types say nothing to people."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)
    elif isinstance(value, str) and key in ("text", "title", "subtitle", "topLabel", "content", "name", "value", "description",
                                            "fallbackText", "summary", "altText", "label", "pretext", "fallback"):
        yield value


HOME = Path(tempfile.mkdtemp(prefix="retaind-texts-"))
atexit.register(shutil.rmtree, HOME, True)


def demo(language):
    """The demo's organisation after its second morning, its readers in another language; made once."""
    home = HOME / "demo"
    if not home.exists():
        subprocess.run(["python3", str(ROOT / "tests/support/demo.py"), BIN, str(home)], check=True, capture_output=True,
                       timeout=200, stdin=subprocess.DEVNULL)
    org = home / "config/orgs/lumendesk.yaml"
    text = re.sub(r"^language: .*\n", "", org.read_text(), flags=re.M)
    org.write_text(text.replace("currency: EUR\n", f"currency: EUR\nlanguage: {language}\n", 1))
    return home


def previews(case, home, day):
    for owner in OWNERS:
        for form in FORMATS:
            shown = case.retaind("preview", "--owner", owner, "--now", f"{day}T06:30:00Z", "--format", form, config=home / "config")
            yield f"{owner} as {form} on {day}", shown.stdout


def test_no_english(case):
    """A French digest of the demo's organisation has no English word of ours left, in any format, for any role"""
    home, english = demo("fr"), only_english()
    names = words((ROOT / "tests/data/demo/lumendesk.yaml").read_text() + " text html json")
    with sqlite3.connect(f"file:{home}/state/orgs/lumendesk/retaind.db?mode=ro", uri=True) as db:
        names |= words(" ".join(name for name, in db.execute("SELECT name FROM account UNION SELECT name FROM contact") if name))
    n = 0
    for day in (data.DAY_TWO, data.DAY_TWO.replace(day=data.DAY_TWO.day + 1)):
        for where, shown in previews(case, home, day):
            left = words(plain(shown)) & (english - names)
            assert not left, f"{where}: {sorted(left)}\n{shown[:3000]}"
            n += 1
    assert n == 2 * len(OWNERS) * len(FORMATS)
    if SANITIZED:
        return
    demo("en")
    for where, shown in previews(case, home, data.DAY_TWO):  # what would be found, is
        assert len(words(plain(shown)) & (english - names)) > 10, where


ENGLISH = set("""the with and was were is are to for not you your this that from has have been what who which nobody usual day days
week month people account accounts risk open since more new lost of by it its they them their our we in at no than then there""".split())


def test_french_is_french(case):
    """No French text holds a word that can only be English, and none is just the English one"""
    english, french = texts("en"), texts("fr")
    for key, text in french.items():
        bare = re.sub(r"\{\{[^}|]*\}\}|\{\{[^}|]*\||`[^`]*`", " ", text)
        left = set(re.findall(r"[^\W\d_]+", bare.lower())) & ENGLISH
        assert not left, (key, text, left)
    same = {key for key in french if french[key] == english[key] and len(words(english[key])) > 1}
    assert same == {"evidence.tickets"}, same
    for text in plays("fr"):
        assert not set(re.findall(r"[^\W\d_]+", text.lower())) & ENGLISH, text


def test_french_reads(case):
    """Money, days, plurals, elisions and no-break spaces of a French digest are as the French write them"""
    home = demo("fr")
    shown = case.retaind("preview", "--owner", data.CSM, "--now", f"{data.DAY_TWO}T06:30:00Z", "--format", "html",
                         config=home / "config").stdout
    assert '<html lang="fr">' in shown
    for sentence in ("177\u202f600\u00a0€ en jeu", "mer. 4 mars 2026", "En danger\u00a0:", "«\u00a0We would like"):
        assert sentence in shown, sentence
    body = re.sub(r"<[^>]*>|«[^»]*»|&\w+;", " ", re.sub(r"<style>.*?</style>", "", shown, flags=re.S))
    for broken in (r"(?<!\w) (?=[;?!%»])", r"[^\s\u00a0\u202f\d/]:\s", r"« ", r"\bde [aeiouyéèêâh]\w* \(", r"\b1 jours\b"):
        found = re.search(broken, body)
        assert not found or found.group(0).strip() == "", (broken, body[max(0, found.start() - 60):found.end() + 30])
    plain_space = re.search(r"\w [;?!%»]", body)
    assert not plain_space, body[plain_space.start() - 60:plain_space.end() + 20]


def test_own_words(case):
    """An installation's own wording of a text is what its readers get, and only there"""
    home = demo("fr")
    own = home / "config/texts/fr.yaml"
    own.write_text('digest.play: "Marche à suivre :"\nsignal.sudden_drop: "chute de {{percent}} % ({{span}})"\n')
    own.chmod(0o644)
    (home / "config/texts/en.yaml").unlink()
    shown = case.retaind("preview", "--owner", data.MANAGER, "--now", f"{data.DAY_TWO}T06:30:00Z", "--format", "html",
                         config=home / "config").stdout
    assert "Marche à suivre\u00a0:" in shown and "Chute de 99\u202f% (les 4 dernières semaines)" in shown, shown[:3000]
    assert "Pour commencer\u00a0:" in shown


def source():
    return "\n".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.[ch]")))


def test_keys(case):
    """Every text that the program says is in the catalogue, and every text of the catalogue is said somewhere"""
    keys, code = set(texts("en")), source()
    assert len(keys) > 250 and keys == set(texts("fr"))
    literals = set(re.findall(r'"([a-z0-9_]+(?:\.[a-z0-9_]+)*)"', code))
    said = set(re.findall(r'(?:SAY|words_text|words_say)\((?:[^;"]|\([^;"]*\))*?"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"', code))
    assert len(said) > 50 and said <= keys, said - keys
    phrases = set(re.findall(r'READING_SAY\(c, out, (?:"\w+"|\w+), "([a-z0-9_.]+)"', code))
    phrases |= set(re.findall(r'reading_phrase\(c, out, "\w+", "([a-z0-9_.]+)"\)', code))
    assert len(phrases) > 20 and {f"evidence.{key}" for key in phrases} <= keys, phrases
    made = [re.compile(re.escape(form).replace("%s", "[a-z0-9_.]*")) for form in re.findall(r'"([a-z_]+(?:\.[a-z_%]+)+)"', code)
            if "%s" in form and form not in ("evidence.%s", "signal.%s")]
    silent = {key for key in keys if key not in literals and key.removeprefix("evidence.") not in literals and
              key.removeprefix("signal.") not in literals and not key.startswith("evidence.metric.") and
              not any(form.fullmatch(key) for form in made)}
    assert not silent, sorted(silent)


def test_signals_and_plays(case):
    """Every signal has its evidence in every language, with the same words; every play says what to do in French"""
    shipped = (ROOT / "config/signals.yaml").read_text()
    names = re.findall(r"^  ([a-z_]+):$", shipped[shipped.index("\nsignals:"):], re.M)
    assert len(names) > 50
    for language in ("en", "fr"):
        all_texts = texts(language)
        assert not [name for name in names if f"signal.{name}" not in all_texts]
    marks = {language: {name: set(re.findall(r"\{\{(\w+)", texts(language)[f"signal.{name}"])) for name in names}
             for language in ("en", "fr")}
    assert marks["en"] == marks["fr"]
    assert len(plays("en")) == len(plays("fr")) > 40


run(globals())
