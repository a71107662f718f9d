// Deliveries that the host makes for the step.

import { optional, options, text } from "./arguments.js";

const FIELDS = ["to", "subject", "text", "html"];

/** `$.send`. */
export class Send {
  #host;

  /** @param {import("./host.js").Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** Hands a mail to the host, which delivers it after the run, also when the run fails. */
  email(mail) {
    options("email", mail, FIELDS);
    const to = mail.to === undefined || mail.to === null ? [] : [mail.to].flat();
    this.#host.email({
      to: to.map((address) => text("email: to", address)),
      subject: text("email: subject", mail.subject),
      text: optional(text, "email: text", mail.text),
      html: optional(text, "email: html", mail.html),
    });
  }
}
