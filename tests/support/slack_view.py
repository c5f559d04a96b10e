"""A Slack message as a page: the blocks that we send, laid out much as Slack does. What it does not know it refuses, so that a picture
never shows less than a message holds."""
from html import escape

STYLE = """
body{margin:0;padding:20px;background:#fff;color:#1d1c1d;font:15px/1.46668 Lato,'Slack-Lato',Helvetica,Arial,sans-serif}
main{max-width:680px;display:grid;grid-template-columns:36px 1fr;gap:8px}
.face{width:36px;height:36px;border-radius:4px;background:#12263a;color:#fff;font-weight:700;display:grid;place-items:center}
.who b{font-weight:900}.who span{color:#616061;font-size:12px;margin-left:6px}.who .app{background:#e8e8e8;border-radius:2px;padding:1px 3px;font-size:10px;
font-weight:700}
h1{font-size:18px;line-height:1.3;margin:6px 0 4px}.section{margin:2px 0 6px}.context{color:#616061;font-size:13px;margin:2px 0 6px}
hr{border:0;border-top:1px solid #ddd;margin:8px 0}ul{margin:0 0 4px;padding-left:24px}.rich{white-space:pre-wrap}a{color:#1264a3;text-decoration:none}
pre{border:1px solid #ddd;border-radius:4px;background:#f8f8f8;padding:8px;font:12px/1.5 Monaco,Menlo,monospace;white-space:pre-wrap}
.thread{border-top:1px solid #ddd;margin-top:12px;padding-top:8px;grid-column:1/3}.thread h2{font-size:13px;color:#616061;margin:0 0 8px;font-weight:400}
"""


def known(thing, *keys):
    unknown = set(thing) - {"type", *keys}
    assert not unknown, f"{thing.get('type')}: {unknown}"
    return thing


def plain(thing):
    assert known(thing, "text", "emoji", "verbatim")["type"] == "plain_text", thing
    return escape(thing["text"])


def inline(thing):
    if thing["type"] == "link":
        known(thing, "url", "text", "style")
        text = f'<a href="{escape(thing["url"])}">{escape(thing.get("text", thing["url"]))}</a>'
    else:
        assert thing["type"] == "text", thing
        text = escape(known(thing, "text", "style")["text"])
    for name, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
        if thing.get("style", {}).get(name):
            text = f"<{tag}>{text}</{tag}>"
    return text


def rich(thing):
    known(thing, "elements", "style", "indent", "border")
    if thing["type"] == "rich_text_list":
        return "<ul>" + "".join(f"<li>{rich(e)}</li>" for e in thing["elements"]) + "</ul>"
    inner = "".join(map(inline, thing["elements"]))
    return {"rich_text_section": f'<span class="rich">{inner}</span>', "rich_text_preformatted": f"<pre>{inner}</pre>"}[thing["type"]]


def block(thing):
    kind = thing["type"]
    if kind == "divider":
        return "<hr>"
    if kind == "header":
        return f"<h1>{plain(known(thing, 'text')['text'])}</h1>"
    if kind == "section":
        return f'<div class="section">{plain(known(thing, "text")["text"])}</div>'
    if kind == "context":
        return '<div class="context">' + " ".join(map(plain, known(thing, "elements")["elements"])) + "</div>"
    assert kind == "rich_text", kind
    return "<div>" + "".join(map(rich, known(thing, "elements")["elements"])) + "</div>"


def page(messages, at):
    """The first message, and the others as replies in its thread."""
    first, *replies = ["".join(map(block, m["blocks"])) for m in messages]
    thread = f'<section class="thread"><h2>{len(replies)} {"reply" if len(replies) == 1 else "replies"} in the thread</h2>{"".join(replies)}</section>'
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Slack</title><style>{STYLE}</style></head><body><main>'
            f'<div class="face">r</div><div><div class="who"><b>retaind</b> <span class="app">APP</span><span>{at}</span></div>{first}</div>'
            f'{thread if replies else ""}</main></body></html>')
