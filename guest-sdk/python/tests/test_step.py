"""The step's side of the library, in plain CPython."""

import datetime
import doctest
import enum
import subprocess
import sys
import unittest
import uuid

import waystation.testing
from waystation.component import preload
from waystation.encoding import dumps
from waystation.failure import Failure
from waystation.record import Record, loads
from waystation.testing import FakeHost


class Flow(unittest.TestCase):
    def test_the_seeds_polling_program_asks_for_a_rerun_and_sees_its_context(self):
        def handler(pd):
            if pd.context["run"]["runs"] == 1:
                return pd.flow.rerun(10_000, {"hello": "world"}, 3)
            return pd.context.run.context

        host = FakeHost()
        links = host.call(handler)
        self.assertEqual(host.asked, ("rerun", 10_000, {"hello": "world"}, 3))
        self.assertTrue(links["resume_url"] and links["scheduled"])
        self.assertEqual(FakeHost(runs=2, context={"a": 1}).call(handler), {"a": 1})

    def test_a_rerun_past_its_limit_is_not_scheduled(self):
        host = FakeHost(runs=4)
        self.assertFalse(host.call(lambda pd: pd.flow.rerun(1, None, 3).scheduled))
        self.assertIsNone(host.asked)

    def test_suspend_takes_its_options(self):
        host = FakeHost()
        host.call(lambda pd: pd.flow.suspend(1000, on_timeout="fail", resume_schema={"type": "object"}))
        self.assertEqual(host.asked, ("suspend", 1000, "fail", None, {"type": "object"}))

    def test_wrong_arguments_are_value_errors_that_name_them(self):
        for call in (
            lambda pd: pd.flow.rerun("10"),
            lambda pd: pd.flow.rerun(-1),
            lambda pd: pd.flow.delay(float("nan")),
            lambda pd: pd.flow.suspend(True),
            lambda pd: pd.flow.suspend(on_timeout="explode"),
            lambda pd: pd.flow.rerun(1, None, 2**32),
        ):
            with self.assertRaisesRegex(ValueError, "delay|ms|on_timeout|max_retries"):
                FakeHost().call(call)

    def test_the_seeds_keywords_are_taken(self):
        host = FakeHost()
        host.call(lambda pd: pd.flow.rerun(delay=1, context={"a": 1}, maxRetries=2))
        self.assertEqual(host.asked, ("rerun", 1, {"a": 1}, 2))
        with self.assertRaisesRegex(ValueError, "max_retries: given twice"):
            host.call(lambda pd: pd.flow.rerun(1, None, 2, maxRetries=2))

    def test_a_handler_that_fails_has_asked_for_nothing(self):
        def handler(pd):
            pd.flow.suspend()
            pd.send.email("sent all the same", "t")
            raise RuntimeError

        host = FakeHost()
        with self.assertRaises(RuntimeError):
            host.call(handler)
        self.assertEqual((host.asked, len(host.mails)), (None, 1))

    def test_withdraw_and_exit(self):
        host = FakeHost()
        host.call(lambda pd: (pd.flow.suspend(), pd.flow.withdraw(), pd.flow.exit("done")) and None)
        self.assertEqual((host.asked, host.ended), (None, ("exit", "done")))


class Values(unittest.TestCase):
    def test_the_context_reads_by_item_and_attribute_and_prints_as_a_dict(self):
        def handler(pd):
            self.assertEqual(pd.context["run"]["runs"], pd.context.run.runs)
            self.assertIsNone(pd.context.run.callback_request)
            self.assertTrue(str(pd.context).startswith("{'id': "))
            return pd.context.deadline

        self.assertEqual(FakeHost().call(handler), "2026-01-01T00:00:30.000Z")

    def test_a_test_may_set_the_time(self):
        at = datetime.datetime(2030, 5, 6, 7, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
        read = lambda pd: [pd.context.triggered_at, pd.context.deadline]
        host = FakeHost(now=at, timeout_s=60)
        self.assertEqual(host.call(read), ["2030-05-06T05:00:00Z", "2030-05-06T05:01:00.000Z"])

    def test_exports_of_one_step_are_read_by_the_next(self):
        first = FakeHost()
        first.call(lambda pd: pd.export("answer", 42) or {"n": 1})
        second = FakeHost(steps={"first": first.exports}, event={"id": 3})
        read = lambda pd: [pd.steps.first.answer, pd.steps["first"]["$return_value"].n,
                           pd.steps["trigger"]["event"]["id"]]
        self.assertEqual(second.call(read), [42, 1, 3])

    def test_the_callback_and_the_steps_are_records(self):
        host = FakeHost(runs=2, callback_request={"body": {"ok": True}}, event={"n": 1},
                        steps={"ask": {"$return_value": 7}})
        read = lambda pd: [pd.context.run.callback_request.body.ok, pd.event.n,
                           pd.steps.ask["$return_value"], pd.steps.trigger.event.n]
        self.assertEqual(host.call(read), [True, 1, 7, 1])

    def test_exports_mails_and_answers_reach_the_host(self):
        def handler(pd):
            pd.export("$summary", "fine")
            pd.send.email(subject="s", text="t", to="a@example.com")
            pd.respond(status=201, body={"id": pd.inputs.id})

        host = FakeHost()
        host.call(handler, {"id": 7})
        self.assertEqual(host.exports, {"$summary": "fine"})
        self.assertEqual(host.mails[0]["to"], ["a@example.com"])
        self.assertEqual(host.response, (201, [("content-type", "application/json")], b'{"id":7}'))

    def test_python_values_become_json(self):
        class Colour(enum.Enum):
            RED = "red"

        at = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
        value = {"at": at, "raw": b"hi", "set": {2, 1}, "of": Colour.RED, 1: (None, True),
                 "id": uuid.UUID(int=1)}
        self.assertEqual(loads(dumps(value, "it")), {
            "at": "2026-01-02T00:00:00+00:00", "raw": {"base64": "aGk="}, "set": [1, 2],
            "of": "red", "1": [None, True], "id": "00000000-0000-0000-0000-000000000001",
        })

    def test_what_is_no_json_is_named_with_its_place(self):
        itself = []
        itself.append(itself)
        for value, words in (
            ({"items": [1, {"when": object()}]}, r"at items\[1\]\.when is a object"),
            ({"n": float("inf")}, "at n is inf"),
            ({(1, 2): 3}, "JSON's keys are text"),
            (itself, "holds itself"),
            ("\ud800", "not Unicode"),
        ):
            with self.assertRaisesRegex(TypeError, words):
                dumps(value, "the return value")

    def test_a_record_says_what_it_has(self):
        with self.assertRaisesRegex(AttributeError, "no field 'b'; there are: a"):
            Record(a=1).b


class Refusals(unittest.TestCase):
    """The fake host refuses what the real one refuses, in its words."""

    def refused(self, words, call, kind=ValueError, host=None):
        with self.assertRaisesRegex(kind, words):
            (host or FakeHost()).call(call)

    def test_waits_and_lines(self):
        year = 365 * 24 * 3600 * 1000
        FakeHost().call(lambda pd: pd.flow.suspend(year))
        self.refused("timeout-ms: 31536000001 ms; 1 to", lambda pd: pd.flow.suspend(year + 1))
        self.refused("delay-ms: 0 ms", lambda pd: pd.flow.rerun(0))
        self.refused("message: more than one line", lambda pd: pd.flow.suspend(message="a\nb"))
        self.refused("message: 1026 bytes", lambda pd: pd.flow.suspend(message="é" * 513))
        self.refused("resume-schema: not a JSON Schema", lambda pd: pd.flow.suspend(resume_schema=[]))

    def test_exports(self):
        for name in ("", "1a", "a-b", "ä", "$", "$return_value", "a$", "a" * 129):
            self.refused("are allowed|are the host's", lambda pd: pd.export(name, 1))
        self.refused("a line of text", lambda pd: pd.export("$summary", 1))
        self.refused("at most 524288", lambda pd: pd.export("a", "x" * 600_000))
        many = lambda pd: [pd.export(f"a{n}", n) for n in range(65)] and None
        self.refused("a64: one export too many; at most 64", many)

    def test_mails(self):
        mail = lambda **fields: lambda pd: pd.send.email(**{"subject": "s", "text": "t", **fields})
        for address in ("a@example.org", "a.b+c@xn--a.example", "ä@ö.example"):
            FakeHost().call(mail(to=address))
        for address in ("a", "a@", "@b", "a@@b", ".a@b", "a..b@c", "a@-b", "A <a@b>", "a" * 65 + "@b"):
            self.refused("is not an address", mail(to=address))
        self.refused("subject: one line", mail(subject="a\nb"))
        self.refused("needs text or html", mail(text=None))
        self.refused("to: 51 addresses", mail(to=["a@b"] * 51))
        self.refused("may not send mail", mail(), PermissionError, FakeHost(email=False))
        many = lambda pd: [pd.send.email("s", "t") for _ in range(21)] and None
        self.refused("one mail too many", many, PermissionError)

    def test_answers(self):
        self.refused("status: 199; 200 to 599", lambda pd: pd.respond(status=199))
        self.refused("is set by the host", lambda pd: pd.respond(headers={"Date": "x"}))
        self.refused("is not a header's name", lambda pd: pd.respond(headers={"a b": "x"}))
        self.refused("characters that no header", lambda pd: pd.respond(headers={"a": "x\r\n"}))
        twice = lambda pd: (pd.respond(body=1), pd.respond(body=2)) and None
        self.refused("answered already", twice, RuntimeError)
        alone = FakeHost(http_caller=False)
        self.refused("no HTTP caller waits", lambda pd: pd.respond(), RuntimeError, alone)


class Failures(unittest.TestCase):
    def failure(self, handler):
        try:
            FakeHost().call(handler)
        except BaseException as error:
            return Failure.of(error)

    def test_the_traceback_shows_the_step_and_hides_the_library(self):
        def handler(pd):
            pd.flow.rerun(-1)  # the step's line

        failure = self.failure(handler)
        self.assertEqual((failure.name, failure.retryable), ("ValueError", True))
        self.assertIn("the step's line", failure.stack)
        self.assertNotIn("flow.py", failure.stack)
        self.assertNotIn("invoke.py", failure.stack)

    def test_an_error_may_say_that_it_is_not_retryable(self):
        def handler(pd):
            error = RuntimeError("gone \ud800")
            error.retryable = False
            raise error

        failure = self.failure(handler)
        self.assertEqual((failure.message, failure.retryable), ("gone \\ud800", False))

    def test_a_coroutine_is_run_to_its_end(self):
        async def handler(pd):
            return 3

        self.assertEqual(FakeHost().call(handler), 3)


class Building(unittest.TestCase):
    def test_what_only_works_in_a_component_is_not_imported_here(self):
        code = (
            "import sys, waystation, waystation.testing\n"
            "print([name for name in sys.modules if name.startswith('waystation.component')])"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout.strip(), "[]")

    def test_imports_in_functions_are_found(self):
        source = (
            "import os\nclass A:\n    import skipped\n    def f(self):\n        import json, a.b\n"
            "        from . import x\n        def g():\n            from ..up import y as z\n"
        )
        self.assertEqual(
            preload.imported_in_functions(source, "p.q.r", False),
            ["a.b", "json", "p.q", "p.q.x", "p.up", "p.up.y"],
        )


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(waystation.testing))
    return tests


if __name__ == "__main__":
    unittest.main()
