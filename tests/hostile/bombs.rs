//! Components that are small to send and large to compile, made byte by byte.

use crate::guest;

/// Ids of sections of a component.
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;
const COMPONENT: u8 = 4;

/// The first bytes of a component, and of a module.
const COMPONENT_HEAD: [u8; 8] = *b"\0asm\x0d\0\x01\0";
const MODULE_HEAD: [u8; 8] = *b"\0asm\x01\0\0\0";

/// The smallest step, and a module of `count` functions with this code.
pub(crate) fn with_functions(count: u32, code: &[u8]) -> Vec<u8> {
    let mut function = number(0);
    function.extend(code);
    function.push(0x0b);
    let mut bodies = number(count);
    for _ in 0..count {
        bodies.extend(number(length(&function)));
        bodies.extend(&function);
    }
    let mut types = number(count);
    types.extend(vec![0; count as usize]);
    let mut module = MODULE_HEAD.to_vec();
    // One type: from one number to one number.
    module.extend(section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]));
    module.extend(section(3, &types));
    module.extend(section(10, &bodies));
    beside_a_step(CORE_MODULE, &module)
}

/// A number from the parameter, by `count` additions, multiplications and comparisons that
/// depend on each other.
pub(crate) fn arithmetic(count: usize) -> Vec<u8> {
    let mut code = vec![0x20, 0];
    for _ in 0..count {
        // local.get 0, i32.add, local.get 0, i32.mul, local.tee 0
        code.extend([0x20, 0, 0x6a, 0x20, 0, 0x6c, 0x22, 0]);
    }
    code
}

/// The smallest step, and components in each other, so many levels of them.
pub(crate) fn nested(levels: usize) -> Vec<u8> {
    let mut inner = COMPONENT_HEAD.to_vec();
    for _ in 0..levels {
        let mut outer = COMPONENT_HEAD.to_vec();
        outer.extend(section(COMPONENT, &inner));
        inner = outer;
    }
    beside_a_step(COMPONENT, &inner)
}

/// The smallest step, and so many instances of a module with `count` globals.
pub(crate) fn with_globals(count: u32, instances: u32) -> Vec<u8> {
    let mut globals = number(count);
    for _ in 0..count {
        // A mutable i64 that begins as zero.
        globals.extend([0x7e, 1, 0x42, 0, 0x0b]);
    }
    let mut module = MODULE_HEAD.to_vec();
    module.extend(section(6, &globals));
    let mut all = number(instances);
    for _ in 0..instances {
        // Instantiate the module that comes after the two of the step, with no arguments.
        all.extend([0, 2, 0]);
    }
    let mut component = beside_a_step(CORE_MODULE, &module);
    component.extend(section(CORE_INSTANCE, &all));
    component
}

/// The smallest step, with more of the component's text before its end.
pub(crate) fn with_text(more: &str) -> Vec<u8> {
    let step = guest::text("smallest");
    let whole = step.trim_end().strip_suffix(')').expect("a component ends");
    wat::parse_str(format!("{whole}\n{more})")).expect("the text of a component")
}

fn beside_a_step(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut component = guest::component("smallest");
    component.extend(section(id, contents));
    component
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    section.extend(number(length(contents)));
    section.extend(contents);
    section
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a bomb is smaller than 4 GiB")
}

/// A number as WebAssembly writes it (LEB128).
fn number(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
