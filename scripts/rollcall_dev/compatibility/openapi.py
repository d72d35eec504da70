"""Two versions of an OpenAPI document: what a caller of the earlier one would trip over."""

from collections.abc import Callable, Iterator
from typing import Any

from rollcall_dev.compatibility.schema import Schema, read, resolve, written

Part = dict[str, Any]
Rule = Callable[[Schema, Schema, str], Iterator[str]]


def breaches(old: Part, new: Part) -> list[str]:
    """List what the later document breaks."""
    return list(_Comparison(old, new).operations())


class _Comparison:
    def __init__(self, old: Part, new: Part) -> None:
        self._old = old
        self._new = new

    def operations(self) -> Iterator[str]:
        for path, methods in self._old["paths"].items():
            for method, old in methods.items():
                name = f"{method.upper()} {path}"
                new = self._new["paths"].get(path, {}).get(method)
                if new is None:
                    yield f"{name} is gone"
                else:
                    yield from self._operation(name, old, new)

    def _operation(self, name: str, old: Part, new: Part) -> Iterator[str]:
        yield from self._parameters(name, old, new)
        yield from self._request(f"{name}: the body", old.get("requestBody", {}), new.get("requestBody", {}))
        yield from self._security(name, old, new)
        yield from self._answers(name, old["responses"], new["responses"])

    def _parameters(self, name: str, old: Part, new: Part) -> Iterator[str]:
        was, now = self._named(old, self._old), self._named(new, self._new)
        for key, parameter in now.items():
            if parameter.get("required") and not was.get(key, {}).get("required"):
                yield f"{name}: the parameter {key} has become required"
        for key, parameter in was.items():
            if key not in now:
                yield f"{name}: the parameter {key} is gone"
            else:
                yield from self._schemas(read, parameter, now[key], f"{name}: the parameter {key}")

    def _named(self, operation: Part, root: Part) -> dict[str, Part]:
        parameters = [_resolved(parameter, root) for parameter in operation.get("parameters", [])]
        return {f"{parameter['name']} ({parameter['in']})": parameter for parameter in parameters}

    def _request(self, name: str, old: Part, new: Part) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{name} has become required"
        for media_type, body in old.get("content", {}).items():
            if media_type not in new.get("content", {}):
                yield f"{name} may no longer be {media_type}"
            else:
                yield from self._schemas(read, body, new["content"][media_type], f"{name}, {media_type}")

    def _security(self, name: str, old: Part, new: Part) -> Iterator[str]:
        was, now = old.get("security", []), new.get("security", [])
        if now and not (was and all(_suffices(given, now) for given in was)):
            yield f"{name} asks for more rights: {now} and not {was}"

    def _answers(self, name: str, old: Part, new: Part) -> Iterator[str]:
        for status in sorted({*old, *new}):
            where = f"{name}: the answer {status}"
            if status in old and status in new:
                yield from self._answer(where, _resolved(old[status], self._old), _resolved(new[status], self._new))
            elif _is_success(status):
                yield f"{where} is {'gone' if status in old else 'new'}"

    def _answer(self, name: str, old: Part, new: Part) -> Iterator[str]:
        was, now = old.get("content", {}), new.get("content", {})
        for media_type in sorted({*was, *now}):
            if media_type in was and media_type in now:
                yield from self._schemas(written, was[media_type], now[media_type], f"{name}, {media_type}")
            else:
                yield f"{name} is {'no longer' if media_type in was else 'now also'} {media_type}"
        for header, described in old.get("headers", {}).items():
            if header not in new.get("headers", {}):
                yield f"{name}: the header {header} is gone"
                continue
            before = _resolved(described, self._old)
            after = _resolved(new["headers"][header], self._new)
            if before.get("required") and not after.get("required"):
                yield f"{name}: the header {header} may be missing"
            yield from self._schemas(written, before, after, f"{name}: the header {header}")

    def _schemas(self, rule: Rule, old: Part, new: Part, name: str) -> Iterator[str]:
        return rule(Schema(old["schema"], self._old), Schema(new["schema"], self._new), name)


def _resolved(part: Part, root: Part) -> Part:
    return resolve(part["$ref"], root) if "$ref" in part else part


def _suffices(given: Part, needed: list[Part]) -> bool:
    """Whether rights that were enough are enough for one of several demands."""
    return any(
        all(scheme in given and set(scopes) <= set(given[scheme]) for scheme, scopes in demand.items())
        for demand in needed
    )


def _is_success(status: str) -> bool:
    return status.startswith(("2", "3"))
