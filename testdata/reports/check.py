"""Two desks exchange a report; PyPI's STIX and TAXII software reads what comes out.

Usage: check.py COULOIR. Exits non-zero at the first thing that is not as the standards have it.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import stix2
from stix2validator import ValidationOptions, validate_string
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server, as_pages

COULOIR = str(pathlib.Path(sys.argv[1]).resolve())


def made_by_stix2():
    """A bundle by another library, under AMBER+STRICT, with an object that no standard knows."""
    actor = stix2.ThreatActor(name="影", object_marking_refs=[AMBER_STRICT])
    indicator = stix2.Indicator(
        name="C2",
        pattern="[ipv4-addr:value = '192.0.2.1']",
        pattern_type="stix",
        object_marking_refs=[AMBER_STRICT],
    )
    link = stix2.Relationship(indicator, "indicates", actor, object_marking_refs=[AMBER_STRICT])
    bundle = json.loads(stix2.Bundle(actor, indicator, link).serialize())
    bundle["objects"].append(TLP_AMBER_STRICT)
    return json.dumps(bundle, indent=2)


class World:
    """Two homes in a folder, joined by another folder."""

    def __init__(self, folder):
        self.folder = folder
        self.serving = []
        (folder / "passphrase").write_text("外務と外交\n")
        (folder / "drop").mkdir()

    def command(self, *words):
        env = dict(os.environ, COULOIR_PASSPHRASE_FILE=str(self.folder / "passphrase"))
        return dict(args=[COULOIR, *words, "--json"], cwd=self.folder, env=env, text=True, stdout=subprocess.PIPE)

    def ask(self, *words):
        ended = subprocess.run(**self.command(*words))
        assert ended.returncode == 0, (words, ended)
        return json.loads(ended.stdout)

    def serve(self, *words):
        process = subprocess.Popen(**self.command(*words))
        self.serving.append(process)
        return json.loads(process.stdout.readline())

    def until(self, what, is_so):
        for _ in range(1800):
            if is_so():
                return
            time.sleep(0.05)
        raise AssertionError(f"never: {what}")

    def meet(self):
        self.ask("init", "--home", "tokyo", "--side", "日本", "--post", "連絡課長")
        self.ask("init", "--home", "beijing", "--side", "中国", "--post", "联络处处长")
        route = f"folder:{self.folder / 'drop'}"
        self.ask("channel", "create", "--home", "tokyo", "--name", "回線", "--window", "200ms", "--route", route)
        self.ask("invite", "--home", "tokyo", "--for", "中国", "--out", "invitation")
        self.ask("join", "--home", "beijing", "invitation")
        for home in HOMES:
            self.serve("run", "--home", home)
        phrases = [self.ask("phrase", "--home", home, "--wait") for home in HOMES]
        assert phrases[0] == phrases[1]
        for home in HOMES:
            self.ask("verify", "--home", home)

    def end(self):
        for process in self.serving:
            process.terminate()
        for process in self.serving:
            process.wait()


def check(world):
    world.meet()
    text = made_by_stix2()
    (world.folder / "bundle.json").write_text(text)
    report = world.ask("report", "share", "--home", "tokyo", "bundle.json")
    assert report["marking"] == "amber+strict", report
    show = world.command("report", "show", "--home", "beijing", report["id"]) | {"stderr": subprocess.DEVNULL}
    world.until("the report is there", lambda: subprocess.run(**show).returncode == 0)

    out = ["--out", "out.json", "--to", "analysts", "--level", "amber+strict"]
    world.ask("report", "export", "--home", "beijing", report["id"], *out)
    exported = (world.folder / "out.json").read_text()
    assert exported == text, "an exported bundle is the one that was shared"
    result = validate_string(exported, ValidationOptions(version="2.1"))
    assert result.is_valid, result.errors

    line = world.serve("taxii", "--home", "beijing")
    server = Server(line["url"], auth=TokenAuth(line["token"]))
    [root] = server.api_roots
    fetched = [page for collection in root.collections for page in fetch(collection)]
    wanted = {each["id"]: each for each in json.loads(text)["objects"]}
    assert {each["id"]: each for each in fetched} == wanted, fetched
    [collection] = root.collections
    assert not collection.can_write
    newest = collection.get_objects(type="indicator")["objects"]
    assert [each["name"] for each in newest] == ["C2"], newest
    manifest = collection.get_manifest()["objects"]
    assert {each["id"] for each in manifest} == set(wanted), manifest


def fetch(collection):
    for page in as_pages(collection.get_objects, per_request=2):
        yield from page.get("objects", [])


HOMES = ["tokyo", "beijing"]
AMBER_STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
TLP_AMBER_STRICT = {
    "type": "marking-definition",
    "spec_version": "2.1",
    "id": AMBER_STRICT,
    "created": "2022-10-01T00:00:00.000Z",
    "name": "TLP:AMBER+STRICT",
    "extensions": {
        "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension",
            "tlp_2_0": "amber+strict",
        }
    },
}

with tempfile.TemporaryDirectory() as folder:
    world = World(pathlib.Path(folder))
    try:
        check(world)
    finally:
        world.end()
print("reports: PyPI's stix2, stix2-validator and taxii2-client read what they should")
