/** Every route of the local Discord, and the test that shows it at work. */
export const coverage: Readonly<Record<string, string>> = {
  'GET /gateway/bot': 'the bot finds itself, its application and the gateway',
  'GET /users/@me': 'the bot finds itself, its application and the gateway',
  'GET /applications/@me': 'the bot finds itself, its application and the gateway',
  'GET /applications/{application}/commands': 'global commands are made, read, changed, replaced and removed',
  'POST /applications/{application}/commands': 'global commands are made, read, changed, replaced and removed',
  'PUT /applications/{application}/commands': 'global commands are made, read, changed, replaced and removed',
  'GET /applications/{application}/commands/{command}': 'global commands are made, read, changed, replaced and removed',
  'PATCH /applications/{application}/commands/{command}':
    'global commands are made, read, changed, replaced and removed',
  'DELETE /applications/{application}/commands/{command}':
    'global commands are made, read, changed, replaced and removed',
  'GET /applications/{application}/guilds/{guild}/commands':
    'guild commands live in their guild and hide the global one of their name',
  'POST /applications/{application}/guilds/{guild}/commands':
    'guild commands live in their guild and hide the global one of their name',
  'PUT /applications/{application}/guilds/{guild}/commands':
    'guild commands live in their guild and hide the global one of their name',
  'GET /applications/{application}/guilds/{guild}/commands/{command}':
    'guild commands live in their guild and hide the global one of their name',
  'PATCH /applications/{application}/guilds/{guild}/commands/{command}':
    'guild commands live in their guild and hide the global one of their name',
  'DELETE /applications/{application}/guilds/{guild}/commands/{command}':
    'guild commands live in their guild and hide the global one of their name',
  'POST /interactions/{interaction}/{token}/callback':
    'an answer tells its message when asked, and a second one comes too late',
  'POST /webhooks/{application}/{token}':
    'the follow-up right after a defer edits the deferred answer, and finds no new file for a gallery',
  'GET /webhooks/{application}/{token}/messages/{message}':
    'a deferred answer is loading until it is edited, and is fetched and deleted',
  'PATCH /webhooks/{application}/{token}/messages/{message}':
    'a deferred answer is loading until it is edited, and is fetched and deleted',
  'DELETE /webhooks/{application}/{token}/messages/{message}':
    'a deferred answer is loading until it is edited, and is fetched and deleted',
  'GET /channels/{channel}': 'permissions and membership are enforced per channel',
  'POST /channels/{channel}/messages': 'a message is written, read, listed, changed and deleted by the bot’s own token',
  'GET /channels/{channel}/messages': 'a channel’s messages are read newest first, page by page',
  'GET /channels/{channel}/messages/{message}':
    'a message is written, read, listed, changed and deleted by the bot’s own token',
  'PATCH /channels/{channel}/messages/{message}':
    'a message is written, read, listed, changed and deleted by the bot’s own token',
  'DELETE /channels/{channel}/messages/{message}':
    'a message is written, read, listed, changed and deleted by the bot’s own token',
  'POST /users/@me/channels': 'direct messages reach those who take them',
  'GET /guilds/{guild}': 'permissions and membership are enforced per channel',
  'GET /playground/state': 'the state tells of the people, the channels and who sees them',
  'POST /playground/users/{user}/commands/{name}':
    'what a person gives is converted to each option’s type, with what it means beside it',
  'GET /playground/users/{user}/channels/{channel}/messages': 'direct messages reach those who take them',
  'POST /playground/users/{user}/components': 'a button is pressed and a select is chosen from as a client does it',
  'POST /playground/users/{user}/modals': 'a modal is opened, filled in with files and submitted',
  'GET /playground/users/{user}/autocomplete': 'autocomplete asks the bot and waits for its choices',
  'GET /playground/interactions/{interaction}':
    'an answer tells its message when asked, and a second one comes too late',
  'POST /playground/clock': 'the clock is moved, forward only',
  'POST /playground/faults': 'a fault strikes its route as often as it is told, and is told in the state',
  'GET /playground/messages': 'every message that the bot ever made is listed, with what became of it',
  'DELETE /playground/messages/{message}': 'a message that a moderator deletes is gone for the bot and for everybody',
  'GET /playground/requests': 'what the bot was refused is counted, and what it could have foreseen',
  'DELETE /playground/channels/{channel}': 'a deleted channel takes its messages along',
  'PATCH /playground/channels/{channel}': 'permissions of the bot are taken and given while it runs',
  'PATCH /playground/users/{user}': 'a user closes and opens their direct messages',
  'PATCH /playground/guilds/{guild}': 'the bot is removed from its guild and added again',
  'GET /playground/events': 'what changes is told as it happens, to those who may see it',
  'GET /cdn/avatars/{user}/{name}': 'the state tells of the people, the channels and who sees them',
  'GET /cdn/attachments/{channel}/{attachment}/{name}':
    'the address of a file expires, cannot be made up, and is fresh on every message',
  'GET /cdn/ephemeral-attachments/{application}/{attachment}/{name}':
    'what a person gives is converted to each option’s type, with what it means beside it',
};
