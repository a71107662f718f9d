//! Guests that break the rules of how values cross the boundary (the canonical ABI).

use serde_json::json;

use crate::arena::Arena;
use crate::attack::Attack;

const TRAP: &[&str] = &["guest_trap"];

/// A mebibyte of text, for lists that name it again and again.
const MUCH: &str = "(memory (export \"memory\") 1008)";

#[test]
fn values_that_are_none() {
    let mut arena = Arena::tight("canonical ABI");
    for (name, tries, body, says) in [
        (
            "not UTF-8",
            "returns a text that is none",
            "(call $return (i32.const 32768) (i32.const 3))",
            "utf-8",
        ),
        (
            "a surrogate",
            "returns half a character",
            "(call $return (i32.const 32776) (i32.const 3))",
            "utf-8",
        ),
        (
            "text past the end",
            "returns a text whose end is outside of its memory",
            "(call $return (i32.const 131000) (i32.const 1000))",
            "out of bounds",
        ),
        (
            "text of 4 GiB",
            "returns a text longer than any memory",
            "(call $return (i32.const 16) (i32.const -1))",
            "",
        ),
        (
            "neither ok nor error",
            "returns the seventh case of two",
            "(i32.store8 (i32.const 8192) (i32.const 7)) (i32.const 8192)",
            "discriminant",
        ),
        (
            "neither some nor none",
            "returns the ninth case of an option",
            "(i32.store8 (i32.const 8192) (i32.const 0)) (i32.store8 (i32.const 8196) (i32.const 9)) (i32.const 8192)",
            "discriminant",
        ),
        ("answer past the end", "returns an address outside of its memory", "(i32.const -8)", ""),
        ("crooked answer", "returns an address that is not aligned", "(i32.const 8193)", "align"),
        (
            "argument past the end",
            "exports a name that is outside of its memory",
            "(call $export (i32.const -16) (i32.const 64) {1} (i32.const 8256)) (call $return_nothing)",
            "out of bounds",
        ),
        (
            "room past the end",
            "has the host write an answer outside of its memory",
            "(call $get_run (i32.const -64)) (call $return_nothing)",
            "out of bounds",
        ),
        (
            "a choice that is none",
            "suspends with the ninth of three ways to time out",
            "(call $suspend_with (i32.const 0) (i64.const 0) (i32.const 1) (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256)) (call $return_nothing)",
            "",
        ),
        (
            "a handle from nowhere",
            "waits for a handle that was never given",
            "(call $block (i32.const 77)) (call $return_nothing)",
            "handle",
        ),
        (
            "a handle of another sort",
            "waits for a set of headers",
            "(call $block (call $fields)) (call $return_nothing)",
            "handle",
        ),
        (
            "dropped twice",
            "drops a timer twice",
            "(local $t i32) (local.set $t (call $subscribe_duration (i64.const 1))) (call $drop_pollable (local.get $t)) (call $drop_pollable (local.get $t)) (call $return_nothing)",
            "handle",
        ),
        (
            "a list past the end",
            "answers with 268 million headers",
            "(call $respond (i32.const 200) (i32.const 16384) (i32.const 0x0fffffff) (i32.const 0) (i32.const 0) (i32.const 8256)) (call $return_nothing)",
            "",
        ),
    ] {
        let items =
            "(data (i32.const 32768) \"\\ff\\fe\\fd\") (data (i32.const 32776) \"\\ed\\a0\\80\")";
        let attack = Attack::new(name, tries, TRAP).says(says);
        arena.component(&attack, waystation_wat::guest_with(items, body), &json!({}));
    }
    arena.end();
}

#[test]
fn lists_that_are_larger_for_the_host_than_for_the_guest() {
    let mut arena = Arena::tight("canonical ABI");
    let limit = &["host_call_limit"];
    let empty = Attack::new(
        "four million headers",
        "answers with headers that take 16 bytes here and 48 there",
        limit,
    );
    let body = "(call $respond (i32.const 200) (i32.const 65536) (i32.const 4000000) (i32.const 0) (i32.const 0) (i32.const 8256)) (call $return_nothing)";
    arena.component(&empty, waystation_wat::guest_with(MUCH, body), &json!({}));
    let same = Attack::new(
        "a text a thousand times",
        "sends a mail to a thousand receivers, all of them the same MiB",
        limit,
    );
    let body = "(local $n i32)
        (memory.fill (i32.const 1048576) (i32.const 120) (i32.const 1048576))
        (loop $on
            (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 8))) (i32.const 1048576))
            (i32.store (i32.add (i32.const 65540) (i32.mul (local.get $n) (i32.const 8))) (i32.const 1048576))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 1000))))
        (call $email (i32.const 65536) (i32.const 1000) {s} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256))
        (call $return_nothing)";
    arena.component(&same, waystation_wat::guest_with(MUCH, body), &json!({}));
    arena.end();
}

#[test]
fn allocators_that_lie() {
    let mut arena = Arena::tight("canonical ABI");
    for (name, tries, endings, body) in [
        (
            "room outside of memory",
            "gives the host an address that it has not",
            TRAP,
            "(i32.const -4096)",
        ),
        (
            "room at the edge",
            "gives the host the last byte of its memory",
            TRAP,
            "(i32.const 131071)",
        ),
        ("no room", "traps when the host asks for room", TRAP, "unreachable"),
        (
            "the same room",
            "gives the host the same room for every text",
            &["completed"][..],
            "(i32.const 16384)",
        ),
        ("room at zero", "gives the host its very first byte", &["completed"][..], "(i32.const 0)"),
        (
            "room that grows",
            "grows its memory each time",
            &["completed"][..],
            "(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))",
        ),
    ] {
        let items =
            format!("(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {body})");
        let handler = "(call $get_execution (i32.const 8256)) (call $get_run (i32.const 8256)) (call $return_nothing)";
        let attack = Attack::new(name, tries, endings);
        arena.component(&attack, waystation_wat::guest_with(&items, handler), &json!({}));
    }
    arena.end();
}
