"""What has ended and was not looked at yet, in an order that a replay has too."""


class Ended:
    """By the numbers of what ran.

    Results that reach the interpreter together come in the order in which they ended, but a replay gives those of local
    activities that were asked to stop before all others (SDK 1.35). So they come first always, in the order in which
    they were asked."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._stopped: dict[int, None] = {}
        """Local ones that were asked to stop and have not ended."""

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def stop(self, number: int) -> None:
        """A local activity was asked to stop."""
        self._stopped[number] = None

    def add(self, number: int) -> None:
        """Something has ended."""
        self._numbers.append(number)

    def take(self) -> list[int]:
        """All that has ended since the last time."""
        numbers, self._numbers = self._numbers, []
        if not self._stopped:
            return numbers
        ended = set(numbers)
        first = [number for number in self._stopped if number in ended]
        for number in first:
            del self._stopped[number]
        return [*dict.fromkeys([*first, *numbers])]
