// Calls out.

export async function get() {
  const answer = await fetch(this.url, { headers: { "x-conformance": "yes" } });
  const type = answer.headers.get("content-type");
  return { status: answer.status, type, body: await answer.json() };
}

export async function post() {
  const answer = await fetch(this.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(this.value),
  });
  return { status: answer.status, body: await answer.json() };
}

export async function denied() {
  try {
    await fetch(this.url);
  } catch (error) {
    return { refused: error.message };
  }
}
