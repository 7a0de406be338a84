#!/usr/bin/env python3
"""Writes corpus/TARGET/seed-*: what the fuzz targets begin with. Beside them found-*, which
a run once failed on, are kept as they are.

Made from the recordings of a real lightningd (tests/recordings), the policies of guests/ and,
for answers that no recorded plugin gave, the members that each hook knows. The same each time.
"""

import glob
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

HOOKS = ["commitment_revocation", "custommsg", "db_write", "htlc_accepted", "invoice_payment",
         "onion_message_recv", "onion_message_recv_secret", "openchannel", "openchannel2",
         "openchannel2_changed", "openchannel2_sign", "peer_connected", "rbf_channel", "recover",
         "rpc_command"]
ADDRESS = "bcrt1qs758ursh4q9z627kt3pp5yysm78ddny6txaqgw"
ANSWERS = {
    "db_write": [{"result": "fail"}],
    "htlc_accepted": [
        {"result": "continue", "payload": "020101", "forward_to": "00" * 32, "extra_tlvs": "01000301ff",
         "invoice_msat": "5000msat"},
        {"result": "fail", "failure_message": "2002"},
        {"result": "fail", "failure_onion": "ff" * 40},
        {"result": "fail", "failure_code": 8194},
        {"result": "resolve", "payment_key": "00" * 32}],
    "invoice_payment": [{"result": "reject"}, {"failure_message": "2002"}, {"failure_code": 16399}],
    "onion_message_recv": [{"result": "stop"}],
    "onion_message_recv_secret": [{"result": "stop"}],
    "openchannel": [
        {"result": "reject", "error_message": "no"},
        {"result": "continue", "close_to": ADDRESS, "mindepth": 3, "reserve": "546sat"}],
    "openchannel2": [
        {"result": "reject", "error_message": "no"},
        {"result": "continue", "close_to": ADDRESS, "psbt": "PSBT", "our_funding_msat": "5000sat",
         "lease_fee_base_msat": 1, "lease_fee_basis": 2, "channel_fee_max_base_msat": 3,
         "channel_fee_max_proportional_thousandths": 4, "funding_weight": 5}],
    "peer_connected": [{"result": "disconnect", "error_message": "no"}, {"result": "disconnect"}],
    "rbf_channel": [
        {"result": "reject", "error_message": "no"},
        {"result": "continue", "psbt": "PSBT", "our_funding_msat": 5000000}],
    "rpc_command": [
        {"replace": {"jsonrpc": "2.0", "id": "1", "method": "getinfo", "params": {"a": [1]}}},
        {"return": {"result": {"a": 1}}},
        {"return": {"error": {"code": -1, "message": "no", "data": [1]}}},
        {"continue": True}],
}
RESTRICTIONS = ["method=pay|method=xpay", "pnameamount_msat<10000", "pnum>0|parr0^02", "per=1sec|rate=60",
                "method^list|method^get|method=summary", "method/listdatastore", "time>1656675211|x#why",
                "pnamelevel{io|pnamelevel}a|pnamea_b~\\||pnameid$ff|id!", "pinvbolt11_amount<1000"]


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def recorded():
    """Every recorded message: its file, its direction, and itself."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests/recordings/*/*.jsonl"))):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if isinstance(record.get("msg"), dict):
                    yield name, record["dir"], record["msg"]


def write(target, number, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"seed-{number:02}"), "wb") as out:
        out.write(data if isinstance(data, bytes) else data.encode())


def answers():
    """Each distinct answer to getmanifest and to hooks, by method."""
    asked, given = {}, {}
    for _, direction, message in recorded():
        if direction == "in" and "id" in message and "method" in message:
            asked[json.dumps(message["id"])] = message["method"]
        elif direction == "out" and "result" in message:
            method = asked.get(json.dumps(message["id"]))
            given.setdefault(method, {})[compact(message["result"])] = None
    return {method: list(texts) for method, texts in given.items()}


def main():
    for old in glob.glob(os.path.join(HERE, "corpus/*/seed-[0-9]*")):
        os.remove(old)
    given = answers()

    streams = {}
    for name, direction, message in recorded():
        if direction == "in" and len(compact(message)) < 1500:
            streams.setdefault(name, []).append(compact(message))
    for number, (name, messages) in enumerate(sorted(streams.items())):
        separator = ["\n\n", "", "\n", " \r\n"][number % 4]
        write("framing", number, chr(65 + number) + separator.join(messages[:4]) + "\n\n")

    for number, text in enumerate(sorted(given["getmanifest"])):
        write("manifest", number, text)

    psbts = [json.loads(text)["psbt"] for text in given["openchannel2_changed"]]
    number = 0
    for at, hook in enumerate(HOOKS):
        texts = sorted(given.get(hook, []))
        more = [compact(answer).replace("PSBT", psbts[0]) for answer in ANSWERS.get(hook, [])]
        for text in texts[:2] + more:
            write("hooks", number, chr(97 + at) + "01"[number % 2] + text + "\n\n" + texts[0])
            number += 1

    policies = sorted(glob.glob(os.path.join(ROOT, "guests/*/*.toml")))
    number = 0
    for path in policies:
        with open(path, encoding="utf-8") as lines:
            text = lines.read()
        if os.path.basename(path) != "Cargo.toml":
            write("policy", number, text)
            number += 1
    write("policy", number, f"enabled = true\n[grant]\nrpc = [\"getinfo\", {{ methods = [\"pay\"], restrictions = "
          f"{compact(RESTRICTIONS[1:3])}, budget = {{ per_day_msat = \"5000sat\" }} }}]\nkv = true\n[grant.http]\n"
          "hosts = [\"*.example.com:8443\", \"[2001:db8::1]\"]\n[limits]\nmemory_bytes = \"16 MiB\"\n"
          "[limits.deadline]\nhook = \"none\"\nrpc = \"2 min\"\n[on-fault]\ndefault = \"open\"\nhtlc_accepted = "
          "\"closed\"\n[on-fault.restart]\ntimes = 3\n")

    texts = {}
    for name, direction, message in recorded():
        text = compact(message.get("params", message.get("result", {})))
        if len(text) < 4000:
            texts.setdefault((direction, message.get("method")), text)
    for number, text in enumerate(sorted(texts.values())):
        write("json", number, text)

    params = []
    for _, direction, message in recorded():
        command = message.get("params", {})
        if direction == "in" and isinstance(command, dict) and "rpc_command" in command:
            call = command["rpc_command"]
            if len(compact(call.get("params", {}))) < 400:
                params.append((compact(call.get("params", {})), call["method"]))
    params = sorted(dict.fromkeys(params))[:: max(1, len(set(params)) // 12)]
    for number, (text, method) in enumerate(params):
        two = [RESTRICTIONS[number % len(RESTRICTIONS)], RESTRICTIONS[(number * 5 + 1) % len(RESTRICTIONS)]]
        write("runes", number, "\n".join([text, method, "x" * (number % 2)] + two))

    with open(glob.glob(os.path.join(ROOT, "tests/recordings/*/rpc-socket-client.jsonl"))[0],
              encoding="utf-8") as lines:
        replies = [record["bytes"] for record in map(json.loads, lines) if record["dir"] == "in"]
    replies = [text for text in replies if len(text) < 2000]
    for number in range(0, min(len(replies), 36), 3):
        limit = [4000, 60, 500][number // 3 % 3]
        head = bytes([48 + number, limit >> 8, limit & 255])
        write("rpc_answers", number // 3, head + "".join(replies[number:number + 3]).encode())


if __name__ == "__main__":
    main()
