"""The step's side of the library, in plain CPython."""

import datetime
import doctest
import enum
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
