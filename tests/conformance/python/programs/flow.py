"""What pauses, runs again and ends."""


def suspend(pd):
    return pd.flow.suspend()


def timeout(pd):
    pd.flow.suspend(pd.props.ms)
    return "suspended"


def approval(pd):
    pd.flow.suspend(
        60_000, on_timeout="cancel", message=pd.props.message, resume_schema=pd.props.schema
    )
    return "asked"


def rerun(pd):
    run = pd.context.run
    if run.runs == 3:
        return {"runs": run.runs, "context": run.context}
    n = run.context["n"] if run.context else 0
    pd.flow.rerun(pd.props.ms, {"n": n + 1, "text": "zwölf Boxkämpfer 🥊"})


def callback(pd):
    run = pd.context["run"]
    if run["runs"] > 1:
        return {"runs": run["runs"], "callback": run["callback_request"]}
    pd.flow.rerun(86_400_000, None, 1)


def max_retries(pd):
    links = pd.flow.rerun(1, None, 2)
    return {"runs": pd.context.run.runs, "scheduled": links["scheduled"]}


def withdraw(pd):
    pd.flow.suspend()
    pd.flow.withdraw()
    return "went on"


def exit_(pd):
    pd.flow.exit(pd.props.reason)
    return "done"


def delay(pd):
    pd.flow.delay(pd.props.ms)
    return "delayed"


def invalid_argument(pd):
    try:
        pd.flow.rerun(0)
    except ValueError as error:
        return {"refused": str(error)}
