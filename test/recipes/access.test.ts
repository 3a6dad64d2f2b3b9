import { PermissionFlagsBits } from 'discord-api-types/v10';
import { describe, expect, it } from 'vitest';
import { barOf, type Visitor } from '../../src/recipes/access.ts';
import { commandOf } from '../../src/recipes/commands.ts';
import type { Access } from '../../src/recipes/recipe.ts';

const { Administrator, ManageGuild, SendMessages } = PermissionFlagsBits;
const HERE = '100000000000000001';
const ARTIST = '200000000000000001';
const ANA = '300000000000000001';

const member = { user: 'somebody', server: HERE, roles: [], permissions: SendMessages } satisfies Visitor;
const alone = { user: 'somebody', roles: [], permissions: 0n } satisfies Visitor;

describe('a recipe', () => {
  it.each<[string, Access | undefined, Visitor, boolean]>([
    ['is for everybody where nothing is said', undefined, alone, true],
    ['of a server may be used there', { servers: [HERE] }, member, true],
    ['of a server may not be used in another one', { servers: [HERE] }, { ...member, server: '1' }, false],
    ['of a server may not be used in direct messages', { servers: [HERE] }, alone, false],
    ['of a role is for those who have it', { roles: ['1', ARTIST] }, { ...member, roles: [ARTIST] }, true],
    ['of a role is for nobody else', { roles: [ARTIST] }, { ...member, roles: ['1'] }, false],
    ['of a user is for them', { users: [ANA] }, { ...alone, user: ANA }, true],
    ['of a user is for nobody else', { users: [ANA] }, member, false],
    ['of a permission is for those who have it', { permission: 'ManageGuild' }, may(ManageGuild), true],
    ['of a permission is for nobody else', { permission: 'ManageGuild' }, member, false],
    ['of a permission is for administrators', { permission: 'ManageGuild' }, may(Administrator), true],
    ['of a role is not for the administrators of any server', { roles: [ARTIST] }, may(Administrator), false],
    ['of a server is not for the administrators of another', { servers: ['1'] }, may(Administrator), false],
    [
      'of a role or a permission is for those who have one of them',
      { roles: [ARTIST], permission: 'ManageGuild' },
      may(ManageGuild),
      true,
    ],
    [
      'of a server and a role wants both',
      { servers: [HERE], roles: [ARTIST] },
      { ...member, server: '1', roles: [ARTIST] },
      false,
    ],
    ['of a permission that Discord does not have is for nobody', { permission: 'toString' }, member, false],
  ])('%s', (_what, access, visitor, expected) => {
    expect(barOf(access, visitor) === undefined).toBe(expected);
  });

  it('says what is missing', () => {
    expect(barOf({ servers: [HERE], users: [ANA] }, alone)).toEqual({ by: 'server' });
    const access = { roles: [ARTIST], permission: 'ManageGuild' };
    expect(barOf(access, member)).toEqual({ by: 'person', roles: [ARTIST], users: [], permission: 'ManageGuild' });
  });
});

function may(permissions: bigint): Visitor {
  return { ...member, permissions };
}

describe('the command of a recipe', () => {
  const recipe = { name: 'echo', description: 'Echo', options: {}, outputs: { main: [] } };
  const everywhere = { contexts: [0, 1, 2] };
  const inServers = { contexts: [0] };

  it.each<[string, Access | undefined, object]>([
    ['is offered everywhere', undefined, everywhere],
    ['of users is offered everywhere', { users: [ANA] }, everywhere],
    ['of users or a role is offered everywhere', { users: [ANA], roles: [ARTIST] }, everywhere],
    ['of servers is offered in servers', { servers: [HERE], users: [ANA] }, inServers],
    ['of roles is offered in servers', { roles: [ARTIST] }, inServers],
    [
      'of a permission is shown in servers to those who have it',
      { permission: 'ManageGuild' },
      { ...inServers, default_member_permissions: '32' },
    ],
  ])('%s', (_what, access, expected) => {
    const command = commandOf({ ...recipe, ...(access && { access }) });
    expect(command).toMatchObject(expected);
    expect('default_member_permissions' in command).toBe('default_member_permissions' in expected);
    expect(command).not.toHaveProperty('nsfw');
  });

  it('of a permission is not hidden from those who may use it for another reason', () => {
    const command = commandOf({ ...recipe, access: { permission: 'ManageGuild', roles: [ARTIST] } });
    expect(command).not.toHaveProperty('default_member_permissions');
  });

  it('is marked where it is for adults', () => {
    expect(commandOf({ ...recipe, nsfw: true })).toMatchObject({ nsfw: true });
  });
});
