"""A note every 100 ms over NATS JetStream; prints the delays, what was lost and what came twice.

Usage: nats_line.py ACTIVE OTHER SECONDS. The caller silences ACTIVE when it likes, after the line `begun`.
"""

import asyncio
import sys
import time

import nats

ACTIVE, OTHER, SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
EVERY_S = 0.1
OPTIONS = dict(
    servers=[f"nats://{ACTIVE}", f"nats://{OTHER}"],
    dont_randomize=True,
    ping_interval=1,
    max_outstanding_pings=2,
    max_reconnect_attempts=-1,
    reconnect_time_wait=0.1,
)


async def quiet(_error):
    """Reconnections are what is measured."""


async def publish(stream, number, said):
    """Publishes one note, again after a second for as long as it is not acknowledged."""
    said[number] = time.monotonic()
    while True:
        try:
            headers = {"Nats-Msg-Id": str(number)}
            await stream.publish("notes", f"{number} ".encode().ljust(200), timeout=1, headers=headers)
            return
        except Exception:
            await asyncio.sleep(0.1)


async def main():
    writer = await nats.connect(error_cb=quiet, **OPTIONS)
    reader = await nats.connect(error_cb=quiet, **OPTIONS)
    await writer.jetstream().add_stream(name="notes", subjects=["notes"], storage="file")
    said, shown, twice = {}, {}, 0

    async def on_message(message):
        nonlocal twice
        number = int(message.data.split()[0])
        twice += number in shown
        shown.setdefault(number, time.monotonic())
        await message.ack()

    await reader.jetstream().subscribe("notes", durable="reader", cb=on_message, manual_ack=True)
    print("begun", flush=True)
    start, tasks = time.monotonic(), []
    for number in range(int(SECONDS / EVERY_S)):
        await asyncio.sleep(max(0, start + number * EVERY_S - time.monotonic()))
        tasks.append(asyncio.create_task(publish(writer.jetstream(), number, said)))
    await asyncio.wait(tasks, timeout=30)
    deadline = time.monotonic() + 30
    while len(shown) < len(said) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    delays = sorted((shown[n] - said[n]) * 1000 for n in shown)
    times = sorted(shown.values())
    silent = max(b - a for a, b in zip(times, times[1:]))
    p99 = delays[min(len(delays) * 99 // 100, len(delays) - 1)]
    print(f"{p99:.0f} ms, silent for {silent:.1f} s, lost {len(said) - len(shown)}, twice {twice}", flush=True)


asyncio.run(main())
