"""Greets somebody, once somebody else has agreed."""


def handler(pd):
    pd.flow.suspend(message=f"Greet {pd.props.name}?")
    # The workflow pauses when this function returns. The links that the call gives can be sent to
    # whoever decides. Whoever has one may act, so none is logged: more people read logs.
    print("asked whether to greet", pd.props.name)
    return {"greeting": f"Hello, {pd.props.name}!"}
