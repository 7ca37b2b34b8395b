"""From ``[[smtp.hooks]]`` to hooks that can be asked.

A hook is made once, however many listeners it serves, so that its bound of calls holds over all of them. pluggy checks
that each marked method is an event of the interface and asks for no argument that the event has not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint

import pluggy
from attrs import frozen

from empath.config.plugged import HookClass, installed, load_hook, read_settings
from empath.config.schema import HookSettings, ListenerSettings
from empath.hooks.chain import Chain
from empath.hooks.events import PROJECT, Event, Events
from empath.hooks.guard import Call, Guard
from empath.mail.failure import EmpathError
from empath.world.ports import World


class HookUnusable(EmpathError):
    """A hook could not be made, or does not keep to the interface."""


@frozen
class Plugged:
    """One hook of the configuration, made."""

    settings: HookSettings
    calls: tuple[Call, ...]

    def serves(self, listener: ListenerSettings) -> bool:
        """Whether the hook is asked about sessions of this listener."""
        wanted = self.settings
        by_address = not wanted.listeners or listener.listen_addr in wanted.listeners
        return by_address and (not wanted.profiles or listener.profile in wanted.profiles)


def plug(
    configured: Iterable[HookSettings],
    world: World,
    *,
    known: Iterable[Plugged] = (),
    find: Callable[[], Mapping[str, EntryPoint]] = installed,
) -> tuple[Plugged, ...]:
    """Make all hooks. Raises HookUnusable, and ExceptionGroup for settings that `empath.config` has not judged.

    ``known``: hooks that are there already. One with the same settings goes on: it has its calls, and what it has
    learned, and the count of its failures.
    """
    there = list(known)
    hooks = []
    for settings in configured:
        hook = next((one for one in there if one.settings == settings), None)
        if hook is None:
            hook = Plugged(settings, tuple(_calls(settings, world, find())))
        else:
            there.remove(hook)
        hooks.append(hook)
    return tuple(hooks)


def chain_for(listener: ListenerSettings, hooks: Iterable[Plugged]) -> Chain:
    """The hooks that a listener has."""
    return Chain.of(call for hook in hooks if hook.serves(listener) for call in hook.calls)


def _calls(settings: HookSettings, world: World, known: Mapping[str, EntryPoint]) -> Iterator[Call]:
    guard = Guard.of(settings)
    hooked = _register(settings.name, _make(load_hook(settings.name, known), settings, world))
    for event in Event:
        for method in getattr(hooked, event.value).get_hookimpls():
            if not inspect.iscoroutinefunction(method.function):
                raise HookUnusable(f"hook {settings.name}: {event.value} is no coroutine function (async def)")
            yield Call(guard, event, method.function, tuple(method.argnames))


def _make(made: HookClass, settings: HookSettings, world: World) -> object:
    try:
        return made(settings=read_settings(settings.name, made, settings.settings), world=world)
    except Exception as problem:  # of other people's code, before anything runs
        raise HookUnusable(f"hook {settings.name} cannot be made: {type(problem).__name__}: {problem}") from problem


def _register(name: str, hook: object) -> pluggy.HookRelay:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Events)
    try:
        manager.register(hook, name)
        manager.check_pending()
    except pluggy.PluginValidationError as problem:
        raise HookUnusable(f"hook {name} does not fit the interface: {' '.join(str(problem).split())}") from problem
    return manager.hook
