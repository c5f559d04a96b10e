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
    """Every command and make target that README.md names exists."""
    del case
    known = subprocess.run([BIN, "help"], capture_output=True, text=True, check=True).stdout
    code = "\n".join("".join(m) for m in re.findall(r"`([^`\n]+)`|^ {4,}(\S.*)$", README, re.M))
    for name in set(re.findall(r"(?:^|/|-u retaind )retaind ([a-z]+)\b", code, re.M)):
        assert re.search(rf"^ +{name}\b", known, re.M), name
    makefile = (ROOT / "Makefile").read_text()
    for name in set(re.findall(r"^make ([a-z]+)", code, re.M)):
        assert re.search(rf"^{name}:", makefile, re.M), name


def test_the_connectors_of_readme_exist(case):
    """Every connector that is shipped stands in README.md's table, and no other."""
    del case
    named = set(re.findall(r"`([a-z_]+)`", README[README.index("| what | connectors |"):README.index("are also written to")]))
    shipped = {p.stem for p in (ROOT / "config/connectors").glob("*.yaml")} | {"csv", "push"}
    assert named == shipped, named ^ shipped


if __name__ == "__main__":
    run(globals())
