// Greets somebody, once somebody else has agreed.
export default defineComponent({
  props: { name: { type: "string" } },
  async run({ $ }) {
    $.flow.suspend({ message: `Greet ${this.name}?` });
    // The workflow pauses when this function returns. The links that the call gives can be sent to
    // whoever decides. Whoever has one may act, so none is logged: more people read logs.
    console.log("asked whether to greet", this.name);
    return { greeting: `Hello, ${this.name}!` };
  },
});
