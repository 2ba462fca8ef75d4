"""The chain without effects as a DBOS program: `python dbos_chain.py DATABASE_URL`, in the rivals' environment. Each
execution is asked for by a line `{"start": …, "length": …}` on standard input."""

import json
import sys
import time
from typing import TypedDict

from dbos import DBOS


class Step(TypedDict):
    number: int
    note: str


@DBOS.step()
def read(step: Step) -> Step:
    return {"number": step["number"] + 1, "note": step["note"]}


@DBOS.workflow()
def chain(start: Step, length: int) -> Step:
    step = start
    for _ in range(length):
        step = read(step)
    return step


def main() -> None:
    """Time each execution here, in the process that runs it: nothing but DBOS itself is counted."""
    DBOS(config={"name": "benchmark", "system_database_url": sys.argv[1], "log_level": "WARNING"})
    DBOS.launch()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        result = chain(asked["start"], asked["length"])
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "result": result}), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main()
