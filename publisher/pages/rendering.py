"""Templates become bytes. The one module of this room that knows Jinja2, imported when first needed.

A fault in a template is raised as TemplateError, which names the template's file and line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.errors import TemplateError

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2

PACKAGED = "packaged"  # the prefix by which a site's template names the one it replaces

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
        except Exception as fault:  # a site's template may raise whatever Python can
            raise _told(fault, name, self._folders) from fault

    def page(self, name: str, values: dict[str, Any]) -> bytes:
        """Render a template as UTF-8. A lone surrogate becomes a replacement character."""
        return self.text(name, values).encode("utf-8", "replace")

    def source(self, name: str) -> bytes:
        """Return a file that is published as it is (the stylesheet). Raises TemplateError."""
        loader = self._environment.loader
        try:
            text = loader.get_source(self._environment, name)[0] if loader else ""
        except Exception as fault:  # missing, unreadable, or not UTF-8: all are told alike
            raise _told(fault, name, self._folders) from fault
        return text.encode()

    def _template(self, name: str) -> jinja2.Template:
        try:
            template = self._environment.get_template(name)
        except Exception as fault:  # missing, unreadable, not UTF-8, bad syntax: all are told alike
            raise _told(fault, name, self._folders) from fault
        # Jinja2 copies these for each rendering, and a plain dict ten times as fast as its own chain.
        template.globals = dict(template.globals)
        return self._compiled.setdefault(name, template)


def _environment(folders: tuple[str, ...], bytecode: Path | None) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - 50 ms that a run with nothing to render does without

    cache = None
    if bytecode is not None:
        bytecode.mkdir(parents=True, exist_ok=True)
        cache = jinja2.FileSystemBytecodeCache(str(bytecode), "%s.jinja")
    files = jinja2.FileSystemLoader(folders)
    shipped = jinja2.PrefixLoader({PACKAGED: jinja2.FileSystemLoader(folders[-1])})
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.ChoiceLoader([files, shipped]),
        bytecode_cache=cache,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


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
    if isinstance(fault, UnicodeDecodeError):
        return "the template is not UTF-8"
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
