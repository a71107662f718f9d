"""Answers with what it is given: its props, and what the steps before it exported."""


def handler(pd):
    first = pd.steps.first
    print("the first step says", first["$return_value"])
    return {
        "props": pd.props,
        "returned": first["$return_value"],
        "named": first.answer,
        "event": pd.steps.trigger.event,
    }
