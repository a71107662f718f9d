//! `waystation secret …`.

use std::io::{IsTerminal, Read};
use std::path::Path;

use serde_json::json;
use waystation_core::SecretValue;
use zeroize::Zeroizing;

use crate::args::SecretVerb;
use crate::client::{Server, ServerArgs};
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;
use crate::verbs::{segment, show};

const PATH: &str = "/api/v1/secrets";

pub(super) fn run(args: &ServerArgs, verb: SecretVerb) -> Done {
    let server = &Server::new(args)?;
    match verb {
        SecretVerb::Set { name, destinations, reveal, file } => {
            let value = value(&name, file.as_deref())?;
            let body = json!({"value": value.as_str(), "for": destinations, "reveal": reveal});
            set(server, &name, &Zeroizing::new(body.to_string()), args.json)
        }
        SecretVerb::Ls => list(server, args.json),
        SecretVerb::Rm { name } => remove(server, &name, args.json),
    }
}

/// The value, which never comes from the command line: that is seen by others, and kept in
/// histories. From a file, else from standard input; where that is a terminal, without echo.
fn value(name: &str, file: Option<&Path>) -> Done<Zeroizing<String>> {
    let stdin = std::io::stdin();
    let text = match file {
        Some(file) => {
            let failed = |error| Failure::new(format!("{}: {error}", file.display()));
            bounded(std::fs::File::open(file).map_err(failed)?)
        }
        None if stdin.is_terminal() => {
            output::prompt(format!("value of {name}: "));
            console::Term::stderr()
                .read_secure_line()
                .map(Zeroizing::new)
                .map_err(|error| Failure::new(format!("the value can't be read: {error}")))
        }
        None => bounded(stdin.lock()),
    }?;
    // Files and pipes end with a line's end that belongs to no value.
    let value = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |rest| rest.strip_suffix('\r').unwrap_or(rest));
    Ok(Zeroizing::new(value.to_owned()))
}

/// All of it; past the most that a value may have, no more than shows that it is too much.
fn bounded(from: impl Read) -> Done<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let most = SecretValue::BYTES_MAX as u64 + 3;
    from.take(most)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("the value can't be read: {error}")))?;
    Ok(text)
}

fn set(server: &Server, name: &str, body: &str, json: bool) -> Done {
    let path = format!("{PATH}/{}", segment(name)?);
    let length = body.len() as u64;
    let answer = server.put(&path, "application/json", length, &mut body.as_bytes())?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let what = if answer.status == 201 { "set" } else { "replaced" };
    output::line(format!("{what} {name}: {}", terms(&answer.body)));
    Ok(())
}

/// What may be done with a secret, in words.
fn terms(secret: &serde_json::Value) -> String {
    let destinations = secret["for"].as_array().into_iter().flatten();
    let mut words: Vec<String> =
        destinations.filter_map(|text| Some(format!("for {}", text.as_str()?))).collect();
    if secret["reveal"] == true {
        words.push("may be revealed".into());
    }
    output::one_line(&words.join(", "))
}

fn list(server: &Server, json: bool) -> Done {
    let answer = server.get(PATH)?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = show::items(&answer.body)
        .iter()
        .map(|secret| {
            let unreadable = secret["unreadable"].as_str();
            let unreadable = unreadable.map(|why| format!("UNREADABLE: {why}"));
            vec![
                show::text(secret, "name"),
                show::text(secret, "set_at"),
                terms(secret),
                unreadable.unwrap_or_default(),
            ]
        })
        .collect();
    output::line(table(&["NAME", "SET", "MAY BE USED", ""], &rows));
    Ok(())
}

fn remove(server: &Server, name: &str, json: bool) -> Done {
    let answer = server.delete(&format!("{PATH}/{}", segment(name)?))?;
    if json {
        output::json(&answer.body);
    } else {
        output::line(format!("removed {name}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_text_without_the_last_lines_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        for (text, wanted) in [
            ("abc", "abc"),
            ("abc\n", "abc"),
            ("abc\r\n", "abc"),
            ("a\nb\n\n", "a\nb\n"),
            (" abc ", " abc "),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(value("A", Some(&file)).unwrap().as_str(), wanted);
        }
        std::fs::write(&file, b"\xff\xfe").unwrap();
        assert!(value("A", Some(&file)).is_err());
    }

    #[test]
    fn a_file_is_not_read_without_end() {
        assert_eq!(bounded(std::io::repeat(b'x')).unwrap().len(), (16 << 10) + 3);
    }
}
