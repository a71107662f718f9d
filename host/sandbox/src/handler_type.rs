//! Is an export the `handler` that the host calls?

use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncType, ComponentValType,
};
use wasmparser::types::TypesRef;

use crate::invalid::{cut, short};

/// The type, as WIT writes it.
pub(crate) const EXPECTED: &str = "func(props: string) -> result<option<string>, failure>, where failure is record { name: \
     string, message: string, stack: option<string>, retryable: bool }";

/// Checks the type; the error says what it is instead.
pub(crate) fn check(types: TypesRef<'_>, export: ComponentEntityType) -> Result<(), String> {
    let ComponentEntityType::Func(id) = export else {
        return Err(format!("it is {}", sort(export)));
    };
    let Some(function) = types.get(id) else { return Err("it has no type".into()) };
    if is_handler(types, function) {
        Ok(())
    } else {
        Err(format!("it is {}", shown(types, function)))
    }
}

fn is_handler(types: TypesRef<'_>, function: &ComponentFuncType) -> bool {
    let [(_, props)] = function.params.as_ref() else { return false };
    let Some(ComponentDefinedType::Result { ok: Some(ok), err: Some(err), .. }) =
        function.result.and_then(|result| defined(types, result))
    else {
        return false;
    };
    !function.async_
        && is_primitive(types, *props, PrimitiveValType::String)
        && is_option_of_string(types, *ok)
        && is_failure(types, *err)
}

fn is_failure(types: TypesRef<'_>, value: ComponentValType) -> bool {
    let Some(ComponentDefinedType::Record(record)) = defined(types, value) else { return false };
    let fields: Vec<_> = record.fields.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
    let [("name", name), ("message", message), ("stack", stack), ("retryable", retryable)] =
        fields.as_slice()
    else {
        return false;
    };
    is_primitive(types, *name, PrimitiveValType::String)
        && is_primitive(types, *message, PrimitiveValType::String)
        && is_option_of_string(types, *stack)
        && is_primitive(types, *retryable, PrimitiveValType::Bool)
}

fn is_option_of_string(types: TypesRef<'_>, value: ComponentValType) -> bool {
    match defined(types, value) {
        Some(ComponentDefinedType::Option { ty, .. }) => {
            is_primitive(types, *ty, PrimitiveValType::String)
        }
        _ => false,
    }
}

fn is_primitive(types: TypesRef<'_>, value: ComponentValType, primitive: PrimitiveValType) -> bool {
    match value {
        ComponentValType::Primitive(found) => found == primitive,
        ComponentValType::Type(_) => matches!(
            defined(types, value),
            Some(ComponentDefinedType::Primitive(found)) if *found == primitive
        ),
    }
}

fn defined<'a>(types: TypesRef<'a>, value: ComponentValType) -> Option<&'a ComponentDefinedType> {
    match value {
        ComponentValType::Primitive(_) => None,
        ComponentValType::Type(id) => types.get(id),
    }
}

fn sort(export: ComponentEntityType) -> &'static str {
    match export {
        ComponentEntityType::Module(_) => "a module",
        ComponentEntityType::Func(_) => "a function",
        ComponentEntityType::Value(_) => "a value",
        ComponentEntityType::Type { .. } => "a type",
        ComponentEntityType::Instance(_) => "an instance",
        ComponentEntityType::Component(_) => "a component",
    }
}

/// Parameters of a function and fields of a record that are shown. A type refers to others, each
/// as often as it likes: written out it can be millions of times its bytes.
const SHOWN_MAX: usize = 6;

/// Longest text of a type, in characters.
const TEXT_MAX: usize = 1000;

/// What is shown of the items, each by `show`.
fn some<T>(items: &[T], show: impl FnMut(&T) -> String) -> String {
    let mut shown: Vec<String> = items.iter().take(SHOWN_MAX).map(show).collect();
    if items.len() > SHOWN_MAX {
        shown.push("…".into());
    }
    shown.join(", ")
}

/// A function type for people, to the depth that tells it from ours.
fn shown(types: TypesRef<'_>, function: &ComponentFuncType) -> String {
    let parameters = some(&function.params, |(name, ty)| {
        format!("{}: {}", short(name.as_str()), shown_value(types, *ty, 3))
    });
    let result = function.result.map(|ty| format!(" -> {}", shown_value(types, ty, 3)));
    let keyword = if function.async_ { "async func" } else { "func" };
    let text = format!("{keyword}({parameters}){}", result.unwrap_or_default());
    cut(&text, TEXT_MAX)
}

fn shown_value(types: TypesRef<'_>, value: ComponentValType, depth: usize) -> String {
    let inner = |value: &ComponentValType| match depth {
        0 => "…".to_owned(),
        _ => shown_value(types, *value, depth - 1),
    };
    let optional = |value: &Option<ComponentValType>| value.as_ref().map_or("_".into(), inner);
    match value {
        ComponentValType::Primitive(primitive) => primitive.to_string(),
        ComponentValType::Type(id) => match types.get(id) {
            Some(ComponentDefinedType::Primitive(primitive)) => primitive.to_string(),
            Some(ComponentDefinedType::Option { ty, .. }) => format!("option<{}>", inner(ty)),
            Some(ComponentDefinedType::List { element, .. }) => format!("list<{}>", inner(element)),
            Some(ComponentDefinedType::Result { ok, err, .. }) => {
                format!("result<{}, {}>", optional(ok), optional(err))
            }
            Some(ComponentDefinedType::Record(record)) => {
                let fields: Vec<_> = record.fields.iter().take(SHOWN_MAX + 1).collect();
                let fields =
                    some(&fields, |(name, ty)| format!("{}: {}", short(name.as_str()), inner(ty)));
                format!("record {{ {fields} }}")
            }
            _ => "another type".into(),
        },
    }
}
