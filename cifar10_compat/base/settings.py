"""Dataclasses whose fields are a program's flags.

One declaration with flag() defines a field's type, default, help text, bounds
and flag.  This module does not import TensorFlow: see startup.py.
"""

from collections.abc import Callable
import dataclasses
import functools
import math
import numbers
import types
import typing
from typing import Any, ClassVar, TypeVar

from absl import flags

from cifar10_compat.base import errors

T = TypeVar('T')
C = TypeVar('C', bound='Config')


@dataclasses.dataclass(frozen=True)
class Bounds:
  """The allowed range of a number.

  Attributes:
    lower, upper: the inclusive bounds; infinite if there is no bound.
    why: the reason for the upper bound.  Above the bound, a program would not
      fail, but would build ops, wait or fill the memory endlessly.
  """

  lower: float = -math.inf
  upper: float = math.inf
  why: str = ''


def flag(
    default: T,
    help: str,  # pylint: disable=redefined-builtin
    *,
    bounds: Bounds = Bounds(),
    choices: tuple[str, ...] = (),
    parse: Callable[[str], object] | None = None,
) -> T:
  """Declares a field whose value comes from a flag.

  Args:
    default: the value if the flag is missing.
    help: the text in --help.
    bounds: the range of a number.
    choices: the allowed strings.
    parse: function that converts a string, the flag's value.
  """
  metadata = dict(help=help, bounds=bounds, choices=choices, parse=parse)
  return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
  """Settings that all programs share.

  The constructor raises UsageError for an invalid value.

  Attributes:
    arguments: the command-line arguments other than flags.
    given: the names of the flags set on the command line.
  """

  # The flags that --help lists first, and whether the program takes arguments.
  FIRST: ClassVar[tuple[str, ...]] = ()
  TAKES_ARGUMENTS: ClassVar[bool] = False

  arguments: tuple[str, ...] = ()
  given: frozenset[str] = frozenset()

  def __post_init__(self) -> None:
    for field in dataclasses.fields(self):
      value = getattr(self, field.name)
      # Defaults are valid; parsing a parsed value changes nothing.
      if value != field.default:
        value = _parsed(field, value)
        object.__setattr__(self, field.name, value)
      _check(field, value)


def fields(config: type[Config] | Config) -> dict[str, dataclasses.Field]:
  """Returns the fields of a program's settings that are flags, by name."""
  found = {f.name: f for f in dataclasses.fields(config) if f.metadata}
  return {name: found[name] for name in config.FIRST} | found


def _parsed(field: dataclasses.Field, value: object) -> object:
  """Converts a string as a flag's value; returns other values unchanged."""
  parse = field.metadata.get('parse')
  return parse(value) if parse and value and isinstance(value, str) else value


# The types of the values of a field.  bool is a type of its own.
_ABSTRACT: dict[Any, Any] = {int: numbers.Integral, float: numbers.Real}


def _check(field: dataclasses.Field, value: object) -> None:
  """Raises UsageError for a wrong type, or outside the bounds or choices."""
  is_union = isinstance(field.type, types.UnionType)  # For example int | None.
  kinds: tuple[Any, ...] = tuple(
      _ABSTRACT.get(kind, typing.get_origin(kind) or kind)
      for kind in (typing.get_args(field.type) if is_union else [field.type])
  )
  errors.UsageError.raise_if(
      not isinstance(value, kinds)
      or (isinstance(value, bool) and bool not in kinds),
      f'{field.name} is {value!r}: it must be of type '
      f'{getattr(field.type, "__name__", field.type)}',
  )
  choices = field.metadata.get('choices', ())
  errors.UsageError.raise_if(
      choices and value is not None and value not in choices,
      f'{field.name} is {value!r}: it must be one of {", ".join(choices)}',
  )
  bounds = field.metadata.get('bounds', Bounds())
  for number in value if isinstance(value, tuple) else (value,):
    is_number = isinstance(number, numbers.Real)  # NumPy's numbers too.
    if not is_number:
      continue
    why = f' ({bounds.why})' if bounds.why else ''
    is_now = f'{field.name} is {number}: it must be '
    for wrong, message in (
        (not -math.inf < number < math.inf, 'a finite number'),
        (number < bounds.lower, f'at least {bounds.lower}'),
        (number > bounds.upper, f'at most {bounds.upper}{why}'),
    ):
      errors.UsageError.raise_if(wrong, is_now + message)


# The absl function that defines a flag of each type.  For other types, the
# flag's value is a string: the name of the object.
_DEFINE: dict[object, Callable[..., object]] = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    tuple[int, ...]: flags.DEFINE_multi_integer,
    tuple[str, ...]: flags.DEFINE_list,
}


def define_flags(
    config: type[Config], flag_values: flags.FlagValues = flags.FLAGS
) -> None:
  """Defines a flag for each of a program's settings."""
  hints = typing.get_type_hints(config)
  for name, field in fields(config).items():
    kind = hints[name]
    if isinstance(kind, types.UnionType):  # For example int | None.
      kind = typing.get_args(kind)[0]
    define = _DEFINE.get(kind, flags.DEFINE_string)
    if field.metadata['choices']:
      define = functools.partial(
          flags.DEFINE_enum, enum_values=list(field.metadata['choices'])
      )
    default = field.default
    define(
        name=name,
        default=default if kind in _DEFINE else default.name,
        help=field.metadata['help'],
        flag_values=flag_values,
        module_name=config.__doc__,
    )


def from_flags(
    config: type[C],
    arguments: tuple[str, ...] = (),
    flag_values: flags.FlagValues = flags.FLAGS,
) -> C:
  """Returns the settings specified on a command line.

  Args:
    config: a program's dataclass, whose flags are defined and parsed.
    arguments: the command-line arguments other than flags.
    flag_values: contains the parsed flags.

  Raises:
    UsageError, DataError: a value is invalid, or the data set is unknown.
  """
  values = {}
  for name, field in fields(config).items():
    value = _parsed(field, flag_values[name].value)
    errors.UsageError.raise_if(
        field.metadata['parse'] and value == '',
        f'--{name} is empty: specify a value, or omit the flag',
    )
    values[name] = tuple(value) if isinstance(value, list) else value
  given = frozenset(name for name in values if flag_values[name].present)
  return config(arguments=arguments, given=given, **values)
