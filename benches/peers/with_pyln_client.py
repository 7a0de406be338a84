"""What an author writes with pyln-client: it reads what it is given and answers "continue"."""

from pyln.client import Plugin

plugin = Plugin()
seen = 0


@plugin.hook("htlc_accepted")
def on_htlc_accepted(plugin, **payload):
    return {"result": "continue"}


@plugin.hook("db_write")
def on_db_write(plugin, **payload):
    return {"result": "continue"}


@plugin.subscribe("block_added")
def on_block_added(plugin, **payload):
    global seen
    seen += 1


@plugin.method("peer-echo")
def echo(plugin, **params):
    return "ok"


@plugin.method("peer-blob")
def blob(plugin, bytes):
    return "x" * bytes


@plugin.method("peer-wait")
def wait(plugin, count):
    # Messages are handled in their order: those before this one are counted.
    return seen


plugin.run()
