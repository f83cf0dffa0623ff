#!/usr/bin/env python3
"""Writes link_keys.json: the link's keys computed by an implementation that shares no code with ours.

Standard library, and `cryptography` for ChaCha20-Poly1305 and Ed25519. PROTOCOL sections 3.1, 4.2 to 4.4.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

HERE = Path(__file__).parent


def extract(salt, ikm):
    return hmac.new(salt, ikm, hashlib.sha256).digest()


def expand(prk, label, context=b""):
    info = bytes([len(label)]) + label.encode() + context
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def rotate(value, count):
    return ((value << count) | (value >> (32 - count))) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, count in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = rotate(s[z] ^ s[x], count)


def hchacha20(key, nonce):
    s = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    for _ in range(10):
        for column in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            quarter(s, *column)
        for diagonal in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(s, *diagonal)
    return struct.pack("<8I", *(s[:4] + s[12:]))


def xchacha(key, nonce, plaintext):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(b"\0" * 4 + nonce[16:], plaintext, None)


def drawn(label, length):
    """Octets that are as good as random and can be computed again."""
    return hashlib.shake_256(("couloir vector " + label).encode()).digest(length)


def epochs():
    salt = drawn("first salt", 32)
    out = []
    for number in range(3):
        exporter = drawn(f"exporter {number}", 32)
        root = extract(salt, exporter)
        epoch = {"previous_salt": salt, "exporter": exporter}
        epoch["from_committer"] = expand(root, "couloir/v1 from committer")
        epoch["from_proposer"] = expand(root, "couloir/v1 from proposer")
        epoch["next_salt"] = salt = expand(root, "couloir/v1 salt")
        out.append(epoch)
    return out


def hours():
    key = first = drawn("hour key", 32)
    out = []
    for step in range(25):
        if step in (0, 1, 2, 24):
            out.append({"first_hour": 497000, "first_key": first, "hour": 497000 + step, "key": key})
        key = expand(key, "couloir/v1 next")
    return out


def cell(number, key, route, window, lane, plaintext):
    place = route + struct.pack(">QB", window, lane)
    token = expand(key, "couloir/v1 write", place)
    cell_key = expand(key, "couloir/v1 cell", place)
    nonce = drawn(f"nonce {number}", 24)
    return {
        "hour_key": key,
        "route": route,
        "window": window,
        "lane": lane,
        "write_token": token,
        "slot": sha256(token),
        "cell_key": cell_key,
        "nonce": nonce,
        "plaintext": plaintext,
        "cell": nonce + xchacha(cell_key, nonce, plaintext),
    }


def cells():
    key = drawn("cell hour key", 32)
    places = ((895000000, 0, 64), (895000000, 1, 64), (2**64 - 1, 3, 0), (0, 0, 472))
    return [
        cell(number, key, drawn("route", 16), window, lane, drawn(f"plaintext {number}", length))
        for number, (window, lane, length) in enumerate(places)
    ]


def rendezvous():
    secret, invitation = drawn("invitation secret", 32), drawn("invitation", 16)
    r = expand(extract(invitation, secret), "couloir/v1 rendezvous")
    hello, answer = drawn("hello nonce", 32), drawn("answer nonce", 32)
    hello_life, answer_life = drawn("hello incarnation", 16), drawn("answer incarnation", 16)
    context = hello + hello_life + answer + answer_life
    route, window = drawn("route", 16), 895000015
    place = route + struct.pack(">QB", window, 0)
    tokens = {end: expand(expand(r, f"couloir/v1 from {end}"), "couloir/v1 write", place) for end in ("inviter", "joiner")}
    return {
        "secret": secret,
        "invitation": invitation,
        "rendezvous_secret": r,
        "route": route,
        "window": window,
        "token_from_inviter": tokens["inviter"],
        "token_from_joiner": tokens["joiner"],
        "hello_nonce": hello,
        "hello_incarnation": hello_life,
        "answer_nonce": answer,
        "answer_incarnation": answer_life,
        "restart_salt": expand(r, "couloir/v1 restart", context),
    }


def phrase():
    names = [
        ("authenticator", 32),
        ("inviter_side", 32),
        ("inviter_certificate", 32),
        ("inviter_node", 16),
        ("joiner_side", 32),
        ("joiner_certificate", 32),
        ("joiner_node", 16),
        ("charter", 32),
        ("invitation", 16),
    ]
    out = {name: drawn("phrase " + name, length) for name, length in names}
    transcript = sha256(b"couloir/v1 transcript\0", *out.values())
    inviter_nonce, joiner_nonce = drawn("nonce A", 32), drawn("nonce B", 32)
    bits = int.from_bytes(expand(extract(inviter_nonce + joiner_nonce, transcript), "couloir/v1 phrase")[:8], "big")
    numbers = [bits >> (58 - 6 * place) & 63 for place in range(7)]
    out |= {"inviter_nonce": inviter_nonce, "joiner_nonce": joiner_nonce, "transcript": transcript}
    out["commitment"] = sha256(b"couloir/v1 commitment\0", joiner_nonce, transcript)
    return out | {"phrase": " ".join(f"{number:02}" for number in numbers)}


def shown(value):
    return value.hex() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    vectors = {
        "epochs": epochs(),
        "hours": hours(),
        "cells": cells(),
        "rendezvous": rendezvous(),
        "phrase": phrase(),
    }
    text = json.dumps(vectors, indent=1, default=shown, ensure_ascii=False)
    (HERE / "link_keys.json").write_text(text + "\n")
