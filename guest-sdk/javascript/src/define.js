// The names under which a step is defined.

/** The component as it is: the name says what it is, to people and to TypeScript. */
export function defineComponent(component) {
  return component;
}

/** Another name for `defineComponent`. */
export const defineAction = defineComponent;
