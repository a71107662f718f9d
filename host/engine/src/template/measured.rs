//! Filters and output that measure what they are given.

use std::sync::Arc;

use minijinja::value::{Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, State, escape_formatter};

use super::room::Room;

/// The filters of Jinja that there are: all that make nothing but a value of about the same size.
pub(super) const FILTERS: [&str; 40] = [
    "abs",
    "attr",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
];

/// Bytes of what is given, as JSON, that are a step of the template machine. Items of a list may be
/// as small as two bytes, and each is looked at.
const BYTES_PER_STEP: u64 = 16;

/// Replaces the filters and the output of `environment`. Filters count what they do by
/// themselves, up to `fuel`.
pub(super) fn measure(environment: &mut Environment<'static>, fuel: u64) {
    let mut plain = Environment::new();
    plain.set_undefined_behavior(environment.undefined_behavior());
    plain.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    plain.set_fuel(Some(fuel));
    let plain = Arc::new(plain);
    for name in FILTERS {
        let plain = plain.clone();
        environment.add_filter(name, move |state: &State, given: Rest<ValueOrKwargs>| {
            let given = given.into_values();
            is_not_too_large(state, &given)?;
            plain.empty_state().apply_filter(name, &given)
        });
    }
    environment.set_formatter(|out, state, value| {
        is_not_too_large(state, std::slice::from_ref(value))?;
        escape_formatter(out, state, value)
    });
}

/// Charges for what is given. What there is no fuel for is not looked at to its end.
fn is_not_too_large(state: &State, given: &[Value]) -> Result<(), Error> {
    let fuel = state.fuel_levels().map_or(0, |(_, left)| left);
    let mut room = Room::new(usize::try_from(fuel * BYTES_PER_STEP).unwrap_or(usize::MAX));
    // Who may be given nothing says so itself.
    for value in given.iter().filter(|value| !value.is_undefined()) {
        let taken = room.take(value);
        if room.is_full() {
            return state.consume_fuel(fuel + 1);
        }
        taken?;
    }
    state.consume_fuel(room.taken() as u64 / BYTES_PER_STEP)
}
