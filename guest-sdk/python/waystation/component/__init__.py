"""What only works inside a component: the bindings to the host, HTTP through it, and
what the standard library lacks there.

While the component is built, the step's module is imported once, with files and
without a host; the memory that results is the component. At run time there is a host,
but no files and no sockets: so everything that is imported late is imported at build
(``preload``), ``sockets`` fail with words instead of a trap, and ``urllib``, ``urllib3``
and ``requests`` send through ``http``.

``entry.load`` is where the build begins, ``entry.Entry.handler`` where a run does.
"""
