// Core modules as bytes: what `snapshot.mjs` reads of them and changes in them.

const MAGIC_LENGTH = 8;
const SECTION = { import: 2, memory: 5, global: 6, export: 7, start: 8, data: 11, dataCount: 12 };
const KIND = { memory: 2, global: 3 };
const OPCODE = { i32: 0x41, i64: 0x42, f32: 0x43, f64: 0x44, end: 0x0b };
const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
const NAME = "waystation-global-";
/** Zeros shorter than this are written out: a segment of their own would cost as much. */
const GAP_MIN = 16;

/** `module` with its mutable globals exported, under the names and types that are given too. */
export function instrument(module) {
  const sections = read(module);
  const globals = mutableGlobals(sections);
  const exports = sections.find(({ id }) => id === SECTION.export);
  const reader = new Reader(exports.body);
  const count = reader.u32();
  const added = globals.map(({ index }) => [
    ...text(`${NAME}${index}`),
    KIND.global,
    ...unsigned(index),
  ]);
  exports.body = Buffer.concat([
    Buffer.from(unsigned(count + globals.length)),
    reader.rest(),
    Buffer.from(added.flat()),
  ]);
  return { module: write(sections), globals };
}

/** The instrumented `module` with the memory and globals of `instance`, and without `init`. */
export function snapshot(module, instance, globals, init) {
  const sections = read(module).filter(({ id }) => id !== SECTION.start);
  const pages = instance.exports.memory.buffer.byteLength / 65536;
  for (const section of sections) {
    if (section.id === SECTION.memory) section.body = memories(section.body, pages);
    if (section.id === SECTION.global) section.body = values(section.body, instance, globals);
    if (section.id === SECTION.export) section.body = withoutAdded(section.body, init);
  }
  const data = segments(Buffer.from(instance.exports.memory.buffer));
  const body = Buffer.concat([Buffer.from(unsigned(data.length)), ...data]);
  const kept = sections.filter(({ id }) => id !== SECTION.data && id !== SECTION.dataCount);
  // Custom sections may follow, and nothing else.
  const last = kept.findLastIndex(({ id }) => id !== 0);
  kept.splice(last + 1, 0, { id: SECTION.data, body });
  return write(kept);
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  byte() {
    return this.bytes[this.at++];
  }
  u32() {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }
  take(length) {
    return this.bytes.subarray(this.at, (this.at += length));
  }
  name() {
    return this.take(this.u32()).toString();
  }
  limits() {
    const flags = this.byte();
    return { flags, min: this.u32(), max: flags & 1 ? this.u32() : undefined };
  }
  /** A constant expression: its bytes. */
  expression() {
    const start = this.at;
    while (this.byte() !== OPCODE.end) {
      const opcode = this.bytes[this.at - 1];
      if (opcode === OPCODE.f32) this.at += 4;
      else if (opcode === OPCODE.f64) this.at += 8;
      else while (this.byte() >= 0x80);
    }
    return this.bytes.subarray(start, this.at);
  }
  rest() {
    return this.bytes.subarray(this.at);
  }
}

function read(module) {
  const reader = new Reader(module);
  reader.take(MAGIC_LENGTH);
  const sections = [];
  while (reader.at < module.length) {
    const id = reader.byte();
    sections.push({ id, body: reader.take(reader.u32()) });
  }
  return sections;
}

function write(sections) {
  const parts = [Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])];
  for (const { id, body } of sections) {
    parts.push(Buffer.from([id, ...unsigned(body.length)]), body);
  }
  return Buffer.concat(parts);
}

function mutableGlobals(sections) {
  const imported = sections.find(({ id }) => id === SECTION.import);
  if (imported && importsOtherThanFunctions(imported.body)) {
    throw new Error("the engine imports more than functions: its state can't be taken");
  }
  const section = sections.find(({ id }) => id === SECTION.global);
  return readGlobals(section.body).filter(({ mutable }) => mutable);
}

function readGlobals(body) {
  const reader = new Reader(body);
  return Array.from({ length: reader.u32() }, (_, index) => {
    const type = reader.byte();
    const mutable = reader.byte() === 1;
    return { index, type, mutable, init: reader.expression() };
  });
}

function importsOtherThanFunctions(body) {
  const reader = new Reader(body);
  for (let left = reader.u32(); left > 0; left--) {
    reader.name();
    reader.name();
    if (reader.byte() !== 0) return true;
    reader.u32();
  }
  return false;
}

function memories(body, pages) {
  const reader = new Reader(body);
  if (reader.u32() !== 1) throw new Error("the engine has more than one memory");
  const { flags, max } = reader.limits();
  return Buffer.from([1, flags, ...unsigned(pages), ...(max === undefined ? [] : unsigned(max))]);
}

function values(body, instance, globals) {
  const known = new Set(globals.map(({ index }) => index));
  const all = readGlobals(body);
  const parts = all.map(({ index, type, mutable, init }) => {
    const now = known.has(index) ? constant(type, instance.exports[`${NAME}${index}`].value) : init;
    return Buffer.from([type, mutable ? 1 : 0, ...now]);
  });
  return Buffer.concat([Buffer.from(unsigned(all.length)), ...parts]);
}

function constant(type, value) {
  switch (type) {
    case TYPE.i32:
      return [OPCODE.i32, ...signed(BigInt(value)), OPCODE.end];
    case TYPE.i64:
      return [OPCODE.i64, ...signed(value), OPCODE.end];
    case TYPE.f32: {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value);
      return [OPCODE.f32, ...bytes, OPCODE.end];
    }
    case TYPE.f64: {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value);
      return [OPCODE.f64, ...bytes, OPCODE.end];
    }
    default:
      throw new Error(`a global of the engine has the type ${type}, whose value can't be taken`);
  }
}

function withoutAdded(body, init) {
  const reader = new Reader(body);
  const kept = [];
  for (let left = reader.u32(); left > 0; left--) {
    const start = reader.at;
    const name = reader.name();
    reader.byte();
    reader.u32();
    const dropped = name.startsWith(NAME) || name === init || name === "_initialize";
    if (!dropped) kept.push(body.subarray(start, reader.at));
  }
  return Buffer.concat([Buffer.from(unsigned(kept.length)), ...kept]);
}

/** The data segments that make `memory`, whose long stretches of zeros are left out. */
function segments(memory) {
  const found = [];
  let at = 0;
  const length = memory.length;
  while (at < length) {
    while (at < length && memory[at] === 0) at++;
    if (at === length) break;
    let end = at;
    let zeros = 0;
    for (let next = at; next < length && zeros < GAP_MIN; next++) {
      if (memory[next] === 0) zeros++;
      else {
        zeros = 0;
        end = next + 1;
      }
    }
    found.push([at, end]);
    at = end;
  }
  return merged(found).map(([from, to]) => {
    const offset = [0, OPCODE.i32, ...signed(BigInt(from)), OPCODE.end, ...unsigned(to - from)];
    return Buffer.concat([Buffer.from(offset), memory.subarray(from, to)]);
  });
}

/** Engines limit the number of segments: the smallest gaps are filled until there are few. */
function merged(found) {
  const most = 10_000;
  if (found.length <= most) return found;
  const gaps = found.slice(1).map(([from], before) => from - found[before][1]);
  const least = gaps.toSorted((a, b) => b - a)[most - 2];
  const result = [found[0]];
  for (const [index, gap] of gaps.entries()) {
    if (gap > least) result.push(found[index + 1]);
    else result.at(-1)[1] = found[index + 1][1];
  }
  return result;
}

function text(string) {
  const bytes = Buffer.from(string);
  return [...unsigned(bytes.length), ...bytes];
}

function unsigned(value) {
  const bytes = [];
  do {
    const low = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value ? low | 0x80 : low);
  } while (value);
  return bytes;
}

function signed(value) {
  const bytes = [];
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    const done = (value === 0n && !(low & 0x40)) || (value === -1n && low & 0x40);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}
