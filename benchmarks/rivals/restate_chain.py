"""The chain without effects as a Restate service. Runs in the rivals' environment: `python restate_chain.py PORT`."""

import sys
from typing import TypedDict

import restate
import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config


class Step(TypedDict):
    number: int
    note: str


class Start(TypedDict):
    start: Step
    length: int


service = restate.Service("Chain")


async def read(step: Step) -> Step:
    return {"number": step["number"] + 1, "note": step["note"]}


@service.handler()
async def run(context: restate.Context, asked: Start) -> Step:
    step = asked["start"]
    for _ in range(asked["length"]):
        step = await context.run_typed("read", read, step=step)
    return step


async def main() -> None:
    """Serve on loopback, as Restate's guide says: Hypercorn with HTTP/2, here on uvloop."""
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[1]}"]
    config.loglevel = "warning"
    await serve(restate.app([service]), config)


if __name__ == "__main__":
    uvloop.run(main())
