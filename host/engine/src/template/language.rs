//! What of Jinja there is.
//!
//! A template takes values apart and puts texts together. It does not put values together: of
//! forty doublings comes a value that no memory holds, and of one that holds itself no end, and
//! the library does not count what such a value is when it is compared or written out. Nor does
//! it bound how deep a chain of operators goes, which takes the stack.

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::{Token, parse, parse_expr, tokenize};
use minijinja::{Error, ErrorKind};

use super::measured::FILTERS;

/// Words and signs of one expression or tag. Each may be a level of the parser's tree.
const TOKENS_MAX: usize = 200;

/// Tags of one template: an `elif` is a level below its `if`.
const TAGS_MAX: usize = 200;

/// The one function that there is.
const FUNCTION: &str = "range";

type Checked = Result<(), Error>;

/// Checks a template for what there is not.
pub(super) fn check_template(source: &str) -> Checked {
    check_size(source, false)?;
    statement(&parse(source, "<template>", Default::default())?)
}

/// Checks an expression for what there is not.
pub(super) fn check_expression(source: &str) -> Checked {
    check_size(source, true)?;
    expression(&parse_expr(source)?)
}

/// Before anything is made of the source.
fn check_size(source: &str, in_expression: bool) -> Checked {
    let (mut tags, mut tokens) = (0, 0);
    for token in tokenize(source, in_expression, Default::default()) {
        match token?.0 {
            Token::BlockStart => (tags, tokens) = (tags + 1, 0),
            Token::VariableStart | Token::TemplateData(_) => tokens = 0,
            _ => tokens += 1,
        }
        if tokens > TOKENS_MAX {
            return refused(&format!("an expression has at most {TOKENS_MAX} words and signs"));
        }
        if tags > TAGS_MAX {
            return refused(&format!("a template has at most {TAGS_MAX} tags"));
        }
    }
    Ok(())
}

fn refused(why: &str) -> Checked {
    Err(Error::new(ErrorKind::InvalidOperation, why.to_owned()))
}

fn is_not_there(what: &str) -> Checked {
    refused(&format!("there is no {what} here: templates take values apart, and make only texts"))
}

fn statement(statement: &Stmt<'_>) -> Checked {
    match statement {
        Stmt::Template(template) => statements(&template.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(emit) => expression(&emit.expr),
        Stmt::IfCond(condition) => {
            expression(&condition.expr)?;
            statements(&condition.true_body)?;
            statements(&condition.false_body)
        }
        Stmt::ForLoop(repeat) if !repeat.recursive => {
            expression(&repeat.iter)?;
            optional(repeat.filter_expr.as_ref())?;
            statements(&repeat.body)?;
            statements(&repeat.else_body)
        }
        Stmt::ForLoop(_) => is_not_there("recursive loop"),
        Stmt::WithBlock(_) => is_not_there("`with`"),
        Stmt::Set(_) | Stmt::SetBlock(_) => is_not_there("`set`"),
        Stmt::AutoEscape(_) => is_not_there("`autoescape`"),
        Stmt::FilterBlock(_) => is_not_there("block of a filter"),
        Stmt::Do(_) => is_not_there("`do`"),
    }
}

fn statements(all: &[Stmt<'_>]) -> Checked {
    all.iter().try_for_each(statement)
}

fn expression(all: &Expr<'_>) -> Checked {
    match all {
        Expr::Var(_) | Expr::Const(_) => Ok(()),
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => match is_constant(all) {
            true => Ok(()),
            false => is_not_there("list or object of anything but constants"),
        },
        Expr::UnaryOp(operator) => expression(&operator.expr),
        Expr::BinOp(operator) => match operator.op {
            BinOpKind::Concat => refused("there is no `~` here: texts stand one after the other"),
            _ => expression(&operator.left).and_then(|()| expression(&operator.right)),
        },
        Expr::Compare(compare) => {
            expression(&compare.expr)?;
            compare.ops.iter().try_for_each(|operator| expression(&operator.expr))
        }
        Expr::IfExpr(choice) => {
            expression(&choice.test_expr)?;
            expression(&choice.true_expr)?;
            optional(choice.false_expr.as_ref())
        }
        Expr::Slice(slice) => {
            expression(&slice.expr)?;
            [&slice.start, &slice.stop, &slice.step]
                .into_iter()
                .try_for_each(|e| optional(e.as_ref()))
        }
        Expr::GetAttr(part) => expression(&part.expr),
        Expr::GetItem(part) => {
            expression(&part.expr).and_then(|()| expression(&part.subscript_expr))
        }
        Expr::Test(test) => {
            expression(&test.expr)?;
            arguments(&test.args)
        }
        Expr::Filter(filter) => {
            if !FILTERS.contains(&filter.name) {
                return is_not_there(&format!("filter {}", filter.name));
            }
            if filter.name == "tojson" && !filter.args.is_empty() {
                return refused("`tojson` takes nothing here");
            }
            optional(filter.expr.as_ref())?;
            arguments(&filter.args)
        }
        Expr::Call(call) => match &call.expr {
            Expr::Var(name) if name.id == FUNCTION => arguments(&call.args),
            _ => is_not_there(&format!("function but `{FUNCTION}`")),
        },
    }
}

fn optional(part: Option<&Expr<'_>>) -> Checked {
    part.map_or(Ok(()), expression)
}

fn arguments(all: &[CallArg<'_>]) -> Checked {
    all.iter().try_for_each(|argument| match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) => expression(value),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => is_not_there("`*` before an argument"),
    })
}

fn is_constant(value: &Expr<'_>) -> bool {
    match value {
        Expr::Const(_) => true,
        Expr::UnaryOp(operator) => is_constant(&operator.expr),
        Expr::List(list) => list.items.iter().all(is_constant),
        Expr::Tuple(tuple) => tuple.items.iter().all(is_constant),
        Expr::Map(map) => map.keys.iter().chain(&map.values).all(is_constant),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(template: &str) -> String {
        check_template(template).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_takes_values_apart_is_there() {
        for good in [
            "{{ event.total * 1.19 }} {{ event['a'][0].b[1:-1] }}",
            "{% for a in event.list|sort if a not in [1, 2] %}{{ loop.index }}{% else %}-{% endfor %}",
            "{% if event.x is defined and event.y in ('a', 'b') %}a{% elif event.z %}b{% endif %}",
            "{{ event.names|map('upper')|join(', ') if event.names else 'nobody' }}",
            "{{ event.x|default({'a': [1, -2]}) }}{% raw %}{{ ~ }}{% endraw %}",
        ] {
            assert_eq!(refusal(good), "", "{good}");
        }
    }

    #[test]
    fn what_puts_values_together_is_not() {
        for (bad, part) in [
            ("{% set a = 1 %}", "`set`"),
            ("{% set a %}x{% endset %}", "`set`"),
            ("{% with a = 1 %}{% endwith %}", "`with`"),
            ("{% filter upper %}x{% endfilter %}", "filter"),
            ("{% for a in b recursive %}{% endfor %}", "recursive"),
            ("{{ [event] }}", "constants"),
            ("{{ (event, 1) }}", "constants"),
            ("{{ {'a': event} }}", "constants"),
            ("{{ a ~ b }}", "`~`"),
            ("{{ namespace(x=1) }}", "function"),
            ("{{ event.x() }}", "function"),
            ("{{ range(*event) }}", "`*`"),
            ("{{ event|batch(2, event) }}", "filter batch"),
            ("{{ event|tojson(indent=9) }}", "tojson"),
            ("{% if [event] == 1 %}{% endif %}", "constants"),
            ("{{ 1 if [event] }}", "constants"),
            ("{{ event|sort(attribute=[event]) }}", "constants"),
        ] {
            let refusal = refusal(bad);
            assert!(refusal.contains(part), "{bad}: {refusal:?}");
        }
    }

    #[test]
    fn no_chain_is_too_long() {
        let sum = |ones: usize| format!("1{}", " + 1".repeat(ones - 1));
        assert!(check_expression(&sum(TOKENS_MAX / 2)).is_ok());
        assert!(check_expression(&sum(TOKENS_MAX / 2 + 1)).is_err());
        assert!(check_expression(&sum(200_000)).is_err());
        let chain =
            |elifs: usize| format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(elifs));
        assert!(check_template(&chain(TAGS_MAX - 2)).is_ok());
        assert!(check_template(&chain(TAGS_MAX - 1)).is_err());
    }
}
