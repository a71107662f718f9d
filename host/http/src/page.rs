//! The pages that people see. No script, one stylesheet, everything escaped.

use axum::response::Html;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use waystation_core::{LinkAction, OnTimeout, Timestamp};
use waystation_engine::{Approval, ApprovalState, LinkAnswer, LinkOutcome};

use crate::approval::Buttons;
use crate::problem::{Code, Problem};
use crate::relative::{utc, words};
use crate::visible::visible;

/// The stylesheet, which the policy in `answer_headers` names by its digest.
pub(crate) const STYLE: &str = include_str!("page.css");

/// The mood of a page.
#[derive(Clone, Copy)]
enum Tone {
    Ask,
    Good,
    Stop,
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Ask => "ask",
            Tone::Good => "good",
            Tone::Stop => "stop",
            Tone::Plain => "plain",
        }
    }
}

fn layout(tone: Tone, title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Waystation" }
                style { (PreEscaped(STYLE)) }
            }
            body class=(tone.class()) {
                main {
                    h1 { (title) }
                    (content)
                }
                footer { "Waystation" }
            }
        }
    };
    Html(page.into_string())
}

fn moment(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(utc(at)) { (utc(at)) } " " small { "(" (words(at, now)) ")" } }
}

/// The page that asks, or says why there is nothing to ask any more.
pub(crate) fn approval(approval: &Approval, buttons: Buttons, now: Timestamp) -> Html<String> {
    let facts = html! {
        dt { "Workflow" } dd { (approval.workflow) }
        dt { "Step" } dd { (approval.step) }
        dt { "Triggered" } dd { (moment(approval.triggered_at, now)) }
    };
    match &approval.state {
        ApprovalState::Open { message, since, deadline, kind, on_timeout } => {
            let content = html! {
                @if let Some(message) = message { p class="message" { (visible(message)) } }
                dl {
                    (facts)
                    dt { "Waiting since" } dd { (moment(*since, now)) }
                    dt { "Waiting until" } dd { (moment(*deadline, now)) }
                }
                @if let Some(on_timeout) = on_timeout {
                    p { "If nobody answers by then, " (at_deadline(*on_timeout)) "." }
                }
                @if *kind == "rerun" {
                    p { "Resume runs the step again now, before its time." }
                }
                (form(buttons))
            };
            layout(Tone::Ask, "Your answer is needed", &content)
        }
        ApprovalState::NotYet => {
            let content = html! {
                dl { (facts) }
                p { "The step is still at work. An answer now takes effect when it pauses." }
                (form(buttons))
            };
            layout(Tone::Ask, "Your answer is needed", &content)
        }
        ApprovalState::Called { action, at } => {
            let content = html! {
                p {
                    strong { (done_word(*action)) } " was asked for at " (moment(*at, now))
                    ". It takes effect when the step pauses."
                }
                dl { (facts) }
            };
            layout(Tone::Plain, "Already answered", &content)
        }
        ApprovalState::Over { how, at } => {
            let content = html! {
                p {
                    "There is nothing left to decide. " (how)
                    @if let Some(at) = at { " That was at " (moment(*at, now)) "." }
                }
                dl { (facts) }
            };
            layout(Tone::Plain, "This is over", &content)
        }
    }
}

/// What silence means.
fn at_deadline(on_timeout: OnTimeout) -> &'static str {
    match on_timeout {
        OnTimeout::Resume => "the workflow goes on without an answer",
        OnTimeout::Cancel => "the workflow is canceled",
        OnTimeout::Fail => "the workflow fails",
    }
}

fn done_word(action: LinkAction) -> &'static str {
    match action {
        LinkAction::Resume => "Resume",
        LinkAction::Cancel => "Cancel",
        LinkAction::Approve => "An answer",
    }
}

/// Posts to the address of the page itself, so that it works behind every proxy.
fn form(buttons: Buttons) -> Markup {
    let has = |action| buttons == Buttons::Both || buttons == Buttons::Only(action);
    html! {
        form method="post" {
            @if has(LinkAction::Resume) {
                button class="resume" type="submit" name="action" value="resume" { "Resume" }
            }
            @if has(LinkAction::Cancel) {
                button class="cancel" type="submit" name="action" value="cancel" { "Cancel" }
            }
        }
    }
}

/// What a call brought about.
pub(crate) fn answered(answer: &LinkAnswer, now: Timestamp) -> Html<String> {
    let (tone, title, text) = match (answer.outcome, answer.already) {
        (LinkOutcome::Resumed, false) => (Tone::Good, "Resumed", "The workflow goes on."),
        (LinkOutcome::Resumed, true) => {
            (Tone::Good, "Already resumed", "This was resumed before. Nothing has changed.")
        }
        (LinkOutcome::Canceled, false) => {
            (Tone::Stop, "Canceled", "The workflow has ended here. No later step runs.")
        }
        (LinkOutcome::Canceled, true) => {
            (Tone::Stop, "Already canceled", "This was canceled before. Nothing has changed.")
        }
        (LinkOutcome::Accepted, _) => (
            Tone::Good,
            "Accepted",
            "The step is still at work. Your answer is kept and takes effect when it pauses.",
        ),
    };
    let content = html! {
        p { (text) }
        dl {
            dt { "Execution" } dd { code { (answer.execution) } }
            dt { "At" } dd { (moment(answer.at, now)) }
        }
        p { small { "You can close this page." } }
    };
    layout(tone, title, &content)
}

/// Why a call changed nothing.
pub(crate) fn refused(problem: &Problem) -> Html<String> {
    let text = match problem.code {
        Code::NotFound => {
            "This link leads nowhere. Perhaps it was cut off on its way: \
             copy it whole, or ask whoever sent it."
        }
        _ => &problem.detail,
    };
    let content = html! {
        p { (visible(&sentence(text))) }
        @if problem.code.status().is_server_error() {
            p { "Nothing was decided. Please try again in a moment." }
        }
    };
    layout(Tone::Plain, problem.code.title(), &content)
}

/// `text` with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(message: &str) -> Approval {
        Approval {
            workflow: "approve-order".parse().unwrap(),
            execution: waystation_core::ExecutionId::from_parts(1, [1; 10]),
            triggered_at: Timestamp::from_millis(0),
            step: "ask".into(),
            state: ApprovalState::Open {
                message: Some(message.into()),
                since: Timestamp::from_millis(0),
                deadline: Timestamp::from_millis(86_400_000),
                kind: "suspend",
                on_timeout: Some(OnTimeout::Resume),
            },
        }
    }

    #[test]
    fn what_a_step_says_is_only_text() {
        let page =
            approval(&open("<script>alert(1)</script>"), Buttons::Both, Timestamp::default());
        let page = page.0;
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(1)"));
        assert!(page.contains("value=\"resume\"") && page.contains("value=\"cancel\""));
        assert!(page.contains("1970-01-02 00:00:00 UTC") && page.contains("in 24 hours"));
    }

    #[test]
    fn what_a_step_says_orders_nothing_but_itself() {
        let page = approval(&open("pay \u{202e}001"), Buttons::Both, Timestamp::default()).0;
        assert!(page.contains("<bdi>pay \u{fffd}001</bdi>"), "{page}");
        let problem = Problem::new(Code::SchemaMismatch, "\u{2066}x\u{200b}".to_owned());
        let page = refused(&problem).0;
        assert!(page.contains("<bdi>\u{fffd}x\u{fffd}.</bdi>"), "{page}");
    }

    #[test]
    fn a_link_that_asks_back_has_its_own_button_alone() {
        let buttons = Buttons::Only(LinkAction::Cancel);
        let page = approval(&open("?"), buttons, Timestamp::default()).0;
        assert!(!page.contains("value=\"resume\"") && page.contains("value=\"cancel\""));
    }

    #[test]
    fn what_is_over_has_no_buttons() {
        let over = ApprovalState::Over { how: "it was resumed".into(), at: None };
        let page =
            approval(&Approval { state: over, ..open("") }, Buttons::Both, Timestamp::default());
        assert!(!page.0.contains("<button"));
    }

    #[test]
    fn texts_become_sentences() {
        assert_eq!(sentence("the step went on"), "The step went on.");
        assert_eq!(sentence("Done."), "Done.");
    }
}
