import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

const SPEC = new URL('../../../shared/discord-openapi.json', import.meta.url);

const Line = z.object({
  method: z.string(),
  route: z.string(),
  params: z.record(z.string(), z.string()),
  body: z.unknown().optional(),
});
const Spec = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

interface Check {
  request(line: z.infer<typeof Line>): string | undefined;
  answer(method: string, path: string, body: unknown): string | undefined;
}
let check: Promise<Check | undefined> | undefined;

/**
 * Checks every request body of a recording against Discord's own schema, and throws with all that is wrong. Returns how
 * many bodies were checked: 0 where the schema is not at hand.
 */
export async function checkRecording(path: string): Promise<number> {
  const schema = await (check ??= load());
  if (!schema) return 0;
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  const requests = lines.map((line) => Line.parse(JSON.parse(line))).filter(({ body }) => body !== undefined);
  const problems = requests.flatMap((request) => {
    const problem = schema.request(request);
    return problem === undefined
      ? []
      : [`${request.method} ${request.route}: ${problem}\n${JSON.stringify(request.body)}`];
  });
  if (problems.length > 0) throw new Error(problems.join('\n\n'));
  return requests.length;
}

/** What Discord's own schema has against a 200 answer of this route; `undefined`: nothing, or it is not at hand. */
export async function wrongAnswer(method: string, route: string, body: unknown): Promise<string | undefined> {
  const schema = await (check ??= load());
  return schema?.answer(method, route, body);
}

async function load(): Promise<Check | undefined> {
  if (!existsSync(SPEC)) return undefined;
  const json: unknown = JSON.parse(await readFile(SPEC, 'utf8'));
  const { paths } = Spec.parse(json);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(z.record(z.string(), z.unknown()).parse(json), 'discord');
  const byShape = new Map(Object.keys(paths).map((path) => [shape(path), path]));

  function wrong(route: string, method: string, inOperation: readonly string[], body: unknown) {
    const path = byShape.get(shape(route));
    if (path === undefined || !paths[path]?.[method.toLowerCase()]) return 'Discord has no such route';
    const pointer = [path, method.toLowerCase(), ...inOperation, 'content', 'application/json', 'schema'];
    const reference = `discord#/paths/${pointer.map((part) => encodeURIComponent(part.replaceAll('/', '~1'))).join('/')}`;
    const validate = ajv.getSchema(reference) ?? ajv.compile({ $ref: reference });
    return validate(body) ? undefined : ajv.errorsText(validate.errors);
  }

  return {
    request({ method, route, params, body }) {
      const own = params['message'] === '@original' ? route.replace('{message}', '@original') : route;
      return wrong(own, method, ['requestBody'], withNumbers(body));
    },
    answer: (method, route, body) => wrong(route, method, ['responses', '200'], body),
  };
}

function shape(path: string): string {
  return path.replaceAll(/\{\w+\}/gu, '{}');
}

/** The schema has these permissions as a number; the documentation and discord.js have a string of digits. */
function withNumbers(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withNumbers);
  const command = z.looseObject({ default_member_permissions: z.string() }).safeParse(body);
  if (!command.success) return body;
  return { ...command.data, default_member_permissions: Number(command.data.default_member_permissions) };
}
