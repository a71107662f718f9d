"""A service with one job: `GET /status` says RUNNING a few times, and then DONE.

Usage: job_service.py [PORT] [POLLS]
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
POLLS = int(sys.argv[2]) if len(sys.argv) > 2 else 2
seen = 0


class Job(BaseHTTPRequestHandler):
    def do_GET(self):
        global seen
        seen += 1
        status = "DONE" if seen >= POLLS else "RUNNING"
        body = json.dumps({"status": status, "polls": seen}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", PORT), Job)
print(f"the job runs at http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
