import type { APIInteraction } from 'discord-api-types/v10';
import { barOf } from '../recipes/access.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { isForAllAges, visitorOf } from './interaction.ts';
import { text } from './text.ts';

/** What is said to somebody who may not use a recipe, or not there; undefined for everybody else. */
export function barredFrom({ access, nsfw }: Recipe, interaction: APIInteraction): string | undefined {
  const bar = barOf(access, visitorOf(interaction));
  if (bar) return text.barred(bar);
  return nsfw && isForAllAges(interaction) ? text.onlyAgeRestricted : undefined;
}
