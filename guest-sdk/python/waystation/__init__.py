"""Steps of durable workflows, in Python.

A step is a module with a function ``handler(pd)``; ``waystation build`` makes a
WebAssembly component of it. Nothing has to be imported from here to write one;
what is here serves type checkers and tests:

* :class:`Pd` is what ``handler`` is given;
* :class:`Record` is a JSON object whose fields are attributes too; :class:`Links`,
  :class:`Context` and :class:`Run` are those of the host;
* :mod:`waystation.testing` runs a step in plain CPython, without a host.

Layout: ``pd``, ``flow`` and ``mail`` are the step's side; ``encoding``, ``record`` and
``views`` are its values; ``invoke`` and ``failure`` are one call of the handler;
``host`` is the seam to the host; ``testing`` and ``rules`` stand for it in tests;
``component`` is what only works inside a component, and is not imported here.
"""

from .flow import Flow
from .mail import Send
from .pd import Pd
from .record import Record
from .views import Context, Links, Run

__all__ = ["Context", "Flow", "Links", "Pd", "Record", "Run", "Send"]
__version__ = "0.1.0"
