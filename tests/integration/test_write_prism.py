#!/usr/bin/env python3
"""What is written into Pipedrive and HubSpot, and the tasks that are made there, are judged by their published documents."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import prism  # noqa: E402
import test_write_back_rows as rows  # noqa: E402
import test_write_tasks as tasks  # noqa: E402
from harness import run  # noqa: E402
from systems import Pipedrive  # noqa: E402
from test_increments import Hubspot  # noqa: E402
from test_write_back import settings, write_back  # noqa: E402
from vendor import organisation  # noqa: E402

RELEASE_ONLY = True


def test_the_published_document_allows_what_is_written(case):
    """Prism accepts the changes of organizations on Pipedrive's own document: no 4xx, no violation."""
    prism.need()
    rows.scored(case, Pipedrive, 5)
    proxy = prism.Proxy(case, [(r"/api/v2", "pipedrive-v2.yaml", "")], None, lambda content: None)
    organisation(case, "pipedrive", proxy.url, settings(names=rows.NAMES["pipedrive"]))
    told, _ = write_back(case)
    prism.accepted(proxy)
    assert told[0]["written"] == 5 and {(s["method"], s["path"].rsplit("/", 1)[0]) for s in proxy.seen} == {("PATCH", "/organizations")}, proxy.seen


def test_the_published_documents_allow_the_tasks(case):
    """Prism accepts search and creation of tasks on HubSpot's document of objects, and list and creation of activities on Pipedrive's."""
    prism.need()
    for made, routes in ((Hubspot, [(r"/crm/v3/objects", "Objects-v3-objects.json", "/crm/v3/objects")]),
                         (Pipedrive, [(r"/api/v2", "pipedrive-v2.yaml", "")])):
        system, _, _ = tasks.found(case, made)
        proxy = prism.Proxy(case, routes, None, lambda content: None)
        organisation(case, system.connector, proxy.url, tasks.settings())
        told, said = write_back(case, expect=None)
        prism.accepted(proxy)
        assert told[0]["tasks"] == 3 and len(proxy.seen) == 6, (told, said, [(s["method"], s["path"]) for s in proxy.seen])


if __name__ == "__main__":
    run(globals())
