import type { Option } from '../../src/recipes/recipe.ts';
import type { Written } from '../../src/recipes/written-json.ts';

/** What could be asked, before it is fitted to what Discord takes. */
export interface Draft {
  readonly title: string;
  readonly description: string;
  /** in the order in which they are to be shown */
  readonly candidates: readonly Candidate[];
  /** values that every run has, by parameter key */
  readonly fixed: ReadonlyMap<string, Written>;
  /** sentences for the person who has the recipe made */
  readonly notes: readonly string[];
}

export interface Candidate {
  /** best first; any words will do */
  readonly names: readonly string[];
  readonly option: Option;
  /** the candidate before it that this one is a mask of: it goes where that one goes */
  readonly of?: Candidate;
  /** what the workflow has where nothing is answered, and no default says it: by parameter key */
  readonly instead?: ReadonlyMap<string, Written>;
  /** whether the bounds of its number are nobody's but ours */
  readonly hasGuessedBounds?: boolean;
  /** whether its form wants an answer all the same, where something stands already */
  readonly isEased?: boolean;
  /** why it is asked, where that was guessed */
  readonly reason?: string;
}
