// Greets somebody, once somebody else has agreed.
import { defineComponent } from "waystation";

export default defineComponent({
  props: { name: { type: "string" } },
  async run({ $ }) {
    const links = $.flow.suspend({ message: `Greet ${this.name}?` });
    // The workflow pauses when this function returns. Until then the links can be sent anywhere.
    console.log("waits at", links.approval_url);
    return { greeting: `Hello, ${this.name}!` };
  },
});
