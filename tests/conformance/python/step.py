"""The conformance programs in Python."""

from programs import calls, flow, results


def handler(pd):
    name = pd.props.program
    # `exit` is a name of Python: the function here ends with `_`.
    for module in (flow, results, calls):
        program = getattr(module, name, None) or getattr(module, name + "_", None)
        if program is not None and program.__module__ == module.__name__:
            return program(pd)
    raise ValueError(f"there is no program {name}")
