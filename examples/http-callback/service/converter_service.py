"""A service that takes a text, is busy for a while, and then calls back.

`POST /convert` with `{"text": …, "resume_url": …}` answers 202 at once; later the service posts
`{"text": …}`, in capitals, to `resume_url`.

Usage: converter_service.py [PORT] [SECONDS]
"""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5


def call_back(job):
    request = urllib.request.Request(
        job["resume_url"],
        data=json.dumps({"text": job["text"].upper()}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        print("called back:", answer.status, answer.read().decode(), flush=True)


class Converter(BaseHTTPRequestHandler):
    def do_POST(self):
        # An HTTP client may send the body in chunks.
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        threading.Timer(SECONDS, call_back, [json.loads(body)]).start()
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", PORT), Converter)
print(f"the converter listens at http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
