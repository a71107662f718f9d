// Calls out, by axios.

import axios, { type AxiosError } from "axios";

import type { Program } from "./program";

const client = axios.create({ validateStatus: () => true });

export const calls: Record<string, Program> = {
  async get({ props }) {
    const answer = await client.get<unknown>(props.url, { headers: { "x-conformance": "yes" } });
    return { status: answer.status, type: answer.headers["content-type"], body: answer.data };
  },

  async post({ props }) {
    const answer = await client.post<unknown>(props.url, props.value);
    return { status: answer.status, body: answer.data };
  },

  async denied({ props }) {
    try {
      await client.get(props.url);
    } catch (error) {
      return { refused: (error as AxiosError).message };
    }
  },
};
