import { PermissionFlagsBits } from 'discord-api-types/v10';
import type { Access } from './recipe.ts';

/**
 * Who may use a recipe. Discord decides it too, but the administrators of a server can overrule what a command asks for,
 * and a press of a button is decided by nobody else.
 */

/** Somebody who asks, as Discord tells of them. */
export interface Visitor {
  readonly user: string;
  /** absent in direct messages */
  readonly server?: string;
  /** of the server's member; none elsewhere */
  readonly roles: readonly string[];
  /** Discord's bits of what the member may do there */
  readonly permissions: bigint;
}

/** Why a recipe may not be used. */
export type Bar =
  | { readonly by: 'server' }
  | {
      readonly by: 'person';
      readonly roles: readonly string[];
      readonly users: readonly string[];
      readonly permission: string | undefined;
    };

/** undefined where it may be used */
export function barOf(access: Access | undefined, visitor: Visitor): Bar | undefined {
  if (!access) return undefined;
  const { servers, roles = [], users = [], permission } = access;
  if (servers && (visitor.server === undefined || !servers.includes(visitor.server))) return { by: 'server' };
  if (roles.length === 0 && users.length === 0 && permission === undefined) return undefined;
  const isMet =
    users.includes(visitor.user) ||
    roles.some((role) => visitor.roles.includes(role)) ||
    (permission !== undefined && hasPermission(visitor, permission));
  return isMet ? undefined : { by: 'person', roles, users, permission };
}

/**
 * An administrator has every permission, as in Discord itself. Nothing else is given to them: anybody is the
 * administrator of a server of their own, and would pass what names roles and users of another one.
 */
function hasPermission({ permissions }: Visitor, name: string): boolean {
  if ((permissions & PermissionFlagsBits.Administrator) !== 0n) return true;
  const bit = permissionBit(name);
  return bit !== undefined && (permissions & bit) !== 0n;
}

/** Discord's bit of a permission; undefined for a name that it does not have. */
export function permissionBit(name: string): bigint | undefined {
  return Object.entries(PermissionFlagsBits).find(([known]) => known === name)?.[1];
}

/** Whether there is a way to use it in direct messages, where nobody has roles or permissions. */
export function isForDirectMessages({ servers, roles, users, permission }: Access = {}): boolean {
  if (servers) return false;
  return users !== undefined || (roles === undefined && permission === undefined);
}
