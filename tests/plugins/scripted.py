#!/usr/bin/env python3
"""A plugin whose every move is given by the environment variable SCRIPT, a JSON object:

    manifest   members that replace those of its manifest (null takes a member away)
    raw        {"getmanifest" or "init" or a hook or a method: text written instead of an answer}
    answers    {hook: the answer's members "result" or "error", as they are to stand}
    hold       [hook, ...]: answered only when the method `release` is called
    quiet      do not register the default methods, subscriptions and hooks
    say        log each hook that it is asked
    ignore_shutdown, linger: take no notice of `shutdown`, or of the end of stdin

Left to itself it behaves well: it registers every hook but db_write, every topic, and answers
`continue` to everything. Standard library only.
"""

import json
import os
import socket
import sys
import threading

SCRIPT = json.loads(os.environ.get("SCRIPT", "{}"))
HOOKS = ["commitment_revocation", "custommsg", "htlc_accepted", "invoice_payment", "onion_message_recv",
         "onion_message_recv_secret", "openchannel", "openchannel2", "openchannel2_changed",
         "openchannel2_sign", "peer_connected", "rbf_channel", "recover", "rpc_command", "db_write"]
TOPICS = ["balance_snapshot", "block_added", "channel_open_failed", "channel_opened", "channel_state_changed",
          "coin_movement", "connect", "custommsg", "deprecated_oneshot", "disconnect", "forward_event",
          "invoice_creation", "invoice_payment", "log", "onionmessage_forward_fail", "openchannel_peer_sigs",
          "plugin_started", "plugin_stopped", "sendpay_failure", "sendpay_success", "shutdown", "warning"]

write_lock = threading.Lock()
seen, held = [], []
configuration, options = {}, {}


def write(data):
    data = data if isinstance(data, bytes) else data.encode()
    with write_lock:
        while data:
            data = data[os.write(1, data):]


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n\n")


def call(method, params):
    """One call of lightningd over its socket."""
    path = os.path.join(configuration["lightning-dir"], configuration["rpc-file"])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        request = {"jsonrpc": "2.0", "id": f"scripted:{method}", "method": method, "params": params}
        sock.sendall(json.dumps(request).encode())
        data = b""
        while not data.endswith(b"\n\n"):
            more = sock.recv(1 << 16)
            if not more:
                raise ConnectionError("hung up")
            data += more
    return json.loads(data)


# --- methods: each gets the params and gives the members of its answer ---

def echo(request, params):
    return {"result": params}


def fail(request, params):
    return {"error": {"code": 7, "message": "as asked", "data": {"params": params}}}


def release(request, params):
    for message, answer in held[:]:
        held.remove((message, answer))
        send({"id": message["id"], **answer})
    return {"result": {}}


def write_text(request, params):
    """Writes the given text to stdout, then answers."""
    write(params[0])
    return {"result": {}}


def write_hex(request, params):
    write(bytes.fromhex(params[0]))
    return {"result": {}}


def notify(request, params):
    send({"method": params[0], "params": params[1]})
    return {"result": {}}


def twice(request, params):
    """Answers twice."""
    send({"id": request["id"], "result": 1})
    return {"result": 2}


def told(request, params):
    """Sends a message and a progress for this very call first."""
    send({"method": "message", "params": {"id": request["id"], "level": "info", "message": "half way"}})
    send({"method": "progress", "params": {"id": request["id"], "num": 1, "total": 2}})
    return {"result": "done"}


def rpc(request, params):
    """Calls lightningd; in a thread, because the call may come back as a hook."""
    def run():
        send({"id": request["id"], "result": call(params[0], params[1])})
    threading.Thread(target=run).start()
    return None


def leave(request, params):
    os._exit(3)


METHODS = {"echo": echo, "fail": fail, "release": release, "write-text": write_text, "write-hex": write_hex,
           "notify": notify, "twice": twice, "told": told, "rpc": rpc, "leave": leave,
           "seen": lambda request, params: {"result": seen}, "silent": lambda request, params: None,
           "options": lambda request, params: {"result": options},
           "whoami": lambda request, params: {"result": {
               "cwd": os.getcwd(), "argv": sys.argv[1:], "configuration": configuration,
               "env": {k: v for k, v in os.environ.items() if k.startswith("LIGHTNINGD_")}}}}


def manifest():
    whole = {"dynamic": True, "options": [], "rpcmethods": [], "nonnumericids": True, "cancheck": True}
    if not SCRIPT.get("quiet"):
        whole["rpcmethods"] = [{"name": name, "usage": "", "description": ""} for name in METHODS]
        whole["subscriptions"] = TOPICS
        whole["hooks"] = [hook for hook in HOOKS if hook != "db_write"]
        whole["notifications"] = [{"method": "scripted_news"}]
        whole["options"] = [
            {"name": "s-string", "type": "string", "description": "", "default": "a default"},
            {"name": "s-int", "type": "int", "description": "", "default": 7, "dynamic": True},
            {"name": "s-bool", "type": "bool", "description": ""},
            {"name": "s-flag", "type": "flag", "description": ""},
            {"name": "s-multi", "type": "string", "description": "", "multi": True, "dynamic": True}]
    whole.update(SCRIPT.get("manifest", {}))
    return {key: value for key, value in whole.items() if value is not None}


def hook_answer(method, params):
    if method in SCRIPT.get("answers", {}):
        return SCRIPT["answers"][method]
    answer = {"result": "continue"}
    if method in ("openchannel2_changed", "openchannel2_sign"):
        answer["psbt"] = params[method]["psbt"]
    return {"result": answer}


def handle(message):
    method, params = message.get("method"), message.get("params")
    if method not in ("getmanifest", "init", "seen"):
        seen.append(method if "id" in message else {"topic": method, "params": params,
                                                    "origin": message.get("origin")})
    if "id" not in message:
        if method == "shutdown" and not SCRIPT.get("ignore_shutdown"):
            os._exit(0)
        return
    if method in SCRIPT.get("raw", {}):
        return write(SCRIPT["raw"][method].replace("ID", json.dumps(message["id"])))
    if method == "getmanifest":
        answer = {"result": manifest()}
    elif method == "init":
        configuration.update(params["configuration"])
        options.update(params["options"])
        answer = SCRIPT.get("answers", {}).get("init", {"result": {}})
    elif method in HOOKS:
        answer = hook_answer(method, params)
        if SCRIPT.get("say"):
            send({"method": "log", "params": {"level": "debug", "message": f"asked {method}"}})
        if method in SCRIPT.get("hold", []):
            held.append((message, answer))
            return
    elif method == "setconfig":
        bad = params["config"] == "s-int" and not params["val"].isdigit() and not SCRIPT.get("accept_any")
        answer = {"error": {"code": -32602, "message": "not a number"}} if bad else {"result": {}}
    elif method == "check":
        answer = {"result": {"checked": params}}
    elif method in METHODS:
        answer = METHODS[method](message, params)
    else:
        answer = {"error": {"code": -32601, "message": f"unknown method {method}"}}
    if answer is not None:
        send({"id": message["id"], **answer})


def main():
    decoder, text = json.JSONDecoder(), ""
    buffered = b""
    while True:
        text = text.lstrip()
        try:
            message, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            more = os.read(0, 1 << 20)
            if not more:
                break
            buffered += more
            try:
                text += buffered.decode()
                buffered = b""
            except UnicodeDecodeError:
                pass
            continue
        text = text[end:]
        handle(message)
    if SCRIPT.get("linger"):
        threading.Event().wait()


if __name__ == "__main__":
    main()
