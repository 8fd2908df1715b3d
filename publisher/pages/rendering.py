"""Templates become bytes. Jinja2 is imported when it is first needed.

A fault in a template is raised as TemplateError, which names the template's file and line.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from publisher.errors import TemplateError

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2

PACKAGED = "packaged"  # the prefix by which a site's template names the one it replaces

_MISSING = "there is no such template"
_REMEDY = "Mend the template, or remove it to use the one that ships with Publisher."


class Renderer:
    """Compiled templates of one site.

    Making one imports Jinja2 (about 50 ms), so make it only when something is to be rendered.
    Worker processes that are forked afterwards share what is compiled by then.
    """

    def __init__(self, folders: tuple[Path, ...], constants: dict[str, Any], bytecode: Path | None) -> None:
        """Look templates up in ``folders``, first hit wins; ``bytecode`` is a folder to keep them compiled in."""
        self._folders = tuple(str(folder) for folder in folders)
        self._environment = _environment(self._folders, bytecode)
        self._environment.globals.update(constants)
        self._compiled: dict[str, jinja2.Template] = {}

    def prepare(self, names: tuple[str, ...]) -> None:
        """Compile templates ahead of their use."""
        for name in names:
            self._template(name)

    def text(self, name: str, values: dict[str, Any]) -> str:
        """Render a template. Raises TemplateError."""
        template = self._compiled.get(name) or self._template(name)
        try:
            return template.render(values)
        except TemplateError:
            raise
        except Exception as fault:  # a site's template may raise whatever Python can
            raise _told(fault, name, self._folders) from fault

    def page(self, name: str, values: dict[str, Any]) -> bytes:
        """Render a template as UTF-8. A lone surrogate becomes a replacement character."""
        return self.text(name, values).encode("utf-8", "replace")

    def source(self, name: str) -> str:
        """Return the text of a template as it is, unrendered. Raises TemplateError."""
        found = _load(name, self._folders)
        if found is None:
            raise TemplateError(f"{name}: {_MISSING}", _REMEDY)
        return found[0]

    def _template(self, name: str) -> jinja2.Template:
        try:
            template = self._environment.get_template(name)
        except TemplateError:
            raise
        except Exception as fault:  # missing or with a syntax error: told alike
            raise _told(fault, name, self._folders) from fault
        # Jinja2 copies these for each rendering, and a plain dict ten times as fast as its own chain.
        template.globals = dict(template.globals)
        return self._compiled.setdefault(name, template)


def _environment(folders: tuple[str, ...], bytecode: Path | None) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - 50 ms that a run with nothing to render does without

    from publisher.pages.bytecode import CompiledTemplates  # noqa: PLC0415 - imports Jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: _load(name, folders)),
        bytecode_cache=CompiledTemplates(bytecode) if bytecode else None,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _load(name: str, folders: tuple[str, ...]) -> tuple[str, str, None] | None:
    """Return a template's text and file, as jinja2.FunctionLoader wants them; None when there is none."""
    prefix, _, rest = name.partition("/")
    if prefix == PACKAGED:
        name, folders = rest, folders[-1:]
    for path in (os.path.join(folder, name) for folder in folders):  # noqa: PTH118 - jinja2 wants strings
        if os.path.isfile(path):  # noqa: PTH113 - as above
            return _read(path), path, None
    return None


def _read(path: str) -> str:
    """Return the text of a file without the byte order mark that some editors put first."""
    try:
        with open(path, encoding="utf-8-sig") as stream:  # noqa: PTH123 - as above
            return stream.read()
    except UnicodeDecodeError as fault:
        raise TemplateError(f"{path}: the template is not UTF-8", "Save the file as UTF-8.") from fault
    except OSError as fault:
        raise TemplateError(f"{path}: the template cannot be read ({fault.strerror})", _REMEDY) from fault


def _told(fault: Exception, name: str, folders: tuple[str, ...]) -> TemplateError:
    """Say in which file and line a template failed, and how to mend it."""
    import jinja2  # noqa: PLC0415 - already imported by whoever failed

    path, line = _place(fault, folders)
    if isinstance(fault, jinja2.TemplateSyntaxError):
        path, line = fault.filename or path, fault.lineno
    place = f"{path or name}:{line}" if line else path or name
    return TemplateError(f"{place}: {_reason(fault)}", _REMEDY)


def _reason(fault: Exception) -> str:
    import jinja2  # noqa: PLC0415 - as above

    if isinstance(fault, jinja2.TemplateSyntaxError):
        return f"syntax error: {fault.message}"
    if isinstance(fault, jinja2.TemplateNotFound):
        return f"there is no template named {fault.message}"
    if isinstance(fault, jinja2.UndefinedError):
        return f"{fault.message}"
    return f"{type(fault).__name__}: {fault}"


def _place(fault: BaseException, folders: tuple[str, ...]) -> tuple[str, int]:
    """File and line of the innermost template in a traceback; Jinja2 puts template lines there."""
    path, line = "", 0
    step = fault.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.startswith(folders):
            path, line = file, step.tb_lineno
        step = step.tb_next
    return path, line
