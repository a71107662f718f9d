"""What only works inside a component: the bindings to the host, HTTP through it, and
what the standard library lacks there.

While the component is built, the step's module is imported once, with files and
without a host; the memory that results is the component. At run time there is a host,
but no files and no sockets: so everything that is imported late is imported at build
(``preload``), what is ``lacking`` fails with words, and ``http.client``, ``urllib``,
``urllib3``, ``requests`` and ``httpx`` send through ``http``.

``entry.load`` is where the build begins, ``entry.Entry.handler`` where a run does.
"""
