// What a run waits for. The engine traps when nothing is left that could go on; here it is seen
// before, and told.

/** How often it is looked whether anything is left to wait for. */
const LOOK_MS = 500;
/** How long before the run is cut off it ends with a message of its own. */
const LAST_MS = 300;

const pending = new Set();
let crashed;

/** Something has begun that will go on by itself: a timer, a request, the reading of a body. */
export function started(what) {
  pending.add(what);
}

/** It has gone on. */
export function settled(what) {
  pending.delete(what);
}

/** Fails the run: an error in a callback that nobody awaits. */
export function crash(error) {
  crashed?.(error);
}

/**
 * The result of `work`; an error when a callback throws, when `work` waits for what never comes,
 * and shortly before `deadlineMs`.
 */
export async function watched(work, deadlineMs, wait) {
  let timer;
  const trouble = new Promise((_, reject) => {
    crashed = reject;
    let idle = 0;
    const look = () => {
      idle = pending.size === 0 ? idle + 1 : 0;
      // Twice: between two looks a promise may have led to the next.
      if (idle >= 2) return reject(neverSettles());
      if (Date.now() >= deadlineMs - LAST_MS) return reject(tooLate());
      timer = wait.set(look, Math.min(LOOK_MS, Math.max(1, deadlineMs - LAST_MS - Date.now())));
    };
    timer = wait.set(look, LOOK_MS);
  });
  try {
    return await Promise.race([work, trouble]);
  } finally {
    wait.clear(timer);
  }
}

function neverSettles() {
  const message = "the step awaits a promise that nothing settles: no request and no timer is left to wait for";
  return Object.assign(new Error(message), { name: "NeverSettles" });
}

function tooLate() {
  const message = "the step's time is over: what it awaits has not come";
  return Object.assign(new Error(message), { name: "TimeoutError" });
}
