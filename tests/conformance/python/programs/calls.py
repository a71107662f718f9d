"""Calls out."""

import requests


def get(pd):
    answer = requests.get(pd.props.url, headers={"x-conformance": "yes"})
    kind = answer.headers["content-type"]
    return {"status": answer.status_code, "type": kind, "body": answer.json()}


def post(pd):
    answer = requests.post(pd.props.url, json=pd.props.value)
    return {"status": answer.status_code, "body": answer.json()}


def denied(pd):
    try:
        requests.get(pd.props.url)
    except requests.RequestException as error:
        return {"refused": str(error)}
