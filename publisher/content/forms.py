"""What marks become: pictures, links, code and the like, as HTML for every place they may stand in."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from urllib.parse import quote

from publisher.content.embeds import readable
from publisher.content.markdown import inline_html
from publisher.content.standins import Form


def picture(src: str, alt: str, caption: str = "", link: str = "", size: str = "") -> Form:
    """An image, with a caption (Markdown) below it where there is one."""
    image = f'<img src="{escape(src)}" alt="{escape(alt)}"{size} />'
    if link:
        image = f'<a href="{escape(link)}">{image}</a>'
    if not caption:
        return Form(f"<p>{image}</p>\n", inline=image, attribute=escape(src))
    words = inline_html(caption)
    block = f"<figure>{image}<figcaption>{words}</figcaption></figure>\n"
    return Form(block, inline=f"{image} <em>{words}</em>", attribute=escape(src))


def plain_words(markdown: str) -> str:
    """The words of a caption, for those who cannot see the picture."""
    from publisher.content.headings import plain_text  # noqa: PLC0415 - for captions of pictures without words alone

    return plain_text(markdown) if markdown else ""


def linked(url: str, label: str) -> Form:
    """A link; in an attribute, its URL."""
    link = f'<a href="{escape(url)}">{escape(label or url)}</a>'
    return Form(f"<p>{link}</p>\n", inline=link, attribute=escape(url))


def embedded(url: str, title: str = "", *, enclosure: bool = False) -> Form:
    """A link to what a page would embed, named by what it is; ``enclosure`` says that it is the post's own."""
    target, label = readable(url, title)
    form = linked(target, label)
    return _marked_enclosure(form) if enclosure else form


def _marked_enclosure(form: Form) -> Form:
    mark = '" rel="enclosure">'
    return replace(form, block=form.block.replace('">', mark, 1), inline=form.inline.replace('">', mark, 1))


def address(url: str) -> Form:
    """A URL where it stands: in an attribute or in Markdown's parentheses, seldom in text."""
    return Form(inline=escape(url), attribute=escape(url))


def code_block(text: str, language: str) -> Form:
    """Code as written, without the line breaks next to its tags."""
    kind = f' class="language-{escape(language)}"' if language else ""
    code = escape(text.strip("\n").rstrip(), quote=False)
    return Form(f"<pre><code{kind}>{code}\n</code></pre>\n", inline=f"<code>{code}</code>", attribute=escape(code))


def named(target: str) -> Form:
    """A reference to a post by name or path, resolved with all other links."""
    return address("ref:" + quote(target, safe="/#?.:@-_~")) if target else Form()
