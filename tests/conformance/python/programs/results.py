"""What a step hands over, and what it is given."""

import sys


class OutOfStock(Exception):
    def __init__(self, message, retryable):
        super().__init__(message)
        self.retryable = retryable


def export(pd):
    pd.export("answer", {"n": 42})
    pd.export("$summary", "answered")
    try:
        pd.export("$resume_data", 1)
    except ValueError as error:
        return {"refused": str(error)}


def respond(pd):
    headers = {"x-answered-by": "conformance"}
    pd.respond(status=201, headers=headers, body={"got": pd.event["body"]})
    return "responded"


def mail(pd):
    pd.send.email(to=pd.props.to, subject=pd.props.subject, text=pd.props.text)
    return "sent"


def reserve(message, retryable):
    raise OutOfStock(message, retryable)


def error(pd):
    reserve(pd.props.message, pd.props.retryable)


def echo(pd):
    return {"value": pd.props.value}


def log(pd):
    print(f"out: {pd.props.text}")
    print(f"err: {pd.props.text}", file=sys.stderr)
    return "logged"


def view(pd):
    context = pd.context
    execution = {name: context[name] for name in ("workflow", "step", "attempt", "test")}
    execution["runs"] = context.run.runs
    before = pd.steps.first["$return_value"]
    return {"props": pd.props, "event": pd.event, "before": before, "execution": execution}
