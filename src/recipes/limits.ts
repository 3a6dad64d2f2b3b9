/** What Discord takes of a command (application-commands.mdx) and of a modal (components/reference.mdx). */

/** Of commands and options. Discord allows other alphabets too. */
export const NAME = /^[a-z0-9_-]{1,32}$/;
export const NAME_WORDS = '1 to 32 of a-z, 0-9, _ and -';
/** characters */
export const MOST_IN_NAME = 32;
export const MOST_IN_DESCRIPTION = 100;

/** Discord allows 25; one of them is `private`. */
export const MOST_OPTIONS = 24;

/** Of all names, descriptions and choices of a command together. */
export const MOST_IN_COMMAND = 8000;

/** So many choices of an option are listed; more are suggested while one types. */
export const MOST_LISTED = 25;
/** Of what is shown of a choice. */
export const MOST_IN_CHOICE = 100;

/** Of a text that is said with the command. */
export const MOST_IN_TEXT = 6000;

/** A modal has five components. */
export const MOST_LONG_TEXTS = 5;
export const MOST_IN_LONG_TEXT = 4000;

/** Of a recipe's own sentence for an answer that is not taken. It stands beside others in one message: ours, not Discord's. */
export const MOST_IN_MESSAGE = 300;
