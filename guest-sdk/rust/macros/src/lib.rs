//! The attribute `#[handler]` of `waystation-step`, which re-exports it.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Makes a function the step's handler.
///
/// The function takes the step's props, as any type that `serde` can read, or nothing. It
/// returns a `Result` whose value `serde` can write and whose error is, or becomes,
/// `waystation_step::Error`.
///
/// ```text
/// #[waystation_step::handler]
/// fn handler(props: Props) -> Result<Output, Error> { … }
/// ```
#[proc_macro_attribute]
pub fn handler(_: TokenStream, item: TokenStream) -> TokenStream {
    let function = match Function::read(item.clone()) {
        Ok(function) => function,
        Err(message) => return format!("compile_error!({message:?});").parse().unwrap_or_default(),
    };
    let name = function.name;
    let call = if function.takes_props {
        format!("waystation_step::__private::run(&props, {name})")
    } else {
        format!("waystation_step::__private::run_without_props({name})")
    };
    let export = format!(
        "const _: () = {{
            struct Step;
            impl waystation_step::__private::Guest for Step {{
                fn handler(
                    props: ::std::string::String,
                ) -> ::core::result::Result<
                    ::core::option::Option<::std::string::String>,
                    waystation_step::__private::Failure,
                > {{
                    let _ = &props;
                    {call}
                }}
            }}
            waystation_step::__private::export!(
                Step with_types_in waystation_step::__private::bindings
            );
        }};"
    );
    let mut tokens = item;
    tokens.extend(export.parse::<TokenStream>());
    tokens
}

/// What has to be known of the function: enough for it is to look at its first tokens.
struct Function {
    name: String,
    takes_props: bool,
}

impl Function {
    fn read(item: TokenStream) -> Result<Self, &'static str> {
        let mut tokens = item.into_iter().skip_while(|token| !is_word(token, "fn"));
        if tokens.next().is_none() {
            return Err("#[handler] goes on a function");
        }
        let name = match tokens.next() {
            Some(TokenTree::Ident(name)) => name.to_string(),
            _ => return Err("#[handler] goes on a function with a name"),
        };
        match tokens.next() {
            Some(TokenTree::Group(arguments))
                if arguments.delimiter() == Delimiter::Parenthesis =>
            {
                Ok(Self { name, takes_props: !arguments.stream().is_empty() })
            }
            _ => Err("a handler has no type parameters"),
        }
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}
