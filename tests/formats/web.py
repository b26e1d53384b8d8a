"""A small web server for tests of downloads: ranges, cuts and refusals."""

import contextlib
import http.server
import threading


class Site:
    """What a server gives.

    Args:
        files: `{path: bytes}`.

    Attributes:
        requests: what was asked for, with the range.
        cut_after: the connection ends after so many bytes, once for each number.
        answers: status codes that are given first, in turn.
        ranges: whether parts can be asked for.
        tag: an ETag, or None.
        retry_after: the header that goes with `answers`.
        shift: a part begins so many bytes later than it was asked for.
    """

    def __init__(self, files):
        self.files = dict(files)
        self.requests = []
        self.cut_after = []
        self.answers = []
        self.ranges = True
        self.tag = '"v1"'
        self.lengths = True
        self.redirects = {}
        self.retry_after = None
        self.shift = 0


@contextlib.contextmanager
def serving(site):
    """Serves a `Site` on this machine; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            site.requests.append((self.path, wanted))
            if site.answers:
                self.send_response(site.answers.pop(0))
                if site.retry_after is not None:
                    self.send_header("Retry-After", site.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if self.path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[self.path])
                self.end_headers()
                return
            if self.path not in site.files:
                self.send_error(404)
                return
            body, start = site.files[self.path], 0
            if wanted and site.ranges and self.headers.get("If-Range") == site.tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-")) + site.shift
                if start >= len(body):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            if site.lengths:
                self.send_header("Content-Length", str(len(body) - start))
            if site.tag:
                self.send_header("ETag", site.tag)
            self.end_headers()
            end = site.cut_after.pop(0) if site.cut_after else len(body)
            self.wfile.write(body[start:end])

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # a client that hangs up

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
