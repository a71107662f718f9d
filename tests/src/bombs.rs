//! Components that are small or large, and always hard to take: each is a sound step with
//! something beside it that nobody needs.

/// A step that takes anything and returns nothing. It compiles in milliseconds.
const STEP: &str = r#"(component
    (core module $step
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
        (func (export "handler") (param i32 i32) (result i32) (i32.const 1024)))
    (core instance $step (instantiate $step))
    (type $fields (record (field "name" string) (field "message" string)
        (field "stack" (option string)) (field "retryable" bool)))
    (export $failure "failure" (type $fields))
    (type $handler (func (param "props" string)
        (result (result (option string) (error $failure)))))
    (func $handler (type $handler) (canon lift (core func $step "handler")
        (memory (core memory $step "memory")) (realloc (core func $step "cabi_realloc"))))
    (export "handler" (func $handler))
"#;

/// The step alone. Different words make different components.
pub fn step(word: &str) -> Vec<u8> {
    with(&format!("(core module (memory 0) (data \"{word}\"))"))
}

/// Many functions, each with much to do: compiling takes its time for each byte of it. A
/// function is about 12 KB.
pub fn many_functions(count: usize) -> Vec<u8> {
    // Bytes, because the text of it would take minutes to read.
    let mut body = vec![1, 8, 0x7f];
    for n in 0..1500_u32 {
        let (a, b, c) = (n % 8, n / 8 % 8, n / 64 % 8);
        let local = |n: u32| u8::try_from(n).unwrap_or_default();
        // local.get a, local.get b, i32.mul or another, local.set c
        let operation = [0x6a, 0x6c, 0x73, 0x6e][n as usize % 4];
        body.extend([0x20, local(a), 0x20, local(b), operation, 0x21, local(c)]);
    }
    body.push(0x0b);
    let function = [leb(body.len()), body].concat();
    let code = [leb(count), function.repeat(count)].concat();
    // All of the one type.
    let functions = [leb(count), vec![0; count]].concat();
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    for (id, section) in [(1, vec![1, 0x60, 0, 0]), (3, functions), (10, code)] {
        module.push(id);
        module.extend(leb(section.len()));
        module.extend(section);
    }
    beside(&module)
}

/// One function of so many blocks, each within the one before.
pub fn nested_blocks(depth: usize) -> Vec<u8> {
    with_body(&[[0x02, 0x40].repeat(depth), vec![0x0b; depth]].concat(), &[0])
}

/// One function with so many locals, all of them used.
pub fn many_locals(count: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for n in 0..count {
        body.extend([vec![0x20], leb(n), vec![0x41, 1, 0x6a, 0x21], leb((n + 1) % count)].concat());
    }
    let locals = [vec![1], leb(count), vec![0x7f]].concat();
    with_body(&body, &locals)
}

/// A data segment of so many bytes.
pub fn large_data(bytes: usize) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // A memory of no pages; one passive segment.
    module.extend([5, 3, 1, 0, 0]);
    let segment = [vec![1, 1], leb(bytes), vec![b'x'; bytes]].concat();
    module.push(11);
    module.extend(leb(segment.len()));
    module.extend(segment);
    beside(&module)
}

/// Components within components.
pub fn nested_components(depth: usize) -> Vec<u8> {
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
    let within = (1..depth)
        .fold(EMPTY.to_vec(), |inner, _| [EMPTY, &[4], &leb(inner.len()), &inner].concat());
    [with(""), vec![4], leb(within.len()), within].concat()
}

/// A module of one function with these locals and this body.
fn with_body(body: &[u8], locals: &[u8]) -> Vec<u8> {
    let function = [locals, body, &[0x0b]].concat();
    let code = [vec![1], leb(function.len()), function].concat();
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend([1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10]);
    module.extend(leb(code.len()));
    module.extend(code);
    beside(&module)
}

/// The step with an instance of `module`, which imports nothing, beside it.
fn beside(module: &[u8]) -> Vec<u8> {
    let mut component = with("");
    component.push(1);
    component.extend(leb(module.len()));
    component.extend(module);
    // One core instance, of the second module.
    component.extend([2, 4, 1, 0, 1, 0]);
    component
}

fn with(items: &str) -> Vec<u8> {
    wat::parse_str(format!("{STEP}{items})")).expect("the text of a component")
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
