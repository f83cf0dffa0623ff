#!/usr/bin/env python3
"""Writes the vectors of this folder by docs/RECORD.md, with software that shares no code with Couloir.

Each bad one differs from a good one in the one thing that its name says. All keys come from fixed seeds and
all signatures are deterministic, so that the files come out the same again.
"""

import copy
import hashlib
import json
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dilithium_py.ml_dsa import ML_DSA_65

from reader import ACT, CERTIFICATE, CERTIFICATE_DIGEST, CONTENT_TYPE, MAGIC, dumps, loads, named, sha256

HERE = Path(__file__).parent
BEGIN = 1_790_000_000_000
CHANNEL = bytes([3]) * 16


class Key:
    """A signing key: Ed25519 and ML-DSA-65 from 64 octets that are as good as random."""

    def __init__(self, label):
        seeds = hashlib.shake_256(("couloir record vector " + label).encode()).digest(64)
        self.ed25519 = Ed25519PrivateKey.from_private_bytes(seeds[:32])
        public, self.ml_dsa = ML_DSA_65.key_derive(seeds[32:])
        self.public = self.ed25519.public_key().public_bytes_raw() + public

    def sign(self, first, second):
        return self.ed25519.sign(first), ML_DSA_65.sign(self.ml_dsa, second, deterministic=True)

    def paper(self, word, octets):
        message = b"couloir/v1 " + word.encode() + b"\0" + octets
        return b"".join(self.sign(message, message))


class Side:
    """A side of two officers of whom `threshold` must sign, with one post and its node."""

    def __init__(self, label, name, title, threshold):
        self.officers = [Key(f"{label} officer {n}") for n in range(2)]
        self.node = Key(f"{label} node")
        self.signet = dumps([1, name, threshold, [officer.public for officer in self.officers]])
        self.id, self.post = sha256(self.signet), sha256(label.encode())[:16]
        body = [self.id, self.post, title, 1, None, BEGIN, self.node.public, sha256(b"tls " + label.encode())]
        self.certificate = self.signed("certificate", body, range(threshold))
        self.digest = sha256(dumps(body))

    def signed(self, word, body, officers):
        octets = dumps(body)
        return dumps([octets, [[self.id, n, self.officers[n].paper(word, octets)] for n in officers]])

    def revocation(self, at):
        return self.signed("revocation", [self.id, 2, sha256(self.node.public)[:16], at], range(2))


class Statement:
    """A statement that is about to be signed; whoever wants a bad one changes it first."""

    def __init__(self, side, body, protected=None):
        self.side, self.body, self.beneath = side, body, []
        self.header = protected or {3: CONTENT_TYPE, CERTIFICATE_DIGEST: side.digest}
        self.key, self.payload, self.algorithms, self.unprotected = side.node, None, (-19, -49), {}

    @property
    def digest(self):
        return named("couloir/v1 statement", [dumps(self.header), self.octets()])

    def octets(self):
        return self.payload or dumps(self.body)

    def message(self, context, protected):
        return dumps([context, dumps(self.header), protected, b"", self.octets()])

    def signatures(self):
        headers = [dumps({1: algorithm}) for algorithm in self.algorithms]
        signed = self.key.sign(*(self.message("Signature", header) for header in headers))
        return [[header, {}, octets] for header, octets in zip(headers, signed)]

    def document(self):
        unprotected = dict(self.unprotected)
        if self.beneath:
            unprotected[11] = [half for mark in self.beneath for half in mark]
        return cbor2.CBORTag(98, [dumps(self.header), unprotected, self.octets(), self.signatures()])


def statement(side, audience, count, previous=(), corrects=None):
    texts = [["ja", "共同発表", "双方は、意思疎通を継続することで一致した。"],
             ["zh-Hans", "共同发表", "双方一致同意继续保持沟通。"]]
    body = {1: 1, 2: audience, 3: bytes([count]) * 16, 4: sorted(previous), 5: side.id, 6: side.post,
            7: BEGIN + 60_000 * count, 8: 2, 9: texts}
    return Statement(side, body if corrects is None else {**body, 10: corrects})


def act(side, said, count, verdict, **more):
    body = {1: 1, 2: said.digest, 3: [said.digest], 4: side.id, 5: side.post, 6: BEGIN + 60_000 * count,
            7: verdict, 8: side.digest}
    return {**body, **more.get("with_", {})}


def countersign(side, said, body, context="CounterSignature", second=None):
    """Both halves; `second` is what the ML-DSA-65 half says if that is to be another thing."""
    octets = [dumps(body), dumps(second or body)]
    headers = [dumps({1: alg, 2: [ACT], ACT: said_so}) for alg, said_so in zip((-19, -49), octets)]
    signed = side.node.sign(*(said.message(context, header) for header in headers))
    return [[header, {}, signature] for header, signature in zip(headers, signed)]


def digest_of(mark):
    return named("couloir/v1 countersignature", loads(mark[0][0])[ACT])


class Set:
    """The sides, the good record, and everything that is made of it."""

    def __init__(self):
        self.tokyo = Side("tokyo", "外務省", "連絡課長", 1)
        self.beijing = Side("beijing", "外交部", "联络处处长", 1)
        self.other = Side("other", "外交部", "联络处处长", 1)
        self.board = Side("board", "外交部", "联络处处长", 2)
        self.vectors = []

    def audience(self, *sides):
        sides = sides or (self.tokyo, self.beijing)
        return [CHANNEL, sorted(side.id for side in sides), sorted(side.post for side in sides)]

    def small(self, beijing=None):
        """One statement, agreed."""
        other = beijing or self.beijing
        said = statement(self.tokyo, self.audience(self.tokyo, other), 1)
        said.beneath = [countersign(other, said, act(other, said, 2, 3))]
        return said

    def file(self, statements, head=None, papers=None, revocations=(), audience=None):
        tips = {one.digest for one in statements}
        tips |= {digest_of(mark) for one in statements for mark in one.beneath}
        for one in statements:
            tips -= set(one.body[4]) | ({one.body[10][0]} if 10 in one.body else set())
            for mark in one.beneath:
                body = loads(loads(mark[0][0])[ACT])
                tips -= {body[2], *body[3]}
        head = head or named("couloir/v1 record head", sorted(tips))
        sides = [self.tokyo, self.beijing] if papers is None else papers
        certificates = [side.certificate for side in sorted(sides, key=lambda side: side.digest)]
        documents = [dumps(one.document()) for one in statements]
        return ["couloir record", 1, audience or statements[0].body[2], head, certificates, list(revocations), documents]

    def write(self, name, file, verdict, *where, signets=("tokyo", "beijing"), **more):
        octets = file if isinstance(file, bytes) else MAGIC + dumps(file)
        (HERE / f"{name}.record").write_bytes(octets)
        signets = [f"{signet}.signet" for signet in signets]
        self.vectors.append({"file": f"{name}.record", "signets": signets, "verdict": verdict, "where": list(where), **more})

    def write_signets(self):
        for name in ("tokyo", "beijing", "board"):
            (HERE / f"{name}.signet").write_bytes(getattr(self, name).signet)


def good(make):
    first = statement(make.tokyo, make.audience(), 1)
    declined = countersign(make.beijing, first, act(make.beijing, first, 2, 2, with_={9: "文字尚未商定。"}))
    first.beneath = [declined]
    second = statement(make.beijing, make.audience(), 3, [digest_of(declined)], [first.digest, 1])
    seen = countersign(make.tokyo, second, act(make.tokyo, second, 4, 1))
    agreed = countersign(make.tokyo, second, act(make.tokyo, second, 5, 3, with_={3: [digest_of(seen)]}))
    second.beneath = [seen, agreed]
    left = statement(make.tokyo, make.audience(), 6, [digest_of(agreed)])
    right = statement(make.beijing, make.audience(), 7, [digest_of(agreed)])
    story = [first, second, left, right]
    file = make.file(story)
    make.write("good-story", file, "whole", head=file[3].hex(), standings=["declined", "agreed", "said", "said"])
    small = make.file([make.small()])
    make.write("good-agreed", small, "whole", head=small[3].hex(), standings=["agreed"])
    make.write("good-partial", make.file(story[1:]), "partial", standings=["agreed", "said", "said"])
    late = make.file([make.small()], revocations=[make.tokyo.revocation(BEGIN + 60_001)])
    make.write("good-revoked-later", late, "whole", standings=["agreed"])
    board = make.file([make.small(make.board)], papers=[make.tokyo, make.board])
    make.write("good-two-officers", board, "whole", signets=("tokyo", "board"), standings=["agreed"])


def bad_signatures(make):
    for name, which in (("ed25519", 0), ("ml-dsa", 1)):
        file = make.file([make.small()])
        document = loads(file[6][0])
        signature = bytearray(document.value[3][which][2])
        signature[20] ^= 1
        document.value[3][which][2] = bytes(signature)
        file[6][0] = dumps(document)
        make.write(f"bad-{name}-flipped", file, "broken", "statement 1")
    file = make.file([make.small()])
    file[6][0] = file[6][0].replace("一致した".encode(), "一致せず".encode())
    make.write("bad-text-changed", file, "broken", "statement 1")
    said = make.small()
    said.key = make.other.node
    make.write("bad-other-signer", make.file([said]), "broken", "statement 1")
    file = make.file([make.small()])
    document = loads(file[6][0])
    del document.value[3][1]
    file[6][0] = dumps(document)
    make.write("bad-no-ml-dsa", file, "broken", "statement 1")
    said = make.small()
    said.algorithms = (-8, -49)
    make.write("bad-other-algorithm", make.file([said]), "broken", "statement 1")
    said = make.small()
    framed = b"couloir/v1 certificate\0"
    said.message = lambda context, header: framed + Statement.message(said, context, header)
    document = make.file([said])
    make.write("bad-signed-as-a-paper", document, "broken", "statement 1")


def bad_papers(make):
    said = make.small(make.other)
    file = make.file([said], papers=[make.tokyo, make.other], audience=make.audience(make.tokyo, make.other))
    place = 1 + sorted((make.tokyo, make.other), key=lambda side: side.digest).index(make.other)
    make.write("bad-certificate-of-another-side", file, "broken", f"paper {place}", "countersignature 1 of statement 1")
    board = copy.copy(make.board)
    octets = loads(board.certificate)
    board.certificate = dumps([octets[0], octets[1][:1]])
    place = 1 + sorted((make.tokyo, board), key=lambda side: side.digest).index(board)
    file = make.file([make.small(board)], papers=[make.tokyo, board])
    where = f"paper {place}", "countersignature 1 of statement 1"
    make.write("bad-too-few-officers", file, "broken", *where, signets=("tokyo", "board"))
    file = make.file([make.small()], papers=[make.tokyo])
    make.write("bad-no-certificate", file, "broken", "countersignature 1 of statement 1")
    file = make.file([make.small()], revocations=[make.tokyo.revocation(BEGIN + 60_000)])
    make.write("bad-revoked-node", file, "broken", "statement 1")
    file = make.file([make.small()])
    make.write("bad-signet-not-given", file, "broken", *unknown(make, file), signets=("tokyo",))
    said = make.small()
    said.body[6] = make.beijing.post
    said.beneath = []
    make.write("bad-other-post", make.file([said], papers=[make.tokyo]), "broken", "statement 1")


def unknown(make, file):
    place = 1 + file[4].index(make.beijing.certificate)
    return f"paper {place}", "countersignature 1 of statement 1"


def bad_countersignatures(make):
    where = "countersignature 1 of statement 1"
    one, two = make.small(), statement(make.tokyo, make.audience(), 3)
    two.beneath, one.beneath = one.beneath, []
    make.write("bad-countersignature-moved", make.file([one, two]), "broken", "countersignature 1 of statement 2")
    said = make.small()
    said.beneath = [countersign(make.tokyo, said, act(make.tokyo, said, 2, 3))]
    make.write("bad-own-side", make.file([said], papers=[make.tokyo]), "broken", where)
    said = make.small()
    said.beneath = [countersign(make.board, said, act(make.board, said, 2, 3))]
    file = make.file([said], papers=[make.tokyo, make.board])
    make.write("bad-not-addressed", file, "broken", where, signets=("tokyo", "beijing", "board"))
    said = make.small()
    body = act(make.beijing, said, 2, 2)
    said.beneath = [countersign(make.beijing, said, body, second={**body, 7: 3})]
    make.write("bad-halves-differ", make.file([said]), "broken", "statement 1")
    said = make.small()
    said.beneath = [countersign(make.beijing, said, act(make.beijing, said, 2, 3), context="CounterSignatureV2")]
    make.write("bad-other-context", make.file([said]), "broken", where)
    said = make.small()
    said.beneath = [countersign(make.beijing, said, act(make.beijing, said, 2, 3, with_={9: "好"}))]
    make.write("bad-reason-with-agreement", make.file([said]), "broken", where)


def bad_statements(make):
    def change(name, key, value):
        said = make.small()
        said.body[key] = value
        said.beneath = []
        make.write(name, make.file([said], papers=[make.tokyo]), "broken", "statement 1")

    change("bad-unknown-key", 64, 0)
    change("bad-version", 1, 2)
    change("bad-previous-unsorted", 4, [bytes([2]) * 32, bytes([1]) * 32])
    change("bad-same-language-twice", 9, [["ja", "一", "一"], ["ja", "二", "二"]])
    change("bad-not-nfc", 9, [["ja", "発表", "か\u3099"]])
    change("bad-turning-text", 9, [["en", "Text", "We do \u202Eton agree\u202C."]])
    change("bad-time", 7, 253402300800000)
    said = make.small()
    said.beneath = []
    said.payload = dumps(said.body).replace(b"\xa9\x01\x01", b"\xa9\x01\x18\x01", 1)
    make.write("bad-overlong-number", make.file([said], papers=[make.tokyo]), "broken", "statement 1")
    said = make.small()
    said.beneath = []
    octets = dumps(said.body)
    said.payload = b"\xbf" + octets[1:] + b"\xff"
    make.write("bad-indefinite-map", make.file([said], papers=[make.tokyo]), "broken", "statement 1")
    said = make.small()
    header = {3: CONTENT_TYPE, 64: 0, CERTIFICATE_DIGEST: make.tokyo.digest}
    said = Statement(make.tokyo, said.body, header)
    make.write("bad-unknown-protected-header", make.file([said], papers=[make.tokyo]), "broken", "statement 1")
    said = make.small()
    said.beneath, said.unprotected = [], {4: b"key"}
    make.write("bad-unknown-header", make.file([said], papers=[make.tokyo]), "broken", "statement 1")
    other = statement(make.tokyo, make.audience(make.tokyo, make.board), 1)
    file = make.file([other], papers=[make.tokyo], audience=make.audience())
    make.write("bad-other-audience", file, "broken", "statement 1")
    first = statement(make.tokyo, make.audience(), 1)
    second = statement(make.beijing, make.audience(), 2, [first.digest], [first.digest, 2])
    make.write("bad-misnumbered-correction", make.file([first, second]), "broken", "statement 2")


def bad_files(make):
    make.write("bad-head", make.file([make.small()], head=bytes(32)), "broken", "file")
    one = statement(make.tokyo, make.audience(), 1)
    two = statement(make.tokyo, make.audience(), 2, [one.digest])
    make.write("bad-order", make.file([two, one], papers=[make.tokyo]), "broken", "file")
    said = make.small()
    said.unprotected = {CERTIFICATE: make.tokyo.certificate}
    make.write("bad-certificate-inside", make.file([said]), "broken", "file")
    octets = MAGIC + dumps(make.file([make.small()]))
    make.write("bad-trailing-octet", octets + b"\0", "refused")
    make.write("bad-cut-short", octets[:-1], "refused")
    make.write("bad-no-mark", octets[3:], "refused")


def main():
    for old in HERE.glob("*.record"):
        if not old.name.startswith("couloir-"):
            old.unlink()
    make = Set()
    make.write_signets()
    for part in (good, bad_signatures, bad_papers, bad_countersignatures, bad_statements, bad_files):
        part(make)
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in make.vectors)
    (HERE / "vectors.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
