"""What an activity type declares: its config, its output, how it runs, and what it says of itself to the language."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from activities.context import Context
from activities.errors import ConfigInvalid
from dag.activity_type import Traits, TypeSpec

ConfigT = TypeVar("ConfigT", bound=BaseModel)
OutputT = TypeVar("OutputT", bound=BaseModel)


def with_effects(config: Mapping[str, JsonValue]) -> Traits:
    """Assume the worst: it changes something outside, and not twice the same way."""
    return Traits()


@dataclass(frozen=True)
class ActivityType(Generic[ConfigT, OutputT]):
    """One thing an activity node can do, named `family.name`."""

    name: str
    title: str
    config: type[ConfigT]
    output: type[OutputT]
    run: Callable[[ConfigT, Context], Awaitable[OutputT]]
    timeout: timedelta
    """How long one attempt may take when the node does not say."""
    traits: Callable[[Mapping[str, JsonValue]], Traits] = with_effects

    @cached_property
    def spec(self) -> TypeSpec:
        """The same as the language sees it."""
        return TypeSpec(
            name=self.name,
            title=self.title,
            config_schema=self.config.model_json_schema(),
            output_schema=self.output.model_json_schema(mode="serialization"),
            timeout=self.timeout,
            traits=self.traits,
            description=inspect.getdoc(self.run) or "",
        )

    @cached_property
    def seconds(self) -> float:
        """The same timeout as a number."""
        return self.timeout.total_seconds()

    async def attempt(self, config: JsonValue | bytes, context: Context) -> JsonValue:
        """Run one attempt, from JSON or its text to JSON."""
        output = await self.run(self.parse(config), context)
        # As model_dump, which passes a dozen arguments on; model_validate_json does so below.
        return output.__pydantic_serializer__.to_python(output, mode="json")

    def parse(self, config: JsonValue | bytes) -> ConfigT:
        """Check a rendered config, or its JSON text; what is wrong is told by place, never by value, which may hold
        secrets."""
        try:
            text = config if isinstance(config, bytes) else to_json(config)
        except PydanticSerializationError:
            raise ConfigInvalid(f"The config of `{self.name}` holds a character that is no character.") from None
        try:
            return self.config.__pydantic_validator__.validate_json(text)
        except ValidationError as wrong:
            places: list[JsonValue] = [
                {"path": "".join(f"/{part}" for part in error["loc"]), "message": error["msg"]}
                for error in wrong.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise ConfigInvalid(f"The config of `{self.name}` is invalid.", details=places) from None


AnyActivityType = ActivityType[Any, Any]
