"""The Hugging Face hub on this machine: as much of its API as its client uses for models, in a folder."""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import shutil
import threading
from pathlib import Path
from urllib.parse import unquote

TOKEN = "hf_of_user"


class Hub:
    """Repositories of models, each commit a folder.

    Args:
        root: `root/USER/NAME/COMMIT/` has the files of a commit, `root/lfs/` the large files.

    Attributes:
        commits: of each repository, the newest last, as pairs of a name and a message.
        private: which repositories only `TOKEN` may see.
        requests: what was asked for, as pairs of a method and a path.
        failing: the number of a status that commits are answered with, or None.
        complaint: what is wrong with a card's metadata, or None.
    """

    def __init__(self, root):
        self.root = Path(root)
        self.commits = {}
        self.private = set()
        self.requests = []
        self.failing = None
        self.complaint = None
        (self.root / "lfs").mkdir(parents=True)

    def create(self, repository, private):
        self.commits[repository] = []
        if private:
            self.private.add(repository)
        self._commit(repository, "initial commit", {".gitattributes": b"*.hdf5 filter=lfs\n"}, ())

    def tree(self, repository):
        """The folder of the newest commit."""
        return self.root / repository / self.commits[repository][-1][0]

    def commit(self, repository, lines):
        header, added, removed = {}, {}, []
        for line in lines:
            key, value = line["key"], line["value"]
            if key == "header":
                header = value
            elif key == "file":
                added[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                added[value["path"]] = (self.root / "lfs" / value["oid"]).read_bytes()
            else:
                assert key == "deletedFile", key
                removed.append(value["path"])
        return self._commit(repository, header["summary"], added, removed)

    def _commit(self, repository, message, added, removed):
        number = len(self.commits[repository])
        name = hashlib.sha1(f"{repository} {number}".encode()).hexdigest()
        folder = self.root / repository / name
        if number:
            shutil.copytree(self.tree(repository), folder)
        else:
            folder.mkdir(parents=True)
        for path in removed:
            (folder / path).unlink()
        for path, data in added.items():
            (folder / path).write_bytes(data)
        self.commits[repository].append((name, message))
        return name


@contextlib.contextmanager
def serving_hub(hub):
    """Serves a `Hub` on this machine; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            self.data = self.rfile.read(length)
            path = unquote(self.path.split("?")[0])
            hub.requests.append((self.command, path))
            self.known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            for pattern, act in self.ROUTES:
                if found := re.fullmatch(
                    f"(GET|HEAD|POST|PUT) {pattern}", f"{self.command} {path}"
                ):
                    repository = found.groupdict().get("id")
                    if repository is not None and not self.may_see(repository):
                        return self.refuse(401, "RepoNotFound", "Repository not found")
                    values = {k: v for k, v in found.groupdict().items() if k != "id"}
                    return act(self, *([repository] if repository else []), **values)
            return self.refuse(404, "EntryNotFound", f"no {path}")

        def may_see(self, repository):
            if repository in hub.private or repository not in hub.commits:
                return self.known and repository in hub.commits
            return True

        def refuse(self, status, code, message):
            headers = {"X-Error-Code": code, "X-Error-Message": message}
            self.give({"error": message}, status, headers)

        def give(self, content, status=200, headers=()):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for key, value in {**dict(headers), "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def create(self):
            wanted = json.loads(self.data)
            repository = f"{wanted['organization']}/{wanted['name']}"
            if not self.known:
                return self.refuse(401, "", "Invalid username or password.")
            if not repository.startswith("user/"):
                return self.refuse(403, "", "You don't have the rights to create a model there")
            url = {"url": f"{address}/{repository}", "id": repository}
            if repository in hub.commits:
                return self.give({"error": "exists", **url}, 409)
            private = wanted.get("private") or wanted.get("visibility") == "private"
            hub.create(repository, private)
            return self.give(url)

        def validate(self):
            errors = [{"message": hub.complaint}] if hub.complaint else []
            self.give({"errors": errors, "warnings": []}, 400 if errors else 200)

        def info(self, repository, revision=None):
            names = sorted(path.name for path in hub.tree(repository).iterdir())
            self.give(
                {
                    "id": repository,
                    "sha": hub.commits[repository][-1][0],
                    "private": repository in hub.private,
                    "siblings": [{"rfilename": name} for name in names],
                }
            )

        def tree(self, repository, revision):
            entries = []
            for path in sorted(hub.tree(repository).iterdir()):
                data = path.read_bytes()
                oid = hashlib.sha1(data).hexdigest()
                entries.append({"type": "file", "path": path.name, "size": len(data), "oid": oid})
            self.give(entries)

        def preupload(self, repository, revision):
            if not self.known:
                return self.refuse(401, "", "Invalid username or password.")
            large = (".hdf5", ".pkl")
            return self.give(
                {
                    "files": [
                        {
                            "path": file["path"],
                            "uploadMode": "lfs" if file["path"].endswith(large) else "regular",
                            "shouldIgnore": False,
                            "oid": None,
                        }
                        for file in json.loads(self.data)["files"]
                    ]
                }
            )

        def batch(self, repository):
            def action(oid):
                if (hub.root / "lfs" / oid).exists():
                    return {}
                return {
                    "actions": {
                        "upload": {"href": f"{address}/lfs/{oid}"},
                        "verify": {"href": f"{address}/lfs/{oid}/verify"},
                    }
                }

            objects = json.loads(self.data)["objects"]
            self.give(
                {"transfer": "basic", "objects": [{**o, **action(o["oid"])} for o in objects]}
            )

        def upload(self, oid):
            assert hashlib.sha256(self.data).hexdigest() == oid
            (hub.root / "lfs" / oid).write_bytes(self.data)
            self.give(b"")

        def verify(self, oid):
            there = (hub.root / "lfs" / oid).exists()
            self.give({}, 200 if there else 404)

        def commit(self, repository, revision):
            if not self.known:
                return self.refuse(401, "", "Invalid username or password.")
            if hub.failing is not None:
                return self.refuse(hub.failing, "", "The server is being repaired")
            name = hub.commit(repository, map(json.loads, self.data.splitlines()))
            return self.give(
                {"commitUrl": f"{address}/{repository}/commit/{name}", "commitOid": name}
            )

        def resolve(self, repository, revision, name):
            path = hub.tree(repository) / name
            if not path.is_file():
                return self.refuse(404, "EntryNotFound", "Entry not found")
            data = path.read_bytes()
            headers = {
                "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
                "X-Repo-Commit": hub.commits[repository][-1][0],
            }
            return self.give(data, 200, headers)

        ROUTES = tuple(
            (pattern.replace("ID", r"(?P<id>[\w.-]+/[\w.-]+)"), act)
            for pattern, act in (
                ("/api/repos/create", create),
                ("/api/validate-yaml", validate),
                (r"/api/models/ID/preupload/(?P<revision>\w+)", preupload),
                (r"/api/models/ID/commit/(?P<revision>\w+)", commit),
                (r"/api/models/ID/tree/(?P<revision>\w+)", tree),
                (r"/api/models/ID/revision/(?P<revision>\w+)", info),
                ("/api/models/ID", info),
                (r"/lfs/(?P<oid>\w+)/verify", verify),
                (r"/lfs/(?P<oid>\w+)", upload),
                (r"/ID\.git/info/lfs/objects/batch", batch),
                (r"/ID/resolve/(?P<revision>\w+)/(?P<name>.+)", resolve),
            )
        )
        do_GET = do_HEAD = do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
