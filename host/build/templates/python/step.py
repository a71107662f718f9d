"""Greets somebody, once somebody else has agreed."""


def handler(pd):
    links = pd.flow.suspend(message=f"Greet {pd.props.name}?")
    # The workflow pauses when this function returns. Until then the links can be sent anywhere.
    print("waits at", links.approval_url)
    return {"greeting": f"Hello, {pd.props.name}!"}
