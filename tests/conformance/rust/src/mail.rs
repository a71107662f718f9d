//! Sends one.

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::Error;
use waystation_step::send::{self, Mail};

#[derive(Deserialize)]
pub struct Props {
    to: String,
    subject: String,
    text: String,
}

pub fn run(props: Props) -> Result<Value, Error> {
    let Props { to, subject, text } = props;
    send::email(Mail { to: vec![to], subject, text: Some(text), ..Mail::default() })?;
    Ok(json!("sent"))
}
