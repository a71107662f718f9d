//! Greets somebody, once somebody else has agreed.

use serde::{Deserialize, Serialize};
use waystation_step::flow::{self, SuspendOptions};
use waystation_step::Error;

#[derive(Deserialize)]
struct Props {
    name: String,
}

#[derive(Serialize)]
struct Greeted {
    greeting: String,
}

#[waystation_step::handler]
fn handler(props: Props) -> Result<Greeted, Error> {
    let message = Some(format!("Greet {}?", props.name));
    flow::suspend_with(SuspendOptions { message, ..SuspendOptions::default() })?;
    // The workflow pauses when this function returns. The links that the call gives can be sent to
    // whoever decides. Whoever has one may act, so none is logged: more people read logs.
    println!("asked whether to greet {}", props.name);
    Ok(Greeted { greeting: format!("Hello, {}!", props.name) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use waystation_step::testing::FakeHost;

    use super::handler;

    #[test]
    fn it_greets() {
        let outcome = FakeHost::new().props(json!({"name": "Ada"})).call(handler);
        assert_eq!(outcome.returned(), json!({"greeting": "Hello, Ada!"}));
    }
}
