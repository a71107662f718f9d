//! `[limits]`: every field of [`Limits`], by its own name.

use serde_json::{Map, Value};
use waystation_core::Limits;

use super::given::Given;
use crate::failure::{Done, Failure};

/// What any limit may be at the most. Nothing that is counted here comes near it.
const MAX: u64 = u32::MAX as u64;

/// Limits that may be none at all.
const MAY_BE_ZERO: [&str; 13] = [
    "compiles_waiting_max",
    "database_mib",
    "disk_free_mib_min",
    "drain_s",
    "execution_log_bytes_max",
    "execution_mails_max",
    "exports_max",
    "hooks_per_minute",
    "kept_days",
    "links_per_minute",
    "log_bytes_max",
    "mails_max",
    "wrong_tokens_per_minute",
];

/// Limits with bounds of their own: what is less can't work, what is more can't be meant.
const BOUNDS: [(&str, u64, u64); 5] = [
    // Language runtimes start within less than a tenth of the default; with each run's room for
    // it, a machine's address space has to hold `runs_max` of them.
    ("stack_kib", 64, 65_536),
    // The program itself, and the smallest component.
    ("compile_memory_mib", 256, MAX),
    ("machine_code_mib_max", 1, 4096),
    // The server reads in pieces of this size.
    ("header_bytes_max", 8192, MAX),
    ("http_headers_bytes_max", Limits::HTTP_HEADERS_BYTES_LEAST as u64, MAX),
];

/// The names of all limits.
pub(super) fn names() -> Vec<String> {
    defaults().into_iter().map(|(name, _)| name).collect()
}

/// The limits, as far as they are given, and the defaults for the rest.
pub(super) fn read(given: &Given) -> Done<Limits> {
    let mut fields = defaults();
    for (name, field) in &mut fields {
        let key = format!("limits.{name}");
        let Some(setting) = given.get(&key) else { continue };
        let (least, most) = bounds(name);
        let number = match &setting.value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => *field = number.into(),
            None => {
                let allowed = format!("a whole number from {least} to {most} is allowed");
                return Err(setting.fault(&key, &allowed));
            }
        }
    }
    let limits: Limits = serde_json::from_value(Value::Object(fields)).map_err(Failure::new)?;
    for (name, default, most) in [
        ("memory_mib", limits.memory_mib, limits.memory_mib_max),
        ("timeout_s", limits.timeout_s, limits.timeout_s_max),
        ("cpu_ms", limits.cpu_ms, limits.cpu_ms_max),
    ] {
        if default > most {
            let keys = [format!("limits.{name}"), format!("limits.{name}_max")];
            let setting = keys.iter().find_map(|key| Some((key, given.get(key)?)));
            let allowed = format!("limits.{name} is at most limits.{name}_max, here {most}");
            return Err(match setting {
                Some((key, setting)) => setting.fault(key, &allowed),
                None => Failure::usage(allowed),
            });
        }
    }
    Ok(limits)
}

/// The least and the most that a limit may be.
fn bounds(name: &str) -> (u64, u64) {
    let own = BOUNDS.iter().find(|(bounded, ..)| *bounded == name);
    own.map_or((u64::from(!MAY_BE_ZERO.contains(&name)), MAX), |(_, least, most)| (*least, *most))
}

fn defaults() -> Map<String, Value> {
    match serde_json::to_value(Limits::default()) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}
