"""The loop: contenders take turns, so that whatever else the machine does meets them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.case import Case, Contender, Facts, Stage


@dataclass(frozen=True)
class Measured:
    """The seconds of each contender, round by round."""

    case: Case
    seconds: dict[str, list[float]]
    facts: dict[str, Facts]


async def measure(case: Case, stage: Stage, *, repeat: int, tell: Callable[[str], None]) -> Measured:
    """Run one case: one contender after the other, and so on for all rounds."""
    async with case.contenders(stage) as contenders:
        for _ in range(case.warm_up):
            await _round(contenders)
        seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        rounds = case.rounds(repeat)
        for number in range(1, rounds + 1):
            taken = await _round(contenders)
            for contender, each in zip(contenders, taken, strict=True):
                seconds[contender.name].append(each)
            tell(f"{case.name} {number}/{rounds}: " + " | ".join(f"{each * 1000:.1f} ms" for each in taken))
        facts = {each.name: await each.facts() for each in contenders if each.facts}
        return Measured(case, seconds, facts)


async def _round(contenders: Sequence[Contender]) -> list[float]:
    return [await contender.run() for contender in contenders]
