/** What an element of an answer can hold; undefined elements are left out, lists become `<item>`s. */
export type AnswerValue = string | number | boolean | undefined | Answer | readonly Answer[];

/** The elements of an answer by name, in order. */
export interface Answer {
  readonly [element: string]: AnswerValue;
}
