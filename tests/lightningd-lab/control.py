"""Drives a network by commands on stdin, one JSON object per line, answered on stdout likewise.

    -> {"id": 1, "command": "start", "args": [["--plugin=/path"], []]}     one list per node
    <- {"id": 1, "result": [{"name": "l1", "id": "02...", ...}, ...]}
    -> {"id": 2, "command": "rpc", "node": 0, "method": "getinfo", "params": {}}
    <- {"id": 2, "result": {...}}    or  {"id": 2, "error": {"code": -32601, "message": "..."}}

Commands run side by side, each in a thread of its own, so a payment that is held keeps nobody else waiting.
The end of stdin stops the nodes.
"""

import json
import os
import sys
import threading

BROKEN = "**BROKEN**"


class Control:
    def __init__(self, network, rpc_error):
        """`network` makes a Network of (count, node_args, developer); `rpc_error` is its error for RPC."""
        self.make_network, self.rpc_error = network, rpc_error
        self.net = None
        self.write_lock = threading.Lock()

    # --- commands: their parameters are the members of the command ---

    def start(self, args, developer=True, seconds=120, env=()):
        """`env` has one dict of environment variables for each node, or nothing."""
        self.net = self.make_network(len(args), args, developer, env)
        self.net.start(seconds)
        return [self.describe(node) for node in self.net.nodes]

    @staticmethod
    def describe(node):
        return {"name": node.name, "id": node.id, "port": node.port, "pid": node.process.pid,
                "directory": node.directory, "rpc": node.rpc_path}

    def rpc(self, node, method, params=None, timeout=60, extra=None):
        return self.net.rpc(node, method, params, timeout, **(extra or {}))

    def pay(self, a, b, msat, timeout=60):
        return self.net.pay(a, b, msat, timeout)

    def send_direct(self, a, b, msat, timeout=60):
        return self.net.send_direct(a, b, msat, timeout)

    def invoice(self, node, msat, extra=None):
        return self.net.invoice(node, msat, **(extra or {}))

    def mine(self, count=1, sync=True):
        self.net.mine(count, sync)
        return self.net.chain.height()

    def reorg(self, depth, blocks):
        self.net.chain.reorg(depth, blocks)
        self.net.sync_blocks()
        return self.net.chain.height()

    def fund_wallet(self, node, sat):
        return self.net.fund_wallet(node, sat)

    def connect(self, a, b):
        return self.net.connect(a, b)

    def connect_line(self):
        self.net.connect_line()

    def open_channel(self, a, b, sat, push_msat=None, extra=None):
        return self.net.open_channel(a, b, sat, push_msat, **(extra or {}))

    def open_line(self, sat=5_000_000, push_msat=1_000_000_000):
        self.net.open_line(sat, push_msat)

    def custommsg(self, a, b, message):
        return self.net.rpc(a, "sendcustommsg", {"node_id": self.net.nodes[b].id, "msg": message})

    def wait_log(self, node, text, since=0, seconds=60):
        """Waits until `text` is in the log behind byte `since`; the byte behind its line."""
        return self.net.wait_log(node, text, since, seconds)

    def logs(self, node):
        return self.net.nodes[node].log()

    def restart(self, node, args=None):
        self.net.restart(node, args)
        return self.describe(self.net.nodes[node])

    def stop_node(self, node):
        self.net.nodes[node].stop()
        return self.net.nodes[node].process.returncode

    def health(self):
        """How each node is: its exit code if it has ended, and what it should not have said."""
        return [{"name": node.name, "running": node.process.poll() is None,
                 "exit": node.process.returncode, "stopped": node.stopped,
                 "broken": [line for line in node.log().splitlines() if BROKEN in line or "FATAL" in line],
                 "tail": node.tail()}
                for node in self.net.nodes]

    # --- the loop ---

    COMMANDS = ("start", "rpc", "pay", "send_direct", "invoice", "mine", "reorg", "fund_wallet", "connect",
                "connect_line", "open_channel", "open_line", "custommsg", "wait_log", "logs", "restart",
                "stop_node", "health")

    def answer(self, message):
        with self.write_lock:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def run_one(self, number, command, params):
        try:
            if command not in self.COMMANDS:
                raise ValueError(f"unknown command {command}")
            result = getattr(self, command)(**params)
            self.answer({"id": number, "result": result})
        except self.rpc_error as error:
            self.answer({"id": number, "error": error.error})
        except Exception as error:
            self.answer({"id": number, "error": {"code": None, "message": f"{command}: {error!r}"}})

    def run(self):
        threads = []
        try:
            for line in sys.stdin:
                message = json.loads(line)
                number, command = message.pop("id"), message.pop("command")
                thread = threading.Thread(target=self.run_one, args=(number, command, message), daemon=True)
                thread.start()
                if command == "start":
                    thread.join()  # nothing else makes sense before
                threads.append(thread)
        finally:
            if self.net is not None:
                self.net.stop()
            # Threads that still wait for an answer must not keep this process.
            sys.stdout.flush()
            os._exit(0)
