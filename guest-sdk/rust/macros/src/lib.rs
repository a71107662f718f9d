//! The attribute `#[handler]` of `waystation-step`, which re-exports it.

use proc_macro::{TokenStream, TokenTree};

/// See `waystation_step::handler`, which is this.
#[proc_macro_attribute]
pub fn handler(_: TokenStream, item: TokenStream) -> TokenStream {
    let name = match name(item.clone()) {
        Ok(name) => name,
        Err(message) => return format!("compile_error!({message:?});").parse().unwrap_or_default(),
    };
    let export = format!(
        "#[cfg(target_family = \"wasm\")]
        const _: () = {{
            use ::waystation_step::__private::bindings;
            struct Step;
            impl bindings::Guest for Step {{
                fn handler(
                    props: ::std::string::String,
                ) -> ::core::result::Result<
                    ::core::option::Option<::std::string::String>,
                    bindings::Failure,
                > {{
                    ::waystation_step::__private::call({name}, &props)
                }}
            }}
            bindings::export!(Step with_types_in bindings);
        }};
        #[cfg(not(target_family = \"wasm\"))]
        const _: () = {{
            const fn is_a_handler<S, H: ::waystation_step::__private::Handler<S> + Copy>(_: H) {{}}
            is_a_handler({name});
        }};"
    );
    let mut tokens = item;
    tokens.extend(export.parse::<TokenStream>());
    tokens
}

/// The function's name: enough for it is to look at its first tokens.
fn name(item: TokenStream) -> Result<String, &'static str> {
    let mut tokens = item.into_iter();
    loop {
        match tokens.next() {
            Some(token) if is_word(&token, "async") => {
                return Err("a handler is not async: calls to the host block, and nothing in a \
                            step could be waited for");
            }
            Some(token) if is_word(&token, "fn") => break,
            Some(_) => {}
            None => return Err("#[handler] goes on a function"),
        }
    }
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(_))) => Ok(name.to_string()),
        (Some(TokenTree::Ident(_)), _) => Err("a handler has no type parameters"),
        _ => Err("#[handler] goes on a function with a name"),
    }
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}
