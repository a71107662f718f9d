"""Dependencies: requests and httpx over the host, and a date by python-dateutil."""

import http.client
import urllib.request
from urllib.parse import urlsplit

import httpx
import requests
from dateutil import parser, relativedelta


def handler(pd):
    url = pd.props.url
    due = parser.parse("25 November 2026 10:00 UTC") + relativedelta.relativedelta(months=+3)
    with requests.Session() as session:
        session.headers["x-session"] = "yes"
        by_requests = session.get(url, params={"page": 2}, timeout=(5, 20))
    with httpx.Client() as client:
        by_httpx = client.post(url, json={"by": "httpx"})
    with urllib.request.urlopen(url) as answer:
        by_urllib = answer.status
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc)
    connection.request("PUT", where.path, body=b'{"by": "http.client"}')
    by_client = connection.getresponse()
    return {
        "due": due,
        "statuses": [by_requests.status_code, by_httpx.status_code, by_urllib, by_client.status],
        "bodies": [by_requests.json(), by_httpx.json(), by_client.read().decode()],
    }
