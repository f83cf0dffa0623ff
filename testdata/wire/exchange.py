"""Makes the vectors of an exchange and its answer (PROTOCOL §5.5) from the text alone.

    python3 testdata/wire/exchange.py     writes exchange-request.hex and exchange-answer.hex beside itself

The request: cells of 512 octets, two lanes, four GETs, windows of 2 s, access key 00..0f. Lane k puts, with
token 32 x (0x10 + k) and window 895,000,000 + k, 512 octets 0x20 + k; GET n asks for slot 32 x (0x30 + n).
The answer: at 1,790,000,000,123 ms, outcomes stored and taken, GET 1 found with 512 octets 0x41, others absent.
"""

import pathlib
import struct

CELL, LANES, GETS = 512, 2, 4


def head(magic: bytes) -> bytes:
    return magic + bytes([0, LANES, GETS, 0])


def request() -> bytes:
    out = head(b"CXQ\x01") + struct.pack(">I", 2000) + bytes(range(16))
    for k in range(LANES):
        out += bytes([0x10 + k] * 32) + struct.pack(">Q", 895_000_000 + k) + bytes([0x20 + k] * CELL)
    return out + b"".join(bytes([0x30 + n] * 32) for n in range(GETS))


def answer() -> bytes:
    out = head(b"CXA\x01") + struct.pack(">q", 1_790_000_000_123) + bytes([1, 3])
    for n in range(GETS):
        out += b"\x01" + b"\x41" * CELL if n == 1 else b"\x00" + bytes(CELL)
    return out


def lines(octets: bytes) -> str:
    text = octets.hex()
    return "".join(text[at : at + 96] + "\n" for at in range(0, len(text), 96))


folder = pathlib.Path(__file__).parent
(folder / "exchange-request.hex").write_text(lines(request()))
(folder / "exchange-answer.hex").write_text(lines(answer()))
