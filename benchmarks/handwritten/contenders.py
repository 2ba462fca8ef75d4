"""The hand-written side of each case."""

from benchmarks.case import BY_HAND, Contender, Stage
from benchmarks.executions import contender
from benchmarks.handwritten.workflows import Chain, Empty, FanOut, ReadChain, Repeated
from benchmarks.step import start

EMPTY = "an empty workflow by hand"


def empty(stage: Stage) -> Contender:
    return contender(EMPTY, stage.client, Empty.run, [start()], queue=stage.by_hand, result=start())


def chain(stage: Stage, length: int, *, at_once: int = 1) -> Contender:
    asked = Repeated(start=start(), times=length)
    return contender(
        BY_HAND, stage.client, Chain.run, [asked], queue=stage.by_hand, result=start(length), at_once=at_once
    )


def read_chain(stage: Stage, length: int) -> Contender:
    asked = Repeated(start=start(), times=length)
    return contender(BY_HAND, stage.client, ReadChain.run, [asked], queue=stage.by_hand, result=start(length))


def fan_out(stage: Stage, width: int) -> Contender:
    asked = Repeated(start=start(), times=width)
    return contender(BY_HAND, stage.client, FanOut.run, [asked], queue=stage.by_hand, result=width)
