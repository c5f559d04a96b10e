#!/usr/bin/env python3
"""A new user with a token reaches the first digest by doing what README.md says."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
import demo_data  # noqa: E402
import demo_crm  # noqa: E402
from harness import BIN, ROOT, run  # noqa: E402

README = (ROOT / "README.md").read_text()
GUIDES = sorted((ROOT / "config").glob("*.md"))


def test_the_first_diagnosis_of_readme(case):
    """The organisation file in README.md, with nothing but a token, gives a diagnosis and a digest of a HubSpot account."""
    text = re.search(r"```yaml\n(.*?)```", README, re.S).group(1)
    text = "\n".join(line[4:] if line.startswith("    ") else line for line in text.splitlines())
    server = crm.serve(crm.Store(demo_crm.objects(demo_data.DAY_ONE)), token="pat-readme")
    case.at_end(server.stop)
    text = text.replace("connector: hubspot", f"connector: hubspot\n    base_url: {server.url}\n    allows_http_loopback: true")
    text = text.replace("/tmp/retaind-digests", f"{case.tmp}/digests")
    case.org(text)
    env = {"HUBSPOT_TOKEN": "pat-readme"}
    case.retaind("check", "--online", env=env)
    assert "ok" in case.retaind("once", "--now", "2026-03-04T07:00:00Z", env=env).stdout
    shown = case.retaind("preview", "--owner", "you@acme.example", "--now", "2026-03-04T07:05:00Z").stdout
    assert "Pixelmoor" in shown or "Brasserie" in shown, shown
    assert list((case.tmp / "digests").iterdir()), "no digest was delivered"
    assert "risk" in case.retaind("explain", "Brasserie Maréchal", "--as-of", "2026-03-04").stdout


def test_the_commands_of_readme_exist(case):
    """Every command and make target that README.md and the guides beside the configuration name exists."""
    del case
    known = subprocess.run([BIN, "help"], capture_output=True, text=True, check=True).stdout
    text = "\n".join([README, *(guide.read_text() for guide in GUIDES)])
    code = "\n".join("".join(m) for m in re.findall(r"`([^`\n]+)`|^ {4,}(\S.*)$", text, re.M))
    for name in set(re.findall(r"(?:^|/|-u retaind )retaind ([a-z]+)\b", code, re.M)):
        assert re.search(rf"^ +{name}\b", known, re.M), name
    makefile = (ROOT / "Makefile").read_text()
    for name in set(re.findall(r"^make ([a-z]+)", code, re.M)):
        assert re.search(rf"^{name}:", makefile, re.M), name


def test_the_connectors_of_readme_exist(case):
    """Every connector that is shipped stands in the table of config/sources.md, and no other."""
    del case
    text = (ROOT / "config/sources.md").read_text()
    named = set(re.findall(r"`([a-z_]+)`", text[text.index("| what | connectors |"):text.index("are also written to")]))
    shipped = {p.stem for p in (ROOT / "config/connectors").glob("*.yaml")} | {"csv", "push"}
    assert named == shipped, named ^ shipped


def test_the_channels_of_the_guide_exist(case):
    """Every kind of channel that the program knows stands in the table of config/digests.md, and no other."""
    text = (ROOT / "config/digests.md").read_text()
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", text[text.index("| kind of channel |"):], re.M)
    named = set(re.findall(r"`([a-z_]+)`", " ".join(rows)))
    case.org("title: A\nzone: Europe/Paris\ncurrency: EUR\nchannels:\n  x: {kind: pigeon}\n")
    told = case.retaind("check", expect=78)
    known = set(re.search(r"x\.kind: .*expected one of (.*)", told.stdout + told.stderr).group(1).split(", "))
    assert named == known, named ^ known


def test_what_the_readme_links_to_is_there(case):
    """Every file that README.md and the guides link to or show exists, and so does the heading behind a #."""
    del case
    for page in [ROOT / "README.md", *GUIDES]:
        for target in re.findall(r"\]\(((?!https?:)[^)]+)\)|<img src=\"([^\"]+)\"", page.read_text()):
            path, _, heading = "".join(target).partition("#")
            assert (page.parent / path).is_file(), (page.name, path)
            assert not heading or re.search(rf"^#+ {heading}$", (page.parent / path).read_text(), re.M | re.I), (page.name, heading)


if __name__ == "__main__":
    run(globals())
