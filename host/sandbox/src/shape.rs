//! What is looked at before anybody reads a component in earnest: its outer shape.
//!
//! Readers keep something for each level that a component is nested, and a trap copies the name of
//! each function on the stack. Both have no bound in the format.

use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload};

use crate::InvalidComponent;

/// Components and modules in each other. Tools that link make a handful of levels.
const DEPTH_MAX: usize = 100;

/// A function's name, in bytes. The longest that compilers make have some thousands.
const NAME_BYTES_MAX: usize = 64 << 10;

/// Refuses a component that is nested too deep, or has names that are too long. What is
/// malformed passes: the validator says more about it.
pub(crate) fn check(bytes: &[u8]) -> Result<(), InvalidComponent> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::Version { .. } if depth >= DEPTH_MAX => {
                let message = format!("it is nested more than {DEPTH_MAX} levels deep");
                return Err(InvalidComponent::TooDemanding { message });
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    check_names(names)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_names(names: NameSectionReader<'_>) -> Result<(), InvalidComponent> {
    for names in names.into_iter().map_while(Result::ok) {
        let Name::Function(names) = names else { continue };
        let long = names.into_iter().map_while(Result::ok).find(|n| n.name.len() > NAME_BYTES_MAX);
        if let Some(naming) = long {
            let message = format!(
                "the name of function {} has {} bytes; at most {NAME_BYTES_MAX} are allowed",
                naming.index,
                naming.name.len()
            );
            return Err(InvalidComponent::TooDemanding { message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Components in each other. The text form is not read as deep as that.
    fn nested(levels: usize) -> Vec<u8> {
        const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";
        let mut component = HEAD.to_vec();
        for _ in 1..levels {
            let (low, high) = ((component.len() & 0x7f) as u8, (component.len() >> 7) as u8);
            component = [HEAD, &[4, low | 0x80, high], &component].concat();
        }
        component
    }

    #[test]
    fn components_are_nested_so_deep_and_no_deeper() {
        assert_eq!(check(&nested(DEPTH_MAX)), Ok(()));
        let error = check(&nested(DEPTH_MAX + 1)).unwrap_err();
        assert_eq!(error.code(), "too_demanding");
    }

    #[test]
    fn names_are_so_long_and_no_longer() {
        let named = |bytes: usize| {
            let name = "n".repeat(bytes);
            wat::parse_str(format!("(component (core module (func ${name})))")).unwrap()
        };
        assert_eq!(check(&named(NAME_BYTES_MAX)), Ok(()));
        let error = check(&named(NAME_BYTES_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("65537 bytes; at most 65536"), "{error}");
    }

    #[test]
    fn what_is_malformed_is_for_the_validator() {
        assert_eq!(check(b"\0asm\x0d\0\x01\0\xff\xff"), Ok(()));
    }
}
