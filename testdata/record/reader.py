#!/usr/bin/env python3
"""Checks an exported record by docs/RECORD.md, with software that shares no code with Couloir.

    reader.py FILE --signet F --signet F     one record: exit 0 whole, 5 partial, 6 it does not hold
    reader.py --vectors [MORE.json]          everything in vectors.json (and in MORE.json) as it must come out

CBOR is PyPI's cbor2, Ed25519 PyPI's cryptography, ML-DSA-65 PyPI's dilithium-py.
"""

import argparse
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dilithium_py.ml_dsa import ML_DSA_65

HERE = Path(__file__).parent
CERTIFICATE_DIGEST, CERTIFICATE, ACT, COUNTERSIGNATURES = -65537, -65538, -65539, 11
CONTENT_TYPE = "application/vnd.couloir.statement+cbor"
MAGIC = b"\xd9\xd9\xf7"
VERDICTS = {1: "acknowledged", 2: "declined", 3: "agreed"}
STRENGTH = {None: "said", **VERDICTS}
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u061c\u00ad\u2028\u2029\U000e0000-\U000e007f]")
TURNING = re.compile("[\r\u202a-\u202e\u2066-\u2069]")


class Refused(Exception):
    """Something does not hold."""


def demand(is_so, why):
    if not is_so:
        raise Refused(why)


def dumps(value):
    return cbor2.dumps(value, canonical=True)


def thawed(value):
    """The same in plain lists and dictionaries: cbor2 freezes what is behind a tag."""
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, thawed(value.value))
    if isinstance(value, (list, tuple)):
        return [thawed(one) for one in value]
    if hasattr(value, "items"):
        return {key: thawed(one) for key, one in value.items()}
    return value


def loads(octets):
    """One value in its one encoding."""
    try:
        value = thawed(cbor2.loads(octets))
        again = dumps(value)
    except Exception as error:
        raise Refused(f"no CBOR: {error}") from error
    demand(again == octets, "not deterministic")
    return value


def sha256(octets):
    return hashlib.sha256(octets).digest()


def named(name, value):
    return sha256(dumps([name, value]))


def is_octets(value, length):
    return isinstance(value, bytes) and len(value) == length


def is_number(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_rising(values):
    return all(a < b for a, b in zip(values, values[1:]))


def check_list(values, length, low, high, what):
    demand(isinstance(values, list) and low <= len(values) <= high, what)
    demand(all(is_octets(value, length) for value in values) and is_rising(values), what)


def check_name(text, what):
    demand(isinstance(text, str) and 1 <= len(text) <= 100, what)
    is_control = any(unicodedata.category(c) == "Cc" for c in text)
    demand(not is_control and not INVISIBLE.search(text) and unicodedata.is_normalized("NFC", text), what)


def check_text(text, most, what):
    demand(isinstance(text, str) and 1 <= len(text.encode()) <= most, what)
    is_control = any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text)
    demand(not is_control and not TURNING.search(text) and unicodedata.is_normalized("NFC", text), what)


def verifies_ed25519(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key[:32]).verify(signature, message)
        return True
    except InvalidSignature:
        return False


def verifies_both(key, messages, signatures):
    ed25519 = verifies_ed25519(key, messages[0], signatures[0])
    return ed25519 and ML_DSA_65.verify(key[32:], messages[1], signatures[1])


def check_signet(octets):
    signet = loads(octets)
    demand(isinstance(signet, list) and len(signet) == 4 and signet[0] == 1, "signet")
    check_name(signet[1], "side's name")
    officers = signet[3]
    demand(1 <= len(officers) <= 16 and all(is_octets(key, 1984) for key in officers), "officers")
    demand(len(set(officers)) == len(officers) and 1 <= signet[2] <= len(officers), "threshold")
    return signet


class Papers:
    """The signets, and what their officers signed."""

    def __init__(self, signets):
        self.signets = {sha256(octets): check_signet(octets) for octets in signets}
        self.certificates, self.revoked = {}, {}

    def signed(self, octets, word, length):
        paper = loads(octets)
        demand(isinstance(paper, list) and len(paper) == 2 and isinstance(paper[0], bytes), word)
        body, signatures = loads(paper[0]), paper[1]
        demand(isinstance(body, list) and len(body) == length, word)
        demand(body[0] in self.signets, "by a side whose signet was not given")
        _, _, threshold, officers = self.signets[body[0]]
        demand(all(len(s) == 3 and is_octets(s[2], 3373) for s in signatures), word)
        demand(is_rising([(s[0], s[1]) for s in signatures]) and len(signatures) <= 32, word)
        message = b"couloir/v1 " + word.encode() + b"\0" + paper[0]
        for side, officer, signature in signatures:
            demand(side == body[0] and officer < len(officers), "signed by a stranger")
            parts = signature[:64], signature[64:]
            demand(verifies_both(officers[officer], (message, message), parts), "an officer's signature")
        demand(len(signatures) >= threshold, "too few officers")
        return sha256(paper[0]), body

    def learn_certificate(self, octets):
        digest, body = self.signed(octets, "certificate", 8)
        demand(is_octets(body[1], 16) and is_octets(body[6], 1984) and is_octets(body[7], 32), "certificate")
        check_name(body[2], "title")
        demand(body[4] is None or check_name(body[4], "holder") is None, "holder")
        self.certificates[digest] = body

    def learn_revocation(self, octets):
        _, body = self.signed(octets, "revocation", 4)
        demand(is_octets(body[2], 16), "revocation")
        self.revoked[body[2]] = min(body[3], self.revoked.get(body[2], body[3]))

    def check_signed(self, digest, side, post, at, messages, signatures):
        demand(digest in self.certificates, "its certificate is not at hand")
        certificate = self.certificates[digest]
        demand(certificate[0] == side and certificate[1] == post, "another side or post than its certificate's")
        key = certificate[6]
        demand(verifies_both(key, messages, signatures), "a signature")
        node = sha256(key)[:16]
        demand(node not in self.revoked or at < self.revoked[node], "its node had been revoked")


def check_audience(audience):
    demand(isinstance(audience, list) and len(audience) == 3 and is_octets(audience[0], 16), "audience")
    check_list(audience[1], 32, 2, 8, "sides")
    check_list(audience[2], 16, 2, 32, "posts")


def check_times(at):
    demand(is_number(at, 0, 253402300799999), "time")


def check_statement(statement):
    demand(isinstance(statement, dict), "statement")
    demand(set(statement) - {10} == set(range(1, 10)) and statement[1] == 1, "keys or version")
    check_audience(statement[2])
    demand(is_octets(statement[3], 16), "id")
    check_list(statement[4], 32, 0, 8, "previous")
    demand(statement[5] in statement[2][1] and statement[6] in statement[2][2], "author")
    check_times(statement[7])
    demand(is_number(statement[8], 0, 2), "asks")
    check_texts(statement[9])
    if 10 in statement:
        corrects = statement[10]
        demand(isinstance(corrects, list) and len(corrects) == 2 and is_octets(corrects[0], 32), "corrects")
        demand(is_number(corrects[1], 1, 2**32 - 1), "number of the correction")


def check_texts(texts):
    demand(isinstance(texts, list) and 1 <= len(texts) <= 8, "texts")
    demand(all(isinstance(text, list) and len(text) == 3 for text in texts), "texts")
    for lang, title, text in texts:
        demand(len(lang) <= 35 and re.fullmatch(r"[a-z]{2,8}(-[A-Za-z0-9]{1,8})*", lang), "language")
        check_name(title, "title")
        check_text(text, 40 * 1024, "text")
    demand(len({text[0] for text in texts}) == len(texts), "languages")
    demand(sum(len(text[2].encode()) for text in texts) <= 40 * 1024, "length of all texts")


def check_act(act):
    demand(isinstance(act, dict) and set(act) - {9} == set(range(1, 9)) and act[1] == 1, "keys or version")
    demand(is_octets(act[2], 32) and is_octets(act[4], 32) and is_octets(act[5], 16), "act")
    check_list(act[3], 32, 0, 8, "previous")
    check_times(act[6])
    demand(is_number(act[7], 1, 3) and is_octets(act[8], 32), "act")
    if 9 in act:
        demand(act[7] == 2, "a reason where nothing is declined")
        check_text(act[9], 2 * 1024, "reason")


class Statement:
    """A statement that holds."""

    def __init__(self, document, papers):
        sign = loads(document)
        demand(isinstance(sign, cbor2.CBORTag) and sign.tag == 98, "no COSE_Sign")
        demand(isinstance(sign.value, list) and len(sign.value) == 4, "no COSE_Sign")
        self.protected, unprotected, self.payload, signatures = sign.value
        demand(isinstance(self.protected, bytes) and isinstance(self.payload, bytes), "no COSE_Sign")
        header = loads(self.protected)
        demand(isinstance(header, dict) and set(header) == {3, CERTIFICATE_DIGEST}, "protected header")
        demand(header[3] == CONTENT_TYPE, "content type")
        demand(isinstance(unprotected, dict) and set(unprotected) <= {COUNTERSIGNATURES, CERTIFICATE}, "header")
        self.beneath = pairs_of(unprotected.get(COUNTERSIGNATURES))
        demand(len(signatures) == 2, "not one signature of each algorithm")
        for signature, algorithm, length in zip(signatures, (-19, -49), (64, 3309)):
            demand(signature[:2] == [dumps({1: algorithm}), {}] and is_octets(signature[2], length), "signature")
        if CERTIFICATE in unprotected:
            papers.learn_certificate(unprotected[CERTIFICATE])
        self.body = loads(self.payload)
        check_statement(self.body)
        messages = [self.message("Signature", signature[0]) for signature in signatures]
        author = self.body[5], self.body[6], self.body[7]
        papers.check_signed(header[CERTIFICATE_DIGEST], *author, messages, [s[2] for s in signatures])
        self.digest = named("couloir/v1 statement", [self.protected, self.payload])
        self.at = self.body[7]

    def message(self, context, protected):
        return dumps([context, self.protected, protected, b"", self.payload])

    def names(self):
        return set(self.body[4]) | ({self.body[10][0]} if 10 in self.body else set())

    def number(self):
        return self.body[10][1] if 10 in self.body else 0


def pairs_of(halves):
    """The countersignatures beneath a statement: the octets of each act, and its two halves."""
    demand(halves is None or (isinstance(halves, list) and halves and len(halves) % 2 == 0), "countersignatures")
    pairs = []
    for pair in zip((halves or [])[::2], (halves or [])[1::2]):
        header = loads(pair[0][0])
        demand(isinstance(header, dict) and isinstance(header.get(ACT), bytes), "it says no act")
        for half, algorithm, length in zip(pair, (-19, -49), (64, 3309)):
            expected = dumps({1: algorithm, 2: [ACT], ACT: header[ACT]})
            demand(half[:2] == [expected, {}] and is_octets(half[2], length), "half")
        pairs.append((header[ACT], pair))
    return pairs


class Countersignature:
    """A countersignature that holds."""

    def __init__(self, octets, halves, statement, papers):
        self.act = loads(octets)
        check_act(self.act)
        demand(self.act[2] == statement.digest, "another statement")
        audience = statement.body[2]
        demand(self.act[4] in audience[1] and self.act[5] in audience[2], "not addressed")
        demand(self.act[4] != statement.body[5], "its author's own side")
        messages = [statement.message("CounterSignature", half[0]) for half in halves]
        author = self.act[4], self.act[5], self.act[6]
        papers.check_signed(self.act[8], *author, messages, [half[2] for half in halves])
        self.digest = named("couloir/v1 countersignature", octets)
        self.at = self.act[6]

    def names(self):
        return set(self.act[3]) | {self.act[2]}


def order_of(items):
    """Who is named first; then by time and digest."""
    waiting, placed, order = dict(items), set(), []
    while waiting:
        free = [item for item in waiting.values() if not (item.names() & waiting.keys())]
        item = min(free, key=lambda item: (item.at, item.digest))
        order.append(item)
        placed.add(item.digest)
        del waiting[item.digest]
    return order


def standing_of(statement, marks):
    """The least of what the other sides say, each its strongest."""
    sides = [side for side in statement.body[2][1] if side != statement.body[5]]
    said = [max((mark.act[7] for mark in marks if mark.act[4] == side), default=0) for side in sides]
    return STRENGTH[min(said) or None]


def check(octets, signets):
    """What a file holds: its head, standings, faults, missing items. Refused if it is no such file."""
    demand(octets.startswith(MAGIC), "no exported record")
    file = loads(octets[len(MAGIC):])
    demand(isinstance(file, list) and len(file) == 7 and file[:2] == ["couloir record", 1], "no exported record")
    _, _, audience, head, certificates, revocations, documents = file
    check_audience(audience)
    demand(is_octets(head, 32), "head")
    papers, faults = Papers(signets), []
    learn = [(papers.learn_certificate, paper) for paper in certificates]
    learn += [(papers.learn_revocation, paper) for paper in revocations]
    for place, (function, paper) in enumerate(learn, 1):
        attempt(faults, f"paper {place}", lambda: function(paper))
    items, marks, places = {}, {}, {}
    for place, document in enumerate(documents, 1):
        statement = attempt(faults, f"statement {place}", lambda: addressed(Statement(document, papers), audience))
        if statement is None:
            continue
        items[statement.digest], places[statement.digest] = statement, place
        marks[statement.digest] = []
        for below, (octets, halves) in enumerate(statement.beneath, 1):
            where = f"countersignature {below} of statement {place}"
            mark = attempt(faults, where, lambda: Countersignature(octets, halves, statement, papers))
            if mark is not None:
                items[mark.digest] = mark
                marks[statement.digest].append(mark)
    faults += [(f"statement {places[digest]}", "misnumbered") for digest in marks if is_misnumbered(items, digest)]
    names = set().union(*(item.names() for item in items.values())) if items else set()
    found = named("couloir/v1 record head", sorted(items.keys() - names))
    order = order_of(items)
    statements = [item for item in order if isinstance(item, Statement)]
    if not faults and found != head:
        faults.append(("file", "another head"))
    if not faults and not is_in_form(file, order, statements, papers):
        faults.append(("file", "another form"))
    standings = [standing_of(statement, marks[statement.digest]) for statement in statements]
    return {"head": found.hex(), "standings": standings, "faults": faults, "missing": len(names - items.keys())}


def attempt(faults, where, work):
    try:
        return work()
    except (Refused, TypeError, ValueError, KeyError, IndexError) as error:
        faults.append((where, str(error)))
        return None


def addressed(statement, audience):
    demand(statement.body[2] == audience, "another audience")
    return statement


def is_misnumbered(items, digest):
    statement = items[digest]
    if not isinstance(statement, Statement) or 10 not in statement.body:
        return False
    earlier = items.get(statement.body[10][0])
    if earlier is None:
        return False
    return not isinstance(earlier, Statement) or statement.number() != earlier.number() + 1


def is_in_form(file, order, statements, papers):
    """Whether papers and items stand as an export writes them."""
    digests = [statement.digest for statement in statements]
    written = [named("couloir/v1 statement", [d.value[0], d.value[2]]) for d in map(loads, file[6])]
    has_certificates = any(CERTIFICATE in loads(document).value[1] for document in file[6])
    marks = [item.act[2] + item.digest for item in order if isinstance(item, Countersignature)]
    beneath = [named("couloir/v1 countersignature", loads(half[0])[ACT])
               for document in file[6] for half in (loads(document).value[1].get(COUNTERSIGNATURES) or [])[::2]]
    by_post = [(item.act[2], item.act[5]) for item in order if isinstance(item, Countersignature)]
    if any(by_post.count(one) > 4 for one in set(by_post)):
        return False
    expected = [mark[32:] for digest in digests for mark in marks if mark[:32] == digest]
    needed = {loads(d.value[0])[CERTIFICATE_DIGEST] for d in map(loads, file[6])}
    needed |= {item.act[8] for item in order if isinstance(item, Countersignature)}
    certificates = [sha256(loads(paper)[0]) for paper in file[4]]
    nodes = {sha256(papers.certificates[digest][6])[:16] for digest in needed}
    revocations = [loads(loads(paper)[0])[2] for paper in file[5]]
    has_form = written == digests and beneath == expected and not has_certificates
    return has_form and certificates == sorted(needed) and revocations == sorted(nodes & papers.revoked.keys())


def outcome(file, signets):
    """whole, partial, broken or refused; and where it is broken."""
    try:
        found = check(file.read_bytes(), [signet.read_bytes() for signet in signets])
    except Refused as why:
        return "refused", [], {"why": str(why)}
    if found["faults"]:
        return "broken", [where for where, _ in found["faults"]], found
    return ("partial" if found["missing"] else "whole"), [], found


def replay(lists):
    """Every vector as it must come out; the number of those that did not."""
    wrong = 0
    for path in lists:
        for vector in json.loads(path.read_text()):
            signets = [path.parent / signet for signet in vector["signets"]]
            verdict, where, found = outcome(path.parent / vector["file"], signets)
            is_right = (verdict, where) == (vector["verdict"], vector["where"])
            is_right = is_right and all(found.get(key) == vector[key] for key in ("head", "standings") if key in vector)
            wrong += not is_right
            if not is_right:
                print(f"{vector['file']}: {verdict} at {where}, {found}", file=sys.stderr)
            print(f"{'ok   ' if is_right else 'WRONG'} {vector['file']}: {verdict} {', '.join(where)}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--signet", type=Path, action="append", default=[])
    parser.add_argument("--vectors", type=Path, nargs="?", const=HERE / "vectors.json")
    args = parser.parse_args()
    if args.vectors:
        sys.exit(1 if replay(dict.fromkeys([HERE / "vectors.json", args.vectors])) else 0)
    verdict, _, found = outcome(args.file, args.signet)
    print(json.dumps({"verdict": verdict, **found}, ensure_ascii=False))
    sys.exit({"whole": 0, "partial": 5}.get(verdict, 6))


if __name__ == "__main__":
    main()
