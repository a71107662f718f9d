// `node:crypto`: hashes, HMAC, random values, comparison, key derivation. By @noble/hashes and
// the engine's Web Crypto.

import { hmac } from "@noble/hashes/hmac.js";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha224, sha256, sha384, sha512, sha512_256 } from "@noble/hashes/sha2.js";
import { sha3_224, sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3.js";
import { blake2b, blake2s } from "@noble/hashes/blake2.js";
import { Buffer } from "node:buffer";

const HASHES = {
  md5,
  ripemd160,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  "sha512-256": sha512_256,
  "sha3-224": sha3_224,
  "sha3-256": sha3_256,
  "sha3-384": sha3_384,
  "sha3-512": sha3_512,
  blake2b512: blake2b,
  blake2s256: blake2s,
};
/** The most that the engine gives at once. */
const RANDOM_MAX = 65536;

class Digest {
  #state;

  constructor(state) {
    this.#state = state;
  }

  update(data, encoding) {
    if (!this.#state) throw new Error("Digest already called");
    this.#state.update(bytesOf("data", data, encoding));
    return this;
  }

  digest(encoding) {
    if (!this.#state) throw new Error("Digest already called");
    const digest = Buffer.from(this.#state.digest());
    this.#state = undefined;
    return encoding && encoding !== "buffer" ? digest.toString(encoding) : digest;
  }

  copy() {
    if (!this.#state) throw new Error("Digest already called");
    return new this.constructor(this.#state.clone());
  }
}

export class Hash extends Digest {}
export class Hmac extends Digest {}

export function createHash(algorithm) {
  return new Hash(hashOf(algorithm).create());
}

export function createHmac(algorithm, key) {
  return new Hmac(hmac.create(hashOf(algorithm), bytesOf("key", key)));
}

/** The digest of `data` at once. */
export function hash(algorithm, data, encoding = "hex") {
  return createHash(algorithm).update(data).digest(encoding);
}

export function getHashes() {
  return Object.keys(HASHES);
}

export function randomFillSync(buffer, offset = 0, size = buffer.byteLength - offset) {
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset + offset, size)
    : new Uint8Array(buffer, offset, size);
  for (let at = 0; at < size; at += RANDOM_MAX) {
    globalThis.crypto.getRandomValues(bytes.subarray(at, Math.min(at + RANDOM_MAX, size)));
  }
  return buffer;
}

export function randomBytes(size, callback) {
  const bytes = randomFillSync(Buffer.alloc(size));
  return callback ? void queueMicrotask(() => callback(null, bytes)) : bytes;
}

export function randomUUID() {
  return globalThis.crypto.randomUUID();
}

/** A whole number from `min` (0) up to, and without, `max`; each is as likely as the others. */
export function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") [min, max, callback] = [0, min, max];
  const range = max - min;
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || range <= 0 || range > 2 ** 48) {
    throw new RangeError(`randomInt: expected whole numbers with min < max <= min + 2^48, got ${min} and ${max}`);
  }
  const limit = 2 ** 48 - (2 ** 48 % range);
  let drawn;
  do drawn = randomBytes(6).readUIntBE(0, 6);
  while (drawn >= limit);
  const number = min + (drawn % range);
  return callback ? void queueMicrotask(() => callback(null, number)) : number;
}

/** Are they equal? Takes as long whichever byte differs. */
export function timingSafeEqual(a, b) {
  const [left, right] = [bytesOf("a", a), bytesOf("b", b)];
  if (left.length !== right.length) {
    throw new RangeError("Input buffers must have the same byte length");
  }
  let different = 0;
  for (let at = 0; at < left.length; at++) different |= left[at] ^ right[at];
  return different === 0;
}

export function pbkdf2Sync(password, salt, iterations, length, digest) {
  const [secret, grain] = [bytesOf("password", password), bytesOf("salt", salt)];
  return Buffer.from(pbkdf2(hashOf(digest), secret, grain, { c: iterations, dkLen: length }));
}

export function scryptSync(password, salt, length, { N = 16384, r = 8, p = 1, cost, blockSize, parallelization } = {}) {
  const [secret, grain] = [bytesOf("password", password), bytesOf("salt", salt)];
  const work = { N: cost ?? N, r: blockSize ?? r, p: parallelization ?? p, dkLen: length };
  return Buffer.from(scrypt(secret, grain, work));
}

export function hkdfSync(digest, key, salt, info, length) {
  const parts = [bytesOf("key", key), bytesOf("salt", salt), bytesOf("info", info)];
  return hkdf(hashOf(digest), ...parts, length).buffer;
}

export const webcrypto = globalThis.crypto;
export const { subtle } = webcrypto;
export const getRandomValues = (array) => globalThis.crypto.getRandomValues(array);

function hashOf(algorithm) {
  const name = String(algorithm).toLowerCase();
  const found = HASHES[name] ?? HASHES[name.replace(/^(rsa-)?sha-?(\d+)$/, "sha$2")];
  if (found) return found;
  throw new Error(`crypto: there is no hash ${algorithm}; there are: ${getHashes().join(", ")}`);
}

function bytesOf(name, data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding === "buffer" ? "utf8" : encoding);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`crypto: ${name}: expected text or bytes, got ${typeof data}`);
}

/** What is not there says so when it is used. */
function absent(name) {
  return () => {
    throw new Error(`crypto.${name}: a step has none; crypto.subtle may have what you need`);
  };
}
export const createCipheriv = absent("createCipheriv");
export const createDecipheriv = absent("createDecipheriv");
export const createSign = absent("createSign");
export const createVerify = absent("createVerify");
export const sign = absent("sign");
export const verify = absent("verify");
export const createPrivateKey = absent("createPrivateKey");
export const createPublicKey = absent("createPublicKey");
export const createSecretKey = absent("createSecretKey");
export const generateKeyPairSync = absent("generateKeyPairSync");
export const createECDH = absent("createECDH");
export const createDiffieHellman = absent("createDiffieHellman");

export default {
  createHash,
  createHmac,
  hash,
  Hash,
  Hmac,
  getHashes,
  randomFillSync,
  randomBytes,
  randomUUID,
  randomInt,
  timingSafeEqual,
  pbkdf2Sync,
  scryptSync,
  hkdfSync,
  webcrypto,
  subtle,
  getRandomValues,
  createCipheriv,
  createDecipheriv,
  createSign,
  createVerify,
  sign,
  verify,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  createECDH,
  createDiffieHellman,
};
