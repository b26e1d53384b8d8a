"""`hf://user/model` by the hub's own client, from a server on this machine that plays the hub."""

import contextlib
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import elmo
from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model

COMMIT = "a" * 40


@contextlib.contextmanager
def serving_hub(files):
    """The hub with one repository, `user/my-elmo`; gives its address and what was asked for."""
    asked = []
    entries = [
        {"type": "file", "path": n, "size": len(b), "oid": hashlib.sha1(b).hexdigest()}
        for n, b in files.items()
    ]
    repository = {
        "id": "user/my-elmo",
        "sha": COMMIT,
        "siblings": [{"rfilename": name} for name in files],
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            path = self.path.split("?")[0]
            asked.append((self.command, path))
            name, headers = path.rsplit("/", 1)[-1], {}
            if path.startswith("/api/models/user/my-elmo/tree/"):
                body = json.dumps(entries).encode()
            elif path.startswith("/api/models/user/my-elmo/revision/"):
                body = json.dumps(repository).encode()
            elif path.startswith("/user/my-elmo/resolve/") and name in files:
                body = files[name]
                headers = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": COMMIT}
            else:
                self.send_error(404)
                return
            self.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_GET = do_HEAD = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_model_of_the_hub(tmp_path):
    pytest.importorskip("huggingface_hub")
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    def info(source, address):
        environment = {k: v for k, v in os.environ.items() if k.lower() != "http_proxy"}
        environment |= {
            "PYTHONPATH": str(Path(elmo.__file__).parent.parent),
            "ELMO_CACHE": str(tmp_path / "cache"),
            "HF_ENDPOINT": address,
        }
        command = [sys.executable, "-m", "elmo", "info", "--json", source]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    with serving_hub({**files, "setup.py": b"raise SystemExit"}) as (address, asked):
        found = info("hf://user/my-elmo", address)
        assert found.returncode == 0, found.stderr
        assert json.loads(found.stdout)["vocabulary"] == 7
        fetched = {path.rsplit("/", 1)[-1] for how, path in asked if "/resolve/" in path}
        assert fetched == {"options.json", "weights.hdf5", "vocab.txt", "vocab.counts.txt"}
        asked.clear()
        assert info("hf://user/my-elmo", address).stdout == found.stdout
        assert not any("/resolve/" in path for _, path in asked)  # downloaded once
        none = info("hf://user/none", address)
        assert none.returncode == 2
        assert "hf://user/none: cannot be downloaded" in none.stderr
    # The hub is gone: what was downloaded is still there.
    assert info("hf://user/my-elmo", address).stdout == found.stdout
