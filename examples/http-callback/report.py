def handler(pd):
    converted = pd.steps.convert["$return_value"]
    pd.export("$summary", f"converted to {converted.text!r}")
    return {"before": pd.event["text"], "after": converted.text}
