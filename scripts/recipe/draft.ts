import type { Option } from '../../src/recipe.ts';
import type { Written } from '../../src/written-json.ts';

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
  /** what every run has instead when there is no room for the option: by parameter key */
  readonly instead?: ReadonlyMap<string, Written>;
  /** why it is asked, where that was guessed */
  readonly reason?: string;
}
